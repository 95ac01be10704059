//! The wall clock, as drivers get to know it: some locks keep time, and have to be told.
//!
//! All of it is UTC. A driver is told what the wall clock shows at one [`Instant`] ([`crate::Radio::handle_wall_time`])
//! and reckons on from there by the monotonic clock, so nobody who moves the wall clock moves it unseen.

use std::time::{Duration, Instant};

const MICROS: i64 = 1_000_000;
const MINUTE: i64 = 60;
const DAY: i64 = 24 * 3600;

/// What the wall clock shows, UTC, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(pub i64);

impl WallTime {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// Of whole seconds since 1970-01-01T00:00:00Z.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS))
    }

    /// Later by `span`.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How far the two are apart, whichever is later.
    pub fn apart(self, other: Self) -> Duration {
        Duration::from_micros(self.0.abs_diff(other.0))
    }

    /// As a calendar and a clock show it; parts of a second are cut off.
    pub fn civil(self) -> Civil {
        let seconds = self.seconds();
        let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = date_of(days);
        let part = |value: i64| u8::try_from(value).unwrap_or(u8::MAX);
        Civil {
            year: u16::try_from(year).unwrap_or(0),
            month: part(month),
            day: part(day),
            hour: part(of_day / 3600),
            minute: part(of_day % 3600 / MINUTE),
            second: part(of_day % MINUTE),
            // 1970-01-01 was a Thursday.
            weekday: part((days + 3).rem_euclid(7) + 1),
        }
    }
}

/// A date and a time of day, UTC, in the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Year, such as 2026.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 1 (Monday) to 7 (Sunday), as ISO 8601 counts; follows from the date.
    pub weekday: u8,
}

impl Civil {
    /// The moment at which calendar and clock show this; `None` if they never do. The weekday is not looked at.
    pub fn instant(&self) -> Option<WallTime> {
        let in_day = self.hour < 24 && self.minute < 60 && self.second < 60;
        let days = days_of(self.year.into(), self.month.into(), self.day.into());
        let of_day = i64::from(self.hour) * 3600 + i64::from(self.minute) * MINUTE + i64::from(self.second);
        let exists = date_of(days) == (self.year.into(), self.month.into(), self.day.into());
        (in_day && exists).then(|| WallTime::from_seconds(days * DAY + of_day))
    }
}

/// A whole minute, counted since 1970-01-01T00:00:00Z: as finely as locks keep their schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(pub i64);

impl Minute {
    /// The one that this moment lies in.
    pub fn of(time: WallTime) -> Self {
        Self(time.seconds().div_euclid(MINUTE))
    }

    /// The first one that begins at this moment or behind it.
    pub fn from(time: WallTime) -> Self {
        let of = Self::of(time);
        if of.start() == time { of } else { Self(of.0.saturating_add(1)) }
    }

    /// When it begins.
    pub fn start(self) -> WallTime {
        WallTime::from_seconds(self.0.saturating_mul(MINUTE))
    }
}

/// The time in which a slot's code opens, as a lock keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotWindow {
    /// The first minute in it.
    pub from: Minute,
    /// The first minute behind it.
    pub until: Minute,
}

impl SlotWindow {
    /// Whether the code opens now.
    pub fn contains(&self, now: WallTime) -> bool {
        self.from.start() <= now && now < self.until.start()
    }
}

/// Days since 1970-01-01 as year, month and day. A year is counted from March, so that the day that is sometimes there is
/// its last.
fn date_of(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(ERA), shifted.rem_euclid(ERA));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

/// The reverse of [`date_of`].
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

/// The wall clock at any instant, once it was told at one.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock(Option<(Instant, WallTime)>);

impl WallClock {
    /// The wall clock shows this now.
    pub fn set(&mut self, now: Instant, utc: WallTime) {
        self.0 = Some((now, utc));
    }

    /// Whether it was told at all.
    pub fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// What it shows at `now`; `None` until it was told.
    pub fn at(&self, now: Instant) -> Option<WallTime> {
        let (at, utc) = self.0?;
        Some(utc.after(now.saturating_duration_since(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(text: &str) -> Civil {
        let part = |from: usize, to: usize| text[from..to].parse::<u16>().unwrap();
        let small = |from, to| u8::try_from(part(from, to)).unwrap();
        Civil {
            year: part(0, 4),
            month: small(5, 7),
            day: small(8, 10),
            hour: small(11, 13),
            minute: small(14, 16),
            second: small(17, 19),
            weekday: 0,
        }
    }

    #[test]
    fn moments_and_dates_are_two_ways_to_say_the_same() {
        // Seconds as `date -u +%s` has them; weekdays from its `%u`.
        for (text, seconds, weekday) in [
            ("1970-01-01T00:00:00", 0, 4),
            ("2000-02-29T23:59:59", 951_868_799, 2),
            ("2024-12-31T12:00:00", 1_735_646_400, 2),
            ("2026-11-25T16:29:01", 1_795_624_141, 3),
            ("2099-03-01T00:00:00", 4_076_006_400, 7),
        ] {
            let shown = WallTime::from_seconds(seconds).civil();
            assert_eq!(civil(text).instant(), Some(WallTime::from_seconds(seconds)), "{text}");
            assert_eq!(shown, Civil { weekday, ..civil(text) });
        }
    }

    #[test]
    fn every_day_of_two_centuries_is_found_again() {
        for days in 0..73_000 {
            let noon = WallTime::from_seconds(days * DAY + DAY / 2);
            assert_eq!(noon.civil().instant(), Some(noon));
        }
    }

    #[test]
    fn what_no_calendar_and_no_clock_shows_is_no_moment() {
        for text in ["2023-02-29T00:00:00", "2024-13-01T00:00:00", "2024-00-10T00:00:00", "2024-04-31T00:00:00"] {
            assert_eq!(civil(text).instant(), None, "{text}");
        }
        assert_eq!(civil("2024-04-30T24:00:00").instant(), None);
        assert_eq!(civil("2024-04-00T10:00:00").instant(), None);
    }

    #[test]
    fn a_window_of_minutes_begins_no_earlier_and_ends_no_later() {
        let at = |seconds| WallTime::from_seconds(seconds);
        assert_eq!(
            (Minute::of(at(119)), Minute::from(at(119)), Minute::from(at(120))),
            (Minute(1), Minute(2), Minute(2))
        );
        assert_eq!(Minute::from(WallTime(120_000_001)), Minute(3));
        let window = SlotWindow { from: Minute(2), until: Minute(4) };
        assert!(window.contains(at(120)) && window.contains(at(239)));
        assert!(!window.contains(at(119)) && !window.contains(at(240)));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn the_wall_clock_goes_on_by_the_monotonic_one() {
        let (start, mut clock) = (Instant::now(), WallClock::default());
        assert_eq!(clock.at(start), None);
        clock.set(start, WallTime::from_seconds(100));
        assert_eq!(clock.at(start + Duration::from_secs(50)), Some(WallTime::from_seconds(150)));
    }
}
