//! A code that opens within a window only, kept by the lock itself (Schedule Entry Lock).
//!
//! A lock takes a schedule only for a user who has a code, and a code without a schedule opens at any time. So that a guest's
//! PIN never does, one that nobody knows goes into the slot first, then the schedule, which is read back, and only then the
//! PIN in its place. Whether a lock keeps the schedule when the PIN is replaced is tried out once with PINs that nobody
//! knows.

use std::time::Instant;

use keyway_lock::timed::Held;
use keyway_lock::{
    CommandError, CommandOutput, LockCommand, LockEvent, Pin, Refusal, SlotContent, SlotNumber, SlotWindow,
};
use zeroize::Zeroizing;

use super::code::CodeJob;
use super::{Next, Want, again_after, reading_failed};
use crate::cc::schedule_entry_lock::{self, ScheduleEntryLockCommand, YearDay};
use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError};
use crate::transport::supervision::Status;

/// The one schedule that is used; a user's others are erased.
pub(super) const SCHEDULE: u8 = 1;
/// Times the schedule is read until it is what was written.
const READS: u8 = 3;

enum Phase {
    /// What is in the slot?
    Look(Box<CodeJob>),
    /// This is put into it.
    Put(Option<usize>, Box<CodeJob>),
    /// This schedule is written; all but [`SCHEDULE`] are erased, and come first.
    Write(u8),
    /// [`SCHEDULE`] is read.
    Read,
    /// Before the next read.
    Settle(Instant),
    /// It can't be: what is in the slot is taken out. Then this is the reason.
    Withdraw(Refusal, Box<CodeJob>),
    Done(Result<CommandOutput, CommandError>),
}

/// One code with its window.
pub(super) struct TimedJob {
    slot: SlotNumber,
    user: u8,
    pin: Pin,
    window: SlotWindow,
    stand_ins: [Pin; 2],
    record: NodeRecord,
    held: Held,
    /// The schedule was read as it should be since the code was put in.
    scheduled: bool,
    /// It was so before another code was put in.
    was_scheduled: bool,
    /// It was written in this job.
    written: bool,
    /// Something was: what the lock holds is not as it was.
    touched: bool,
    reads: u8,
    keeps: Option<bool>,
    masked: Option<bool>,
    phase: Phase,
}

impl TimedJob {
    /// `None`: it is another command, or the lock keeps no such window.
    pub(super) fn new(command: &LockCommand, record: &NodeRecord) -> Option<Self> {
        let LockCommand::SetTimedCode { slot, pin, window, stand_ins } = command else { return None };
        let able = record.lock_info().capabilities.keeps_window(*slot) && schedule_entry_lock::can_hold(window);
        let user = u8::try_from(slot.0).ok().filter(|_| able)?;
        let look = CodeJob::new(&LockCommand::ReadSlot(*slot), record, false)?;
        Some(Self {
            slot: *slot,
            user,
            pin: pin.clone(),
            window: *window,
            stand_ins: stand_ins.clone(),
            record: record.clone(),
            held: Held::Nothing,
            scheduled: false,
            was_scheduled: false,
            written: false,
            touched: false,
            reads: 0,
            keeps: record.keeps_schedules,
            masked: None,
            phase: Phase::Look(Box::new(look)),
        })
    }

    /// Whether the lock keeps a schedule when its code is replaced, if that is known now.
    pub(super) fn keeps_schedules(&self) -> Option<bool> {
        self.keeps
    }

    pub(super) fn masked(&self) -> Option<bool> {
        self.masked
    }

    pub(super) fn next(&self) -> Next {
        match &self.phase {
            Phase::Look(job) | Phase::Put(_, job) | Phase::Withdraw(_, job) => job.next(),
            Phase::Write(slot) => {
                let window = (*slot == SCHEDULE).then_some(self.window);
                let set = ScheduleEntryLockCommand::YearDaySet(YearDay { user: self.user, slot: *slot, window });
                Next::Ask(Zeroizing::new(set.encode()), Want::Outcome)
            }
            Phase::Read => {
                let get = ScheduleEntryLockCommand::YearDayGet { user: self.user, slot: SCHEDULE };
                let report = [schedule_entry_lock::CLASS, schedule_entry_lock::YEAR_DAY_REPORT, self.user, SCHEDULE];
                Next::Ask(Zeroizing::new(get.encode()), Want::Report(report.into()))
            }
            Phase::Settle(until) => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        match (&mut self.phase, answer) {
            (Phase::Look(job) | Phase::Put(_, job) | Phase::Withdraw(_, job), answer) => {
                job.handle_answer(now, answer);
                self.code_answered();
            }
            (Phase::Write(_), Err(_)) => self.done(Err(CommandError::Unproven)),
            // It says no to the window itself. A schedule that is not there may be refused to be erased.
            (Phase::Write(SCHEDULE), Ok(Answer::Supervised(Status::Fail))) => self.not_kept(),
            (Phase::Write(slot), Ok(_)) => {
                let slot = *slot;
                self.written = true;
                self.phase = if slot == SCHEDULE { Phase::Read } else { Phase::Write(slot - 1) };
            }
            (Phase::Read, Ok(Answer::Report(report))) => self.read(now, &report),
            (Phase::Read, Err(error)) if !self.touched => self.done(Err(reading_failed(error))),
            (Phase::Read, Err(_)) => self.done(Err(CommandError::Unproven)),
            (Phase::Read | Phase::Settle(_) | Phase::Done(_), _) => {}
        }
    }

    pub(super) fn handle_event(&mut self, event: &LockEvent) {
        if let Phase::Put(_, job) | Phase::Withdraw(_, job) = &mut self.phase {
            job.handle_event(event);
            self.code_answered();
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Settle(until) if *until <= now => self.phase = Phase::Read,
            Phase::Put(_, job) | Phase::Withdraw(_, job) => {
                job.handle_timeout(now);
                self.code_answered();
            }
            _ => {}
        }
    }

    /// The question about the code has its answer, if it has.
    fn code_answered(&mut self) {
        let (Phase::Look(job) | Phase::Put(_, job) | Phase::Withdraw(_, job)) = &self.phase else { return };
        let Next::Done(result) = job.next() else { return };
        self.masked = job.masked().or(self.masked);
        match (&self.phase, result) {
            (Phase::Look(_), Ok(CommandOutput::Slot(report))) => self.looked(&report.content),
            (Phase::Put(stand_in, _), Ok(CommandOutput::CodeSet(evidence))) => {
                self.held = Held::put(*stand_in, evidence);
                self.was_scheduled = std::mem::replace(&mut self.scheduled, false);
                self.reads = 0;
                // A slot that just got its first code has no schedule of ours.
                if self.was_scheduled { self.phase = Phase::Read } else { self.write() }
            }
            (Phase::Withdraw(refusal, _), Ok(_)) => {
                let refusal = refusal.clone();
                self.done(Err(refusal.into()));
            }
            (Phase::Look(_), Err(error)) => self.done(Err(error)),
            // The lock has that PIN, which nobody could know.
            (Phase::Put(Some(0), _), Err(CommandError::Refused(Refusal::DuplicatePin)))
                if self.held == Held::Nothing =>
            {
                self.put(Some(1));
            }
            (Phase::Put(Some(_), _), Err(CommandError::Refused(Refusal::DuplicatePin))) => {
                self.withdraw(Refusal::WindowNotKept);
            }
            (Phase::Put(..), Err(CommandError::Refused(refusal))) => self.withdraw(refusal),
            _ => self.done(Err(CommandError::Unproven)),
        }
    }

    fn looked(&mut self, content: &SlotContent) {
        match Held::shown(content, &self.pin, &self.stand_ins) {
            Some(held) => {
                self.held = held;
                self.go_on();
            }
            // Somebody was faster.
            None => self.done(Err(CommandError::Unproven)),
        }
    }

    /// What is next by what is in the slot.
    fn go_on(&mut self) {
        match self.held {
            Held::Nothing => self.put(Some(0)),
            _ if !self.scheduled => self.phase = Phase::Read,
            Held::Pin(evidence) => self.done(Ok(CommandOutput::CodeSet(evidence))),
            // Over one that was put in here or before, the other.
            Held::StandIn(place) if self.keeps.is_none() => self.put(Some(1 - place.min(1))),
            Held::StandIn(_) | Held::Hidden => self.put(None),
        }
    }

    fn put(&mut self, stand_in: Option<usize>) {
        let pin = stand_in.and_then(|place| self.stand_ins.get(place)).unwrap_or(&self.pin).clone();
        let command = LockCommand::SetCode { slot: self.slot, pin };
        // Nobody but us has written it since it was looked at.
        let was_free = self.held == Held::Nothing;
        self.touched = true;
        self.phase = match CodeJob::new(&command, &self.record, was_free) {
            Some(job) => Phase::Put(stand_in, Box::new(job.in_place())),
            None => Phase::Done(Err(CommandError::Unproven)),
        };
    }

    fn read(&mut self, now: Instant, report: &[u8]) {
        self.reads += 1;
        let window = match ScheduleEntryLockCommand::decode(report) {
            Ok(ScheduleEntryLockCommand::YearDayReport(schedule)) => schedule.window,
            _ => None,
        };
        if window == Some(self.window) {
            self.scheduled = true;
            // The first code that was put in over a schedule, and the schedule is still there.
            if self.was_scheduled && matches!(self.held, Held::StandIn(_)) {
                self.keeps = Some(true);
            }
            self.go_on();
        } else if self.was_scheduled {
            self.not_kept();
        } else if !self.written {
            self.write();
        } else if self.reads < READS {
            self.phase = Phase::Settle(now + again_after(self.reads));
        } else {
            self.not_kept();
        }
    }

    fn write(&mut self) {
        (self.reads, self.touched) = (0, true);
        self.phase = Phase::Write(self.record.year_day_slots.unwrap_or(SCHEDULE).max(SCHEDULE));
    }

    fn not_kept(&mut self) {
        self.keeps = Some(false);
        self.withdraw(Refusal::WindowNotKept);
    }

    /// What is in the slot must not stay there without its window.
    fn withdraw(&mut self, refusal: Refusal) {
        self.phase = match CodeJob::new(&LockCommand::ClearCode(self.slot), &self.record, false) {
            Some(_) if self.held == Held::Nothing => Phase::Done(Err(refusal.into())),
            Some(job) => Phase::Withdraw(refusal, Box::new(job)),
            None => Phase::Done(Err(CommandError::Unproven)),
        };
    }

    fn done(&mut self, result: Result<CommandOutput, CommandError>) {
        self.phase = Phase::Done(result);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use keyway_lock::{Evidence, Minute, WallTime};

    use super::*;
    use crate::cc::{time_parameters, user_code};
    use crate::transport::supervision;

    const SLOT: SlotNumber = SlotNumber(3);

    fn window() -> SlotWindow {
        let minute = |hours: i64| Minute::of(WallTime::from_seconds(1_795_622_400 + hours * 3600));
        SlotWindow { from: minute(0), until: minute(1) }
    }

    fn report(bytes: Vec<u8>) -> Result<Answer, AskError> {
        Ok(Answer::Report(Zeroizing::new(bytes)))
    }

    /// The lock tells that there is a code, and not which.
    fn hidden() -> Result<Answer, AskError> {
        report([&[user_code::CLASS, 0x03, 3, 1][..], b"****"].concat())
    }

    /// About to write the guest's PIN over what the lock hides, which has its schedule.
    fn job(now: Instant) -> TimedJob {
        let classes = [user_code::CLASS, schedule_entry_lock::CLASS, time_parameters::CLASS, supervision::CLASS];
        let mut record = NodeRecord::new(&[]);
        record.secure = BTreeSet::from(classes);
        (record.users, record.year_day_slots) = (Some(20), Some(1));
        (record.keeps_schedules, record.masked) = (Some(true), Some(true));
        let [pin, first, second] = ["482915", "111111", "222222"].map(|digits| Pin::new(digits).unwrap());
        let stand_ins = [first, second];
        let command = LockCommand::SetTimedCode { slot: SLOT, pin, window: window(), stand_ins };
        let mut job = TimedJob::new(&command, &record).unwrap();
        job.handle_answer(now, hidden());
        let schedule = YearDay { user: 3, slot: SCHEDULE, window: Some(window()) };
        job.handle_answer(now, report(ScheduleEntryLockCommand::YearDayReport(schedule).encode()));
        assert!(writes(&job));
        job
    }

    fn writes(job: &TimedJob) -> bool {
        matches!(job.next(), Next::Ask(command, Want::Outcome) if command.ends_with(b"482915"))
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn what_a_lock_tells_late_of_the_pin_that_stood_in_is_no_proof_of_the_guests() {
        let now = Instant::now();
        for lost in [AskError::Offline { maybe_done: true }, AskError::NoAnswer] {
            let mut job = job(now);
            for _ in 0..3 {
                assert!(writes(&job), "{lost:?}");
                job.handle_event(&LockEvent::CodeAdded(Some(SLOT)));
                job.handle_answer(now, Err(lost));
                job.handle_timeout(now + again_after(READS));
                job.handle_answer(now, hidden());
            }
            assert!(matches!(job.next(), Next::Done(Err(CommandError::Unproven))), "{lost:?}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn its_answer_is() {
        let now = Instant::now();
        let mut job = job(now);
        job.handle_answer(now, Ok(Answer::Supervised(Status::Success)));
        let schedule = YearDay { user: 3, slot: SCHEDULE, window: Some(window()) };
        job.handle_answer(now, report(ScheduleEntryLockCommand::YearDayReport(schedule).encode()));
        assert!(matches!(job.next(), Next::Done(Ok(CommandOutput::CodeSet(Evidence::Supervised)))));
    }
}
