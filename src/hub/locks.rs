//! Locking and unlocking from afar, as action attempts that the reconciler carries out.

use std::time::Duration;

use serde_json::Value;

use super::input::Input;
use super::outcome::{Failure, Outcome, no_device, one};
use crate::model::{ActionAttempt, ActionStatus, ActionType, ApiError, DeviceId};
use crate::store::Unit;

/// An attempt that could not begin within this time is given up: a door must not open when nobody waits for it.
const EXPIRES_AFTER: Duration = Duration::from_secs(30);

pub(super) fn lock_door(unit: &mut Unit<'_>, input: Input) -> Outcome {
    attempt(unit, input, ActionType::LockDoor)
}

pub(super) fn unlock_door(unit: &mut Unit<'_>, input: Input) -> Outcome {
    attempt(unit, input, ActionType::UnlockDoor)
}

fn attempt(unit: &mut Unit<'_>, mut input: Input, action_type: ActionType) -> Outcome {
    let id: Option<DeviceId> = input.required_id("device_id");
    input.finish()?;
    let Some(id) = id else { return one("action_attempt", Value::Null) };
    check(unit, id, action_type)?;
    let now = unit.now();
    let attempt = ActionAttempt {
        action_attempt_id: unit.id(),
        device_id: id,
        action_type,
        status: ActionStatus::Pending,
        created_at: now,
        expires_at: now.after(EXPIRES_AFTER),
    };
    unit.insert_action_attempt(&attempt)?;
    one("action_attempt", super::action_attempts::resource(&attempt))
}

fn check(unit: &mut Unit<'_>, id: DeviceId, action_type: ActionType) -> Result<(), Failure> {
    let device = unit.device(id)?.ok_or_else(no_device)?;
    let can = device.info.as_ref().is_some_and(|info| match action_type {
        ActionType::LockDoor => info.capabilities.can_lock,
        ActionType::UnlockDoor => info.capabilities.can_unlock,
    });
    if can {
        return Ok(());
    }
    Err(ApiError::invalid("device_id", "this device can't be locked or unlocked from afar").into())
}
