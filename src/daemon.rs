//! Builds clock, store, radios, reconciler, hub and doors; starts them, watches over them, and stops them in order. The
//! only module that knows all the others.

mod backups;
mod chronicle;
mod drivers;
mod ground;
mod orders;
mod radios;
mod service;
mod tasks;
mod works;

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::{self, Clock, SystemClock, watch_over};
use crate::config::Config;
use crate::config::credentials::{self, KeyError};
use crate::homeassistant::HomeAssistant;
use crate::hub::BrokerState;
use crate::mqtt::Companion;
use crate::store::{Store, StoreError};
use crate::{http, mqtt, webhooks};

/// The store gets this long to finish what is queued.
const STORE_CLOSES_WITHIN: Duration = Duration::from_millis(400);
/// Pause before a door that failed is opened again.
const DOOR_REOPENS_AFTER: Duration = Duration::from_secs(1);

pub use self::ground::{Entropy, Ground};
pub use self::works::Works;

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
    let outcome = run_with(config, &store, Ground::system(clock), stop).await;
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
        Ok(Store::open(&database, key, ground::entropy(&clock::entropy)?)?)
    };
    tokio::task::spawn_blocking(open).await.unwrap_or(Err(DaemonError::Ended("opening the database")))
}

async fn run_with(
    mut config: Config,
    store: &Store,
    ground: Ground,
    mut stop: watch::Receiver<bool>,
) -> Result<(), DaemonError> {
    let mut works = Works::start(&mut config, store, &ground).await?;
    let (mut hub, ended) = (works.hub().clone(), works.tasks.stop.clone());
    let (broker_state, how_the_broker_does) = watch::channel(BrokerState::default());
    if config.mqtt.is_some() {
        hub = hub.with_broker(how_the_broker_does);
    }
    if let Some(backup) = config.backup {
        let (problem, what_is_wrong) = watch::channel(None);
        hub = hub.with_backups(what_is_wrong);
        let work = backups::keep_backups(hub.clone(), Arc::clone(&works.clock), backup, problem);
        works.tasks.start_helper("the scheduled backups", work);
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
        works.tasks.start("the MQTT door", keep_open("MQTT", door, works.tasks.stop.clone()));
    }
    if let Some(address) = config.http {
        let (hub, ended) = (hub.clone(), ended.clone());
        let door = move || {
            let (address, hub, ended, seed) = (address.clone(), hub.clone(), ended.clone(), ground.entropy());
            async move {
                match seed {
                    Ok(seed) => http::serve(&address, seed, hub, ended).await,
                    Err(error) => tracing::error!("{error}"),
                }
            }
        };
        works.tasks.start("the HTTP door", keep_open("HTTP", door, works.tasks.stop.clone()));
    }
    let others = hub.clone();
    let deliveries = move || webhooks::serve(others.clone(), ended.clone());
    works.tasks.start("the webhooks", keep_open("webhooks'", deliveries, works.tasks.stop.clone()));
    works.tasks.start_helper("the clock", watch_over(Arc::clone(&works.clock)));
    works.tasks.start_helper("the chronicle", chronicle::write(store.clone(), Arc::clone(&works.clock)));
    works.tasks.start_helper("the watchdog", service::feed_watchdog(store.clone(), Arc::clone(&works.clock)));
    service::ready();
    let outcome = tokio::select! {
        _ = stop.wait_for(|stop| *stop) => Ok(()),
        name = works.ended() => Err(DaemonError::Ended(name)),
    };
    service::stopping();
    works.stop().await;
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

#[cfg(test)]
mod tests;
