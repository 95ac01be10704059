//! From when until when, and how often.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{LocalTime, Trouble};

/// Times that come again and again, between a start and an end.
#[derive(clap::Args)]
pub(super) struct Recurring {
    /// Only at times that come again: when each begins, as five fields of cron with the names of weekdays, such as
    /// "0 9 * * MON-FRI".
    #[arg(long, value_name = "FIELDS", requires = "duration")]
    pub(super) cron: Option<String>,
    /// How long each of them lasts, such as 8h or PT90M.
    #[arg(long, value_name = "SPAN", requires = "cron")]
    duration: Option<String>,
    /// The time zone that --cron is meant in, such as Europe/Berlin. Without it: this machine's.
    #[arg(long, value_name = "ZONE", requires = "cron")]
    time_zone: Option<String>,
}

impl Recurring {
    /// The API's `schedule`; `None`: at all times.
    pub(super) fn schedule(&self, time: &LocalTime) -> Result<Option<Value>, Trouble> {
        let Some(cron) = &self.cron else { return Ok(None) };
        let zone = self.time_zone.as_deref().or_else(|| time.zone_name()).ok_or_else(|| {
            Trouble::usage(
                "--time-zone",
                "this machine does not tell the name of its zone: write one such as Europe/Berlin",
            )
        })?;
        Ok(Some(json!({"cron": cron, "duration": self.duration, "time_zone": zone})))
    }
}

/// The start, as the API takes it.
pub(super) fn start(from: Option<&str>, time: &LocalTime) -> Result<Option<Timestamp>, Trouble> {
    from.map(|from| time.read(from).map_err(|wrong| Trouble::usage("--from", wrong))).transpose()
}

/// The end, as the API takes it. A span is from now, which is not what it looks like beside a start.
pub(super) fn end(from: Option<&str>, to: Option<&str>, time: &LocalTime) -> Result<Option<Timestamp>, Trouble> {
    let Some(to) = to else { return Ok(None) };
    if from.is_some() && to.trim().starts_with('+') {
        let wrong = "could be counted from now or from --from: write the end itself, such as \"2026-12-03 11:00\"";
        return Err(Trouble::usage("--to", format!("\"{to}\" {wrong}")));
    }
    time.read(to).map(Some).map_err(|wrong| Trouble::usage("--to", wrong))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn a_span_as_the_end_is_refused_beside_a_start() {
        let time = LocalTime::new("2026-11-25T13:00:00Z".parse().unwrap(), TimeZone::UTC);
        assert_eq!(end(None, Some("+2h"), &time).unwrap().unwrap().to_string(), "2026-11-25T15:00:00Z");
        let error = end(Some("tomorrow 15:00"), Some("+2h"), &time).unwrap_err();
        assert!(error.to_string().contains("from now or from --from"), "{error}");
        assert!(end(Some("now"), Some("soon"), &time).unwrap_err().to_string().starts_with("--to: "));
    }
}
