//! What a stick says of how a command went: one numbering for all versions.

use std::fmt;

/// A status as versions since 14 number it (sl_status). The one-byte statuses of before are turned into these; those
/// without an equal keep their number, marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Status(pub u32);

/// EmberStatus of before version 14, and the sl_status of the same meaning (UG100, "EmberStatus"; AN1376 on what became of
/// them).
const LEGACY: [(u8, Status); 21] = [
    (0x00, Status::OK),
    (0x02, Status(0x21)),
    (0x03, Status::NOT_FOUND),
    (0x18, Status::NO_BUFFERS),
    (0x66, Status::DELIVERY_FAILED),
    (0x70, Status::INVALID_STATE),
    (0x72, Status::TOO_MANY_MESSAGES),
    (0x74, Status::MESSAGE_TOO_LONG),
    (0x8B, Status(0x56)),
    (0x90, Status::NETWORK_UP),
    (0x91, Status::NETWORK_DOWN),
    (0x93, Status::NOT_JOINED),
    (0x99, Status(0xC07)),
    (0x9A, Status::PAN_ID_CHANGED),
    (0x9B, Status::CHANNEL_CHANGED),
    (0x9C, Status::NETWORK_OPENED),
    (0x9D, Status::NETWORK_CLOSED),
    (0xA1, Status::NETWORK_BUSY),
    (0xA9, Status(0xC13)),
    (0xAA, Status(0xC14)),
    (0xB1, Status::INVALID_INDEX),
];
/// Marks the statuses of before version 14 that have no equal.
const UNEQUALLED: u32 = 0x8000_0000;

impl Status {
    /// The version of EZSP in which statuses became four bytes.
    pub const WIDE_SINCE: u8 = 14;

    /// Done.
    pub const OK: Self = Self(0x00);
    /// Not now: such as a frame counter while the network is up.
    pub const INVALID_STATE: Self = Self(0x02);
    /// Too much under way.
    pub const BUSY: Self = Self(0x04);
    /// The network is up.
    pub const NETWORK_UP: Self = Self(0x15);
    /// The network is down.
    pub const NETWORK_DOWN: Self = Self(0x16);
    /// There is no network.
    pub const NOT_JOINED: Self = Self(0x17);
    /// Out of buffers.
    pub const NO_BUFFERS: Self = Self(0x19);
    /// No such line in the table.
    pub const INVALID_INDEX: Self = Self(0x27);
    /// Nothing there.
    pub const NOT_FOUND: Self = Self(0x2D);
    /// The air is busy.
    pub const NETWORK_BUSY: Self = Self(0x34);
    /// The message has too many bytes.
    pub const MESSAGE_TOO_LONG: Self = Self(0x38);
    /// The frame did not arrive.
    pub const DELIVERY_FAILED: Self = Self(0xC02);
    /// As many messages as possible are under way.
    pub const TOO_MANY_MESSAGES: Self = Self(0xC03);
    /// The network has another PAN id.
    pub const PAN_ID_CHANGED: Self = Self(0xC16);
    /// The network has another channel.
    pub const CHANNEL_CHANGED: Self = Self(0xC17);
    /// Devices may join.
    pub const NETWORK_OPENED: Self = Self(0xC18);
    /// Devices may no longer join.
    pub const NETWORK_CLOSED: Self = Self(0xC19);

    /// Done.
    pub fn is_ok(self) -> bool {
        self == Self::OK
    }

    /// Nothing is wrong but that much is under way: the same again, soon.
    pub fn is_busy(self) -> bool {
        matches!(self, Self::BUSY | Self::NO_BUFFERS | Self::NETWORK_BUSY | Self::TOO_MANY_MESSAGES)
    }

    /// As the stick numbers it.
    pub fn code(self) -> u32 {
        self.0 & !UNEQUALLED
    }

    pub(super) fn from_legacy(code: u8) -> Self {
        let known = LEGACY.iter().find(|(legacy, _)| *legacy == code).map(|(_, status)| *status);
        known.unwrap_or(Self(UNEQUALLED | u32::from(code)))
    }

    /// A status that had no equal before version 14 becomes a general failure.
    pub(super) fn to_legacy(self) -> u8 {
        const FATAL: u8 = 0x01;
        if self.0 & UNEQUALLED != 0 {
            return self.0 as u8;
        }
        LEGACY.iter().find(|(_, status)| *status == self).map_or(FATAL, |(legacy, _)| *legacy)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_one_byte_means_what_the_one_of_four_bytes_does() {
        assert_eq!(Status::from_legacy(0x90), Status::NETWORK_UP);
        assert_eq!(Status::NETWORK_UP.to_legacy(), 0x90);
        for code in 0..=0xFF {
            assert_eq!(Status::from_legacy(code).to_legacy(), code);
        }
    }

    #[test]
    fn a_status_is_shown_as_the_stick_numbers_it() {
        assert_eq!(Status::from_legacy(0xA8).to_string(), "0xa8");
        assert_eq!(Status::DELIVERY_FAILED.to_string(), "0xc02");
    }
}
