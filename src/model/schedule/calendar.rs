//! Moments that come again and again: a cron expression by the clock on the wall of a time zone, as for recurring grants.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{WrongSchedule, civil, instant, parse_cron, parse_time_zone, reading, times_a_day};
use crate::model::Timestamp;

/// Looked at from a day ahead backwards: as many as may be in that day and the day before, where the clocks change.
const LOOKED_AT: usize = 2 * MOST_A_DAY;
/// Moments in a day, at most.
const MOST_A_DAY: usize = 24;

/// Moments by the clock on the wall. A time that the clocks skip is taken as much later as they skip, one that they show
/// twice is taken the first time.
#[derive(Clone, PartialEq, Eq)]
pub struct Calendar {
    cron: cron::Schedule,
    time_zone: TimeZone,
}

impl Calendar {
    /// Reads a calendar: `cron` has five fields, as [`super::Schedule::new`] has it; `time_zone` is a name of the IANA
    /// database, or else that of this machine.
    ///
    /// # Errors
    /// [`WrongSchedule`], naming the part.
    pub fn new(cron: &str, time_zone: Option<&str>) -> Result<Self, WrongSchedule> {
        let wrong = |field| move |message| WrongSchedule { field, message };
        let time_zone = match time_zone {
            Some(name) => parse_time_zone(name).map_err(wrong("time_zone"))?,
            None => TimeZone::system(),
        };
        let cron = parse_cron(cron).map_err(wrong("cron"))?;
        if times_a_day(&cron) > MOST_A_DAY {
            return Err(wrong("cron")(format!("is more than {MOST_A_DAY} times a day")));
        }
        Ok(Self { cron, time_zone })
    }

    /// The latest moment that is not behind `now`. `None`: none was.
    pub fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        let ahead = self.beside(now, 1)?;
        let mut moments = self.cron.after(&ahead);
        let back = std::iter::from_fn(|| moments.next_back()).take(LOOKED_AT);
        back.filter_map(|moment| self.instant(moment.timestamp())).filter(|at| *at <= now).max()
    }

    /// The next moment behind `now`. `None`: none comes.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let moments = self.cron.after(&self.beside(now, -1)?).take(LOOKED_AT);
        moments.filter_map(|moment| self.instant(moment.timestamp())).filter(|at| *at > now).min()
    }

    /// What the wall clock shows so many days away: clocks were never moved by more than one.
    fn beside(&self, now: Timestamp, days: i64) -> Option<chrono::DateTime<chrono::Utc>> {
        let here: DateTime = civil(&self.time_zone, now)?;
        reading(here.checked_add(days.days()).ok()?)
    }

    /// When the wall clock shows what UTC shows at this second.
    fn instant(&self, second: i64) -> Option<Timestamp> {
        let shown = TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(second).ok()?);
        instant(&self.time_zone, shown)
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calendar({}, {:?})", self.cron, self.time_zone.iana_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(cron: &str, zone: &str, now: &str) -> [String; 2] {
        let calendar = Calendar::new(cron, Some(zone)).unwrap();
        let now = Timestamp::parse(now).unwrap();
        [calendar.latest(now), calendar.next(now)].map(|at| at.map_or("never".to_owned(), |at| at.to_string()))
    }

    #[test]
    fn the_latest_and_the_next_are_by_the_clock_on_the_wall() {
        let weekly = |now| around("0 3 * * SUN", "Europe/Berlin", now);
        assert_eq!(weekly("2026-11-25T12:00:00Z"), ["2026-11-22T02:00:00.000Z", "2026-11-29T02:00:00.000Z"]);
        assert_eq!(weekly("2026-11-29T02:00:00Z"), ["2026-11-29T02:00:00.000Z", "2026-12-06T02:00:00.000Z"]);
        assert_eq!(weekly("2026-11-29T01:59:59Z"), ["2026-11-22T02:00:00.000Z", "2026-11-29T02:00:00.000Z"]);
        // In summer three o'clock is an hour earlier.
        assert_eq!(weekly("2027-06-23T12:00:00Z"), ["2027-06-20T01:00:00.000Z", "2027-06-27T01:00:00.000Z"]);
    }

    #[test]
    fn a_time_that_the_clocks_skip_comes_later_and_one_shown_twice_comes_once() {
        let nightly = |now| around("30 2 * * *", "Europe/Berlin", now);
        assert_eq!(nightly("2027-03-28T01:15:00Z"), ["2027-03-27T01:30:00.000Z", "2027-03-28T01:30:00.000Z"]);
        assert_eq!(nightly("2027-03-28T01:30:00Z"), ["2027-03-28T01:30:00.000Z", "2027-03-29T00:30:00.000Z"]);
        // 02:30 is shown at 00:30 and at 01:30 UTC.
        assert_eq!(nightly("2026-10-25T01:45:00Z"), ["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]);
    }

    #[test]
    fn rare_moments_are_found_and_impossible_ones_are_not() {
        assert_eq!(around("0 0 29 2 *", "UTC", "2027-01-01T00:00:00Z")[1], "2028-02-29T00:00:00.000Z");
        assert_eq!(around("0 0 30 2 *", "UTC", "2027-01-01T00:00:00Z"), ["never", "never"]);
        assert_eq!(Calendar::new("0 3 * * 7", None).unwrap_err().field, "cron");
        assert_eq!(Calendar::new("*/5 * * * *", None).unwrap_err().field, "cron");
        assert_eq!(Calendar::new("0 3 * * SUN", Some("Mars/Base")).unwrap_err().field, "time_zone");
    }
}
