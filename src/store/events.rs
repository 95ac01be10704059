//! Events, written in the transaction of the change they tell of; also the outbox of every door (I8).

use rusqlite::types::ToSqlOutput;
use rusqlite::{ToSql, params, params_from_iter};
use serde_json::{Map, Value};

use super::row::Row;
use super::{StoreError, Unit};
use crate::model::{
    AccessCodeId, AccessGrantId, AccessMethodId, DeviceId, Event, EventId, EventSubject, EventType, Timestamp,
    UserIdentityId,
};

const TABLE: &str = "events";

/// Which events; `None` and an empty list do not narrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFilter {
    /// Not before. With it the first `limit` events are given, without it the last.
    pub since: Option<Timestamp>,
    /// Of one of these types.
    pub event_types: Vec<EventType>,
    /// About this device.
    pub device_id: Option<DeviceId>,
    /// About this code.
    pub access_code_id: Option<AccessCodeId>,
    /// About this grant.
    pub access_grant_id: Option<AccessGrantId>,
    /// About this method.
    pub access_method_id: Option<AccessMethodId>,
    /// About this person.
    pub user_identity_id: Option<UserIdentityId>,
    /// At most so many.
    pub limit: usize,
}

impl Default for EventFilter {
    fn default() -> Self {
        Self {
            since: None,
            event_types: Vec::new(),
            device_id: None,
            access_code_id: None,
            access_grant_id: None,
            access_method_id: None,
            user_identity_id: None,
            limit: usize::MAX,
        }
    }
}

impl Unit<'_> {
    /// Tells of something that this job does: it happened now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn emit(
        &mut self,
        event_type: EventType,
        subject: EventSubject,
        details: Map<String, Value>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO events (event_id, event_type, occurred_at, device_id, access_code_id, access_grant_id,
            access_method_id, user_identity_id, action_attempt_id, details, caller)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let id: EventId = self.id();
        let values = params![
            id,
            event_type.name(),
            self.now(),
            subject.device_id,
            subject.access_code_id,
            subject.access_grant_id,
            subject.access_method_id,
            subject.user_identity_id,
            subject.action_attempt_id,
            Value::Object(details).to_string(),
            self.caller(),
        ];
        self.execute(sql, values)?;
        self.changes.events = true;
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
        let mut sql = "SELECT * FROM events WHERE TRUE".to_owned();
        let mut values: Vec<ToSqlOutput<'_>> = Vec::new();
        let subjects: [(&str, Option<&dyn ToSql>); 6] = [
            ("device_id =", filter.device_id.as_ref().map(|id| id as _)),
            ("access_code_id =", filter.access_code_id.as_ref().map(|id| id as _)),
            ("access_grant_id =", filter.access_grant_id.as_ref().map(|id| id as _)),
            ("access_method_id =", filter.access_method_id.as_ref().map(|id| id as _)),
            ("user_identity_id =", filter.user_identity_id.as_ref().map(|id| id as _)),
            ("occurred_at >=", filter.since.as_ref().map(|time| time as _)),
        ];
        for (condition, value) in subjects {
            if let Some(value) = value {
                sql.push_str(&format!(" AND {condition} ?"));
                values.push(value.to_sql()?);
            }
        }
        if !filter.event_types.is_empty() {
            let marks = vec!["?"; filter.event_types.len()].join(", ");
            sql.push_str(&format!(" AND event_type IN ({marks})"));
            values.extend(filter.event_types.iter().map(|event_type| ToSqlOutput::from(event_type.name())));
        }
        let order = if filter.since.is_some() { "ASC" } else { "DESC" };
        sql.push_str(&format!(" ORDER BY occurred_at {order}, number {order} LIMIT ?"));
        values.push(i64::try_from(filter.limit).unwrap_or(i64::MAX).into());
        let mut events = self.readable(TABLE, &sql, params_from_iter(values), read)?;
        if filter.since.is_none() {
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

    /// How far a door has handed events on; 0 if it never has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cursor(&mut self, door: &str) -> Result<u64, StoreError> {
        let sql = "SELECT * FROM cursors WHERE door = ?1";
        let number: Option<i64> = self.one("cursors", sql, [door], |row| row.get("number"))?;
        Ok(number.unwrap_or(0).cast_unsigned())
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

fn read(row: &Row<'_>) -> Result<Event, StoreError> {
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
        },
        caller: row.get("caller")?,
        details: serde_json::from_str(&details).map_err(|_| row.unreadable("details", "is not a JSON object"))?,
    })
}
