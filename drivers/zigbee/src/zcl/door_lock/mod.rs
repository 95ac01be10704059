//! Door Lock (0x0101), whole (ZCL 7.3).

pub mod attribute;
mod command;
mod event;
mod response;
mod schedule;

use std::fmt;

use keyway_lock::wire::Reader;
use keyway_lock::{Pin, SlotNumber};
use zeroize::Zeroizing;

pub use command::ToLock;
pub use event::{OperationCode, OperationEvent, ProgrammingCode, ProgrammingEvent, Source, alarm};
pub use response::{FromLock, LogRecord, SetCodeStatus};
pub use schedule::{Holiday, WeekDay, YearDay};

use super::ZclError;

/// Cluster id.
pub const CLUSTER: u16 = 0x0101;
/// The profile's device type of a door lock.
pub const DEVICE_TYPE: u16 = 0x000A;
/// A user that is none: nobody in particular, or all of them.
pub const NO_USER: u16 = 0xFFFF;

/// A PIN or the code of a tag as it goes over the air, in the lock's own characters. Wiped when dropped, never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Code(Zeroizing<Vec<u8>>);

impl Code {
    /// These characters; what is beyond 254 is cut off.
    pub fn new(characters: &[u8]) -> Self {
        Self(Zeroizing::new(characters.iter().copied().take(254).collect()))
    }

    /// The characters, for the lock and for comparing.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// It as a PIN. `None`: it is none, or one that is not shown (asterisks).
    pub fn pin(&self) -> Option<Pin> {
        Pin::new(std::str::from_utf8(&self.0).ok()?).ok()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.0.len()).unwrap_or(0));
        out.extend_from_slice(&self.0);
    }

    /// A string that says by its length (0xFF) that it has no value is empty.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        match reader.u8("length of the code")? {
            0xFF => Ok(Self::default()),
            length => Ok(Self::new(reader.bytes("code", length.into())?)),
        }
    }

    /// The same where the frame may have ended before.
    fn decode_if_there(reader: &mut Reader<'_>) -> Result<Option<Self>, ZclError> {
        if reader.left() == 0 { Ok(None) } else { Self::decode(reader).map(Some) }
    }
}

impl From<&Pin> for Code {
    fn from(pin: &Pin) -> Self {
        Self::new(pin.expose().as_bytes())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(redacted)")
    }
}

/// What there is in a user's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserStatus {
    /// Nothing.
    Available,
    /// A code that opens.
    Enabled,
    /// A code that does not open now.
    Disabled,
    /// The lock does not say, or can't have such a user.
    NotSupported,
    /// Something that nobody defined.
    Other(u8),
}

impl From<u8> for UserStatus {
    fn from(number: u8) -> Self {
        match number {
            0x00 => Self::Available,
            0x01 => Self::Enabled,
            0x03 => Self::Disabled,
            0xFF => Self::NotSupported,
            other => Self::Other(other),
        }
    }
}

impl From<UserStatus> for u8 {
    fn from(status: UserStatus) -> Self {
        match status {
            UserStatus::Available => 0x00,
            UserStatus::Enabled => 0x01,
            UserStatus::Disabled => 0x03,
            UserStatus::NotSupported => 0xFF,
            UserStatus::Other(other) => other,
        }
    }
}

/// When a user may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserType {
    /// Always.
    Unrestricted,
    /// Between two instants.
    YearDay,
    /// At certain hours of certain days of the week.
    WeekDay,
    /// Always, and may program the lock.
    Master,
    /// Never; the lock knows the code and tells that it was typed.
    NonAccess,
    /// The lock does not say.
    NotSupported,
    /// Something that nobody defined.
    Other(u8),
}

impl From<u8> for UserType {
    fn from(number: u8) -> Self {
        match number {
            0x00 => Self::Unrestricted,
            0x01 => Self::YearDay,
            0x02 => Self::WeekDay,
            0x03 => Self::Master,
            0x04 => Self::NonAccess,
            0xFF => Self::NotSupported,
            other => Self::Other(other),
        }
    }
}

impl From<UserType> for u8 {
    fn from(kind: UserType) -> Self {
        match kind {
            UserType::Unrestricted => 0x00,
            UserType::YearDay => 0x01,
            UserType::WeekDay => 0x02,
            UserType::Master => 0x03,
            UserType::NonAccess => 0x04,
            UserType::NotSupported => 0xFF,
            UserType::Other(other) => other,
        }
    }
}

/// A user's place and what is in it, as it is set and told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode {
    /// Whose.
    pub user: SlotNumber,
    /// What there is.
    pub status: UserStatus,
    /// When it opens.
    pub kind: UserType,
    /// The code, as far as the lock shows it.
    pub code: Code,
}

impl UserCode {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.user.0.to_le_bytes());
        out.extend([u8::from(self.status), u8::from(self.kind)]);
        self.code.encode(out);
    }

    /// Some locks leave the code away where there is none, and its type with it.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        let user = SlotNumber(reader.u16_le("user")?);
        let status = reader.u8("user status")?.into();
        let kind = if reader.left() == 0 { UserType::NotSupported } else { reader.u8("user type")?.into() };
        let code = Code::decode_if_there(reader)?.unwrap_or_default();
        Ok(Self { user, status, kind, code })
    }
}
