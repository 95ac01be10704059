//! Looking at a lock's clock, and setting it right.
//!
//! A lock that keeps windows by itself opens by this clock: by its local time, which the hub has be UTC. So it is read again
//! after it was set. One that is ahead would open early, which is worse than late: less of it is let pass.

use std::time::{Duration, Instant};

use keyway_lock::{CommandOutput, WallClock, WallTime};

use super::{Next, Told, attribute, reading_failed, told, writing_failed};
use crate::device::table::DeviceRecord;
use crate::transport::question::{Answer, AskError, Question, ZclAsk};
use crate::zcl::foundation::{General, command};
use crate::zcl::{DataType, Value, time};

/// A clock may be ahead by so much, by the time its answer needs and the seconds it cuts off …
const AHEAD: Duration = Duration::from_secs(2);
/// … and behind by so much, as it is after it was set over a slow link.
const BEHIND: Duration = Duration::from_secs(10);

enum Phase {
    /// What time is it, and where?
    Ask,
    /// This, and nowhere: what is wrong is written.
    Set(Vec<u16>),
    Done(Result<bool, (AskError, bool)>),
}

/// One look at a clock.
pub(super) struct ClockJob {
    endpoint: u8,
    clock: WallClock,
    now: Instant,
    phase: Phase,
    was_set: bool,
}

impl ClockJob {
    /// `None`: the lock does not show its clock, or nobody knows what time it is.
    pub(super) fn new(record: &DeviceRecord, clock: WallClock, now: Instant) -> Option<Self> {
        clock.at(now)?;
        let endpoint = record.endpoint_of(time::CLUSTER)?;
        Some(Self { endpoint, clock, now, phase: Phase::Ask, was_set: false })
    }

    pub(super) fn next(&self) -> Next {
        const ASKED: [u16; 4] = [time::TIME, time::TIME_ZONE, time::DST_SHIFT, time::LOCAL_TIME];
        match &self.phase {
            Phase::Ask => Next::Ask(Question::Zcl(ZclAsk::read(self.endpoint, time::CLUSTER, &ASKED))),
            Phase::Set(wrong) => {
                let seconds = self.clock.at(self.now).and_then(time::seconds).unwrap_or(0);
                let value = |id: &u16| match *id {
                    time::TIME => (*id, Value::number(DataType::UTC, seconds.into())),
                    _ => (*id, Value::number(DataType::INT32, 0)),
                };
                let write = General::Write(wrong.iter().map(value).collect());
                let ask = ZclAsk::general(self.endpoint, time::CLUSTER, &write, command::WRITE_RESPONSE);
                Next::Ask(Question::Zcl(ask))
            }
            Phase::Done(Ok(right)) => Next::Done(Ok(CommandOutput::ClockChecked(*right))),
            Phase::Done(Err((error, true))) => Next::Done(Err(writing_failed(*error))),
            Phase::Done(Err((error, false))) => Next::Done(Err(reading_failed(*error))),
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        self.now = now;
        self.phase = match (&self.phase, answer) {
            (_, Err(error)) => Phase::Done(Err((error, self.was_set))),
            (Phase::Ask, Ok(answer)) => match self.wrong(&told(&answer)) {
                Some(wrong) if wrong.is_empty() => Phase::Done(Ok(true)),
                Some(wrong) if !self.was_set => Phase::Set(wrong),
                _ => Phase::Done(Ok(false)),
            },
            (Phase::Set(_), Ok(_)) => {
                self.was_set = true;
                Phase::Ask
            }
            (Phase::Done(_), Ok(_)) => return,
        };
    }

    /// What is not as it should be; `None`: it does not say what time it is.
    fn wrong(&self, told: &Told) -> Option<Vec<u16>> {
        let Told::General(General::ReadResponse(values)) = told else { return None };
        let has = |id| values.iter().any(|(told, value)| *told == id && value.is_ok());
        let number = |id| {
            let value = values.iter().find(|(told, _)| *told == id)?.1.as_ref().ok()?;
            value.raw()
        };
        if !has(time::TIME) {
            return None;
        }
        let shows = |id| self.is_right(attribute(told, id));
        // Its local time is what it opens by: one that tells it is not asked how it comes by it.
        let utc_is_wrong = !shows(time::TIME) || (has(time::LOCAL_TIME) && !shows(time::LOCAL_TIME));
        let elsewhere = |id| number(id).is_some_and(|offset| offset != 0);
        let mut wrong: Vec<u16> = [time::TIME_ZONE, time::DST_SHIFT].into_iter().filter(|id| elsewhere(*id)).collect();
        if utc_is_wrong {
            wrong.insert(0, time::TIME);
        }
        Some(wrong)
    }

    fn is_right(&self, shown: Option<u64>) -> bool {
        let shown = shown.and_then(|shown| i64::try_from(shown + time::EPOCH).ok()).map(WallTime::from_seconds);
        let (Some(shown), Some(utc)) = (shown, self.clock.at(self.now)) else { return false };
        shown.apart(utc) <= if shown > utc { AHEAD } else { BEHIND }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::address::{Ieee, Nwk};
    use crate::device::table::Endpoint;
    use crate::zcl::{Frame, HOME_AUTOMATION, Status};

    const NOW: u32 = 848_939_341;

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn job() -> ClockJob {
        let (now, mut clock) = (Instant::now(), WallClock::default());
        let input = [time::CLUSTER].into();
        let endpoint = Endpoint { profile: HOME_AUTOMATION, device_type: 10, input, output: BTreeSet::new() };
        let mut record = DeviceRecord::new(Ieee(1), Nwk(1), None);
        record.described.insert(1, endpoint);
        assert!(ClockJob::new(&record, clock, now).is_none(), "nobody knows what time it is");
        clock.set(now, WallTime::from_seconds(i64::from(NOW) + i64::try_from(time::EPOCH).unwrap()));
        ClockJob::new(&record, clock, now).unwrap()
    }

    /// What it asks or writes; or whether the clock is right.
    fn next(job: &ClockJob) -> Result<Frame, bool> {
        match job.next() {
            Next::Ask(Question::Zcl(ask)) => Ok(ask.frame),
            Next::Done(Ok(CommandOutput::ClockChecked(right))) => Err(right),
            _ => panic!("there is nothing else to do"),
        }
    }

    fn tell(job: &mut ClockJob, ahead: i32, zone: Option<i32>, local: Option<i32>) {
        let asked = next(job).unwrap();
        let shown = |ahead: i32| Value::number(DataType::UTC, NOW.saturating_add_signed(ahead).into());
        let missing = Err(Status::UNSUPPORTED_ATTRIBUTE);
        let zone = zone.map(|zone| Value::number(DataType::INT32, u64::from(zone.cast_unsigned())));
        let told = General::ReadResponse(vec![
            (time::TIME, Ok(shown(ahead))),
            (time::TIME_ZONE, zone.ok_or(Status::UNSUPPORTED_ATTRIBUTE)),
            (time::DST_SHIFT, missing),
            (time::LOCAL_TIME, local.map(shown).ok_or(Status::UNSUPPORTED_ATTRIBUTE)),
        ]);
        job.handle_answer(job.now, Ok(Answer::Zcl(told.answer(&asked))));
    }

    #[test]
    fn a_clock_that_is_right_is_left_alone() {
        for (ahead, zone, local) in [(-10, None, None), (0, Some(0), Some(0)), (2, None, Some(1))] {
            let mut job = job();
            tell(&mut job, ahead, zone, local);
            assert_eq!(next(&job), Err(true), "{ahead}");
        }
    }

    #[test]
    fn a_clock_that_is_wrong_or_in_another_zone_is_set_to_utc_and_read_again() {
        for (ahead, zone, local, written) in [
            (-11, None, None, vec![time::TIME]),
            (3, Some(3600), None, vec![time::TIME, time::TIME_ZONE]),
            (0, Some(-3600), Some(-3600), vec![time::TIME, time::TIME_ZONE]),
        ] {
            for (then, right) in [(0, true), (60, false)] {
                let mut job = job();
                tell(&mut job, ahead, zone, local);
                let set = next(&job).unwrap();
                let Ok(General::Write(values)) = General::decode(set.command, &set.payload) else {
                    panic!("it is a write")
                };
                assert_eq!(values.iter().map(|(id, _)| *id).collect::<Vec<_>>(), written);
                assert!(values[0].1.raw() == Some(NOW.into()) && values.iter().skip(1).all(|v| v.1.raw() == Some(0)));
                job.handle_answer(job.now, Ok(Answer::Zcl(General::WriteResponse(vec![]).answer(&set))));
                tell(&mut job, then, zone.map(|_| 0), local.map(|_| then));
                assert_eq!(next(&job), Err(right));
            }
        }
    }
}
