//! What those who carry events to webhooks ask the hub.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{EventResource, Hub, StoreError};
use crate::model::{DeliveryFailure, EventId, EventSubject, EventType, Timestamp, Webhook, WebhookId};
use crate::store::Unit;

/// A webhook, and what is to be sent to it next.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// To whom.
    pub webhook: Webhook,
    /// Every event up to this number is delivered, given up or not wanted.
    pub seen: u64,
    /// What; `None`: nothing for now.
    pub event: Option<OutgoingEvent>,
    /// The time by which it was looked up.
    pub now: Timestamp,
}

/// An event on its way out.
#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingEvent {
    /// Its place in the log.
    pub number: u64,
    /// Id.
    pub event_id: EventId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// As every door shows it.
    pub json: Value,
}

/// An attempt that failed, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDelivered {
    /// The event's place in the log.
    pub number: u64,
    /// Why, in plain words.
    pub reason: String,
    /// When the next attempt is made, from now.
    pub pause: Duration,
    /// The event is given up.
    pub gives_up: bool,
    /// That is told, as an event of its own.
    pub tell: bool,
}

impl Hub {
    /// The webhooks that there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhook_ids(&self) -> Result<Vec<WebhookId>, StoreError> {
        self.read(|unit| Ok(unit.webhooks()?.iter().map(|webhook| webhook.webhook_id).collect())).await
    }

    /// What a webhook is to be sent next, behind `seen`. `None`: there is no such webhook any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outgoing(&self, id: WebhookId, seen: u64) -> Result<Option<Outgoing>, StoreError> {
        self.read(move |unit| {
            let Some(webhook) = unit.webhook(id)? else { return Ok(None) };
            let ahead = unit.ahead_of_webhook(&webhook, seen)?;
            let workspace = unit.workspace_id()?;
            let event = ahead.event.map(|(number, event)| OutgoingEvent {
                number,
                event_id: event.event_id,
                occurred_at: event.occurred_at,
                json: json!(EventResource::new(&event, workspace)),
            });
            Ok(Some(Outgoing { webhook, seen: ahead.seen, event, now: unit.now() }))
        })
        .await
    }

    /// The event of this number was taken. False: there is no such webhook any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivered(&self, id: WebhookId, number: u64) -> Result<bool, StoreError> {
        self.read(move |unit| {
            let Some(mut webhook) = unit.webhook(id)? else { return Ok(false) };
            webhook.delivery.failures = 0;
            webhook.delivery.next_attempt_at = None;
            webhook.delivery.last_delivered_at = Some(unit.now());
            unit.note_delivery(id, &webhook.delivery, number)?;
            Ok(true)
        })
        .await
    }

    /// An attempt failed. False: there is no such webhook any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn not_delivered(&self, id: WebhookId, outcome: NotDelivered) -> Result<bool, StoreError> {
        self.read(move |unit| {
            let Some(mut webhook) = unit.webhook(id)? else { return Ok(false) };
            let now = unit.now();
            webhook.delivery.failures = webhook.delivery.failures.saturating_add(1);
            webhook.delivery.next_attempt_at = Some(now.after(outcome.pause));
            webhook.delivery.given_up += u64::from(outcome.gives_up);
            webhook.delivery.last_failure = Some(DeliveryFailure { at: now, reason: outcome.reason.clone() });
            let done = if outcome.gives_up { outcome.number } else { outcome.number.saturating_sub(1) };
            unit.note_delivery(id, &webhook.delivery, done)?;
            if outcome.tell {
                tell(unit, id, &outcome.reason)?;
            }
            Ok(true)
        })
        .await
    }
}

fn tell(unit: &mut Unit<'_>, id: WebhookId, reason: &str) -> Result<(), StoreError> {
    let details = json!({"webhook_id": id, "error_message": reason});
    let details = details.as_object().cloned().unwrap_or_else(Map::new);
    unit.emit(EventType::WebhookGivenUp, EventSubject::default(), details)
}
