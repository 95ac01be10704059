//! Moments in UTC and the spans between them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment in UTC, in whole microseconds; shown as RFC 3339 with milliseconds, as Seam does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// From microseconds since 1970-01-01T00:00:00Z; `None` outside the years -9999 to 9999.
    pub fn from_microsecond(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok().map(|_| Self(micros))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn as_microsecond(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn as_millisecond(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by `span`; stays at the end of time rather than overflowing.
    pub fn after(self, span: std::time::Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self::from_microsecond(self.0.saturating_add(micros)).unwrap_or(self)
    }

    /// Earlier by `span`; stays at the beginning of time rather than overflowing.
    pub fn before(self, span: std::time::Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self::from_microsecond(self.0.saturating_sub(micros)).unwrap_or(Self::UNIX_EPOCH)
    }

    /// From here to `later`; zero when that is not later.
    pub fn until(self, later: Self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Reads RFC 3339 with any offset and fraction; finer than a microsecond is cut off.
    ///
    /// # Errors
    /// A sentence saying what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let time: jiff::Timestamp = text
            .parse()
            .map_err(|_| "expected a time in RFC 3339 with an offset, such as 2025-07-13T15:00:00Z".to_owned())?;
        Ok(Self(time.as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// From a moment (inclusive) to another (exclusive), or for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First moment inside.
    pub starts_at: Timestamp,
    /// First moment outside; `None`: ongoing.
    pub ends_at: Option<Timestamp>,
}

impl Window {
    /// Whether `now` is inside.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.starts_at <= now && !self.is_over(now)
    }

    /// Whether `now` is past it.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// Whether a moment lies in both. Touching ends do not overlap.
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |a: &Self, b: &Self| a.ends_at.is_some_and(|end| end <= b.starts_at);
        !before(self, other) && !before(other, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc_with_milliseconds_whatever_the_offset_given() {
        let time = Timestamp::parse("2025-07-13T17:00:00.1234567+02:00").unwrap();
        assert_eq!(time.to_string(), "2025-07-13T15:00:00.123Z");
        assert_eq!(Timestamp::parse("2025-07-13T15:00:00Z").unwrap().to_string(), "2025-07-13T15:00:00.000Z");
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        assert!(Timestamp::parse("2025-07-13T15:00:00").is_err());
    }

    #[test]
    fn back_to_back_windows_do_not_overlap() {
        let at = |s| Timestamp::from_microsecond(s).unwrap();
        let first = Window { starts_at: at(0), ends_at: Some(at(10)) };
        let second = Window { starts_at: at(10), ends_at: None };
        assert!(!first.overlaps(&second) && !second.overlaps(&first));
        assert!(second.overlaps(&Window { starts_at: at(99), ends_at: None }));
        assert!(!first.contains(at(10)) && first.contains(at(0)));
    }
}
