//! Looking at a lock's clock, and setting it right.
//!
//! A lock that keeps windows by itself opens by this clock, so it is read again after it was set. One that is ahead would
//! open early, which is worse than late: less of it is let pass.

use std::time::{Duration, Instant};

use keyway_lock::{CommandOutput, WallClock, WallTime};
use zeroize::Zeroizing;

use super::{Next, Want, reading_failed, writing_failed};
use crate::cc::clock::ClockCommand;
use crate::cc::schedule_entry_lock::{self, Offset, ScheduleEntryLockCommand};
use crate::cc::time_parameters::{self, TimeParametersCommand};
use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError};

/// A clock may be ahead by so much, by the time its report needs and the seconds it cuts off …
const AHEAD: Duration = Duration::from_secs(2);
/// … and behind by so much, as it is after it was set over a slow link.
const BEHIND: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// How far is its local time from UTC?
    Offset,
    /// Not at all.
    SetOffset,
    /// What time is it?
    Ask,
    /// This.
    Set,
    /// Weekday, hour and minute, to a lock that knows no more; it is not asked.
    SetClock,
    Done(Outcome),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Right(bool),
    Failed(AskError, bool),
}

/// One look at a clock.
pub(super) struct ClockJob {
    clock: WallClock,
    now: Instant,
    phase: Phase,
    keeps_windows: bool,
    has_parameters: bool,
    was_set: bool,
}

impl ClockJob {
    /// `None`: the lock takes no time, or nobody knows what time it is.
    pub(super) fn new(record: &NodeRecord, clock: WallClock, now: Instant) -> Option<Self> {
        clock.at(now)?;
        let keeps_windows = record.has_schedules();
        let has_parameters = record.supports(time_parameters::CLASS);
        let phase = if keeps_windows && record.version_of(schedule_entry_lock::CLASS) >= 2 {
            Phase::Offset
        } else if has_parameters {
            Phase::Ask
        } else if record.takes_time() {
            Phase::SetClock
        } else {
            return None;
        };
        Some(Self { clock, now, phase, keeps_windows, has_parameters, was_set: false })
    }

    pub(super) fn next(&self) -> Next {
        let ask = |command: Vec<u8>, want| Next::Ask(Zeroizing::new(command), want);
        let utc = self.clock.at(self.now).unwrap_or(WallTime(0));
        match self.phase {
            Phase::Offset => ask(
                ScheduleEntryLockCommand::OffsetGet.encode(),
                Want::Report([schedule_entry_lock::CLASS, schedule_entry_lock::OFFSET_REPORT].into()),
            ),
            Phase::SetOffset => ask(ScheduleEntryLockCommand::OffsetSet(Offset::default()).encode(), Want::Outcome),
            Phase::Ask => ask(
                TimeParametersCommand::Get.encode(),
                Want::Report([time_parameters::CLASS, time_parameters::REPORT].into()),
            ),
            Phase::Set => ask(TimeParametersCommand::Set(utc).encode(), Want::Outcome),
            Phase::SetClock => ask(ClockCommand::Set((&utc.civil()).into()).encode(), Want::Outcome),
            Phase::Done(Outcome::Right(right)) => Next::Done(Ok(CommandOutput::ClockChecked(right))),
            Phase::Done(Outcome::Failed(error, true)) => Next::Done(Err(writing_failed(error))),
            Phase::Done(Outcome::Failed(error, false)) => Next::Done(Err(reading_failed(error))),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        self.now = now;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.phase = Phase::Done(Outcome::Failed(error, self.was_set));
                return;
            }
        };
        self.phase = match (self.phase, answer) {
            (Phase::Offset, Answer::Report(report)) => match ScheduleEntryLockCommand::decode(&report) {
                Ok(ScheduleEntryLockCommand::OffsetReport(offset)) if offset == Offset::default() => self.on_to_time(),
                // One that can't be read is as good as a wrong one.
                _ if !self.was_set => Phase::SetOffset,
                _ => Phase::Done(Outcome::Right(false)),
            },
            (Phase::SetOffset, _) => {
                self.was_set = true;
                Phase::Offset
            }
            (Phase::Ask, Answer::Report(report)) => match TimeParametersCommand::decode(&report) {
                Ok(TimeParametersCommand::Report(shown)) if self.is_right(shown) => Phase::Done(Outcome::Right(true)),
                _ if !self.was_set => Phase::Set,
                _ => Phase::Done(Outcome::Right(false)),
            },
            (Phase::Set, _) => {
                self.was_set = true;
                Phase::Ask
            }
            // It was told, which is all that can be said: whether it is right nobody knows.
            (Phase::SetClock, _) => Phase::Done(Outcome::Right(false)),
            (Phase::Offset | Phase::Ask | Phase::Done(_), _) => return,
        };
    }

    fn on_to_time(&mut self) -> Phase {
        self.was_set = false;
        if self.has_parameters { Phase::Ask } else { Phase::Done(Outcome::Right(!self.keeps_windows)) }
    }

    fn is_right(&self, shown: Option<WallTime>) -> bool {
        let (Some(shown), Some(utc)) = (shown, self.clock.at(self.now)) else { return false };
        shown.apart(utc) <= if shown > utc { AHEAD } else { BEHIND }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_624_141;

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn job(versions: &[(u8, u8)]) -> ClockJob {
        let (now, mut clock) = (Instant::now(), WallClock::default());
        let mut record = NodeRecord::new(&[]);
        record.secure = versions.iter().map(|(class, _)| *class).collect();
        record.versions = versions.iter().copied().collect();
        record.year_day_slots = Some(1);
        assert!(ClockJob::new(&record, clock, now).is_none(), "nobody knows what time it is");
        clock.set(now, WallTime::from_seconds(NOW));
        ClockJob::new(&record, clock, now).unwrap()
    }

    fn asked(job: &ClockJob) -> Vec<u8> {
        match job.next() {
            Next::Ask(command, _) => command.to_vec(),
            Next::Pause(_) => panic!("there is nothing to wait for"),
            Next::Done(result) => match result {
                Ok(CommandOutput::ClockChecked(right)) => vec![0, right.into()],
                other => panic!("{other:?}"),
            },
        }
    }

    fn told(job: &mut ClockJob, seconds: i64) {
        let report = TimeParametersCommand::Report(Some(WallTime::from_seconds(NOW + seconds))).encode();
        job.handle_answer(job.now, Ok(Answer::Report(Zeroizing::new(report))));
    }

    #[test]
    fn a_clock_that_is_right_is_left_alone() {
        for off in [-10, 0, 2] {
            let mut job = job(&[(time_parameters::CLASS, 1)]);
            assert_eq!(asked(&job), [0x8B, 0x02]);
            told(&mut job, off);
            assert_eq!(asked(&job), [0, 1], "{off}");
        }
    }

    #[test]
    fn a_clock_that_is_wrong_is_set_and_read_again() {
        for (off, then, right) in [(-11, 0, 1), (3, -1, 1), (-800_000_000, -800_000_000, 0)] {
            let mut job = job(&[(time_parameters::CLASS, 1)]);
            told(&mut job, off);
            assert_eq!(asked(&job), [0x8B, 0x01, 0x07, 0xEA, 11, 25, 16, 29, 1]);
            job.handle_answer(job.now, Ok(Answer::Delivered));
            assert_eq!(asked(&job), [0x8B, 0x02]);
            told(&mut job, then);
            assert_eq!(asked(&job), [0, right]);
        }
    }

    #[test]
    fn a_lock_with_schedules_is_set_to_utc_first() {
        let mut job = job(&[(schedule_entry_lock::CLASS, 3), (time_parameters::CLASS, 1)]);
        assert_eq!(asked(&job), [0x4E, 0x0B]);
        job.handle_answer(job.now, Ok(Answer::Report(Zeroizing::new(vec![0x4E, 0x0C, 1, 0, 60]))));
        assert_eq!(asked(&job), [0x4E, 0x0D, 0, 0, 0]);
        job.handle_answer(job.now, Ok(Answer::Delivered));
        job.handle_answer(job.now, Ok(Answer::Report(Zeroizing::new(vec![0x4E, 0x0C, 0, 0, 0]))));
        told(&mut job, 0);
        assert_eq!(asked(&job), [0, 1]);
    }

    #[test]
    fn a_lock_that_knows_weekday_and_hour_only_is_told_those() {
        let mut job = job(&[(crate::cc::clock::CLASS, 1)]);
        assert_eq!(asked(&job), [0x81, 0x04, 0x70, 29]);
        job.handle_answer(job.now, Ok(Answer::Delivered));
        assert_eq!(asked(&job), [0, 0]);
    }
}
