//! Locking and unlocking from afar, as action attempts that the reconciler carries out.

use std::time::Duration;

use super::action_attempts::OneActionAttempt;
use super::call::Call;
use super::device_resource::DeviceResource;
use super::devices::{self, GetDevice, ListDevices};
use super::outcome::{Failure, no_device, response};
use super::page::Pagination;
use super::request::request;
use crate::model::{ActionAttempt, ActionStatus, ActionType, ApiError, DeviceId};

/// An attempt that could not begin within this time is given up: a door must not open when nobody waits for it.
const EXPIRES_AFTER: Duration = Duration::from_secs(30);

request! {
    /// Throws the bolt of a lock; the answer's action attempt tells what becomes of it.
    pub(super) struct LockDoor {
        /// Which lock.
        device_id: DeviceId,
    } accepts {
        /// Of no effect: the answer comes at once, and the action attempt tells the rest.
        sync: Option<bool>,
    }
}

request! {
    /// Draws the bolt of a lock back; the answer's action attempt tells what becomes of it.
    pub(super) struct UnlockDoor {
        /// Which lock.
        device_id: DeviceId,
    } accepts {
        /// Of no effect: the answer comes at once, and the action attempt tells the rest.
        sync: Option<bool>,
    }
}

// Older clients look for locks under the names of devices.
response!(OneLock { device: DeviceResource, lock: DeviceResource });
response!(Locks { devices: Vec<DeviceResource>, locks: Vec<DeviceResource>, pagination: Pagination });

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetDevice) -> Result<OneLock, Failure> {
    let device = devices::get(call, asked)?.device;
    Ok(OneLock { device: device.clone(), lock: device })
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListDevices) -> Result<Locks, Failure> {
    let devices::Devices { devices, pagination } = devices::list(call, asked)?;
    Ok(Locks { devices: devices.clone(), locks: devices, pagination })
}

pub(super) fn lock_door(call: &mut Call<'_, '_>, asked: LockDoor) -> Result<OneActionAttempt, Failure> {
    attempt(call, asked.device_id, ActionType::LockDoor)
}

pub(super) fn unlock_door(call: &mut Call<'_, '_>, asked: UnlockDoor) -> Result<OneActionAttempt, Failure> {
    attempt(call, asked.device_id, ActionType::UnlockDoor)
}

fn attempt(call: &mut Call<'_, '_>, id: DeviceId, action_type: ActionType) -> Result<OneActionAttempt, Failure> {
    check(call, id, action_type)?;
    let now = call.now();
    let attempt = ActionAttempt {
        action_attempt_id: call.id(),
        device_id: id,
        action_type,
        status: ActionStatus::Pending,
        created_at: now,
        expires_at: now.after(EXPIRES_AFTER),
    };
    call.insert_action_attempt(&attempt)?;
    Ok(OneActionAttempt { action_attempt: (&attempt).into() })
}

fn check(call: &mut Call<'_, '_>, id: DeviceId, action_type: ActionType) -> Result<(), Failure> {
    let device = call.device(id)?.ok_or_else(no_device)?;
    let can = device.info.as_ref().is_some_and(|info| match action_type {
        ActionType::LockDoor => info.capabilities.can_lock,
        ActionType::UnlockDoor => info.capabilities.can_unlock,
    });
    if can {
        return Ok(());
    }
    Err(ApiError::invalid("device_id", "this device can't be locked or unlocked from afar").into())
}
