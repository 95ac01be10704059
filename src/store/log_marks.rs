//! How far each lock's own log was read.

use keyway_lock::{LogEntry, LogRecord, SlotNumber, UnlockSource, WallTime};
use rusqlite::params;
use serde_json::{Value, json};

use super::row::{Row, Word};
use super::{StoreError, Unit};
use crate::model::{DeviceId, Timestamp};

const TABLE: &str = "devices";
const COLUMN: &str = "log_mark";

/// The end of a log, when it was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogMark {
    /// When that was.
    pub read_at: Timestamp,
    /// The newest record then; `None`: there was none.
    pub newest: Option<LogRecord>,
}

impl Unit<'_> {
    /// How far a lock's log was read; `None`: never yet.
    ///
    /// # Errors
    /// [`StoreError`]; one that can't be read is logged, and as good as none.
    pub fn log_mark(&mut self, device: DeviceId) -> Result<Option<LogMark>, StoreError> {
        let sql = "SELECT device_id, log_mark FROM devices WHERE device_id = ?1";
        let complaints = self.complaints;
        Ok(self.one(TABLE, sql, [device], |row| Ok(complaints.mend(read(row), None)))?.flatten())
    }

    /// It was read so far.
    ///
    /// # Errors
    /// [`StoreError`], also if the device is not known.
    pub fn put_log_mark(&mut self, device: DeviceId, mark: &LogMark) -> Result<(), StoreError> {
        let sql = "UPDATE devices SET log_mark = ?1 WHERE device_id = ?2";
        self.change(TABLE, device, sql, params![encode(mark), device])
    }
}

fn read(row: &Row<'_>) -> Result<Option<LogMark>, StoreError> {
    let Some(text) = row.get::<Option<String>>(COLUMN)? else { return Ok(None) };
    decode(&text).map(Some).ok_or_else(|| row.unreadable(COLUMN, "is no end of a log"))
}

fn encode(mark: &LogMark) -> String {
    let record = |record: LogRecord| {
        let (entry, source) = match record.entry {
            LogEntry::Locked(source) => (json!("locked"), Some(source.word())),
            LogEntry::Unlocked(source) => (json!("unlocked"), Some(source.word())),
            LogEntry::Denied => (json!("denied"), None),
            LogEntry::Other(number) => (json!(number), None),
        };
        json!({
            "at": record.at.map(|at| at.0),
            "entry": entry,
            "source": source,
            "slot": record.slot.map(|slot| slot.0),
        })
    };
    json!({"read_at": mark.read_at.as_microsecond(), "newest": mark.newest.map(record)}).to_string()
}

fn decode(text: &str) -> Option<LogMark> {
    let json: Value = serde_json::from_str(text).ok()?;
    let newest = match &json["newest"] {
        Value::Null => None,
        record => Some(record_of(record)?),
    };
    Some(LogMark { read_at: Timestamp::from_microsecond(json["read_at"].as_i64()?)?, newest })
}

fn record_of(json: &Value) -> Option<LogRecord> {
    let source = || json["source"].as_str().and_then(UnlockSource::parse);
    let entry = match (json["entry"].as_str(), json["entry"].as_u64()) {
        (Some("locked"), _) => LogEntry::Locked(source()?),
        (Some("unlocked"), _) => LogEntry::Unlocked(source()?),
        (Some("denied"), _) => LogEntry::Denied,
        (_, Some(number)) => LogEntry::Other(u8::try_from(number).ok()?),
        _ => return None,
    };
    let slot = json["slot"].as_u64().and_then(|slot| u16::try_from(slot).ok()).map(SlotNumber);
    Some(LogRecord { at: json["at"].as_i64().map(WallTime), entry, slot })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_a_log_is_kept_as_it_is() {
        let read_at = Timestamp::from_microsecond(1_795_624_141_000_000).unwrap();
        let record = |at, entry, slot| Some(LogRecord { at, entry, slot });
        let at = Some(WallTime::from_seconds(1_795_624_000));
        for newest in [
            None,
            record(at, LogEntry::Unlocked(UnlockSource::Keypad), Some(SlotNumber(5))),
            record(None, LogEntry::Locked(UnlockSource::Automatic), None),
            record(at, LogEntry::Denied, None),
            record(at, LogEntry::Other(0x1C), None),
        ] {
            let mark = LogMark { read_at, newest };
            assert_eq!(decode(&encode(&mark)), Some(mark));
        }
        assert_eq!(decode("{}"), None);
    }
}
