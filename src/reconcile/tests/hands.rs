//! Hands at the keypad (I3), and locks that do not show their codes.

use keyway_lock::{LockEvent, SlotContent, UnlockSource};

use super::world::{FRONT, World};
use crate::model::{Presence, ProblemKind};

#[tokio::test]
async fn a_code_put_in_by_hand_is_seen_at_once_and_never_touched() {
    let mut world = World::new().await;
    world.run_until(60).await;
    world.by_hand(FRONT, 1, Some("4711")).await;
    world.pump().await;
    let device = world.devices[&FRONT];
    assert_eq!(world.read(move |unit| unit.unmanaged_codes(device)).await.len(), 1);
    let grant = world.grant(&[FRONT], 60, 500).await.unwrap();
    world.run_until(9000).await;
    assert_eq!(world.pins(FRONT), ["4711"]);
    assert_eq!(world.code(&grant).await.presence, Presence::Absent);
    world.by_hand(FRONT, 1, None).await;
    world.pump().await;
    assert!(world.read(move |unit| unit.unmanaged_codes(device)).await.is_empty());
    let told = ["access_code.unmanaged.created", "access_code.unmanaged.removed"];
    assert_eq!(world.events("access_code.unmanaged").await, told);
}

#[tokio::test]
async fn a_slot_taken_by_hand_before_the_start_is_left_and_the_code_takes_another() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 30, 500).await.unwrap();
    world.pump().await;
    let planned = world.code(&grant).await.slot;
    world.by_hand(FRONT, planned.0, Some("4711")).await;
    world.run_until(31).await;
    let mut pins = world.pins(FRONT);
    pins.sort();
    let mut expected = ["4711".to_owned(), grant.pin.clone()];
    expected.sort();
    assert_eq!(pins, expected);
    assert_ne!(world.code(&grant).await.slot, planned);
}

#[tokio::test]
async fn a_code_deleted_by_hand_within_its_window_is_put_back() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 5000).await.unwrap();
    world.run_until(1000).await;
    let slot = world.code(&grant).await.slot;
    world.by_hand(FRONT, slot.0, None).await;
    world.run_until(1001).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
    assert_eq!(world.events("access_code.deleted_external").await.len(), 1);
    assert_eq!(world.events("access_grant.access_granted").await.len(), 1, "being put back is no news of access");
}

#[tokio::test]
async fn a_code_changed_by_hand_while_the_disk_is_full_is_put_back_once_it_has_room() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 50_000).await.unwrap();
    world.run_until(1000).await;
    let slot = world.code(&grant).await.slot;
    world.set_disk_full(true);
    world.by_hand(FRONT, slot.0, Some("4711")).await;
    world.run_until(2000).await;
    assert_eq!(world.pins(FRONT), ["4711"], "what is not written down first is not done");
    world.set_disk_full(false);
    world.run_until(2060).await;
    assert!(world.pins(FRONT).contains(&grant.pin));
    assert_eq!(world.events("access_code.modified_external").await.len(), 1);
}

/// Of a lock that shows no digits, its word is all that tells of the hand.
#[tokio::test]
async fn what_a_lock_tells_while_the_disk_is_full_is_kept_and_written_down_once_it_has_room() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.masked = true;
    let grant = world.grant(&[FRONT], 0, 50_000).await.unwrap();
    world.run_until(1000).await;
    let slot = world.code(&grant).await.slot;
    let turned = |locked| {
        let (source, slot) = (UnlockSource::Manual, None);
        if locked { LockEvent::Locked { source, slot } } else { LockEvent::Unlocked { source, slot } }
    };
    world.set_disk_full(true);
    world.by_hand(FRONT, slot.0, Some("4711")).await;
    world.tells(FRONT, turned(false)).await;
    world.run_until(2000).await;
    world.set_disk_full(false);
    world.tells(FRONT, turned(true)).await;
    assert_eq!(world.events("lock.").await, Vec::<&str>::new(), "it has to wait behind what was told before");
    world.run_until(2060).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
    assert_eq!(world.events("access_code.modified_external").await.len(), 1);
    assert_eq!(world.events("lock.").await, ["lock.unlocked", "lock.locked"]);
}

#[tokio::test]
async fn a_code_changed_by_hand_is_put_back_beside_the_other_which_is_left() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 5000).await.unwrap();
    world.run_until(1000).await;
    let slot = world.code(&grant).await.slot;
    world.by_hand(FRONT, slot.0, Some("4711")).await;
    world.run_until(1001).await;
    assert!(world.pins(FRONT).contains(&grant.pin) && world.pins(FRONT).contains(&"4711".to_owned()));
    assert_eq!(world.events("access_code.modified_external").await.len(), 1);
    world.run_until(5001).await;
    assert_eq!(world.pins(FRONT), ["4711"]);
}

#[tokio::test]
async fn a_code_set_and_then_lost_is_found_missing_a_minute_later() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 5000).await.unwrap();
    world.run_until(10).await;
    world.lock(FRONT).slots.clear();
    world.run_until(59).await;
    assert!(world.pins(FRONT).is_empty(), "the lock told nothing");
    world.run_until(61).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
}

#[tokio::test]
async fn a_masked_lock_is_believed_by_its_word_and_not_written_again() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.masked = true;
    world.grant(&[FRONT], 0, 50_000).await.unwrap();
    world.run_until(49_000).await;
    let sets = world.lock(FRONT).asked.iter().filter(|asked| asked.starts_with("set")).count();
    assert_eq!(sets, 1);
    world.run_until(50_001).await;
    assert!(world.pins(FRONT).is_empty());
}

#[tokio::test]
async fn a_masked_code_changed_by_hand_is_written_again() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.masked = true;
    let grant = world.grant(&[FRONT], 0, 5000).await.unwrap();
    world.run_until(1000).await;
    let slot = world.code(&grant).await.slot;
    world.by_hand(FRONT, slot.0, Some("4711")).await;
    world.run_until(1001).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
    assert_eq!(world.events("access_code.modified_external").await.len(), 1);
}

#[tokio::test]
async fn a_masked_code_that_its_lock_has_proven_by_a_checksum_is_written_again_when_a_hand_changes_it() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 5000).await.unwrap();
    world.run_until(1000).await;
    let slot = world.code(&grant).await.slot;
    // Until now the digits were known, as by a checksum that agrees.
    world.lock(FRONT).faults.masked = true;
    world.by_hand(FRONT, slot.0, Some("4711")).await;
    world.run_until(1002).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
    assert_eq!(world.events("access_code.modified_external").await.len(), 1);
}

#[tokio::test]
async fn the_echo_of_our_own_set_is_not_taken_for_a_hand() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 5000).await.unwrap();
    world.pump().await;
    let slot = world.code(&grant).await.slot;
    let before = world.lock(FRONT).asked.len();
    world.tells(FRONT, LockEvent::CodeAdded(Some(slot))).await;
    world.run_until(3).await;
    assert_eq!(world.lock(FRONT).asked.len(), before);
}

#[tokio::test]
async fn a_code_deleted_by_hand_right_after_our_own_set_is_missed_at_once() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 5000).await.unwrap();
    world.pump().await;
    let slot = world.code(&grant).await.slot;
    world.by_hand(FRONT, slot.0, None).await;
    world.run_until(1).await;
    assert_eq!(world.events("access_code.deleted_external").await.len(), 1);
    assert_eq!(world.pins(FRONT), [grant.pin]);
}

#[tokio::test]
async fn a_hand_right_after_our_own_set_is_not_cleared_with_our_code() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 9, 19).await.unwrap();
    world.run_until(9).await;
    let slot = world.code(&grant).await.slot;
    world.by_hand(FRONT, slot.0, Some("4711")).await;
    world.run_until(30).await;
    assert_eq!(world.pins(FRONT), ["4711"]);
}

#[tokio::test]
async fn a_pin_that_the_lock_already_holds_stops_at_the_first_try_and_goes_on_when_it_has_left() {
    let mut world = World::new().await;
    world.run_until(60).await;
    let grant = world.grant(&[FRONT], 100, 5000).await.unwrap();
    world.run_until(80).await;
    // Without a word of the lock: else the hub would know.
    let pin = grant.pin.clone();
    world.lock(FRONT).slots.insert(4, pin.clone());
    world.run_until(900).await;
    let sets = world.lock(FRONT).asked.iter().filter(|asked| asked.starts_with("set")).count();
    assert_eq!(sets, 1);
    let problem = world.code(&grant).await.problem.unwrap();
    assert_eq!(problem.kind, ProblemKind::FailedToSet);
    assert!(problem.message.contains("already holds this PIN") && !problem.message.contains(&pin), "{problem:?}");
    world.by_hand(FRONT, 4, None).await;
    world.run_until(901).await;
    assert_eq!(world.locks[&FRONT].slots.get(&world.code(&grant).await.slot.0), Some(&pin));
    assert_eq!(world.code(&grant).await.problem, None);
}

#[tokio::test]
async fn a_full_lock_is_told_of_before_the_start_and_used_when_a_slot_gets_free() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 500, 5000).await.unwrap();
    world.run_until(100).await;
    for slot in 1..=4 {
        world.by_hand(FRONT, slot, Some(&format!("471{slot}"))).await;
    }
    world.run_until(110).await;
    let problem = world.code(&grant).await.problem.unwrap();
    assert!(problem.message.contains("full"), "{problem:?}");
    assert_eq!(world.events("access_code.failed_to_set").await.len(), 1);
    world.by_hand(FRONT, 3, None).await;
    world.run_until(501).await;
    assert_eq!(world.locks[&FRONT].slots.get(&3), Some(&grant.pin));
    let device = world.devices[&FRONT];
    let words = world.read(move |unit| unit.slots(device)).await;
    assert!(words.iter().any(|word| matches!(&word.report.content, SlotContent::Code(pin) if pin.expose() == "4711")));
}

#[tokio::test]
async fn what_a_lock_tells_of_a_set_before_it_has_proven_it_costs_no_read_later() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.tells = true;
    let grant = world.grant(&[FRONT], 0, 900).await.unwrap();
    world.run_until(10).await;
    world.lock(FRONT).asked.clear();
    world.delete(&grant).await;
    world.pump().await;
    assert_eq!(world.lock(FRONT).asked, ["clear 1"]);
}
