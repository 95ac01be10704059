//! Batteries: a level is told when it crosses a limit, and once when it is low.

use keyway_lock::BatteryDetails;
use serde_json::{Map, json};

use super::facts;
use crate::model::{Device, EventType};
use crate::store::{StoreError, Unit};

/// Per cent at which a battery counts as low, whether or not the lock warns of it.
const LOW: u8 = 10;

/// A lock told its level, in per cent, or only that it is low.
pub(super) fn told(unit: &mut Unit<'_>, device: &mut Device, percent: Option<u8>, low: bool) -> Result<(), StoreError> {
    let before = device.state;
    let low = low || percent.is_some_and(|percent| percent <= LOW);
    facts::change_state(unit, device, |state| {
        state.battery_percent = percent.map(|percent| percent.min(100)).or(state.battery_percent);
        state.battery_low = low;
    })?;
    let mut details = Map::new();
    if let Some(percent) = device.state.battery_percent {
        details.insert("battery_level".to_owned(), json!(f64::from(percent) / 100.0));
    }
    let (was, is) = (before.battery_status(), device.state.battery_status());
    if was.is_some() && was != is {
        details.insert("battery_status".to_owned(), json!(is));
        unit.emit(EventType::DeviceBatteryStatusChanged, device.device_id, details.clone())?;
    }
    if low && !before.battery_low {
        unit.emit(EventType::DeviceLowBattery, device.device_id, details)?;
    }
    Ok(())
}

/// A lock told what more there is to know of its battery.
pub(super) fn details(unit: &mut Unit<'_>, device: &mut Device, told: BatteryDetails) -> Result<(), StoreError> {
    let before = device.state.battery_details;
    // Its capacity is asked for now and then only.
    let capacity_percent = told.capacity_percent.or(before.and_then(|before| before.capacity_percent));
    facts::change_state(unit, device, |state| {
        state.battery_details = Some(BatteryDetails { capacity_percent, ..told });
    })?;
    if told.is_disconnected && !before.is_some_and(|before| before.is_disconnected) {
        unit.emit(EventType::DeviceBatteryDisconnected, device.device_id, Map::new())?;
    }
    Ok(())
}
