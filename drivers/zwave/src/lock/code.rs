//! Reading, setting and clearing a code.
//!
//! A set is sent once, under supervision where the lock knows that, and is then read back. A lock that hides its codes
//! has proven it by its supervised SUCCESS, or by its slot being free before. Its own event that somebody put a code into
//! the slot is no proof: it may be told late, of a code that was there before.

use std::time::{Duration, Instant};

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, LockEvent, Pin, Refusal, SlotContent, SlotNumber, SlotReport,
};
use zeroize::Zeroizing;

use super::{Next, Want, again_after, reading_failed, writing_failed};
use crate::cc::user_code::{UserCode, UserCodeCommand};
use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError, Beginning};
use crate::transport::supervision::Status;

/// Times a slot is read until it holds what was written: some locks tell their old content for a few seconds.
const READS: u8 = 5;
/// Times a code is written to a lock that acknowledges but can't tell how it went, and did not take it.
const WRITES: u8 = 3;
/// Pauses in which a lock that refused may tell why (its "duplicate code" event).
const CAUSE_PAUSE: u8 = 2;

#[derive(Clone, PartialEq, Eq)]
enum Goal {
    Read,
    Set(Pin),
    Clear,
}

enum Phase {
    Write,
    Read,
    /// The lock refused: its event may tell why.
    Cause {
        until: Instant,
        /// If it does not, it may have refused another command.
        doubted: bool,
    },
    /// Before the next read.
    Settle {
        until: Instant,
    },
    Done(Result<CommandOutput, CommandError>),
}

/// One command about one slot.
pub(super) struct CodeJob {
    slot: SlotNumber,
    goal: Goal,
    phase: Phase,
    /// Identifiers above 255 have the extended commands only.
    extended: bool,
    /// The lock may tell of as many slots as fit its answer; up to this one.
    more: Option<SlotNumber>,
    was_free: bool,
    /// The code is to be replaced and never taken out meanwhile.
    in_place: bool,
    /// The lock can tell how a write went.
    supervised: bool,
    /// How long it tells the old content after a write.
    slow: Duration,
    hides: Option<bool>,
    /// The lock said SUCCESS.
    confirmed: bool,
    duplicate: bool,
    /// The last write was not acknowledged.
    unheard: bool,
    /// The slot is emptied first: what it hides after that is what was written.
    emptying: bool,
    emptied: bool,
    /// The last write was acknowledged by a lock that can't tell more.
    delivered: bool,
    reads: u8,
    writes: u8,
    masked: Option<bool>,
}

impl CodeJob {
    pub(super) fn new(command: &LockCommand, record: &NodeRecord, was_free: bool) -> Option<Self> {
        let (slot, goal) = match command {
            LockCommand::ReadSlot(slot) => (*slot, Goal::Read),
            LockCommand::SetCode { slot, pin } => (*slot, Goal::Set(pin.clone())),
            LockCommand::ClearCode(slot) => (*slot, Goal::Clear),
            // It is made for no other.
            _ => return None,
        };
        Some(Self {
            slot,
            phase: if goal == Goal::Read { Phase::Read } else { Phase::Write },
            more: None,
            goal,
            extended: slot.0 > 255,
            was_free,
            in_place: false,
            supervised: record.is_supervised(),
            hides: record.hides_codes(),
            slow: record.quirk.settle,
            confirmed: false,
            duplicate: false,
            unheard: false,
            emptying: false,
            emptied: false,
            delivered: false,
            reads: 0,
            writes: 0,
            masked: None,
        })
    }

    /// A read takes what the lock tells of other slots along.
    pub(super) fn with_others(mut self, record: &NodeRecord) -> Self {
        self.more = record.tells_up_to().filter(|_| self.goal == Goal::Read);
        self
    }

    /// The slot is not emptied on the way: there is more to it than its code.
    pub(super) fn in_place(mut self) -> Self {
        self.in_place = true;
        self
    }

    pub(super) fn masked(&self) -> Option<bool> {
        self.masked
    }

    pub(super) fn looks_anyway(&self) -> bool {
        self.goal == Goal::Clear || self.hides != Some(true)
    }

    pub(super) fn next(&self) -> Next {
        match &self.phase {
            Phase::Write => {
                let code = match &self.goal {
                    Goal::Set(pin) if !self.emptying => UserCode::enabled(self.slot, pin),
                    Goal::Set(_) | Goal::Read | Goal::Clear => UserCode::cleared(self.slot),
                };
                let command =
                    if self.extended { UserCodeCommand::ExtendedSet(vec![code]) } else { UserCodeCommand::Set(code) };
                Next::Ask(Zeroizing::new(command.encode()), Want::Outcome)
            }
            Phase::Read => {
                let (get, report) = self.get();
                Next::Ask(Zeroizing::new(get.encode()), Want::Report(report))
            }
            Phase::Cause { until, .. } | Phase::Settle { until } => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    /// The question for the slot, and how its report begins.
    fn get(&self) -> (UserCodeCommand, Beginning) {
        let code = UserCode::cleared(self.slot);
        let beginning = |report: UserCodeCommand, length| {
            let mut bytes = report.encode();
            bytes.truncate(length);
            Beginning::from(bytes)
        };
        if self.extended || self.more.is_some() {
            let report = UserCodeCommand::ExtendedReport { codes: vec![code], next: SlotNumber(0) };
            // Command, count, identifier; a lock may add the slots behind, though it was asked for one.
            let get = UserCodeCommand::ExtendedGet { user: self.slot, more: self.more.is_some() };
            (get, beginning(report, 5).with_any(2))
        } else {
            (UserCodeCommand::Get(self.slot), beginning(UserCodeCommand::Report(code), 3))
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        match self.phase {
            Phase::Write => self.written(now, answer),
            Phase::Read => self.read(now, answer),
            Phase::Cause { .. } | Phase::Settle { .. } | Phase::Done(_) => {}
        }
    }

    fn written(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        (self.writes, self.delivered) = (self.writes + 1, false);
        self.unheard = matches!(answer, Err(AskError::Offline { .. }));
        match answer {
            Ok(Answer::Supervised(Status::Success)) => {
                self.confirmed = !self.emptying;
                match self.goal {
                    Goal::Set(_) if self.hides == Some(true) && !self.emptying => {
                        self.done(Ok(CommandOutput::CodeSet(Evidence::Supervised)));
                    }
                    _ => self.look(now),
                }
            }
            Ok(Answer::Supervised(Status::Fail)) if self.duplicate => self.refused(Refusal::DuplicatePin),
            // It may have taken it the first time, and not have it twice.
            Ok(Answer::Supervised(Status::Fail)) if self.writes > 1 && self.is_hidden_set() => self.empty_first(),
            Ok(Answer::Supervised(Status::Fail)) => self.cause(now, false),
            // Not told how it went: the slot tells.
            Ok(Answer::Supervised(Status::NoSupport | Status::Working) | Answer::Delivered | Answer::Report(_)) => {
                self.delivered = true;
                self.look(now);
            }
            Err(AskError::NoAnswer) => self.settle(now),
            // Its acknowledgement may have been lost, no more: the slot tells, or it does not answer that either.
            Err(AskError::Offline { maybe_done: true }) => self.phase = Phase::Read,
            Err(error) => self.done(Err(writing_failed(error))),
        }
    }

    /// How a write went is not known: what the lock said may be of an earlier command.
    pub(super) fn handle_doubted(&mut self, now: Instant, status: Status) {
        if matches!((&self.phase, status), (Phase::Write, Status::Fail)) {
            self.cause(now, true);
        }
    }

    fn cause(&mut self, now: Instant, doubted: bool) {
        self.phase = Phase::Cause { until: now + again_after(CAUSE_PAUSE), doubted };
    }

    fn read(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        self.reads += 1;
        let report = match answer {
            Ok(Answer::Report(report)) => report,
            Ok(Answer::Delivered | Answer::Supervised(_)) => return,
            // It promised to tell of several, and does not.
            Err(AskError::NoAnswer) if self.more.take().is_some() => return,
            Err(error) if self.goal == Goal::Read => return self.done(Err(reading_failed(error))),
            Err(AskError::NoKey) => return self.done(Err(writing_failed(AskError::NoKey))),
            Err(_) => return self.done(Err(CommandError::Unproven)),
        };
        let Some(content) = self.content_of(&report) else {
            // A report for this slot that can't be read says nothing of it.
            return self.done(Err(CommandError::Unproven));
        };
        match content {
            SlotContent::Code(_) => self.masked = Some(false),
            SlotContent::Hidden => self.masked = Some(true),
            SlotContent::Free | SlotContent::Unusable => {}
        }
        match (&self.goal, &content) {
            (Goal::Read, _) => {
                let output = self.several(&report);
                let one = || CommandOutput::Slot(SlotReport { slot: self.slot, content: content.clone() });
                self.done(Ok(output.unwrap_or_else(one)));
            }
            (Goal::Set(_), SlotContent::Free) if self.emptying => {
                (self.emptying, self.was_free) = (false, true);
                (self.reads, self.writes) = (0, 0);
                self.phase = Phase::Write;
            }
            (Goal::Set(_), _) if self.emptying => self.not_yet(now, content),
            (Goal::Set(pin), SlotContent::Code(held)) if held == pin => {
                self.done(Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
            }
            (Goal::Set(_), SlotContent::Hidden) if self.confirmed => {
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

    fn content_of(&self, report: &[u8]) -> Option<SlotContent> {
        match UserCodeCommand::decode(report).ok()? {
            UserCodeCommand::Report(code) if code.user == self.slot => Some(code.content()),
            UserCodeCommand::ExtendedReport { codes, .. } => {
                codes.iter().find(|code| code.user == self.slot).map(UserCode::content)
            }
            _ => None,
        }
    }

    /// All that a report of several slots tells. It names the next taken one, or none: those between are passed over
    /// (CC:0063.02.0E).
    fn several(&self, report: &[u8]) -> Option<CommandOutput> {
        let last_slot = self.more?;
        let Ok(UserCodeCommand::ExtendedReport { codes, next }) = UserCodeCommand::decode(report) else { return None };
        let is_told = |code: &&UserCode| (self.slot..=last_slot).contains(&code.user);
        let told: Vec<SlotReport> =
            codes.iter().filter(is_told).map(|code| SlotReport { slot: code.user, content: code.content() }).collect();
        let end = if next == SlotNumber(0) { last_slot.0.saturating_add(1) } else { next.0.min(last_slot.0) };
        let is_passed = |slot: &SlotNumber| !told.iter().any(|report| report.slot == *slot);
        let passed_over = (self.slot.0.saturating_add(1)..end).map(SlotNumber).filter(is_passed).collect();
        Some(CommandOutput::Slots { told, passed_over })
    }

    /// The slot holds something else than was written.
    fn not_yet(&mut self, now: Instant, content: SlotContent) {
        if self.duplicate {
            self.refused(Refusal::DuplicatePin);
        } else if self.unheard && self.writes < WRITES {
            // It never arrived.
            self.phase = Phase::Write;
        } else if content == SlotContent::Hidden && self.is_hidden_set() {
            // No look tells what it hides from what it hid before; its answer to that does.
            if self.supervised && self.writes < WRITES { self.phase = Phase::Write } else { self.empty_first() }
        } else if self.reads < READS {
            self.settle(now);
        } else if content == SlotContent::Hidden && self.emptying {
            self.done(Err(CommandError::Unproven));
        } else if !self.confirmed && self.writes < WRITES {
            self.reads = 0;
            self.phase = Phase::Write;
        } else if !self.confirmed && !self.delivered {
            // No write is known to have arrived: not the lock's refusal.
            self.done(Err(CommandError::Unproven));
        } else {
            self.refused(Refusal::NotTaken(content));
        }
    }

    fn is_hidden_set(&self) -> bool {
        matches!(self.goal, Goal::Set(_)) && self.masked.or(self.hides) == Some(true) && !self.emptying
    }

    /// A lock that hides its codes did not tell how a set went: there is proof only from an empty slot on.
    fn empty_first(&mut self) {
        if self.in_place || std::mem::replace(&mut self.emptied, true) {
            return self.done(Err(CommandError::Unproven));
        }
        self.emptying = true;
        (self.reads, self.writes) = (0, 0);
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
        match self.phase {
            Phase::Settle { until } if until <= now => self.phase = Phase::Read,
            Phase::Cause { until, doubted: true } if until <= now => self.phase = Phase::Write,
            Phase::Cause { until, .. } if until <= now => self.refused(Refusal::Rejected),
            Phase::Write | Phase::Read | Phase::Cause { .. } | Phase::Settle { .. } | Phase::Done(_) => {}
        }
    }

    pub(super) fn handle_event(&mut self, event: &LockEvent) {
        let (LockEvent::DuplicateCode(slot), Goal::Set(_)) = (event, &self.goal) else { return };
        if slot.is_none_or(|slot| slot == self.slot || slot.0 == 0) {
            self.duplicate = true;
            if matches!(self.phase, Phase::Cause { .. }) {
                self.refused(Refusal::DuplicatePin);
            }
        }
    }

    fn refused(&mut self, refusal: Refusal) {
        self.done(Err(refusal.into()));
    }

    fn done(&mut self, result: Result<CommandOutput, CommandError>) {
        self.phase = Phase::Done(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: SlotNumber = SlotNumber(3);

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn a_lock_refuses_what_reached_it_and_nothing_else() {
        let now = Instant::now();
        let lost = || Err(AskError::Offline { maybe_done: true });
        let heard = || Ok(Answer::Delivered);
        let not_taken = CommandError::from(Refusal::NotTaken(SlotContent::Free));
        for (last, told) in [(lost(), CommandError::Unproven), (heard(), not_taken)] {
            let command = LockCommand::SetCode { slot: SLOT, pin: Pin::new("482915").unwrap() };
            let mut job = CodeJob::new(&command, &NodeRecord::new(&[]), true).unwrap();
            let mut writes = [heard(), lost(), last].into_iter();
            loop {
                match job.next() {
                    Next::Ask(_, Want::Outcome) => job.handle_answer(now, writes.next().unwrap()),
                    Next::Ask(..) => {
                        let free = UserCodeCommand::Report(UserCode::cleared(SLOT)).encode();
                        job.handle_answer(now, Ok(Answer::Report(Zeroizing::new(free))));
                    }
                    Next::Pause(until) => job.handle_timeout(until),
                    Next::Done(result) => {
                        assert_eq!(result, Err(told));
                        break;
                    }
                }
            }
        }
    }
}
