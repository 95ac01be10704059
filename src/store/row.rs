//! Columns in and out: ids, times and words, with errors that name table, column and row.

use std::cell::{Cell, RefCell};
use std::num::TryFromIntError;

use keyway_lock::{Charging, Evidence, ReadBack, Replace, SlotNumber, UnlockSource};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ToSql, types::FromSql};
use uuid::Uuid;

use super::StoreError;
use super::known::Texts;
use crate::model::id::every_id;
use crate::model::{Gone, ProblemKind, RadioKind, Role, Schedule, Timestamp, Window};

/// A row being read.
pub(super) struct Row<'a> {
    pub(super) table: &'static str,
    row: &'a rusqlite::Row<'a>,
    /// What the rows before have shown, and where in that the column is that was read last; behind it.
    places: &'a Places,
    asked: Cell<usize>,
}

/// Where the columns are that the rows of one question were asked for: of each row the same are asked for again.
#[derive(Default)]
pub(super) struct Places(RefCell<Vec<(&'static str, usize)>>);

impl<'a> Row<'a> {
    pub(super) fn new(table: &'static str, row: &'a rusqlite::Row<'a>, places: &'a Places) -> Self {
        Self { table, row, places, asked: Cell::new(0) }
    }

    pub(super) fn get<T: FromSql>(&self, column: &'static str) -> Result<T, StoreError> {
        let value = T::column_result(self.value(column)?);
        value.map_err(|error| self.unreadable(column, error.to_string()))
    }

    /// A text, as it is in the row.
    pub(super) fn text(&self, column: &'static str) -> Result<&str, StoreError> {
        self.value(column)?.as_str().map_err(|error| self.unreadable(column, error.to_string()))
    }

    pub(super) fn optional_text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        self.value(column)?.as_str_or_null().map_err(|error| self.unreadable(column, error.to_string()))
    }

    fn value(&self, column: &'static str) -> Result<ValueRef<'_>, StoreError> {
        let place = self.place(column).ok_or_else(|| self.unreadable(column, "is no column of this question"))?;
        self.row.get_ref(place).map_err(|error| self.unreadable(column, error.to_string()))
    }

    /// Where a column is.
    fn place(&self, column: &'static str) -> Option<usize> {
        let mut known = self.places.0.borrow_mut();
        let (asked, count) = (self.asked.get(), known.len());
        let is_it = |at: &usize| known.get(*at).is_some_and(|(name, _)| std::ptr::eq(*name, column));
        // Most rows are asked for the same in the same order.
        if let Some(at) = (asked..count).chain(0..asked).find(is_it) {
            self.asked.set(at + 1);
            return known.get(at).map(|(_, place)| *place);
        }
        let next = asked.checked_sub(1).and_then(|last| known.get(last)).map_or(0, |(_, last)| last + 1);
        let place = self.find(column, next)?;
        self.asked.set(count + 1);
        known.push((column, place));
        Some(place)
    }

    /// Most are asked for in their order, so it is looked for behind the last one first.
    fn find(&self, column: &str, next: usize) -> Option<usize> {
        let statement = self.row.as_ref();
        let is_it = |place: &usize| statement.column_name(*place).is_ok_and(|name| name == column);
        (next..statement.column_count()).chain(0..next).find(is_it)
    }

    /// A whole number in the range of `T`.
    pub(super) fn number<T: TryFrom<i64, Error = TryFromIntError>>(
        &self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        T::try_from(self.get::<i64>(column)?).map_err(|_| self.unreadable(column, "is out of range"))
    }

    pub(super) fn optional_number<T: TryFrom<i64, Error = TryFromIntError>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let number = self.get::<Option<i64>>(column)?.map(T::try_from).transpose();
        number.map_err(|_| self.unreadable(column, "is out of range"))
    }

    pub(super) fn slot(&self, column: &'static str) -> Result<SlotNumber, StoreError> {
        self.number(column).map(SlotNumber)
    }

    pub(super) fn id<T: From<Uuid>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.optional_id(column)?.ok_or_else(|| self.unreadable(column, "is missing"))
    }

    pub(super) fn optional_id<T: From<Uuid>>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => match Uuid::from_slice(bytes) {
                Ok(id) => Ok(Some(T::from(id))),
                Err(_) => Err(self.unreadable(column, "is not an id of 16 bytes")),
            },
            _ => Err(self.unreadable(column, "is not an id")),
        }
    }

    pub(super) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.optional_time(column)?.ok_or_else(|| self.unreadable(column, "is missing"))
    }

    pub(super) fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        let Some(micros) = self.get::<Option<i64>>(column)? else { return Ok(None) };
        match Timestamp::from_microsecond(micros) {
            Some(time) => Ok(Some(time)),
            None => Err(self.unreadable(column, "is not a time between the years -9999 and 9999")),
        }
    }

    /// From the columns `starts_at` and `ends_at`.
    pub(super) fn window(&self) -> Result<Window, StoreError> {
        Ok(Window { starts_at: self.time("starts_at")?, ends_at: self.optional_time("ends_at")? })
    }

    /// From the column `schedule`.
    pub(super) fn schedule(&self, known: &Texts<Schedule>) -> Result<Option<Schedule>, StoreError> {
        let parse = |text| known.get(text, |text| serde_json::from_str(text));
        let parsed = self.optional_text("schedule")?.map(parse).transpose();
        parsed.map_err(|error| self.unreadable("schedule", error.to_string()))
    }

    pub(super) fn word<T: Word>(&self, column: &'static str) -> Result<T, StoreError> {
        self.optional_word(column)?.ok_or_else(|| self.unreadable(column, "is missing"))
    }

    pub(super) fn optional_word<T: Word>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let Some(text) = self.optional_text(column)? else { return Ok(None) };
        match T::parse(text) {
            Some(word) => Ok(Some(word)),
            None => Err(self.unreadable(column, "is a word that this release does not know")),
        }
    }

    /// The error for a column of this row.
    pub(super) fn unreadable(&self, column: &'static str, reason: impl Into<String>) -> StoreError {
        StoreError::Unreadable { table: self.table, column, row: self.name(), reason: reason.into() }
    }

    /// The first column, as a person would write it.
    fn name(&self) -> String {
        match self.row.get_ref(0) {
            Ok(ValueRef::Integer(number)) => number.to_string(),
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            Ok(ValueRef::Blob(bytes)) => match Uuid::from_slice(bytes) {
                Ok(id) => id.to_string(),
                Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
            Ok(ValueRef::Null | ValueRef::Real(_)) | Err(_) => "?".to_owned(),
        }
    }
}

/// A type that is kept as one of a closed list of words.
pub(super) trait Word: Copy {
    fn word(self) -> &'static str;
    fn parse(text: &str) -> Option<Self>
    where
        Self: Sized;
}

macro_rules! words {
    ($($type:ty { $($variant:ident = $word:literal),+ $(,)? })+) => {$(
        impl Word for $type {
            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    )+};
}

/// A role's word is its name in requests.
impl Word for Role {
    fn word(self) -> &'static str {
        self.name()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

words! {
    RadioKind { Zwave = "zwave", Zigbee = "zigbee" }
    Evidence { ReadBack = "read_back", Supervised = "supervised", ProgrammingEvent = "programming_event" }
    UnlockSource {
        Keypad = "keypad",
        Manual = "manual",
        Remote = "remote",
        Automatic = "automatic",
        Unknown = "unknown",
    }
    Charging { Discharging = "discharging", Charging = "charging", Maintaining = "maintaining" }
    Replace { Soon = "soon", Now = "now" }
    Gone { Reset = "reset", TakenOut = "taken_out" }
    ReadBack { Unknown = "unknown", Shown = "shown", Masked = "masked" }
    ProblemKind {
        DelayInSetting = "delay_in_setting",
        FailedToSet = "failed_to_set",
        DelayInRemoving = "delay_in_removing",
        FailedToRemove = "failed_to_remove",
        WillNotWork = "will_not_work",
        ModifiedExternally = "modified_externally",
        RemovedExternally = "removed_externally",
    }
}

macro_rules! ids {
    ($($id:ident),+ $(,)?) => {$(
        impl ToSql for crate::model::$id {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_bytes())))
            }
        }
    )+};
}

every_id!(ids);

/// A schedule as it is kept.
pub(super) fn schedule_text(schedule: Option<&Schedule>) -> Option<String> {
    // A schedule is three texts: nothing in it can't be written.
    schedule.and_then(|schedule| serde_json::to_string(schedule).ok())
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_microsecond().into())
    }
}
