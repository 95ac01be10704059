//! Locks that join a network and leave it, and what the host must know while they do.

use std::sync::Arc;

use keyway_lock::{
    Joined, KeyClass, KeyName, LockId, NetworkError, NetworkFailure, NetworkOutcome, NetworkStep, RadioEvent,
};
use serde_json::{Map, Value, json};

use super::engine::Engine;
use super::roll;
use super::worker::Seat;
use crate::clock::Now;
use crate::model::{DeviceId, EventSubject, EventType};
use crate::store::Unit;

/// An event without its network and its device: those are filled in here.
struct Told {
    event: EventType,
    lock: Option<LockId>,
    details: Map<String, Value>,
}

impl Told {
    fn new(event: EventType, lock: Option<LockId>) -> Self {
        Self { event, lock, details: Map::new() }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.details.insert(name.to_owned(), value);
        self
    }
}

impl Engine {
    /// What a stick tells of its network.
    pub(super) async fn observe_network(&mut self, now: Now, stick: &Arc<str>, event: RadioEvent) {
        let told = match event {
            RadioEvent::LockJoined(lock, Joined { name, label, .. }) => {
                self.name_lock(stick, lock, name);
                return self.joined(now, stick, lock, label).await;
            }
            RadioEvent::LockLeft(lock) => return self.left(now, stick, lock).await,
            RadioEvent::Leftover(lock, reason) => {
                tracing::warn!(%stick, %lock, reason, "a device is in the network that nobody drives");
                Told::new(EventType::NetworkLeftoverFound, Some(lock)).with("reason", json!(reason))
            }
            RadioEvent::Stranger(lock, reason) => {
                tracing::warn!(%stick, %lock, reason, "a lock of the network can't be driven");
                Told::new(EventType::NetworkUnknownLockFound, Some(lock)).with("reason", json!(reason))
            }
            RadioEvent::Network(step) => told_by(&step),
            RadioEvent::NetworkDone(_, result) => match ended(result) {
                Some(told) => told,
                None => return,
            },
            _ => return,
        };
        self.tell_network(now, stick, told).await;
    }

    async fn joined(&mut self, now: Now, stick: &Arc<str>, lock: LockId, label: Option<String>) {
        let known = label.zip(self.address(stick, lock));
        if let Some((label, address)) = known.clone() {
            self.run(now, move |unit: &mut Unit<'_>| roll::returned_by_label(unit, &address, &label)).await;
        }
        self.pending(now, stick, lock, "it was added to the network").await;
        if let Some((label, address)) = known {
            self.run(now, move |unit: &mut Unit<'_>| roll::labelled(unit, &address, &label)).await;
        }
    }

    async fn tell_network(&mut self, now: Now, stick: &Arc<str>, told: Told) {
        let device = match told.lock {
            Some(lock) => self.known_device(now, stick, lock).await,
            None => None,
        };
        let mut details = told.details;
        details.insert("network".to_owned(), json!(**stick));
        if let Some(address) = told.lock.and_then(|lock| self.address(stick, lock)) {
            let (kind, lock) = (address.kind, address.lock);
            details.extend(kind.node(lock).map(|node| ("node".to_owned(), json!(node))));
            details.extend(kind.ieee_address(lock).map(|address| ("ieee_address".to_owned(), json!(address))));
        }
        let subject = EventSubject { device_id: device, ..EventSubject::default() };
        self.run(now, move |unit: &mut Unit<'_>| unit.emit(told.event, subject, details)).await;
    }

    async fn known_device(&mut self, now: Now, stick: &Arc<str>, lock: LockId) -> Option<DeviceId> {
        let address = self.address(stick, lock)?;
        let job = move |unit: &mut Unit<'_>| Ok(unit.device_by_address(&address)?.map(|device| device.device_id));
        self.run(now, job).await?
    }

    /// A lock is no longer in the network. What it held is as it was: only a person at the lock can take it out.
    async fn left(&mut self, now: Now, stick: &Arc<str>, lock: LockId) {
        tracing::info!(%stick, %lock, "a lock has left the network");
        let device = self.known_device(now, stick, lock).await;
        self.leave_seat(&Seat { stick: Arc::clone(stick), lock });
        if let Some(device) = device {
            self.changed_now(device);
            self.run(now, move |unit: &mut Unit<'_>| roll::left(unit, device)).await;
        }
    }
}

fn told_by(step: &NetworkStep) -> Told {
    match step {
        NetworkStep::Ready => Told::new(EventType::NetworkReady, None),
        NetworkStep::Found => Told::new(EventType::NetworkDeviceFound, None),
        NetworkStep::Joined(lock) => Told::new(EventType::NetworkDeviceJoined, Some(*lock)),
        NetworkStep::GrantNeeded { requested } => {
            let requested: Vec<&str> = requested.iter().map(|class| class.name()).collect();
            Told::new(EventType::NetworkGrantNeeded, None).with("requested", json!(requested))
        }
        NetworkStep::PinNeeded { label } => Told::new(EventType::NetworkPinNeeded, None).with("label", json!(label)),
        NetworkStep::Securing => Told::new(EventType::NetworkSecuring, None),
        NetworkStep::CleaningUp(lock) => Told::new(EventType::NetworkCleaningUp, Some(*lock)),
        NetworkStep::RebuildingRoutes(lock) => Told::new(EventType::NetworkRebuildingRoutes, Some(*lock)),
        NetworkStep::RemovalNeeded(lock) => Told::new(EventType::NetworkRemovalNeeded, Some(*lock)),
        NetworkStep::SelfJoinFailed { label, error } => failed(*error, None).with("label", json!(label)),
    }
}

/// `None`: an answer or an entry was taken or refused, which whoever gave it learns at once.
fn ended(result: Result<NetworkOutcome, NetworkFailure>) -> Option<Told> {
    Some(match result {
        Ok(NetworkOutcome::Included(lock, classes)) => {
            let security: Vec<&str> = classes.into_iter().map(KeyClass::name).collect();
            Told::new(EventType::NetworkDeviceAdded, Some(lock)).with("security", json!(security))
        }
        Ok(NetworkOutcome::Excluded(lock)) => Told::new(EventType::NetworkDeviceRemoved, lock),
        Ok(NetworkOutcome::RoutesRebuilt(Some(lock), _)) => Told::new(EventType::NetworkRoutesRebuilt, Some(lock)),
        Ok(NetworkOutcome::RoutesRebuilt(None, failed)) => {
            // Only Z-Wave has such routes: their ids are the numbers of nodes.
            let failed: Vec<u64> = failed.into_iter().map(|lock| lock.0).collect();
            Told::new(EventType::NetworkRoutesRebuilt, None).with("failed_nodes", json!(failed))
        }
        Ok(NetworkOutcome::Reset) => Told::new(EventType::NetworkReset, None),
        Ok(NetworkOutcome::KeysTaken(names)) => {
            let names: Vec<&str> = names.into_iter().map(KeyName::name).collect();
            Told::new(EventType::NetworkKeysImported, None).with("keys", json!(names))
        }
        Ok(NetworkOutcome::Done) => return None,
        Err(NetworkFailure { error: NetworkError::NotAsked | NetworkError::Busy, .. }) => return None,
        Err(failure) => failed(failure.error, failure.leftover),
    })
}

fn failed(error: NetworkError, leftover: Option<LockId>) -> Told {
    let told = Told::new(EventType::NetworkFailed, leftover);
    told.with("error_type", json!(error.name())).with("message", json!(error.to_string()))
}
