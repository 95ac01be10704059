//! Several codes in one go, for a lock that takes that (User Code version 2): as many in an Extended User Code Set as one
//! frame holds, then one proof for all: the checksum over its codes where the hub knows what else is in the lock, else
//! reports of several slots. What that leaves open is done slot by slot, as if asked for alone.

use std::time::Instant;

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, LockEvent, Refusal, SlotChange, SlotContent, SlotNumber,
    SlotReport,
};
use zeroize::Zeroizing;

use super::audit::AuditJob;
use super::code::CodeJob;
use super::{Next, Want, writing_failed};
use crate::cc::user_code::{UserCode, UserCodeCommand};
use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError, Beginning};
use crate::transport::supervision::Status;

/// Bytes of code blocks that fit one frame of 46 bytes: beside Security 2 (12), Supervision (4), and the command's own
/// three bytes. Segments would save little, and many locks hold no long datagram.
const ROOM: usize = 27;
/// Bytes of a block beside its digits.
const BLOCK: usize = 4;

/// One of the changes.
struct Change {
    wanted: SlotChange,
    state: State,
}

enum State {
    /// To be written.
    Waiting,
    /// Handed to the lock; whether it said SUCCESS.
    Written {
        confirmed: bool,
    },
    /// To be done by itself: the lock refused it, or shows something else.
    Alone,
    Done(Result<Evidence, CommandError>),
}

enum Phase {
    /// These changes are being written, by their places.
    Write(Vec<usize>),
    /// The checksum is asked for.
    Check(AuditJob),
    /// The slot of this change is being read, and those behind it.
    Read(usize),
    /// This change is being done by itself.
    Alone(usize, Box<CodeJob>),
    Done(Result<CommandOutput, CommandError>),
}

/// The changes, under way.
pub(super) struct BatchJob {
    /// By ascending slot, as the lock tells them.
    changes: Vec<Change>,
    /// Their slots in the order in which they were asked for.
    order: Vec<SlotNumber>,
    others: Option<Vec<SlotReport>>,
    record: NodeRecord,
    phase: Phase,
    masked: Option<bool>,
}

impl BatchJob {
    pub(super) fn new(changes: &[SlotChange], others: Option<&[SlotReport]>, record: &NodeRecord) -> Self {
        let capabilities = record.lock_info().capabilities;
        let change = |wanted: &SlotChange| {
            let refused = match &wanted.pin {
                _ if !capabilities.has_slot(wanted.slot) => Some(Refusal::NoSuchSlot {
                    first: capabilities.first_slot.0,
                    last: (capabilities.first_slot.0 + capabilities.slot_count).saturating_sub(1),
                }),
                Some(pin) => capabilities.check(pin).err(),
                None => None,
            };
            let state = refused.map_or(State::Waiting, |refusal| State::Done(Err(refusal.into())));
            Change { wanted: wanted.clone(), state }
        };
        let order = changes.iter().map(|change| change.slot).collect();
        let mut changes: Vec<Change> = changes.iter().map(change).collect();
        changes.sort_by_key(|change| change.wanted.slot);
        let others = others.filter(|_| capabilities.has_checksum).map(<[SlotReport]>::to_vec);
        let phase = Phase::Write(Vec::new());
        let mut job = Self { changes, order, others, record: record.clone(), phase, masked: None };
        job.go_on();
        job
    }

    pub(super) fn masked(&self) -> Option<bool> {
        self.masked
    }

    pub(super) fn next(&self) -> Next {
        match &self.phase {
            Phase::Write(part) => {
                let codes = part.iter().filter_map(|place| self.changes.get(*place)).map(Change::block).collect();
                Next::Ask(Zeroizing::new(UserCodeCommand::ExtendedSet(codes).encode()), Want::Outcome)
            }
            Phase::Check(job) => job.next(),
            Phase::Read(place) => {
                let user = self.changes.get(*place).map_or(SlotNumber(0), |change| change.wanted.slot);
                let more = self.record.multiple_report == Some(true);
                let report = UserCodeCommand::ExtendedReport { codes: vec![UserCode::cleared(user)], next: user };
                let mut beginning = report.encode();
                // Class, command, how many of them, the first one's slot.
                beginning.truncate(5);
                let get = UserCodeCommand::ExtendedGet { user, more }.encode();
                Next::Ask(Zeroizing::new(get), Want::Report(Beginning::from(beginning).with_any(2)))
            }
            Phase::Alone(_, job) => job.next(),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        match (&mut self.phase, answer) {
            (Phase::Alone(_, job), answer) => job.handle_answer(now, answer),
            (Phase::Write(part), Ok(answer)) => {
                let part = std::mem::take(part);
                self.written(&part, &answer);
            }
            (Phase::Write(_), Err(error)) => return self.broken_off(&writing_failed(error)),
            (Phase::Check(job), answer) => {
                job.handle_answer(answer);
                let agrees = matches!(job.next(), Next::Done(Ok(CommandOutput::SlotsChecked(true))));
                self.checked(agrees);
            }
            (Phase::Read(place), Ok(Answer::Report(report))) => {
                let place = *place;
                self.read(place, &report);
            }
            // What was written is not known to be there: the hub reads it before it goes on.
            (Phase::Read(_), Err(error)) => return self.broken_off(&writing_failed(error)),
            (Phase::Read(_), Ok(_)) | (Phase::Done(_), _) => return,
        }
        self.go_on();
    }

    pub(super) fn handle_event(&mut self, event: &LockEvent) {
        if let Phase::Alone(_, job) = &mut self.phase {
            job.handle_event(event);
            self.go_on();
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Phase::Alone(_, job) = &mut self.phase {
            job.handle_timeout(now);
            self.go_on();
        }
    }

    fn written(&mut self, part: &[usize], answer: &Answer) {
        for place in part {
            if let Some(change) = self.changes.get_mut(*place) {
                change.state = match answer {
                    Answer::Supervised(Status::Fail) => State::Alone,
                    Answer::Supervised(Status::Success) => State::Written { confirmed: true },
                    Answer::Supervised(_) | Answer::Delivered | Answer::Report(_) => {
                        State::Written { confirmed: false }
                    }
                };
            }
        }
    }

    /// A checksum that agrees proves all that was written; one that does not, or does not come, proves nothing.
    fn checked(&mut self, agrees: bool) {
        self.others = None;
        for change in self.changes.iter_mut().filter(|_| agrees) {
            change.prove(Evidence::ReadBack);
        }
    }

    /// A report of the slot of a change, and of taken slots behind it; those between are free.
    fn read(&mut self, place: usize, report: &[u8]) {
        let Ok(UserCodeCommand::ExtendedReport { codes, next }) = UserCodeCommand::decode(report) else {
            self.alone(place);
            return;
        };
        let asked = self.changes.get(place).map(|change| change.wanted.slot);
        let more = self.record.multiple_report == Some(true);
        for change in self.changes.iter_mut().skip(place) {
            let State::Written { confirmed } = change.state else { continue };
            let slot = change.wanted.slot;
            let content = match codes.iter().find(|code| code.user == slot) {
                Some(code) => code.content(),
                None if Some(slot) == asked => SlotContent::Unusable,
                None if more && confirmed && (next.0 == 0 || slot < next) => SlotContent::Free,
                None => continue,
            };
            if let SlotContent::Code(_) | SlotContent::Hidden = content {
                self.masked = Some(content == SlotContent::Hidden);
            }
            match (&change.wanted.pin, content) {
                (Some(pin), SlotContent::Code(held)) if *pin == held => change.prove(Evidence::ReadBack),
                (Some(_), SlotContent::Hidden) if confirmed => change.prove(Evidence::Supervised),
                (None, SlotContent::Free) => change.prove(Evidence::ReadBack),
                _ => change.state = State::Alone,
            }
        }
    }

    fn alone(&mut self, place: usize) {
        if let Some(change) = self.changes.get_mut(place) {
            change.state = State::Alone;
        }
    }

    /// The lock can't be reached any more: nothing is known of what was handed to it. If nothing was, the whole has failed.
    fn broken_off(&mut self, error: &CommandError) {
        let untouched = |change: &Change| matches!(change.state, State::Waiting | State::Done(Err(_)));
        if self.changes.iter().all(untouched) {
            self.phase = Phase::Done(Err(error.clone()));
            return;
        }
        for change in &mut self.changes {
            if !matches!(change.state, State::Done(_)) {
                change.state = State::Done(Err(CommandError::Unproven));
            }
        }
        self.go_on();
    }

    /// What is next, once what was asked is answered.
    fn go_on(&mut self) {
        if let Phase::Alone(place, job) = &self.phase {
            let Next::Done(result) = job.next() else { return };
            self.masked = job.masked().or(self.masked);
            let place = *place;
            self.done_alone(place, result);
        }
        let place_of = |wanted: fn(&State) -> bool| self.changes.iter().position(|change| wanted(&change.state));
        self.phase = if let Some(first) = place_of(|state| matches!(state, State::Waiting)) {
            Phase::Write(self.part(first))
        } else if let Some(first) = place_of(|state| matches!(state, State::Written { .. })) {
            self.check().map_or(Phase::Read(first), Phase::Check)
        } else if let Some((place, job)) = self.next_alone() {
            Phase::Alone(place, job)
        } else {
            Phase::Done(Ok(CommandOutput::CodesChanged(self.results())))
        };
    }

    /// A lock that went away is left alone: the rest is not known either.
    fn done_alone(&mut self, place: usize, result: Result<CommandOutput, CommandError>) {
        let result = match result {
            Ok(CommandOutput::CodeSet(evidence) | CommandOutput::CodeCleared(evidence)) => Ok(evidence),
            Err(error @ CommandError::Refused(_)) => Err(error),
            Ok(_) | Err(_) => Err(CommandError::Unproven),
        };
        let gone = matches!(result, Err(CommandError::Unproven));
        if let Some(change) = self.changes.get_mut(place) {
            change.state = State::Done(result);
        }
        for change in self.changes.iter_mut().filter(|change| gone && matches!(change.state, State::Alone)) {
            change.state = State::Done(Err(CommandError::Unproven));
        }
    }

    /// The changes from this one on that fit one frame; the first does in any case.
    fn part(&self, first: usize) -> Vec<usize> {
        let mut room = ROOM;
        let waiting = self.changes.iter().enumerate().skip(first);
        let waiting = waiting.filter(|(_, change)| matches!(change.state, State::Waiting));
        let fits = |(place, change): &(usize, &Change)| {
            let size = BLOCK + change.wanted.pin.as_ref().map_or(0, |pin| pin.digits());
            let fits = size <= room || *place == first;
            room = room.saturating_sub(size);
            fits
        };
        waiting.take_while(fits).map(|(place, _)| place).collect()
    }

    /// The question for the checksum, if it is known what it should be: what else is in the lock, and that every change was
    /// taken.
    fn check(&self) -> Option<AuditJob> {
        let others = self.others.as_ref()?;
        let written = |change: &Change| matches!(change.state, State::Written { .. });
        if !self.changes.iter().all(written) {
            return None;
        }
        let wanted = |change: &Change| SlotReport {
            slot: change.wanted.slot,
            content: change.wanted.pin.clone().map_or(SlotContent::Free, SlotContent::Code),
        };
        let all: Vec<SlotReport> = others.iter().cloned().chain(self.changes.iter().map(wanted)).collect();
        AuditJob::new(&all, &self.record)
    }

    fn next_alone(&mut self) -> Option<(usize, Box<CodeJob>)> {
        for (place, change) in self.changes.iter_mut().enumerate() {
            if !matches!(change.state, State::Alone) {
                continue;
            }
            let slot = change.wanted.slot;
            let command = match change.wanted.pin.clone() {
                Some(pin) => LockCommand::SetCode { slot, pin },
                None => LockCommand::ClearCode(slot),
            };
            match CodeJob::new(&command, &self.record, false) {
                Some(job) => return Some((place, Box::new(job))),
                None => change.state = State::Done(Err(CommandError::Unproven)),
            }
        }
        None
    }

    /// In the order in which they were asked for.
    fn results(&self) -> Vec<Result<Evidence, CommandError>> {
        let result = |slot: &SlotNumber| match self.changes.iter().find(|change| change.wanted.slot == *slot)?.state {
            State::Done(ref result) => Some(result.clone()),
            State::Waiting | State::Written { .. } | State::Alone => None,
        };
        self.order.iter().map(|slot| result(slot).unwrap_or(Err(CommandError::Unproven))).collect()
    }
}

impl Change {
    fn block(&self) -> UserCode {
        match &self.wanted.pin {
            Some(pin) => UserCode::enabled(self.wanted.slot, pin),
            None => UserCode::cleared(self.wanted.slot),
        }
    }

    fn prove(&mut self, evidence: Evidence) {
        if let State::Written { .. } = self.state {
            self.state = State::Done(Ok(evidence));
        }
    }
}
