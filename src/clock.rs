//! The only place that asks the system for the time, or for randomness.

use std::time::{Duration, Instant};

use crate::model::Timestamp;

/// One reading of the clock: handed to everything that needs the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, for grants.
    pub utc: Timestamp,
    /// Monotonic, for protocols and pauses.
    pub mono: Instant,
    /// Whether `utc` may be acted on (I6). While it may not, nothing is written or cleared because of time.
    pub trusted: bool,
}

impl Now {
    /// The monotonic instant at which the wall clock will show `utc`, if nobody moves it; at once if that is past.
    pub fn instant_of(&self, utc: Timestamp) -> Instant {
        self.mono + self.utc.until(utc).min(Self::FAR)
    }

    /// No sleep is longer than this, so that a moved clock is noticed.
    const FAR: Duration = Duration::from_secs(24 * 3600);
}

/// Where readings come from: the system, or a test.
pub trait Clock: Send + Sync {
    /// A reading.
    fn now(&self) -> Now;
}
