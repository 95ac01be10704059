//! Webhooks, and each one's place in the log of events. Their secrets are sealed.

use rusqlite::params;

use super::events;
use super::row::Row;
use super::vault::Place;
use super::{StoreError, Unit};
use crate::model::{Delivery, DeliveryFailure, Event, EventChoice, EventType, Webhook, WebhookId, WebhookSecret};

const TABLE: &str = "webhooks";
const SECRET: &str = "secret_sealed";
/// Events that a webhook does not want are noted as seen when there are this many of them: a write for each would wear
/// the disk out, and until then only a look at them is saved.
const NOTED_AFTER: u64 = 256;

/// What a webhook has before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ahead {
    /// Every event up to this number is delivered, given up or not wanted.
    pub seen: u64,
    /// The first behind it that is wanted, with its number.
    pub event: Option<(u64, Event)>,
}

impl Unit<'_> {
    /// By id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.one(TABLE, "SELECT * FROM webhooks WHERE webhook_id = ?1", [id], |row| self.read_webhook(row))
    }

    /// All, by id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError> {
        self.readable(TABLE, "SELECT * FROM webhooks ORDER BY webhook_id", [], |row| self.read_webhook(row))
    }

    /// A new one: it is told of what happens from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn insert_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        let (vault, id) = (self.vault, webhook.webhook_id);
        let place = Place { table: TABLE, column: SECRET, row: id.0.as_bytes() };
        let sealed = vault.seal(self.rng(), place, webhook.secret.expose())?;
        let sql = "INSERT INTO webhooks (webhook_id, url, event_types, secret_sealed, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![id, webhook.url, to_json(&webhook.events), sealed, webhook.created_at];
        self.execute(sql, values)?;
        let newest = self.newest_event()?;
        self.set_cursor(&door(id), newest)?;
        self.changes.webhooks = true;
        Ok(())
    }

    /// It wants other events from now on; what it wanted and has not got yet still comes, at once.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id.
    pub fn change_webhook(&mut self, webhook: &Webhook, events: &EventChoice) -> Result<(), StoreError> {
        let id = webhook.webhook_id;
        let seen = self.ahead_of_webhook(webhook, 0)?.seen;
        self.set_cursor(&door(id), seen)?;
        let sql = "UPDATE webhooks SET event_types = ?1, next_attempt_at = NULL WHERE webhook_id = ?2";
        self.change(TABLE, id, sql, params![to_json(events), id])?;
        self.changes.webhooks = true;
        Ok(())
    }

    /// Forgets one, with what it has not got.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_webhook(&mut self, id: WebhookId) -> Result<(), StoreError> {
        self.execute("DELETE FROM webhooks WHERE webhook_id = ?1", [id])?;
        self.execute("DELETE FROM cursors WHERE door = ?1", [door(id)])?;
        self.changes.webhooks = true;
        Ok(())
    }

    /// What is to be sent next. The caller has seen everything up to `seen`, whatever is noted here.
    ///
    /// # Errors
    /// [`StoreError`]; an event that can't be read is logged and left out.
    pub fn ahead_of_webhook(&mut self, webhook: &Webhook, seen: u64) -> Result<Ahead, StoreError> {
        let sql = "SELECT * FROM events WHERE number > ?1
            AND (?2 = '[]' OR event_type IN (SELECT value FROM json_each(?2))) ORDER BY number LIMIT 1";
        let (noted, wanted) = (self.cursor(&door(webhook.webhook_id))?, to_json(&webhook.events));
        let mut from = noted.max(seen);
        let event = loop {
            let next = self.one("events", sql, params![from.cast_signed(), wanted], |row| {
                Ok((row.get::<i64>("number")?.cast_unsigned(), events::read(row)))
            })?;
            match next {
                Some((number, Ok(event))) => break Some((number, event)),
                Some((number, Err(error))) => {
                    self.complaints.add(&error);
                    from = number;
                }
                None => break None,
            }
        };
        let seen = match &event {
            Some((number, _)) => number - 1,
            None => self.newest_event()?.max(from),
        };
        if seen >= noted + NOTED_AFTER {
            self.set_cursor(&door(webhook.webhook_id), seen)?;
        }
        Ok(Ahead { seen, event })
    }

    /// Every event up to this number is delivered or given up, and sending goes like this.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id.
    pub fn note_delivery(&mut self, id: WebhookId, delivery: &Delivery, up_to: u64) -> Result<(), StoreError> {
        let sql = "UPDATE webhooks SET failures = ?1, next_attempt_at = ?2, last_delivered_at = ?3,
            last_failed_at = ?4, last_failure = ?5, given_up = ?6 WHERE webhook_id = ?7";
        let failure = delivery.last_failure.as_ref();
        let values = params![
            delivery.failures,
            delivery.next_attempt_at,
            delivery.last_delivered_at,
            failure.map(|failure| failure.at),
            failure.map(|failure| &failure.reason),
            delivery.given_up.cast_signed(),
            id,
        ];
        self.change(TABLE, id, sql, values)?;
        self.set_cursor(&door(id), up_to)
    }

    fn read_webhook(&self, row: &Row<'_>) -> Result<Webhook, StoreError> {
        let webhook_id: WebhookId = row.id("webhook_id")?;
        let place = Place { table: TABLE, column: SECRET, row: webhook_id.0.as_bytes() };
        let sealed: Vec<u8> = row.get(SECRET)?;
        let secret = self.vault.open(place, &sealed).map_err(|what| row.unreadable(SECRET, what))?;
        let secret = secret.as_slice().try_into().map_err(|_| row.unreadable(SECRET, "has a wrong length"))?;
        let types: String = row.get("event_types")?;
        let failed_at = row.optional_time("last_failed_at")?;
        let reason: Option<String> = row.get("last_failure")?;
        Ok(Webhook {
            webhook_id,
            url: row.get("url")?,
            events: from_json(&types).ok_or_else(|| row.unreadable("event_types", "is not a list of event types"))?,
            secret: WebhookSecret::new(secret),
            created_at: row.time("created_at")?,
            delivery: Delivery {
                failures: row.number("failures")?,
                next_attempt_at: row.optional_time("next_attempt_at")?,
                last_delivered_at: row.optional_time("last_delivered_at")?,
                last_failure: failed_at.zip(reason).map(|(at, reason)| DeliveryFailure { at, reason }),
                given_up: row.number("given_up")?,
            },
        })
    }
}

/// A webhook's name among the doors that have a place in the log.
fn door(id: WebhookId) -> String {
    format!("webhook:{id}")
}

/// Names as a JSON list; an empty one: every event.
fn to_json(events: &EventChoice) -> String {
    let names: Vec<&str> = match events {
        EventChoice::All => Vec::new(),
        EventChoice::Only(types) => types.iter().map(|event_type| event_type.name()).collect(),
    };
    serde_json::json!(names).to_string()
}

fn from_json(text: &str) -> Option<EventChoice> {
    let names: Vec<String> = serde_json::from_str(text).ok()?;
    if names.is_empty() {
        return Some(EventChoice::All);
    }
    names.iter().map(|name| EventType::parse(name)).collect::<Option<_>>().map(EventChoice::Only)
}
