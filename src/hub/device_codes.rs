//! Codes that the host makes directly on devices, without a grant; and codes that somebody put in by hand, taken over or
//! ordered out when the host asks for that (I3).

use keyway_lock::{Evidence, Pin, SlotContent};
use serde_json::{Map, json};

use super::grant_order::check_usable;
use super::outcome::{Failure, no_access_code};
use super::promise::{self, Times, Wanted, ids, moment, refusal};
use crate::model::{
    AccessCode, AccessCodeId, ApiError, CodeOrigin, Device, DeviceCode, EventType, Presence, Timestamp, UnmanagedCode,
    Window,
};
use crate::plan::pin;
use crate::plan::warn::{self, Health};
use crate::store::{CodeFilter, JournalEntry, StoreError, Unit};

/// A code to be made on one device, or on several with the same PIN.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) made: DeviceCode,
    pub(super) code: Option<Pin>,
    pub(super) preferred_length: Option<u8>,
    pub(super) times: Times,
}

/// What is to be changed of a code; `None`: stays.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    pub(super) name: Option<Option<String>>,
    pub(super) code: Option<Pin>,
    pub(super) times: Option<Times>,
    pub(super) is_external_modification_allowed: Option<bool>,
}

/// A code that may be changed by itself.
///
/// # Errors
/// When there is none of that id, or it is a grant's.
pub(super) fn find(unit: &mut Unit<'_>, id: AccessCodeId) -> Result<AccessCode, Failure> {
    let code = unit.code(id)?.filter(|code| code.deleted_at.is_none()).ok_or_else(no_access_code)?;
    match code.access_grant_id() {
        None => Ok(code),
        Some(grant) => {
            let message = format!("belongs to access grant {grant}: change or delete that, or one of its methods");
            Err(ApiError::invalid("access_code_id", message).into())
        }
    }
}

/// Makes a code on each of these devices, all with the same PIN: that of the codes with the same key, if there are any.
pub(super) fn make(unit: &mut Unit<'_>, devices: &[Device], order: Order) -> Result<Vec<AccessCode>, Failure> {
    let tables = promise::tables(unit, devices, &order.times.window)?;
    let shared = match &order.made.common_code_key {
        Some(key) => shared_by(unit, key)?.into_iter().find_map(|code| code.pin),
        None => None,
    };
    if let (Some(asked), Some(shared)) = (&order.code, &shared)
        && asked != shared
    {
        return Err(ApiError::invalid("code", "the codes with this common_code_key have another PIN").into());
    }
    let asked = shared.or(order.code);
    let field = if asked.is_some() { "code" } else { "device_id" };
    let wanted = Wanted { code: asked.as_ref(), preferred_length: order.preferred_length, field };
    let pin = promise::pin(unit, devices, &tables, &order.times.window, &wanted)?;
    let refused_length = order.preferred_length.filter(|length| usize::from(*length) != pin.digits());
    let origin = CodeOrigin::Device(DeviceCode { refused_length, ..order.made });
    let doors = devices.iter().zip(&tables).zip(ids(unit, devices.len()));
    doors.map(|(door, id)| promise::reserve(unit, door, id, origin.clone(), &pin, &order.times)).collect()
}

fn shared_by(unit: &mut Unit<'_>, key: &str) -> Result<Vec<AccessCode>, StoreError> {
    let filter = CodeFilter { common_code_key: Some(key.to_owned()), not_deleted: true, ..CodeFilter::default() };
    unit.codes(&filter)
}

/// Changes a code of [`find`]. What somebody did to it at the lock is put right with that, and what its lock refused is
/// tried again.
pub(super) fn update(unit: &mut Unit<'_>, code: &AccessCode, change: Change) -> Result<AccessCode, Failure> {
    if let Some(times) = &change.times {
        promise::retime(unit, code, times)?;
    }
    let now = unit.code(code.access_code_id)?.ok_or_else(no_access_code)?;
    let mut now = promise::try_again(unit, now)?;
    if let Some(pin) = change.code.filter(|pin| now.pin.as_ref() != Some(pin)) {
        now = change_pin(unit, now, pin)?;
    }
    let mut made = now.device_code().cloned().unwrap_or_default();
    let old_name = made.name.clone();
    made.name = change.name.unwrap_or(made.name);
    made.is_external_modification_allowed =
        change.is_external_modification_allowed.unwrap_or(made.is_external_modification_allowed);
    let new_name = made.name.clone();
    let by_hand = now.problem.as_ref().is_some_and(|problem| problem.kind.is_by_hand());
    let problem = now.problem.clone().filter(|_| !by_hand);
    let new = AccessCode { origin: CodeOrigin::Device(made), problem, ..now };
    unit.update_code(&new)?;
    if old_name != new_name {
        let details = promise::change("its name", json!({"name": old_name}), json!({"name": new_name}));
        unit.emit(EventType::AccessCodeNameChanged, &new, details)?;
    }
    if new != *code {
        unit.emit(EventType::AccessCodeChanged, &new, Map::new())?;
    }
    Ok(new)
}

/// Gives a code another PIN. What is in the lock of the old one is taken out like a code that is over.
fn change_pin(unit: &mut Unit<'_>, code: AccessCode, pin: Pin) -> Result<AccessCode, Failure> {
    let Some(device) = unit.device(code.device_id)? else { return Ok(code) };
    if let Some(key) = code.device_code().and_then(|made| made.common_code_key.as_deref())
        && shared_by(unit, key)?.len() > 1
    {
        let message = "other codes share this PIN by their common_code_key: delete them all, and make them anew";
        return Err(ApiError::invalid("code", message).into());
    }
    let table = promise::tables(unit, std::slice::from_ref(&device), &code.window)?.remove(0);
    let door = pin::Door::new(&table, &code.window, Some(code.access_code_id));
    pin::check(&pin, &[door]).map_err(|reason| refusal("code", &reason, |_| Some(&device)))?;
    let before = code.problem.clone();
    let mut new = AccessCode {
        pin: Some(pin),
        presence: Presence::Absent,
        kept: None,
        problem: None,
        ordered_at: unit.now(),
        ..code.clone()
    };
    if code.presence != Presence::Absent {
        let former = AccessCode {
            access_code_id: unit.id(),
            origin: CodeOrigin::Former { access_code_id: code.access_code_id },
            deleted_at: Some(unit.now()),
            problem: None,
            ..code
        };
        unit.insert_code(&former)?;
    }
    new.problem = warn::problem(&new, Health::of(&device, false), moment(unit.now()));
    unit.update_code(&new)?;
    // Never from and to: these are PINs.
    unit.emit(EventType::AccessCodeCodeChanged, &new, Map::new())?;
    promise::tell_problem(unit, before.as_ref(), &new)?;
    Ok(new)
}

/// Deletes a code of [`find`].
pub(super) fn delete(unit: &mut Unit<'_>, code: &AccessCode) -> Result<(), Failure> {
    Ok(promise::take_back(unit, code)?)
}

/// Takes a code over that somebody put in by hand: from now on it is the hub's, ongoing, until the host changes it.
///
/// # Errors
/// When there is none of that id, or its PIN is not known, or would be confused with another code's.
pub(super) fn take_over(
    unit: &mut Unit<'_>,
    id: AccessCodeId,
    is_external_modification_allowed: bool,
) -> Result<AccessCode, Failure> {
    let (found, device) = by_hand(unit, id)?;
    let SlotContent::Code(pin) = &found.content else {
        let message = "the lock does not show its PIN: it can only be deleted, and made anew with a PIN that is known";
        return Err(ApiError::invalid("access_code_id", message).into());
    };
    let now = unit.now();
    let window = Window { starts_at: now, ends_at: None };
    let mut table = promise::tables(unit, std::slice::from_ref(&device), &window)?.remove(0);
    let shown = table.words.remove(&found.slot).filter(|word| word.content == found.content);
    pin::check(pin, &[pin::Door::new(&table, &window, None)])
        .map_err(|reason| refusal("access_code_id", &reason, |_| Some(&device)))?;
    let presence = shown.map_or(Presence::Unproven, |word| Presence::Proven(Evidence::ReadBack, word.told_at));
    let made = DeviceCode { is_external_modification_allowed, ..DeviceCode::default() };
    let code = AccessCode { presence, ..taken(&found, CodeOrigin::Device(made), window, Some(pin.clone()), now) };
    // What was reserved there for later makes way.
    promise::slot_for(unit, &device, &table, &code, &window)?;
    replace(unit, &code, &JournalEntry::TakenOver)?;
    unit.emit(EventType::AccessCodeUnmanagedConverted, &code, Map::new())?;
    Ok(code)
}

/// Has a code taken out that somebody put in by hand. The order is for what is in the slot now: if something else is in
/// it when the lock can be reached, it lapses.
///
/// # Errors
/// When there is none of that id, or the lock says that the slot can't be used.
pub(super) fn order_out(unit: &mut Unit<'_>, id: AccessCodeId) -> Result<(), Failure> {
    let (found, _) = by_hand(unit, id)?;
    let pin = match &found.content {
        SlotContent::Code(pin) => Some(pin.clone()),
        SlotContent::Hidden => None,
        SlotContent::Free | SlotContent::Unusable => {
            let message = "the lock says that this slot can't be used: see to it at the lock";
            return Err(ApiError::invalid("access_code_id", message).into());
        }
    };
    let window = Window { starts_at: found.created_at, ends_at: None };
    let now = unit.now();
    let code = AccessCode { deleted_at: Some(now), ..taken(&found, CodeOrigin::Hand, window, pin, now) };
    replace(unit, &code, &JournalEntry::OrderedOut)?;
    Ok(unit.emit(EventType::AccessCodeDeleted, &code, Map::new())?)
}

/// A code that is not ours, on a device that may be written to.
fn by_hand(unit: &mut Unit<'_>, id: AccessCodeId) -> Result<(UnmanagedCode, Device), Failure> {
    let found = unit.unmanaged_code(id)?.ok_or_else(no_access_code)?;
    let device = unit.device(found.device_id)?.ok_or_else(no_access_code)?;
    check_usable(&device).map_err(|message| ApiError::invalid("access_code_id", message))?;
    Ok((found, device))
}

/// It keeps its id: the host knows it by that.
fn taken(found: &UnmanagedCode, origin: CodeOrigin, window: Window, pin: Option<Pin>, now: Timestamp) -> AccessCode {
    AccessCode {
        access_code_id: found.access_code_id,
        origin,
        device_id: found.device_id,
        slot: found.slot,
        pin,
        window,
        schedule: None,
        deleted_at: None,
        presence: Presence::Unproven,
        kept: None,
        problem: None,
        created_at: found.created_at,
        ordered_at: now,
    }
}

fn replace(unit: &mut Unit<'_>, code: &AccessCode, entry: &JournalEntry) -> Result<(), StoreError> {
    unit.delete_unmanaged(code.access_code_id)?;
    unit.insert_code(code)?;
    unit.note(code.access_code_id, entry)
}
