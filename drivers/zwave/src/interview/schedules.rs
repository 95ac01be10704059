//! Whether the lock keeps schedules for its codes.

use super::stage::{InterviewAsk, LEARNED, Stage};
use crate::cc::schedule_entry_lock::{self, ScheduleEntryLockCommand};

pub(super) const SCHEDULES: Stage = Stage {
    name: "schedules of its codes",
    ask: |record, _| {
        let able = record.supports(schedule_entry_lock::CLASS) && !record.speaks_credentials();
        if !able || record.year_day_slots.is_some() {
            return Vec::new();
        }
        let example =
            ScheduleEntryLockCommand::SupportedReport { week_day: 0, year_day: 0, daily_repeating: 0 }.encode();
        vec![InterviewAsk::kind_of_report(ScheduleEntryLockCommand::SupportedGet.encode(), &example)]
    },
    learn: |record, _, heard| match ScheduleEntryLockCommand::decode(heard.report()?).ok()? {
        ScheduleEntryLockCommand::SupportedReport { year_day, .. } => {
            record.year_day_slots = Some(year_day);
            LEARNED
        }
        _ => None,
    },
};
