//! One webhook's events, from the log to its receiver: in order, one at a time, at least once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};

use super::Pauses;
use super::courier::{Courier, Parcel};
use super::retry::{self, LONGEST_PAUSE, Next};
use super::signature::sign;
use crate::hub::{Changes, Hub, NotDelivered, Outgoing, OutgoingEvent, StoreError};
use crate::model::WebhookId;

/// Pause after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// What carries the events of one webhook.
pub(super) struct Errand {
    pub(super) hub: Hub,
    pub(super) courier: Courier,
    pub(super) pauses: Arc<dyn Pauses>,
    pub(super) webhook: WebhookId,
    pub(super) changes: broadcast::Receiver<Arc<Changes>>,
    /// Every event up to this number is delivered, given up or not wanted.
    pub(super) seen: u64,
}

/// What to do next.
enum Then {
    /// Look again.
    GoOn,
    /// Look again when there may be something to send.
    AwaitEvents,
    /// Look again after a pause, or when the webhook was changed.
    Pause(Duration),
    /// It was deleted.
    End,
}

impl Errand {
    /// Until the webhook is deleted, or the store is closed.
    pub(super) async fn run(mut self) {
        loop {
            let then = self.step().await.unwrap_or_else(|error| {
                tracing::warn!(webhook = %self.webhook, %error, "events for a webhook are held back");
                Then::Pause(STORE_RETRY)
            });
            let goes_on = match then {
                Then::GoOn => true,
                Then::AwaitEvents => self.changed(|changes| changes.events || changes.webhooks).await,
                Then::Pause(pause) => tokio::select! {
                    () = self.pauses.pass(pause) => true,
                    changed = self.changed(|changes| changes.webhooks) => changed,
                },
                Then::End => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    async fn step(&mut self) -> Result<Then, StoreError> {
        let Some(outgoing) = self.hub.outgoing(self.webhook, self.seen).await? else { return Ok(Then::End) };
        self.seen = outgoing.seen;
        let Some(event) = &outgoing.event else { return Ok(Then::AwaitEvents) };
        let due = outgoing.webhook.delivery.next_attempt_at;
        let pause = due.map_or(Duration::ZERO, |due| outgoing.now.until(due));
        // Who waits for longer was told to by a clock that was wrong.
        if !pause.is_zero() && pause <= LONGEST_PAUSE {
            return Ok(Then::Pause(pause));
        }
        self.attempt(&outgoing, event).await
    }

    async fn attempt(&mut self, outgoing: &Outgoing, event: &OutgoingEvent) -> Result<Then, StoreError> {
        let (id, body) = (event.event_id.to_string(), event.json.to_string());
        let timestamp = outgoing.now.as_millisecond().div_euclid(1000);
        let signature = sign(&outgoing.webhook.secret, &id, timestamp, &body);
        let parcel = Parcel { url: outgoing.webhook.url.clone(), id, timestamp, signature, body };
        let failures = outgoing.webhook.delivery.failures;
        let Err(reason) = self.courier.post(parcel).await else {
            // Kept first: should the store fail now, the receiver is not sent it again while the hub runs.
            self.seen = event.number;
            if failures > 0 {
                tracing::info!(webhook = %self.webhook, "a webhook takes events again");
            }
            let known = self.hub.delivered(self.webhook, event.number).await?;
            return Ok(if known { Then::GoOn } else { Then::End });
        };
        let failures = failures.saturating_add(1);
        let next = retry::after_failure(failures, event.occurred_at.until(outgoing.now));
        if failures == 1 {
            tracing::warn!(webhook = %self.webhook, "a webhook did not take an event: {reason}; it is tried again");
        }
        let (pause, gives_up, tell) = match next {
            Next::TryAgain(pause) => (pause, false, false),
            Next::GiveUp { pause, first } => (pause, true, first),
        };
        if gives_up {
            let (webhook, event) = (self.webhook, event.event_id);
            tracing::warn!(%webhook, %event, "a webhook did not take an event, which is given up: {reason}");
        }
        let outcome = NotDelivered { number: event.number, reason: reason.to_string(), pause, gives_up, tell };
        let known = self.hub.not_delivered(self.webhook, outcome).await?;
        Ok(if known { Then::GoOn } else { Then::End })
    }

    /// Waits for a change that fits. False: there will be none any more.
    async fn changed(&mut self, fits: impl Fn(&Changes) -> bool) -> bool {
        loop {
            match self.changes.recv().await {
                Ok(changes) if !fits(&changes) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    }
}
