//! Reading what the plan needs to know of a lock.

use keyway_lock::LockInfo;

use crate::model::{Device, DeviceState};
use crate::plan::{LockFacts, Memory, SlotTable};
use crate::store::{StoreError, Unit};

/// All facts of one lock.
pub(super) fn of(unit: &mut Unit<'_>, device: &Device, memory: &Memory) -> Result<LockFacts, StoreError> {
    let table = match &device.info {
        Some(LockInfo { capabilities, .. }) if device.takes_codes() => {
            let words = unit.slots(device.device_id)?.into_iter().map(|word| (word.report, word.told_at));
            Some(SlotTable::new(capabilities.clone(), words, unit.live_codes(device.device_id)?))
        }
        Some(_) | None => None,
    };
    let actions = unit.pending_action_attempts(device.device_id)?;
    Ok(LockFacts { table, is_managed: device.is_managed, actions, memory: memory.clone() })
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
