//! Operations that make, change and delete codes on one device, and what may be done with those put in by hand.

use keyway_lock::Pin;
use serde::Serialize;
use utoipa::ToSchema;

use super::access_codes::{AccessCodeResource, UnmanagedCodeResource};
use super::call::Call;
use super::device_codes::{self, Change, Order};
use super::grant_order::{check_times, usable};
use super::outcome::{Failure, Nothing, no_access_code, response};
use super::parameter::{No, Nullable, Whole, words};
use super::promise::{self, Times, Wanted};
use super::recurrence::Recurrence;
use super::request::request;
use crate::model::{AccessCode, AccessCodeId, ApiError, DeviceCode, DeviceId, Timestamp, Window};

request! {
    /// Makes a code on one device, without an access grant. It is put in at its start and taken out at its end, as those
    /// of grants are.
    pub(super) struct CreateAccessCode {
        /// On which device.
        device_id: DeviceId,
        /// A name to show.
        name: Option<String>,
        /// This PIN; refused where the lock can't take it.
        code: Option<Pin>,
        /// A PIN with so many digits, where the lock takes such.
        preferred_code_length: Option<Whole<4, 10>>,
        /// The start; now, if left out.
        starts_at: Option<Timestamp>,
        /// The end; without one it stays.
        ends_at: Nullable<Timestamp>,
        /// Only at these times between start and end.
        schedule: Option<Recurrence>,
        /// Codes with the same key have the same PIN.
        common_code_key: Option<String>,
        /// Whether a change by hand at the lock is left as it is, and told, instead of being put right.
        is_external_modification_allowed: Option<bool>,
        /// The same, under its old name.
        allow_external_modification: Option<bool>,
    }
    accepts {
        /// Whether to wait; it is answered at once either way.
        sync: Option<bool>,
        /// The lock may be offline: it is always so.
        attempt_for_offline_device: Option<bool>,
        /// Whether the lock may keep the time itself.
        prefer_native_scheduling: Option<bool>,
        /// How far times may be rounded; they are kept to the second.
        max_time_rounding: Option<Rounding>,
        /// A code that is computed, not stored.
        is_offline_access_code: Option<No>,
        /// The same, under its old name.
        use_offline_access_code: Option<No>,
        /// A code that dies at its first use.
        is_one_time_use: Option<No>,
        /// A code out of a reserve.
        use_backup_access_code_pool: Option<No>,
    }
}

request! {
    /// Changes a code that was made on one device. What somebody did to it at the lock is put right with that, and what
    /// the lock refused is tried again.
    pub(super) struct UpdateAccessCode {
        /// Which.
        access_code_id: AccessCodeId,
        /// On which device it is.
        device_id: Option<DeviceId>,
        /// The new name; null: none.
        name: Nullable<String>,
        /// The new PIN.
        code: Option<Pin>,
        /// The new start.
        starts_at: Option<Timestamp>,
        /// The new end; null: none.
        ends_at: Nullable<Timestamp>,
        /// "ongoing" takes the end away.
        r#type: Option<CodeType>,
        /// The new recurring times; null: all the time.
        schedule: Nullable<Recurrence>,
        /// Whether a change by hand at the lock is left as it is.
        is_external_modification_allowed: Option<bool>,
        /// The same, under its old name.
        allow_external_modification: Option<bool>,
    }
    accepts {
        /// Whether to wait; it is answered at once either way.
        sync: Option<bool>,
        /// The lock may be offline: it is always so.
        attempt_for_offline_device: Option<bool>,
        /// Whether the lock may keep the time itself.
        prefer_native_scheduling: Option<bool>,
        /// How far times may be rounded; they are kept to the second.
        max_time_rounding: Option<Rounding>,
        /// A code that is computed, not stored.
        is_offline_access_code: Option<No>,
        /// The same, under its old name.
        use_offline_access_code: Option<No>,
        /// A code that dies at its first use.
        is_one_time_use: Option<No>,
        /// A code out of a reserve.
        use_backup_access_code_pool: Option<No>,
    }
}

request! {
    /// Deletes a code that was made on one device: it leaves the lock at once.
    pub(super) struct DeleteAccessCode {
        /// Which.
        access_code_id: AccessCodeId,
        /// On which device it is.
        device_id: Option<DeviceId>,
    }
    accepts {
        /// Whether to wait; it is answered at once either way.
        sync: Option<bool>,
    }
}

words! {
    /// How far times may be rounded.
    pub(super) enum Rounding {
        /// To an hour.
        OneHour = "1hour",
        /// To a day.
        OneDay = "1day",
        /// To an hour.
        Hour = "1h",
        /// To a day.
        Day = "1d",
    }
}

words! {
    /// Whether a code ends.
    pub(super) enum CodeType {
        /// It does not.
        Ongoing = "ongoing",
        /// It does.
        TimeBound = "time_bound",
    }
}

request! {
    /// Chooses a PIN that a device could take now, and keeps nothing of it.
    pub(super) struct GenerateCode {
        /// For which device.
        device_id: DeviceId,
    }
}

request! {
    /// Tells of a code that somebody put into a lock by hand.
    pub(super) struct GetUnmanagedAccessCode {
        /// Which.
        access_code_id: AccessCodeId,
    }
}

request! {
    /// Takes a code over that somebody put in by hand: from then on it is the hub's, without an end, until it is updated.
    pub(super) struct ConvertToManaged {
        /// Which.
        access_code_id: AccessCodeId,
        /// Whether a change by hand at the lock is left as it is.
        is_external_modification_allowed: Option<bool>,
        /// The same, under its old name.
        allow_external_modification: Option<bool>,
    }
    accepts {
        /// Whether to take it from another workspace; a hub has one.
        force: Option<bool>,
        /// Whether to wait; it is answered at once either way.
        sync: Option<bool>,
    }
}

request! {
    /// Takes a code over that somebody put in by hand, as convert_to_managed does.
    pub(super) struct UpdateUnmanagedAccessCode {
        /// Which.
        access_code_id: AccessCodeId,
        /// True: it is the hub's from then on.
        is_managed: bool,
        /// Whether a change by hand at the lock is left as it is.
        is_external_modification_allowed: Option<bool>,
        /// The same, under its old name.
        allow_external_modification: Option<bool>,
    }
    accepts {
        /// Whether to take it from another workspace; a hub has one.
        force: Option<bool>,
    }
}

request! {
    /// Has a code taken out of its lock that somebody put in by hand. This is the one order on which the hub touches what
    /// is not its own; if something else is in the slot by the time it can be carried out, it lapses.
    pub(super) struct DeleteUnmanagedAccessCode {
        /// Which.
        access_code_id: AccessCodeId,
    }
    accepts {
        /// Whether to wait; it is answered at once either way.
        sync: Option<bool>,
    }
}

response!(GeneratedCode { generated_code: GeneratedCodeResource });
response!(MadeAccessCode { access_code: AccessCodeResource });
response!(OneUnmanagedAccessCode { access_code: UnmanagedCodeResource });

pub(super) fn create(call: &mut Call<'_, '_>, asked: CreateAccessCode) -> Result<MadeAccessCode, Failure> {
    if asked.code.is_some() && asked.preferred_code_length.is_some() {
        let message = "give code or preferred_code_length, not both";
        return Err(ApiError::invalid("preferred_code_length", message).into());
    }
    let now = call.now();
    let window = Window { starts_at: asked.starts_at.unwrap_or(now), ends_at: asked.ends_at.or(None) };
    let schedule = asked.schedule.map(Recurrence::read).transpose()?;
    check_times(&window, schedule.as_ref(), now)?;
    let devices = usable(call, &[asked.device_id])?;
    let allowed = asked.is_external_modification_allowed.or(asked.allow_external_modification);
    let order = Order {
        made: DeviceCode {
            name: asked.name,
            common_code_key: asked.common_code_key,
            is_external_modification_allowed: allowed.unwrap_or(false),
            refused_length: None,
        },
        code: asked.code,
        preferred_length: asked.preferred_code_length.and_then(|Whole(length)| u8::try_from(length).ok()),
        times: Times { window, schedule },
    };
    let made = device_codes::make(call, &devices, order)?;
    let made = made.first().ok_or_else(no_access_code)?;
    Ok(MadeAccessCode { access_code: resource(call, made)? })
}

pub(super) fn update(call: &mut Call<'_, '_>, asked: UpdateAccessCode) -> Result<Nothing, Failure> {
    let old = find(call, asked.access_code_id, asked.device_id)?;
    let schedule = match asked.schedule {
        Nullable::Absent => old.schedule.clone(),
        Nullable::Null => None,
        Nullable::Given(schedule) => Some(schedule.read()?),
    };
    let window = Window {
        starts_at: asked.starts_at.unwrap_or(old.window.starts_at),
        ends_at: match asked.r#type {
            Some(CodeType::Ongoing) => None,
            Some(CodeType::TimeBound) | None => asked.ends_at.or(old.window.ends_at),
        },
    };
    let times = Times { window, schedule };
    let new_times = times != Times::of(&old);
    if new_times {
        check_times(&times.window, times.schedule.as_ref(), call.now())?;
    }
    let change = Change {
        name: asked.name.given(),
        code: asked.code,
        times: new_times.then_some(times),
        is_external_modification_allowed: asked.is_external_modification_allowed.or(asked.allow_external_modification),
    };
    device_codes::update(call, &old, change)?;
    Ok(Nothing {})
}

pub(super) fn delete(call: &mut Call<'_, '_>, asked: DeleteAccessCode) -> Result<Nothing, Failure> {
    let code = find(call, asked.access_code_id, asked.device_id)?;
    device_codes::delete(call, &code)?;
    Ok(Nothing {})
}

/// A code that may be changed by itself, on this device if one is named.
fn find(call: &mut Call<'_, '_>, id: AccessCodeId, device: Option<DeviceId>) -> Result<AccessCode, Failure> {
    let code = device_codes::find(call, id)?;
    if device.is_some_and(|device| code.device_id != device) {
        return Err(no_access_code().into());
    }
    Ok(code)
}

pub(super) fn generate(call: &mut Call<'_, '_>, asked: GenerateCode) -> Result<GeneratedCode, Failure> {
    let devices = usable(call, &[asked.device_id])?;
    let window = Window { starts_at: call.now(), ends_at: None };
    let tables = promise::tables(call, &devices, &window)?;
    let wanted = Wanted { code: None, preferred_length: None, field: "device_id" };
    let pin = promise::pin(call, &devices, &tables, &window, &wanted)?;
    let code = pin.expose().to_owned();
    Ok(GeneratedCode { generated_code: GeneratedCodeResource { device_id: asked.device_id, code } })
}

/// A PIN that nobody has yet.
#[derive(Serialize, ToSchema)]
#[schema(as = GeneratedAccessCode)]
pub(super) struct GeneratedCodeResource {
    device_id: DeviceId,
    code: String,
}

pub(super) fn get_unmanaged(
    call: &mut Call<'_, '_>,
    asked: GetUnmanagedAccessCode,
) -> Result<OneUnmanagedAccessCode, Failure> {
    let code = call.unmanaged_code(asked.access_code_id)?.ok_or_else(no_access_code)?;
    Ok(OneUnmanagedAccessCode { access_code: UnmanagedCodeResource::new(&code, call.workspace_id()?) })
}

pub(super) fn convert(call: &mut Call<'_, '_>, asked: ConvertToManaged) -> Result<Nothing, Failure> {
    let allowed = asked.is_external_modification_allowed.or(asked.allow_external_modification);
    device_codes::take_over(call, asked.access_code_id, allowed.unwrap_or(false))?;
    Ok(Nothing {})
}

pub(super) fn update_unmanaged(call: &mut Call<'_, '_>, asked: UpdateUnmanagedAccessCode) -> Result<Nothing, Failure> {
    if asked.is_managed {
        let allowed = asked.is_external_modification_allowed.or(asked.allow_external_modification);
        device_codes::take_over(call, asked.access_code_id, allowed.unwrap_or(false))?;
    } else {
        call.unmanaged_code(asked.access_code_id)?.ok_or_else(no_access_code)?;
    }
    Ok(Nothing {})
}

pub(super) fn delete_unmanaged(call: &mut Call<'_, '_>, asked: DeleteUnmanagedAccessCode) -> Result<Nothing, Failure> {
    device_codes::order_out(call, asked.access_code_id)?;
    Ok(Nothing {})
}

fn resource(call: &mut Call<'_, '_>, code: &AccessCode) -> Result<AccessCodeResource, Failure> {
    Ok(AccessCodeResource::new(code, call.now(), call.workspace_id()?, call.shown()))
}
