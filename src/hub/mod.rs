//! The operations: each one function, whatever door it came in by. An operation runs inside one transaction of the
//! store: it is carried out whole, with its events, or not at all.

mod access_codes;
mod access_grants;
mod access_methods;
mod action_attempts;
mod answer;
mod api_keys;
mod backup;
mod broker;
mod call;
mod caller;
mod cloud_only;
mod code_orders;
mod deliveries;
mod device_access;
mod device_codes;
mod device_resource;
mod device_trouble;
mod devices;
mod events;
mod feed;
mod grant_codes;
mod grant_doors;
mod grant_order;
mod grant_resource;
mod health;
mod last_use;
mod locks;
mod metrics;
mod networks;
mod openapi;
mod operation;
mod operations;
mod outcome;
mod page;
mod parameter;
mod parameters;
mod promise;
mod recurrence;
mod related;
mod request;
mod schema;
mod shape;
mod spaces;
mod sticks;
mod trouble;
mod user_identities;
mod webhooks;
mod workspaces;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use crate::clock::{Clock, Moves};
use crate::faults::{self, Fault};
use crate::model::{AccessGrantId, ApiError, DeviceId, Event, Timestamp, WorkspaceId};
use crate::store::{HandedIn, Store, Unit};

pub use crate::model::Role;
pub use crate::store::{Changes, GrantPlace, StoreError};
pub use answer::Answer;
pub use backup::{BackupFailed, SealedBackup};
pub use broker::BrokerState;
pub use caller::Caller;
pub use deliveries::{NotDelivered, Outgoing, OutgoingEvent};
pub use events::EventResource;
pub use feed::FeedStart;
pub use last_use::LastUse;
pub use networks::{JoinCode, NetworkOrders, Networks, Pairing};
pub use openapi::openapi;
pub use operation::{Method, Operation};
pub use operations::operations;
pub use shape::{Field, Shape};
pub use sticks::{StickOrder, StickOrders, StickStatus, Sticks};

use call::Surroundings;

/// A grant that begins within this is near: a broker is told of it at once. There may be a year of others.
const NEAR: Duration = Duration::from_secs(7 * 86_400);

/// What every door calls.
#[derive(Clone)]
pub struct Hub {
    name: Arc<str>,
    store: Store,
    clock: Arc<dyn Clock>,
    sticks: watch::Receiver<Sticks>,
    networks: Arc<Networks>,
    orders: Arc<dyn StickOrders>,
    broker: Option<watch::Receiver<BrokerState>>,
    backups: backup::Backups,
    backup_problem: Option<watch::Receiver<Option<String>>>,
}

impl Hub {
    /// Over a store; `name` and `sticks` are only told of.
    pub fn new(name: &str, store: Store, clock: Arc<dyn Clock>, sticks: watch::Receiver<Sticks>) -> Self {
        let (networks, orders) = (Arc::new(Networks::none()), Arc::new(sticks::NoSticks));
        let backups = backup::Backups::default();
        let name = name.into();
        Self { name, store, clock, sticks, networks, orders, broker: None, backups, backup_problem: None }
    }

    /// With networks that can be changed.
    pub fn with_networks(self, networks: Arc<Networks>) -> Self {
        Self { networks, ..self }
    }

    /// With sticks that something can be asked of.
    pub fn with_orders(self, orders: Arc<dyn StickOrders>) -> Self {
        Self { orders, ..self }
    }

    /// With a broker.
    pub fn with_broker(self, broker: watch::Receiver<BrokerState>) -> Self {
        Self { broker: Some(broker), ..self }
    }

    /// With backups by a schedule: what is wrong with them, and what to do.
    pub fn with_backups(self, problem: watch::Receiver<Option<String>>) -> Self {
        Self { backup_problem: Some(problem), ..self }
    }

    /// Carries out an operation such as `access_grants/create`, if the caller may ask for it. Carried out at most once
    /// for one `request_id` of this caller: asked again, it gives the same answer (I7).
    pub async fn call(&self, caller: &Caller, operation: &str, body: Value, request_id: Option<String>) -> Answer {
        self.begin(caller, operation, body, request_id).await.answer().await
    }

    /// The same in two steps: this one ends when the operation has its turn. Operations are carried out in the order
    /// of their turns.
    pub async fn begin(&self, caller: &Caller, operation: &str, body: Value, request_id: Option<String>) -> UnderWay {
        let (name, caller, surroundings) = (operation.to_owned(), caller.clone(), self.surroundings());
        let job = move |unit: &mut Unit<'_>| {
            operations::run(unit, &caller, &surroundings, &name, body, request_id.as_deref())
        };
        UnderWay { operation: operation.to_owned(), job: self.store.hand_in(self.clock.now().utc, job).await }
    }

    /// What each commit changed, from now on. Who is told that he lagged behind must look at everything.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Changes>> {
        self.store.subscribe()
    }

    /// The device as shown to everybody: no PIN in it. `None`: there is no such device.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn public_device(&self, id: DeviceId) -> Result<Option<Value>, StoreError> {
        self.read(move |unit| Ok(devices::public(unit, id)?.map(|device| json!(device)))).await
    }

    /// Grants and the state of their codes as shown to everybody: no PIN in it. `None`: no such grant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn public_grants(
        &self,
        ids: Vec<AccessGrantId>,
    ) -> Result<Vec<(AccessGrantId, Option<Value>)>, StoreError> {
        self.read(move |unit| {
            let shown = |id| Ok((id, grant_resource::public(unit, id)?.map(|grant| json!(grant))));
            ids.into_iter().map(shown).collect()
        })
        .await
    }

    /// The names of the spaces that a device is in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn space_names(&self, id: DeviceId) -> Result<Vec<String>, StoreError> {
        self.read(move |unit| {
            let mut names = Vec::new();
            for space in unit.spaces_of_device(id)? {
                names.extend(unit.space(space)?.map(|space| space.name));
            }
            Ok(names)
        })
        .await
    }

    /// Every device, and every grant that is on, near or not out of its locks yet, for a broker that may have forgotten them;
    /// and from where on [`Self::far_grants`] has the others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn everything_public(&self) -> Result<(Vec<DeviceId>, BTreeSet<AccessGrantId>, GrantPlace), StoreError> {
        self.read(|unit| {
            let horizon = unit.now().after(NEAR);
            Ok((devices::ids(unit)?, unit.near_grant_ids(horizon)?, (horizon, AccessGrantId(Uuid::nil()))))
        })
        .await
    }

    /// The next `most` grants behind this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn far_grants(&self, behind: GrantPlace, most: usize) -> Result<Vec<GrantPlace>, StoreError> {
        self.read(move |unit| unit.grants_behind(behind, most)).await
    }

    /// Every device, and every grant of which something may have changed since then by time alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn moved_public(&self, since: Timestamp) -> Result<(Vec<DeviceId>, BTreeSet<AccessGrantId>), StoreError> {
        self.read(move |unit| Ok((devices::ids(unit)?, unit.grants_moved(since, unit.now())?))).await
    }

    /// What time it is, as the hub knows it.
    pub fn time(&self) -> Timestamp {
        self.clock.now().utc
    }

    /// How the sticks do, from now on.
    pub fn sticks(&self) -> watch::Receiver<Sticks> {
        self.sticks.clone()
    }

    /// When the wall clock is moved or its trust changes, from now on.
    pub fn clock_moves(&self) -> Moves {
        self.clock.moves()
    }

    /// Turns whenever the adding or removing of a lock has gone on.
    pub fn pairing_changes(&self) -> watch::Receiver<u64> {
        self.networks.changes()
    }

    /// How far the adding or removing of locks is, in each network.
    pub fn pairings(&self) -> Vec<Pairing> {
        self.networks.pairings()
    }

    /// What the hub tells of itself: its version, its clock, its sticks, and counts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn info(&self) -> Result<Value, StoreError> {
        let surroundings = self.surroundings();
        self.read(move |unit| Ok(json!(health::health(unit, &surroundings)?))).await
    }

    /// What tells this hub from every other, whatever it is called, wherever its backup is restored.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn workspace_id(&self) -> Result<WorkspaceId, StoreError> {
        self.read(|unit| unit.workspace_id()).await
    }

    /// Events behind the door's own cursor, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn events_for(&self, door: &'static str, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        self.read(move |unit| {
            let seen = unit.cursor(door)?;
            let events = unit.outbox_after(seen, limit)?;
            if let Some((last, _)) = events.last().filter(|_| faults::is(Fault::AcknowledgedUnsent)) {
                unit.set_cursor(door, *last)?;
            }
            let workspace = unit.workspace_id()?;
            let logged = |(number, event): (u64, Event)| {
                let json = json!(EventResource::new(&event, workspace));
                Ok(LoggedEvent { number, json, last_use: LastUse::of(unit, &event)?, event })
            };
            events.into_iter().map(logged).collect()
        })
        .await
    }

    /// The door has handed on everything up to this number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn events_delivered(&self, door: &'static str, up_to: u64) -> Result<(), StoreError> {
        self.read(move |unit| unit.set_cursor(door, up_to)).await
    }

    fn surroundings(&self) -> Arc<Surroundings> {
        let (hub_name, clock) = (self.name.to_string(), self.clock.trust());
        Arc::new(Surroundings {
            hub_name,
            clock,
            sticks: self.sticks.borrow().clone(),
            networks: Arc::clone(&self.networks),
            orders: Arc::clone(&self.orders),
            broker: self.broker.as_ref().map(|broker| broker.borrow().clone()),
            backup_problem: self.backup_problem.as_ref().and_then(|problem| problem.borrow().clone()),
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Unit<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.run(self.clock.now().utc, job).await?
    }
}

/// An event as a door hands it on.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvent {
    /// Its place in the log.
    pub number: u64,
    /// What happened.
    pub event: Event,
    /// As every door shows it.
    pub json: Value,
    /// What it says of the use of its lock, if anything.
    pub last_use: Option<LastUse>,
}

/// An operation that has its turn.
pub struct UnderWay {
    operation: String,
    job: Result<HandedIn<Map<String, Value>, ApiError>, StoreError>,
}

impl UnderWay {
    /// Waits until it is carried out, and what it changed is on disk. May be asked again when the wait was broken off.
    pub async fn answer(&mut self) -> Answer {
        let outcome = match &mut self.job {
            Ok(job) => job.outcome().await,
            Err(error) => Err(error.clone()),
        };
        match outcome {
            Ok(Ok(body)) => Answer::Ok(body),
            Ok(Err(error)) => Answer::Error(error),
            Err(error) => Answer::Error(internal(&self.operation, &error)),
        }
    }
}

/// We failed: the caller learns that it is not his fault, the log learns why.
fn internal(operation: &str, error: &dyn std::error::Error) -> ApiError {
    tracing::error!(operation, %error, "an operation failed");
    ApiError::new("internal_error", "the hub could not read or write its database; see its log")
}
