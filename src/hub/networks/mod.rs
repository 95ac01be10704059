//! Radio networks: devices are added to them and taken out. Each operation only begins something, or answers what was
//! asked on the way; how far it is, events tell, and `networks/get`.

mod desk;
mod pairing;
mod resource;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keyway_lock::{
    Awaited, Grant, Include, JoinPin, KeyClass, KeyName, LockId, NetworkCommand, NetworkError, NetworkKey,
};

use super::call::Call;
use super::outcome::{Failure, no_device, response};
use super::request::request;
use crate::model::{ApiError, DeviceId};

pub use desk::{JoinCode, NetworkOrders, Networks};
pub use pairing::Pairing;

use desk::Network;
use resource::{AwaitedResource, NetworkResource};

request! {
    /// Lists the networks, and what is under way in them.
    pub(super) struct ListNetworks {}
}

request! {
    /// Tells how far the adding or removing of a device is, how the last one ended, and what is left to be done.
    pub(super) struct GetNetwork {
        /// Which, by the name of its stick; left out: the only one.
        network: Option<String>,
    }
}

request! {
    /// Adds a device: the stick listens, and whoever stands at the device does what its manual says for adding it. What it
    /// wants beyond `security` it does not get; if it wants none of that, the host is asked.
    pub(super) struct IncludeDevice {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
        /// What people will call the door.
        name: Option<String>,
        /// What may be granted without asking: by default s2_access_control and s2_authenticated, which is right for locks.
        security: Option<Vec<KeyClass>>,
        /// Ask in any case what to grant.
        ask: Option<bool>,
        /// The first five digits of its label, if they are at hand.
        pin: Option<JoinPin>,
        /// All of its label, or the text of its QR code: then another device is turned away, and no digits are asked for.
        /// Of a Zigbee device: its address and its install code, or the text of the QR code that has both.
        code: Option<String>,
        /// False: it is held beside the stick, and no device between passes on what it says. Some old ones are only found so.
        network_wide: Option<bool>,
    }
}

request! {
    /// Says what a device is granted, when that is asked (`grant_needed`).
    pub(super) struct GrantSecurity {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
        /// These, as far as it asked for them. None at all ends the inclusion.
        security: Option<Vec<KeyClass>>,
        /// Nothing, and it stays all the same: everybody in reach can read and send its commands.
        insecure: Option<bool>,
    }
}

request! {
    /// Gives the first five digits of a device's label, when they are asked for (`pin_needed`).
    pub(super) struct ConfirmPin {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
        /// They are printed on the device or in its manual, often underlined.
        pin: JoinPin,
    }
}

request! {
    /// Ends what is under way. A device that is half added is taken out again.
    pub(super) struct CancelTask {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
    }
}

request! {
    /// Takes a device out, of whatever network it is in: the stick listens, and whoever stands at the device does what its
    /// manual says for removing it.
    pub(super) struct ExcludeDevice {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
    }
}

request! {
    /// Takes a device out that does not answer any more.
    pub(super) struct RemoveFailed {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
        /// Which device.
        device_id: Option<DeviceId>,
        /// Or its number in the network, for one that was never finished adding.
        node: Option<super::parameter::Whole<1, 4000>>,
    }
}

request! {
    /// Puts a new device in the place of one that does not answer any more: grants go on with it.
    pub(super) struct ReplaceFailed {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
        /// Which device.
        device_id: DeviceId,
        /// What may be granted without asking, as in networks/include.
        security: Option<Vec<KeyClass>>,
        /// The first five digits of the new one's label, if they are at hand.
        pin: Option<JoinPin>,
    }
}

request! {
    /// Awaits a device that joins by itself once it has power (SmartStart).
    pub(super) struct AwaitDevice {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
        /// The text of its QR code, or its whole label.
        code: String,
        /// What people will call the door.
        name: Option<String>,
        /// What may be granted, as in networks/include.
        security: Option<Vec<KeyClass>>,
    }
}

request! {
    /// Awaits a device no longer.
    pub(super) struct ForgetDevice {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
        /// Its label without the first five digits, as networks/get shows it.
        label: String,
    }
}

request! {
    /// Takes over the keys of a network that another program began, so that the devices which it added are reached. They are
    /// kept sealed, and shown to nobody. One that devices were added with here is not exchanged for another.
    pub(super) struct ImportKeys {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
        /// Of Security 0.
        s0: Option<NetworkKey>,
        /// Of Security 2, unauthenticated.
        s2_unauthenticated: Option<NetworkKey>,
        /// Of Security 2, authenticated.
        s2_authenticated: Option<NetworkKey>,
        /// Of Security 2, access control.
        s2_access_control: Option<NetworkKey>,
        /// Of Security 2, authenticated, for devices over Long Range.
        long_range_s2_authenticated: Option<NetworkKey>,
        /// Of Security 2, access control, for devices over Long Range.
        long_range_s2_access_control: Option<NetworkKey>,
    }
}

request! {
    /// Finds the ways between the stick and a device anew, or those of all devices, one after the other: after repeaters were
    /// moved, or when a lock is reached badly. A device that does not answer keeps what it had. Codes wait while one device's
    /// turn lasts. For Z-Wave: Zigbee does this by itself.
    pub(super) struct RebuildRoutes {
        /// Which network, by the name of its stick; left out: the only one.
        network: Option<String>,
        /// Which device; left out: all.
        device_id: Option<DeviceId>,
    }
}

request! {
    /// Lets another controller take the stick out of its network, in which the stick is no primary controller: it has a new
    /// network of its own then, and can add devices. Every device that it knew is forgotten.
    pub(super) struct LeaveNetwork {
        /// Which network, by the name of its stick.
        network: String,
        /// Its identity, as networks/get tells it: so that nobody does this by mistake.
        identity: String,
    }
}

request! {
    /// Forgets a whole network and begins a new one: every device of it must then be removed at its button and added again.
    pub(super) struct ResetNetwork {
        /// Which network, by the name of its stick.
        network: String,
        /// Its identity, as networks/get tells it: so that nobody does this by mistake.
        identity: String,
    }
}

response!(OneNetwork { network: NetworkResource });
response!(ManyNetworks { networks: Vec<NetworkResource> });
response!(AwaitingNetwork { network: NetworkResource, awaited_device: AwaitedResource });

pub(super) fn list(call: &mut Call<'_, '_>, _: ListNetworks) -> Result<ManyNetworks, Failure> {
    let all = desk_of(call).all();
    let networks = all.iter().map(|(name, network)| NetworkResource::new(call, name, network));
    Ok(ManyNetworks { networks: networks.collect::<Result<_, _>>()? })
}

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetNetwork) -> Result<OneNetwork, Failure> {
    let (name, _) = find(call, asked.network.as_deref())?;
    show(call, &name)
}

pub(super) fn include(call: &mut Call<'_, '_>, asked: IncludeDevice) -> Result<OneNetwork, Failure> {
    let (name, network) = find(call, asked.network.as_deref())?;
    let (label, install_code) = match asked.code.map(|code| read_code(call, &name, &network, &code)).transpose()? {
        Some(JoinCode::Label { label, .. }) => (Some(label), None),
        Some(JoinCode::InstallCode(code)) => (None, Some(code)),
        None => (None, None),
    };
    let wanted = Include {
        name: trimmed(asked.name),
        classes: classes(asked.security),
        ask: asked.ask.unwrap_or(false),
        pin: asked.pin,
        label,
        network_wide: asked.network_wide.unwrap_or(true),
        install_code,
    };
    order(call, &name, NetworkCommand::Include(wanted))
}

pub(super) fn grant(call: &mut Call<'_, '_>, asked: GrantSecurity) -> Result<OneNetwork, Failure> {
    let (name, _) = find(call, asked.network.as_deref())?;
    let grant = match (asked.security, asked.insecure) {
        (Some(classes), None | Some(false)) => Grant::Classes(classes.into_iter().collect()),
        (None, Some(true)) => Grant::Insecure,
        _ => return Err(ApiError::invalid("security", "give either this or insecure: true").into()),
    };
    order(call, &name, NetworkCommand::Grant(grant))
}

pub(super) fn confirm(call: &mut Call<'_, '_>, asked: ConfirmPin) -> Result<OneNetwork, Failure> {
    let (name, _) = find(call, asked.network.as_deref())?;
    order(call, &name, NetworkCommand::Confirm(asked.pin))
}

pub(super) fn cancel(call: &mut Call<'_, '_>, asked: CancelTask) -> Result<OneNetwork, Failure> {
    let (name, _) = find(call, asked.network.as_deref())?;
    order(call, &name, NetworkCommand::Cancel)
}

pub(super) fn exclude(call: &mut Call<'_, '_>, asked: ExcludeDevice) -> Result<OneNetwork, Failure> {
    let (name, _) = find(call, asked.network.as_deref())?;
    order(call, &name, NetworkCommand::Exclude)
}

pub(super) fn remove_failed(call: &mut Call<'_, '_>, asked: RemoveFailed) -> Result<OneNetwork, Failure> {
    let (name, network) = find(call, asked.network.as_deref())?;
    let lock = match (asked.device_id, asked.node) {
        (Some(device), None) => lock_of(call, &network, device)?,
        (None, Some(node)) => LockId(node.0),
        _ => return Err(ApiError::invalid("device_id", "give either this or node").into()),
    };
    order(call, &name, NetworkCommand::RemoveFailed(lock))
}

pub(super) fn replace_failed(call: &mut Call<'_, '_>, asked: ReplaceFailed) -> Result<OneNetwork, Failure> {
    let (name, network) = find(call, asked.network.as_deref())?;
    let lock = lock_of(call, &network, asked.device_id)?;
    let device = call.device(asked.device_id)?.map(|device| device.display_name().to_owned());
    let wanted = Include { name: device, classes: classes(asked.security), pin: asked.pin, ..Include::default() };
    order(call, &name, NetworkCommand::ReplaceFailed(lock, wanted))
}

pub(super) fn await_device(call: &mut Call<'_, '_>, asked: AwaitDevice) -> Result<AwaitingNetwork, Failure> {
    let (name, network) = find(call, asked.network.as_deref())?;
    let label = match read_code(call, &name, &network, &asked.code)? {
        JoinCode::Label { label, joins_by_itself: None | Some(true) } => label,
        JoinCode::Label { .. } | JoinCode::InstallCode(_) => {
            let message = "is of a device that does not join by itself: add it with networks/include";
            return Err(ApiError::invalid("code", message).into());
        }
    };
    let awaited = Awaited { label, name: trimmed(asked.name), classes: classes(asked.security) };
    let awaited_device = AwaitedResource { label: awaited.label.shown(), name: awaited.name.clone() };
    let OneNetwork { network } = order(call, &name, NetworkCommand::Await(awaited))?;
    Ok(AwaitingNetwork { network, awaited_device })
}

pub(super) fn forget_device(call: &mut Call<'_, '_>, asked: ForgetDevice) -> Result<OneNetwork, Failure> {
    let (name, network) = find(call, asked.network.as_deref())?;
    if !network.awaited.iter().any(|(label, _)| *label == asked.label) {
        return Err(refusal(NetworkError::NoSuchDevice).into());
    }
    order(call, &name, NetworkCommand::Forget(asked.label))
}

pub(super) fn import_keys(call: &mut Call<'_, '_>, asked: ImportKeys) -> Result<OneNetwork, Failure> {
    let (name, _) = find(call, asked.network.as_deref())?;
    let keys = [
        (KeyName::S0, asked.s0),
        (KeyName::S2Unauthenticated, asked.s2_unauthenticated),
        (KeyName::S2Authenticated, asked.s2_authenticated),
        (KeyName::S2AccessControl, asked.s2_access_control),
        (KeyName::LongRangeS2Authenticated, asked.long_range_s2_authenticated),
        (KeyName::LongRangeS2AccessControl, asked.long_range_s2_access_control),
    ];
    let keys: BTreeMap<_, _> = keys.into_iter().filter_map(|(name, key)| Some((name, key?))).collect();
    if keys.is_empty() {
        return Err(ApiError::invalid("s2_access_control", "give this or another key").into());
    }
    order(call, &name, NetworkCommand::TakeKeys(keys))
}

pub(super) fn rebuild_routes(call: &mut Call<'_, '_>, asked: RebuildRoutes) -> Result<OneNetwork, Failure> {
    let (name, network) = find(call, asked.network.as_deref())?;
    let lock = asked.device_id.map(|device| lock_of(call, &network, device)).transpose()?;
    order(call, &name, NetworkCommand::RebuildRoutes(lock))
}

pub(super) fn leave(call: &mut Call<'_, '_>, asked: LeaveNetwork) -> Result<OneNetwork, Failure> {
    let name = named(call, &asked.network, &asked.identity)?;
    order(call, &name, NetworkCommand::Leave { network: asked.identity })
}

pub(super) fn reset(call: &mut Call<'_, '_>, asked: ResetNetwork) -> Result<OneNetwork, Failure> {
    let name = named(call, &asked.network, &asked.identity)?;
    order(call, &name, NetworkCommand::Reset { network: asked.identity })
}

/// A network that was named by its stick and its identity.
fn named(call: &Call<'_, '_>, name: &str, identity: &str) -> Result<Arc<str>, ApiError> {
    let (name, network) = find(call, Some(name))?;
    if network.identity.as_deref().is_some_and(|present| present != identity) {
        return Err(ApiError::invalid("identity", NetworkError::WrongNetwork.to_string()));
    }
    Ok(name)
}

fn desk_of(call: &Call<'_, '_>) -> Arc<Networks> {
    Arc::clone(&call.surroundings().networks)
}

fn find(call: &Call<'_, '_>, name: Option<&str>) -> Result<(Arc<str>, Network), ApiError> {
    let mut all = desk_of(call).all();
    let missing = |message: String| Err(ApiError::new("network_not_found", message));
    match name {
        Some(name) => match all.into_iter().find(|(known, _)| **known == *name) {
            Some(found) => Ok(found),
            None => missing("there is no stick of this name".to_owned()),
        },
        None if all.len() > 1 => {
            let names: Vec<&str> = all.iter().map(|(name, _)| &**name).collect();
            Err(ApiError::invalid("network", format!("there are several: {}", names.join(", "))))
        }
        None => match all.pop() {
            Some(found) => Ok(found),
            None => missing("no stick is configured".to_owned()),
        },
    }
}

fn order(call: &mut Call<'_, '_>, name: &str, command: NetworkCommand) -> Result<OneNetwork, Failure> {
    desk_of(call).order(name, command).map_err(refusal)?;
    show(call, name)
}

fn show(call: &mut Call<'_, '_>, name: &str) -> Result<OneNetwork, Failure> {
    let (name, network) = find(call, Some(name))?;
    Ok(OneNetwork { network: NetworkResource::new(call, &name, &network)? })
}

fn refusal(error: NetworkError) -> ApiError {
    let kind = match error {
        NetworkError::Busy | NetworkError::NotAsked => "conflict",
        NetworkError::StickGone => "network_unavailable",
        NetworkError::NoSuchDevice => "device_not_found",
        other => other.name(),
    };
    ApiError::new(kind, error.to_string())
}

fn read_code(call: &Call<'_, '_>, name: &str, network: &Network, text: &str) -> Result<JoinCode, ApiError> {
    desk_of(call).read_code(name, network.kind, text).map_err(|message| ApiError::invalid("code", message))
}

fn lock_of(call: &mut Call<'_, '_>, network: &Network, device: DeviceId) -> Result<LockId, Failure> {
    let device = call.device(device)?.ok_or_else(no_device)?;
    let here = device.address.kind == network.kind && Some(&device.address.network) == network.identity.as_ref();
    if here { Ok(device.address.lock) } else { Err(refusal(NetworkError::NoSuchDevice).into()) }
}

fn classes(asked: Option<Vec<KeyClass>>) -> BTreeSet<KeyClass> {
    asked.map_or_else(|| Include::default().classes, |classes| classes.into_iter().collect())
}

fn trimmed(name: Option<String>) -> Option<String> {
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}
