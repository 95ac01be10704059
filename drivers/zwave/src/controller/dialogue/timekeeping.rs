//! When a lock that has a clock is given the time without being asked to: after its interview, after the wall clock was
//! moved, and now and then while it is awake anyway.

use std::time::{Duration, Instant};

use keyway_lock::WallClock;

/// So often, as a clock that is a minute wrong after that would be a bad one.
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// A lock that is not awake for anything else is woken for it after so long.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// When it did not work.
const AGAIN: Duration = Duration::from_secs(3600);
/// A sleeping lock that was heard stays awake for so long, at least.
const AWAKE: Duration = Duration::from_millis(1500);

#[derive(Debug, Clone, Copy)]
pub(super) struct Timekeeping {
    clock: WallClock,
    /// From when on it is to be done, if the lock is awake; and from when on in any case.
    due: Option<(Instant, Instant)>,
    heard: Option<Instant>,
}

impl Timekeeping {
    pub(super) fn new(clock: WallClock) -> Self {
        Self { clock, due: None, heard: None }
    }

    pub(super) fn clock(&self) -> WallClock {
        self.clock
    }

    /// The stick is known, and the lock in its network.
    pub(super) fn handle_begun(&mut self, now: Instant) {
        self.due.get_or_insert((now, now + PATIENCE));
    }

    /// The time is known, or another one than it was taken to be.
    pub(super) fn handle_wall_time(&mut self, now: Instant, clock: WallClock) {
        let moved = self.clock.at(now).is_some();
        self.clock = clock;
        self.due = Some((now, if moved { now } else { now + PATIENCE }));
    }

    pub(super) fn handle_heard(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// The lock has just been asked who it is.
    pub(super) fn handle_interviewed(&mut self, now: Instant) {
        self.due = Some((now, now));
    }

    pub(super) fn handle_done(&mut self, now: Instant, worked: bool) {
        let next = now + if worked { EVERY } else { AGAIN };
        self.due = Some((next, next + PATIENCE));
    }

    /// Whether the time is to be told now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let awake = self.heard.is_some_and(|heard| now.saturating_duration_since(heard) < AWAKE);
        let due = self.due.is_some_and(|(awake_from, from)| now >= if awake { awake_from } else { from });
        due && self.clock.at(now).is_some()
    }

    /// When it is, if the lock is not heard before.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.due.filter(|_| self.clock.is_set()).map(|(_, from)| from)
    }
}
