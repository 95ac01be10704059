//! The sticks: how each does, and what is asked of it beside its locks. Such an order is begun at once and takes its time:
//! how it went is shown with the stick.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyway_lock::{NetworkRecord, SecretBytes, StickCommand, StickInfo, StickState, StickWork, Traffic};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::call::Call;
use super::outcome::{Failure, response};
use super::parameter::NetworkBackup;
use super::request::request;
use crate::model::ApiError;

/// How each configured stick does, by its name.
pub type Sticks = BTreeMap<Arc<str>, StickStatus>;

/// How a stick does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickStatus {
    /// As it says itself.
    pub state: StickState,
    /// What was last asked of it in this run.
    pub order: Option<StickOrder>,
}

impl From<StickState> for StickStatus {
    fn from(state: StickState) -> Self {
        Self { state, order: None }
    }
}

/// Something asked of a stick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickOrder {
    /// Tells it from others; later ones are greater.
    pub number: u64,
    /// The operation that it came by.
    pub operation: &'static str,
    /// How it ended; `None`: it has not.
    pub outcome: Option<Result<(), String>>,
}

/// Where orders to sticks go.
pub trait StickOrders: Send + Sync {
    /// Asks something of a stick: the order's number. It is in the stick's status before this returns. `None`: there is no
    /// such stick, or its driver has ended.
    fn order(&self, stick: &str, operation: &'static str, command: StickCommand) -> Option<u64>;

    /// How much went over its air so far. `None`: there is no such stick.
    fn traffic(&self, stick: &str) -> Option<Traffic>;

    /// The network that these records of a stick keep, in the open format of coordinator backups; `None`: none.
    fn backup_of(&self, records: &[NetworkRecord]) -> Option<Map<String, Value>>;

    /// Whether a text is a network in that format.
    ///
    /// # Errors
    /// The field that is wrong, and what it should be.
    fn check_backup(&self, text: &str) -> Result<(), String>;
}

/// A hub without sticks.
pub(super) struct NoSticks;

impl StickOrders for NoSticks {
    fn order(&self, _: &str, _: &'static str, _: StickCommand) -> Option<u64> {
        None
    }

    fn traffic(&self, _: &str) -> Option<Traffic> {
        None
    }

    fn backup_of(&self, _: &[NetworkRecord]) -> Option<Map<String, Value>> {
        None
    }

    fn check_backup(&self, _: &str) -> Result<(), String> {
        Err("can't be read without a stick".to_owned())
    }
}

request! {
    /// Reads a stick's memory and keeps it in the database, sealed. A backup does it by itself. The stick's locks wait
    /// meanwhile.
    pub(super) struct KeepMemory {
        /// The stick's name.
        name: String,
    }
}

request! {
    /// Writes the memory that is kept of a stick to the one that is plugged in now, which has the old one's network from
    /// then on: its locks need not be added again. Whatever the stick knew before is lost.
    pub(super) struct RestoreMemory {
        /// The stick's name.
        name: String,
        /// The network that is written over: that of the stick now, so that no other is lost by mistake.
        network: String,
        /// A Zigbee stick that can take the address of the one before only once may keep it for ever. Without that it is
        /// refused, and left as it is.
        burn_address: Option<bool>,
    }
}

request! {
    /// Works with a stick that is another one than before, and with its network. The locks of the network before are not
    /// reached by it.
    pub(super) struct Adopt {
        /// The stick's name.
        name: String,
        /// The network of the stick, so that it is this one and no other.
        network: String,
    }
}

request! {
    /// Gives the network of a Zigbee stick as it was last kept (`sticks/keep_memory`), in the open format of coordinator
    /// backups that zigpy (ZHA) and Zigbee2MQTT read. It holds the network's keys.
    pub(super) struct ExportNetwork {
        /// The stick's name.
        name: String,
    }
}

request! {
    /// Writes a network that zigpy (ZHA) or Zigbee2MQTT has backed up to a Zigbee stick, and works with it and its locks from
    /// then on. Whatever the stick knew before is lost.
    pub(super) struct ImportNetwork {
        /// The stick's name.
        name: String,
        /// The network that is written over: that of the stick now, so that no other is lost by mistake.
        network: String,
        /// The backup: coordinator_backup.json of Zigbee2MQTT, or what ZHA's backup has.
        network_backup: NetworkBackup,
        /// A stick that can take the address of the one in the backup only once may keep it for ever. Without that it is
        /// refused, and left as it is.
        burn_address: Option<bool>,
    }
}

request! {
    /// Restarts a stick's firmware. Its network stays.
    pub(super) struct Restart {
        /// The stick's name.
        name: String,
    }
}

request! {
    /// Sets the region of the world whose frequencies a stick uses; it restarts. Locks of another region are not reached.
    pub(super) struct SetRegion {
        /// The stick's name.
        name: String,
        /// Such as europe, usa, usa_long_range, australia_new_zealand.
        region: String,
    }
}

response!(OneStick { stick: StickResource });
response!(OneBackup { network_backup: NetworkBackup });

pub(super) fn export_network(call: &mut Call<'_, '_>, asked: ExportNetwork) -> Result<OneBackup, Failure> {
    known(call, &asked.name)?;
    let records = call.records(&asked.name)?;
    let backup = call.surroundings().orders.backup_of(&records).ok_or_else(|| {
        let message = "no network of this stick is kept that other programs could read: sticks/keep_memory keeps that of a \
                       Zigbee stick";
        ApiError::new("conflict", message)
    })?;
    Ok(OneBackup { network_backup: NetworkBackup(backup) })
}

pub(super) fn import_network(call: &mut Call<'_, '_>, asked: ImportNetwork) -> Result<OneStick, Failure> {
    has_network(known(call, &asked.name)?, &asked.network)?;
    let text = Zeroizing::new(Value::Object(asked.network_backup.0).to_string());
    let checked = call.surroundings().orders.check_backup(&text);
    checked.map_err(|message| ApiError::invalid("network_backup", message))?;
    let backup = SecretBytes(Zeroizing::new(text.as_bytes().to_vec()));
    let burn_address = asked.burn_address.unwrap_or(false);
    let command = StickCommand::TakeOver { backup, over: asked.network, burn_address };
    order(call, &asked.name, "sticks/import_network", command)
}

pub(super) fn keep_memory(call: &mut Call<'_, '_>, asked: KeepMemory) -> Result<OneStick, Failure> {
    ready(call, &asked.name)?;
    order(call, &asked.name, "sticks/keep_memory", StickCommand::KeepMemory)
}

pub(super) fn restore_memory(call: &mut Call<'_, '_>, asked: RestoreMemory) -> Result<OneStick, Failure> {
    has_network(known(call, &asked.name)?, &asked.network)?;
    let burn_address = asked.burn_address.unwrap_or(false);
    let command = StickCommand::RestoreMemory { over: asked.network, burn_address };
    order(call, &asked.name, "sticks/restore_memory", command)
}

pub(super) fn adopt(call: &mut Call<'_, '_>, asked: Adopt) -> Result<OneStick, Failure> {
    let status = known(call, &asked.name)?;
    has_network(status, &asked.network)?;
    if !matches!(status.state, StickState::Foreign { .. }) {
        return Err(ApiError::new("conflict", "this stick is the one that it was: there is nothing to decide").into());
    }
    order(call, &asked.name, "sticks/adopt", StickCommand::Adopt { network: asked.network })
}

pub(super) fn restart(call: &mut Call<'_, '_>, asked: Restart) -> Result<OneStick, Failure> {
    info(known(call, &asked.name)?)?;
    order(call, &asked.name, "sticks/restart", StickCommand::Restart)
}

pub(super) fn set_region(call: &mut Call<'_, '_>, asked: SetRegion) -> Result<OneStick, Failure> {
    ready(call, &asked.name)?;
    order(call, &asked.name, "sticks/set_region", StickCommand::SetRegion { region: asked.region })
}

fn known<'c>(call: &'c Call<'_, '_>, name: &str) -> Result<&'c StickStatus, ApiError> {
    let sticks = &call.surroundings().sticks;
    sticks.get(name).ok_or_else(|| {
        let names: Vec<&str> = sticks.keys().map(|name| &**name).collect();
        ApiError::new("stick_not_found", format!("there is no stick of this name; there are: {}", names.join(", ")))
    })
}

/// What is known of a stick that can be asked something now.
fn info(status: &StickStatus) -> Result<&StickInfo, ApiError> {
    match &status.state {
        StickState::Ready(info) | StickState::Foreign { info, .. } => Ok(info),
        StickState::Busy(..) => Err(ApiError::new("conflict", "the stick is busy: ask again when it is done")),
        StickState::Starting | StickState::Failed(_) | StickState::Gone => {
            Err(ApiError::new("conflict", "the stick does not work now: see health/get"))
        }
    }
}

fn ready(call: &Call<'_, '_>, name: &str) -> Result<(), ApiError> {
    let status = known(call, name)?;
    info(status)?;
    match &status.state {
        StickState::Foreign { .. } => {
            Err(ApiError::new("conflict", "the stick is another one than before: decide on that first"))
        }
        _ => Ok(()),
    }
}

fn has_network(status: &StickStatus, network: &str) -> Result<(), ApiError> {
    let present = &info(status)?.network;
    if present.eq_ignore_ascii_case(network) {
        return Ok(());
    }
    Err(ApiError::invalid("network", format!("is not the network of this stick, which is {present}")))
}

fn order(
    call: &mut Call<'_, '_>,
    name: &str,
    operation: &'static str,
    command: StickCommand,
) -> Result<OneStick, Failure> {
    let status = known(call, name)?;
    let Some(number) = call.surroundings().orders.order(name, operation, command) else {
        return Err(ApiError::new("conflict", "the stick's driver has ended: see the log").into());
    };
    let begun = StickOrder { number, operation, outcome: None };
    Ok(OneStick { stick: StickResource::new(name, &StickStatus { state: status.state.clone(), order: Some(begun) }) })
}

/// A stick.
#[derive(Serialize, ToSchema)]
#[schema(as = Stick)]
pub(super) struct StickResource {
    name: String,
    /// `starting`, `ready`, `busy`, `other_network`, `failed` or `gone`.
    state: &'static str,
    /// The network that it is the controller of.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// The region of the world whose frequencies it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// The power it sends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    power_dbm: Option<f32>,
    /// With `busy`: how far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<u8>,
    /// What is wrong, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What was last asked of it since the hub started.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_order: Option<OrderResource>,
}

/// Something asked of a stick.
#[derive(Serialize, ToSchema)]
#[schema(as = StickOrder)]
pub(super) struct OrderResource {
    /// The operation that it came by.
    operation: &'static str,
    /// `pending`, `success` or `error`.
    status: &'static str,
    /// Why it did not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl StickResource {
    pub(super) fn new(name: &str, status: &StickStatus) -> Self {
        let (state, info) = match &status.state {
            StickState::Starting => ("starting", None),
            StickState::Ready(info) => ("ready", Some(info)),
            StickState::Busy(..) => ("busy", None),
            StickState::Foreign { info, .. } => ("other_network", Some(info)),
            StickState::Failed(_) => ("failed", None),
            StickState::Gone => ("gone", None),
        };
        Self {
            name: name.to_owned(),
            state,
            network: info.map(|info| info.network.clone()),
            firmware: info.map(|info| info.firmware.clone()),
            model: info.map(|info| info.model.clone()),
            region: info.and_then(|info| info.region.clone()),
            power_dbm: info.and_then(|info| info.power).map(|tenths| f32::from(tenths) / 10.0),
            percent: match status.state {
                StickState::Busy(_, percent) => Some(percent),
                _ => None,
            },
            problem: problem(name, &status.state),
            last_order: status.order.as_ref().map(OrderResource::new),
        }
    }
}

impl StickResource {
    /// What is wrong with it, and which one it is.
    pub(super) fn named_problem(&self) -> Option<String> {
        self.problem.as_ref().map(|problem| format!("stick {}: {problem}", self.name))
    }

    /// Why nothing can be asked of it.
    pub(super) fn problem_or_state(self) -> String {
        self.problem.unwrap_or_else(|| format!("it is {}", self.state))
    }
}

impl OrderResource {
    fn new(order: &StickOrder) -> Self {
        let (status, error) = match &order.outcome {
            None => ("pending", None),
            Some(Ok(())) => ("success", None),
            Some(Err(error)) => ("error", Some(error.clone())),
        };
        Self { operation: order.operation, status, error }
    }
}

fn problem(name: &str, state: &StickState) -> Option<String> {
    match state {
        StickState::Starting | StickState::Ready(_) => None,
        StickState::Busy(StickWork::Reading, _) => Some("its memory is being read; its locks wait".to_owned()),
        StickState::Busy(StickWork::Writing, _) => Some("its memory is being written; its locks wait".to_owned()),
        StickState::Busy(StickWork::Restarting, _) => Some("it restarts; its locks wait".to_owned()),
        StickState::Foreign { info, expected, kept } => Some(format!(
            "this is another stick than before: its network is {network}, and the locks are in {expected}. Nothing is done \
             with it. Plug the stick of {expected} in again{restore}, or take it as it is: keyway sticks adopt {name} \
             {network}",
            network = info.network,
            restore = match kept {
                true => format!(", or give this one its network: keyway sticks restore {name} {}", info.network),
                false => String::new(),
            },
        )),
        StickState::Failed(problem) => Some(problem.clone()),
        StickState::Gone => Some("its port can't be opened: is it plugged in? see the log".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_stick_is_told_with_every_way_out() {
        let info = StickInfo {
            network: "1234abcd".to_owned(),
            firmware: "7".to_owned(),
            model: "x".to_owned(),
            region: Some("europe".to_owned()),
            power: Some(-105),
        };
        let state = |kept| StickState::Foreign { info: info.clone(), expected: "c0ffee01".to_owned(), kept };
        let kept = StickResource::new("zwave", &state(true).into());
        let problem = kept.problem.unwrap();
        assert!(problem.contains("keyway sticks restore zwave 1234abcd"), "{problem}");
        assert!(problem.contains("keyway sticks adopt zwave 1234abcd"), "{problem}");
        assert_eq!((kept.state, kept.power_dbm), ("other_network", Some(-10.5)));
        let problem = StickResource::new("zwave", &state(false).into()).problem.unwrap();
        assert!(!problem.contains("restore"), "{problem}");
    }
}
