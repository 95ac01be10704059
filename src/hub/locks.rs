//! Locking, unlocking and setting a lock from afar, as action attempts that the reconciler carries out.

use std::time::Duration;

use keyway_lock::{AutoLock, BoltSettings, KeypadMode, LockInfo, Pin};

use super::action_attempts::OneActionAttempt;
use super::call::Call;
use super::device_resource::DeviceResource;
use super::devices::{self, GetDevice, ListDevices};
use super::grant_order::check_driven;
use super::outcome::{Failure, no_device, response};
use super::page::Pagination;
use super::parameter::{Whole, words};
use super::request::request;
use crate::model::{ActionAttempt, ActionStatus, ActionType, AdminCodeOrder, ApiError, DeviceId};

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
    /// Has a lock's keypad let others in; the answer's action attempt tells what becomes of it. In every mode but `normal`,
    /// no guest's code opens the door. Keyway's own.
    pub(super) struct ConfigureKeypadMode {
        /// Which lock.
        device_id: DeviceId,
        /// Whom it lets in: everybody with a code, only the admin code, or nobody.
        keypad_mode: Mode,
    } accepts {
        /// Of no effect: the answer comes at once, and the action attempt tells the rest.
        sync: Option<bool>,
    }
}

words! {
    /// Whom a keypad lets in.
    pub(super) enum Mode {
        /// Whoever has a code.
        Normal = "normal",
        /// Nobody but the one with the admin code.
        Vacation = "vacation",
        /// Nobody.
        Privacy = "privacy",
    }
}

request! {
    /// Has a lock's bolt behave otherwise by itself; what is not given stays as it is, and the answer's action attempt tells
    /// what becomes of it. Keyway's own; see `locks/configure_auto_lock` for the time after which it locks.
    pub(super) struct ConfigureBolt {
        /// Which lock.
        device_id: DeviceId,
        /// Once it was unlocked, it locks again after so many seconds (timed mode); 0: it stays as it was put.
        timed_unlock_seconds: Option<Timed>,
        /// For so many seconds the latch is held back when the door is opened; 0: as long as somebody does that.
        hold_and_release_seconds: Option<Held>,
        /// Whether the bolt is turned from one end of its way to the other.
        block_to_block_enabled: Option<bool>,
        /// Whether a hand that turns the bolt is helped.
        twist_assist_enabled: Option<bool>,
    } accepts {
        /// Of no effect: the answer comes at once, and the action attempt tells the rest.
        sync: Option<bool>,
    }
}

/// Seconds of a lock's timed mode, as long as [`BoltSettings::LONGEST`].
pub(super) type Timed = Whole<0, 15_239>;
/// Seconds for which a latch is held back.
pub(super) type Held = Whole<0, 65_535>;

request! {
    /// Gives a lock its admin code, which is no guest's and opens in vacation mode as well, or takes it away; the answer's
    /// action attempt tells what becomes of it. The hub does not keep the code. Keyway's own.
    pub(super) struct ConfigureAdminCode {
        /// Which lock.
        device_id: DeviceId,
        /// Whether it has one.
        admin_code_enabled: bool,
        /// The code; needed to turn it on.
        admin_code: Option<Pin>,
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

request! {
    /// Asks a lock whether it is there, with the cheapest frame that there is; the answer's action attempt tells whether it
    /// was reached, and the device's `link` how well. Keyway's own.
    pub(super) struct Ping {
        /// Which lock.
        device_id: DeviceId,
    } accepts {
        /// Of no effect: the answer comes at once, and the action attempt tells the rest.
        sync: Option<bool>,
    }
}

request! {
    /// Asks a lock all over again who it is and what it can do, as after a new firmware. What is known stays in force
    /// meanwhile, the device tells how far it is, and the answer's action attempt what becomes of it. Keyway's own.
    pub(super) struct Interview {
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

pub(super) fn configure_keypad_mode(
    call: &mut Call<'_, '_>,
    asked: ConfigureKeypadMode,
) -> Result<OneActionAttempt, Failure> {
    let mode = match asked.keypad_mode {
        Mode::Normal => KeypadMode::Normal,
        Mode::Vacation => KeypadMode::Vacation,
        Mode::Privacy => KeypadMode::Privacy,
    };
    attempt(call, asked.device_id, ActionType::ConfigureKeypadMode(mode))
}

pub(super) fn configure_bolt(call: &mut Call<'_, '_>, asked: ConfigureBolt) -> Result<OneActionAttempt, Failure> {
    let order = BoltSettings {
        timed_seconds: asked.timed_unlock_seconds.and_then(|seconds| u16::try_from(seconds.0).ok()),
        hold_and_release_seconds: asked.hold_and_release_seconds.and_then(|seconds| u16::try_from(seconds.0).ok()),
        block_to_block: asked.block_to_block_enabled,
        twist_assist: asked.twist_assist_enabled,
    };
    if order == BoltSettings::default() {
        let message = "give what is to be another, such as timed_unlock_seconds";
        return Err(ApiError::invalid("timed_unlock_seconds", message).into());
    }
    attempt(call, asked.device_id, ActionType::ConfigureBolt(order))
}

pub(super) fn configure_admin_code(
    call: &mut Call<'_, '_>,
    asked: ConfigureAdminCode,
) -> Result<OneActionAttempt, Failure> {
    const FIELD: &str = "admin_code";
    let order = match (asked.admin_code_enabled, asked.admin_code) {
        (true, None) => return Err(ApiError::invalid(FIELD, "required to turn it on").into()),
        (false, Some(_)) => return Err(ApiError::invalid(FIELD, "of no use where it is turned off").into()),
        (true, code) => AdminCodeOrder::Set(code),
        (false, None) => AdminCodeOrder::Remove,
    };
    if let (AdminCodeOrder::Set(Some(code)), Some(device)) = (&order, call.device(asked.device_id)?)
        && let Some(info) = &device.info
    {
        info.capabilities.check(code).map_err(|refusal| ApiError::invalid(FIELD, refusal.to_string()))?;
        let same = |other: &Pin| info.capabilities.alike.collide(other, code);
        if call.live_codes(device.device_id)?.iter().filter_map(|code| code.pin.as_ref()).any(same) {
            let message = "a guest's code of this lock is the same, or could be taken for it: choose another";
            return Err(ApiError::invalid(FIELD, message).into());
        }
    }
    attempt(call, asked.device_id, ActionType::ConfigureAdminCode(order))
}

pub(super) fn identify(call: &mut Call<'_, '_>, asked: Identify) -> Result<OneActionAttempt, Failure> {
    attempt(call, asked.device_id, ActionType::Identify)
}

pub(super) fn ping(call: &mut Call<'_, '_>, asked: Ping) -> Result<OneActionAttempt, Failure> {
    attempt(call, asked.device_id, ActionType::Ping)
}

pub(super) fn interview(call: &mut Call<'_, '_>, asked: Interview) -> Result<OneActionAttempt, Failure> {
    attempt(call, asked.device_id, ActionType::Interview)
}

pub(super) fn attempt(
    call: &mut Call<'_, '_>,
    id: DeviceId,
    action_type: ActionType,
) -> Result<OneActionAttempt, Failure> {
    check(call, id, &action_type)?;
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

fn check(call: &mut Call<'_, '_>, id: DeviceId, action_type: &ActionType) -> Result<(), Failure> {
    let device = call.device(id)?.ok_or_else(no_device)?;
    check_driven(&device).map_err(|message| ApiError::invalid("device_id", message))?;
    if *action_type == ActionType::Interview {
        return Ok(());
    }
    let info = device.info.as_ref();
    let info =
        info.ok_or_else(|| ApiError::invalid("device_id", "the hub does not know yet what this device can do"))?;
    match why_not(info, action_type) {
        Some(message) => Err(ApiError::invalid("device_id", message).into()),
        None => Ok(()),
    }
}

/// Why a lock can't do it; `None`: it can.
fn why_not(info: &LockInfo, action_type: &ActionType) -> Option<&'static str> {
    let (capabilities, settings) = (&info.capabilities, &info.settings);
    let (can, why_not) = match action_type {
        ActionType::Interview | ActionType::Ping => (true, ""),
        ActionType::LockDoor => (capabilities.can_lock, "this device can't be locked from afar"),
        ActionType::UnlockDoor => (capabilities.can_unlock, "this device can't be unlocked from afar"),
        ActionType::Identify => (capabilities.can_identify, "this device can't show itself"),
        // It was found among them.
        ActionType::ReadParameter(_) | ActionType::SetParameter(..) => (true, ""),
        ActionType::ConfigureAutoLock(_) => {
            (info.auto_lock.is_some(), "this device does not lock by itself, or that can only be set at it")
        }
        ActionType::ConfigureKeypadMode(mode) => (
            settings.keypad.as_ref().is_some_and(|keypad| keypad.modes.contains(mode)),
            "this device's keypad has no such mode, or it can only be set at it",
        ),
        ActionType::ConfigureBolt(order) => {
            (settings.bolt.allows(order), "this device's bolt does not do all of that, or it can only be set at it")
        }
        ActionType::ConfigureAdminCode(AdminCodeOrder::Set(_)) => {
            (settings.admin_code.is_some(), "this device has no admin code, or it can only be set at it")
        }
        ActionType::ConfigureAdminCode(AdminCodeOrder::Remove) => (
            settings.admin_code.is_some_and(|code| code.can_be_removed),
            "this device can't be without an admin code, or that can only be set at it",
        ),
    };
    (!can).then_some(why_not)
}
