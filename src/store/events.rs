//! Events, written in the transaction of the change they tell of; also the outbox of every door (I8).

use rusqlite::{ToSql, params};
use serde_json::{Map, Value};

use super::query::Query;
use super::row::Row;
use super::{StoreError, Unit};
use crate::model::{
    AccessCodeId, AccessGrantId, AccessMethodId, DeviceId, Event, EventId, EventSubject, EventType, SpaceId, Timestamp,
    UserIdentityId,
};

const TABLE: &str = "events";

/// Which events; `None` and an empty list do not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Not before. With it, or with `after`, the first `limit` events are given, without them the last.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Told behind this one.
    pub after: Option<EventId>,
    /// Of one of these ids.
    pub event_ids: Vec<EventId>,
    /// Of one of these types.
    pub event_types: Vec<EventType>,
    /// About one of these devices.
    pub device_ids: Vec<DeviceId>,
    /// About one of these codes.
    pub access_code_ids: Vec<AccessCodeId>,
    /// About one of these grants.
    pub access_grant_ids: Vec<AccessGrantId>,
    /// About one of these methods.
    pub access_method_ids: Vec<AccessMethodId>,
    /// About this person.
    pub user_identity_id: Option<UserIdentityId>,
    /// About this space.
    pub space_id: Option<SpaceId>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl Unit<'_> {
    /// Tells of something that this job does: it happened now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn emit(
        &mut self,
        event_type: EventType,
        subject: impl Into<EventSubject>,
        details: Map<String, Value>,
    ) -> Result<(), StoreError> {
        self.emit_at(self.now(), event_type, subject, details)
    }

    /// Tells of something that was learned only now, and happened then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn emit_at(
        &mut self,
        occurred_at: Timestamp,
        event_type: EventType,
        subject: impl Into<EventSubject>,
        details: Map<String, Value>,
    ) -> Result<(), StoreError> {
        let subject = subject.into();
        let sql = "INSERT INTO events (event_id, event_type, occurred_at, device_id, access_code_id, access_grant_id,
            access_method_id, user_identity_id, action_attempt_id, space_id, caller, details)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let id: EventId = self.id();
        let values = params![
            id,
            event_type.name(),
            occurred_at,
            subject.device_id,
            subject.access_code_id,
            subject.access_grant_id,
            subject.access_method_id,
            subject.user_identity_id,
            subject.action_attempt_id,
            subject.space_id,
            self.caller(),
            Value::Object(details).to_string(),
        ];
        self.execute(sql, values)?;
        self.changes.events = true;
        *self.tally.events.entry(event_type).or_default() += 1;
        Ok(())
    }

    /// By id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn event(&mut self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.one(TABLE, "SELECT * FROM events WHERE event_id = ?1", [id], read)
    }

    /// Oldest first.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn events(&mut self, filter: &EventFilter) -> Result<Vec<Event>, StoreError> {
        let mut query = Query::new("SELECT * FROM events WHERE TRUE");
        query.and_if("occurred_at >= ?", filter.since.as_ref())?;
        query.and_if("occurred_at < ?", filter.until.as_ref())?;
        query.and_if("number > (SELECT number FROM events WHERE event_id = ?)", filter.after.as_ref())?;
        query.and_if("user_identity_id = ?", filter.user_identity_id.as_ref())?;
        query.and_if("space_id = ?", filter.space_id.as_ref())?;
        let event_types: Vec<&str> = filter.event_types.iter().map(|event_type| event_type.name()).collect();
        and_among(&mut query, "event_type", &event_types)?;
        and_among(&mut query, "event_id", &filter.event_ids)?;
        and_among(&mut query, "device_id", &filter.device_ids)?;
        and_among(&mut query, "access_code_id", &filter.access_code_ids)?;
        and_among(&mut query, "access_grant_id", &filter.access_grant_ids)?;
        and_among(&mut query, "access_method_id", &filter.access_method_ids)?;
        let forward = filter.since.is_some() || filter.after.is_some();
        // A page goes on in the order in which events were told, whatever a clock that was moved has made of times.
        query.end(
            match (filter.after, forward) {
                (Some(_), _) => "number ASC",
                (None, true) => "occurred_at ASC, number ASC",
                (None, false) => "occurred_at DESC, number DESC",
            },
            filter.limit,
        );
        let mut events = query.readable(self, TABLE, read)?;
        if !forward {
            events.reverse();
        }
        Ok(events)
    }

    /// Events behind a number, in the order in which they were written, each with its own number.
    ///
    /// # Errors
    /// As [`Unit::events`].
    pub fn outbox_after(&mut self, number: u64, limit: usize) -> Result<Vec<(u64, Event)>, StoreError> {
        let sql = "SELECT * FROM events WHERE number > ?1 ORDER BY number LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readable(TABLE, sql, params![number.cast_signed(), limit], |row| {
            Ok((row.get::<i64>("number")?.cast_unsigned(), read(row)?))
        })
    }

    /// The number of the newest event; 0 if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_event(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(number), 0) AS number FROM events";
        let number: Option<i64> = self.one(TABLE, sql, [], |row| row.get("number"))?;
        Ok(number.unwrap_or(0).cast_unsigned())
    }

    /// The number of an event; `None`: there is none of this id, or not any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn event_number(&mut self, id: EventId) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT * FROM events WHERE event_id = ?1";
        let number: Option<i64> = self.one(TABLE, sql, [id], |row| row.get("number"))?;
        Ok(number.map(i64::cast_unsigned))
    }

    /// The number behind which every event is that happened at `time` or later; a clock that was set back in between
    /// puts earlier ones there as well.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_event_before(&mut self, time: Timestamp) -> Result<u64, StoreError> {
        let sql = "SELECT min(number) AS number FROM events WHERE occurred_at >= ?1";
        let first: Option<i64> = self.one(TABLE, sql, [time], |row| row.get("number"))?.flatten();
        first.map_or_else(|| self.newest_event(), |first| Ok((first - 1).cast_unsigned()))
    }

    /// How far a door has handed events on; 0 if it never has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cursor(&mut self, door: &str) -> Result<u64, StoreError> {
        let sql = "SELECT * FROM cursors WHERE door = ?1";
        let number: Option<i64> = self.one("cursors", sql, [door], |row| row.get("number"))?;
        Ok(number.unwrap_or(0).cast_unsigned())
    }

    /// Events of a door that is no more are not kept for it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_cursor(&mut self, door: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM cursors WHERE door = ?1", [door])?;
        Ok(())
    }

    /// From now on each door is waited for anew: by the clock that was until now, nobody knows for how long it has been.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn wait_for_doors_anew(&mut self) -> Result<(), StoreError> {
        self.execute("UPDATE cursors SET moved_at = ?1", [self.now()])?;
        Ok(())
    }

    /// A door has handed everything up to this number on. It never goes back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_cursor(&mut self, door: &str, number: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO cursors (door, number, moved_at) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET number = ?2, moved_at = ?3 WHERE number < ?2";
        self.execute(sql, params![door, number.cast_signed(), self.now()])?;
        Ok(())
    }
}

/// One of these, unless there are none.
fn and_among<'a, T: ToSql>(query: &mut Query<'a>, column: &str, values: &'a [T]) -> Result<(), StoreError> {
    if values.is_empty() { Ok(()) } else { query.and_in(column, values) }
}

pub(super) fn read(row: &Row<'_>) -> Result<Event, StoreError> {
    let name: String = row.get("event_type")?;
    let unknown = || row.unreadable("event_type", "is a word that this release does not know");
    let details: String = row.get("details")?;
    Ok(Event {
        event_id: row.id("event_id")?,
        event_type: EventType::parse(&name).ok_or_else(unknown)?,
        occurred_at: row.time("occurred_at")?,
        subject: EventSubject {
            device_id: row.optional_id("device_id")?,
            access_code_id: row.optional_id("access_code_id")?,
            access_grant_id: row.optional_id("access_grant_id")?,
            access_method_id: row.optional_id("access_method_id")?,
            user_identity_id: row.optional_id("user_identity_id")?,
            action_attempt_id: row.optional_id("action_attempt_id")?,
            space_id: row.optional_id("space_id")?,
        },
        caller: row.get("caller")?,
        details: serde_json::from_str(&details).map_err(|_| row.unreadable("details", "is not a JSON object"))?,
    })
}
