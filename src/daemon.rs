//! Builds clock, store, radios, reconciler, hub and doors; starts them, watches over them, and stops them in order. The
//! only module that knows all the others.

mod chronicle;
mod drivers;
mod orders;
mod radios;
mod service;

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use self::drivers::AnyStick;
use crate::clock::{self, Clock, SystemClock, watch_over};
use crate::config::Config;
use crate::config::credentials::{self, KeyError};
use crate::homeassistant::HomeAssistant;
use crate::hub::{BrokerState, Hub};
use crate::mqtt::Companion;
use crate::store::{Store, StoreError};
use crate::{http, mqtt, webhooks};

/// The tasks get this long to end by themselves …
const TASKS_STOP_WITHIN: Duration = Duration::from_millis(1300);
/// … and the store this long to finish what is queued.
const STORE_CLOSES_WITHIN: Duration = Duration::from_millis(400);
/// Pause before a door that failed is opened again.
const DOOR_REOPENS_AFTER: Duration = Duration::from_secs(1);

/// Why the daemon can't start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The data directory can't be made.
    #[error("the data directory {path}: {source}. Make it for this user, or give another one (hub.data_dir)")]
    DataDir {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// See [`KeyError`].
    #[error(transparent)]
    Key(#[from] KeyError),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system has no randomness.
    #[error("the system gives no randomness: {0}")]
    Entropy(std::io::Error),
    /// A part ended that must not: the log says why.
    #[error("{0} ended by itself; see the log. Start the hub again: nothing that was answered is lost")]
    Ended(&'static str),
}

impl DaemonError {
    /// Whether it is the same at the next start, until a person has done something about it.
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Key(KeyError::Length { .. } | KeyError::Open { .. } | KeyError::Lost { .. }) => true,
            Self::Store(error) => {
                matches!(error, StoreError::Newer { .. } | StoreError::Foreign { .. } | StoreError::WrongKey)
            }
            Self::Key(KeyError::Io { .. }) | Self::DataDir { .. } | Self::Entropy(_) | Self::Ended(_) => false,
        }
    }
}

/// Runs the hub until `stop` turns true (`Ok`), or something that it can't do without ends.
///
/// # Errors
/// [`DaemonError`], saying what to do.
pub async fn run(config: Config, stop: watch::Receiver<bool>) -> Result<(), DaemonError> {
    tracing::info!(hub = config.hub_name, version = env!("CARGO_PKG_VERSION"), "starting");
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let store = open_store(config.data_dir.clone()).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(store.latest_time(), config.clock));
    let outcome = run_with(config, &store, clock, stop).await;
    if tokio::time::timeout(STORE_CLOSES_WITHIN, store.close()).await.is_err() {
        tracing::warn!("the database did not close in time; it recovers at the next start");
    }
    tracing::info!("stopped");
    outcome
}

/// Blocking work (a migration may take its time), so on a thread of its own: signals are heard meanwhile.
async fn open_store(data_dir: PathBuf) -> Result<Store, DaemonError> {
    let open = move || {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&data_dir);
        made.map_err(|source| DaemonError::DataDir { path: data_dir.clone(), source })?;
        let database = data_dir.join("keyway.db");
        let key = credentials::vault_key(&data_dir, &database)?;
        Ok(Store::open(&database, key, entropy()?)?)
    };
    tokio::task::spawn_blocking(open).await.unwrap_or(Err(DaemonError::Ended("opening the database")))
}

async fn run_with(
    config: Config,
    store: &Store,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), DaemonError> {
    let (states, sticks) = watch::channel(BTreeMap::new());
    // Turned by us, so that all stop also when it was not the caller who wanted it.
    let (ending, ended) = watch::channel(false);
    let mut tasks = Tasks::new(ended.clone());
    let zwave = config.zwave.into_iter().map(AnyStick::Zwave);
    let all = zwave.chain(config.zigbee.into_iter().map(AnyStick::Zigbee)).collect();
    let (networks, orders) = radios::start(&mut tasks, all, store, &clock, states).await?;
    let hub = Hub::new(&config.hub_name, store.clone(), Arc::clone(&clock), sticks);
    let mut hub = hub.with_networks(networks).with_orders(orders);
    let (broker_state, how_the_broker_does) = watch::channel(BrokerState::default());
    if config.mqtt.is_some() {
        hub = hub.with_broker(how_the_broker_does);
    }
    if let Some(broker) = config.mqtt {
        let (hub_name, hub, ended) = (config.hub_name, hub.clone(), ended.clone());
        let companion: Option<Arc<dyn Companion>> = match config.homeassistant {
            Some(config) => {
                Some(Arc::new(HomeAssistant::new(&config, &broker.unlock, &hub_name, hub.workspace_id().await?)))
            }
            None => None,
        };
        let door = move || {
            let (hub_name, broker, hub, ended) = (hub_name.clone(), broker.clone(), hub.clone(), ended.clone());
            let (companion, state) = (companion.clone(), broker_state.clone());
            async move { mqtt::serve(&hub_name, &broker, companion, hub, state, ended).await }
        };
        tasks.start("the MQTT door", keep_open("MQTT", door, tasks.stop.clone()));
    }
    if let Some(address) = config.http {
        let (hub, ended) = (hub.clone(), ended.clone());
        let door = move || {
            let (address, hub, ended) = (address.clone(), hub.clone(), ended.clone());
            async move {
                match entropy() {
                    Ok(seed) => http::serve(&address, seed, hub, ended).await,
                    Err(error) => tracing::error!("{error}"),
                }
            }
        };
        tasks.start("the HTTP door", keep_open("HTTP", door, tasks.stop.clone()));
    }
    let others = hub.clone();
    let deliveries = move || webhooks::serve(others.clone(), ended.clone());
    tasks.start("the webhooks", keep_open("webhooks'", deliveries, tasks.stop.clone()));
    tasks.start_helper("the clock", watch_over(Arc::clone(&clock)));
    tasks.start_helper("the chronicle", chronicle::write(store.clone(), Arc::clone(&clock)));
    tasks.start_helper("the housekeeping", service::keep_house(store.clone(), Arc::clone(&clock)));
    tasks.start_helper("the watchdog", service::feed_watchdog(store.clone(), clock));
    service::ready();
    let outcome = tokio::select! {
        _ = stop.wait_for(|stop| *stop) => Ok(()),
        name = tasks.next() => Err(DaemonError::Ended(name)),
    };
    service::stopping();
    ending.send_replace(true);
    tasks.end().await;
    outcome
}

/// A door that fails takes nothing else down: it is opened again.
async fn keep_open<D>(name: &'static str, open: impl Fn() -> D, mut stop: watch::Receiver<bool>)
where
    D: Future<Output = ()> + Send + 'static,
{
    loop {
        // A task of its own, so that a panic stays in it; the log has it already.
        let mut door = JoinSet::new();
        door.spawn(open());
        door.join_next().await;
        if *stop.borrow() {
            return;
        }
        tracing::error!("the {name} door failed; it is opened again");
        // Not to be waited for at the end.
        let _ = tokio::time::timeout(DOOR_REOPENS_AFTER, stop.wait_for(|stop| *stop)).await;
    }
}

/// 32 bytes of the system's randomness.
fn entropy() -> Result<[u8; 32], DaemonError> {
    let mut bytes = [0; 32];
    clock::entropy(&mut bytes).map_err(DaemonError::Entropy)?;
    Ok(bytes)
}

/// The tasks of the daemon, by name. None of them may end before it is told to.
struct Tasks {
    set: JoinSet<()>,
    names: BTreeMap<tokio::task::Id, &'static str>,
    stop: watch::Receiver<bool>,
}

impl Tasks {
    fn new(stop: watch::Receiver<bool>) -> Self {
        Self { set: JoinSet::new(), names: BTreeMap::new(), stop }
    }

    /// Starts a task that ends by itself when `stop` turns true.
    fn start(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.set.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Starts a task that may be cut off anywhere, and is when `stop` turns true.
    fn start_helper(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop.clone();
        self.start(name, async move {
            tokio::select! {
                () = task => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }

    /// Waits for one to end, whether by a panic or not: its name.
    async fn next(&mut self) -> &'static str {
        let id = match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return std::future::pending().await,
        };
        self.names.get(&id).copied().unwrap_or("a task")
    }

    /// Waits for all to end; who does not is cut off, which costs nothing that is not on disk.
    async fn end(mut self) {
        let all = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(TASKS_STOP_WITHIN, all).await.is_err() {
            tracing::debug!("a task did not end in time: cut off");
        }
        self.set.shutdown().await;
    }
}

#[cfg(test)]
mod tests;
