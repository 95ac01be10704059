//! Events: from the outbox to the broker, in order and at least once, however long the broker was away.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{broadcast, watch};

use super::connection::{Link, Message, Publisher};
use super::topics::Topics;
use crate::hub::{Changes, Hub, LoggedEvent};

/// This door's cursor in the outbox.
const DOOR: &str = "mqtt";
/// Events under way at once.
const BATCH: usize = 64;
/// Pause after a failure before the same events are tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Hands on the events of the outbox.
pub(super) struct Events {
    pub(super) hub: Hub,
    pub(super) topics: Topics,
    pub(super) publisher: Publisher,
    pub(super) changes: broadcast::Receiver<Arc<Changes>>,
    pub(super) link: watch::Receiver<Link>,
}

impl Events {
    /// Works until the connection's or the store's end.
    pub(super) async fn run(mut self) {
        while self.link.wait_for(|link| link.is_ready()).await.is_ok() {
            match self.batch().await {
                Ok(0) => {
                    if !self.more().await {
                        return;
                    }
                }
                Ok(_) => {}
                Err(reason) => {
                    tracing::warn!("events are held back: {reason}");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Publishes the next events and waits for the broker to have them. Gives their number.
    async fn batch(&self) -> Result<usize, String> {
        let events = self.hub.events_for(DOOR, BATCH).await.map_err(|error| error.to_string())?;
        let mut under_way = Vec::with_capacity(events.len());
        for LoggedEvent { number, event, json, last_use } in events {
            let topic = self.topics.event(event.event_type);
            let message = Message { topic, payload: json.to_string().into_bytes(), ..Message::default() };
            under_way.push((number, self.publisher.publish(message).await.map_err(|error| error.to_string())?));
            if let (Some(last_use), Some(device)) = (last_use, event.subject.device_id) {
                let (topic, payload) = (self.topics.last_use(device), json!(last_use).to_string().into_bytes());
                let message = Message { topic, payload, retain: true, correlation: None };
                under_way.push((number, self.publisher.publish(message).await.map_err(|error| error.to_string())?));
            }
        }
        let count = under_way.len();
        let (mut delivered, mut outcome) = (None, Ok(count));
        for (number, pending) in under_way {
            if let Err(reason) = pending.delivered().await {
                outcome = Err(reason);
                break;
            }
            delivered = Some(number);
        }
        // What the broker has is not sent again, whatever became of the rest.
        if let Some(number) = delivered {
            self.hub.events_delivered(DOOR, number).await.map_err(|error| error.to_string())?;
        }
        outcome
    }

    /// Waits until the outbox may hold more. False: never again.
    async fn more(&mut self) -> bool {
        loop {
            match self.changes.recv().await {
                Ok(changes) if !changes.events => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return true,
                Err(broadcast::error::RecvError::Closed) => return false,
            }
        }
    }
}
