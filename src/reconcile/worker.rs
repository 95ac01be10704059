//! What this run of the program knows of one lock: what is asked of it, when it may be asked again, whether it is
//! heard. No IO; what must survive is in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyway_lock::{CommandError, CommandId, CommandOutput, LockEvent, LockId, Retry, SlotNumber};

use super::answers::Answers;
use super::retry::Pause;
use crate::clock::Now;
use crate::faults::{self, Fault};
use crate::model::{AccessCodeId, ActionAttemptId, Presence, Timestamp};
use crate::plan::{Checksum, ClockWord, Memory, Step, Write};

/// A driver answers every command; this is only in case one does not. What is to be said to a lock that wakes by itself, once
/// an hour, waits in the driver until it does or should have.
const NO_ANSWER: Duration = Duration::from_secs(5400);
/// Pauses while a lock or its stick can't be reached.
const UNREACHABLE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));
/// Of a longer pause only this much holds for what is due: a lock may be back without a word (I1, I2).
const UNREACHABLE_WHEN_DUE: Duration = Duration::from_secs(20);
/// Pauses while a lock says that it is busy.
const BUSY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// Pauses after a set or clear that was not confirmed; its slot is read meanwhile.
const UNCONFIRMED: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));
/// The same with [`Fault::RetryLate`].
const HOUR: Duration = Duration::from_secs(3600);
/// A removal that is refused goes on being tried (I1).
const REFUSED_REMOVAL: Duration = Duration::from_secs(600);
/// A question that is refused is not asked again soon.
const REFUSED_QUESTION: Duration = Duration::from_secs(300);
/// So long after our own write the lock may still tell of it as news.
const ECHO: Duration = Duration::from_secs(10);
/// A lock that was not heard for this long after a start, or after its stick went, is taken to be offline.
const PATIENCE: Duration = Duration::from_secs(60);
/// A lock that tells of more slots than this at once babbles; the rest is read in its time.
const MOST_TOLD: usize = 64;
/// A wrong code makes the lock's clock doubted this often, at most.
const CLOCK_DOUBTED_EVERY: Duration = Duration::from_secs(600);
/// A battery that is fuller by so many per cent is another one.
const FRESH_BATTERIES: u8 = 20;
/// A pause that has been over for this long is forgotten.
const FORGET: Duration = Duration::from_secs(3600);

/// Where a lock is to be reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat {
    /// The stick's name.
    pub(super) stick: Arc<str>,
    /// The lock's number on it.
    pub(super) lock: LockId,
}

/// The one command that a lock is at work on.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    pub(super) id: CommandId,
    pub(super) step: Step,
    /// What was known of each code that it writes, before it was begun.
    pub(super) before: Vec<Presence>,
    /// Since when.
    pub(super) begun: Instant,
    deadline: Instant,
}

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// A code came in.
    Added,
    /// A code went out.
    Deleted,
}

impl Change {
    /// What a step does, and to which slots.
    fn of(step: &Step) -> Vec<(Self, SlotNumber)> {
        let change = |write: Write| (if write.pin.is_some() { Self::Added } else { Self::Deleted }, write.slot);
        step.writes().into_iter().map(change).collect()
    }
}

/// What a lock's checksum is worth after it was asked for. `agreed`: it had agreed before.
fn worth(agreed: bool, before: Checksum, result: &Result<CommandOutput, CommandError>) -> Checksum {
    match result {
        Ok(CommandOutput::SlotsChecked(true)) => Checksum::Agrees,
        // Something changed: all is read slot by slot, and then it must agree again.
        Ok(CommandOutput::SlotsChecked(false)) if agreed => Checksum::Untried,
        Ok(_) => Checksum::Useless,
        Err(error) if error.retry() == Retry::Never => Checksum::Useless,
        // It was heard, and did not answer this: what is due must not wait for it.
        Err(error) if error.retry() == Retry::AfterReading => Checksum::Untried,
        Err(_) => before,
    }
}

/// What a look at a lock's clock said. One that can't be looked at, though the lock is heard, is as good as wrong.
fn shown(now: Now, before: ClockWord, result: &Result<CommandOutput, CommandError>) -> ClockWord {
    match result {
        Ok(CommandOutput::ClockChecked(true)) => ClockWord::Right(now.utc),
        Err(error) if error.retry() == Retry::WhenReachable => before,
        Ok(_) | Err(_) => ClockWord::Wrong(now.utc),
    }
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) seat: Option<Seat>,
    /// What its turns came to since something changed for it.
    pub(super) answers: Answers,
    in_flight: Option<InFlight>,
    rest: Pause,
    busy: Pause,
    holds: BTreeMap<AccessCodeId, Pause>,
    heard_since: Option<Timestamp>,
    silent_since: Instant,
    status_known: bool,
    log_read: bool,
    told: BTreeSet<SlotNumber>,
    doubted: BTreeSet<SlotNumber>,
    passed_over: BTreeSet<SlotNumber>,
    /// Slots that the lock would not be asked for.
    refused: BTreeMap<SlotNumber, Pause>,
    acted: Option<(ActionAttemptId, Instant)>,
    acted_last: bool,
    checksum: Checksum,
    clock: ClockWord,
    /// Codes that the lock did not keep to a window.
    untimed: BTreeSet<AccessCodeId>,
    /// What its battery was when it last told.
    battery: Option<u8>,
    wrote: Vec<(Change, SlotNumber, Instant)>,
    plan_wake: Option<Instant>,
    /// When it last had its turn.
    turned_at: Option<Instant>,
}

impl Worker {
    pub(super) fn new(now: Now) -> Self {
        Self {
            seat: None,
            answers: Answers::default(),
            in_flight: None,
            rest: Pause::default(),
            busy: Pause::default(),
            holds: BTreeMap::new(),
            heard_since: None,
            silent_since: now.mono,
            status_known: false,
            log_read: false,
            told: BTreeSet::new(),
            doubted: BTreeSet::new(),
            passed_over: BTreeSet::new(),
            refused: BTreeMap::new(),
            acted: None,
            acted_last: false,
            checksum: Checksum::default(),
            clock: ClockWord::default(),
            untimed: BTreeSet::new(),
            battery: None,
            wrote: Vec::new(),
            plan_wake: None,
            turned_at: None,
        }
    }

    /// What the plan needs to know of this run. `reachable`: its stick works.
    pub(super) fn memory(&self, now: Now, reachable: bool) -> Memory {
        let held = self.holds.iter().filter(|(_, pause)| pause.is_on(now.mono)).map(|(id, _)| *id);
        Memory {
            heard_since: self.heard_since,
            status_known: self.status_known,
            log_read: self.log_read,
            resting: !reachable || self.rest.begins(now.mono, UNREACHABLE_WHEN_DUE) || self.busy.is_on(now.mono),
            sparing: self.rest.is_on(now.mono),
            failed_last: self.rest.has_failures(),
            busy: self.busy.is_on(now.mono),
            held: held.collect(),
            told: self.told.clone(),
            doubted: self.doubted.clone(),
            passed_over: self.passed_over.clone(),
            refused: self.refused.iter().filter(|(_, pause)| pause.is_on(now.mono)).map(|(slot, _)| *slot).collect(),
            acted_last: self.acted_last,
            checksum: self.checksum,
            clock: self.clock,
            untimed: self.untimed.clone(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_none()
    }

    /// Not heard for so long that the lock counts as offline.
    pub(super) fn is_given_up(&self, now: Instant) -> bool {
        self.heard_since.is_none() && now >= self.silent_since + PATIENCE
    }

    /// The attempt that the lock is at work on, or just was: what it tells of its bolt is that attempt's doing.
    pub(super) fn acting(&self, now: Instant) -> Option<ActionAttemptId> {
        match self.in_flight.as_ref().map(|in_flight| &in_flight.step) {
            Some(Step::Act(id, _)) => Some(*id),
            _ => self.acted.filter(|(_, at)| now < *at + ECHO).map(|(id, _)| id),
        }
    }

    /// The slot that news of a changed slot is about, if they are most likely only the echo of what we ourselves do to
    /// it, or just did: a set comes back as an addition, a clear as a deletion. `None` as slot: the lock did not say
    /// which.
    fn echo(&self, now: Instant, change: Change, slot: Option<SlotNumber>) -> Option<SlotNumber> {
        let writing = self.in_flight.iter().flat_map(|in_flight| Change::of(&in_flight.step));
        let wrote = self.wrote.iter().filter(|(.., at)| now < *at + ECHO).map(|(change, own, _)| (*change, *own));
        let ours = |(ours, own): &(Change, SlotNumber)| *ours == change && slot.is_none_or(|slot| slot == *own);
        writing.chain(wrote).find(ours).map(|(_, own)| own)
    }

    /// A command goes out.
    pub(super) fn begin(&mut self, now: Instant, id: CommandId, step: Step, before: Vec<Presence>) {
        self.acted_last = matches!(step, Step::Act(..));
        let read = if let Step::Read(slot) = &step { Some(*slot) } else { None };
        for slot in step.writes().into_iter().map(|write| write.slot).chain(read) {
            self.told.remove(&slot);
            self.doubted.remove(&slot);
        }
        self.in_flight = Some(InFlight { id, step, before, begun: now, deadline: now + NO_ANSWER });
    }

    pub(super) fn is_for(&self, id: CommandId) -> bool {
        self.in_flight.as_ref().is_some_and(|in_flight| in_flight.id == id)
    }

    /// The command ended.
    pub(super) fn handle_done(&mut self, now: Now, result: &Result<CommandOutput, CommandError>) -> Option<InFlight> {
        let done = self.in_flight.take()?;
        let lasts = |pause: &Pause| pause.until().is_some_and(|until| until + FORGET > now.mono);
        self.holds.retain(|_, pause| lasts(pause));
        self.refused.retain(|_, pause| lasts(pause));
        let wrote = Change::of(&done.step);
        if !wrote.is_empty() {
            self.wrote = wrote.into_iter().map(|(change, slot)| (change, slot, now.mono)).collect();
        }
        match &done.step {
            Step::Set(..) | Step::Clear(..) | Step::Together(..) => {}
            Step::Act(id, _) => self.acted = Some((*id, now.mono)),
            Step::Status => self.status_known |= !matches!(result, Err(error) if error.retry() != Retry::Never),
            // A lock that does not tell it is not asked on and on.
            Step::Log(_) => self.log_read |= !matches!(result, Err(error) if error.retry() == Retry::WhenReachable),
            Step::Check(_, agreed) => self.checksum = worth(*agreed, self.checksum, result),
            Step::CheckClock => self.clock = shown(now, self.clock, result),
            Step::Read(_) | Step::Ping => {}
        }
        match result {
            Ok(CommandOutput::Slot(report)) => _ = self.passed_over.remove(&report.slot),
            Ok(CommandOutput::SlotsChecked(true)) => self.passed_over.clear(),
            Ok(CommandOutput::Slots { told, passed_over }) => {
                self.passed_over.extend(passed_over);
                told.iter().for_each(|report| _ = self.passed_over.remove(&report.slot));
            }
            _ => {}
        }
        match result {
            Ok(_) => {
                (self.rest, self.busy) = (Pause::default(), Pause::default());
                for write in done.step.writes() {
                    self.holds.remove(&write.code);
                    // What the lock told of the slot meanwhile came before its proof.
                    self.doubted.remove(&write.slot);
                }
                self.handle_heard(now);
            }
            Err(error) => self.failed(now, &done.step, error),
        }
        if let Ok(CommandOutput::CodesChanged(results)) = result {
            for (write, result) in done.step.writes().into_iter().zip(results) {
                if let Err(error) = result {
                    self.failed(now, &Step::Together(vec![write], None), error);
                }
            }
        }
        Some(done)
    }

    fn failed(&mut self, now: Now, step: &Step, error: &CommandError) {
        // Nothing waits for it: the codes go without windows.
        if *step == Step::CheckClock && error.retry() != Retry::WhenReachable {
            return;
        }
        let (first, most) = match error.retry() {
            Retry::WhenReachable => {
                self.handle_lost(now);
                UNREACHABLE
            }
            Retry::Soon => BUSY,
            Retry::AfterReading if faults::is(Fault::RetryLate) => (HOUR, HOUR),
            Retry::AfterReading => UNCONFIRMED,
            Retry::Never => (REFUSED_QUESTION, REFUSED_QUESTION),
        };
        let writes = step.writes();
        let pause = match error.retry() {
            Retry::AfterReading if !writes.is_empty() => {
                for write in writes {
                    self.holds.entry(write.code).or_default().grow(now.mono, first, most);
                }
                return;
            }
            Retry::Never if !writes.is_empty() => {
                self.untimed.extend(writes.iter().filter(|write| write.within.is_some()).map(|write| write.code));
                // Of a set a person was told; the code's problem keeps it from being tried again.
                for write in writes.into_iter().filter(|write| write.pin.is_none()) {
                    self.holds.entry(write.code).or_default().grow(now.mono, REFUSED_REMOVAL, REFUSED_REMOVAL);
                }
                return;
            }
            Retry::Never if matches!(step, Step::Act(..)) => return,
            Retry::Soon => &mut self.busy,
            Retry::Never => match step {
                // Of one slot, whatever it is: the others have nothing to do with it.
                Step::Read(slot) => self.refused.entry(*slot).or_default(),
                _ => &mut self.rest,
            },
            Retry::WhenReachable | Retry::AfterReading => &mut self.rest,
        };
        pause.grow(now.mono, first, most);
    }

    /// The lock was heard: whatever was put off because it was not may go on. True: it had not been before.
    pub(super) fn handle_heard(&mut self, now: Now) -> bool {
        self.rest.lift();
        if self.heard_since.is_some() {
            return false;
        }
        self.heard_since = Some(now.utc);
        true
    }

    /// The lock is not heard any more: hands at its keypad may go unnoticed from now on.
    pub(super) fn handle_lost(&mut self, now: Now) {
        if self.heard_since.take().is_some() {
            // Its batteries may be changed meanwhile, over which its clock stands still.
            self.clock = ClockWord::Unknown;
            (self.silent_since, self.log_read) = (now.mono, false);
        }
    }

    /// The lock told of a change in this slot, without what is in it now. True: it is most likely only the echo of our
    /// own change. The audit that follows every set covers that, and the next write is not done without a read.
    pub(super) fn handle_told(&mut self, now: Instant, change: Change, slot: Option<SlotNumber>) -> bool {
        if let Some(own) = self.echo(now, change, slot) {
            self.doubted.insert(own);
            return true;
        }
        self.told.extend(slot.filter(|_| self.told.len() < MOST_TOLD));
        false
    }

    /// The lock told something that may be a sign of its clock having stood still: fresh batteries, or a code that it did not
    /// take, which may have been one of ours.
    pub(super) fn handle_event(&mut self, now: Now, event: &LockEvent) {
        let lately = matches!(self.clock, ClockWord::Right(at) if at.until(now.utc) < CLOCK_DOUBTED_EVERY);
        match event {
            LockEvent::Battery { percent: Some(percent), .. } => {
                let before = self.battery.replace(*percent);
                if before.is_some_and(|before| before.saturating_add(FRESH_BATTERIES) <= *percent) {
                    self.clock = ClockWord::Unknown;
                }
            }
            LockEvent::InvalidCode if !lately => self.clock = ClockWord::Unknown,
            _ => {}
        }
    }

    /// The driver is ready for this lock (again): what failed before may work now.
    pub(super) fn handle_ready(&mut self) {
        self.untimed.clear();
        self.refused.clear();
        self.rest = Pause::default();
    }

    /// Somebody moved the wall clock: what was told before can't be ordered with what is told now.
    pub(super) fn handle_clock_moved(&mut self, now: Now) {
        self.clock = ClockWord::Unknown;
        if self.heard_since.is_some() {
            self.heard_since = Some(now.utc);
        }
    }

    /// What the lock told could not be written down: what is known of it is not to be relied on, and asked anew.
    pub(super) fn handle_unwritten(&mut self, now: Now) {
        (self.status_known, self.log_read) = (false, false);
        if self.heard_since.is_some() {
            self.heard_since = Some(now.utc);
        }
    }

    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.in_flight.as_ref().is_some_and(|in_flight| in_flight.deadline <= now)
    }

    /// It had its turn now; the plan wants to be asked again then.
    pub(super) fn set_plan_wake(&mut self, now: Instant, wake: Option<Instant>) {
        self.turned_at = Some(now);
        self.plan_wake = wake;
    }

    /// Whether a moment at which it must be looked at has come since its last turn.
    pub(super) fn was_due(&self, now: Instant) -> bool {
        self.wake(self.turned_at).is_some_and(|wake| wake <= now)
    }

    /// When this lock must be looked at again, if nothing happens before.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let answer = self.in_flight.as_ref().map(|in_flight| in_flight.deadline);
        self.wake(self.turned_at).into_iter().chain(answer).min()
    }

    /// The first of its moments behind the last turn.
    fn wake(&self, last: Option<Instant>) -> Option<Instant> {
        let pauses = self.holds.values().chain(self.refused.values()).chain([&self.rest, &self.busy]);
        let pauses = pauses.filter_map(Pause::until);
        let pauses = pauses.chain(self.rest.first(UNREACHABLE_WHEN_DUE));
        let give_up = self.heard_since.is_none().then_some(self.silent_since + PATIENCE);
        let own = pauses.chain(give_up).filter(|at| last.is_none_or(|last| *at > last));
        own.chain(self.plan_wake).min()
    }
}
