//! The hub without the doors by which others come to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::drivers::AnyStick;
use super::ground::Ground;
use super::tasks::Tasks;
use super::{DaemonError, radios, service};
use crate::clock::Clock;
use crate::config::Config;
use crate::hub::Hub;
use crate::store::Store;

/// Radios, reconciler, operations and housekeeping over a store: all that the daemon does by itself, and what a
/// simulation runs. Dropped, it is cut off wherever it is, as by a power cut.
pub struct Works {
    hub: Hub,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tasks: Tasks,
    ending: watch::Sender<bool>,
}

impl Works {
    /// Starts all of it, for the sticks of the configuration, which are taken out of it. Nothing of it waits for a port.
    ///
    /// # Errors
    /// [`DaemonError`]: of the store, or no randomness.
    pub async fn start(config: &mut Config, store: &Store, ground: &Ground) -> Result<Self, DaemonError> {
        let (states, sticks) = watch::channel(BTreeMap::new());
        // Turned by us, so that all stop also when it was not the caller who wanted it.
        let (ending, ended) = watch::channel(false);
        let mut tasks = Tasks::new(ended);
        let zwave = std::mem::take(&mut config.zwave).into_iter().map(AnyStick::Zwave);
        let zigbee = std::mem::take(&mut config.zigbee).into_iter().map(AnyStick::Zigbee);
        let all = zwave.chain(zigbee).collect();
        let (networks, orders) = radios::start(&mut tasks, all, store, ground, states).await?;
        let clock = Arc::clone(&ground.clock);
        let hub = Hub::new(&config.hub_name, store.clone(), Arc::clone(&clock), sticks);
        let hub = hub.with_networks(networks).with_orders(orders);
        tasks.start_helper("the housekeeping", service::keep_house(store.clone(), Arc::clone(&clock)));
        Ok(Self { hub, clock, tasks, ending })
    }

    /// The operations.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Waits until one of its tasks ends, which none should: its name.
    pub async fn ended(&mut self) -> &'static str {
        self.tasks.next().await
    }

    /// Has all of it end in order.
    pub async fn stop(self) {
        self.ending.send_replace(true);
        self.tasks.end().await;
    }
}
