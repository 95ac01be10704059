//! Locking, unlocking and setting a lock from afar, as action attempts that the reconciler carries out.

use std::time::Duration;

use keyway_lock::AutoLock;

use super::action_attempts::OneActionAttempt;
use super::call::Call;
use super::device_resource::DeviceResource;
use super::devices::{self, GetDevice, ListDevices};
use super::grant_order::check_driven;
use super::outcome::{Failure, no_device, response};
use super::page::Pagination;
use super::parameter::Whole;
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

request! {
    /// Has a lock throw its bolt by itself some time after it was unlocked, or not; the answer's action attempt tells what
    /// becomes of it.
    pub(super) struct ConfigureAutoLock {
        /// Which lock.
        device_id: DeviceId,
        /// Whether it locks by itself.
        auto_lock_enabled: bool,
        /// After so many seconds, 1 to 65535; needed to turn it on.
        auto_lock_delay_seconds: Option<Delay>,
    } accepts {
        /// Of no effect: the answer comes at once, and the action attempt tells the rest.
        sync: Option<bool>,
    }
}

request! {
    /// Has a lock show which one it is, by blinking or beeping for a moment; the answer's action attempt tells what becomes
    /// of it. Keyway's own.
    pub(super) struct Identify {
        /// Which lock.
        device_id: DeviceId,
    } accepts {
        /// Of no effect: the answer comes at once, and the action attempt tells the rest.
        sync: Option<bool>,
    }
}

/// Seconds after which a lock locks, as locks count them.
pub(super) type Delay = Whole<1, 65_535>;

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

pub(super) fn configure_auto_lock(
    call: &mut Call<'_, '_>,
    asked: ConfigureAutoLock,
) -> Result<OneActionAttempt, Failure> {
    let delay = asked.auto_lock_delay_seconds.and_then(|delay| u16::try_from(delay.0).ok());
    let auto_lock = match (asked.auto_lock_enabled, delay) {
        (true, None) => return Err(ApiError::invalid("auto_lock_delay_seconds", "required to turn it on").into()),
        (true, Some(seconds)) => AutoLock::from_seconds(seconds),
        (false, _) => AutoLock::Off,
    };
    attempt(call, asked.device_id, ActionType::ConfigureAutoLock(auto_lock))
}

pub(super) fn identify(call: &mut Call<'_, '_>, asked: Identify) -> Result<OneActionAttempt, Failure> {
    attempt(call, asked.device_id, ActionType::Identify)
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
    check_driven(&device).map_err(|message| ApiError::invalid("device_id", message))?;
    let (can, why_not) = match (&device.info, action_type) {
        (None, _) => (false, "the hub does not know yet what this device can do"),
        (Some(info), ActionType::LockDoor) => (info.capabilities.can_lock, "this device can't be locked from afar"),
        (Some(info), ActionType::UnlockDoor) => {
            (info.capabilities.can_unlock, "this device can't be unlocked from afar")
        }
        (Some(info), ActionType::Identify) => (info.capabilities.can_identify, "this device can't show itself"),
        (Some(info), ActionType::ConfigureAutoLock(_)) => {
            (info.auto_lock.is_some(), "this device does not lock by itself, or that can only be set at it")
        }
    };
    if can { Ok(()) } else { Err(ApiError::invalid("device_id", why_not).into()) }
}
