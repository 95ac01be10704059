//! When a driver is told the time.

use std::time::Duration;

use keyway_lock::{WallClock, WallTime};

use crate::clock::Now;

/// So often the clock is looked at, at least, so that one that drifts is noticed.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A driver that would reckon the time wrong by more than this is told anew.
const OFF: Duration = Duration::from_millis(500);

/// What a driver takes the time to be.
#[derive(Debug, Default)]
pub(super) struct Told(WallClock);

impl Told {
    /// What the driver is to be told now; `None`: nothing, since it is right, or nobody knows better.
    pub(super) fn look(&mut self, now: Now) -> Option<WallTime> {
        let utc = WallTime(now.utc.as_microsecond());
        let right = self.0.at(now.mono).is_some_and(|taken| taken.apart(utc) <= OFF);
        if right || !now.trusted {
            return None;
        }
        self.0.set(now.mono, utc);
        Some(utc)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::model::Timestamp;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn a_driver_is_told_once_and_again_when_the_clock_was_moved_but_never_a_time_that_is_not_trusted() {
        let (start, mut told) = (Instant::now(), Told::default());
        let mut look = |seconds: u64, shown: i64, trusted| {
            let utc = Timestamp::from_microsecond(shown * 1_000_000).unwrap();
            let now = Now { utc, mono: start + Duration::from_secs(seconds), trusted };
            told.look(now).map(WallTime::seconds)
        };
        assert_eq!(look(0, 5, false), None);
        assert_eq!(look(1, 1000, true), Some(1000), "it came to be trusted");
        assert_eq!(look(61, 1060, true), None);
        assert_eq!(look(62, 1000, false), None, "moved back: what was told holds on");
        assert_eq!(look(70, 1069, true), None);
        assert_eq!(look(71, 2000, true), Some(2000));
    }
}
