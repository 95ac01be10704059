//! Time Parameters (0x8B), version 1 (Z-Wave Application Command Class Specification, "Time Parameters Command Class"): a
//! node's date and time, in UTC, to be set and read.

use keyway_lock::wire::Reader;
use keyway_lock::{Civil, WallTime};

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x8B;
/// Command id of the report.
pub const REPORT: u8 = 0x03;

const SET: u8 = 0x01;
const GET: u8 = 0x02;

/// The commands. A time is in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeParametersCommand {
    /// It is this time.
    Set(WallTime),
    /// What time is it?
    Get,
    /// This; `None`: one that no calendar and no clock shows.
    Report(Option<WallTime>),
}

impl TimeParametersCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Set(time) => [&[CLASS, SET][..], &fields(time)].concat(),
            Self::Get => vec![CLASS, GET],
            Self::Report(time) => [&[CLASS, REPORT][..], &time.map_or([0; 7], fields)].concat(),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        match command {
            SET => {
                let mut reader = Reader::new(parameters);
                let time = read(&mut reader)?.ok_or_else(|| reader.invalid("date and time", 0_u8))?;
                Ok(Self::Set(time))
            }
            GET => Ok(Self::Get),
            REPORT => Ok(Self::Report(read(&mut Reader::new(parameters))?)),
            _ => Err(CcError::unknown(payload)),
        }
    }
}

fn fields(time: WallTime) -> [u8; 7] {
    let Civil { year, month, day, hour, minute, second, .. } = time.civil();
    let [high, low] = year.to_be_bytes();
    [high, low, month, day, hour, minute, second]
}

fn read(reader: &mut Reader<'_>) -> Result<Option<WallTime>, CcError> {
    let civil = Civil {
        year: reader.u16_be("year")?,
        month: reader.u8("month")?,
        day: reader.u8("day")?,
        hour: reader.u8("hour")?,
        minute: reader.u8("minute")?,
        second: reader.u8("second")?,
        weekday: 0,
    };
    Ok(civil.instant())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_set_and_told_in_utc() {
        let time = WallTime::from_seconds(1_795_624_141);
        let set = TimeParametersCommand::Set(time);
        assert_eq!(set.encode(), [0x8B, 0x01, 0x07, 0xEA, 11, 25, 16, 29, 1]);
        assert_eq!(TimeParametersCommand::decode(&set.encode()), Ok(set));
        let report = TimeParametersCommand::Report(Some(time));
        assert_eq!(TimeParametersCommand::decode(&report.encode()), Ok(report));
    }

    #[test]
    fn a_lock_that_was_never_told_the_time_may_tell_none() {
        let report = TimeParametersCommand::decode(&[0x8B, 0x03, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(report, Ok(TimeParametersCommand::Report(None)));
        assert!(TimeParametersCommand::decode(&[0x8B, 0x01, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(TimeParametersCommand::decode(&[0x8B, 0x03, 0x07, 0xEA, 11]).is_err());
    }
}
