//! Schedule Entry Lock (0x4E), versions 1 to 4 (Z-Wave Application Command Class Specification, "Schedule Entry Lock Command
//! Class"): when the codes of a lock open. Here as far as one window of a user is concerned (year day schedule), which is
//! there in every version; schedules by weekday and by day are not written, and one of a user's kinds of schedule is in
//! force at a time: that of the schedule which was set last.
//!
//! Users are those of User Code. Times are local, which here is UTC ([`crate::clock`]).

use keyway_lock::wire::Reader;
use keyway_lock::{Civil, Minute, SlotWindow};

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x4E;
/// Command id of the year day report.
pub const YEAR_DAY_REPORT: u8 = 0x08;
/// Command id of the time offset report.
pub const OFFSET_REPORT: u8 = 0x0C;

const ENABLE_SET: u8 = 0x01;
const YEAR_DAY_SET: u8 = 0x06;
const YEAR_DAY_GET: u8 = 0x07;
const SUPPORTED_GET: u8 = 0x09;
const SUPPORTED_REPORT: u8 = 0x0A;
const OFFSET_GET: u8 = 0x0B;
const OFFSET_SET: u8 = 0x0D;

const ERASE: u8 = 0;
const MODIFY: u8 = 1;
/// In a report: no such schedule.
const NONE: [u8; 10] = [0xFF; 10];
/// A year is told by its last two digits.
const CENTURY: u16 = 2000;

/// A year day schedule of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YearDay {
    /// Of which user: its identifier in User Code.
    pub user: u8,
    /// Which of the user's schedules, from 1.
    pub slot: u8,
    /// When the code opens; `None`: there is no such schedule.
    pub window: Option<SlotWindow>,
}

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleEntryLockCommand {
    /// From now on the user's schedules hold, or its code opens at any time.
    EnableSet {
        /// Which user.
        user: u8,
        /// Whether they hold.
        enabled: bool,
    },
    /// Write a schedule, after which it holds, or erase it.
    YearDaySet(YearDay),
    /// What is in this schedule?
    YearDayGet {
        /// Of which user.
        user: u8,
        /// Which of the user's schedules.
        slot: u8,
    },
    /// This.
    YearDayReport(YearDay),
    /// How many schedules has each user?
    SupportedGet,
    /// So many.
    SupportedReport {
        /// By weekday.
        week_day: u8,
        /// Windows.
        year_day: u8,
        /// By day, repeating; from version 3 on.
        daily_repeating: u8,
    },
    /// How far is your time from UTC? From version 2 on.
    OffsetGet,
    /// So far.
    OffsetReport(Offset),
    /// It is so far.
    OffsetSet(Offset),
}

/// How far local time is from UTC, in minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offset {
    /// Standard time.
    pub standard: i16,
    /// What daylight saving adds.
    pub daylight_saving: i16,
}

/// Whether the class can write this window down.
pub fn can_hold(window: &SlotWindow) -> bool {
    let [from, until] = [window.from, window.until].map(fields);
    window.from < window.until && from.is_some() && until.is_some()
}

impl ScheduleEntryLockCommand {
    /// The whole payload. A window that can't be written down ([`can_hold`]) is left out, as if there were none.
    pub fn encode(&self) -> Vec<u8> {
        let year_day = |YearDay { user, slot, window }: YearDay, head: &[u8]| {
            let fields = window.and_then(|window| Some([fields(window.from)?, fields(window.until)?].concat()));
            [&[CLASS][..], head, &[user, slot], &fields.unwrap_or_else(|| NONE.to_vec())].concat()
        };
        match *self {
            Self::EnableSet { user, enabled } => vec![CLASS, ENABLE_SET, user, enabled.into()],
            Self::YearDaySet(schedule) => {
                let action = if schedule.window.is_some() { MODIFY } else { ERASE };
                year_day(schedule, &[YEAR_DAY_SET, action])
            }
            Self::YearDayGet { user, slot } => vec![CLASS, YEAR_DAY_GET, user, slot],
            Self::YearDayReport(schedule) => year_day(schedule, &[YEAR_DAY_REPORT]),
            Self::SupportedGet => vec![CLASS, SUPPORTED_GET],
            Self::SupportedReport { week_day, year_day, daily_repeating } => {
                vec![CLASS, SUPPORTED_REPORT, week_day, year_day, daily_repeating]
            }
            Self::OffsetGet => vec![CLASS, OFFSET_GET],
            Self::OffsetReport(offset) => [&[CLASS, OFFSET_REPORT][..], &offset.fields()].concat(),
            Self::OffsetSet(offset) => [&[CLASS, OFFSET_SET][..], &offset.fields()].concat(),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        match command {
            ENABLE_SET => Ok(Self::EnableSet { user: reader.u8("user")?, enabled: reader.u8("enabled")? != 0 }),
            YEAR_DAY_SET => match reader.u8("set action")? {
                ERASE => Ok(Self::YearDaySet(YearDay {
                    user: reader.u8("user")?,
                    slot: reader.u8("schedule slot")?,
                    window: None,
                })),
                MODIFY => {
                    let schedule = year_day(&mut reader)?;
                    schedule.window.ok_or_else(|| reader.invalid("window", 0_u8))?;
                    Ok(Self::YearDaySet(schedule))
                }
                action => Err(reader.invalid("set action", action).into()),
            },
            YEAR_DAY_GET => Ok(Self::YearDayGet { user: reader.u8("user")?, slot: reader.u8("schedule slot")? }),
            YEAR_DAY_REPORT => Ok(Self::YearDayReport(year_day(&mut reader)?)),
            SUPPORTED_GET => Ok(Self::SupportedGet),
            SUPPORTED_REPORT => Ok(Self::SupportedReport {
                week_day: reader.u8("week day slots")?,
                year_day: reader.u8("year day slots")?,
                // Versions 1 and 2 end here.
                daily_repeating: reader.u8("daily repeating slots").unwrap_or(0),
            }),
            OFFSET_GET => Ok(Self::OffsetGet),
            OFFSET_REPORT => Ok(Self::OffsetReport(Offset::read(&mut reader)?)),
            OFFSET_SET => Ok(Self::OffsetSet(Offset::read(&mut reader)?)),
            _ => Err(CcError::unknown(payload)),
        }
    }
}

impl Offset {
    const NEGATIVE: u8 = 0x80;

    fn fields(self) -> [u8; 3] {
        let sign = |minutes: i16| if minutes < 0 { Self::NEGATIVE } else { 0 };
        let part = |value: u16| u8::try_from(value).unwrap_or(0);
        let (standard, daylight) = (self.standard.unsigned_abs(), self.daylight_saving.unsigned_abs());
        [
            sign(self.standard) | part(standard / 60),
            part(standard % 60),
            sign(self.daylight_saving) | part(daylight.min(0x7F)),
        ]
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let (hours, minutes) = (reader.u8("hours from UTC")?, reader.u8("minutes from UTC")?);
        let daylight = reader.u8("daylight saving")?;
        let signed = |first: u8, value: i16| if first & Self::NEGATIVE == 0 { value } else { -value };
        // What no clock has, as locks that were never told write it, is another offset than ours all the same: it is kept
        // as the nearest that can be written.
        let standard = i16::from(hours & !Self::NEGATIVE) * 60 + i16::from(minutes.min(59));
        Ok(Self {
            standard: signed(hours, standard),
            daylight_saving: signed(daylight, i16::from(daylight & !Self::NEGATIVE)),
        })
    }
}

/// Year, month, day, hour and minute; `None`: not of this century.
fn fields(minute: Minute) -> Option<[u8; 5]> {
    let Civil { year, month, day, hour, minute, .. } = minute.start().civil();
    let year = year.checked_sub(CENTURY).filter(|year| *year < 100)?;
    Some([u8::try_from(year).ok()?, month, day, hour, minute])
}

/// A schedule whose fields are no times is none.
fn year_day(reader: &mut Reader<'_>) -> Result<YearDay, CcError> {
    let (user, slot) = (reader.u8("user")?, reader.u8("schedule slot")?);
    let moment = |[year, month, day, hour, minute]: [u8; 5]| {
        let year = Some(u16::from(year)).filter(|year| *year < 100)? + CENTURY;
        let civil = Civil { year, month, day, hour, minute, second: 0, weekday: 0 };
        Some(Minute::of(civil.instant()?))
    };
    let (from, until) = (moment(reader.array("start")?), moment(reader.array("stop")?));
    Ok(YearDay { user, slot, window: from.zip(until).map(|(from, until)| SlotWindow { from, until }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> SlotWindow {
        let minute = |day, hour, minute| {
            Minute::of(Civil { year: 2026, month: 11, day, hour, minute, second: 0, weekday: 0 }.instant().unwrap())
        };
        SlotWindow { from: minute(25, 15, 0), until: minute(27, 11, 30) }
    }

    fn schedule(window: Option<SlotWindow>) -> YearDay {
        YearDay { user: 7, slot: 1, window }
    }

    #[test]
    fn a_window_is_written_read_and_erased() {
        let set = ScheduleEntryLockCommand::YearDaySet(schedule(Some(window())));
        assert_eq!(set.encode(), [0x4E, 0x06, 1, 7, 1, 26, 11, 25, 15, 0, 26, 11, 27, 11, 30]);
        assert_eq!(ScheduleEntryLockCommand::decode(&set.encode()), Ok(set));
        let report = ScheduleEntryLockCommand::YearDayReport(schedule(Some(window())));
        assert_eq!(report.encode(), [0x4E, 0x08, 7, 1, 26, 11, 25, 15, 0, 26, 11, 27, 11, 30]);
        assert_eq!(ScheduleEntryLockCommand::decode(&report.encode()), Ok(report));
        let erase = ScheduleEntryLockCommand::YearDaySet(schedule(None));
        assert_eq!(erase.encode()[..5], [0x4E, 0x06, 0, 7, 1]);
        assert_eq!(ScheduleEntryLockCommand::decode(&erase.encode()), Ok(erase));
    }

    #[test]
    fn a_schedule_that_is_not_there_has_no_window() {
        let report = |fields: &[u8]| ScheduleEntryLockCommand::decode(&[&[0x4E, 0x08, 7, 1][..], fields].concat());
        let none = Ok(ScheduleEntryLockCommand::YearDayReport(schedule(None)));
        assert_eq!(report(&[0xFF; 10]), none);
        assert_eq!(report(&[0; 10]), none, "the month 0");
        assert_eq!(report(&[26, 2, 30, 0, 0, 26, 3, 1, 0, 0]), none, "February has no such day");
        assert!(report(&[26, 2]).is_err());
    }

    #[test]
    fn a_window_of_another_century_can_not_be_held() {
        assert!(can_hold(&window()));
        assert!(!can_hold(&SlotWindow { until: Minute(70_000_000), ..window() }));
        assert!(!can_hold(&SlotWindow { until: window().from, ..window() }), "nor one without a minute");
        let set = ScheduleEntryLockCommand::decode(&[0x4E, 0x06, 1, 7, 1, 0xFF, 1, 1, 0, 0, 26, 1, 1, 0, 0]);
        assert!(set.is_err());
    }

    #[test]
    fn offsets_have_signs() {
        for (standard, daylight_saving, fields) in
            [(0, 0, [0, 0, 0]), (60, 60, [1, 0, 60]), (-210, -30, [0x83, 30, 0x9E]), (345, 0, [5, 45, 0])]
        {
            let report = ScheduleEntryLockCommand::OffsetReport(Offset { standard, daylight_saving });
            assert_eq!(report.encode()[2..], fields);
            assert_eq!(ScheduleEntryLockCommand::decode(&report.encode()), Ok(report));
        }
        let never_told = ScheduleEntryLockCommand::decode(&[0x4E, 0x0C, 0xFF, 0xFF, 0xFF]).unwrap();
        assert_eq!(
            ScheduleEntryLockCommand::decode(&never_told.encode()),
            Ok(never_told),
            "another than ours, and written as read"
        );
    }

    #[test]
    fn older_versions_tell_no_daily_schedules() {
        let report = ScheduleEntryLockCommand::decode(&[0x4E, 0x0A, 7, 1]);
        let told = ScheduleEntryLockCommand::SupportedReport { week_day: 7, year_day: 1, daily_repeating: 0 };
        assert_eq!(report, Ok(told));
    }
}
