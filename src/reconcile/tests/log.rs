//! What locks wrote down while nobody listened.

use keyway_lock::{LockEvent, LogEntry, LogReading, LogRecord, RadioEvent, SlotNumber, UnlockSource, WallTime};
use serde_json::{Value, json};

use super::world::{FRONT, World, at};
use crate::model::{Event, EventType};
use crate::store::EventFilter;

const BY_CODE: UnlockSource = UnlockSource::Keypad;

/// By a clock that shows this many seconds on the tests' clock.
fn record(seconds: i64, entry: LogEntry, slot: Option<u16>) -> LogRecord {
    LogRecord { at: Some(WallTime(at(seconds).as_microsecond())), entry, slot: slot.map(SlotNumber) }
}

/// The lock is not heard from now on; or is again.
async fn reach(world: &mut World, reached: bool) {
    world.lock(FRONT).faults.offline = !reached;
    world.report(RadioEvent::LockReachable(FRONT, reached)).await;
    world.pump().await;
}

async fn told(world: &World) -> Vec<Event> {
    let event_types = vec![EventType::LockUnlocked, EventType::LockLocked, EventType::LockAccessDenied];
    let filter = EventFilter { event_types, since: Some(at(-1_000_000)), ..EventFilter::default() };
    world.read(move |unit| unit.events(&filter)).await
}

fn detail(event: &Event, name: &str) -> Value {
    event.details.get(name).cloned().unwrap_or_default()
}

#[tokio::test]
async fn what_happened_while_the_lock_was_not_heard_is_told_once_with_its_own_time() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 900).await.unwrap();
    world.run_until(300).await;
    reach(&mut world, false).await;
    world.run_until(700).await;
    world.lock(FRONT).log.push(record(500, LogEntry::Unlocked(BY_CODE), Some(1)));
    world.lock(FRONT).log.push(record(560, LogEntry::Locked(UnlockSource::Automatic), None));
    reach(&mut world, true).await;
    let events = told(&world).await;
    assert_eq!(
        events.iter().map(|e| e.event_type).collect::<Vec<_>>(),
        [EventType::LockUnlocked, EventType::LockLocked]
    );
    assert_eq!((events[0].occurred_at, events[0].subject.access_grant_id), (at(500), Some(grant.id)));
    assert_eq!((detail(&events[0], "method"), detail(&events[1], "method")), (json!("keycode"), json!("automatic")));
    for event in &events {
        assert_eq!(detail(event, "is_replayed"), json!(true));
        assert_eq!(detail(event, "is_device_time_wrong"), json!(false));
    }
    world.restart(false).await;
    world.run_until(800).await;
    assert_eq!(told(&world).await.len(), 2, "and not again");
}

#[tokio::test]
async fn a_guest_is_named_though_the_code_was_taken_out_before_the_log_was_read() {
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, 600).await.unwrap();
    world.run_until(100).await;
    reach(&mut world, false).await;
    world.run_until(700).await;
    // Past the end, with the hub away: the code still opened.
    world.lock(FRONT).log.push(record(650, LogEntry::Unlocked(BY_CODE), Some(1)));
    reach(&mut world, true).await;
    assert!(world.pins(FRONT).is_empty(), "what must leave goes first");
    let events = told(&world).await;
    assert_eq!((events.len(), events[0].subject.access_grant_id), (1, Some(grant.id)));
}

#[tokio::test]
async fn what_was_told_as_it_happened_is_not_told_again_whatever_came_between() {
    let mut world = World::new().await;
    world.grant(&[FRONT], 0, 9000).await.unwrap();
    world.run_until(1000).await;
    let unlocked = |slot| LockEvent::Unlocked { source: BY_CODE, slot };
    world.tells(FRONT, unlocked(Some(SlotNumber(1)))).await;
    reach(&mut world, false).await;
    world.run_until(3000).await;
    let log = [(1000, Some(1)), (2000, Some(1)), (2500, None), (3000, Some(1))];
    world.lock(FRONT).log.extend(log.map(|(seconds, slot)| record(seconds, LogEntry::Unlocked(BY_CODE), slot)));
    world.lock(FRONT).faults.offline = false;
    world.tells(FRONT, unlocked(Some(SlotNumber(1)))).await;
    world.pump().await;
    let replayed: Vec<_> =
        told(&world).await.into_iter().filter(|event| detail(event, "is_replayed") == json!(true)).collect();
    assert_eq!(replayed.iter().map(|event| event.occurred_at).collect::<Vec<_>>(), [at(2000), at(2500)]);
}

#[tokio::test]
async fn a_clock_that_can_not_be_right_is_said_to_be_wrong() {
    let mut world = World::new().await;
    world.run_until(1000).await;
    reach(&mut world, false).await;
    let never = LogRecord { at: None, ..record(0, LogEntry::Denied, None) };
    world.lock(FRONT).log.extend([never, record(90_000, LogEntry::Denied, None)]);
    reach(&mut world, true).await;
    let events = told(&world).await;
    assert_eq!(events.len(), 2);
    for event in &events {
        assert_eq!((event.event_type, event.occurred_at), (EventType::LockAccessDenied, at(1000)));
        assert_eq!(detail(event, "is_device_time_wrong"), json!(true));
    }
    assert_eq!(
        (detail(&events[0], "device_time"), detail(&events[1], "device_time")),
        (json!(null), json!(at(90_000)))
    );
}

/// What it costs to read of ten uses of a code, with so many guests to come in its slot.
async fn reading_among(guests: i64) -> u64 {
    const DAY: i64 = 86_400;
    let mut world = World::new().await;
    let grant = world.grant(&[FRONT], 0, DAY).await.unwrap();
    for day in 3..3 + guests {
        world.grant(&[FRONT], day * DAY, (day + 1) * DAY).await.unwrap();
    }
    world.run_until(700).await;
    let (device, slot) = (world.device(FRONT).await.device_id, world.code(&grant).await.slot);
    let used = |n: i64| record(500 + n, LogEntry::Unlocked(BY_CODE), Some(slot.0));
    let reading = LogReading { newest: None, records: (0..10).map(used).collect(), has_gap: false };
    let before = world.steps();
    world.read(move |unit| super::super::log::read(unit, device, &reading)).await;
    let steps = world.steps() - before;
    assert_eq!(told(&world).await.iter().filter(|event| event.subject.access_grant_id == Some(grant.id)).count(), 10);
    steps
}

#[tokio::test]
async fn a_log_costs_no_more_because_more_guests_are_to_come() {
    let (few, many) = (reading_among(10).await, reading_among(300).await);
    assert!(many <= few + few / 20, "{few} steps among 10 guests, {many} among 300");
}
