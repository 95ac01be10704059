//! What a service does besides its work: tells systemd how it is, and keeps the house clean.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::clock::Clock;
use crate::hub::Hub;
use crate::store::{Store, Unit};

/// How often what is over for long is thrown away.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(3600);
/// How long PINs of grants that are over, old events and old requests are kept.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Tells systemd that the hub works.
pub(super) fn ready() {
    tell(NotifyState::Ready);
    tracing::info!("ready");
}

/// Tells systemd that the hub ends on purpose.
pub(super) fn stopping() {
    tell(NotifyState::Stopping);
}

/// Tells systemd's watchdog that the hub lives, after each round through the store and back, which needs the runtime,
/// the writer's thread and the disk. When one of them hangs, systemd starts the hub anew.
pub(super) async fn feed_watchdog(hub: Hub) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return pending().await };
    let mut tick = tokio::time::interval(limit / 3);
    loop {
        tick.tick().await;
        match hub.info().await {
            Ok(_) => tell(NotifyState::Watchdog),
            Err(error) => tracing::error!(%error, "the hub does not answer; the watchdog is not fed"),
        }
    }
}

/// Purges the store, first a while after the start, when the important things are done.
pub(super) async fn keep_house(store: Store, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(HOUSEKEEPING_EVERY).await;
        let now = clock.now();
        // By a wrong clock, everything may look old.
        if !now.trusted {
            continue;
        }
        let purged = store.run(now.utc, |unit: &mut Unit<'_>| unit.purge(RETENTION)).await;
        if let Err(error) = purged.and_then(|purged| purged) {
            tracing::error!(%error, "can't throw away what is old");
        }
    }
}

fn tell(state: NotifyState<'_>) {
    // Does nothing when systemd did not start us.
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd does not listen");
    }
}
