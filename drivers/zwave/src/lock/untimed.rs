//! A code of a lock with schedules that opens at any time, and one that is taken out: whatever schedule its slot has been
//! given, by us or by others, must not keep it from opening, nor the next code there.

use std::time::Instant;

use keyway_lock::{CommandError, CommandOutput, LockCommand, LockEvent};
use zeroize::Zeroizing;

use super::code::CodeJob;
use super::timed::SCHEDULE;
use super::{Next, Want, writing_failed};
use crate::cc::schedule_entry_lock::{ScheduleEntryLockCommand, YearDay};
use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError};
use crate::transport::supervision::Status;

enum Phase {
    /// The schedules of the slot are put out of force, before its code is written, or if the lock would have none of that,
    /// after it.
    Release {
        again: bool,
    },
    Code,
    /// Our schedule is erased behind our code.
    Erase,
    Done(Result<CommandOutput, CommandError>),
}

/// One command about a slot.
pub(super) struct UntimedJob {
    user: u8,
    code: CodeJob,
    clears: bool,
    released: bool,
    phase: Phase,
}

impl UntimedJob {
    /// `None`: the lock has no schedules, or it is no command that they matter for.
    pub(super) fn new(command: &LockCommand, record: &NodeRecord, was_free: bool) -> Option<Self> {
        let (slot, clears) = match command {
            LockCommand::SetCode { slot, .. } => (slot, false),
            LockCommand::ClearCode(slot) => (slot, true),
            _ => return None,
        };
        let user = u8::try_from(slot.0).ok().filter(|_| record.has_schedules())?;
        let code = CodeJob::new(command, record, was_free)?;
        let phase = if clears { Phase::Code } else { Phase::Release { again: false } };
        Some(Self { user, code, clears, released: false, phase })
    }

    pub(super) fn masked(&self) -> Option<bool> {
        self.code.masked()
    }

    pub(super) fn next(&self) -> Next {
        let ask = |command: ScheduleEntryLockCommand| Next::Ask(Zeroizing::new(command.encode()), Want::Outcome);
        match &self.phase {
            Phase::Release { .. } => ask(ScheduleEntryLockCommand::EnableSet { user: self.user, enabled: false }),
            Phase::Code => self.code.next(),
            Phase::Erase => {
                ask(ScheduleEntryLockCommand::YearDaySet(YearDay { user: self.user, slot: SCHEDULE, window: None }))
            }
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        match (&self.phase, answer) {
            (Phase::Code, answer) => {
                self.code.handle_answer(now, answer);
                self.code_answered();
            }
            (Phase::Release { again: false }, Err(error)) => self.phase = Phase::Done(Err(writing_failed(error))),
            // The code is in, but may not open.
            (Phase::Release { again: true }, Err(_)) => self.phase = Phase::Done(Err(CommandError::Unproven)),
            (Phase::Release { again: false }, Ok(answer)) => {
                self.released = answer != Answer::Supervised(Status::Fail);
                self.phase = Phase::Code;
            }
            // A lock that refuses it now as well has no schedule for this user.
            (Phase::Release { again: true } | Phase::Erase, _) => self.end(),
            (Phase::Done(_), _) => {}
        }
    }

    pub(super) fn handle_event(&mut self, event: &LockEvent) {
        if matches!(self.phase, Phase::Code) {
            self.code.handle_event(event);
            self.code_answered();
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Code) {
            self.code.handle_timeout(now);
            self.code_answered();
        }
    }

    fn code_answered(&mut self) {
        match self.code.next() {
            Next::Done(Ok(_)) if self.clears => self.phase = Phase::Erase,
            Next::Done(Ok(_)) if !self.released => self.phase = Phase::Release { again: true },
            Next::Done(_) => self.end(),
            Next::Ask(..) | Next::Pause(_) => {}
        }
    }

    /// As the code ended.
    fn end(&mut self) {
        if let Next::Done(result) = self.code.next() {
            self.phase = Phase::Done(result);
        }
    }
}
