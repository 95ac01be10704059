//! What locks tell without being asked: state, events, and slots to be read again.

use keyway_lock::{LockEvent, SlotNumber, UnlockSource};
use serde_json::{Map, json};

use super::battery;
use super::facts;
use super::outcome;
use super::tamper;
use crate::model::{
    AccessCode, ActionAttemptId, ActionType, CodeOrigin, Device, DeviceId, EventSubject, EventType, Gone, Presence,
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
            if news { unit.emit(EventType::DeviceJammed, id, Map::new()) } else { Ok(()) }
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
        LockEvent::InvalidCode => unit.emit(EventType::LockAccessDenied, id, Map::new()),
        LockEvent::Tamper => unit.emit(EventType::DeviceTampered, id, Map::new()),
        LockEvent::DoorOpen(open) => {
            let news = device.state.door_open != Some(*open);
            facts::change_state(unit, &mut device, |state| state.door_open = Some(*open))?;
            let event = if *open { EventType::DeviceDoorOpened } else { EventType::DeviceDoorClosed };
            if news { unit.emit(event, id, Map::new()) } else { Ok(()) }
        }
        LockEvent::Battery { percent, low } => battery::told(unit, &mut device, *percent, *low),
        LockEvent::BatteryDetails(details) => battery::details(unit, &mut device, *details),
        LockEvent::DoorLeftOpen => {
            facts::change_state(unit, &mut device, |state| state.door_open = Some(true))?;
            unit.emit(EventType::DeviceDoorLeftOpen, id, Map::new())
        }
        LockEvent::Reset => {
            unit.forget_slots(id)?;
            forget_proofs(unit, id)?;
            facts::change_state(unit, &mut device, |state| state.gone = Some(Gone::Reset))?;
            outcome::lost(unit, &mut device)
        }
    }
}

/// A lock that was reset has most likely lost its codes: none of them is claimed to be in it any more, nor to be gone.
fn forget_proofs(unit: &mut Unit<'_>, device: DeviceId) -> Result<(), StoreError> {
    for code in unit.codes_in_lock(device)? {
        if matches!(code.presence, Presence::Proven(..)) {
            unit.update_code(&AccessCode { presence: Presence::Unproven, ..code })?;
        }
    }
    Ok(())
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
    let mut details = Map::from_iter([("method".to_owned(), json!(method_name(source)))]);
    let mut subject = EventSubject::from(id);
    if let Some(acting) = acting.filter(|_| source == UnlockSource::Remote) {
        // The next attempt may have begun when the report of the one before comes in.
        let wanted = if locked { ActionType::LockDoor } else { ActionType::UnlockDoor };
        let attempt = unit.action_attempt(acting)?.filter(|attempt| attempt.action_type == wanted);
        subject.action_attempt_id = attempt.map(|attempt| attempt.action_attempt_id);
    }
    if let Some(slot) = slot {
        let user = unit.codes_in_lock(id)?.into_iter().find(|code| code.slot == slot);
        let managed = user.as_ref().is_some_and(|code| code.origin != CodeOrigin::Hand);
        details.insert("access_code_is_managed".to_owned(), json!(managed));
        if let Some(code) = user {
            unit.note(code.access_code_id, &JournalEntry::Used)?;
            subject = (&code).into();
        } else if let Some((user, _)) = unmanaged_user(unit, id, slot)? {
            subject = user;
        }
    }
    let event = if locked { EventType::LockLocked } else { EventType::LockUnlocked };
    unit.emit(event, subject, details)
}

/// Seam's word for what moved a bolt.
pub(super) fn method_name(source: UnlockSource) -> &'static str {
    match source {
        UnlockSource::Keypad => "keycode",
        UnlockSource::Manual => "manual",
        UnlockSource::Remote => "remote",
        UnlockSource::Automatic => "automatic",
        UnlockSource::Unknown => "unknown",
    }
}

/// Whose code it is, if somebody put it into this slot by hand; never a managed one.
pub(super) fn unmanaged_user(
    unit: &mut Unit<'_>,
    device: DeviceId,
    slot: SlotNumber,
) -> Result<Option<(EventSubject, bool)>, StoreError> {
    let code = unit.unmanaged_in(device, slot)?;
    let subject = |id| EventSubject { access_code_id: Some(id), ..EventSubject::from(device) };
    Ok(code.map(|code| (subject(code.access_code_id), false)))
}
