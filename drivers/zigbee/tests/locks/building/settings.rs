//! What a lock is told of itself, and what it wrote down.

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, LockCommand, LogEntry, LogReading, LogRecord, LogStart, RadioEvent, Refusal,
    SlotNumber, UnlockSource, WallTime,
};
use keyway_virtual::zigbee::{Action, LockSetup};

use super::{World, lock};
use crate::set;

/// 2026-11-25T16:30:00Z.
const NOW: i64 = 1_795_624_200;

fn parameter(name: &str, value: i64) -> LockCommand {
    LockCommand::SetParameter { name: name.to_owned(), value }
}

#[test]
fn what_the_specification_has_for_a_lock_to_be_set_is_set_by_its_name_and_told() {
    let mut world = World::with(vec![lock(2)]);
    assert_eq!(world.command(2, parameter("volume", 0)), Ok(CommandOutput::SettingTaken));
    let told = |event: &RadioEvent| match event {
        RadioEvent::LockInterviewed(_, info) => {
            info.settings.parameters.iter().any(|known| known.name == "volume" && known.value == Some(0))
        }
        _ => false,
    };
    assert!(world.told(told));
    assert_eq!(world.command(2, LockCommand::ReadParameter("volume".to_owned())), Ok(CommandOutput::SettingTaken));
    // Out of range; and what this lock does not have.
    for refused in [parameter("volume", 3), parameter("wrong_code_limit", 0), parameter("keypad_light", 1)] {
        let answer = world.command(2, refused.clone());
        assert!(matches!(answer, Err(CommandError::Refused(Refusal::NotSupported(_)))), "{refused:?}: {answer:?}");
    }
}

#[test]
fn what_a_lock_wrote_down_is_read_from_where_it_was_read_before() {
    let mut world = World::with(vec![LockSetup { shows_clock: true, ..lock(2) }]);
    world.set_clock(NOW);
    assert_eq!(world.command(2, LockCommand::CheckClock), Ok(CommandOutput::ClockChecked(true)));
    let read = |world: &mut World, start| match world.command(2, LockCommand::ReadLog(start)) {
        Ok(CommandOutput::Log(reading)) => reading,
        other => panic!("{other:?}"),
    };
    let empty = LogReading { newest: None, records: Vec::new(), has_gap: false };
    assert_eq!(read(&mut world, LogStart::Newest), empty);
    assert!(world.command(2, set("0042")).is_ok());
    world.act(2, &Action::Keypad("0042".to_owned()));
    world.act(2, &Action::Keypad("9999".to_owned()));
    let first = read(&mut world, LogStart::Behind(None));
    let entries: Vec<_> = first.records.iter().map(|record| (record.entry, record.slot)).collect();
    let unlocked = (LogEntry::Unlocked(UnlockSource::Keypad), Some(SlotNumber(5)));
    assert_eq!(entries, [(LogEntry::Other(2), None), unlocked, (LogEntry::Denied, None)]);
    let at = first.newest.and_then(|record: LogRecord| record.at).unwrap();
    assert!(at.apart(WallTime::from_seconds(NOW)) < Duration::from_secs(60), "{at:?}");
    world.act(2, &Action::Turn { locked: true });
    let more = read(&mut world, LogStart::Behind(first.newest));
    assert_eq!((more.records.len(), more.has_gap), (1, false));
    assert_eq!(read(&mut world, LogStart::Behind(more.newest)).records, []);
    // More than it keeps: what is gone is told as a gap.
    for _ in 0..15 {
        world.pass(Duration::from_secs(2));
        world.act(2, &Action::Turn { locked: false });
        world.act(2, &Action::Turn { locked: true });
    }
    let rest = read(&mut world, LogStart::Behind(more.newest));
    assert_eq!((rest.records.len(), rest.has_gap), (20, true));
}
