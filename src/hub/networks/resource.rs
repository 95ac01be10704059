//! A network as it is shown.

use std::collections::BTreeMap;

use keyway_lock::{LockId, NetworkStep};
use serde::Serialize;
use utoipa::ToSchema;

use super::desk::{Action, Ended, Network, Success, Task};
use crate::hub::StoreError;
use crate::model::{DeviceId, RadioAddress, RadioKind};
use crate::store::Unit;

/// A network, and what is under way in it.
#[derive(Serialize, ToSchema)]
#[schema(as = Network)]
pub(in crate::hub) struct NetworkResource {
    /// The name of its stick.
    network: String,
    /// `zwave` or `zigbee`.
    kind: &'static str,
    /// What tells it from every other network; null: its stick is not ready.
    identity: Option<String>,
    /// What is under way; null: nothing.
    task: Option<TaskResource>,
    /// How the last task since the hub's start ended; null: none has, or one is under way.
    last_result: Option<ResultResource>,
    /// Devices that are in the network without keys, since adding them did not work. Nobody drives them.
    leftovers: Vec<Leftover>,
    /// Locks that another program added, and that can't be driven: the reason says what helps.
    unknown_locks: Vec<Leftover>,
    /// Devices that are awaited: they join by themselves once they have power.
    awaited: Vec<AwaitedResource>,
}

/// What is under way.
#[derive(Serialize, ToSchema)]
#[schema(as = NetworkTask)]
struct TaskResource {
    /// `include`, `exclude`, `replace_failed`, `remove_failed`, `reset`, `leave`, `import_keys`, `rebuild_routes` or
    /// `self_join`.
    action: &'static str,
    /// `starting`, `ready` (act at the device now), `device_found`, `device_joined`, `grant_needed`, `pin_needed`,
    /// `securing`, `cleaning_up`, `removal_needed` (act at the device now, as for removing it) or `rebuilding_routes`.
    step: &'static str,
    /// The steps so far, oldest first, so that whoever asks now and then misses none.
    steps: Vec<&'static str>,
    /// The device's number in the network, once it has one; or that of the device whose routes are rebuilt.
    node: Option<u64>,
    /// A Zigbee device's address for life, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    ieee_address: Option<String>,
    /// With `grant_needed`: what the device asks for; empty: it knows no security.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<Vec<&'static str>>,
    /// With `pin_needed`: the device's label without its first five digits, to be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// How a task ended.
#[derive(Serialize, ToSchema)]
#[schema(as = NetworkResult)]
struct ResultResource {
    /// As in a task.
    action: &'static str,
    succeeded: bool,
    /// The steps that it took, oldest first.
    steps: Vec<&'static str>,
    /// The device's number in the network.
    node: Option<u64>,
    /// A Zigbee device's address for life.
    #[serde(skip_serializing_if = "Option::is_none")]
    ieee_address: Option<String>,
    /// A new device has one a moment later.
    device_id: Option<DeviceId>,
    /// What it was granted.
    security: Vec<&'static str>,
    /// Routes of all devices were rebuilt: the numbers of those that did not answer, and keep the routes that they had.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_nodes: Option<Vec<u64>>,
    /// Why it did not work.
    error: Option<ErrorResource>,
}

/// Why something did not work.
#[derive(Serialize, ToSchema)]
#[schema(as = NetworkError)]
struct ErrorResource {
    r#type: &'static str,
    message: String,
    /// The number of a device that is in the network all the same, without keys.
    leftover_node: Option<u64>,
}

/// A device that nobody drives.
#[derive(Serialize, ToSchema)]
struct Leftover {
    node: u64,
    reason: String,
}

/// A device that is awaited.
#[derive(Serialize, ToSchema)]
#[schema(as = AwaitedDevice)]
pub(in crate::hub) struct AwaitedResource {
    /// Its label without the first five digits.
    pub(super) label: String,
    /// What people will call the door.
    pub(super) name: Option<String>,
}

impl NetworkResource {
    pub(super) fn new(unit: &mut Unit<'_>, name: &str, network: &Network) -> Result<Self, StoreError> {
        let last = network.ended.as_ref().map(|ended| ResultResource::new(unit, network, ended)).transpose()?;
        Ok(Self {
            network: name.to_owned(),
            kind: match network.kind {
                RadioKind::Zwave => "zwave",
                RadioKind::Zigbee => "zigbee",
            },
            identity: network.identity.clone(),
            task: network.task.as_ref().map(|task| TaskResource::new(network.kind, task)),
            last_result: last,
            leftovers: left(network.kind, &network.leftovers),
            unknown_locks: left(network.kind, &network.strangers),
            awaited: network
                .awaited
                .iter()
                .map(|(label, name)| AwaitedResource { label: label.clone(), name: name.clone() })
                .collect(),
        })
    }
}

fn left(kind: RadioKind, locks: &BTreeMap<LockId, String>) -> Vec<Leftover> {
    let shown = |(lock, reason): (&LockId, &String)| Some(Leftover { node: kind.node(*lock)?, reason: reason.clone() });
    locks.iter().filter_map(shown).collect()
}

impl TaskResource {
    fn new(kind: RadioKind, task: &Task) -> Self {
        let (mut requested, mut label) = (None, None);
        match task.steps.last() {
            Some(NetworkStep::GrantNeeded { requested: classes }) => {
                requested = Some(classes.iter().map(|class| class.name()).collect());
            }
            Some(NetworkStep::PinNeeded { label: shown }) => label = Some(shown.clone()),
            _ => {}
        }
        Self {
            action: task.action.name(),
            step: task.steps.last().map_or("starting", step_name),
            steps: task.steps.iter().map(step_name).collect(),
            node: task.lock.and_then(|lock| kind.node(lock)),
            ieee_address: task.lock.and_then(|lock| kind.ieee_address(lock)),
            requested,
            label,
        }
    }
}

impl ResultResource {
    fn new(unit: &mut Unit<'_>, network: &Network, ended: &Ended) -> Result<Self, StoreError> {
        let (action, steps) = (ended.action.name(), ended.steps.iter().map(step_name).collect());
        Ok(match &ended.result {
            Ok(Success { lock, classes, failed }) => Self {
                action,
                steps,
                succeeded: true,
                node: lock.and_then(|lock| network.kind.node(lock)),
                ieee_address: lock.and_then(|lock| network.kind.ieee_address(lock)),
                failed_nodes: (ended.action == Action::RebuildRoutes && lock.is_none())
                    .then(|| failed.iter().filter_map(|lock| network.kind.node(*lock)).collect()),
                device_id: lock.map(|lock| device(unit, network, lock)).transpose()?.flatten(),
                security: classes.iter().map(|class| class.name()).collect(),
                error: None,
            },
            Err(failure) => Self {
                action,
                steps,
                succeeded: false,
                node: None,
                ieee_address: None,
                device_id: None,
                failed_nodes: None,
                security: Vec::new(),
                error: Some(ErrorResource {
                    r#type: failure.error.name(),
                    message: failure.to_string(),
                    leftover_node: failure.leftover.and_then(|lock| network.kind.node(lock)),
                }),
            },
        })
    }
}

fn device(unit: &mut Unit<'_>, network: &Network, lock: LockId) -> Result<Option<DeviceId>, StoreError> {
    let Some(identity) = network.identity.clone() else { return Ok(None) };
    let address = RadioAddress { kind: network.kind, network: identity, lock };
    Ok(unit.device_by_address(&address)?.map(|device| device.device_id))
}

pub(super) fn step_name(step: &NetworkStep) -> &'static str {
    match step {
        NetworkStep::Ready => "ready",
        NetworkStep::Found => "device_found",
        NetworkStep::Joined(_) => "device_joined",
        NetworkStep::GrantNeeded { .. } => "grant_needed",
        NetworkStep::PinNeeded { .. } => "pin_needed",
        NetworkStep::Securing => "securing",
        NetworkStep::CleaningUp(_) | NetworkStep::SelfJoinFailed { .. } => "cleaning_up",
        NetworkStep::RebuildingRoutes(_) => "rebuilding_routes",
        NetworkStep::RemovalNeeded(_) => "removal_needed",
    }
}
