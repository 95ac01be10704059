//! Who is who on a Zigbee network.

use std::fmt;
use std::str::FromStr;

/// An IEEE address (EUI-64): a device's own, for life. As a number, so that the byte that is written first is the highest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ieee(pub u64);

impl Ieee {
    /// No device, or one whose address is not known (in tables of sticks).
    pub const NONE: Self = Self(u64::MAX);

    /// As it goes over the air and the wire: the lowest byte first.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    /// From the wire: the lowest byte first.
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }

    /// Whether a device can have it: neither all zeros nor all ones.
    pub fn is_real(self) -> bool {
        self.0 != 0 && self != Self::NONE
    }
}

impl fmt::Display for Ieee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.to_be_bytes().into_iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Ieee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is not an IEEE address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an IEEE address has 16 hexadecimal digits, with or without colons, such as 00:0d:6f:00:0a:0b:0c:01")]
pub struct NotAnIeee;

impl FromStr for Ieee {
    type Err = NotAnIeee;

    fn from_str(text: &str) -> Result<Self, NotAnIeee> {
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        let digits = digits.strip_prefix("0x").unwrap_or(&digits);
        let well_formed = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !well_formed {
            return Err(NotAnIeee);
        }
        u64::from_str_radix(digits, 16).map(Self).map_err(|_| NotAnIeee)
    }
}

/// A network address: lent to a device when it joins, and another one after a conflict or when it joins anew.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nwk(pub u16);

impl Nwk {
    /// The coordinator.
    pub const COORDINATOR: Self = Self(0x0000);

    /// Whether one device can have it: broadcasts begin at 0xFFF8 (Zigbee R22 section 3.6.5).
    pub fn is_unicast(self) -> bool {
        self.0 < 0xFFF8
    }
}

impl fmt::Display for Nwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

impl fmt::Debug for Nwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ieee_address_is_shown_as_on_the_label_and_sent_lowest_byte_first() {
        let ieee = Ieee(0x000D_6F00_0A0B_0C01);
        assert_eq!(ieee.to_string(), "00:0d:6f:00:0a:0b:0c:01");
        assert_eq!(ieee.to_bytes(), [0x01, 0x0C, 0x0B, 0x0A, 0x00, 0x6F, 0x0D, 0x00]);
        assert_eq!(Ieee::from_bytes(ieee.to_bytes()), ieee);
    }

    #[test]
    fn an_ieee_address_is_read_with_colons_without_and_with_0x() {
        for text in ["00:0d:6f:00:0a:0b:0c:01", "000D6F000A0B0C01", "0x000d6f000a0b0c01"] {
            assert_eq!(text.parse(), Ok(Ieee(0x000D_6F00_0A0B_0C01)), "{text}");
        }
        for text in ["", "000d6f000a0b0c", "000d6f000a0b0c01ff", "000d6f000a0b0c0g", "+00d6f000a0b0c01"] {
            assert_eq!(text.parse::<Ieee>(), Err(NotAnIeee), "{text}");
        }
    }

    #[test]
    fn a_network_address_is_shown_in_hexadecimal() {
        assert_eq!(Nwk(0x1A).to_string(), "0x001a");
        assert!(Nwk(0xFFF7).is_unicast() && !Nwk(0xFFF8).is_unicast());
    }
}
