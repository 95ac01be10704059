//! What locks told while it could not be written down: the disk was full.
//!
//! It is kept until it can be, with the time at which it was told: of a lock that shows no digits nothing but its word
//! tells that a hand was at a slot. Until then such a lock is asked nothing, and then for all of it anew.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::observe::Told;
use crate::clock::Now;
use crate::model::DeviceId;

/// A store that could not be read or written is asked again after this.
pub(super) const STORE_RETRY: Duration = Duration::from_secs(30);
/// How much is kept of one lock; behind that, its log and a look at its slots have to do.
const MOST: usize = 64;

/// By lock.
#[derive(Default)]
pub(super) struct Unwritten {
    told: BTreeMap<DeviceId, VecDeque<(Now, Told)>>,
    try_at: Option<Instant>,
}

impl Unwritten {
    /// An answer of a lock could not be written down: it will be asked again.
    pub(super) fn lose(&mut self, now: Now, device: DeviceId) {
        self.told.entry(device).or_default();
        self.try_at.get_or_insert(now.mono + STORE_RETRY);
    }

    /// What a lock told by itself could not be, or has to wait behind something that could not.
    pub(super) fn keep(&mut self, now: Now, device: DeviceId, told: Told) {
        self.lose(now, device);
        let kept = self.told.entry(device).or_default();
        if kept.len() == MOST {
            tracing::warn!(%device, "the lock tells more than can be kept while it can't be written down");
            kept.pop_front();
        }
        kept.push_back((now, told));
    }

    /// Whether there is something of this lock.
    pub(super) fn has(&self, device: DeviceId) -> bool {
        self.told.contains_key(&device)
    }

    /// When it is to be tried.
    pub(super) fn try_at(&self) -> Option<Instant> {
        self.try_at
    }

    /// It is tried now: again later, if that is in vain.
    pub(super) fn tried(&mut self, now: Now, can_write: bool) -> BTreeMap<DeviceId, VecDeque<(Now, Told)>> {
        self.try_at = (!can_write).then(|| now.mono + STORE_RETRY);
        if can_write { std::mem::take(&mut self.told) } else { BTreeMap::new() }
    }
}
