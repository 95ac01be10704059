//! A person's access to single devices. To a local hub that is an access grant like any other: without end, with a PIN,
//! and under a key of its own, by which it is found again.

use super::access_grants::{self, CreateAccessGrant, DeleteAccessGrant};
use super::call::Call;
use super::device_resource::DeviceResource;
use super::devices;
use super::grant_codes::{Mode, RequestedAccessMethod};
use super::grant_order::once;
use super::outcome::{Failure, Nothing, no_device, no_user_identity, response};
use super::parameter::Key;
use super::request::request;
use crate::model::{AccessGrant, ApiError, DeviceId, UserIdentityId};
use crate::store::{GrantFilter, StoreError, Unit};

request! {
    /// Lists the devices that a person can open now or later: the doors of all access grants that are not over.
    pub(super) struct ListAccessibleDevices {
        /// Whose.
        user_identity_id: UserIdentityId,
    }
}

request! {
    /// Gives a person access to a device until it is revoked: makes an access grant without end, whose PIN is in
    /// access_methods/list. Asked again, it does nothing.
    pub(super) struct GrantAccessToDevice {
        /// Who.
        user_identity_id: UserIdentityId,
        /// Which door.
        device_id: DeviceId,
    }
}

request! {
    /// Takes back what grant_access_to_device gave. Refused while another access grant lets the person in there.
    pub(super) struct RevokeAccessToDevice {
        /// Whose.
        user_identity_id: UserIdentityId,
        /// Which door.
        device_id: DeviceId,
    }
}

response!(AccessibleDevices {
    devices: Vec<DeviceResource>,
    // The same, as some clients look for it.
    accessible_devices: Vec<DeviceResource>,
});

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListAccessibleDevices) -> Result<AccessibleDevices, Failure> {
    call.user_identity(asked.user_identity_id)?.ok_or_else(no_user_identity)?;
    let mut doors = Vec::new();
    for grant in current_grants(call, asked.user_identity_id, None)? {
        doors.extend(call.doors(&grant)?);
    }
    let mut devices = Vec::new();
    for door in once(doors) {
        devices.extend(devices::public(call, door)?);
    }
    Ok(AccessibleDevices { accessible_devices: devices.clone(), devices })
}

pub(super) fn grant(call: &mut Call<'_, '_>, asked: GrantAccessToDevice) -> Result<Nothing, Failure> {
    check_known(call, asked.user_identity_id, asked.device_id)?;
    let key = key(asked.user_identity_id, asked.device_id);
    if let Some(known) = call.grant_by_key(&key)? {
        if !known.window.is_over(call.now()) {
            return Ok(Nothing {});
        }
        // Somebody gave it an end, and that has passed.
        delete(call, &known)?;
    }
    let order = CreateAccessGrant {
        user_identity_id: Some(asked.user_identity_id),
        user_identity: None,
        device_ids: Some(vec![asked.device_id]),
        space_ids: None,
        space_keys: None,
        location_ids: None,
        requested_access_methods: vec![RequestedAccessMethod {
            mode: Mode::Code,
            code: None,
            preferred_code_length: None,
        }],
        starts_at: None,
        ends_at: None,
        schedule: None,
        name: None,
        reservation_key: None,
        access_grant_key: Some(Key(key)),
    };
    access_grants::create(call, order)?;
    Ok(Nothing {})
}

pub(super) fn revoke(call: &mut Call<'_, '_>, asked: RevokeAccessToDevice) -> Result<Nothing, Failure> {
    check_known(call, asked.user_identity_id, asked.device_id)?;
    let key = key(asked.user_identity_id, asked.device_id);
    let grants = current_grants(call, asked.user_identity_id, Some(asked.device_id))?;
    let (given, others): (Vec<_>, Vec<_>) =
        grants.into_iter().partition(|grant| grant.access_grant_key.as_ref() == Some(&key));
    if !others.is_empty() {
        let ids: Vec<String> = others.iter().map(|grant| grant.access_grant_id.to_string()).collect();
        let message = format!("the person gets in there by other access grants: delete or change {}", ids.join(", "));
        return Err(ApiError::invalid("device_id", message).into());
    }
    for grant in &given {
        delete(call, grant)?;
    }
    Ok(Nothing {})
}

/// The host's key of the grant that gives access to this device alone.
fn key(person: UserIdentityId, device: DeviceId) -> String {
    format!("user_identities/grant_access_to_device/{person}/{device}")
}

fn delete(call: &mut Call<'_, '_>, grant: &AccessGrant) -> Result<Nothing, Failure> {
    let order = DeleteAccessGrant { access_grant_id: Some(grant.access_grant_id), access_grant_key: None };
    access_grants::delete(call, order)
}

/// A person's grants that are not over, perhaps only those that reach a device.
fn current_grants(
    unit: &mut Unit<'_>,
    person: UserIdentityId,
    device: Option<DeviceId>,
) -> Result<Vec<AccessGrant>, StoreError> {
    let now = unit.now();
    let mut grants = unit.grants(&GrantFilter { user: Some(person), device, ..GrantFilter::default() })?;
    grants.retain(|grant| !grant.window.is_over(now));
    Ok(grants)
}

fn check_known(unit: &mut Unit<'_>, person: UserIdentityId, device: DeviceId) -> Result<(), Failure> {
    unit.user_identity(person)?.ok_or_else(no_user_identity)?;
    unit.device(device)?.ok_or_else(no_device)?;
    Ok(())
}
