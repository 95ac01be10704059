//! What happened at the lock: the bolt was moved, a code was changed (ZCL 7.3.2.17.27 and 7.3.2.17.28), something is
//! wrong (7.3.2.14.1).

use keyway_lock::wire::Reader;

use super::{Code, UserStatus, UserType};
use crate::zcl::ZclError;

/// Alarm codes of this cluster, as the Alarms cluster tells them.
pub mod alarm {
    /// The bolt is jammed.
    pub const JAMMED: u8 = 0x00;
    /// The lock was set back to what it was in the factory.
    pub const RESET: u8 = 0x01;
    /// The radio has power again.
    pub const POWER_CYCLED: u8 = 0x03;
    /// Too many wrong codes.
    pub const WRONG_CODES: u8 = 0x04;
    /// Somebody took the cover off.
    pub const COVER_REMOVED: u8 = 0x05;
    /// The door was forced open while it was locked.
    pub const FORCED_OPEN: u8 = 0x06;
}

/// By what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The keypad.
    Keypad,
    /// Radio.
    Radio,
    /// Thumb-turn, key or button.
    Manual,
    /// A tag.
    Rfid,
    /// The lock does not say, or says something that nobody defined.
    Other(u8),
}

impl From<u8> for Source {
    fn from(number: u8) -> Self {
        match number {
            0x00 => Self::Keypad,
            0x01 => Self::Radio,
            0x02 => Self::Manual,
            0x03 => Self::Rfid,
            other => Self::Other(other),
        }
    }
}

impl From<Source> for u8 {
    fn from(source: Source) -> Self {
        match source {
            Source::Keypad => 0x00,
            Source::Radio => 0x01,
            Source::Manual => 0x02,
            Source::Rfid => 0x03,
            Source::Other(other) => other,
        }
    }
}

macro_rules! codes {
    ($(#[$about:meta])* $name:ident { $($(#[$says:meta])* $code:ident = $number:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$says])* $code,)*
            /// Something that the maker or nobody defined.
            Other(u8),
        }

        impl From<u8> for $name {
            fn from(number: u8) -> Self {
                match number {
                    $($number => Self::$code,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<$name> for u8 {
            fn from(code: $name) -> Self {
                match code {
                    $($name::$code => $number,)*
                    $name::Other(other) => other,
                }
            }
        }
    };
}

codes! {
    /// What was done with the bolt.
    OperationCode {
        /// It was thrown.
        Lock = 0x01,
        /// It was drawn back.
        Unlock = 0x02,
        /// It was not thrown: the code was wrong.
        LockFailureInvalidCode = 0x03,
        /// It was not thrown: the code does not count now.
        LockFailureInvalidSchedule = 0x04,
        /// It was not drawn back: the code was wrong.
        UnlockFailureInvalidCode = 0x05,
        /// It was not drawn back: the code does not count now.
        UnlockFailureInvalidSchedule = 0x06,
        /// It was thrown by one touch of the keypad.
        OneTouchLock = 0x07,
        /// It was thrown with a key.
        KeyLock = 0x08,
        /// It was drawn back with a key.
        KeyUnlock = 0x09,
        /// The lock threw it by itself.
        AutoLock = 0x0A,
        /// The same, at its hour.
        ScheduleLock = 0x0B,
        /// The lock drew it back at its hour.
        ScheduleUnlock = 0x0C,
        /// It was thrown by hand.
        ManualLock = 0x0D,
        /// It was drawn back by hand.
        ManualUnlock = 0x0E,
        /// A user that may not come in typed his code.
        NonAccessUser = 0x0F,
    }
}

codes! {
    /// What was done with a code.
    ProgrammingCode {
        /// The master's was changed.
        MasterCodeChanged = 0x01,
        /// One came.
        PinAdded = 0x02,
        /// One went; without a user: all did.
        PinDeleted = 0x03,
        /// One was changed.
        PinChanged = 0x04,
        /// A tag came.
        RfidAdded = 0x05,
        /// A tag went.
        RfidDeleted = 0x06,
    }
}

/// The bolt was moved, or somebody tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationEvent {
    /// By what.
    pub source: Source,
    /// What.
    pub code: OperationCode,
    /// Who, as the lock counts; [`super::NO_USER`]: nobody in particular.
    pub user: u16,
    /// With which PIN, where the lock shows it.
    pub pin: Code,
    /// Seconds since the year 2000 began, local; [`u32::MAX`]: not known.
    pub at: u32,
}

impl OperationEvent {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend([u8::from(self.source), u8::from(self.code)]);
        out.extend(self.user.to_le_bytes());
        self.pin.encode(out);
        out.extend(self.at.to_le_bytes());
        // No data.
        out.push(0);
    }

    /// What stands behind the user differs between locks, and is of no importance.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        let (source, code) = (reader.u8("event source")?.into(), reader.u8("event")?.into());
        let user = reader.u16_le("user")?;
        let pin = Code::decode(reader).unwrap_or_default();
        Ok(Self { source, code, user, pin, at: at(reader) })
    }
}

/// Somebody changed a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgrammingEvent {
    /// By what.
    pub source: Source,
    /// What.
    pub code: ProgrammingCode,
    /// Whose, as the lock counts; [`super::NO_USER`]: nobody's in particular, or everybody's.
    pub user: u16,
    /// The PIN, where the lock shows it.
    pub pin: Code,
    /// The user's type.
    pub kind: UserType,
    /// What there is in the user's place now.
    pub status: UserStatus,
    /// Seconds since the year 2000 began, local; [`u32::MAX`]: not known.
    pub at: u32,
}

impl ProgrammingEvent {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend([u8::from(self.source), u8::from(self.code)]);
        out.extend(self.user.to_le_bytes());
        self.pin.encode(out);
        out.extend([u8::from(self.kind), u8::from(self.status)]);
        out.extend(self.at.to_le_bytes());
        out.push(0);
    }

    /// What stands behind the user differs between locks, and is of no importance.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        let (source, code) = (reader.u8("event source")?.into(), reader.u8("event")?.into());
        let user = reader.u16_le("user")?;
        let pin = Code::decode(reader).unwrap_or_default();
        let kind = reader.u8("user type").unwrap_or(0xFF).into();
        let status = reader.u8("user status").unwrap_or(0xFF).into();
        Ok(Self { source, code, user, pin, kind, status, at: at(reader) })
    }
}

fn at(reader: &mut Reader<'_>) -> u32 {
    reader.array("local time").map_or(u32::MAX, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::FromLock;
    use super::*;

    #[test]
    fn a_door_that_was_opened_at_the_keypad_is_told_with_its_user() {
        let told = FromLock::decode(0x20, &[0, 2, 3, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0]).unwrap();
        let event = OperationEvent {
            source: Source::Keypad,
            code: OperationCode::Unlock,
            user: 3,
            pin: Code::default(),
            at: u32::MAX,
        };
        assert_eq!(told, FromLock::Operation(event));
        let frame = told.frame(9);
        assert_eq!(frame.encode(), [0x09, 9, 0x20, 0, 2, 3, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0]);
        assert!(FromLock::decode(0x20, &[0, 2, 3, 0]).is_ok() && FromLock::decode(0x20, &[0, 2, 3]).is_err());
    }

    #[test]
    fn a_pin_that_was_added_by_radio_is_told_as_id_lock_does() {
        // As seen of an ID Lock 150 (deconz-rest-plugin issue 3750).
        let bytes = b"\x01\x02\x03\x00\x041234\x00\x01\xFF\xFF\xFF\xFF\x041234";
        let Ok(FromLock::Programming(event)) = FromLock::decode(0x21, bytes) else {
            panic!("it is a programming event")
        };
        assert_eq!((event.source, event.code, event.user), (Source::Radio, ProgrammingCode::PinAdded, 3));
        assert_eq!((event.pin.expose(), event.status), (&b"1234"[..], UserStatus::Enabled));
    }
}
