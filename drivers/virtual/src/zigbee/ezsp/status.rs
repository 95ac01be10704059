//! Statuses, in the two ways EZSP has had of writing them: a byte until version 13, a word of Silicon Labs' own since version
//! 14 (UG100; `sl_status.h` of the Simplicity SDK).

/// How a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    Fail,
    BadArgument,
    NotFound,
    NotJoined,
    InvalidCall,
    DeliveryFailed,
    IndexOutOfRange,
    TableFull,
    TableEntryErased,
    NotPresent,
    MessageTooLong,
    SecurityStateNotSet,
    NetworkUp,
    NetworkDown,
    NetworkOpened,
    NetworkClosed,
    NoRoute,
    // Those of the link to the host, not of the stack.
    VersionNotSet,
    InvalidFrameId,
    Truncated,
    InvalidValue,
    InvalidId,
}

impl Status {
    /// `EmberStatus` or `EzspStatus`, until version 13.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Ok => 0x00,
            Self::Fail => 0x01,
            Self::BadArgument => 0x02,
            Self::NotFound => 0x03,
            Self::NotJoined => 0x93,
            Self::InvalidCall => 0x70,
            Self::DeliveryFailed => 0x66,
            Self::IndexOutOfRange => 0xB1,
            Self::TableFull => 0xB4,
            Self::TableEntryErased => 0xB6,
            Self::NotPresent => 0xB5,
            Self::MessageTooLong => 0x74,
            Self::SecurityStateNotSet => 0xA8,
            Self::NetworkUp => 0x90,
            Self::NetworkDown => 0x91,
            Self::NetworkOpened => 0x9C,
            Self::NetworkClosed => 0x9D,
            Self::NoRoute => 0xA9,
            Self::VersionNotSet => 0x30,
            Self::InvalidFrameId => 0x31,
            Self::Truncated => 0x33,
            Self::InvalidValue => 0x36,
            Self::InvalidId => 0x37,
        }
    }

    /// `sl_status_t`, since version 14.
    pub(super) fn word(self) -> u32 {
        match self {
            Self::Ok => 0x0000,
            Self::Fail => 0x0001,
            Self::InvalidCall => 0x0002,
            Self::NotPresent => 0x000F,
            Self::NetworkUp => 0x0015,
            Self::NetworkDown => 0x0016,
            Self::NotJoined => 0x0017,
            Self::TableFull => 0x001C,
            Self::MessageTooLong => 0x001D,
            Self::BadArgument | Self::InvalidValue | Self::InvalidId => 0x0021,
            Self::IndexOutOfRange => 0x0027,
            Self::NotFound | Self::TableEntryErased => 0x002D,
            Self::DeliveryFailed => 0x0C02,
            Self::SecurityStateNotSet => 0x0C0B,
            Self::NoRoute => 0x0C13,
            Self::NetworkOpened => 0x0C18,
            Self::NetworkClosed => 0x0C19,
            // In the answer to a command that is none the old number stays.
            Self::VersionNotSet | Self::InvalidFrameId | Self::Truncated => self.byte().into(),
        }
    }
}
