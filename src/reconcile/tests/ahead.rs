//! Locks that keep a code to its time by themselves.

use keyway_lock::{LockEvent, Minute, RadioEvent, SlotWindow, WallTime};

use super::world::{FRONT, Grant, World, at};
use crate::model::{CodeStatus, Presence, ProblemKind, Schedule, Window};

const DAY: i64 = 24 * 3600;

fn kept(from: i64, until: i64) -> Option<SlotWindow> {
    let minute = |seconds: i64| Minute::of(WallTime(at(seconds).as_microsecond()));
    Some(SlotWindow { from: minute(from), until: minute(until) })
}

async fn status(world: &World, grant: &Grant) -> CodeStatus {
    world.code(grant).await.status(at(world.seconds()))
}

/// A grant from the day after tomorrow on, for a day, and it is tomorrow: its code waits in the lock.
async fn waiting() -> (World, Grant) {
    let mut world = World::keeping_windows().await;
    let grant = world.grant(&[FRONT], 2 * DAY, 3 * DAY).await.unwrap();
    world.run_until(DAY + 10).await;
    assert!(matches!(world.code(&grant).await.presence, Presence::Ahead(..)));
    (world, grant)
}

async fn move_to(world: &mut World, grant: &Grant, from: i64, to: i64) {
    let window = Window { starts_at: at(from), ends_at: Some(at(to)) };
    world.change(grant, move |code| code.window = window).await;
    world.pump().await;
}

#[tokio::test]
async fn a_code_goes_in_a_day_ahead_and_the_lock_keeps_both_ends_with_the_hub_dead() {
    let mut world = World::keeping_windows().await;
    let grant = world.grant(&[FRONT], 2 * DAY, 3 * DAY).await.unwrap();
    world.run_until(DAY - 1).await;
    assert!(world.pins(FRONT).is_empty());
    world.run_until(DAY + 10).await;
    assert_eq!(world.pins(FRONT), [grant.pin.as_str()]);
    assert_eq!(world.code(&grant).await.kept, kept(2 * DAY, 3 * DAY));
    let opens = [DAY + 10, 2 * DAY - 1, 2 * DAY, 3 * DAY - 1, 3 * DAY].map(|at| world.opens(FRONT, &grant.pin, at));
    assert_eq!(opens, [false, false, true, true, false]);
}

#[tokio::test]
async fn it_is_scheduled_before_its_start_and_set_only_when_it_is_proven_to_open() {
    let (mut world, grant) = waiting().await;
    assert_eq!(status(&world, &grant).await, CodeStatus::Unset);
    assert_eq!(world.events("access_code").await, ["access_code.scheduled_on_device"]);
    world.lock(FRONT).asked.clear();
    world.run_until(2 * DAY).await;
    assert!(world.lock(FRONT).asked.contains(&"timed 1".to_owned()), "looked at again");
    assert_eq!(status(&world, &grant).await, CodeStatus::Set);
    world.run_until(3 * DAY + 10).await;
    assert!(world.pins(FRONT).is_empty());
    let told =
        ["scheduled_on_device", "set_on_device", "removed_from_device"].map(|what| format!("access_code.{what}"));
    assert_eq!(world.events("access_code").await, told);
    assert_eq!(world.events("access_grant").await, ["access_grant.access_granted_to_all_doors"]);
}

#[tokio::test]
async fn a_lock_that_is_away_at_the_start_is_told_of_though_it_most_likely_opens() {
    let (mut world, grant) = waiting().await;
    world.run_until(2 * DAY - 600).await;
    world.lock(FRONT).faults.offline = true;
    world.run_until(2 * DAY + 30).await;
    assert!(world.opens(FRONT, &grant.pin, 2 * DAY + 30));
    assert_eq!(status(&world, &grant).await, CodeStatus::Setting, "what is not proven is not set");
    assert_eq!(world.code(&grant).await.problem.unwrap().kind, ProblemKind::DelayInSetting);
    world.lock(FRONT).faults.offline = false;
    world.run_until(2 * DAY + 600).await;
    assert_eq!(status(&world, &grant).await, CodeStatus::Set);
}

#[tokio::test]
async fn whatever_part_of_it_was_done_when_the_power_went_it_begins_anew() {
    for stops_after in [1, 2] {
        for restarts in [false, true] {
            let mut world = World::keeping_windows().await;
            let grant = world.grant(&[FRONT], 2 * DAY, 3 * DAY).await.unwrap();
            world.run_until(DAY - 1).await;
            world.lock(FRONT).faults.stops_after = Some(stops_after);
            if restarts {
                // Up to the command, and dead before its answer.
                world.run_until(DAY - 1).await;
                world.set_clock(DAY, true);
                world.pump_steps(1).await;
                world.restart(true).await;
            }
            world.run_until(DAY + 300).await;
            assert_eq!(world.pins(FRONT), [grant.pin.as_str()]);
            assert!(matches!(world.code(&grant).await.presence, Presence::Ahead(..)), "after {stops_after}");
            assert!(!world.opens(FRONT, &grant.pin, 2 * DAY - 1) && world.opens(FRONT, &grant.pin, 2 * DAY));
            assert!(world.codes(FRONT).await.len() == 1 && world.events("access_code.unmanaged").await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_restart_takes_nothing_out_that_waits() {
    let (mut world, grant) = waiting().await;
    world.lock(FRONT).asked.clear();
    world.restart(false).await;
    world.run_until(DAY + 3600).await;
    assert!(matches!(world.code(&grant).await.presence, Presence::Ahead(..)));
    let asked = world.lock(FRONT).asked.clone();
    assert!(asked.contains(&"clock".to_owned()) && !asked.iter().any(|asked| asked.starts_with("clear")), "{asked:?}");
}

#[tokio::test]
async fn behind_a_clock_that_is_wrong_a_code_goes_in_at_its_start_as_ever() {
    let mut world = World::keeping_windows().await;
    world.lock(FRONT).faults.clock_stands = true;
    let grant = world.grant(&[FRONT], 2 * DAY, 3 * DAY).await.unwrap();
    world.run_until(2 * DAY - 1).await;
    assert!(world.pins(FRONT).is_empty());
    world.run_until(2 * DAY).await;
    assert_eq!((world.code(&grant).await.kept, status(&world, &grant).await), (None, CodeStatus::Set));
    assert!(world.opens(FRONT, &grant.pin, 3 * DAY + 1), "the hub keeps the end");
    world.run_until(3 * DAY).await;
    assert!(world.pins(FRONT).is_empty());
}

#[tokio::test]
async fn a_clock_that_goes_wrong_takes_out_what_waits_and_frees_what_is_in_force() {
    let (mut world, grant) = waiting().await;
    let running = world.grant(&[FRONT], DAY + 20, 3 * DAY).await.unwrap();
    world.run_until(DAY + 1000).await;
    assert_eq!(world.code(&running).await.kept, kept(DAY, 3 * DAY));
    world.lock(FRONT).faults.clock_stands = true;
    // A guest whose code is not taken is the first to notice.
    world.tells(FRONT, LockEvent::InvalidCode).await;
    world.run_until(DAY + 1100).await;
    assert_eq!(world.pins(FRONT), [running.pin.as_str()]);
    assert_eq!((world.code(&running).await.kept, status(&world, &running).await), (None, CodeStatus::Set));
    world.run_until(2 * DAY).await;
    assert_eq!((world.code(&grant).await.kept, status(&world, &grant).await), (None, CodeStatus::Set));
}

#[tokio::test]
async fn a_lock_that_does_not_keep_windows_is_no_trouble() {
    let mut world = World::keeping_windows().await;
    world.lock(FRONT).faults.drops_windows = true;
    let grant = world.grant(&[FRONT], 2 * DAY, 3 * DAY).await.unwrap();
    world.run_until(2 * DAY - 1).await;
    assert_eq!(world.code(&grant).await.problem, None);
    let tried = world.lock(FRONT).asked.iter().filter(|asked| asked.starts_with("timed")).count();
    assert_eq!(tried, 1, "it is not tried again and again");
    world.run_until(2 * DAY).await;
    assert_eq!(status(&world, &grant).await, CodeStatus::Set);
}

#[tokio::test]
async fn a_grant_that_is_moved_takes_its_code_along_and_never_opens_at_the_old_start() {
    let (mut world, grant) = waiting().await;
    move_to(&mut world, &grant, 2 * DAY + 3600, 3 * DAY).await;
    world.run_until(DAY + 100).await;
    assert!(!world.opens(FRONT, &grant.pin, 2 * DAY));
    world.run_until(2 * DAY + 10).await;
    assert_eq!(world.code(&grant).await.kept, kept(2 * DAY + 3600, 3 * DAY));
    world.run_until(2 * DAY + 3600).await;
    assert_eq!(status(&world, &grant).await, CodeStatus::Set);
    // Longer, while the guest is there: he is never outside.
    world.lock(FRONT).asked.clear();
    move_to(&mut world, &grant, 2 * DAY + 3600, 3 * DAY + 7200).await;
    world.run_until(2 * DAY + 3700).await;
    assert_eq!(world.code(&grant).await.kept, kept(2 * DAY + 3600, 3 * DAY + 7200));
    assert!(!world.lock(FRONT).asked.iter().any(|asked| asked.starts_with("clear")));
}

#[tokio::test]
async fn whoever_stays_longer_than_a_lock_out_of_reach_knows_of_is_told_of_before_he_stands_outside() {
    let (mut world, grant) = waiting().await;
    world.run_until(2 * DAY + 10).await;
    world.lock(FRONT).faults.offline = true;
    world.report(RadioEvent::LockReachable(FRONT, false)).await;
    move_to(&mut world, &grant, 2 * DAY, 4 * DAY).await;
    world.run_until(2 * DAY + 20).await;
    assert!(!world.opens(FRONT, &grant.pin, 3 * DAY + 3600), "the lock closes at the old end");
    assert_eq!(world.events("access_code.delay_in_setting").await.len(), 1);
    world.lock(FRONT).faults.offline = false;
    world.report(RadioEvent::LockReachable(FRONT, true)).await;
    world.run_until(2 * DAY + 100).await;
    assert_eq!(world.code(&grant).await.problem, None);
    assert!(world.opens(FRONT, &grant.pin, 3 * DAY + 3600));
}

#[tokio::test]
async fn one_that_was_told_to_be_set_by_a_wrong_clock_is_told_to_be_out_again() {
    let (mut world, grant) = waiting().await;
    world.set_clock(2 * DAY + 100, true);
    world.pump().await;
    assert_eq!(status(&world, &grant).await, CodeStatus::Set);
    world.set_clock(DAY + 60, true);
    world.pump().await;
    assert_eq!(status(&world, &grant).await, CodeStatus::Unset);
    assert_eq!(world.events("access_code.removed_from_device").await.len(), 1);
}

#[tokio::test]
async fn a_deleted_one_leaves_at_once() {
    let (mut world, grant) = waiting().await;
    world.delete(&grant).await;
    world.run_until(DAY + 20).await;
    assert!(world.pins(FRONT).is_empty());
}

#[tokio::test]
async fn one_that_waits_makes_way_for_another_with_its_pin_or_slot() {
    let (mut world, grant) = waiting().await;
    let pin = world.code(&grant).await.pin;
    let other = world.grant(&[FRONT], DAY + 100, DAY + 4000).await.unwrap();
    let slot = world.code(&grant).await.slot;
    // The same PIN is to open twice.
    world.begins.clear();
    world
        .change(&other, move |code| {
            code.pin = pin;
            code.slot = slot;
        })
        .await;
    world.run_until(DAY + 99).await;
    assert!(world.pins(FRONT).is_empty(), "before it is needed");
    world.run_until(DAY + 110).await;
    assert_eq!(status(&world, &other).await, CodeStatus::Set);
    world.run_until(DAY + 5000).await;
    assert!(matches!(world.code(&grant).await.presence, Presence::Ahead(..)), "it is back");
    assert_eq!(world.events("access_code.failed").await, Vec::<&str>::new());
}

#[tokio::test]
async fn seconds_are_kept_by_the_hub_and_never_on_the_early_side() {
    let mut world = World::keeping_windows().await;
    let grant = world.grant(&[FRONT], 2 * DAY + 30, 3 * DAY + 30).await.unwrap();
    world.run_until(2 * DAY + 29).await;
    assert_eq!(world.code(&grant).await.kept, kept(2 * DAY + 60, 3 * DAY + 60));
    world.run_until(2 * DAY + 30).await;
    assert!(world.opens(FRONT, &grant.pin, 2 * DAY + 30));
    world.run_until(3 * DAY + 30).await;
    assert!(world.pins(FRONT).is_empty());
}

#[tokio::test]
async fn of_a_recurring_code_the_next_time_waits_and_an_ongoing_one_has_no_window() {
    let mut world = World::keeping_windows().await;
    let recurring = world.grant(&[FRONT], 0, 9 * DAY).await.unwrap();
    // The tests' clock begins at eight.
    let schedule = Schedule::new("0 9 * * *", "2h", "UTC").unwrap();
    world.change(&recurring, |code| code.schedule = Some(schedule)).await;
    let ongoing = world.grant(&[FRONT], 100, 200).await.unwrap();
    world.change(&ongoing, |code| code.window.ends_at = None).await;
    for day in 0..3 {
        world.run_until(day * DAY + 1800).await;
        assert_eq!(world.code(&recurring).await.kept, kept(day * DAY + 3600, day * DAY + 3 * 3600));
        world.run_until(day * DAY + 3700).await;
        assert_eq!(status(&world, &recurring).await, CodeStatus::Set);
    }
    let code = world.code(&ongoing).await;
    assert_eq!((code.kept, code.status(at(world.seconds()))), (None, CodeStatus::Set));
}

#[tokio::test]
async fn while_the_hubs_clock_can_not_be_trusted_nothing_goes_in_ahead() {
    let mut world = World::keeping_windows().await;
    world.set_clock(0, false);
    world.grant(&[FRONT], 3600, DAY).await.unwrap();
    world.run_until(1800).await;
    assert!(world.pins(FRONT).is_empty() && !world.lock(FRONT).asked.contains(&"clock".to_owned()));
}
