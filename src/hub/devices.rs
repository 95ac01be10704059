//! Operations on devices.

use serde_json::{Map, json};

use super::call::Call;
use super::device_resource::DeviceResource;
use super::grant_order::check_driven;
use super::outcome::{Failure, Nothing, no_device, response};
use super::page::{Cursor, Page, Pagination};
use super::parameter::{Key, Limit, Metadata, No, Nullable};
use super::request::request;
use crate::model::{AccessCode, ApiError, Device, DeviceId, EventType, SpaceId, Timestamp, WorkspaceId};
use crate::plan::HORIZON;
use crate::store::{StoreError, Trouble, Unit};

/// Codes of far times of which a device tells that something is wrong, at most.
const TROUBLES_SHOWN: usize = 50;

request! {
    /// Tells of a device: what it can do, how it is, and what is wrong with it.
    pub(super) struct GetDevice {
        /// Its id.
        device_id: Option<DeviceId>,
        /// Or its name.
        name: Option<String>,
    }
}

request! {
    /// Lists devices.
    pub(super) struct ListDevices {
        /// Only these.
        device_ids: Option<Vec<DeviceId>>,
        /// Only those whose name holds this text.
        search: Option<String>,
        /// Only of this type.
        device_type: Option<String>,
        /// Only of these types.
        device_types: Option<Vec<String>>,
        /// Only by this maker.
        manufacturer: Option<String>,
        /// Only of this account; the hub has one, with the id of its workspace.
        connected_account_id: Option<WorkspaceId>,
        /// Only of these accounts.
        connected_account_ids: Option<Vec<WorkspaceId>>,
        /// Only in this space.
        space_id: Option<SpaceId>,
        /// The old name of `space_id`.
        unstable_location_id: Nullable<SpaceId>,
        /// Only those that were known before this.
        created_before: Option<Timestamp>,
        /// Only those with these custom metadata.
        custom_metadata_has: Option<Metadata>,
        /// Only those of which all of these are true, such as `can_remotely_unlock`.
        include_if: Option<Vec<String>>,
        /// Only those of which none of these is true.
        exclude_if: Option<Vec<String>>,
        /// At most so many.
        limit: Option<Limit>,
        /// The next page of the same request.
        page_cursor: Option<Cursor>,
    }
}

request! {
    /// Changes what the host keeps of a device: its name, its metadata, whether the hub manages it.
    pub(super) struct UpdateDevice {
        /// Which.
        device_id: DeviceId,
        /// The new name; null: the one in the hub's configuration.
        name: Nullable<Key>,
        /// Older clients give the name in here.
        properties: Option<NewProperties>,
        /// Key-values to set; null takes one away; those not named stay.
        custom_metadata: Option<Metadata>,
        /// False: the hub listens to the lock and writes nothing to it from now on.
        is_managed: Option<bool>,
    } accepts {
        /// Of no effect: a local hub sets codes when they are asked for.
        backup_access_code_pool_enabled: Option<No>,
    }
}

request! {
    /// What older clients give of a device's properties.
    pub(super) struct NewProperties {
        /// The new name; null: the one in the hub's configuration.
        name: Nullable<Key>,
    }
}

request! {
    /// Changes what the host keeps of a device that the hub does not manage, or has it managed again.
    pub(super) struct UpdateUnmanagedDevice {
        /// Which.
        device_id: DeviceId,
        /// Key-values to set; null takes one away; those not named stay.
        custom_metadata: Option<Metadata>,
        /// True: the hub manages it from now on.
        is_managed: Option<bool>,
    }
}

request! {
    /// Has the hub ask a lock at once what is in each of its slots, as it otherwise does now and then. Keyway's own.
    pub(super) struct CheckCodes {
        /// Which.
        device_id: DeviceId,
    }
}

request! {
    /// Forgets a device that was taken out of the hub's configuration, with its codes; its grants lose that door.
    pub(super) struct DeleteDevice {
        /// Which.
        device_id: DeviceId,
    }
}

response!(OneDevice { device: DeviceResource });
response!(Devices { devices: Vec<DeviceResource>, pagination: Pagination });

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetDevice) -> Result<OneDevice, Failure> {
    let device = find(call, asked.device_id, asked.name)?;
    if !device.is_managed {
        let message = "this device is not managed by the hub: see devices/unmanaged/get";
        return Err(ApiError::new("device_not_found", message).into());
    }
    Ok(OneDevice { device: of(call, &device)? })
}

pub(super) fn get_unmanaged(call: &mut Call<'_, '_>, asked: GetDevice) -> Result<OneDevice, Failure> {
    let device = find(call, asked.device_id, asked.name)?;
    if device.is_managed {
        let message = "this device is managed by the hub: see devices/get";
        return Err(ApiError::new("device_not_found", message).into());
    }
    Ok(OneDevice { device: of(call, &device)? })
}

pub(super) fn check_codes(call: &mut Call<'_, '_>, asked: CheckCodes) -> Result<Nothing, Failure> {
    let device = call.device(asked.device_id)?.ok_or_else(no_device)?;
    check_driven(&device).map_err(|message| ApiError::invalid("device_id", message))?;
    if !device.takes_codes() {
        return Err(ApiError::invalid("device_id", "this device has no codes that the hub could read").into());
    }
    call.forget_slots(asked.device_id)?;
    Ok(Nothing {})
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListDevices) -> Result<Devices, Failure> {
    page_of(call, asked, true)
}

pub(super) fn list_unmanaged(call: &mut Call<'_, '_>, asked: ListDevices) -> Result<Devices, Failure> {
    page_of(call, asked, false)
}

pub(super) fn update(call: &mut Call<'_, '_>, asked: UpdateDevice) -> Result<Nothing, Failure> {
    let old = call.device(asked.device_id)?.ok_or_else(no_device)?;
    let name = match asked.properties {
        Some(properties) if asked.name == Nullable::Absent => properties.name,
        Some(_) | None => asked.name,
    };
    let mut new = old.clone();
    new.nickname = name.or(old.nickname.clone().map(Key)).map(|Key(name)| name);
    change(call, &old, new, asked.custom_metadata, asked.is_managed)
}

pub(super) fn update_unmanaged(call: &mut Call<'_, '_>, asked: UpdateUnmanagedDevice) -> Result<Nothing, Failure> {
    let old = call.device(asked.device_id)?.ok_or_else(no_device)?;
    change(call, &old, old.clone(), asked.custom_metadata, asked.is_managed)
}

pub(super) fn delete(call: &mut Call<'_, '_>, asked: DeleteDevice) -> Result<Nothing, Failure> {
    let device = call.device(asked.device_id)?.ok_or_else(no_device)?;
    if device.is_configured {
        let message = "is in the hub's configuration: take it out there and start the hub again, then delete it";
        return Err(ApiError::invalid("device_id", message).into());
    }
    let name = device.display_name().to_owned();
    call.emit(EventType::DeviceDeleted, device.device_id, Map::from_iter([("device_name".to_owned(), json!(name))]))?;
    call.delete_device(device.device_id)?;
    Ok(Nothing {})
}

/// The device as shown to everybody; the same as to the host, since it holds no secret.
pub(super) fn public(unit: &mut Unit<'_>, id: DeviceId) -> Result<Option<DeviceResource>, StoreError> {
    let device = unit.device(id)?;
    device.map(|device| of(unit, &device)).transpose()
}

pub(super) fn ids(unit: &mut Unit<'_>) -> Result<Vec<DeviceId>, StoreError> {
    Ok(unit.devices()?.into_iter().map(|device| device.device_id).collect())
}

fn find(call: &mut Call<'_, '_>, id: Option<DeviceId>, name: Option<String>) -> Result<Device, Failure> {
    let found = match (id, name) {
        (Some(id), _) => call.device(id)?,
        (None, Some(name)) => call.devices()?.into_iter().find(|device| device.display_name() == name),
        (None, None) => return Err(ApiError::invalid("device_id", "give device_id or name").into()),
    };
    Ok(found.ok_or_else(no_device)?)
}

fn page_of(call: &mut Call<'_, '_>, asked: ListDevices, managed: bool) -> Result<Devices, Failure> {
    let page = Page::new(asked.limit, asked.page_cursor);
    let workspace = call.workspace_id()?;
    let mut shown = Vec::new();
    // A hub has dozens of devices, not thousands: what only the resource tells is filtered by it.
    for device in call.devices()?.into_iter().filter(|device| device.is_managed == managed) {
        let resource = of(call, &device)?;
        if asked.wants(&device, &resource, workspace) {
            shown.push(resource);
        }
    }
    let (devices, pagination) = page.cut(shown, |device| device.device_id.0);
    Ok(Devices { devices, pagination })
}

impl ListDevices {
    fn wants(&self, device: &Device, resource: &DeviceResource, workspace: WorkspaceId) -> bool {
        let alike = |wanted: &String, is: &str| wanted.eq_ignore_ascii_case(is);
        let space = self.space_id.as_ref().or(match &self.unstable_location_id {
            Nullable::Given(id) => Some(id),
            Nullable::Absent | Nullable::Null => None,
        });
        let text = self.search.as_ref().map(|text| text.to_lowercase());
        self.device_ids.as_ref().is_none_or(|ids| ids.contains(&device.device_id))
            && text.is_none_or(|text| device.display_name().to_lowercase().contains(&text))
            && self.device_type.as_ref().is_none_or(|kind| kind == resource.device_type)
            && self.device_types.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind == resource.device_type))
            && self
                .manufacturer
                .as_ref()
                .is_none_or(|m| device.info.as_ref().is_some_and(|i| alike(m, &i.manufacturer)))
            && self.connected_account_id.is_none_or(|id| id == workspace)
            && self.connected_account_ids.as_ref().is_none_or(|ids| ids.contains(&workspace))
            && space.is_none_or(|space| resource.space_ids.contains(space))
            && self.created_before.is_none_or(|before| device.created_at < before)
            && self.custom_metadata_has.as_ref().is_none_or(|Metadata(wanted)| {
                wanted.iter().all(|(name, value)| device.custom_metadata.get(name) == Some(value))
            })
            && self.include_if.iter().flatten().all(|ability| resource.has(ability))
            && !self.exclude_if.iter().flatten().any(|ability| resource.has(ability))
    }
}

/// Keeps what is new, and tells of it.
fn change(
    call: &mut Call<'_, '_>,
    old: &Device,
    mut new: Device,
    metadata: Option<Metadata>,
    managed: Option<bool>,
) -> Result<Nothing, Failure> {
    for (name, value) in metadata.into_iter().flat_map(|Metadata(values)| values) {
        if value.is_null() {
            new.custom_metadata.remove(&name);
        } else {
            new.custom_metadata.insert(name, value);
        }
    }
    if new.custom_metadata.len() > Metadata::MOST {
        let message = format!("a device keeps at most {} keys", Metadata::MOST);
        return Err(ApiError::invalid("custom_metadata", message).into());
    }
    new.is_managed = managed.unwrap_or(old.is_managed);
    if old.is_managed && !new.is_managed {
        let codes = call.live_codes(old.device_id)?.len();
        if codes > 0 {
            let message = format!("the hub keeps {codes} code(s) for this lock: delete them and their grants first");
            return Err(ApiError::invalid("is_managed", message).into());
        }
    }
    call.update_device(&new)?;
    if old.display_name() != new.display_name() {
        let name = Map::from_iter([("device_name".to_owned(), json!(new.display_name()))]);
        call.emit(EventType::DeviceNameChanged, new.device_id, name)?;
    }
    match (old.is_managed, new.is_managed) {
        (true, false) => call.emit(EventType::DeviceConvertedToUnmanaged, new.device_id, Map::new())?,
        (false, true) => call.emit(EventType::DeviceConvertedToManaged, new.device_id, Map::new())?,
        (true, true) | (false, false) => {}
    }
    Ok(Nothing {})
}

/// The codes of a device that something is said of: those that are near, the next one behind them, and those in trouble.
fn codes_shown(unit: &mut Unit<'_>, device: &Device) -> Result<Vec<AccessCode>, StoreError> {
    let (id, horizon) = (device.device_id, unit.now().after(HORIZON));
    let mut codes = unit.live_codes_until(id, horizon)?;
    codes.extend(unit.codes_beyond(id, horizon, Trouble::None, 1)?);
    codes.extend(unit.codes_beyond(id, horizon, Trouble::Any, TROUBLES_SHOWN)?);
    Ok(codes)
}

fn of(unit: &mut Unit<'_>, device: &Device) -> Result<DeviceResource, StoreError> {
    let codes = codes_shown(unit, device)?;
    let spaces = unit.spaces_of_device(device.device_id)?;
    let pending = unit.pending_action_attempts(device.device_id)?;
    Ok(DeviceResource::new(device, spaces, &codes, &pending, unit.now(), unit.workspace_id()?))
}
