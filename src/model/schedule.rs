//! When a recurring grant lets somebody in: a cron expression, a duration and a time zone, inside the grant's window.
//!
//! Everything is meant by the clock on the wall of that time zone. Each moment that the expression names opens a
//! window, and the duration, added by the same wall clock, closes it: 22:00 with 8 hours ends at 06:00, also in the
//! night in which the clocks change. A time that the clocks skip is taken as much later as they skip (02:30 becomes
//! 03:30), one that they show twice is taken the first time. Windows that overlap or touch are one.

mod calendar;

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime as Reading, Utc};
use cron::TimeUnitSpec;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use super::{Timestamp, Window};
use crate::faults::{self, Fault};

pub use calendar::Calendar;

/// Occurrences in a day, at most.
const MOST_A_DAY: usize = 96;
/// The longest duration, in seconds: what lasts longer than a week needs no schedule.
const LONGEST: i64 = 7 * 24 * 3600;
/// The shortest: a lock needs some seconds for each change.
const SHORTEST: i64 = 60;
/// Occurrences that are told as one window, at most. Behind them the next one begins at the same moment.
const MOST_MERGED: usize = 100;

/// When a recurring grant lets somebody in. Cheap to clone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Words", into = "Words")]
pub struct Schedule(Arc<Parsed>);

struct Parsed {
    words: Words,
    cron: cron::Schedule,
    duration: Span,
    /// The duration in seconds, with days of 24 hours.
    seconds: u64,
    time_zone: TimeZone,
    /// What was found last: most questions are about nearly the same time.
    found: Mutex<Option<Openings>>,
}

/// The openings in a span of the wall clock, with one before and one behind it, and the windows that they open.
struct Openings {
    before: Option<Reading<Utc>>,
    /// In order.
    others: Vec<Reading<Utc>>,
    windows: Vec<Window>,
    last: Reading<Utc>,
}

impl Openings {
    /// Whether they are those of this span as well.
    fn are_of(&self, first: Reading<Utc>, last: Reading<Utc>) -> bool {
        let no_other_before = self.before.is_none_or(|before| before < first);
        let (within, behind) = self.others.split_at(self.others.partition_point(|opening| *opening <= self.last));
        let same_first = self.others.first().is_none_or(|opening| first <= *opening);
        let same_last = within.last().is_none_or(|opening| *opening <= last);
        no_other_before && same_first && same_last && behind.first().is_none_or(|opening| last < *opening)
    }
}

/// A schedule as it is written and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    cron: String,
    duration: String,
    time_zone: String,
}

/// What is wrong with a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct WrongSchedule {
    /// Which part: `cron`, `duration` or `time_zone`.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// `cron` has five fields: minute, hour, day of month, month and weekday, the last by names (`MON-FRI`).
    /// `duration` is ISO 8601 (`PT8H`) or words (`8h`, `1d 12h`), from a minute to a week. `time_zone` is a name of the
    /// IANA database (`Europe/Berlin`).
    ///
    /// # Errors
    /// [`WrongSchedule`], naming the part.
    pub fn new(cron: &str, duration: &str, time_zone: &str) -> Result<Self, WrongSchedule> {
        let wrong = |field| move |message| WrongSchedule { field, message };
        let words =
            Words { cron: cron.to_owned(), duration: duration.to_owned(), time_zone: time_zone.trim().to_owned() };
        let (duration, seconds) = parse_duration(duration).map_err(wrong("duration"))?;
        let cron = parse_cron(cron).map_err(wrong("cron"))?;
        if times_a_day(&cron) > MOST_A_DAY {
            let message = format!("opens more than {MOST_A_DAY} times a day: open less often, and for longer");
            return Err(wrong("cron")(message));
        }
        Ok(Self(Arc::new(Parsed {
            cron,
            duration,
            seconds,
            time_zone: parse_time_zone(&words.time_zone).map_err(wrong("time_zone"))?,
            words,
            found: Mutex::default(),
        })))
    }

    /// The expression as it was given.
    pub fn cron(&self) -> &str {
        &self.0.words.cron
    }

    /// The duration as it was given.
    pub fn duration(&self) -> &str {
        &self.0.words.duration
    }

    /// The time zone's name as it was given.
    pub fn time_zone(&self) -> &str {
        &self.0.words.time_zone
    }

    /// Whether `now` lies in an occurrence.
    pub fn contains(&self, outer: &Window, now: Timestamp) -> bool {
        self.around(outer, now).iter().any(|window| window.contains(now))
    }

    /// The occurrence that `now` lies in, or else the next one. `None`: none is left.
    pub fn occurrence(&self, outer: &Window, now: Timestamp) -> Option<Window> {
        self.around(outer, now).into_iter().find(|window| !window.is_over(now))
    }

    /// When the last occurrence before `now` ended. `None`: none has.
    pub fn last_end(&self, outer: &Window, now: Timestamp) -> Option<Timestamp> {
        self.around(outer, now).iter().filter(|window| window.is_over(now)).filter_map(|window| window.ends_at).max()
    }

    /// Occurrences from `now` on, beginning with the one that it lies in; each whole, cut to the outer window.
    pub fn windows(&self, outer: &Window, now: Timestamp) -> impl Iterator<Item = Window> + use<> {
        let (schedule, outer) = (self.clone(), *outer);
        let mut behind = now;
        std::iter::from_fn(move || {
            let mut window = schedule.occurrence(&outer, behind)?;
            for _ in 0..MOST_MERGED {
                let end = window.ends_at?;
                match schedule.occurrence(&outer, end) {
                    Some(next) if next.starts_at <= end && next.ends_at > Some(end) => window.ends_at = next.ends_at,
                    _ => break,
                }
            }
            window.starts_at = if behind > now { window.starts_at.max(behind) } else { window.starts_at };
            behind = window.ends_at?;
            Some(window)
        })
    }

    /// Every occurrence that may contain `now`, one before them and one behind them; in order, cut to the outer
    /// window, those that overlap or touch as one.
    fn around(&self, outer: &Window, now: Timestamp) -> Vec<Window> {
        let now = outer.ends_at.map_or(now, |end| now.min(end)).max(outer.starts_at);
        let Parsed { duration, time_zone, .. } = self.0.as_ref();
        let Some(here) = civil(time_zone, now) else { return Vec::new() };
        // Clocks were never moved by more than a day.
        let first = here.checked_sub(*duration).and_then(|at| at.checked_sub(1.day())).unwrap_or(DateTime::MIN);
        let last = here.checked_add(1.day()).unwrap_or(DateTime::MAX);
        let (Some(first), Some(last)) = (reading(first), reading(last)) else { return Vec::new() };
        let mut windows = self.opened(first, last);
        windows.retain_mut(|window| cut(window, outer));
        windows.sort_by_key(|window| (window.starts_at, window.ends_at));
        windows.dedup();
        merge(windows)
    }

    /// The windows that open from `first` to `last`, one before them and one behind them.
    fn opened(&self, first: Reading<Utc>, last: Reading<Utc>) -> Vec<Window> {
        let mut found = self.0.found.lock().unwrap_or_else(PoisonError::into_inner);
        let known = found.take().filter(|openings| openings.are_of(first, last));
        let openings = found.insert(known.unwrap_or_else(|| self.find(first, last)));
        openings.windows.clone()
    }

    fn find(&self, first: Reading<Utc>, last: Reading<Utc>) -> Openings {
        let cron = &self.0.cron;
        let before = cron.after(&first).next_back();
        // `after` gives what is behind a moment, and the moment itself may be one.
        let mut others: Vec<Reading<Utc>> = Some(first).filter(|first| cron.includes(*first)).into_iter().collect();
        for opening in cron.after(&first) {
            others.push(opening);
            if opening > last {
                break;
            }
        }
        let windows = before.iter().chain(&others).filter_map(|opening| self.window(*opening)).collect();
        Openings { before, others, windows, last }
    }

    /// The window that opens at this reading of the wall clock.
    fn window(&self, opening: Reading<Utc>) -> Option<Window> {
        let opens = jiff::Timestamp::from_second(opening.timestamp()).ok()?;
        let opens = TimeZone::UTC.to_datetime(opens);
        let closes = opens.checked_add(self.0.duration).ok()?;
        let time_zone = match &self.0.time_zone {
            _ if faults::is(Fault::TimeZoneIgnored) => TimeZone::UTC,
            own if faults::is(Fault::DaylightIgnored) => TimeZone::fixed(own.to_offset(jiff::Timestamp::UNIX_EPOCH)),
            own => own.clone(),
        };
        let starts_at = instant(&time_zone, opens)?;
        let ends_at = instant(&time_zone, closes)?;
        // One that opens in a skipped hour and closes right behind it would close before it opens: it has its length.
        let ends_at = if ends_at > starts_at { ends_at } else { starts_at.after(Duration::from_secs(self.0.seconds)) };
        Some(Window { starts_at, ends_at: Some(ends_at) })
    }
}

impl Window {
    /// The time that `now` lies in, or else the next one: all of it, or one of a schedule's. `None`: none is left.
    pub fn occurrence(&self, schedule: Option<&Schedule>, now: Timestamp) -> Option<Self> {
        match schedule {
            Some(schedule) => schedule.occurrence(self, now),
            None => Some(*self).filter(|window| !window.is_over(now)),
        }
    }
}

/// Cuts a window to the outer one; false: nothing is left of it.
fn cut(window: &mut Window, outer: &Window) -> bool {
    window.starts_at = window.starts_at.max(outer.starts_at);
    window.ends_at = match (window.ends_at, outer.ends_at) {
        (Some(own), Some(outer)) => Some(own.min(outer)),
        (own, outer) => own.or(outer),
    };
    !window.is_over(window.starts_at)
}

fn merge(sorted: Vec<Window>) -> Vec<Window> {
    let mut merged: Vec<Window> = Vec::with_capacity(sorted.len());
    for window in sorted {
        match merged.last_mut() {
            Some(last) if last.ends_at >= Some(window.starts_at) => last.ends_at = last.ends_at.max(window.ends_at),
            _ => merged.push(window),
        }
    }
    merged
}

/// What the wall clock shows.
fn civil(time_zone: &TimeZone, at: Timestamp) -> Option<DateTime> {
    Some(time_zone.to_datetime(jiff::Timestamp::from_microsecond(at.as_microsecond()).ok()?))
}

/// When the wall clock shows this, by the rule called "compatible".
fn instant(time_zone: &TimeZone, at: DateTime) -> Option<Timestamp> {
    Timestamp::from_microsecond(time_zone.to_timestamp(at).ok()?.as_microsecond())
}

/// A reading of the wall clock in the dress that the cron crate knows: as if it were UTC.
fn reading(at: DateTime) -> Option<Reading<Utc>> {
    Reading::from_timestamp(TimeZone::UTC.to_timestamp(at).ok()?.as_second(), 0)
}

fn parse_cron(text: &str) -> Result<cron::Schedule, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [_, _, day_of_month, _, weekday] = fields[..] else {
        let message = "expected five fields: minute, hour, day of month, month and weekday, such as 0 9 * * MON-FRI";
        return Err(message.to_owned());
    };
    if weekday.chars().any(|character| character.is_ascii_digit()) {
        let message = "name the weekdays, such as MON or MON-FRI or MON,WED: programs do not agree on their numbers";
        return Err(message.to_owned());
    }
    if ![day_of_month, weekday].iter().any(|field| ["*", "?"].contains(field)) {
        let message =
            "give days of the month or weekdays, and * for the other: programs do not agree on what both mean";
        return Err(message.to_owned());
    }
    let parsed = cron::Schedule::from_str(&format!("0 {}", fields.join(" ")));
    parsed.map_err(|_| "is no cron expression, such as 30 15 * * SAT,SUN".to_owned())
}

fn times_a_day(cron: &cron::Schedule) -> usize {
    cron.minutes().iter().count() * cron.hours().iter().count()
}

fn parse_duration(text: &str) -> Result<(Span, u64), String> {
    let example = "expected a duration such as PT8H, 8h or 1d 12h";
    let span: Span = text.trim().parse().map_err(|_| example.to_owned())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err("is too long: a week at most".to_owned());
    }
    if span.get_milliseconds() != 0 || span.get_microseconds() != 0 || span.get_nanoseconds() != 0 {
        return Err("has parts of a second".to_owned());
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let seconds = (days * 24 + i64::from(span.get_hours()))
        .saturating_mul(3600)
        .saturating_add(span.get_minutes().saturating_mul(60))
        .saturating_add(span.get_seconds());
    match seconds {
        ..SHORTEST => Err("is too short: a minute at least".to_owned()),
        SHORTEST..=LONGEST => Ok((span, seconds.unsigned_abs())),
        _ => Err("is too long: a week at most".to_owned()),
    }
}

fn parse_time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| "is not a time zone of this machine; give a name such as Europe/Berlin".to_owned())
}

impl From<Schedule> for Words {
    fn from(schedule: Schedule) -> Self {
        schedule.0.words.clone()
    }
}

impl TryFrom<Words> for Schedule {
    type Error = WrongSchedule;

    fn try_from(words: Words) -> Result<Self, WrongSchedule> {
        Self::new(&words.cron, &words.duration, &words.time_zone)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.0.words == other.0.words
    }
}

impl Eq for Schedule {}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.words.fmt(f)
    }
}

#[cfg(test)]
mod tests;
