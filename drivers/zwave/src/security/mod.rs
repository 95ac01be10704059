//! Security 0 and Security 2.

pub mod s0;
pub mod s2;

use std::fmt;

use zeroize::Zeroizing;

/// The security classes a network can grant a node, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecurityClass {
    /// Security 0 (CC 0x98).
    S0,
    /// Security 2, unauthenticated.
    S2Unauthenticated,
    /// Security 2, authenticated.
    S2Authenticated,
    /// Security 2, access control: the one for locks.
    S2AccessControl,
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
