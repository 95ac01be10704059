//! Door Lock Logging: the lock writes down who used it, round and round.

use std::collections::VecDeque;

use keyway_lock::{LogEntry, LogRecord, SlotNumber, UnlockSource, WallTime};
use keyway_zwave::cc::door_lock_logging::{DoorLockLoggingCommand, NEWEST};

pub(super) use keyway_zwave::cc::door_lock_logging::CLASS;

use super::{Lock, Reaction};
use crate::door::{DoorEvent, Turner};

/// What is written down, and where the next record goes.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Oldest first, each with its number.
    records: VecDeque<(u8, LogRecord)>,
    last: u8,
}

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let answer = match DoorLockLoggingCommand::decode(command).ok()? {
        DoorLockLoggingCommand::RecordsSupportedGet => {
            DoorLockLoggingCommand::RecordsSupportedReport(lock.setup.log_size)
        }
        DoorLockLoggingCommand::RecordGet(NEWEST) => match lock.log.records.back() {
            Some((number, record)) => report(*number, Some(*record)),
            None => report(1, None),
        },
        DoorLockLoggingCommand::RecordGet(number) => {
            let record = lock.log.records.iter().find(|(kept, _)| *kept == number);
            report(number, record.map(|(_, record)| *record))
        }
        DoorLockLoggingCommand::RecordsSupportedReport(_) | DoorLockLoggingCommand::RecordReport { .. } => return None,
    };
    Some(Reaction::Answer(answer.encode()))
}

fn report(number: u8, record: Option<LogRecord>) -> DoorLockLoggingCommand {
    DoorLockLoggingCommand::RecordReport { number, record }
}

/// Something happened at the door: it is written down. `at`: what the lock's clock shows.
pub(super) fn write(lock: &mut Lock, at: WallTime, event: DoorEvent) {
    let Some((entry, slot)) = entry_of(event).filter(|_| lock.setup.log_size > 0) else { return };
    // As its own words have it: in whole seconds.
    let at = Some(WallTime::from_seconds(at.seconds()));
    let log = &mut lock.log;
    log.last = if log.last < lock.setup.log_size { log.last + 1 } else { 1 };
    log.records.retain(|(number, _)| *number != log.last);
    log.records.push_back((log.last, LogRecord { at, entry, slot }));
}

fn entry_of(event: DoorEvent) -> Option<(LogEntry, Option<SlotNumber>)> {
    match event {
        DoorEvent::Turned { locked, by } => {
            let (source, slot) = match by {
                Turner::Hand => (UnlockSource::Manual, None),
                Turner::Radio => (UnlockSource::Remote, None),
                Turner::Keypad(slot) => (UnlockSource::Keypad, Some(slot)),
                Turner::Itself => (UnlockSource::Automatic, None),
            };
            Some((if locked { LogEntry::Locked(source) } else { LogEntry::Unlocked(source) }, slot))
        }
        DoorEvent::WrongCodes => Some((LogEntry::Denied, None)),
        _ => None,
    }
}
