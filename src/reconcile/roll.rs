//! Which locks there are: those that a stick tells of, and those that none tells of any more.

use std::collections::BTreeSet;

use keyway_lock::{InterviewProgress, LinkReport, LockId, LockInfo};
use serde_json::{Map, json};

use super::tamper;
use crate::model::{Device, DeviceId, DeviceState, EventType, Gone, RadioAddress, RadioKind};
use crate::store::{StoreError, Unit};

/// A lock is in the network: a new device, or a known one that may have changed. `info`: its interview is done.
pub(super) fn enlisted(
    unit: &mut Unit<'_>,
    address: &RadioAddress,
    name: Option<&str>,
    info: Option<LockInfo>,
) -> Result<DeviceId, StoreError> {
    let known = match unit.device_by_address(address)? {
        None => returned(unit, address)?,
        known => known,
    };
    let Some(mut device) = known else {
        let device = Device {
            device_id: unit.id(),
            name: new_name(unit, address, name, info.as_ref())?,
            nickname: None,
            custom_metadata: Map::new(),
            is_managed: true,
            is_configured: true,
            address: address.clone(),
            info,
            interview: InterviewProgress::Idle,
            link: None,
            state: DeviceState::default(),
            created_at: unit.now(),
        };
        unit.insert_device(&device)?;
        if device.info.is_some() {
            unit.emit(EventType::DeviceAdded, device.device_id, Map::new())?;
        }
        return Ok(device.device_id);
    };
    rename(unit, &mut device, name)?;
    if device.state.gone.take().is_some() && device.is_configured {
        unit.update_device(&device)?;
    }
    if !device.is_configured {
        device.is_configured = true;
        unit.update_device(&device)?;
        unit.emit(EventType::DeviceAdded, device.device_id, Map::new())?;
    }
    // An interview that is under way again takes nothing away from what is known.
    if info.is_some() && device.info != info {
        let first = device.info.is_none();
        let before = std::mem::replace(&mut device.info, info);
        unit.update_device(&device)?;
        settings_changed(unit, &device, before.as_ref())?;
        if first {
            unit.emit(EventType::DeviceAdded, device.device_id, Map::new())?;
        }
        // It may take now what it refused before.
        tamper::slot_got_free(unit, device.device_id)?;
    }
    Ok(device.device_id)
}

/// A Z-Wave lock that was taken out gets another number when it is added again. By its label, which is its own for life and
/// which it has proven, it is the device that it was, with its name, its spaces and its grants.
pub(super) fn returned_by_label(unit: &mut Unit<'_>, address: &RadioAddress, label: &str) -> Result<(), StoreError> {
    if unit.device_by_address(address)?.is_some() {
        return Ok(());
    }
    // One that is still driven under another number is not known to be gone from there.
    let former = unit.devices_labelled(label)?.into_iter().rfind(|device| !device.is_configured);
    match former {
        Some(device) => unit.update_device(&Device { address: address.clone(), ..device }),
        None => Ok(()),
    }
}

/// The lock has proven that this is what its label shows.
pub(super) fn labelled(unit: &mut Unit<'_>, address: &RadioAddress, label: &str) -> Result<(), StoreError> {
    match unit.device_by_address(address)? {
        Some(device) => unit.label_device(device.device_id, label),
        None => Ok(()),
    }
}

/// A Zigbee lock that was taken out of this network and is in it again: what tells it from others is its own for life, so it
/// is the device that it was, with its name, its spaces and its grants.
fn returned(unit: &mut Unit<'_>, address: &RadioAddress) -> Result<Option<Device>, StoreError> {
    if address.kind != RadioKind::Zigbee {
        return Ok(None);
    }
    let before = former_network(&address.network);
    let is_it = |device: &Device| {
        let RadioAddress { kind, network, lock } = &device.address;
        *kind == address.kind && *lock == address.lock && network.starts_with(&before)
    };
    let Some(device) = unit.devices()?.into_iter().rev().find(is_it) else { return Ok(None) };
    let device = Device { address: address.clone(), ..device };
    unit.update_device(&device)?;
    Ok(Some(device))
}

/// With what the network of a lock begins that has left this one; the rest says when.
fn former_network(network: &str) -> String {
    format!("{network} until ")
}

/// What a host must hear of at once: whom the keypad lets in.
fn settings_changed(unit: &mut Unit<'_>, device: &Device, before: Option<&LockInfo>) -> Result<(), StoreError> {
    let mode = |info: &LockInfo| info.settings.keypad.as_ref().map(|keypad| keypad.mode);
    let (was, is) = (before.and_then(mode), device.info.as_ref().and_then(mode));
    match is.filter(|_| was.is_some() && was != is) {
        Some(mode) => {
            let details = Map::from_iter([("keypad_mode".to_owned(), json!(mode.name()))]);
            unit.emit(EventType::DeviceKeypadModeChanged, device.device_id, details)
        }
        None => Ok(()),
    }
}

/// How far a lock is being asked what it can do. What the interview found was told before its end.
pub(super) fn interviewing(
    unit: &mut Unit<'_>,
    address: &RadioAddress,
    progress: InterviewProgress,
) -> Result<(), StoreError> {
    let Some(mut device) = unit.device_by_address(address)? else { return Ok(()) };
    let over = progress == InterviewProgress::Idle && device.interview != InterviewProgress::Idle;
    device.interview = progress;
    unit.update_device(&device)?;
    if !over {
        return Ok(());
    }
    let missing = device.info.map_or_else(Vec::new, |info| info.missing);
    let details = Map::from_iter([("missing".to_owned(), json!(missing))]);
    unit.emit(EventType::DeviceInterviewed, device.device_id, details)
}

/// How well a lock is reached. A host is told when that turns bad or good.
pub(super) fn linked(unit: &mut Unit<'_>, address: &RadioAddress, report: LinkReport) -> Result<(), StoreError> {
    let Some(mut device) = unit.device_by_address(address)? else { return Ok(()) };
    let was_bad = device.link.as_ref().and_then(LinkReport::trouble).is_some();
    let is_bad = report.trouble().is_some();
    device.link = Some(report);
    unit.update_device(&device)?;
    let event = match (was_bad, is_bad) {
        (false, true) => EventType::DeviceBecameFlaky,
        (true, false) => EventType::DeviceStabilized,
        _ => return Ok(()),
    };
    unit.emit(event, device.device_id, Map::new())
}

/// No interview is under way any more: the hub was started anew.
pub(super) fn interview_broken_off(unit: &mut Unit<'_>, device: DeviceId) -> Result<(), StoreError> {
    let Some(device) = unit.device(device)? else { return Ok(()) };
    unit.update_device(&Device { interview: InterviewProgress::Idle, ..device })
}

/// The configured name, else the model's; with the lock's number where that is not unique.
fn new_name(
    unit: &mut Unit<'_>,
    address: &RadioAddress,
    name: Option<&str>,
    info: Option<&LockInfo>,
) -> Result<String, StoreError> {
    let name = name.or(info.map(|info| info.model.as_str())).map_or("", str::trim);
    let name = if name.is_empty() { "Lock" } else { name };
    let taken = unit.is_name_taken(name, address)?;
    Ok(if taken { format!("{name} {}", address.lock) } else { name.to_owned() })
}

/// It was given another name in the configuration.
fn rename(unit: &mut Unit<'_>, device: &mut Device, name: Option<&str>) -> Result<(), StoreError> {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(()) };
    let name = new_name(unit, &device.address, Some(name), None)?;
    if name == device.name {
        return Ok(());
    }
    let shown = device.display_name().to_owned();
    device.name = name;
    unit.update_device(device)?;
    if device.display_name() == shown {
        return Ok(());
    }
    let details = Map::from_iter([("device_name".to_owned(), json!(device.display_name()))]);
    unit.emit(EventType::DeviceNameChanged, device.device_id, details)
}

/// Which locks there are on a network: what is configured, and what the stick told of.
#[derive(Debug, Clone)]
pub(super) struct Census {
    pub(super) kind: RadioKind,
    pub(super) network: String,
    pub(super) locks: BTreeSet<LockId>,
}

/// Locks that are not in the census of their network are not driven any more. Of those on another network nothing is
/// known, unless these are `all`. Gives those that were removed.
pub(super) fn counted(unit: &mut Unit<'_>, networks: &[Census], all: bool) -> Result<Vec<DeviceId>, StoreError> {
    let mut removed = Vec::new();
    for device in unit.devices()?.into_iter().filter(|device| device.is_configured) {
        let RadioAddress { kind, network, lock } = &device.address;
        let its = networks.iter().find(|census| census.kind == *kind && census.network == *network);
        if its.map_or(all, |census| !census.locks.contains(lock)) {
            removed.push(device.device_id);
            remove(unit, device)?;
        }
    }
    Ok(removed)
}

/// A lock has left its network. Its address is another's from now on, if the number is given again: a lock of the same
/// number is another lock.
pub(super) fn left(unit: &mut Unit<'_>, device: DeviceId) -> Result<(), StoreError> {
    let Some(mut device) = unit.device(device)? else { return Ok(()) };
    device.state.gone = device.state.gone.or(Some(Gone::TakenOut));
    device.address.network = format!("{}{}", former_network(&device.address.network), unit.now());
    unit.forget_slots(device.device_id)?;
    remove(unit, device)
}

/// A lock is not driven any more. Its codes stay as they are: nobody can take them out but a person at the lock.
fn remove(unit: &mut Unit<'_>, mut device: Device) -> Result<(), StoreError> {
    device.is_configured = false;
    device.state.online = false;
    unit.update_device(&device)?;
    let reason = match device.state.gone {
        Some(Gone::Reset) => "reset_at_the_lock",
        Some(Gone::TakenOut) => "left_the_network",
        None => "not_configured",
    };
    let details = Map::from_iter([("reason".to_owned(), json!(reason))]);
    unit.emit(EventType::DeviceRemoved, device.device_id, details)
}
