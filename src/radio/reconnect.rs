//! When to try a lost port again.

use std::time::{Duration, Instant};

/// Pauses between tries: at once, then half a second, doubling up to ten.
///
/// Short, because a stick that was knocked out and put back must not keep a guest waiting, and trying costs nothing.
#[derive(Debug, Default)]
pub(super) struct Reconnect {
    failed: u32,
    opened_at: Option<Instant>,
}

impl Reconnect {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(10);
    /// A port that stayed open this long was really there: the next loss starts with a short pause again.
    const STABLE: Duration = Duration::from_secs(10);

    pub(super) fn opened(&mut self, now: Instant) {
        self.opened_at = Some(now);
    }

    /// The port is gone or did not open: when to try again.
    pub(super) fn next_try(&mut self, now: Instant) -> Instant {
        if self.opened_at.take().is_some_and(|opened| now.saturating_duration_since(opened) >= Self::STABLE) {
            self.failed = 0;
        }
        let pause = (Self::FIRST * 2_u32.pow(self.failed.min(8))).min(Self::LONGEST);
        self.failed += 1;
        now + pause
    }

    /// Whether this failure is worth a line in the log: the first, and then ever more rarely.
    pub(super) fn is_news(&self) -> bool {
        self.failed.is_power_of_two()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn pauses_grow_to_ten_seconds_and_begin_anew_after_a_stable_connection() {
        let start = Instant::now();
        let mut reconnect = Reconnect::default();
        let pauses: Vec<u128> = (0..6).map(|_| (reconnect.next_try(start) - start).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 10_000]);
        reconnect.opened(start);
        let later = start + Duration::from_secs(60);
        assert_eq!((reconnect.next_try(later) - later).as_millis(), 500);
    }
}
