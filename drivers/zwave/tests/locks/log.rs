//! What a lock wrote down of who used it.

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, LockCommand, LogEntry, LogReading, LogRecord, LogStart, Refusal, SlotNumber,
    UnlockSource, WallTime,
};
use keyway_virtual::zwave::{Action, LockSetup};
use keyway_zwave::security::SecurityClass;

use super::world::{World, building};
use super::{lock, set, three_locks};

/// 2026-11-25T12:00:00Z.
const NOON: WallTime = WallTime(1_795_608_000_000_000);

fn read(world: &mut World, id: u16, start: LogStart) -> LogReading {
    match world.command(id, LockCommand::ReadLog(start)).0 {
        Ok(CommandOutput::Log(reading)) => reading,
        other => unreachable!("{other:?}"),
    }
}

fn turn(world: &mut World, id: u16, times: u8) {
    for place in 0..times {
        world.act(id, Action::Turn { locked: place % 2 == 0 });
        world.pass(Duration::from_secs(60));
    }
}

#[test]
fn a_log_is_read_back_to_what_is_known_and_tells_when_and_who() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        world.act(id, Action::Clock(NOON));
        assert_eq!(
            read(&mut world, id, LogStart::Behind(None)),
            LogReading { newest: None, records: vec![], has_gap: false }
        );
        world.command(id, set("4711")).0.unwrap();
        world.act(id, Action::Keypad("4711".to_owned()));
        let first = read(&mut world, id, LogStart::Behind(None));
        assert_eq!(first.records.len(), 1);
        let LogRecord { at, entry, slot } = first.records[0];
        assert_eq!((entry, slot), (LogEntry::Unlocked(UnlockSource::Keypad), Some(SlotNumber(5))));
        assert!(at.unwrap().apart(NOON) < Duration::from_secs(60));
        turn(&mut world, id, 3);
        let news = read(&mut world, id, LogStart::Behind(first.newest));
        let by_hand = |locked| match locked {
            true => LogEntry::Locked(UnlockSource::Manual),
            false => LogEntry::Unlocked(UnlockSource::Manual),
        };
        assert_eq!(
            news.records.iter().map(|record| record.entry).collect::<Vec<_>>(),
            [true, false, true].map(by_hand)
        );
        assert_eq!((news.newest, news.has_gap), (news.records.last().copied(), false));
        assert_eq!(read(&mut world, id, LogStart::Behind(news.newest)).records, []);
        assert_eq!(read(&mut world, id, LogStart::Newest), LogReading { records: vec![], ..news });
    }
}

#[test]
fn a_log_that_went_round_is_read_to_its_end_and_said_to_have_lost_some() {
    let small = LockSetup { log_size: 5, ..lock(2, &[SecurityClass::S2AccessControl]) };
    let mut world = World::new(building(vec![small])).ready();
    world.act(2, Action::Clock(NOON));
    for times in 1..=12 {
        turn(&mut world, 2, 1);
        let known = read(&mut world, 2, LogStart::Newest).newest;
        turn(&mut world, 2, 3);
        let news = read(&mut world, 2, LogStart::Behind(known));
        assert_eq!((news.records.len(), news.has_gap), (3, false), "the {times}th time");
        assert!(news.records.is_sorted_by_key(|record| record.at));
    }
    let known = read(&mut world, 2, LogStart::Newest).newest;
    turn(&mut world, 2, 7);
    let news = read(&mut world, 2, LogStart::Behind(known));
    assert_eq!((news.records.len(), news.has_gap), (5, true));
}

#[test]
fn a_long_log_is_not_read_without_end() {
    let large = LockSetup { log_size: 250, ..lock(4, &[]) };
    let mut world = World::new(building(vec![large])).ready();
    world.act(4, Action::Clock(NOON));
    turn(&mut world, 4, 60);
    let news = read(&mut world, 4, LogStart::Behind(None));
    assert_eq!((news.records.len(), news.has_gap), (40, true));
}

#[test]
fn a_lock_that_keeps_none_is_not_asked_and_one_that_does_not_answer_tells_nothing() {
    let plain = LockSetup { log_size: 0, ..lock(2, &[SecurityClass::S2AccessControl]) };
    let mut world = World::new(building(vec![plain, lock(4, &[])])).ready();
    let before = world.frames(2);
    let refused = world.command(2, LockCommand::ReadLog(LogStart::Newest)).0;
    assert!(matches!(refused, Err(CommandError::Refused(Refusal::NotSupported(_)))));
    assert_eq!(world.frames(2), before);
    world.act(4, Action::Offline(true));
    assert_eq!(world.command(4, LockCommand::ReadLog(LogStart::Newest)).0, Err(CommandError::Offline));
}
