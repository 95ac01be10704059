//! A code of a lock with schedules that opens at any time, and one that is taken out: whatever schedule its user has been
//! given by us must not keep it from opening, nor the next code there.

use std::time::Instant;

use keyway_lock::{CommandError, CommandOutput, LockCommand, Refusal};

use super::code::CodeJob;
use super::timed::SCHEDULE;
use super::{Next, Seen, Told, ask_lock, told};
use crate::device::table::DeviceRecord;
use crate::transport::question::{Answer, AskError};
use crate::zcl::door_lock::{FromLock, ToLock, UserType};

enum Phase {
    Code,
    /// Our schedule is cleared behind our code.
    Clear,
    /// Of which type is the user? A lock may keep the one it had though another came with the code.
    ReadType,
    /// It may come in at any time.
    SetType,
    /// May it?
    CheckType,
    Done(Result<CommandOutput, CommandError>),
}

/// One command about a user.
pub(super) struct UntimedJob {
    code: CodeJob,
    command: LockCommand,
    endpoint: u8,
    phase: Phase,
}

impl UntimedJob {
    /// `None`: the lock keeps no schedules of ours, or it is no command that they matter for.
    pub(super) fn new(command: &LockCommand, endpoint: u8, record: &DeviceRecord, was_free: bool) -> Option<Self> {
        let concerned = matches!(command, LockCommand::SetCode { .. } | LockCommand::ClearCode(_));
        let code = CodeJob::new(command, endpoint, record, was_free).filter(|_| concerned && record.has_schedules())?;
        Some(Self { code, command: command.clone(), endpoint, phase: Phase::Code })
    }

    pub(super) fn seen(&self) -> Seen {
        self.code.seen()
    }

    pub(super) fn next(&self) -> Next {
        let user = self.command.slot().unwrap_or(keyway_lock::SlotNumber(0));
        let ask = |command: ToLock| ask_lock(self.endpoint, &command, false);
        match &self.phase {
            Phase::Code => self.code.next(),
            Phase::Clear => ask(ToLock::ClearYearDay(SCHEDULE, user)),
            Phase::ReadType | Phase::CheckType => ask(ToLock::GetUserType(user)),
            Phase::SetType => ask(ToLock::SetUserType(user, UserType::Unrestricted)),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        if matches!(self.phase, Phase::Code) {
            self.code.handle_answer(now, answer);
            return self.code_answered();
        }
        let kind = match answer.map(|answer| told(&answer)) {
            Ok(Told::Lock(FromLock::UserType(_, kind))) => Ok(Some(kind)),
            Ok(_) => Ok(None),
            Err(_) => Err(()),
        };
        self.phase = match (&self.phase, kind) {
            // A schedule that was left behind matters only when another code comes there, which is seen to then.
            (Phase::Clear, _) if matches!(self.command, LockCommand::ClearCode(_)) => self.end(),
            (Phase::Clear, Ok(_)) => match self.code.kind() {
                Some(UserType::Unrestricted) => self.end(),
                _ => Phase::ReadType,
            },
            (Phase::ReadType, Ok(Some(UserType::YearDay | UserType::WeekDay | UserType::NonAccess))) => Phase::SetType,
            // Another type opens, and a lock that does not say has been told.
            (Phase::ReadType, Ok(_)) => self.end(),
            (Phase::SetType, Ok(_)) => Phase::CheckType,
            (Phase::CheckType, Ok(Some(UserType::YearDay | UserType::WeekDay | UserType::NonAccess))) => {
                Phase::Done(Err(Refusal::Rejected.into()))
            }
            (Phase::CheckType, Ok(_)) => self.end(),
            // The code is in, but may not open.
            (Phase::Clear | Phase::ReadType | Phase::SetType | Phase::CheckType, Err(())) => {
                Phase::Done(Err(CommandError::Unproven))
            }
            (Phase::Code | Phase::Done(_), _) => return,
        };
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Code) {
            self.code.handle_timeout(now);
            self.code_answered();
        }
    }

    fn code_answered(&mut self) {
        match self.code.next() {
            Next::Done(Ok(_)) => self.phase = Phase::Clear,
            Next::Done(Err(error)) => self.phase = Phase::Done(Err(error)),
            Next::Ask(_) | Next::Pause(_) => {}
        }
    }

    /// As the code ended.
    fn end(&self) -> Phase {
        match self.code.next() {
            Next::Done(result) => Phase::Done(result),
            Next::Ask(_) | Next::Pause(_) => Phase::Code,
        }
    }
}
