//! Reading what a lock wrote down of who used it (ZCL 7.3.2.16.5): from the newest record back to the one that is known
//! already. A lock tells with its newest record where that stands in its table, and writes that round and round.

use keyway_lock::{
    CommandError, CommandOutput, LockCommand, LockEvent, LogEntry, LogReading, LogRecord, LogStart, WallTime,
};

use super::{Next, Told, ask_lock, events, reading_failed, refused, told};
use crate::device::table::DeviceRecord;
use crate::transport::question::{Answer, AskError};
use crate::zcl::door_lock::{self, FromLock, OperationEvent, ToLock};
use crate::zcl::time;

/// Records read in one go, at most: a person at the door waits behind them, for a few seconds.
const MOST: usize = 40;
/// The number by which the newest record is asked for.
const NEWEST: u16 = 0;
/// A record's kind: the bolt was moved, or somebody tried.
const OPERATION: u8 = 0;

/// One reading.
pub(super) struct LogJob {
    start: LogStart,
    endpoint: u8,
    record: DeviceRecord,
    /// How many records the lock keeps.
    size: u16,
    newest: Option<LogRecord>,
    /// Newest first.
    records: Vec<LogRecord>,
    /// The record that is asked for.
    asked: u16,
    done: Option<Result<CommandOutput, CommandError>>,
}

impl LogJob {
    /// `None`: it is another command, or the lock keeps no log.
    pub(super) fn new(command: &LockCommand, endpoint: u8, record: &DeviceRecord) -> Option<Self> {
        let LockCommand::ReadLog(start) = command else { return None };
        let size = Some(record.log_size()).filter(|size| *size > 0)?;
        let (record, records) = (record.clone(), Vec::new());
        Some(Self { start: *start, endpoint, record, size, newest: None, records, asked: NEWEST, done: None })
    }

    pub(super) fn next(&self) -> Next {
        match &self.done {
            Some(result) => Next::Done(result.clone()),
            None => ask_lock(self.endpoint, &ToLock::GetLogRecord(self.asked), false),
        }
    }

    pub(super) fn handle_answer(&mut self, answer: Result<Answer, AskError>) {
        match answer.map(|answer| told(&answer)) {
            Ok(Told::Lock(FromLock::LogRecord(told))) => self.told(&told),
            Ok(Told::Status(status)) if status.is_unsupported() => self.done = Some(Err(refused(status).into())),
            // There is none of that number: it has not written so many.
            Ok(Told::Status(_)) => self.end(false),
            Ok(_) => self.done = Some(Err(CommandError::Unproven)),
            Err(error) => self.done = Some(Err(reading_failed(error))),
        }
    }

    fn told(&mut self, told: &door_lock::LogRecord) {
        let record = understood(told, &self.record);
        if self.asked == NEWEST {
            self.newest = Some(record);
        }
        let known = match self.start {
            LogStart::Newest => true,
            LogStart::Behind(known) => known == Some(record),
        };
        if known {
            return self.end(false);
        }
        self.records.push(record);
        let all = self.records.len() >= self.size.into();
        // One that does not say where its newest record stands, or answers with another than was asked for, is asked no more.
        let lost = told.entry == NEWEST || (self.asked != NEWEST && told.entry != self.asked);
        if all || lost || self.records.len() >= MOST {
            // The record that is known was not met.
            return self.end(matches!(self.start, LogStart::Behind(Some(_))) || !all);
        }
        self.asked = if told.entry > 1 { told.entry - 1 } else { self.size };
    }

    fn end(&mut self, has_gap: bool) {
        let records = self.records.iter().rev().copied().collect();
        self.done = Some(Ok(CommandOutput::Log(LogReading { newest: self.newest, records, has_gap })));
    }
}

/// A record in the hub's words.
fn understood(told: &door_lock::LogRecord, record: &DeviceRecord) -> LogRecord {
    let operation = OperationEvent {
        source: told.source.into(),
        code: told.code.into(),
        user: told.user,
        pin: door_lock::Code::default(),
        at: told.at,
    };
    let event = Some(operation).filter(|_| told.kind == OPERATION).and_then(|event| events::operation(&event, record));
    let (entry, slot) = match event {
        Some(LockEvent::Locked { source, slot }) => (LogEntry::Locked(source), slot),
        Some(LockEvent::Unlocked { source, slot }) => (LogEntry::Unlocked(source), slot),
        Some(LockEvent::InvalidCode) => (LogEntry::Denied, None),
        _ => (LogEntry::Other(told.code), None),
    };
    let seconds = i64::try_from(u64::from(told.at) + time::EPOCH).ok().filter(|_| told.at != u32::MAX);
    LogRecord { at: seconds.map(WallTime::from_seconds), entry, slot }
}
