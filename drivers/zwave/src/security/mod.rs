//! Security 0 and Security 2.

mod keys;
pub mod s0;
pub mod s2;

use std::collections::BTreeSet;

use keyway_lock::KeyClass;

pub use keys::NetworkKeys;
pub use keyway_lock::{KeyName, NetworkKey};

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

impl SecurityClass {
    /// The class as the hub calls it; `None`: it is never granted.
    pub fn key_class(self) -> Option<KeyClass> {
        match self {
            Self::Temporary => None,
            Self::S0 => Some(KeyClass::S0),
            Self::S2Unauthenticated => Some(KeyClass::S2Unauthenticated),
            Self::S2Authenticated => Some(KeyClass::S2Authenticated),
            Self::S2AccessControl => Some(KeyClass::S2AccessControl),
        }
    }
}

/// The classes as the hub calls them.
pub fn key_classes(classes: &[SecurityClass]) -> BTreeSet<KeyClass> {
    classes.iter().filter_map(|class| class.key_class()).collect()
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
