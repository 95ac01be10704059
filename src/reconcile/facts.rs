//! Reading what the plan needs to know of a lock.

use keyway_lock::{LockInfo, LogStart};

use crate::model::{Device, DeviceState};
use crate::plan::{LockFacts, Memory, SlotTable};
use crate::store::{StoreError, Unit};

/// All facts of one lock.
pub(super) fn of(unit: &mut Unit<'_>, device: &Device, memory: &Memory) -> Result<LockFacts, StoreError> {
    let table = table(unit, device)?;
    let actions = unit.pending_action_attempts(device.device_id)?;
    let log = match device.info.as_ref().is_some_and(|info| info.settings.keeps_log) {
        true => Some(unit.log_mark(device.device_id)?.map_or(LogStart::Newest, |mark| LogStart::Behind(mark.newest))),
        false => None,
    };
    let is_interviewed = device.info.is_some();
    let (is_managed, last_seen) = (device.is_managed, device.state.last_seen);
    Ok(LockFacts { is_interviewed, table, is_managed, actions, last_seen, log, memory: memory.clone() })
}

/// Its slots; `None` until its interview is done, or when it has no keypad.
pub(super) fn table(unit: &mut Unit<'_>, device: &Device) -> Result<Option<SlotTable>, StoreError> {
    let Some(LockInfo { capabilities, .. }) = device.info.as_ref().filter(|_| device.takes_codes()) else {
        return Ok(None);
    };
    let words = unit.slots(device.device_id)?.into_iter().map(|word| (word.report, word.told_at));
    Ok(Some(SlotTable::new(capabilities.clone(), words, unit.live_codes(device.device_id)?)))
}

/// Changes a device's state; writes nothing if that changes nothing.
pub(super) fn change_state(
    unit: &mut Unit<'_>,
    device: &mut Device,
    change: impl FnOnce(&mut DeviceState),
) -> Result<(), StoreError> {
    let before = device.state;
    change(&mut device.state);
    if device.state != before {
        unit.update_device(device)?;
    }
    Ok(())
}
