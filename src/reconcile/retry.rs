//! How long to pause after a failure.

use std::time::{Duration, Instant};

/// A pause that grows with each failure in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pause {
    failures: u32,
    until: Option<Instant>,
}

impl Pause {
    /// Another failure: pauses `first`, doubled with each failure before, but never more than `most`.
    pub(super) fn grow(&mut self, now: Instant, first: Duration, most: Duration) {
        let doubled = first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + doubled.min(most));
    }

    /// Something gives hope: tries at once, but remembers the failures.
    pub(super) fn lift(&mut self) {
        self.until = None;
    }

    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }
}
