//! Locks that can't be reached, answer badly or refuse (I1, I2, I9).

use keyway_lock::{Pin, RadioEvent, StickState};

use super::world::{FRONT, GATE, World};
use crate::model::{ActionStatus, ActionType, Presence, ProblemKind};

fn count(asked: &[String], what: &str) -> usize {
    asked.iter().filter(|asked| asked.starts_with(what)).count()
}

#[tokio::test]
async fn one_lock_that_is_offline_delays_no_other() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.offline = true;
    let grant = world.grant(&[FRONT, GATE], 10, 900).await.unwrap();
    world.run_until(10).await;
    assert_eq!(world.pins(GATE), [grant.pin]);
    assert!(world.pins(FRONT).is_empty());
}

#[tokio::test]
async fn an_offline_lock_is_tried_with_growing_pauses_and_at_once_when_it_is_heard() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.offline = true;
    let grant = world.grant(&[FRONT], 3600, 90_000).await.unwrap();
    world.run_until(3600).await;
    let tries = world.lock(FRONT).asked.len();
    assert!((5..40).contains(&tries), "{tries} tries in an hour in which nothing was due");
    world.run_until(7200).await;
    let tries = world.lock(FRONT).asked.len() - tries;
    assert!((150..200).contains(&tries), "{tries} tries in an hour in which a guest waited");
    world.lock(FRONT).faults.offline = false;
    world.report(RadioEvent::LockReachable(FRONT, true)).await;
    world.pump().await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
    assert_eq!(world.events("device.connected").await.len(), 3, "two at the start, one now");
    assert_eq!(world.events("device.disconnected").await.len(), 1);
}

#[tokio::test]
async fn to_ask_a_lock_again_whether_it_is_back_its_codes_and_slots_are_not_read_again() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.offline = true;
    world.lock(GATE).faults.offline = true;
    world.grant(&[FRONT, GATE], 80_000, 90_000).await.unwrap();
    world.run_until(4000).await;
    let mut steps = Vec::new();
    for _ in 0..40 {
        steps.push(world.next_moment().await);
    }
    // Once an hour they are, in case that something was not heard.
    let first = steps[0].max(steps[1]);
    let read = steps.iter().filter(|steps| **steps * 4 >= first).count();
    assert!(read <= 8, "{read} times: {steps:?}");
}

#[tokio::test]
async fn a_due_code_that_is_not_in_its_lock_is_told_of_and_the_alarm_ends_with_the_proof() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.offline = true;
    let grant = world.grant(&[FRONT], 0, 90_000).await.unwrap();
    world.run_until(11).await;
    assert_eq!(world.code(&grant).await.problem.unwrap().kind, ProblemKind::DelayInSetting);
    assert_eq!(world.events("access_code.delay_in_setting").await.len(), 1);
    assert_eq!(world.events("access_method").await, ["access_method.failed_to_issue"], "it has begun");
    world.lock(FRONT).faults.offline = false;
    world.run_until(400).await;
    assert_eq!(world.code(&grant).await.problem, None);
}

#[tokio::test]
async fn a_code_that_would_not_get_into_its_lock_is_told_of_when_it_is_made_an_hour_before_and_at_its_start() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.offline = true;
    // Found out by a code that is due.
    world.grant(&[FRONT], 0, 50).await.unwrap();
    world.run_until(1000).await;
    let before = world.events("access_code.delay_in_setting").await.len();
    world.grant(&[FRONT], 20_000, 30_000).await.unwrap();
    let mut told = Vec::new();
    for seconds in [1001, 16_300, 16_500, 19_900, 20_100, 25_000] {
        world.run_until(seconds).await;
        told.push(world.events("access_code.delay_in_setting").await.len() - before);
    }
    assert_eq!(told, [1, 1, 2, 2, 3, 3]);
}

#[tokio::test]
async fn what_is_ordered_behind_its_start_and_does_not_get_in_is_told_of_each_time_anew() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 90_000).await.unwrap();
    world.run_until(1000).await;
    // It answered just now: the order itself can't tell that it won't do so again.
    world.lock(FRONT).faults.offline = true;
    let mut told = Vec::new();
    for (second, pin) in [(1000, "13579013"), (2000, "24680246")] {
        world.run_until(second).await;
        world
            .change(&grant, |code| {
                (code.pin, code.presence, code.problem) = (Some(Pin::new(pin).unwrap()), Presence::Absent, None);
            })
            .await;
        world.run_until(second + 11).await;
        told.push(world.events("access_code.delay_in_setting").await.len());
    }
    assert_eq!(told, [1, 2]);
}

#[tokio::test]
async fn a_code_that_is_over_stays_an_alarm_until_the_lock_can_be_reached_and_has_let_it_go() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 100).await.unwrap();
    world.run_until(50).await;
    world.lock(FRONT).faults.offline = true;
    world.run_until(2000).await;
    assert_eq!(world.code(&grant).await.problem.unwrap().kind, ProblemKind::DelayInRemoving);
    assert_eq!(world.events("access_code.delay_in_removing").await.len(), 1);
    world.lock(FRONT).faults.offline = false;
    world.report(RadioEvent::LockReachable(FRONT, true)).await;
    world.pump().await;
    assert!(world.pins(FRONT).is_empty());
    assert_eq!(world.code(&grant).await.problem, None);
    assert_eq!(world.events("access_code.removed").await.len(), 1);
}

#[tokio::test]
async fn a_lock_that_comes_back_without_a_word_is_rid_of_a_code_that_is_over_within_seconds() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 100).await.unwrap();
    world.pump().await;
    world.lock(FRONT).faults.offline = true;
    world.run_until(4000).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
    world.lock(FRONT).faults.offline = false;
    world.run_until(4025).await;
    assert!(world.pins(FRONT).is_empty());
}

#[tokio::test]
async fn a_guest_is_let_in_within_seconds_by_a_lock_that_was_tried_in_vain_for_an_hour() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 4000, 5000).await.unwrap();
    world.pump().await;
    world.lock(FRONT).faults.offline = true;
    world.run_until(3990).await;
    world.lock(FRONT).faults.offline = false;
    world.run_until(4025).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
}

#[tokio::test]
async fn an_answer_that_got_lost_is_asked_for_before_anything_is_written_again() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 60, 900).await.unwrap();
    // What it said of the slot at the beginning is recent enough.
    world.run_until(59).await;
    world.lock(FRONT).faults.lost_answers = 1;
    let before = world.lock(FRONT).asked.len();
    world.run_until(60).await;
    assert_eq!(world.lock(FRONT).asked[before..], ["set 1", "read 1"]);
    assert!(matches!(world.code(&grant).await.presence, Presence::Proven(..)));
    world.run_until(899).await;
    world.lock(FRONT).faults.lost_acknowledgements = 1;
    world.run_until(903).await;
    assert!(world.pins(FRONT).is_empty());
    assert_eq!(world.code(&grant).await.presence, Presence::Absent);
}

#[tokio::test]
async fn a_busy_lock_is_asked_again_soon() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 600, 900).await.unwrap();
    world.run_until(599).await;
    world.lock(FRONT).faults.busy = 2;
    world.run_until(604).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
}

#[tokio::test]
async fn a_busy_lock_is_not_hammered_by_an_unlock_that_waits() {
    let mut world = World::new().await;
    world.run_until(5).await;
    world.lock(FRONT).faults.busy = 2;
    let id = world.ask_for(FRONT, ActionType::UnlockDoor).await;
    world.run_until(5).await;
    assert_eq!(count(&world.lock(FRONT).asked, "unlock"), 1);
    world.run_until(9).await;
    assert_eq!(count(&world.lock(FRONT).asked, "unlock"), 3);
    assert_eq!(world.attempt(id).await, ActionStatus::Success);
}

#[tokio::test]
async fn an_unlock_that_can_not_begin_is_given_up_and_never_done_later() {
    let mut world = World::new().await;
    world.report(RadioEvent::Stick(StickState::Gone)).await;
    let id = world.ask_for(FRONT, ActionType::UnlockDoor).await;
    world.run_until(31).await;
    assert!(
        matches!(world.attempt(id).await, ActionStatus::Error { error_type, .. } if error_type == "device_offline")
    );
    world.restart(false).await;
    world.run_until(60).await;
    assert!(world.lock(FRONT).locked);
}

#[tokio::test]
async fn a_refused_code_is_told_once_and_not_tried_again() {
    let mut world = World::new().await;
    world.lock(FRONT).faults.refuses_set = true;
    let grant = world.grant(&[FRONT], 0, 5000).await.unwrap();
    world.run_until(4000).await;
    assert_eq!(count(&world.lock(FRONT).asked, "set"), 1);
    assert_eq!(world.events("access_code.failed_to_set").await.len(), 1);
    assert_eq!(world.code(&grant).await.presence, Presence::Absent);
    world.run_until(6000).await;
    assert!(world.code(&grant).await.problem.is_some(), "what never got in goes on saying why");
}

#[tokio::test]
async fn a_refused_removal_goes_on_being_tried() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 1000).await.unwrap();
    world.run_until(999).await;
    world.lock(FRONT).faults.refuses_clear = true;
    world.run_until(1000 + 1900).await;
    assert_eq!(count(&world.lock(FRONT).asked, "clear"), 4, "every ten minutes");
    assert_eq!(world.code(&grant).await.problem.unwrap().kind, ProblemKind::FailedToRemove);
    assert_eq!(world.events("access_code.failed_to_remove").await.len(), 1);
    world.lock(FRONT).faults.refuses_clear = false;
    world.run_until(1000 + 2500).await;
    assert!(world.pins(FRONT).is_empty());
    assert_eq!(world.code(&grant).await.problem, None);
}

#[tokio::test]
async fn a_stick_that_goes_and_comes_back_loses_nothing() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 100, 5000).await.unwrap();
    world.run_until(50).await;
    world.report(RadioEvent::Stick(StickState::Gone)).await;
    world.run_until(200).await;
    assert!(world.pins(FRONT).is_empty());
    assert_eq!(world.events("device.disconnected").await.len(), 2);
    world.restart(false).await;
    world.run_until(201).await;
    assert_eq!(world.pins(FRONT), [grant.pin]);
}

#[tokio::test]
async fn that_a_code_went_out_unheard_is_told_of_whatever_the_clock_says_when_it_is_found_out() {
    let mut world = World::new().await;
    world.grant(&[FRONT], 4990, 5000).await.unwrap();
    world.run_until(4999).await;
    world.lock(FRONT).faults.lost_answers = 1;
    world.run_until(5000).await;
    assert!(world.pins(FRONT).is_empty() && world.events("access_code.removed").await.is_empty());
    world.set_clock(4991, false);
    world.run_until(5007).await;
    world.set_clock(5100, true);
    world.run_until(5100).await;
    assert_eq!(world.events("access_code.removed").await, ["access_code.removed_from_device"]);
    assert!(world.pins(FRONT).is_empty());
}
