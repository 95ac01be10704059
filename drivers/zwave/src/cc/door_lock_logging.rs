//! Door Lock Logging (0x4C), version 1 (Z-Wave Application Command Class Specification, "Door Lock Logging Command Class").

use keyway_lock::wire::Reader;
use keyway_lock::{Civil, LogEntry, LogRecord, SlotNumber, UnlockSource};

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x4C;
/// Highest version spoken here.
pub const VERSION: u8 = 1;
/// The record that is asked for to get the newest one.
pub const NEWEST: u8 = 0;

const RECORDS_SUPPORTED_GET: u8 = 0x01;
const RECORDS_SUPPORTED_REPORT: u8 = 0x02;
const RECORD_GET: u8 = 0x03;
/// Command id of a record's report.
pub const RECORD_REPORT: u8 = 0x04;

/// Record Status, the three bits over the hour: there is a record.
const LEGAL: u8 = 0x20;
const HOUR: u8 = 0x1F;

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoorLockLoggingCommand {
    /// How many records do you keep?
    RecordsSupportedGet,
    /// So many; then the oldest is written over.
    RecordsSupportedReport(u8),
    /// What is in this record? [`NEWEST`]: in the newest one.
    RecordGet(u8),
    /// This.
    RecordReport {
        /// The record's number, 1 to as many as there are.
        number: u8,
        /// What is in it; `None`: nothing yet. The code that was typed is passed over.
        record: Option<LogRecord>,
    },
}

impl DoorLockLoggingCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::RecordsSupportedGet => vec![CLASS, RECORDS_SUPPORTED_GET],
            Self::RecordsSupportedReport(most) => vec![CLASS, RECORDS_SUPPORTED_REPORT, *most],
            Self::RecordGet(number) => vec![CLASS, RECORD_GET, *number],
            Self::RecordReport { number, record: None } => [&[CLASS, RECORD_REPORT, *number][..], &[0; 10]].concat(),
            Self::RecordReport { number, record: Some(record) } => {
                let at = record.at.map(keyway_lock::WallTime::civil);
                let [high, low] = at.map_or(0, |at| at.year).to_be_bytes();
                let part = |part: fn(&Civil) -> u8| at.as_ref().map_or(0, part);
                let user = record.slot.map_or(0, |slot| u8::try_from(slot.0).unwrap_or(u8::MAX));
                let time = [high, low, part(|at| at.month), part(|at| at.day), LEGAL | part(|at| at.hour)];
                let rest = [part(|at| at.minute), part(|at| at.second), number_of(record.entry), user, 0];
                [&[CLASS, RECORD_REPORT, *number][..], &time, &rest].concat()
            }
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        Ok(match command {
            RECORDS_SUPPORTED_GET => Self::RecordsSupportedGet,
            RECORDS_SUPPORTED_REPORT => Self::RecordsSupportedReport(reader.u8("max records stored")?),
            RECORD_GET => Self::RecordGet(reader.u8("record number")?),
            RECORD_REPORT => {
                let number = reader.u8("record number")?;
                let year = reader.u16_be("year")?;
                let (month, day) = (reader.u8("month")?, reader.u8("day")?);
                let status = reader.u8("record status and hour")?;
                let (minute, second) = (reader.u8("minute")?, reader.u8("second")?);
                let (event, user) = (reader.u8("event type")?, reader.u8("user identifier")?);
                let at = Civil { year, month, day, hour: status & HOUR, minute, second, weekday: 0 }.instant();
                let slot = (user != 0).then_some(SlotNumber(user.into()));
                let record = LogRecord { at, entry: entry_of(event), slot };
                Self::RecordReport { number, record: (status & !HOUR != 0).then_some(record) }
            }
            _ => return Err(CcError::unknown(payload)),
        })
    }
}

/// What an event type means.
fn entry_of(event: u8) -> LogEntry {
    use UnlockSource::{Automatic, Keypad, Manual, Remote, Unknown};
    match event {
        1 => LogEntry::Locked(Keypad),
        2 => LogEntry::Unlocked(Keypad),
        // Button, key or thumb-turn, of either side.
        3 | 8 | 19 => LogEntry::Locked(Manual),
        4 | 9 | 20 => LogEntry::Unlocked(Manual),
        // A code out of its schedule, at the keypad or by radio; a code that is none.
        5..=7 | 16..=18 => LogEntry::Denied,
        10 => LogEntry::Locked(Automatic),
        11 => LogEntry::Unlocked(Automatic),
        12 | 14 => LogEntry::Locked(Remote),
        13 | 15 => LogEntry::Unlocked(Remote),
        21 => LogEntry::Locked(Unknown),
        22 => LogEntry::Unlocked(Unknown),
        other => LogEntry::Other(other),
    }
}

/// An event type that means this.
fn number_of(entry: LogEntry) -> u8 {
    use UnlockSource::{Automatic, Keypad, Manual, Remote, Unknown};
    match entry {
        LogEntry::Locked(Keypad) => 1,
        LogEntry::Unlocked(Keypad) => 2,
        LogEntry::Denied => 7,
        LogEntry::Locked(Manual) => 8,
        LogEntry::Unlocked(Manual) => 9,
        LogEntry::Locked(Automatic) => 10,
        LogEntry::Unlocked(Automatic) => 11,
        LogEntry::Locked(Remote) => 14,
        LogEntry::Unlocked(Remote) => 15,
        LogEntry::Locked(Unknown) => 21,
        LogEntry::Unlocked(Unknown) => 22,
        LogEntry::Other(other) => other,
    }
}

#[cfg(test)]
mod tests {
    use keyway_lock::WallTime;

    use super::*;

    #[test]
    fn a_record_tells_when_what_and_who_and_not_the_code() {
        let bytes = [0x4C, 0x04, 7, 0x07, 0xEA, 11, 25, 0x20 | 16, 29, 1, 2, 5, 4, b'4', b'7', b'1', b'1'];
        let record = LogRecord {
            at: Some(WallTime::from_seconds(1_795_624_141)),
            entry: LogEntry::Unlocked(UnlockSource::Keypad),
            slot: Some(SlotNumber(5)),
        };
        let report = DoorLockLoggingCommand::RecordReport { number: 7, record: Some(record) };
        assert_eq!(DoorLockLoggingCommand::decode(&bytes), Ok(report.clone()));
        assert_eq!(report.encode(), [&bytes[..12], &[0]].concat());
    }

    #[test]
    fn a_record_that_is_empty_or_has_no_possible_date_is_told_apart() {
        let read = |status, month| match DoorLockLoggingCommand::decode(&[
            0x4C, 0x04, 1, 0x07, 0xEA, month, 1, status, 0, 0, 9, 0, 0,
        ]) {
            Ok(DoorLockLoggingCommand::RecordReport { record, .. }) => record,
            other => panic!("{other:?}"),
        };
        assert_eq!(read(0x00, 1), None);
        assert_eq!(read(0x20, 0).unwrap().at, None);
        let none = DoorLockLoggingCommand::RecordReport { number: 3, record: None };
        assert_eq!(DoorLockLoggingCommand::decode(&none.encode()), Ok(none));
        assert!(DoorLockLoggingCommand::decode(&[0x4C, 0x04, 1, 0x07, 0xEA]).is_err());
    }

    #[test]
    fn every_event_type_means_what_it_is_written_as() {
        for event in 0..=0x20 {
            let entry = entry_of(event);
            assert_eq!(entry_of(number_of(entry)), entry, "{event}");
        }
    }
}
