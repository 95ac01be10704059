//! A lock that is out of reach is found out before a guest stands before it (I2).

use keyway_lock::{LockEvent, RadioEvent};

use super::lock::FakeLock;
use super::world::{FRONT, World};

const HOUR: i64 = 3600;

/// Nothing is read of it in its time: it has no keypad.
async fn without_keypad() -> World {
    let mut world = World::new().await;
    let mut info = FakeLock::info(false);
    info.capabilities.slot_count = 0;
    world.report(RadioEvent::LockInterviewed(FRONT, info)).await;
    world.pump().await;
    world
}

fn pings(world: &mut World) -> usize {
    world.lock(FRONT).asked.iter().filter(|asked| *asked == "ping").count()
}

#[tokio::test]
async fn a_silent_lock_is_asked_once_a_day_whether_it_is_there() {
    let mut world = without_keypad().await;
    world.run_until(23 * HOUR).await;
    assert_eq!(pings(&mut world), 0);
    world.run_until(25 * HOUR).await;
    assert_eq!(pings(&mut world), 1);
    world.run_until(73 * HOUR).await;
    assert_eq!(pings(&mut world), 3);
}

#[tokio::test]
async fn a_lock_that_talks_is_never_asked_whether_it_is_there() {
    let mut world = without_keypad().await;
    for time in 1..8 {
        world.run_until(time * 20 * HOUR).await;
        world.tells(FRONT, LockEvent::Bolt(true)).await;
    }
    assert_eq!(pings(&mut world), 0);
}

#[tokio::test]
async fn a_lock_whose_slots_are_read_now_and_then_is_never_asked_whether_it_is_there() {
    let mut world = World::new().await;
    world.grant(&[FRONT], 30 * HOUR, 40 * HOUR).await.unwrap();
    world.run_until(60 * HOUR).await;
    assert_eq!(pings(&mut world), 0);
}

#[tokio::test]
async fn a_lock_that_went_out_of_reach_is_told_of_before_a_guest_comes() {
    let mut world = World::keeping_windows().await;
    // Every slot holds a code that waits for its time: nothing else is read of it for hours.
    for _ in 0..FakeLock::SLOTS {
        world.grant(&[FRONT], 4 * HOUR, 9 * HOUR).await.unwrap();
    }
    world.run_until(2 * HOUR).await;
    assert_eq!(world.pins(FRONT).len(), usize::from(FakeLock::SLOTS));
    world.lock(FRONT).faults.offline = true;
    world.run_until(3 * HOUR - 1).await;
    assert_eq!(world.events("device.disconnected").await.len(), 0);
    world.run_until(4 * HOUR - 1800).await;
    assert_eq!(world.events("device.disconnected").await.len(), 1);
    assert_eq!(pings(&mut world), 1);
}
