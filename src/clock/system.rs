//! The wall clock of a machine, and whether it is trusted.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{BatteryClock, Bell, Clock, ClockPolicy, Kernel, Linux, Machine, Moves, Now, Trust};
use crate::model::Timestamp;

/// 2026-11-24T00:00:00Z: no honest clock is behind the program it runs.
const RELEASED: Duration = Duration::from_secs(1_795_478_400);
/// A clock that is behind by less was being corrected, not lost; and two clocks that differ by less agree.
const ALIKE: Duration = Duration::from_secs(60);
/// More than this between the steps of the wall clock and of the monotonic one: somebody moved the wall clock. One that
/// is drawn to the right time drifts by a twentieth of this in the time between two looks.
const MOVED: Duration = Duration::from_secs(1);
/// What the machine says is good for this long.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A machine's clock. A Pi has no battery clock: after a power cut it wakes in the past, and by a clock that is behind
/// nothing can be set or cleared that is not wrong for somebody. So the time is trusted
///
/// - while the kernel says that it is synchronised, whatever the database has seen;
/// - after that for as long as nobody moves it, also by another run of this program;
/// - where a clock that runs on while the machine is off agrees, unless the time is behind the latest that the database
///   has seen, or behind the day this program was released.
#[derive(Debug)]
pub struct SystemClock<M = Linux> {
    machine: M,
    policy: ClockPolicy,
    view: Mutex<View>,
    bell: Bell,
}

/// What was seen last.
#[derive(Debug)]
struct View {
    /// No honest clock is behind this: since 1970-01-01.
    floor: Duration,
    trust: Trust,
    /// It was right, in this run of the machine, and was not moved since.
    was_right: bool,
    looked: Option<Look>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    wall: Duration,
    mono: Instant,
    /// When the machine was asked.
    asked: Instant,
}

impl Default for SystemClock {
    /// For one who knows of no database.
    fn default() -> Self {
        Self::new(None, ClockPolicy::default())
    }
}

impl SystemClock {
    /// Trusts nothing before `latest`, the last time that the database has seen.
    pub fn new(latest: Option<Timestamp>, policy: ClockPolicy) -> Self {
        Self::of(Linux::default(), latest, policy)
    }
}

impl<M: Machine> SystemClock<M> {
    /// The same for another machine.
    pub fn of(machine: M, latest: Option<Timestamp>, policy: ClockPolicy) -> Self {
        let latest = latest.and_then(|time| u64::try_from(time.as_microsecond()).ok()).map(Duration::from_micros);
        let floor = latest.map_or(RELEASED, |latest| latest.max(RELEASED));
        let was_right = machine.was_right();
        let view = View { floor, trust: Trust::Unconfirmed, was_right, looked: None };
        Self { machine, policy, view: Mutex::new(view), bell: Bell::default() }
    }

    fn read(&self) -> (Duration, Instant, Trust) {
        let (wall, mono) = (self.machine.wall(), self.machine.mono());
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let trusted_before = view.looked.map(|_| view.trust.is_good());
        let moved = view.looked.is_some_and(|last| last.moved(wall, mono));
        if moved {
            view.was_right = false;
        }
        let fresh = view.looked.filter(|last| !moved && mono.saturating_duration_since(last.asked) < LOOK_EVERY);
        let asked = fresh.map_or(mono, |last| last.asked);
        if fresh.is_none() {
            view.trust = self.judge(&mut view, wall);
        }
        view.looked = Some(Look { wall, mono, asked });
        if view.trust.is_good() {
            view.floor = if view.trust == Trust::Synchronized { wall.max(RELEASED) } else { view.floor.max(wall) };
        }
        let trust = view.trust;
        drop(view);
        if moved || trusted_before.is_some_and(|before| before != trust.is_good()) {
            self.bell.ring();
        }
        (wall, mono, trust)
    }

    fn judge(&self, view: &mut View, wall: Duration) -> Trust {
        if self.policy == ClockPolicy::Always {
            return Trust::Configured;
        }
        // Where the kernel says nothing, who has set the clock does.
        let synchronized = match self.machine.kernel() {
            Kernel::Synchronized => true,
            Kernel::Alone => false,
            Kernel::Silent => self.machine.was_right(),
        };
        if synchronized && wall >= RELEASED {
            if !std::mem::replace(&mut view.was_right, true) {
                self.machine.is_right();
            }
            return Trust::Synchronized;
        }
        if wall + ALIKE < view.floor {
            return Trust::Behind(view.floor.saturating_sub(wall));
        }
        match self.machine.battery_clock() {
            _ if view.was_right => Trust::Kept,
            BatteryClock::Shows(time) if time.abs_diff(wall) <= ALIKE => Trust::Battery,
            BatteryClock::Hidden => Trust::Battery,
            BatteryClock::Shows(_) | BatteryClock::Missing => Trust::Unconfirmed,
        }
    }
}

impl Look {
    /// Whether somebody has moved the wall clock between this look and a later one.
    fn moved(&self, wall: Duration, mono: Instant) -> bool {
        let should_be = self.wall + mono.saturating_duration_since(self.mono);
        should_be.abs_diff(wall) > MOVED
    }
}

impl<M: Machine> Clock for SystemClock<M> {
    fn now(&self) -> Now {
        let (wall, mono, trust) = self.read();
        let micros = i64::try_from(wall.as_micros()).unwrap_or(i64::MAX);
        let utc = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
        Now { utc, mono, trusted: trust.is_good() }
    }

    fn trust(&self) -> Trust {
        self.read().2
    }

    fn moves(&self) -> Moves {
        self.bell.listen()
    }
}

#[cfg(test)]
mod tests;
