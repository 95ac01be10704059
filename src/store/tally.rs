//! What was done since the start, counted with the commit that did it: for whoever watches over the hub.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{CodeChange, Unit};
use crate::model::EventType;

/// Counts since the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Events, by their kind.
    pub events: BTreeMap<EventType, u64>,
    /// How long locks took for a change of a code, by what it was and whether they proved it.
    pub writes: BTreeMap<(CodeChange, bool), Spread>,
    /// How long after its time a change was proven; its time is also when the host ordered it.
    pub delays: BTreeMap<CodeChange, Spread>,
}

impl Tally {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.writes.is_empty() && self.delays.is_empty()
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (event, count) in other.events {
            *self.events.entry(event).or_default() += count;
        }
        for (what, spread) in other.writes {
            self.writes.entry(what).or_default().merge(&spread);
        }
        for (what, spread) in other.delays {
            self.delays.entry(what).or_default().merge(&spread);
        }
    }
}

/// How durations are spread: so many of each size.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spread {
    /// As many as took at most each of [`Spread::BOUNDS`], but longer than the one before; and last those beyond.
    counts: [u64; Self::BOUNDS.len() + 1],
    sum: Duration,
}

impl Spread {
    /// In seconds: from what one frame takes to a lock that wakes only now and then.
    pub const BOUNDS: [f64; 10] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0];

    /// One more.
    pub fn add(&mut self, duration: Duration) {
        let place = Self::BOUNDS.iter().take_while(|bound| duration.as_secs_f64() > **bound).count();
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(duration);
    }

    fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many took at most each of [`Spread::BOUNDS`], and last how many there are.
    pub fn cumulated(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        })
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

impl Unit<'_> {
    /// A lock has taken so long for a change of a code, and proved it or not.
    pub fn tally_write(&mut self, change: CodeChange, proven: bool, took: Duration) {
        self.tally.writes.entry((change, proven)).or_default().add(took);
    }

    /// A change was proven so long after its time.
    pub fn tally_delay(&mut self, change: CodeChange, late: Duration) {
        self.tally.delays.entry(change).or_default().add(late);
    }
}
