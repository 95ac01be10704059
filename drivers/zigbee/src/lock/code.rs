//! Reading, setting and clearing a code.
//!
//! A set is sent once; the lock's answer says how it went, and the user is read back. A lock that hides its codes has
//! proven it by that answer, or by the user having had none before. Its own event that somebody gave the user a code is no
//! proof: it may be told late, of a code that was there before. One that can't be asked for a code at all is asked whether
//! the user has one.

use std::time::{Duration, Instant};

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, Pin, Refusal, SlotContent, SlotNumber, SlotReport,
};

use super::{Next, Seen, Told, again_after, ask_lock, reading_failed, told, writing_failed};
use crate::device::table::DeviceRecord;
use crate::transport::question::{Answer, AskError};
use crate::zcl::Status;
use crate::zcl::door_lock::{Code, FromLock, SetCodeStatus, ToLock, UserCode, UserStatus, UserType};

/// Times a user is read until it holds what was written: some locks tell their old content for a few seconds.
const READS: u8 = 5;
/// Times a code is written whose writing no answer and no acknowledgement came of, and which was not taken.
const WRITES: u8 = 3;

#[derive(Clone, PartialEq, Eq)]
enum Goal {
    Read,
    Set(Pin),
    Clear,
}

enum Phase {
    Write,
    Read,
    /// Before the next read.
    Settle {
        until: Instant,
    },
    Done(Result<CommandOutput, CommandError>),
}

/// How the last write went, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// Not known.
    Unknown,
    /// The lock said that it did it.
    Done,
    /// The lock said that it did not.
    Refused(SetCodeStatus),
}

/// One command about one user.
pub(super) struct CodeJob {
    slot: SlotNumber,
    goal: Goal,
    /// Of which type a user is who gets a code.
    kind: UserType,
    /// The type that the lock told with the code.
    told_kind: Option<UserType>,
    /// The code is to be replaced and never taken out meanwhile.
    in_place: bool,
    endpoint: u8,
    phase: Phase,
    was_free: bool,
    /// How long it tells the old content after a write.
    slow: Duration,
    hides: Option<bool>,
    unreadable: bool,
    written: Written,
    /// The last write was not acknowledged.
    unheard: bool,
    /// The user is emptied first: a lock may take a code only where there is none, and what it hides after that is what
    /// was written.
    emptying: bool,
    emptied: bool,
    reads: u8,
    writes: u8,
    seen: Seen,
}

impl CodeJob {
    pub(super) fn new(command: &LockCommand, endpoint: u8, record: &DeviceRecord, was_free: bool) -> Option<Self> {
        let (slot, goal) = match command {
            LockCommand::ReadSlot(slot) => (*slot, Goal::Read),
            LockCommand::SetCode { slot, pin } => (*slot, Goal::Set(pin.clone())),
            LockCommand::ClearCode(slot) => (*slot, Goal::Clear),
            // It is made for no other.
            _ => return None,
        };
        let emptying = matches!(goal, Goal::Set(_)) && record.quirk.clear_first && !was_free;
        Some(Self {
            slot,
            phase: if goal == Goal::Read { Phase::Read } else { Phase::Write },
            goal,
            kind: UserType::Unrestricted,
            told_kind: None,
            in_place: false,
            endpoint,
            was_free,
            slow: record.quirk.settle,
            hides: record.hides_codes(),
            unreadable: record.is_unreadable(),
            written: Written::Unknown,
            unheard: false,
            emptying,
            emptied: emptying,
            reads: 0,
            writes: 0,
            seen: Seen::default(),
        })
    }

    /// The user is to be of this type, and is not emptied on the way: there is more to it than its code.
    pub(super) fn in_place(mut self, kind: UserType) -> Self {
        (self.kind, self.in_place) = (kind, true);
        self
    }

    /// The type that the lock told with the code, if it was read since it was written.
    pub(super) fn kind(&self) -> Option<UserType> {
        self.told_kind
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen
    }

    pub(super) fn next(&self) -> Next {
        match &self.phase {
            Phase::Write => {
                let command = match &self.goal {
                    Goal::Set(pin) if !self.emptying => ToLock::SetPin(UserCode {
                        user: self.slot,
                        status: UserStatus::Enabled,
                        kind: self.kind,
                        code: Code::from(pin),
                    }),
                    Goal::Set(_) | Goal::Read | Goal::Clear => ToLock::ClearPin(self.slot),
                };
                ask_lock(self.endpoint, &command, true)
            }
            Phase::Read if self.unreadable => ask_lock(self.endpoint, &ToLock::GetUserStatus(self.slot), false),
            Phase::Read => ask_lock(self.endpoint, &ToLock::GetPin(self.slot), false),
            Phase::Settle { until } => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        match self.phase {
            Phase::Write => self.wrote(now, answer),
            Phase::Read => self.read(now, answer),
            Phase::Settle { .. } | Phase::Done(_) => {}
        }
    }

    fn wrote(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        self.writes += 1;
        (self.written, self.told_kind) = (Written::Unknown, None);
        self.unheard = matches!(answer, Err(AskError::Offline { .. }));
        match answer.map(|answer| told(&answer)) {
            Ok(Told::Status(status)) if status.is_unsupported() => self.refused(super::refused(status)),
            Ok(Told::Status(status)) => {
                let status = SetCodeStatus::from(status);
                self.written = if status == SetCodeStatus::Success { Written::Done } else { Written::Refused(status) };
                match (&self.goal, self.written) {
                    (Goal::Set(_), Written::Done) if self.hides == Some(true) && !self.emptying => {
                        self.done(Ok(CommandOutput::CodeSet(Evidence::Supervised)));
                    }
                    // A lock may also say so of the code that this user has already: the user tells.
                    (_, Written::Refused(_)) => self.phase = Phase::Read,
                    _ => self.look(now),
                }
            }
            // Not told how it went: the user tells.
            Ok(Told::Lock(_) | Told::General(_) | Told::Nonsense) => self.look(now),
            Err(AskError::NoAnswer) => self.settle(now),
            // Its acknowledgement may have been lost, no more: the user tells, or it does not answer that either.
            Err(AskError::Offline { maybe_done: true }) => self.phase = Phase::Read,
            Err(error) => self.done(Err(writing_failed(error))),
        }
    }

    fn read(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        self.reads += 1;
        let content = match answer.map(|answer| told(&answer)) {
            Ok(Told::Lock(FromLock::Pin(code))) if code.user == self.slot => {
                self.told_kind = Some(code.kind).filter(|kind| *kind != UserType::NotSupported);
                content_of(&code)
            }
            Ok(Told::Lock(FromLock::UserStatus(user, status))) if user == self.slot => content_by(status),
            Ok(Told::Status(status)) => match self.unanswered(status) {
                Some(content) => content,
                None => return,
            },
            // An answer about this user that can't be read says nothing of it.
            Ok(_) => return self.done(Err(CommandError::Unproven)),
            Err(error) if self.goal == Goal::Read => return self.done(Err(reading_failed(error))),
            Err(_) => return self.done(Err(CommandError::Unproven)),
        };
        match content {
            SlotContent::Code(_) => self.seen.masked = Some(false),
            SlotContent::Hidden if !self.unreadable => self.seen.masked = Some(true),
            SlotContent::Hidden | SlotContent::Free | SlotContent::Unusable => {}
        }
        self.compare(now, content);
    }

    /// The lock answered the question for a code by a status alone. `None`: it is asked in another way, or has ended.
    fn unanswered(&mut self, status: Status) -> Option<SlotContent> {
        if status == Status::NOT_FOUND {
            return Some(SlotContent::Free);
        }
        if !self.unreadable && (status.is_unsupported() || status == Status::NOT_AUTHORIZED) {
            (self.unreadable, self.seen.unreadable) = (true, true);
            self.reads = 0;
            return None;
        }
        match (&self.goal, self.written) {
            (_, Written::Refused(why)) => self.said_no(why, &SlotContent::Unusable),
            // It can't be asked in any way: what it said of the command is all there is.
            (Goal::Set(_), Written::Done) if !self.emptying => {
                self.done(Ok(CommandOutput::CodeSet(Evidence::Supervised)));
            }
            (Goal::Clear, Written::Done) => self.done(Ok(CommandOutput::CodeCleared(Evidence::Supervised))),
            (Goal::Read, _) => self.refused(super::refused(status)),
            _ => self.done(Err(CommandError::Unproven)),
        }
        None
    }

    fn compare(&mut self, now: Instant, content: SlotContent) {
        match (&self.goal, &content) {
            (Goal::Read, _) => self.done(Ok(CommandOutput::Slot(SlotReport { slot: self.slot, content }))),
            (Goal::Set(_), SlotContent::Free) if self.emptying => {
                (self.emptying, self.was_free) = (false, true);
                (self.reads, self.writes) = (0, 0);
                self.phase = Phase::Write;
            }
            (Goal::Set(_), _) if self.emptying => self.not_yet(now, content),
            (Goal::Set(pin), SlotContent::Code(held)) if held == pin => {
                self.done(Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
            }
            (Goal::Set(_), SlotContent::Hidden) if self.written == Written::Done => {
                self.done(Ok(CommandOutput::CodeSet(Evidence::Supervised)));
            }
            // It was free when last read, and we are its only writer: what it hides now is what was written.
            (Goal::Set(_), SlotContent::Hidden) if self.was_free => {
                self.done(Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
            }
            (Goal::Clear, SlotContent::Free) => self.done(Ok(CommandOutput::CodeCleared(Evidence::ReadBack))),
            _ => self.not_yet(now, content),
        }
    }

    /// The user has something else than was written.
    fn not_yet(&mut self, now: Instant, content: SlotContent) {
        if let Written::Refused(status) = self.written {
            return self.said_no(status, &content);
        }
        if self.unheard && self.writes < WRITES {
            // It never arrived.
            self.reads = 0;
            self.phase = Phase::Write;
        } else if self.is_hidden_set(&content) {
            // No look tells what it hides from what it hid before; its answer to that does.
            if self.writes < WRITES { self.phase = Phase::Write } else { self.empty_first() }
        } else if self.reads < READS {
            self.settle(now);
        } else if self.written == Written::Done {
            self.refused(Refusal::NotTaken(content));
        } else if self.writes < WRITES {
            self.reads = 0;
            self.phase = Phase::Write;
        } else {
            // No write is known to have arrived: not the lock's refusal.
            self.done(Err(CommandError::Unproven));
        }
    }

    fn said_no(&mut self, status: SetCodeStatus, content: &SlotContent) {
        match status {
            // It may have taken it the first time, and not have it twice.
            SetCodeStatus::Duplicate if self.writes > 1 && self.is_hidden_set(content) => self.empty_first(),
            SetCodeStatus::Duplicate => self.refused(Refusal::DuplicatePin),
            SetCodeStatus::MemoryFull => self.refused(Refusal::MemoryFull),
            // Some take a code only where there is none.
            _ if matches!((&self.goal, content), (Goal::Set(_), SlotContent::Code(_) | SlotContent::Hidden))
                && !self.emptied
                && !self.in_place =>
            {
                self.empty_first();
            }
            _ => self.refused(Refusal::Rejected),
        }
    }

    fn is_hidden_set(&self, content: &SlotContent) -> bool {
        matches!((&self.goal, content), (Goal::Set(_), SlotContent::Hidden)) && !self.emptying
    }

    /// There is proof only from an empty slot on.
    fn empty_first(&mut self) {
        if self.in_place || self.emptied {
            return self.done(Err(CommandError::Unproven));
        }
        (self.emptying, self.emptied) = (true, true);
        (self.reads, self.writes, self.written) = (0, 0, Written::Unknown);
        self.phase = Phase::Write;
    }

    /// The first read after a write.
    fn look(&mut self, now: Instant) {
        self.phase = if self.slow.is_zero() { Phase::Read } else { Phase::Settle { until: now + self.slow } };
    }

    fn settle(&mut self, now: Instant) {
        self.phase = Phase::Settle { until: now + again_after(self.reads.saturating_sub(1)) };
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Settle { until } if until <= now) {
            self.phase = Phase::Read;
        }
    }

    fn refused(&mut self, refusal: Refusal) {
        self.done(Err(refusal.into()));
    }

    fn done(&mut self, result: Result<CommandOutput, CommandError>) {
        self.phase = Phase::Done(result);
    }
}

fn content_of(code: &UserCode) -> SlotContent {
    match (content_by(code.status), code.code.pin()) {
        (SlotContent::Hidden, Some(pin)) => SlotContent::Code(pin),
        (content, _) => content,
    }
}

/// A code that does not open now is a code.
fn content_by(status: UserStatus) -> SlotContent {
    match status {
        UserStatus::Available => SlotContent::Free,
        UserStatus::Enabled | UserStatus::Disabled => SlotContent::Hidden,
        UserStatus::NotSupported | UserStatus::Other(_) => SlotContent::Unusable,
    }
}
