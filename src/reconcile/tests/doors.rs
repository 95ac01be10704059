//! The job itself: in at the start, out at the end, proven, told.

use keyway_lock::{AutoLock, Evidence, LockEvent, SlotNumber, UnlockSource};

use super::world::{FRONT, GATE, World};
use crate::model::{ActionStatus, ActionType, Presence};
use crate::store::{CodeChange, JournalEntry};

#[tokio::test]
async fn the_pin_is_in_the_lock_between_its_times_and_not_outside_them() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 100, 200).await.unwrap();
    world.run_until(99).await;
    assert!(world.pins(FRONT).is_empty());
    world.run_until(100).await;
    assert_eq!(world.pins(FRONT), [grant.pin.as_str()]);
    world.run_until(199).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
    world.run_until(200).await;
    assert!(world.pins(FRONT).is_empty());
    assert!(world.pins(GATE).is_empty());
    let trail = ["access_code.set_on_device", "access_code.removed_from_device"];
    assert_eq!(world.events("access_code").await, trail);
    assert_eq!(world.events("access_method").await, ["access_method.issued", "access_method.revoked"]);
}

#[tokio::test]
async fn at_the_start_and_at_the_end_the_slot_is_looked_at_and_written_and_before_that_the_lock_sleeps() {
    let mut world = World::new().await;
    world.grant(&[FRONT], 600, 1200).await.unwrap();
    world.run_until(599).await;
    let before = world.lock(FRONT).asked.len();
    world.run_until(600).await;
    assert_eq!(world.lock(FRONT).asked[before..], ["read 1", "set 1"]);
    world.run_until(659).await;
    assert_eq!(world.lock(FRONT).asked[before..], ["read 1", "set 1"]);
    world.run_until(1199).await;
    assert_eq!(world.lock(FRONT).asked[before..], ["read 1", "set 1", "read 1"], "the audit");
    world.run_until(1200).await;
    assert_eq!(world.lock(FRONT).asked[before + 3..], ["read 1", "clear 1"]);
}

#[tokio::test]
async fn inside_the_window_a_method_is_issued_when_every_door_has_proven_it() {
    let mut world = World::new().await;
    world.lock(GATE).faults.offline = true;
    let grant = world.grant(&[FRONT, GATE], 0, 900).await.unwrap();
    world.run_until(20).await;
    assert_eq!(world.pins(FRONT), [grant.pin.as_str()]);
    assert!(!world.events("access_method").await.contains(&"access_method.issued"));
    world.lock(GATE).faults.offline = false;
    world.run_until(100).await;
    assert_eq!(world.pins(GATE), [grant.pin]);
    assert_eq!(world.events("access_method.issued").await.len(), 1);
    assert_eq!(world.events("access_grant.access_granted").await.len(), 1);
}

#[tokio::test]
async fn a_deleted_code_leaves_the_lock_at_once_before_another_is_put_in() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 9000).await.unwrap();
    world.run_until(3000).await;
    world.delete(&grant).await;
    let next = world.grant(&[FRONT], 3000, 9000).await.unwrap();
    let before = world.lock(FRONT).asked.len();
    world.pump().await;
    assert_eq!(world.pins(FRONT), [next.pin]);
    let asked = &world.lock(FRONT).asked[before..];
    assert_eq!(asked[..2], ["read 1", "clear 1"], "{asked:?}");
}

#[tokio::test]
async fn the_history_of_a_code_says_what_was_intended_and_how_it_was_proven() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 10, 20).await.unwrap();
    world.run_until(30).await;
    let id = grant.codes[0];
    let history: Vec<JournalEntry> =
        world.read(move |unit| unit.journal(id)).await.into_iter().map(|(_, entry)| entry).collect();
    let expected = [
        JournalEntry::Intended(CodeChange::Set),
        JournalEntry::Confirmed(CodeChange::Set, Evidence::ReadBack),
        JournalEntry::Intended(CodeChange::Clear),
        JournalEntry::Confirmed(CodeChange::Clear, Evidence::ReadBack),
    ];
    assert_eq!(history, expected);
}

#[tokio::test]
async fn who_unlocked_is_told_with_the_code_and_the_person() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 900).await.unwrap();
    world.pump().await;
    let slot = Some(world.code(&grant).await.slot);
    world.tells(FRONT, LockEvent::Unlocked { source: UnlockSource::Keypad, slot }).await;
    world.tells(FRONT, LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SlotNumber(4)) }).await;
    let events =
        world.read(|unit| unit.events(&crate::store::EventFilter { limit: Some(100), ..Default::default() })).await;
    let unlocked: Vec<_> = events.iter().filter(|event| event.event_type.name() == "lock.unlocked").collect();
    assert!(unlocked.iter().all(|event| event.details["method"] == "keycode"));
    let known = unlocked.iter().filter(|event| event.subject.access_grant_id == Some(grant.id)).count();
    assert_eq!((unlocked.len(), known), (2, 1), "nobody is named for a slot that is not ours");
    assert!(unlocked.iter().any(|event| event.subject.user_identity_id.is_some()));
}

#[tokio::test]
async fn an_unlock_is_carried_out_and_its_attempt_told() {
    let mut world = World::new().await;
    let id = world.ask_for(FRONT, ActionType::UnlockDoor).await;
    world.pump().await;
    assert!(!world.lock(FRONT).locked);
    assert_eq!(world.attempt(id).await, ActionStatus::Success);
    world.lock(FRONT).faults.jammed = true;
    let id = world.ask_for(FRONT, ActionType::LockDoor).await;
    world.pump().await;
    assert!(matches!(world.attempt(id).await, ActionStatus::Error { error_type, .. } if error_type == "jammed"));
    let told = ["action_attempt.unlock_door.succeeded", "action_attempt.lock_door.failed"];
    assert_eq!(world.events("action_attempt").await, told);
}

#[tokio::test]
async fn an_auto_lock_is_set_as_it_was_asked_for_and_told() {
    let mut world = World::new().await;
    let id = world.ask_for(FRONT, ActionType::ConfigureAutoLock(AutoLock::from_seconds(90))).await;
    world.pump().await;
    assert!(world.lock(FRONT).asked.contains(&"auto-lock 90".to_owned()));
    assert_eq!(world.attempt(id).await, ActionStatus::Success);
    world.lock(FRONT).faults.offline = true;
    world.run_until(5).await;
    let id = world.ask_for(FRONT, ActionType::ConfigureAutoLock(AutoLock::Off)).await;
    world.run_until(60).await;
    assert!(
        matches!(world.attempt(id).await, ActionStatus::Error { error_type, .. } if error_type == "device_offline")
    );
    let told = ["action_attempt.configure_auto_lock.succeeded", "action_attempt.configure_auto_lock.failed"];
    assert_eq!(world.events("action_attempt").await, told);
}

#[tokio::test]
async fn an_unlock_that_was_under_way_when_the_power_went_is_not_carried_out_again() {
    let mut world = World::new().await;
    let id = world.ask_for(FRONT, ActionType::UnlockDoor).await;
    world.pump_steps(1).await;
    world.restart(false).await;
    world.run_until(5).await;
    assert!(world.lock(FRONT).locked);
    assert!(matches!(world.attempt(id).await, ActionStatus::Error { error_type, .. } if error_type == "interrupted"));
}

#[tokio::test]
async fn a_clock_that_is_not_trusted_moves_nothing_and_one_that_is_corrected_moves_at_once() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 1000, 2000).await.unwrap();
    world.pump().await;
    world.set_clock(1500, false);
    world.pump().await;
    assert!(world.pins(FRONT).is_empty());
    world.set_clock(1500, true);
    world.pump().await;
    assert_eq!(world.pins(FRONT), [grant.pin.as_str()]);
    world.set_clock(-5000, false);
    world.pump().await;
    assert_eq!(world.pins(FRONT), [grant.pin.as_str()], "a clock that went back takes nobody's code");
    world.set_clock(2000, true);
    world.pump().await;
    assert!(world.pins(FRONT).is_empty());
    assert_eq!(world.code(&grant).await.presence, Presence::Absent);
}

#[tokio::test]
async fn a_slot_that_the_lock_does_not_let_be_asked_for_is_left_alone_and_holds_up_no_other() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.refuses_read = Some(1);
    world.run_until(200).await;
    let grant = world.grant(&[FRONT], 200, 900).await.unwrap();
    world.run_until(201).await;
    assert_eq!(world.pins(FRONT), [grant.pin.as_str()]);
    assert!(world.lock(FRONT).slots.contains_key(&2), "{:?}", world.lock(FRONT).slots);
    world.run_until(450).await;
    let asked = |world: &mut World| world.lock(FRONT).asked.iter().filter(|asked| *asked == "read 1").count();
    assert_eq!(asked(&mut world), 2, "at the start of all, and for the guest");
}

#[tokio::test]
async fn a_code_whose_slot_can_not_be_looked_at_for_a_while_is_taken_out_after_it() {
    let mut world = World::new().await;
    world.grant(&[FRONT], 0, 600).await.unwrap();
    world.run_until(599).await;
    world.lock(FRONT).faults.refuses_read = Some(1);
    world.run_until(800).await;
    world.lock(FRONT).faults.refuses_read = None;
    let gate = world.grant(&[GATE], 800, 9000).await.unwrap();
    world.run_until(901).await;
    assert_eq!((world.pins(FRONT), world.pins(GATE)), (vec![], vec![gate.pin]));
}
