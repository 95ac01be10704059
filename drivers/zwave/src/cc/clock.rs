//! Clock (0x81), version 1 (Z-Wave Application Command Class Specification, "Clock Command Class"): weekday, hour and
//! minute, in local time, which here is UTC as everywhere ([`crate::clock`]).

use keyway_lock::Civil;
use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x81;

const SET: u8 = 0x04;
const GET: u8 = 0x05;
const REPORT: u8 = 0x06;

/// A reading of a clock without a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// 1 (Monday) to 7 (Sunday); 0: not told.
    pub weekday: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

impl From<&Civil> for Reading {
    fn from(civil: &Civil) -> Self {
        Self { weekday: civil.weekday, hour: civil.hour, minute: civil.minute }
    }
}

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockCommand {
    /// It is this time.
    Set(Reading),
    /// What time is it?
    Get,
    /// This.
    Report(Reading),
}

impl ClockCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        let with = |command, Reading { weekday, hour, minute }| vec![CLASS, command, weekday << 5 | hour, minute];
        match *self {
            Self::Set(reading) => with(SET, reading),
            Self::Get => vec![CLASS, GET],
            Self::Report(reading) => with(REPORT, reading),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let reading = || {
            let mut reader = Reader::new(parameters);
            let first = reader.u8("weekday and hour")?;
            Ok::<_, CcError>(Reading { weekday: first >> 5, hour: first & 0x1F, minute: reader.u8("minute")? })
        };
        match command {
            SET => Ok(Self::Set(reading()?)),
            GET => Ok(Self::Get),
            REPORT => Ok(Self::Report(reading()?)),
            _ => Err(CcError::unknown(payload)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekday_and_hour_share_a_byte() {
        let set = ClockCommand::Set(Reading { weekday: 7, hour: 23, minute: 59 });
        assert_eq!(set.encode(), [0x81, 0x04, 0xF7, 59]);
        assert_eq!(ClockCommand::decode(&set.encode()), Ok(set));
        assert!(ClockCommand::decode(&[0x81, 0x06, 0xF7]).is_err());
    }
}
