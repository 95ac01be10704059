//! The only place that asks the system for the time, or for randomness.

mod bell;
mod machine;
mod system;
mod timer;
mod trust;

use std::time::{Duration, Instant};

use crate::model::Timestamp;

pub use bell::{Bell, Moves};
pub use machine::{BatteryClock, Kernel, Linux, Machine};
pub use system::SystemClock;
pub use timer::watch_over;
pub use trust::{ClockPolicy, Trust};

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

    /// No sleep is longer than this.
    const FAR: Duration = Duration::from_secs(24 * 3600);
}

/// Where readings come from: the system, or a test.
pub trait Clock: Send + Sync {
    /// A reading.
    fn now(&self) -> Now;

    /// Why the reading may be acted on, or not.
    fn trust(&self) -> Trust {
        if self.now().trusted { Trust::Configured } else { Trust::Unconfirmed }
    }

    /// Tells from now on of every time that the wall clock was moved, or came to be trusted or lost its trust. Whoever
    /// sleeps until a time of the wall clock must listen to it as well.
    fn moves(&self) -> Moves {
        Moves::never()
    }
}

/// Fills `bytes` with the operating system's randomness.
///
/// # Errors
/// When the system has none.
pub fn entropy(bytes: &mut [u8]) -> std::io::Result<()> {
    getrandom::fill(bytes).map_err(std::io::Error::other)
}
