//! Locks that take several codes in one go.

use keyway_lock::RadioEvent;

use super::lock::FakeLock;
use super::world::{FRONT, World};
use crate::model::Presence;

/// A world in which the front door's lock takes three changes at once.
async fn world() -> World {
    let mut world = World::new().await;
    let mut info = FakeLock::info(false);
    info.capabilities.changes_at_once = 3;
    world.report(RadioEvent::LockInterviewed(FRONT, info)).await;
    world
}

fn changes(world: &mut World) -> Vec<String> {
    let asked = &world.lock(FRONT).asked;
    let question = |command: &String| ["read", "status", "log"].iter().any(|word| command.starts_with(word));
    asked.iter().filter(|command| !question(command)).cloned().collect()
}

#[tokio::test]
async fn codes_that_begin_and_end_together_are_written_together_and_removals_go_first() {
    let mut world = world().await;
    for _ in 0..2 {
        world.grant(&[FRONT], 200, 400).await.unwrap();
    }
    for _ in 0..4 {
        world.grant(&[FRONT], 400, 600).await.unwrap();
    }
    world.run_until(300).await;
    assert_eq!(world.pins(FRONT).len(), 2);
    world.run_until(500).await;
    assert_eq!(world.pins(FRONT).len(), 4);
    assert_eq!(changes(&mut world), ["change 2", "change 2", "change 3", "set 4"]);
    world.run_until(700).await;
    assert!(world.pins(FRONT).is_empty());
    let events = world.events("access_code").await;
    assert_eq!(events.iter().filter(|event| **event == "access_code.set_on_device").count(), 6);
    assert_eq!(events.iter().filter(|event| **event == "access_code.removed_from_device").count(), 6);
}

#[tokio::test]
async fn one_that_is_refused_keeps_no_other_out() {
    let mut world = world().await;
    let grants = [world.grant(&[FRONT], 200, 900).await.unwrap(), world.grant(&[FRONT], 200, 900).await.unwrap()];
    // The first one's PIN is in another slot already.
    let slot = world.code(&grants[0]).await.slot.0;
    let other = (1..=FakeLock::SLOTS).rev().find(|other| *other != slot).unwrap();
    world.run_until(190).await;
    world.lock(FRONT).slots.insert(other, grants[0].pin.clone());
    world.run_until(300).await;
    assert!(!matches!(world.code(&grants[0]).await.presence, Presence::Proven(..)));
    assert!(world.code(&grants[0]).await.problem.is_some());
    assert!(matches!(world.code(&grants[1]).await.presence, Presence::Proven(..)));
}

#[tokio::test]
async fn whatever_the_power_does_each_code_is_in_the_lock_once() {
    for carried_out in [false, true] {
        let mut world = world().await;
        let grants = [world.grant(&[FRONT], 200, 900).await.unwrap(), world.grant(&[FRONT], 200, 900).await.unwrap()];
        world.run_until(199).await;
        world.lock(FRONT).faults.lost_answers = 1;
        world.run_until(200).await;
        world.restart(carried_out).await;
        world.run_until(400).await;
        let mut pins = world.pins(FRONT);
        pins.sort();
        let mut wanted = grants.map(|grant| grant.pin);
        wanted.sort();
        assert_eq!(pins, wanted);
        world.run_until(1100).await;
        assert!(world.pins(FRONT).is_empty());
    }
}
