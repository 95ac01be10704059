//! Security 0 and Security 2.

pub mod s0;
pub mod s2;

use std::collections::BTreeSet;
use std::fmt;

use keyway_lock::KeyClass;
use zeroize::Zeroizing;

/// The security classes a network can grant a node, weakest first; and below them the one that lasts only while a node
/// joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecurityClass {
    /// Security 2 under the key that two nodes agree on while one of them joins; never granted.
    Temporary,
    /// Security 0 (CC 0x98).
    S0,
    /// Security 2, unauthenticated.
    S2Unauthenticated,
    /// Security 2, authenticated.
    S2Authenticated,
    /// Security 2, access control: the one for locks.
    S2AccessControl,
}

impl From<KeyClass> for SecurityClass {
    fn from(class: KeyClass) -> Self {
        match class {
            KeyClass::S0 => Self::S0,
            KeyClass::S2Unauthenticated => Self::S2Unauthenticated,
            KeyClass::S2Authenticated => Self::S2Authenticated,
            KeyClass::S2AccessControl => Self::S2AccessControl,
        }
    }
}

/// The classes as the hub calls them.
pub fn key_classes(classes: &[SecurityClass]) -> BTreeSet<KeyClass> {
    KeyClass::ALL.into_iter().filter(|class| classes.contains(&(*class).into())).collect()
}

/// A 128-bit network key. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct NetworkKey(Zeroizing<[u8; 16]>);

impl NetworkKey {
    /// Takes the bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for key derivation only.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl NetworkKeys {
    /// Sets the key of a class.
    pub fn set(&mut self, class: SecurityClass, key: NetworkKey) {
        let place = match class {
            SecurityClass::Temporary => return,
            SecurityClass::S0 => &mut self.s0,
            SecurityClass::S2Unauthenticated => &mut self.s2_unauthenticated,
            SecurityClass::S2Authenticated => &mut self.s2_authenticated,
            SecurityClass::S2AccessControl => &mut self.s2_access_control,
        };
        *place = Some(key);
    }

    /// All but the keys of these classes.
    pub fn without(&self, classes: &[SecurityClass]) -> Self {
        let but = |class| self.get(class).filter(|_| !classes.contains(&class)).cloned();
        Self {
            s0: but(SecurityClass::S0),
            s2_unauthenticated: but(SecurityClass::S2Unauthenticated),
            s2_authenticated: but(SecurityClass::S2Authenticated),
            s2_access_control: but(SecurityClass::S2AccessControl),
        }
    }

    /// Fills in what is missing.
    pub fn or(self, other: &Self) -> Self {
        Self {
            s0: self.s0.or_else(|| other.s0.clone()),
            s2_unauthenticated: self.s2_unauthenticated.or_else(|| other.s2_unauthenticated.clone()),
            s2_authenticated: self.s2_authenticated.or_else(|| other.s2_authenticated.clone()),
            s2_access_control: self.s2_access_control.or_else(|| other.s2_access_control.clone()),
        }
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetworkKey(redacted)")
    }
}

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
}

impl NetworkKeys {
    /// The key of a class.
    pub fn get(&self, class: SecurityClass) -> Option<&NetworkKey> {
        match class {
            SecurityClass::Temporary => None,
            SecurityClass::S0 => self.s0.as_ref(),
            SecurityClass::S2Unauthenticated => self.s2_unauthenticated.as_ref(),
            SecurityClass::S2Authenticated => self.s2_authenticated.as_ref(),
            SecurityClass::S2AccessControl => self.s2_access_control.as_ref(),
        }
    }
}

/// Bytes from hexadecimal digits, for test vectors.
#[cfg(test)]
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.chars().filter_map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The same as an array.
#[cfg(test)]
fn hex_array<const N: usize>(digits: &str) -> [u8; N] {
    hex(digits).try_into().unwrap()
}
