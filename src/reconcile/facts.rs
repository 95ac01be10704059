//! Reading what the plan needs to know of a lock.

use keyway_lock::{LockInfo, LogStart};

use crate::model::{AccessCode, Device, DeviceState, Timestamp};
use crate::plan::{HORIZON, LockFacts, Memory, SlotTable};
use crate::store::{StoreError, Unit};

/// All facts of one lock that its next step depends on: they cost what is due, however much is stored.
pub(super) fn of(unit: &mut Unit<'_>, device: &Device, memory: &Memory) -> Result<LockFacts, StoreError> {
    let (id, horizon) = (device.device_id, unit.now().after(HORIZON));
    let beyond = unit.first_start_beyond(id, horizon)?;
    let codes = |unit: &mut Unit<'_>| {
        let mut codes = unit.live_codes_until(id, horizon)?;
        // They get another place at once, while it is easily found.
        if beyond.is_some() {
            codes.extend(unit.displaced_beyond(id, horizon)?);
        }
        Ok(codes)
    };
    with_table(unit, device, memory, beyond, codes)
}

/// The same with every code that waits, for finding a place among them.
pub(super) fn whole(unit: &mut Unit<'_>, device: &Device, memory: &Memory) -> Result<LockFacts, StoreError> {
    let id = device.device_id;
    with_table(unit, device, memory, None, |unit: &mut Unit<'_>| unit.live_codes(id))
}

fn with_table(
    unit: &mut Unit<'_>,
    device: &Device,
    memory: &Memory,
    beyond: Option<Timestamp>,
    codes: impl FnOnce(&mut Unit<'_>) -> Result<Vec<AccessCode>, StoreError>,
) -> Result<LockFacts, StoreError> {
    let table = table(unit, device, codes)?;
    let actions = unit.pending_action_attempts(device.device_id)?;
    let keeps_log = device.info.as_ref().is_some_and(|info| info.settings.keeps_log);
    let log = match keeps_log && !memory.log_read {
        true => Some(unit.log_mark(device.device_id)?.map_or(LogStart::Newest, |mark| LogStart::Behind(mark.newest))),
        false => None,
    };
    let is_interviewed = device.info.is_some();
    let (is_managed, last_seen) = (device.is_managed, device.state.last_seen);
    Ok(LockFacts { is_interviewed, table, beyond, is_managed, actions, last_seen, log, memory: memory.clone() })
}

/// Its slots with all their codes; `None` until its interview is done, or when it has no keypad.
pub(super) fn whole_table(unit: &mut Unit<'_>, device: &Device) -> Result<Option<SlotTable>, StoreError> {
    let id = device.device_id;
    table(unit, device, |unit: &mut Unit<'_>| unit.live_codes(id))
}

fn table(
    unit: &mut Unit<'_>,
    device: &Device,
    codes: impl FnOnce(&mut Unit<'_>) -> Result<Vec<AccessCode>, StoreError>,
) -> Result<Option<SlotTable>, StoreError> {
    let Some(LockInfo { capabilities, .. }) = device.info.as_ref().filter(|_| device.takes_codes()) else {
        return Ok(None);
    };
    let words = unit.slots(device.device_id)?.into_iter().map(|word| (word.report, word.told_at));
    Ok(Some(SlotTable::new(capabilities.clone(), words, codes(unit)?)))
}

/// Changes a device's state; writes nothing if that changes nothing.
pub(super) fn change_state(
    unit: &mut Unit<'_>,
    device: &mut Device,
    change: impl FnOnce(&mut DeviceState),
) -> Result<(), StoreError> {
    let before = device.state;
    change(&mut device.state);
    unit.update_state(device.device_id, &before, &device.state)
}
