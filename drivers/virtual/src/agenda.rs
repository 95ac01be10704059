//! What is to happen and when.

use std::collections::BTreeMap;
use std::time::Instant;

/// Things that are due at instants. What is due at the same instant comes in the order it was put there.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    entries: BTreeMap<(Instant, u64), T>,
    count: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), count: 0 }
    }
}

impl<T> Agenda<T> {
    pub(crate) fn put(&mut self, at: Instant, entry: T) {
        self.count += 1;
        self.entries.insert((at, self.count), entry);
    }

    /// The next entry that is due.
    pub(crate) fn take(&mut self, now: Instant) -> Option<T> {
        let first = self.entries.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }

    /// The first entry that `is_it`, due or not.
    pub(crate) fn take_first(&mut self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let key = self.entries.iter().find(|(_, entry)| is_it(entry)).map(|(key, _)| *key)?;
        self.entries.remove(&key)
    }

    pub(crate) fn retain(&mut self, stays: impl Fn(&T) -> bool) {
        self.entries.retain(|_, entry| stays(entry));
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.entries.keys().next().map(|(at, _)| *at)
    }
}
