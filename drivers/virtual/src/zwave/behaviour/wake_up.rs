//! Wake Up: a lock that no beam wakes, and that is deaf but for a while after it has said that it is awake.

use std::time::{Duration, Instant};

use keyway_zwave::cc::wake_up::{Interval, LONGEST, Limits, WakeUpCommand};

pub(super) use keyway_zwave::cc::wake_up::CLASS;
pub(in crate::zwave) use keyway_zwave::cc::wake_up::NOTIFICATION;

use super::{Lock, Reaction};

/// So long it waits for another frame.
const AWAKE: Duration = Duration::from_secs(10);
/// Intervals it takes: from this to the longest there is, in steps of it.
const STEP: u32 = 60;

/// When it is awake.
pub(in crate::zwave) struct Waking {
    interval: Interval,
    /// When it wakes by itself; `None`: never.
    at: Option<Instant>,
    /// Until then it listens.
    until: Instant,
}

impl Waking {
    pub(super) fn new(now: Instant, seconds: u32, to: u8) -> Self {
        let mut waking = Self { interval: Interval { seconds, to }, at: None, until: now + AWAKE };
        waking.sleep_on(now);
        waking
    }

    fn sleep_on(&mut self, now: Instant) {
        let seconds = self.interval.seconds;
        self.at = (seconds > 0).then(|| now + Duration::from_secs(seconds.into()));
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.at
    }
}

impl Lock {
    /// Whether it hears a frame.
    pub(in crate::zwave) fn listens(&self, now: Instant) -> bool {
        self.waking.as_ref().is_none_or(|waking| now < waking.until)
    }

    /// It heard or said something.
    pub(in crate::zwave) fn stay_awake(&mut self, now: Instant) {
        if let Some(waking) = &mut self.waking {
            waking.until = now + AWAKE;
        }
    }

    /// Whether it is time to wake.
    pub(in crate::zwave) fn wakes(&self, now: Instant) -> bool {
        self.waking.as_ref().is_some_and(|waking| waking.at.is_some_and(|at| at <= now))
    }

    /// It wakes. True: it says so.
    pub(in crate::zwave) fn wake(&mut self, now: Instant) -> bool {
        self.stay_awake(now);
        if let Some(waking) = &mut self.waking {
            waking.sleep_on(now);
        }
        self.waking.as_ref().is_some_and(|waking| waking.interval.to != 0)
    }
}

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let (now, waking) = (lock.now?, lock.waking.as_mut()?);
    Some(match WakeUpCommand::decode(command).ok()? {
        WakeUpCommand::IntervalSet(interval) if interval.seconds.is_multiple_of(STEP) => {
            waking.interval = interval;
            waking.sleep_on(now);
            Reaction::Done
        }
        WakeUpCommand::IntervalSet(_) => Reaction::Refused,
        WakeUpCommand::IntervalGet => Reaction::Answer(WakeUpCommand::IntervalReport(waking.interval).encode()),
        WakeUpCommand::CapabilitiesGet => {
            let limits = Limits { least: STEP, most: LONGEST / STEP * STEP, usual: STEP, step: STEP };
            Reaction::Answer(WakeUpCommand::CapabilitiesReport(limits).encode())
        }
        WakeUpCommand::NoMoreInformation => {
            waking.until = now;
            Reaction::Done
        }
        WakeUpCommand::IntervalReport(_) | WakeUpCommand::CapabilitiesReport(_) | WakeUpCommand::Notification => {
            return None;
        }
    })
}
