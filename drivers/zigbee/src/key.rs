//! Keys of a Zigbee network.

use std::fmt;

use zeroize::Zeroizing;

/// A 128-bit key. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<[u8; 16]>);

impl Key {
    /// Bytes of a key.
    pub const LEN: usize = 16;

    /// Takes the bytes.
    pub fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The link key that every device knows from the factory: `ZigBeeAlliance09` (Zigbee 3.0 Base Device Behavior,
    /// section 6.3.1).
    pub fn well_known() -> Self {
        Self::new(*b"ZigBeeAlliance09")
    }

    /// The bytes, for the stick and the vault only.
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_key() {
        assert_eq!(format!("{:?}", Key::well_known()), "Key(redacted)");
    }
}
