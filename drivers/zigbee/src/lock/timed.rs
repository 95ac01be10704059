//! A code that opens within a window only, kept by the lock itself: a user of the type "year day schedule user", and a
//! year day schedule (ZCL 7.3.2.16.15 to 7.3.2.16.17, 7.3.2.16.21).
//!
//! What a lock does with such a user who has no schedule yet differs: some open. So that a guest's PIN never does, one that
//! nobody knows goes to the user first, then the schedule, which is read back, and only then the PIN in its place. Whether a
//! lock keeps the schedule when the PIN is replaced is tried out once with PINs that nobody knows.

use std::time::Instant;

use keyway_lock::timed::Held;
use keyway_lock::{CommandError, CommandOutput, LockCommand, Pin, Refusal, SlotContent, SlotNumber, SlotWindow};

use super::code::CodeJob;
use super::{Next, Seen, Told, again_after, ask_lock, reading_failed, told};
use crate::device::table::DeviceRecord;
use crate::transport::question::{Answer, AskError};
use crate::zcl::door_lock::{FromLock, ToLock, UserType, YearDay};

/// The one schedule that is used; a user's others are cleared.
pub(super) const SCHEDULE: u8 = 0;
/// Times schedule and type are read until they are what was written.
const READS: u8 = 3;

enum Phase {
    /// What does the user have?
    Look(Box<CodeJob>),
    /// This is given to it.
    Put(Option<usize>, Box<CodeJob>),
    /// This schedule, which is none of ours, is cleared.
    Clear(u8),
    /// The lock would have none of that: is there one?
    IsClear(u8),
    /// [`SCHEDULE`] is written.
    Write,
    /// [`SCHEDULE`] is read.
    Read,
    /// The user is to be of the type.
    SetType,
    /// Is it?
    ReadType,
    /// Before the next read.
    Settle(Instant, Again),
    /// It can't be: what the user has is taken away. Then this is the reason.
    Withdraw(Refusal, Box<CodeJob>),
    Done(Result<CommandOutput, CommandError>),
}

/// What is read again.
#[derive(Clone, Copy)]
enum Again {
    Schedule,
    Type,
}

/// One code with its window.
pub(super) struct TimedJob {
    slot: SlotNumber,
    pin: Pin,
    window: YearDay,
    stand_ins: [Pin; 2],
    record: DeviceRecord,
    endpoint: u8,
    /// So many schedules a user can have.
    schedules: u8,
    held: Held,
    /// The schedule was read as it should be since the code was put in.
    scheduled: bool,
    /// It was so before another code was put in.
    was_scheduled: bool,
    /// The lock said that the user is of the type, since the code was put in.
    typed: bool,
    /// The schedule was written in this job.
    written: bool,
    /// The type was.
    type_written: bool,
    /// The lock took no user of the type who has no schedule yet: what stands in is of the usual one.
    plain: bool,
    /// Something was: what the lock holds is not as it was.
    touched: bool,
    reads: u8,
    keeps: Option<bool>,
    seen: Seen,
    phase: Phase,
}

impl TimedJob {
    /// `None`: it is another command, or the lock keeps no such window.
    pub(super) fn new(command: &LockCommand, endpoint: u8, record: &DeviceRecord) -> Option<Self> {
        let LockCommand::SetTimedCode { slot, pin, window, stand_ins } = command else { return None };
        let able = record.lock_info().capabilities.keeps_window(*slot);
        let window = year_day(window).filter(|_| able)?;
        let look = CodeJob::new(&LockCommand::ReadSlot(*slot), endpoint, record, false)?;
        Some(Self {
            slot: *slot,
            pin: pin.clone(),
            window,
            stand_ins: stand_ins.clone(),
            record: record.clone(),
            endpoint,
            schedules: record.year_day_schedules(),
            held: Held::Nothing,
            scheduled: false,
            was_scheduled: false,
            typed: false,
            written: false,
            type_written: false,
            plain: false,
            touched: false,
            reads: 0,
            keeps: record.keeps_schedules,
            seen: Seen::default(),
            phase: Phase::Look(Box::new(look)),
        })
    }

    /// What it saw; whether the lock keeps a schedule when its code is replaced is a part of that.
    pub(super) fn seen(&self) -> Seen {
        Seen { keeps_schedules: self.keeps, ..self.seen }
    }

    pub(super) fn next(&self) -> Next {
        let ask = |command: ToLock, changes| ask_lock(self.endpoint, &command, changes);
        match &self.phase {
            Phase::Look(job) | Phase::Put(_, job) | Phase::Withdraw(_, job) => job.next(),
            Phase::Clear(id) => ask(ToLock::ClearYearDay(*id, self.slot), false),
            Phase::IsClear(id) => ask(ToLock::GetYearDay(*id, self.slot), false),
            // The second time does the same as the first.
            Phase::Write => ask(ToLock::SetYearDay(SCHEDULE, self.slot, self.window), false),
            Phase::Read => ask(ToLock::GetYearDay(SCHEDULE, self.slot), false),
            Phase::SetType => ask(ToLock::SetUserType(self.slot, UserType::YearDay), false),
            Phase::ReadType => ask(ToLock::GetUserType(self.slot), false),
            Phase::Settle(until, _) => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        if let Phase::Look(job) | Phase::Put(_, job) | Phase::Withdraw(_, job) = &mut self.phase {
            job.handle_answer(now, answer);
            return self.code_answered();
        }
        let told = match answer {
            Ok(answer) => told(&answer),
            Err(error) if !self.touched => return self.done(Err(reading_failed(error))),
            Err(_) => return self.done(Err(CommandError::Unproven)),
        };
        match (&self.phase, told) {
            (Phase::Clear(id), Told::Status(status)) if !status.is_success() => self.phase = Phase::IsClear(*id),
            (Phase::Clear(id), _) => self.clear_below(*id),
            // There is one, it opens at other times, and it stays.
            (Phase::IsClear(_), Told::Lock(FromLock::YearDay(_, _, Ok(_)))) => self.not_kept(),
            (Phase::IsClear(id), _) => self.clear_below(*id),
            // It says no to the window itself.
            (Phase::Write, Told::Status(status)) if !status.is_success() => self.not_kept(),
            (Phase::Write, _) => (self.written, self.phase) = (true, Phase::Read),
            (Phase::Read, told) => self.read(now, &told),
            (Phase::SetType, _) => (self.type_written, self.phase) = (true, Phase::ReadType),
            (Phase::ReadType, told) => self.read_type(now, &told),
            _ => {}
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Settle(until, Again::Schedule) if *until <= now => self.phase = Phase::Read,
            Phase::Settle(until, Again::Type) if *until <= now => self.phase = Phase::ReadType,
            Phase::Look(job) | Phase::Put(_, job) | Phase::Withdraw(_, job) => {
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
        self.seen = job.seen().or(self.seen);
        let is_typed = job.kind() == Some(UserType::YearDay);
        match (&self.phase, result) {
            (Phase::Look(_), Ok(CommandOutput::Slot(report))) => {
                self.typed = is_typed;
                self.looked(&report.content);
            }
            (Phase::Put(stand_in, _), Ok(CommandOutput::CodeSet(evidence))) => {
                self.held = Held::put(*stand_in, evidence);
                self.was_scheduled = std::mem::replace(&mut self.scheduled, false);
                (self.typed, self.type_written, self.reads) = (is_typed, false, 0);
                // A user who just got a first code has no schedule of ours.
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
            (Phase::Put(Some(place), _), Err(CommandError::Refused(Refusal::Rejected)))
                if self.held == Held::Nothing && !self.plain =>
            {
                let place = *place;
                self.plain = true;
                self.put(Some(place));
            }
            (Phase::Put(..), Err(CommandError::Refused(Refusal::Rejected))) => self.not_kept(),
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

    /// What is next by what the user has.
    fn go_on(&mut self) {
        match self.held {
            Held::Nothing => self.put(Some(0)),
            _ if !self.scheduled => self.phase = Phase::Read,
            _ if !self.typed => (self.reads, self.phase) = (0, Phase::ReadType),
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
        let kind = if self.plain && was_free { UserType::Unrestricted } else { UserType::YearDay };
        self.touched = true;
        self.phase = match CodeJob::new(&command, self.endpoint, &self.record, was_free) {
            Some(job) => Phase::Put(stand_in, Box::new(job.in_place(kind))),
            None => Phase::Done(Err(CommandError::Unproven)),
        };
    }

    fn read(&mut self, now: Instant, told: &Told) {
        self.reads += 1;
        let shown = match told {
            Told::Lock(FromLock::YearDay(SCHEDULE, user, Ok(shown))) if *user == self.slot => Some(*shown),
            _ => None,
        };
        if shown == Some(self.window) {
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
            self.phase = Phase::Settle(now + again_after(self.reads), Again::Schedule);
        } else {
            self.not_kept();
        }
    }

    fn read_type(&mut self, now: Instant, told: &Told) {
        self.reads += 1;
        match told {
            Told::Lock(FromLock::UserType(user, UserType::YearDay)) if *user == self.slot => {
                self.typed = true;
                self.go_on();
            }
            Told::Lock(FromLock::UserType(..)) if !self.type_written => {
                (self.touched, self.phase) = (true, Phase::SetType);
            }
            Told::Lock(FromLock::UserType(..)) if self.reads < READS => {
                self.phase = Phase::Settle(now + again_after(self.reads), Again::Type);
            }
            // It is of another type, or the lock does not say of which: then a schedule is worth nothing.
            _ => self.not_kept(),
        }
    }

    fn write(&mut self) {
        (self.reads, self.touched) = (0, true);
        self.clear_below(self.schedules);
    }

    /// The next one down of a user's schedules that is not ours; then ours is written.
    fn clear_below(&mut self, id: u8) {
        self.phase = match id.checked_sub(1).filter(|id| *id != SCHEDULE) {
            Some(id) => Phase::Clear(id),
            None => Phase::Write,
        };
    }

    fn not_kept(&mut self) {
        self.keeps = Some(false);
        self.withdraw(Refusal::WindowNotKept);
    }

    /// What the user has must not stay there without its window.
    fn withdraw(&mut self, refusal: Refusal) {
        self.phase = match CodeJob::new(&LockCommand::ClearCode(self.slot), self.endpoint, &self.record, false) {
            Some(_) if self.held == Held::Nothing => Phase::Done(Err(refusal.into())),
            Some(job) => Phase::Withdraw(refusal, Box::new(job)),
            None => Phase::Done(Err(CommandError::Unproven)),
        };
    }

    fn done(&mut self, result: Result<CommandOutput, CommandError>) {
        self.phase = Phase::Done(result);
    }
}

/// As the lock keeps it. The hub has its locks in UTC: their local time is that. `None`: it can't be written down.
fn year_day(window: &SlotWindow) -> Option<YearDay> {
    let (start, end) = (local(window.from.start())?, local(window.until.start())?);
    (start < end).then_some(YearDay { start, end })
}

fn local(time: keyway_lock::WallTime) -> Option<u32> {
    crate::zcl::time::seconds(time).filter(|seconds| *seconds != u32::MAX)
}
