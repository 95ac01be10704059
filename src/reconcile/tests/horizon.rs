//! Guests of far times: no turn reads them, and none of them is forgotten.

use keyway_lock::{LockEvent, RadioEvent, UnlockSource};

use super::world::{FRONT, World};
use crate::model::ProblemKind;

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_code_of_a_far_day_goes_in_on_that_day_though_nothing_happens_before() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 5 * DAY, 6 * DAY).await.unwrap();
    world.run_until(5 * DAY - 1).await;
    assert!(world.pins(FRONT).is_empty());
    world.run_until(5 * DAY).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
    world.run_until(6 * DAY).await;
    assert!(world.pins(FRONT).is_empty());
}

#[tokio::test]
async fn all_codes_of_far_days_are_told_of_when_their_lock_is_lost_and_again_when_it_is_back() {
    let mut world = World::new().await;
    let mut grants = Vec::new();
    for day in 3..303 {
        grants.push(world.grant(&[FRONT], day * DAY, (day + 1) * DAY).await.unwrap());
    }
    world.run_until(100).await;
    let told = async |world: &World| {
        let codes = world.codes(FRONT).await;
        codes.iter().filter_map(|code| code.problem.clone()).map(|problem| problem.kind).collect::<Vec<_>>()
    };
    assert!(told(&world).await.is_empty());
    world.lock(FRONT).faults.offline = true;
    world.report(RadioEvent::LockReachable(FRONT, false)).await;
    world.pump().await;
    assert_eq!(told(&world).await, vec![ProblemKind::WillNotWork; grants.len()]);
    world.lock(FRONT).faults.offline = false;
    world.report(RadioEvent::LockReachable(FRONT, true)).await;
    world.pump().await;
    assert!(told(&world).await.is_empty());
}

#[tokio::test]
async fn a_code_of_a_far_day_whose_slot_is_taken_by_hand_gets_one_that_no_other_has_then() {
    let mut world = World::new().await;
    let (one, other) = (
        world.grant(&[FRONT], 10 * DAY, 11 * DAY).await.unwrap(),
        world.grant(&[FRONT], 10 * DAY, 12 * DAY).await.unwrap(),
    );
    world.pump().await;
    let planned = world.code(&one).await.slot;
    world.by_hand(FRONT, planned.0, Some("4711")).await;
    world.run_until(60).await;
    let (moved, stayed) = (world.code(&one).await.slot, world.code(&other).await.slot);
    assert!(moved != planned && moved != stayed, "{moved} beside {stayed}");
}

/// What it costs that somebody turns the bolt, with so many guests to come.
async fn turn_among(guests: i64) -> u64 {
    let mut world = World::new().await;
    for day in 3..3 + guests {
        world.grant(&[FRONT], day * DAY, (day + 1) * DAY).await.unwrap();
    }
    world.run_until(100).await;
    let before = world.steps();
    world.tells(FRONT, LockEvent::Unlocked { source: UnlockSource::Keypad, slot: None }).await;
    world.pump().await;
    world.steps() - before
}

#[tokio::test]
async fn a_lock_s_turn_costs_no_more_because_more_guests_are_to_come() {
    let (few, many) = (turn_among(10).await, turn_among(300).await);
    assert!(many <= few + few / 20, "{few} steps among 10 guests, {many} among 300");
}
