//! Recurring grants, as they are asked for and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::request::request;
use crate::model::{ApiError, Schedule, Timestamp, Window};

/// Windows shown ahead.
const SHOWN: usize = 5;

request! {
    /// When a recurring grant lets somebody in, by the clock on the wall of its time zone.
    pub(super) struct Recurrence {
        /// When each window opens: minute, hour, day of month, month, weekday by name, such as "0 9 * * MON-FRI".
        cron: String,
        /// How long it stays open, from a minute to a week: "8h", "1d 12h" or ISO 8601 ("PT8H").
        duration: String,
        /// An IANA time zone, such as "Europe/Berlin".
        time_zone: String,
    }
}

impl Recurrence {
    /// Checks it.
    ///
    /// # Errors
    /// What is wrong, as `schedule.<part>`.
    pub(super) fn read(self) -> Result<Schedule, ApiError> {
        Schedule::new(&self.cron, &self.duration, &self.time_zone)
            .map_err(|wrong| ApiError::invalid(&format!("schedule.{}", wrong.field), wrong.message))
    }
}

/// A recurring grant's times.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(super) struct ScheduleResource {
    cron: String,
    duration: String,
    time_zone: String,
    /// The window that is open, and the next ones.
    next_windows: Vec<WindowResource>,
}

/// When a door can be opened.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = AccessWindow)]
pub(super) struct WindowResource {
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
}

impl ScheduleResource {
    /// Of a grant or a code with this window, if it is recurring.
    pub(super) fn of(schedule: Option<&Schedule>, outer: &Window, now: Timestamp) -> Option<Self> {
        let schedule = schedule?;
        let shown = |Window { starts_at, ends_at }| WindowResource { starts_at, ends_at };
        Some(Self {
            cron: schedule.cron().to_owned(),
            duration: schedule.duration().to_owned(),
            time_zone: schedule.time_zone().to_owned(),
            next_windows: schedule.windows(outer, now).take(SHOWN).map(shown).collect(),
        })
    }
}
