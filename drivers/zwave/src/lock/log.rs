//! Reading what a lock wrote down of who used it: from the newest record back to the one that is known already.
//!
//! The specification has the newest record asked for by number 0, and leaves open how the others are counted: most locks
//! write round and round, so that the record before the newest has the number before; some count from the newest on. Which
//! it is shows where the newest record has another number than 1, else from which neighbour is the newer one.

use keyway_lock::{CommandError, CommandOutput, LockCommand, LogReading, LogRecord, LogStart};
use zeroize::Zeroizing;

use super::{Next, Want, reading_failed};
use crate::cc::door_lock_logging::{self, DoorLockLoggingCommand, NEWEST};
use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError, Beginning};

/// Records read in one go, at most: a person at the door waits behind them, for a few seconds.
const MOST: usize = 40;

/// How records are counted.
#[derive(Clone, Copy)]
enum Order {
    /// Round and round: the one before has the number before, and before 1 comes the last.
    Round,
    /// From the newest on.
    FromNewest,
}

enum Phase {
    /// The newest is asked for.
    Newest,
    /// The newest has number 1: record 2 is asked for, then the last one.
    Second,
    Last(Option<LogRecord>),
    /// This one is asked for, back in this order.
    Back(Order, u8),
    Done(Result<CommandOutput, CommandError>),
}

/// One reading.
pub(super) struct LogJob {
    start: LogStart,
    /// How many records the lock keeps.
    size: u8,
    newest: Option<LogRecord>,
    /// Newest first.
    records: Vec<LogRecord>,
    phase: Phase,
}

impl LogJob {
    /// `None`: it is another command, or the lock keeps no log.
    pub(super) fn new(command: &LockCommand, record: &NodeRecord) -> Option<Self> {
        let LockCommand::ReadLog(start) = command else { return None };
        let size = record.settings.log_size.filter(|size| *size > 0)?;
        Some(Self { start: *start, size, newest: None, records: Vec::new(), phase: Phase::Newest })
    }

    pub(super) fn next(&self) -> Next {
        let number = match &self.phase {
            Phase::Newest => NEWEST,
            Phase::Second => 2,
            Phase::Last(_) => self.size,
            Phase::Back(_, number) => *number,
            Phase::Done(result) => return Next::Done(result.clone()),
        };
        let kind = [door_lock_logging::CLASS, door_lock_logging::RECORD_REPORT];
        // Asked for the newest, a lock answers with that one's own number.
        let report = match number {
            NEWEST => Beginning::from(kind),
            number => Beginning::from([kind[0], kind[1], number]),
        };
        Next::Ask(Zeroizing::new(DoorLockLoggingCommand::RecordGet(number).encode()), Want::Report(report))
    }

    pub(super) fn handle_answer(&mut self, answer: Result<Answer, AskError>) {
        let told = match answer {
            Ok(Answer::Report(report)) => match DoorLockLoggingCommand::decode(&report) {
                Ok(DoorLockLoggingCommand::RecordReport { number, record }) => Ok((number, record)),
                _ => Err(CommandError::Unproven),
            },
            Ok(Answer::Delivered | Answer::Supervised(_)) => Err(CommandError::Unproven),
            Err(error) => Err(reading_failed(error)),
        };
        let phase = std::mem::replace(&mut self.phase, Phase::Done(Err(CommandError::Unproven)));
        self.phase = match (phase, told) {
            (Phase::Done(result), _) => Phase::Done(result),
            (_, Err(error)) => Phase::Done(Err(error)),
            (Phase::Newest, Ok((number, record))) => self.newest(number, record),
            (Phase::Second, Ok((_, record))) => Phase::Last(record),
            (Phase::Last(second), Ok((_, last))) => {
                let older = |record: Option<LogRecord>| record.and_then(|record| record.at);
                match (older(second), older(last)) {
                    // The newer of the two is the one before the newest.
                    (Some(second), Some(last)) if second > last => self.back(Order::FromNewest, 2),
                    (Some(_), None) => self.back(Order::FromNewest, 2),
                    _ => self.back(Order::Round, self.size),
                }
            }
            (Phase::Back(order, number), Ok((_, record))) => self.one_more(order, number, record),
        };
    }

    fn newest(&mut self, number: u8, record: Option<LogRecord>) -> Phase {
        self.newest = record;
        let known = match (self.start, record) {
            (LogStart::Newest, _) | (_, None) => true,
            (LogStart::Behind(known), record) => known == record,
        };
        match record.filter(|_| !known) {
            None => self.done(false),
            Some(record) => {
                self.records.push(record);
                match number {
                    1 if self.size > 2 => Phase::Second,
                    // It does not say which one that is.
                    NEWEST => self.back(Order::FromNewest, 2),
                    number => self.back(Order::Round, before(number, self.size)),
                }
            }
        }
    }

    fn one_more(&mut self, order: Order, number: u8, record: Option<LogRecord>) -> Phase {
        match record {
            None => self.done(false),
            Some(record) if self.start == LogStart::Behind(Some(record)) => self.done(false),
            Some(record) => {
                self.records.push(record);
                match order {
                    Order::Round => self.back(order, before(number, self.size)),
                    Order::FromNewest => self.back(order, number.saturating_add(1)),
                }
            }
        }
    }

    /// The next one back, unless that is enough, or there are no more.
    fn back(&self, order: Order, number: u8) -> Phase {
        let all = self.records.len() >= self.size.into();
        if all || self.records.len() >= MOST || number > self.size || number == NEWEST {
            // The record that is known was not met.
            return self.done(matches!(self.start, LogStart::Behind(Some(_))) || !all);
        }
        Phase::Back(order, number)
    }

    fn done(&self, has_gap: bool) -> Phase {
        let records = self.records.iter().rev().copied().collect();
        Phase::Done(Ok(CommandOutput::Log(LogReading { newest: self.newest, records, has_gap })))
    }
}

fn before(number: u8, size: u8) -> u8 {
    if number > 1 { number - 1 } else { size }
}
