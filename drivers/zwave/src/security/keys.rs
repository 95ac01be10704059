//! The keys of one network.

use keyway_lock::{KeyName, NetworkKey};

use super::SecurityClass;
use crate::node::NodeId;

/// The keys of one network; a class without a key can't be spoken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkKeys {
    /// Security 0.
    pub s0: Option<NetworkKey>,
    /// Security 2, unauthenticated.
    pub s2_unauthenticated: Option<NetworkKey>,
    /// Security 2, authenticated.
    pub s2_authenticated: Option<NetworkKey>,
    /// Security 2, access control.
    pub s2_access_control: Option<NetworkKey>,
    /// Security 2, authenticated, of nodes over Long Range.
    pub long_range_s2_authenticated: Option<NetworkKey>,
    /// Security 2, access control, of nodes over Long Range.
    pub long_range_s2_access_control: Option<NetworkKey>,
}

impl NetworkKeys {
    /// One that each key is made by.
    pub fn each(mut key: impl FnMut(KeyName) -> Option<NetworkKey>) -> Self {
        let mut keys = Self::default();
        for name in KeyName::ALL {
            *keys.place(name) = key(name);
        }
        keys
    }

    /// A key by its name.
    pub fn named(&self, name: KeyName) -> Option<&NetworkKey> {
        match name {
            KeyName::S0 => self.s0.as_ref(),
            KeyName::S2Unauthenticated => self.s2_unauthenticated.as_ref(),
            KeyName::S2Authenticated => self.s2_authenticated.as_ref(),
            KeyName::S2AccessControl => self.s2_access_control.as_ref(),
            KeyName::LongRangeS2Authenticated => self.long_range_s2_authenticated.as_ref(),
            KeyName::LongRangeS2AccessControl => self.long_range_s2_access_control.as_ref(),
        }
    }

    /// The key of a class, for a node that is not reached over Long Range.
    pub fn get(&self, class: SecurityClass) -> Option<&NetworkKey> {
        self.named(KeyName::of(class.key_class()?, false)?)
    }

    /// Sets the key of a class.
    pub fn set(&mut self, class: SecurityClass, key: NetworkKey) {
        if let Some(name) = class.key_class().and_then(|class| KeyName::of(class, false)) {
            *self.place(name) = Some(key);
        }
    }

    /// The keys that a node can have, under the names of their classes.
    pub fn of(&self, node: NodeId) -> Self {
        if node.is_long_range() {
            Self {
                s2_authenticated: self.long_range_s2_authenticated.clone(),
                s2_access_control: self.long_range_s2_access_control.clone(),
                ..Self::default()
            }
        } else {
            Self { long_range_s2_authenticated: None, long_range_s2_access_control: None, ..self.clone() }
        }
    }

    /// All but those.
    pub fn without(&self, names: &[KeyName]) -> Self {
        Self::each(|name| self.named(name).filter(|_| !names.contains(&name)).cloned())
    }

    /// Fills in what is missing.
    pub fn or(self, other: &Self) -> Self {
        Self::each(|name| self.named(name).or_else(|| other.named(name)).cloned())
    }

    fn place(&mut self, name: KeyName) -> &mut Option<NetworkKey> {
        match name {
            KeyName::S0 => &mut self.s0,
            KeyName::S2Unauthenticated => &mut self.s2_unauthenticated,
            KeyName::S2Authenticated => &mut self.s2_authenticated,
            KeyName::S2AccessControl => &mut self.s2_access_control,
            KeyName::LongRangeS2Authenticated => &mut self.long_range_s2_authenticated,
            KeyName::LongRangeS2AccessControl => &mut self.long_range_s2_access_control,
        }
    }
}
