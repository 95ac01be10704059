//! Locks that join a network and leave it.

use std::sync::Arc;

use keyway_lock::{LockId, RadioEvent};

use super::engine::Engine;
use super::worker::Seat;
use crate::clock::Now;

impl Engine {
    /// What a stick tells of its network.
    pub(super) async fn observe_network(&mut self, now: Now, stick: &Arc<str>, event: RadioEvent) {
        match event {
            RadioEvent::LockJoined(lock, name, classes) => {
                tracing::info!(%stick, %lock, ?classes, "a lock of this network was added here");
                self.name_lock(stick, lock, name);
            }
            RadioEvent::LockLeft(lock) => {
                tracing::info!(%stick, %lock, "a lock has left the network");
                self.left(now, stick, lock).await;
            }
            RadioEvent::Leftover(lock, reason) => {
                tracing::warn!(%stick, %lock, reason, "a device is in the network that nobody drives");
            }
            RadioEvent::Network(step) => tracing::info!(%stick, ?step, "the network changes"),
            RadioEvent::NetworkDone(_, result) => tracing::info!(%stick, ?result, "a network command has ended"),
            _ => {}
        }
    }

    /// Nobody sits there any more. What it held is as it was: only a person at the lock can take it out.
    async fn left(&mut self, now: Now, stick: &Arc<str>, lock: LockId) {
        self.lost(now, stick, lock).await;
        self.leave_seat(&Seat { stick: Arc::clone(stick), lock });
    }
}
