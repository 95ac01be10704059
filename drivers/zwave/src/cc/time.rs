//! Time (0x8A), versions 1 and 2 (Z-Wave Application Command Class Specification, "Time Command Class"): local time and
//! date. Here only what a node asks its controller, and the answers: for the reasons in [`crate::clock`], the local time is
//! UTC.

use keyway_lock::Civil;
use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x8A;

const TIME_GET: u8 = 0x01;
const TIME_REPORT: u8 = 0x02;
const DATE_GET: u8 = 0x03;
const DATE_REPORT: u8 = 0x04;
const OFFSET_GET: u8 = 0x06;
const OFFSET_REPORT: u8 = 0x07;
/// In the hour of a Time Report: the clock of who reports has stood still.
const CLOCK_FAILED: u8 = 0x80;
const HOUR: u8 = 0x1F;

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeCommand {
    /// What time is it?
    TimeGet,
    /// This.
    TimeReport {
        /// The clock has stood still: the time is not to be believed.
        failed: bool,
        /// 0 to 23.
        hour: u8,
        /// 0 to 59.
        minute: u8,
        /// 0 to 59.
        second: u8,
    },
    /// What day is it?
    DateGet,
    /// This.
    DateReport {
        /// Such as 2026.
        year: u16,
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
    },
    /// How far is your time from UTC, and when does daylight saving change it? Version 2.
    OffsetGet,
    /// Not at all, and never.
    NoOffset,
}

impl TimeCommand {
    /// The time of day.
    pub fn time_of(civil: &Civil) -> Self {
        Self::TimeReport { failed: false, hour: civil.hour, minute: civil.minute, second: civil.second }
    }

    /// The date.
    pub fn date_of(civil: &Civil) -> Self {
        Self::DateReport { year: civil.year, month: civil.month, day: civil.day }
    }

    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::TimeGet => vec![CLASS, TIME_GET],
            Self::TimeReport { failed, hour, minute, second } => {
                let failed = if failed { CLOCK_FAILED } else { 0 };
                vec![CLASS, TIME_REPORT, hour | failed, minute, second]
            }
            Self::DateGet => vec![CLASS, DATE_GET],
            Self::DateReport { year, month, day } => {
                [&[CLASS, DATE_REPORT][..], &year.to_be_bytes(), &[month, day]].concat()
            }
            Self::OffsetGet => vec![CLASS, OFFSET_GET],
            // Hours and minutes from UTC, of daylight saving, and month, day and hour of its start and its end.
            Self::NoOffset => [&[CLASS, OFFSET_REPORT][..], &[0; 9]].concat(),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`]; also for an offset, which nobody has to tell us.
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        match command {
            TIME_GET => Ok(Self::TimeGet),
            TIME_REPORT => {
                let hour = reader.u8("hour")?;
                let (failed, hour) = (hour & CLOCK_FAILED != 0, hour & HOUR);
                Ok(Self::TimeReport { failed, hour, minute: reader.u8("minute")?, second: reader.u8("second")? })
            }
            DATE_GET => Ok(Self::DateGet),
            DATE_REPORT => Ok(Self::DateReport {
                year: reader.u16_be("year")?,
                month: reader.u8("month")?,
                day: reader.u8("day")?,
            }),
            OFFSET_GET => Ok(Self::OffsetGet),
            _ => Err(CcError::unknown(payload)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_date_are_told_as_they_are_read() {
        let civil = Civil { year: 2026, month: 11, day: 25, hour: 16, minute: 29, second: 1, weekday: 3 };
        let (time, date) = (TimeCommand::time_of(&civil), TimeCommand::date_of(&civil));
        assert_eq!(time.encode(), [0x8A, 0x02, 16, 29, 1]);
        assert_eq!(date.encode(), [0x8A, 0x04, 0x07, 0xEA, 11, 25]);
        assert_eq!(TimeCommand::decode(&time.encode()), Ok(time));
        assert_eq!(TimeCommand::decode(&date.encode()), Ok(date));
        let stopped = TimeCommand::decode(&[0x8A, 0x02, 0x90, 29, 1]);
        assert_eq!(stopped, Ok(TimeCommand::TimeReport { failed: true, hour: 16, minute: 29, second: 1 }));
        assert!(TimeCommand::decode(&[0x8A, 0x04, 0x07]).is_err());
    }
}
