//! What a door is promised for a code: a PIN that it takes, and a slot reserved for the whole window. Codes of grants
//! and codes made on one device are made, moved and taken back the same way.

use keyway_lock::{Pin, SlotNumber};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::grant_order::check_usable;
use super::outcome::Failure;
use crate::model::{
    AccessCode, AccessCodeId, ApiError, CodeOrigin, CodeProblem, Device, EventType, Presence, ProblemKind, Schedule,
    Timestamp, Window,
};
use crate::plan::pin::{self, NoPin};
use crate::plan::warn::{self, Health};
use crate::plan::{Moment, SlotTable, fit, slot};
use crate::store::{StoreError, Unit};

/// When a code is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) window: Window,
    pub(super) schedule: Option<Schedule>,
}

impl Times {
    pub(super) fn of(code: &AccessCode) -> Self {
        Self { window: code.window, schedule: code.schedule.clone() }
    }
}

/// The PIN that is asked for: this one, or one that the hub chooses.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'a> {
    pub(super) code: Option<&'a Pin>,
    pub(super) preferred_length: Option<u8>,
    /// The parameter that is refused if none can be had.
    pub(super) field: &'a str,
}

/// The slots of each door, as the hub knows them, with the codes that a new one for this window may meet.
pub(super) fn tables(unit: &mut Unit<'_>, devices: &[Device], window: &Window) -> Result<Vec<SlotTable>, Failure> {
    devices.iter().map(|device| table_within(unit, device, window)).collect()
}

fn table_within(unit: &mut Unit<'_>, device: &Device, window: &Window) -> Result<SlotTable, Failure> {
    let codes = unit.live_codes_within(device.device_id, window)?;
    table_of(unit, device, codes)
}

/// What lies between the beginning of the one that begins first and the end of the one that ends last.
fn around(one: &Window, other: &Window) -> Window {
    let ends_at = one.ends_at.zip(other.ends_at).map(|(one, other)| one.max(other));
    Window { starts_at: one.starts_at.min(other.starts_at), ends_at }
}

/// The slots of a door with all codes that wait for them.
fn table(unit: &mut Unit<'_>, device: &Device) -> Result<SlotTable, Failure> {
    let codes = unit.live_codes(device.device_id)?;
    table_of(unit, device, codes)
}

fn table_of(unit: &mut Unit<'_>, device: &Device, codes: Vec<AccessCode>) -> Result<SlotTable, Failure> {
    let capabilities = device.info.as_ref().map(|info| info.capabilities.clone());
    let capabilities = capabilities.ok_or_else(|| ApiError::invalid("device_ids", "is not ready yet"))?;
    let words = unit.slots(device.device_id)?.into_iter().map(|word| (word.report, word.told_at));
    Ok(SlotTable::new(capabilities, words, codes))
}

/// One PIN that suits all doors for a window.
pub(super) fn pin(
    unit: &mut Unit<'_>,
    devices: &[Device],
    tables: &[SlotTable],
    window: &Window,
    wanted: &Wanted<'_>,
) -> Result<Pin, ApiError> {
    let doors: Vec<pin::Door> = tables.iter().map(|table| pin::Door::new(table, window, None)).collect();
    let pin = match wanted.code {
        Some(pin) => pin::check(pin, &doors).map(|()| pin.clone()),
        None => pin::choose(unit.rng(), &doors, wanted.preferred_length),
    };
    pin.map_err(|reason| refusal(wanted.field, &reason, |door| devices.get(door)))
}

/// A code that waits outside its lock, in a slot reserved for its window.
pub(super) fn reserve(
    unit: &mut Unit<'_>,
    (device, table): (&Device, &SlotTable),
    id: AccessCodeId,
    origin: CodeOrigin,
    pin: &Pin,
    times: &Times,
) -> Result<AccessCode, Failure> {
    let now = unit.now();
    let slot = match slot::choose(table, &times.window, None, now) {
        Ok(slot) => slot,
        // From when on there is room again hangs on all that wait.
        Err(_) => slot::choose(&self::table(unit, device)?, &times.window, None, now)
            .map_err(|full| ApiError::invalid("device_ids", format!("{}: {full}", device.display_name())))?,
    };
    let code = waiting(unit, device, id, origin, slot, pin, times);
    Ok(insert(unit, device, code)?)
}

/// As [`reserve`], for a door that was not asked beforehand: where it can't take the code, that is its problem, and a
/// person's.
pub(super) fn reserve_or_tell(
    unit: &mut Unit<'_>,
    device: &Device,
    origin: CodeOrigin,
    pin: &Pin,
    times: &Times,
) -> Result<AccessCode, Failure> {
    let now = unit.now();
    let id = unit.id();
    let slot = match &device.info {
        Some(_) if device.takes_codes() => fit::one_more(&table(unit, device)?, pin, &times.window, now),
        _ => check_usable(device).and(Err("it is not known what it can take".to_owned())),
    };
    let (slot, reason) = match slot {
        Ok(slot) => (slot, None),
        // It has no slot before it fits; which one is named here means nothing.
        Err(reason) => (SlotNumber(1), Some(reason)),
    };
    let mut code = waiting(unit, device, id, origin, slot, pin, times);
    let Some(reason) = reason else { return Ok(insert(unit, device, code)?) };
    let message = format!("{reason}: make room, or make another grant for this door");
    code.problem = Some(CodeProblem { kind: ProblemKind::FailedToSet, message, since: now });
    Ok(insert(unit, device, code)?)
}

fn waiting(
    unit: &Unit<'_>,
    device: &Device,
    id: AccessCodeId,
    origin: CodeOrigin,
    slot: SlotNumber,
    pin: &Pin,
    times: &Times,
) -> AccessCode {
    AccessCode {
        access_code_id: id,
        origin,
        device_id: device.device_id,
        slot,
        pin: Some(pin.clone()),
        window: times.window,
        schedule: times.schedule.clone(),
        deleted_at: None,
        presence: Presence::Absent,
        kept: None,
        problem: None,
        created_at: unit.now(),
        ordered_at: unit.now(),
    }
}

/// Writes a new code down, with what its host must know of it now.
fn insert(unit: &mut Unit<'_>, device: &Device, mut code: AccessCode) -> Result<AccessCode, StoreError> {
    code.problem = warn::problem(&code, Health::of(device, false), moment(unit.now()));
    unit.insert_code(&code)?;
    unit.emit(EventType::AccessCodeCreated, &code, Map::new())?;
    tell_problem(unit, None, &code)?;
    Ok(code)
}

/// Tells of the problem that a code has by what the host ordered (I2): the reconciler finds it standing, and tells of it
/// no more before the start draws near.
pub(super) fn tell_problem(
    unit: &mut Unit<'_>,
    before: Option<&CodeProblem>,
    code: &AccessCode,
) -> Result<(), StoreError> {
    let Some(problem) = code.problem.as_ref().filter(|problem| Some(*problem) != before) else { return Ok(()) };
    let Some(event) = problem.kind.event() else { return Ok(()) };
    let details = Map::from_iter([("message".to_owned(), json!(problem.message))]);
    unit.emit(event, code, details.clone())?;
    match problem.kind {
        // Before its start a method is issued with the order.
        ProblemKind::DelayInSetting | ProblemKind::FailedToSet if code.is_wanted(unit.now()) => {
            unit.not_issued(code, details)
        }
        _ => Ok(()),
    }
}

/// Moves a code to other times. One that is in its lock stays in its slot: whatever was reserved there for the new times
/// makes way.
pub(super) fn retime(unit: &mut Unit<'_>, code: &AccessCode, times: &Times) -> Result<(), Failure> {
    let Some(device) = unit.device(code.device_id)? else { return Ok(()) };
    if Times::of(code) == *times {
        return Ok(());
    }
    let Some(pin) = &code.pin else {
        let message = "is over for so long that its PIN is forgotten: make a new one";
        return Err(ApiError::invalid("starts_at", message).into());
    };
    let moved =
        AccessCode { window: times.window, schedule: times.schedule.clone(), ordered_at: unit.now(), ..code.clone() };
    let mut moved = if could_not_be_set(code) {
        fitted(unit, &device, moved)?
    } else {
        let table = table_within(unit, &device, &around(&code.window, &times.window))?;
        let news = |reason: NoPin| refusal("starts_at", &reason, |_| Some(&device));
        pin::check_moved(pin, &table, code, &times.window, unit.now()).map_err(news)?;
        let slot = slot_for(unit, &device, &table, code, &times.window)?;
        AccessCode { slot, problem: None, ..moved }
    };
    moved.problem = warn::problem(&moved, Health::of(&device, false), moment(unit.now()));
    unit.update_code(&moved)?;
    let frame = |window: &Window| json!({"starts_at": window.starts_at, "ends_at": window.ends_at});
    let details = change("its times", frame(&code.window), frame(&times.window));
    unit.emit(EventType::AccessCodeTimeFrameChanged, &moved, details)?;
    Ok(tell_problem(unit, code.problem.as_ref(), &moved)?)
}

/// Has a code that its lock could not take, or refused, tried again; another stays as it is.
pub(super) fn try_again(unit: &mut Unit<'_>, code: AccessCode) -> Result<AccessCode, Failure> {
    if !could_not_be_set(&code) {
        return Ok(code);
    }
    let Some(device) = unit.device(code.device_id)? else { return Ok(code) };
    let before = code.problem.clone();
    let mut again = fitted(unit, &device, code)?;
    again.problem = warn::problem(&again, Health::of(&device, false), moment(unit.now()));
    unit.update_code(&again)?;
    tell_problem(unit, before.as_ref(), &again)?;
    Ok(again)
}

fn could_not_be_set(code: &AccessCode) -> bool {
    code.problem.as_ref().is_some_and(|problem| problem.kind == ProblemKind::FailedToSet)
}

/// A code that could not be set, as it is if it fits by now. If it does not, that is its own door's trouble, and keeps the
/// grant's other doors from nothing.
fn fitted(unit: &mut Unit<'_>, device: &Device, code: AccessCode) -> Result<AccessCode, Failure> {
    if device.info.is_none() {
        return Ok(code);
    }
    Ok(match fit::again(&table_within(unit, device, &code.window)?, &code, unit.now()) {
        Some(slot) => AccessCode { slot, problem: None, ordered_at: unit.now(), ..code },
        None => code,
    })
}

/// The slot of a code that is to be there in this window. `table` has the codes that it may meet then.
pub(super) fn slot_for(
    unit: &mut Unit<'_>,
    device: &Device,
    table: &SlotTable,
    code: &AccessCode,
    window: &Window,
) -> Result<SlotNumber, Failure> {
    let now = unit.now();
    let full = |full: slot::Full| ApiError::invalid("starts_at", format!("{}: {full}", device.display_name()));
    if slot::may_keep(table, code, window, now) {
        return Ok(code.slot);
    }
    let other = Some(code.access_code_id);
    if code.presence == Presence::Absent {
        return match slot::choose(table, window, other, now) {
            Ok(slot) => Ok(slot),
            // From when on there is room again hangs on all that wait.
            Err(_) => Ok(slot::choose(&self::table(unit, device)?, window, other, now).map_err(full)?),
        };
    }
    for rival in slot::rivals(table, code, window, now) {
        // It may meet others than this code does.
        let table = table_within(unit, device, &rival.window)?;
        let free = slot::choose(&table, &rival.window, Some(rival.access_code_id), now).map_err(full)?;
        unit.update_code(&AccessCode { slot: free, ..rival.clone() })?;
    }
    Ok(code.slot)
}

/// A code is not wanted any more: it leaves its lock as soon as that can be reached.
pub(super) fn take_back(unit: &mut Unit<'_>, code: &AccessCode) -> Result<(), StoreError> {
    let deleted = AccessCode { deleted_at: Some(unit.now()), problem: None, ..code.clone() };
    unit.update_code(&deleted)?;
    unit.emit(EventType::AccessCodeDeleted, &deleted, Map::new())
}

/// What an event says of something that was changed.
pub(super) fn change(what: &str, from: Value, to: Value) -> Map<String, Value> {
    let description = json!(format!("the host changed {what}"));
    Map::from_iter([("description".to_owned(), description), ("from".to_owned(), from), ("to".to_owned(), to)])
}

/// Ids that sort in the order in which they are given out: those of one millisecond do not by themselves.
pub(super) fn ids<T: From<Uuid> + Ord>(unit: &mut Unit<'_>, count: usize) -> Vec<T> {
    let mut ids: Vec<T> = (0..count).map(|_| unit.id()).collect();
    ids.sort();
    ids
}

/// Why a PIN can't be had, as the refusal of a parameter.
pub(super) fn refusal<'a>(field: &str, reason: &NoPin, device: impl Fn(usize) -> Option<&'a Device>) -> ApiError {
    match reason {
        NoPin::Refused { door, reason } => {
            let name = device(*door).map_or("a door", Device::display_name);
            ApiError::invalid(field, format!("{name}: {reason}"))
        }
        NoPin::NoCommonLength | NoPin::NoCommonDigits => ApiError::invalid("device_ids", reason.to_string()),
        NoPin::NoneLeft => ApiError::invalid(field, reason.to_string()),
    }
}

/// An operation is asked for by a person who sees the clock: its times are taken as they are. Whether the lock may be
/// written by that clock is the reconciler's to judge (I6).
pub(super) fn moment(utc: Timestamp) -> Moment {
    Moment { utc, trusted: true }
}
