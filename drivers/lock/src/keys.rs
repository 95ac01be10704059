//! The keys of a network, by their names.

use std::fmt;

use zeroize::Zeroizing;

use crate::KeyClass;

/// A 128-bit network key. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct NetworkKey(Zeroizing<[u8; 16]>);

impl NetworkKey {
    /// Takes the bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads 32 hexadecimal digits.
    pub fn read(text: &str) -> Option<Self> {
        let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digits: Zeroizing<Vec<u8>> = Zeroizing::new(text.chars().map(digit).collect::<Option<_>>()?);
        let mut key = Zeroizing::new([0; 16]);
        if digits.len() != 32 {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Some(Self(key))
    }

    /// The bytes, for the driver only.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetworkKey(redacted)")
    }
}

/// Which of a network's keys. Z-Wave Long Range has its own, which must differ from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyName {
    /// Of [`KeyClass::S0`].
    S0,
    /// Of [`KeyClass::S2Unauthenticated`].
    S2Unauthenticated,
    /// Of [`KeyClass::S2Authenticated`].
    S2Authenticated,
    /// Of [`KeyClass::S2AccessControl`].
    S2AccessControl,
    /// Of [`KeyClass::S2Authenticated`], for devices that are reached over Long Range.
    LongRangeS2Authenticated,
    /// Of [`KeyClass::S2AccessControl`], for devices that are reached over Long Range.
    LongRangeS2AccessControl,
}

impl KeyName {
    /// Every key.
    pub const ALL: [Self; 6] = [
        Self::S0,
        Self::S2Unauthenticated,
        Self::S2Authenticated,
        Self::S2AccessControl,
        Self::LongRangeS2Authenticated,
        Self::LongRangeS2AccessControl,
    ];

    /// The key of a class, as devices have it that are reached over Long Range, or those that are not.
    pub fn of(class: KeyClass, long_range: bool) -> Option<Self> {
        match (class, long_range) {
            (KeyClass::S0, false) => Some(Self::S0),
            (KeyClass::S2Unauthenticated, false) => Some(Self::S2Unauthenticated),
            (KeyClass::S2Authenticated, false) => Some(Self::S2Authenticated),
            (KeyClass::S2AccessControl, false) => Some(Self::S2AccessControl),
            (KeyClass::S2Authenticated, true) => Some(Self::LongRangeS2Authenticated),
            (KeyClass::S2AccessControl, true) => Some(Self::LongRangeS2AccessControl),
            (KeyClass::S0 | KeyClass::S2Unauthenticated, true) => None,
        }
    }

    /// Its name, as the configuration and the operations have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::S0 => "s0",
            Self::S2Unauthenticated => "s2_unauthenticated",
            Self::S2Authenticated => "s2_authenticated",
            Self::S2AccessControl => "s2_access_control",
            Self::LongRangeS2Authenticated => "long_range_s2_authenticated",
            Self::LongRangeS2AccessControl => "long_range_s2_access_control",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_hexadecimal_digits_and_is_never_shown() {
        let key = NetworkKey::read("00112233445566778899aabbccDDEEFF").unwrap();
        assert_eq!(key.expose()[..3], [0x00, 0x11, 0x22]);
        assert!(!format!("{key:?}").contains("11"));
        for text in ["", "0011", "00112233445566778899aabbccDDEEF", "00112233445566778899aabbccDDEEFG"] {
            assert_eq!(NetworkKey::read(text), None, "{text}");
        }
    }
}
