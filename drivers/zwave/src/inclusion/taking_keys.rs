//! Keys that another program made are taken over, so that the locks that it added are reached. One that locks were added
//! with here is not exchanged for another, since they would be lost.

use std::collections::BTreeMap;

use keyway_lock::{CommandId, KeyName, NetworkError, NetworkKey, NetworkOutcome};

use super::Network;
use super::output::{NetworkOutput, Then};
use crate::security::NetworkKeys;

impl Network {
    pub(super) fn take_keys(&mut self, id: CommandId, keys: &BTreeMap<KeyName, NetworkKey>) {
        if let Some(error) = keys.iter().find_map(|(name, key)| self.stands_against(*name, key)) {
            return self.answer(id, Err(error));
        }
        let taken = NetworkKeys::each(|name| keys.get(&name).cloned());
        self.kept_keys.keys = taken.or(&self.kept_keys.keys);
        self.kept_keys.taken.extend(keys.keys());
        self.out.push(NetworkOutput::Keep(self.kept_keys.record(), Some(Then::TakeKeys(id))));
    }

    /// Why a key can't be taken over, if so.
    fn stands_against(&self, name: KeyName, key: &NetworkKey) -> Option<NetworkError> {
        if self.given.named(name).is_some_and(|given| given != key) {
            return Some(NetworkError::KeyConfigured(name.name()));
        }
        let same = self.keys.named(name) == Some(key);
        let has_it = self.kept.members.iter().any(|((_, node), member)| {
            member.classes().into_iter().any(|class| KeyName::of(class, node.is_long_range()) == Some(name))
        });
        (has_it && !same).then_some(NetworkError::KeyInUse(name.name()))
    }

    /// They are on disk.
    pub(super) fn keys_kept(&mut self, id: CommandId) {
        self.put_in_force();
        self.answer(id, Ok(NetworkOutcome::KeysTaken(self.kept_keys.taken.clone())));
        self.out.push(NetworkOutput::NewKeys);
    }

    pub(super) fn put_in_force(&mut self) {
        let lost: Vec<KeyName> =
            self.claimed.iter().copied().filter(|name| !self.kept_keys.taken.contains(name)).collect();
        self.keys = self.given.clone().or(&self.kept_keys.keys.without(&lost));
    }
}
