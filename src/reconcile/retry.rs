//! How long to pause after a failure.

use std::time::{Duration, Instant};

/// A pause that grows with each failure in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pause {
    failures: u32,
    since: Option<Instant>,
    until: Option<Instant>,
}

impl Pause {
    /// Another failure: pauses `first`, doubled with each failure before, but never more than `most`.
    pub(super) fn grow(&mut self, now: Instant, first: Duration, most: Duration) {
        let doubled = first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.since = Some(now);
        self.until = Some(now + doubled.min(most));
    }

    /// Something gives hope: tries at once, but remembers the failures.
    pub(super) fn lift(&mut self) {
        self.until = None;
    }

    /// Whether something failed since it last went well.
    pub(super) fn has_failures(&self) -> bool {
        self.failures > 0
    }

    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Whether it is on, and in its first `part`.
    pub(super) fn begins(&self, now: Instant, part: Duration) -> bool {
        self.first(part).is_some_and(|end| now < end)
    }

    /// When its first `part` is over, or all of it if that is shorter.
    pub(super) fn first(&self, part: Duration) -> Option<Instant> {
        Some(self.until?.min(self.since? + part))
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }
}
