//! What locks tell without being asked: state, events, and slots to be read again.

use keyway_lock::{LockEvent, LockInfo, SlotNumber, UnlockSource};
use serde_json::{Map, Value, json};

use super::battery;
use super::codes;
use super::facts;
use super::outcome;
use super::tamper;
use crate::model::{
    ActionAttemptId, ActionType, Device, DeviceId, DeviceState, EventSubject, EventType, Presence, RadioAddress,
};
use crate::store::{JournalEntry, StoreError, Unit};

/// What a lock told, and what this run knows that belongs to it.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) event: LockEvent,
    /// It is only the echo of our own command.
    pub(super) is_echo: bool,
    /// The attempt that the lock is, or just was, at work on.
    pub(super) acting: Option<ActionAttemptId>,
}

/// A lock is in the network: a new device, or a known one that may have changed. `info`: its interview is done.
pub(super) fn enlisted(
    unit: &mut Unit<'_>,
    address: &RadioAddress,
    name: Option<&str>,
    info: Option<LockInfo>,
) -> Result<DeviceId, StoreError> {
    let known = unit.device_by_address(address)?;
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
            state: DeviceState::default(),
            created_at: unit.now(),
        };
        unit.insert_device(&device)?;
        if device.info.is_some() {
            tell(unit, EventType::DeviceAdded, device.device_id, Map::new())?;
        }
        return Ok(device.device_id);
    };
    // An interview that is under way again takes nothing away from what is known.
    if info.is_some() && device.info != info {
        let first = device.info.is_none();
        device.info = info;
        unit.update_device(&device)?;
        if first {
            tell(unit, EventType::DeviceAdded, device.device_id, Map::new())?;
        }
        // It may take now what it refused before.
        tamper::slot_got_free(unit, device.device_id)?;
    }
    Ok(device.device_id)
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
    let taken = unit.devices()?.iter().any(|device| device.name == name);
    Ok(if taken { format!("{name} {}", address.lock) } else { name.to_owned() })
}

/// A lock told something.
pub(super) fn told(unit: &mut Unit<'_>, device: DeviceId, told: &Told) -> Result<(), StoreError> {
    let Some(mut device) = unit.device(device)? else { return Ok(()) };
    outcome::heard(unit, &mut device)?;
    let id = device.device_id;
    match &told.event {
        LockEvent::Unlocked { source, slot } => bolt(unit, &mut device, false, *source, *slot, told.acting),
        LockEvent::Locked { source, slot } => bolt(unit, &mut device, true, *source, *slot, told.acting),
        LockEvent::Bolt(locked) => facts::change_state(unit, &mut device, |state| {
            state.locked = Some(*locked);
            state.jammed = false;
        }),
        LockEvent::Jammed => {
            let news = !device.state.jammed;
            facts::change_state(unit, &mut device, |state| state.jammed = true)?;
            if news { tell(unit, EventType::DeviceJammed, id, Map::new()) } else { Ok(()) }
        }
        LockEvent::CodeAdded(slot) if !told.is_echo => slot_changed(unit, id, *slot),
        LockEvent::CodeDeleted(slot) if !told.is_echo => {
            slot_changed(unit, id, *slot)?;
            tamper::slot_got_free(unit, id)
        }
        LockEvent::AllCodesDeleted => {
            unit.forget_slots(id)?;
            tamper::slot_got_free(unit, id)
        }
        // Ours is answered by its command; a person's is for that person to see.
        LockEvent::CodeAdded(_) | LockEvent::CodeDeleted(_) | LockEvent::DuplicateCode(_) => Ok(()),
        LockEvent::InvalidCode => tell(unit, EventType::LockAccessDenied, id, Map::new()),
        LockEvent::Tamper => tell(unit, EventType::DeviceTampered, id, Map::new()),
        LockEvent::DoorOpen(open) => {
            let news = device.state.door_open != Some(*open);
            facts::change_state(unit, &mut device, |state| state.door_open = Some(*open))?;
            let event = if *open { EventType::DeviceDoorOpened } else { EventType::DeviceDoorClosed };
            if news { tell(unit, event, id, Map::new()) } else { Ok(()) }
        }
        LockEvent::Battery { percent, low } => battery::told(unit, &mut device, *percent, *low),
        LockEvent::Reset => {
            unit.forget_slots(id)?;
            outcome::lost(unit, &mut device)
        }
    }
}

fn slot_changed(unit: &mut Unit<'_>, device: DeviceId, slot: Option<SlotNumber>) -> Result<(), StoreError> {
    match slot {
        Some(slot) => tamper::changed_by_hand(unit, device, slot),
        None => unit.forget_slots(device),
    }
}

fn bolt(
    unit: &mut Unit<'_>,
    device: &mut Device,
    locked: bool,
    source: UnlockSource,
    slot: Option<SlotNumber>,
    acting: Option<ActionAttemptId>,
) -> Result<(), StoreError> {
    facts::change_state(unit, device, |state| {
        state.locked = Some(locked);
        state.jammed = false;
    })?;
    let id = device.device_id;
    let method = match source {
        UnlockSource::Keypad => "keycode",
        UnlockSource::Manual => "manual",
        UnlockSource::Remote => "remote",
        UnlockSource::Automatic => "automatic",
        UnlockSource::Unknown => "unknown",
    };
    let mut details = Map::from_iter([("method".to_owned(), json!(method))]);
    let mut subject = EventSubject { device_id: Some(id), ..EventSubject::default() };
    if let Some(acting) = acting.filter(|_| source == UnlockSource::Remote) {
        // The next attempt may have begun when the report of the one before comes in.
        let wanted = if locked { ActionType::LockDoor } else { ActionType::UnlockDoor };
        let attempt = unit.action_attempt(acting)?.filter(|attempt| attempt.action_type == wanted);
        subject.action_attempt_id = attempt.map(|attempt| attempt.action_attempt_id);
    }
    if let Some(slot) = slot {
        let codes = unit.live_codes(id)?;
        let user = codes.into_iter().find(|code| code.slot == slot && code.presence != Presence::Absent);
        details.insert("access_code_is_managed".to_owned(), json!(user.is_some()));
        if let Some(code) = user {
            unit.note(code.access_code_id, &JournalEntry::Used)?;
            subject = codes::subject(&code);
        } else if let Some(code) = unit.unmanaged_codes(id)?.into_iter().find(|code| code.slot == slot) {
            subject.access_code_id = Some(code.access_code_id);
        }
    }
    let event = if locked { EventType::LockLocked } else { EventType::LockUnlocked };
    unit.emit(event, subject, details)
}

fn tell(
    unit: &mut Unit<'_>,
    event: EventType,
    device: DeviceId,
    details: Map<String, Value>,
) -> Result<(), StoreError> {
    unit.emit(event, EventSubject { device_id: Some(device), ..EventSubject::default() }, details)
}
