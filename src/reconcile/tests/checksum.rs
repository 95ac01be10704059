//! Locks that tell a checksum over all their codes: one question in place of many.

use keyway_lock::{LockEvent, LockInfo, RadioEvent, SlotNumber};

use super::lock::FakeLock;
use super::world::{FRONT, World};
use crate::model::Presence;

const HOUR: i64 = 3600;

/// A world in which the front door's lock has a checksum, and all its slots have been read.
async fn world() -> World {
    let mut world = World::new().await;
    let mut info: LockInfo = FakeLock::info(false);
    info.capabilities.has_checksum = true;
    world.report(RadioEvent::LockInterviewed(FRONT, info)).await;
    world.run_until(300).await;
    world.lock(FRONT).asked.clear();
    world
}

fn asked(world: &mut World, beginning: &str) -> usize {
    world.lock(FRONT).asked.iter().filter(|command| command.starts_with(beginning)).count()
}

#[tokio::test]
async fn a_lock_at_rest_is_asked_one_question_an_hour_for_all_its_slots() {
    let mut world = world().await;
    let grant = world.grant(&[FRONT], 400, 100 * HOUR).await.unwrap();
    world.run_until(500).await;
    world.lock(FRONT).asked.clear();
    world.run_until(10 * HOUR).await;
    assert_eq!(asked(&mut world, "read"), 0, "{:?}", world.lock(FRONT).asked);
    assert!((8..=12).contains(&asked(&mut world, "check 4")), "{:?}", world.lock(FRONT).asked);
    assert!(matches!(world.code(&grant).await.presence, Presence::Proven(..)));
    assert_eq!(world.pins(FRONT), [grant.pin]);
}

#[tokio::test]
async fn a_code_that_no_event_told_of_is_found_within_two_hours() {
    let mut world = world().await;
    world.run_until(2 * HOUR).await;
    world.lock(FRONT).slots.insert(4, "4711".to_owned());
    world.run_until(4 * HOUR).await;
    let device = world.devices[&FRONT];
    assert_eq!(world.read(move |unit| unit.unmanaged_codes(device)).await.len(), 1);
    world.lock(FRONT).asked.clear();
    world.run_until(8 * HOUR).await;
    assert_eq!(asked(&mut world, "read"), 0, "the checksum agrees again: {:?}", world.lock(FRONT).asked);
}

#[tokio::test]
async fn a_checksum_that_never_agrees_is_asked_for_once_and_the_slots_are_read_as_ever() {
    let mut world = world().await;
    world.lock(FRONT).faults.odd_checksum = true;
    world.run_until(12 * HOUR).await;
    assert_eq!(asked(&mut world, "check"), 1);
    assert!((8..=14).contains(&asked(&mut world, "read")), "{:?}", world.lock(FRONT).asked);
}

#[tokio::test]
async fn before_many_codes_leave_one_question_makes_sure_of_all_and_an_answer_that_gets_lost_stops_nothing() {
    for lost_answers in [0, 1] {
        let mut world = world().await;
        for _ in 0..3 {
            world.grant(&[FRONT], 400, 10_000).await.unwrap();
        }
        world.run_until(9_900).await;
        assert_eq!(world.pins(FRONT).len(), 3);
        world.lock(FRONT).asked.clear();
        // Away while the slots would have been made sure of.
        world.lock(FRONT).faults.offline = true;
        world.run_until(10_100).await;
        world.lock(FRONT).asked.clear();
        (world.lock(FRONT).faults.offline, world.lock(FRONT).faults.lost_answers) = (false, lost_answers);
        world.run_until(10_200).await;
        assert!(world.pins(FRONT).is_empty());
        let reads = asked(&mut world, "read");
        assert_eq!(reads == 0, lost_answers == 0, "{:?}", world.lock(FRONT).asked);
    }
}

#[tokio::test]
async fn of_slots_that_the_lock_told_of_only_those_are_read_before_the_one_question() {
    let mut world = world().await;
    for _ in 0..3 {
        world.grant(&[FRONT], 400, 10_000).await.unwrap();
    }
    world.run_until(405).await;
    // As late as that it tells of what we did.
    world.tells(FRONT, LockEvent::CodeAdded(Some(SlotNumber(2)))).await;
    world.lock(FRONT).asked.clear();
    world.run_until(500).await;
    assert_eq!(world.lock(FRONT).asked, ["read 2", "check 4"]);
}
