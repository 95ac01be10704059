//! What a commit changed, for whoever shows it or acts on it.

use std::collections::BTreeSet;

use crate::model::{AccessGrantId, DeviceId};

/// What a commit changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Devices of which the state, a code, a slot or an action attempt changed.
    pub devices: BTreeSet<DeviceId>,
    /// Devices of which nothing is new but when they were heard, and how well.
    pub heard: BTreeSet<DeviceId>,
    /// Grants that changed, or one of whose methods or codes did.
    pub grants: BTreeSet<AccessGrantId>,
    /// Events were added to the outbox.
    pub events: bool,
    /// Webhooks were made, changed or deleted.
    pub webhooks: bool,
    /// Nothing is new, but what was written and did not have to be on disk yet is lost: what was read of it is not so.
    pub undone: bool,
}

impl Changes {
    /// Whether nothing changed that anybody would look at.
    pub fn is_empty(&self) -> bool {
        let none = self.devices.is_empty() && self.heard.is_empty() && self.grants.is_empty();
        none && !self.events && !self.webhooks && !self.undone
    }

    /// Takes over what others changed.
    pub fn merge(&mut self, other: &Self) {
        self.devices.extend(&other.devices);
        self.heard.extend(&other.heard);
        self.grants.extend(&other.grants);
        self.events |= other.events;
        self.webhooks |= other.webhooks;
        self.undone |= other.undone;
    }
}
