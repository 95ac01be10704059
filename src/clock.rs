//! The only place that asks the system for the time, or for randomness.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

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

/// Made by systemd-timesyncd once it has set the clock since the machine started.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

/// The system's clock. A Pi has no battery clock: after a power cut it wakes in the past, so the time is trusted only
/// while it is not behind the latest time that the database has seen, nor behind the day this program was released; or
/// when it was set from the network. Without the latter, one wrong time in the future would keep the right one from
/// ever being trusted again.
#[derive(Debug)]
pub struct SystemClock {
    floor: AtomicI64,
    synchronized: &'static Path,
}

impl SystemClock {
    /// 2026-11-24T00:00:00Z: no honest clock is behind the program it runs.
    const RELEASED: i64 = 1_795_478_400_000_000;

    /// Trusts nothing before `latest`, the last time that the database has seen.
    pub fn new(latest: Option<Timestamp>) -> Self {
        let latest = latest.map_or(Self::RELEASED, |time| time.as_microsecond().max(Self::RELEASED));
        Self { floor: AtomicI64::new(latest), synchronized: Path::new(SYNCHRONIZED) }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    fn now(&self) -> Now {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        // A clock that is behind by less than a minute was being corrected, not lost.
        let behind = micros < self.floor.load(Ordering::Relaxed) - 60_000_000;
        let trusted = !behind || (micros >= Self::RELEASED && self.synchronized.exists());
        if behind && trusted {
            self.floor.store(micros, Ordering::Relaxed);
        } else if trusted {
            self.floor.fetch_max(micros, Ordering::Relaxed);
        }
        let utc = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
        Now { utc, mono: Instant::now(), trusted }
    }
}

/// Fills `bytes` with the operating system's randomness.
///
/// # Errors
/// When the system has none.
pub fn entropy(bytes: &mut [u8]) -> std::io::Result<()> {
    getrandom::fill(bytes).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(latest: Option<Timestamp>, synchronized: &'static str) -> SystemClock {
        SystemClock { synchronized: Path::new(synchronized), ..SystemClock::new(latest) }
    }

    #[test]
    fn a_clock_behind_the_database_is_not_trusted_unless_it_was_set_from_the_network() {
        let far_ahead = Timestamp::from_microsecond(4_000_000_000_000_000);
        assert!(!clock(far_ahead, "/nothing/here").now().trusted);
        assert!(clock(None, "/nothing/here").now().trusted);
        let set = clock(far_ahead, "/");
        assert!(set.now().trusted && set.now().trusted);
    }
}
