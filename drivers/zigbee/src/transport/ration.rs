//! Broadcasts are rationed: every router repeats each of them, and forgets none for nine seconds; beyond its table it
//! drops what comes (Zigbee R22 section 3.6.5: nwkBroadcastDeliveryTime, broadcast transaction table).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// nwkBroadcastDeliveryTime.
const DELIVERY: Duration = Duration::from_secs(9);
/// So many in that time: others need some of it too.
const MOST: usize = 4;

/// When the last ones went out.
#[derive(Debug, Default)]
pub(super) struct Ration(VecDeque<Instant>);

impl Ration {
    /// Takes one of the ration, if there is one left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.0.retain(|at| *at + DELIVERY > now);
        let left = self.0.len() < MOST;
        if left {
            self.0.push_back(now);
        }
        left
    }

    /// When there is one again; `None`: now.
    pub(super) fn next(&self) -> Option<Instant> {
        let full = self.0.len() >= MOST;
        self.0.front().filter(|_| full).map(|at| *at + DELIVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn no_more_broadcasts_go_out_than_a_router_remembers() {
        let (start, mut ration) = (Instant::now(), Ration::default());
        assert_eq!((0..6).filter(|_| ration.take(start)).count(), MOST);
        assert_eq!(ration.next(), Some(start + DELIVERY));
        assert!(ration.take(start + DELIVERY) && ration.next().is_none());
    }
}
