//! How a device says that it did something, or why not (ZCL 2.6.3, "Status Enumerations").

use std::fmt;

/// A status. Devices send others than the ones named here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u8);

impl Status {
    /// Done.
    pub const SUCCESS: Self = Self(0x00);
    /// Not done; clusters use it without a reason.
    pub const FAILURE: Self = Self(0x01);
    /// The sender may not do this.
    pub const NOT_AUTHORIZED: Self = Self(0x7E);
    /// The command can't be read.
    pub const MALFORMED_COMMAND: Self = Self(0x80);
    /// The cluster has no such command.
    pub const UNSUP_CLUSTER_COMMAND: Self = Self(0x81);
    /// There is no such general command.
    pub const UNSUP_GENERAL_COMMAND: Self = Self(0x82);
    /// The manufacturer's extension has no such cluster command.
    pub const UNSUP_MANUF_CLUSTER_COMMAND: Self = Self(0x83);
    /// A field holds what it can't.
    pub const INVALID_FIELD: Self = Self(0x85);
    /// There is no such attribute.
    pub const UNSUPPORTED_ATTRIBUTE: Self = Self(0x86);
    /// The value is out of range.
    pub const INVALID_VALUE: Self = Self(0x87);
    /// The attribute can't be written.
    pub const READ_ONLY: Self = Self(0x88);
    /// No room.
    pub const INSUFFICIENT_SPACE: Self = Self(0x89);
    /// What was asked for is not there.
    pub const NOT_FOUND: Self = Self(0x8B);
    /// The attribute can't be reported.
    pub const UNREPORTABLE_ATTRIBUTE: Self = Self(0x8C);
    /// The value has another type.
    pub const INVALID_DATA_TYPE: Self = Self(0x8D);
    /// Ended before it was done.
    pub const TIMEOUT: Self = Self(0x94);
    /// The device's own software or hardware failed.
    pub const SOFTWARE_FAILURE: Self = Self(0xC1);
    /// There is no such cluster.
    pub const UNSUPPORTED_CLUSTER: Self = Self(0xC3);

    /// Whether it was done.
    pub fn is_success(self) -> bool {
        self == Self::SUCCESS
    }

    /// Whether the command is about something that the device does not have, such as a user beyond its last.
    pub fn is_out_of_range(self) -> bool {
        matches!(self, Self::INVALID_FIELD | Self::INVALID_VALUE)
    }

    /// Whether the device does not know at all what it was asked for.
    pub fn is_unsupported(self) -> bool {
        const UNSUPPORTED: [Status; 5] = [
            Status::UNSUP_CLUSTER_COMMAND,
            Status::UNSUP_GENERAL_COMMAND,
            Status::UNSUP_MANUF_CLUSTER_COMMAND,
            Status::UNSUPPORTED_ATTRIBUTE,
            Status::UNSUPPORTED_CLUSTER,
        ];
        UNSUPPORTED.contains(&self)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}
