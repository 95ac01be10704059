//! Times as people write and read them: in the local zone, and never guessed at.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp, ToSpan, ZonedDateTime};

/// What can be written for a time; shown in help and in errors.
pub(super) const WRITTEN: &str = "\"2026-12-01 15:00\", \"today 15:00\", \"tomorrow 15:00\", \"friday 15:00\", now, \
                                  +2h, +30m or +1d from now, or a time with its offset such as 2026-12-01T15:00:00+01:00";

/// A moment of reading and writing times: when it is, and in which zone people live.
#[derive(Clone)]
pub(super) struct LocalTime {
    now: ZonedDateTime,
}

impl LocalTime {
    pub(super) fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now: now.to_zoned_datetime(zone) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now.timestamp()
    }

    /// The zone's name in the time zone database, such as `Europe/Berlin`; `None` when the system does not tell it.
    pub(super) fn zone_name(&self) -> Option<&str> {
        self.now.time_zone().iana_name()
    }

    /// Reads a time. A text without an offset is meant in the local zone.
    ///
    /// # Errors
    /// A sentence saying what would be right: for what is no time, and for what could be two.
    pub(super) fn read(&self, text: &str) -> Result<Timestamp, String> {
        let text = text.trim();
        if let Some(span) = text.strip_prefix('+') {
            return self.after(span);
        }
        if text.eq_ignore_ascii_case("now") {
            return Ok(self.now());
        }
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Ok(moment);
        }
        // `2026-12-01T15:00` is written with a T as well; `tomorrow` begins with one.
        let dated = text.starts_with(|first: char| first.is_ascii_digit());
        let between = |c: char| c == ' ' || (dated && matches!(c, 'T' | 't'));
        let (day, time) = text.split_once(between).map_or((text, ""), |(day, time)| (day, time.trim()));
        if !time.is_empty() {
            let time = read_time(time).ok_or_else(|| not_a_time(text))?;
            return self.instant_of(self.day(day)?.to_datetime(time));
        }
        if read_time(day).is_some() {
            return Err(format!(
                "\"{text}\" could be today or tomorrow: write \"today {text}\" or \"tomorrow {text}\""
            ));
        }
        match self.day(day) {
            Ok(_) => Err(format!("\"{text}\" does not say at what time: write \"{text} 15:00\"")),
            Err(_) => Err(not_a_time(text)),
        }
    }

    /// The moment at which the clocks show this, if there is exactly one.
    fn instant_of(&self, shown: DateTime) -> Result<Timestamp, String> {
        let zone = self.now.time_zone();
        let of = zone.iana_name().unwrap_or("the local zone");
        match zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                offset.to_timestamp(shown).map_err(|_| "that is too far away to be counted".to_owned())
            }
            AmbiguousOffset::Gap { .. } => Err(format!(
                "there is no {} on {} in {of}: the clocks are put forward over it",
                shown.strftime("%H:%M"),
                shown.date()
            )),
            AmbiguousOffset::Fold { before, after } => Err(format!(
                "{0} comes twice on {1} in {of}, since the clocks are put back: write {1}T{0}:00{before} for the first or \
                 {1}T{0}:00{after} for the second",
                shown.strftime("%H:%M"),
                shown.date(),
            )),
        }
    }

    /// From now. Days and weeks are the calendar's (the same time of day), hours and less are exact.
    fn after(&self, span: &str) -> Result<Timestamp, String> {
        let wrong = || format!("\"+{span}\" is no span from now: write +2h, +30m, +1h30m or +1d");
        let unsigned = span.starts_with(|first: char| first.is_ascii_digit());
        let span: Span = span.parse().ok().filter(|_| unsigned).ok_or_else(wrong)?;
        let days = 0.days().years(span.get_years()).months(span.get_months());
        let days = days.weeks(span.get_weeks()).days(span.get_days());
        let rest = 0.hours().hours(span.get_hours()).minutes(span.get_minutes()).seconds(span.get_seconds());
        let day = if days.is_zero() {
            self.now()
        } else {
            self.instant_of(self.now.datetime().checked_add(days).map_err(|_| wrong())?)?
        };
        day.checked_add(rest).map_err(|_| wrong())
    }

    fn day(&self, text: &str) -> Result<Date, String> {
        let today = self.now.date();
        let tomorrow = || today.tomorrow().map_err(|_| not_a_time(text));
        match text.to_lowercase().as_str() {
            "today" => Ok(today),
            "tomorrow" => tomorrow(),
            "yesterday" => today.yesterday().map_err(|_| not_a_time(text)),
            word => match weekday(word) {
                // Today's own name could be today or in a week.
                Some(day) if day == today.weekday() => Err(format!(
                    "\"{text}\" could be today or in a week: write today, or the date ({today} or {})",
                    today.saturating_add(7.days())
                )),
                Some(day) => today.nth_weekday(1, day).map_err(|_| not_a_time(text)),
                None => read_date(text).ok_or_else(|| not_a_time(text)),
            },
        }
    }

    /// A moment for people to read: `Thu 2026-12-03 11:00 CET`.
    pub(super) fn long(&self, moment: Timestamp) -> String {
        let local = self.local(moment);
        let seconds = if local.second() == 0 { "" } else { ":%S" };
        local.strftime(&format!("%a %Y-%m-%d %H:%M{seconds} %Z")).to_string()
    }

    /// A moment in a table: `2026-12-03 11:00`.
    pub(super) fn short(&self, moment: Timestamp) -> String {
        self.local(moment).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// A moment in a log: `2026-12-03 11:00:09`.
    pub(super) fn exact(&self, moment: Timestamp) -> String {
        self.local(moment).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn local(&self, moment: Timestamp) -> ZonedDateTime {
        moment.to_zoned_datetime(self.now.time_zone().clone())
    }
}

fn not_a_time(text: &str) -> String {
    format!("\"{text}\" is not a time: write {WRITTEN}")
}

/// `2026-12-01`, year first, since `1/12` and `12/1` mean different days to different people.
fn read_date(text: &str) -> Option<Date> {
    let written_out = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|_| written_out)
}

/// `15:00`, `9:30` or `15:00:30`, by 24 hours.
fn read_time(text: &str) -> Option<Time> {
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |part: &&str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !(2..=3).contains(&parts.len()) || !parts.iter().all(digits) || parts[1..].iter().any(|part| part.len() != 2) {
        return None;
    }
    let number = |place: usize| parts.get(place).map_or(Some(0), |part| part.parse::<i8>().ok());
    Time::new(number(0)?, number(1)?, number(2)?, 0).ok()
}

/// A day of the week by its English name or the first three letters of it.
fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let fits = |name: &&str| *name == word || name[..3] == *word;
    let place = NAMES.iter().position(fits)?;
    Weekday::from_monday_zero_offset(i8::try_from(place).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central European time by its rule, so that the test needs no time zone database.
    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
    /// Lord Howe Island puts its clocks forward by half an hour.
    const LORD_HOWE: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";

    fn at(now: &str, zone: &str) -> LocalTime {
        LocalTime::new(now.parse().unwrap(), TimeZone::posix(zone).unwrap())
    }

    /// A Wednesday, 14:05 in Berlin.
    fn wednesday() -> LocalTime {
        at("2026-11-25T13:05:00Z", BERLIN)
    }

    fn read(text: &str) -> String {
        wednesday().read(text).map(|moment| moment.to_string()).unwrap()
    }

    #[test]
    fn times_without_an_offset_are_meant_in_the_local_zone() {
        assert_eq!(read("2026-12-01 11:00"), "2026-12-01T10:00:00Z");
        assert_eq!(read("2026-12-01T11:00:30"), "2026-12-01T10:00:30Z");
        assert_eq!(read("2026-07-01 9:30"), "2026-07-01T07:30:00Z");
        assert_eq!(read("today 15:00"), "2026-11-25T14:00:00Z");
        assert_eq!(read("Tomorrow 15:00"), "2026-11-26T14:00:00Z");
        assert_eq!(read("now"), "2026-11-25T13:05:00Z");
    }

    #[test]
    fn a_time_with_an_offset_is_taken_as_it_is() {
        assert_eq!(read("2026-12-01T11:00:00Z"), "2026-12-01T11:00:00Z");
        assert_eq!(read("2026-12-01T11:00:00-05:00"), "2026-12-01T16:00:00Z");
    }

    #[test]
    fn a_day_of_the_week_is_the_next_of_its_name() {
        assert_eq!(read("friday 15:00"), "2026-11-27T14:00:00Z");
        assert_eq!(read("tue 15:00"), "2026-12-01T14:00:00Z");
        let error = wednesday().read("wednesday 15:00").unwrap_err();
        assert!(error.contains("2026-11-25 or 2026-12-02"), "{error}");
    }

    #[test]
    fn a_span_counts_from_now_and_a_day_in_it_keeps_the_time_of_day() {
        assert_eq!(read("+2h"), "2026-11-25T15:05:00Z");
        assert_eq!(read("+1h30m"), "2026-11-25T14:35:00Z");
        // 14:05 in Berlin on Saturday and on Sunday, between which the clocks are put back.
        let saturday = at("2026-10-24T12:05:00Z", BERLIN);
        assert_eq!(saturday.read("+1d").unwrap().to_string(), "2026-10-25T13:05:00Z");
        assert_eq!(saturday.read("+24h").unwrap().to_string(), "2026-10-25T12:05:00Z");
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_refused() {
        let error = wednesday().read("2027-03-28 02:30").unwrap_err();
        assert!(error.starts_with("there is no 02:30 on 2027-03-28"), "{error}");
        assert_eq!(read("2027-03-28 03:00"), "2027-03-28T01:00:00Z");
        let error = at("2026-10-01T00:00:00Z", LORD_HOWE).read("2026-10-04 02:15").unwrap_err();
        assert!(error.starts_with("there is no 02:15"), "{error}");
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_is_refused_and_the_error_can_be_copied() {
        let error = wednesday().read("2027-10-31 02:30").unwrap_err();
        assert!(error.contains("2027-10-31T02:30:00+02"), "{error}");
        for (written, meant) in
            [("2027-10-31T02:30:00+02", "2027-10-31T00:30:00Z"), ("2027-10-31T02:30:00+01", "2027-10-31T01:30:00Z")]
        {
            assert_eq!(read(written), meant);
        }
    }

    #[test]
    fn what_could_be_two_times_or_is_none_is_refused_with_what_to_write() {
        for (text, hint) in [
            ("15:00", "\"tomorrow 15:00\""),
            ("2026-12-01", "\"2026-12-01 15:00\""),
            ("tomorrow", "at what time"),
            ("01/12/2026 15:00", "is not a time"),
            ("1.12.2026 15:00", "is not a time"),
            ("2026-12-01 24:00", "is not a time"),
            ("2026-02-30 11:00", "is not a time"),
            ("20261201 11:00", "is not a time"),
            ("tomorrow 3pm", "is not a time"),
            ("tomorrow 3", "is not a time"),
            ("+-2h", "is no span"),
            ("+soon", "is no span"),
            ("+9999999999h", "is no span"),
            ("", "is not a time"),
        ] {
            let error = wednesday().read(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn times_are_shown_in_the_local_zone_with_its_name() {
        let local = wednesday();
        let moment: Timestamp = "2026-12-03T10:00:00.500Z".parse().unwrap();
        assert_eq!(local.long(moment), "Thu 2026-12-03 11:00 CET");
        assert_eq!(local.short(moment), "2026-12-03 11:00");
        assert_eq!(local.exact("2026-07-01T10:00:07Z".parse().unwrap()), "2026-07-01 12:00:07");
    }
}
