//! Webhooks: events to receivers over HTTP, each signed, in order and at least once. Every webhook has its own place in
//! the log of events and its own task, so that one whose receiver is slow or gone delays no other.
//!
//! A receiver gets `POST` with the event as JSON, as `events/get` shows it, and the headers `svix-id` (the event's id,
//! the same at every attempt), `svix-timestamp` and `svix-signature`, which the official `svix` and `seam` packages
//! verify. A status of 200 to 299 means that it has it. Anything else, and it is tried again (see `retry`).

mod courier;
mod errand;
mod retry;
mod signature;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use self::courier::Courier;
use self::errand::Errand;
use crate::hub::{Hub, StoreError};
use crate::model::WebhookId;

/// Pause before the webhooks are looked for again when that failed, or one's task did.
const RETRY: Duration = Duration::from_secs(5);

/// Hands events to the webhooks' receivers until `stop` turns true. What is under way then is sent again after the next
/// start, if it was not taken.
pub async fn serve(hub: Hub, stop: watch::Receiver<bool>) {
    serve_with(hub, Courier::new(), Arc::new(Timer), stop).await;
}

async fn serve_with(hub: Hub, courier: Courier, pauses: Arc<dyn Pauses>, mut stop: watch::Receiver<bool>) {
    let errands = Errands { hub, courier, pauses, tasks: JoinSet::new(), running: BTreeMap::new() };
    tokio::select! {
        () = errands.run() => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// How a pause passes: by a timer, or by a test's hand.
trait Pauses: Send + Sync {
    fn pass(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

struct Timer;

impl Pauses for Timer {
    fn pass(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(pause))
    }
}

/// The tasks, one a webhook. They end with it.
struct Errands {
    hub: Hub,
    courier: Courier,
    pauses: Arc<dyn Pauses>,
    tasks: JoinSet<()>,
    running: BTreeMap<WebhookId, AbortHandle>,
}

impl Errands {
    /// Until the store is closed.
    async fn run(mut self) {
        let mut changes = self.hub.changes();
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "can't look for webhooks");
                self.pauses.pass(RETRY).await;
                continue;
            }
            loop {
                tokio::select! {
                    changed = changes.recv() => match changed {
                        Ok(changes) if !changes.webhooks => {}
                        Ok(_) | Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => return,
                    },
                    Some(ended) = self.tasks.join_next() => if ended.is_err_and(|error| error.is_panic()) {
                        tracing::error!("the task of a webhook failed; it is started again");
                        self.pauses.pass(RETRY).await;
                        break;
                    },
                }
            }
        }
    }

    /// Starts what is new, ends what was deleted.
    async fn look(&mut self) -> Result<(), StoreError> {
        let known = self.hub.webhook_ids().await?;
        self.running.retain(|id, task| {
            let stays = known.contains(id) && !task.is_finished();
            if !stays {
                task.abort();
            }
            stays
        });
        for webhook in known {
            let Self { hub, courier, pauses, tasks, running } = &mut *self;
            running.entry(webhook).or_insert_with(|| {
                let (hub, courier, pauses) = (hub.clone(), courier.clone(), Arc::clone(pauses));
                let changes = hub.changes();
                tasks.spawn(Errand { hub, courier, pauses, webhook, changes, seen: 0 }.run())
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
