//! Operations on devices.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::call::Call;
use super::device_trouble;
use super::outcome::{Failure, no_device, response};
use super::page::{Cursor, Page, Pagination};
use super::parameter::Limit;
use super::request::request;
use super::trouble::{ErrorEntry, WarningEntry};
use crate::model::{AccessCode, ApiError, CodeStatus, Device, DeviceId, RadioKind, Timestamp, WorkspaceId};
use crate::store::{StoreError, Unit};

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
        /// At most so many.
        limit: Option<Limit>,
        /// The next page of the same request.
        page_cursor: Option<Cursor>,
    }
}

response!(OneDevice { device: DeviceResource });
response!(Devices { devices: Vec<DeviceResource>, pagination: Pagination });

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetDevice) -> Result<OneDevice, Failure> {
    let found = match (asked.device_id, asked.name) {
        (Some(id), _) => call.device(id)?,
        (None, Some(name)) => call.devices()?.into_iter().find(|device| device.name == name),
        (None, None) => return Err(ApiError::invalid("device_id", "required").into()),
    };
    Ok(OneDevice { device: of(call, &found.ok_or_else(no_device)?)? })
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListDevices) -> Result<Devices, Failure> {
    let search = asked.search.map(|text| text.to_lowercase());
    let fits = |device: &Device| {
        asked.device_ids.as_ref().is_none_or(|ids| ids.contains(&device.device_id))
            && search.as_ref().is_none_or(|text| device.name.to_lowercase().contains(text))
    };
    let all = call.devices()?.into_iter().filter(fits);
    let (page, pagination) = Page::new(asked.limit, asked.page_cursor).cut(all, |device| device.device_id.0);
    let devices = page.iter().map(|device| of(call, device)).collect::<Result<_, _>>()?;
    Ok(Devices { devices, pagination })
}

/// The device as shown to everybody; the same as to the host, since it holds no secret.
pub(super) fn public(unit: &mut Unit<'_>, id: DeviceId) -> Result<Option<DeviceResource>, StoreError> {
    let device = unit.device(id)?;
    device.map(|device| of(unit, &device)).transpose()
}

pub(super) fn ids(unit: &mut Unit<'_>) -> Result<Vec<DeviceId>, StoreError> {
    Ok(unit.devices()?.into_iter().map(|device| device.device_id).collect())
}

fn of(unit: &mut Unit<'_>, device: &Device) -> Result<DeviceResource, StoreError> {
    let codes = unit.live_codes(device.device_id)?;
    Ok(DeviceResource::new(device, &codes, unit.now(), unit.workspace_id()?))
}

/// A device as Seam writes it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Device)]
pub(super) struct DeviceResource {
    device_id: DeviceId,
    workspace_id: WorkspaceId,
    /// `zwave_lock` or `zigbee_lock`.
    device_type: &'static str,
    display_name: String,
    nickname: String,
    is_managed: bool,
    created_at: Timestamp,
    /// The hub's one account: itself.
    connected_account_id: WorkspaceId,
    capabilities_supported: Vec<&'static str>,
    can_program_online_access_codes: bool,
    can_program_offline_access_codes: bool,
    can_unlock_with_code: bool,
    can_remotely_lock: bool,
    can_remotely_unlock: bool,
    can_configure_auto_lock: bool,
    custom_metadata: Map<String, Value>,
    location: Location,
    space_ids: Vec<DeviceId>,
    properties: Properties,
    codes: CodeCount,
    errors: Vec<ErrorEntry>,
    warnings: Vec<WarningEntry>,
}

/// Where a device is.
#[derive(Clone, Serialize, ToSchema)]
struct Location {}

/// How many codes a lock holds, of how many it can.
#[derive(Clone, Serialize, ToSchema)]
struct CodeCount {
    in_lock: usize,
    slots: u16,
}

/// A device's state and limits.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = DeviceProperties)]
struct Properties {
    name: String,
    appearance: Appearance,
    online: bool,
    has_native_entry_events: bool,
    supports_backup_access_code_pool: bool,
    offline_access_codes_enabled: bool,
    online_access_codes_enabled: bool,
    /// The lock's number in its radio network.
    node_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware_version: Option<String>,
    model: Model,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_active_codes_supported: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supported_code_lengths: Option<Vec<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_constraints: Option<Vec<CodeConstraint>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    door_open: Option<bool>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_level: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    battery: Option<Battery>,
    last_seen_at: Option<Timestamp>,
}

/// A device's name, as older clients look for it.
#[derive(Clone, Serialize, ToSchema)]
struct Appearance {
    name: String,
}

/// What a device is.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = DeviceModel)]
struct Model {
    display_name: String,
    manufacturer_display_name: String,
    has_built_in_keypad: bool,
}

/// A rule that a PIN must meet.
#[derive(Clone, Serialize, ToSchema)]
struct CodeConstraint {
    constraint_type: &'static str,
}

/// A battery's state.
#[derive(Clone, Serialize, ToSchema)]
struct Battery {
    /// 0 to 1.
    level: f64,
    /// `critical`, `low`, `good` or `full`.
    status: &'static str,
}

impl DeviceResource {
    fn new(device: &Device, codes: &[AccessCode], now: Timestamp, workspace: WorkspaceId) -> Self {
        let takes_codes = device.takes_codes();
        let capabilities = device.info.as_ref().map(|info| &info.capabilities);
        let can_lock = capabilities.is_some_and(|c| c.can_lock);
        let can_unlock = capabilities.is_some_and(|c| c.can_unlock);
        let mut abilities = Vec::new();
        abilities.extend(takes_codes.then_some("access_code"));
        abilities.extend((can_lock || can_unlock).then_some("lock"));
        abilities.extend(capabilities.is_some_and(|c| c.has_battery).then_some("battery"));
        Self {
            device_id: device.device_id,
            workspace_id: workspace,
            device_type: match device.address.kind {
                RadioKind::Zwave => "zwave_lock",
                RadioKind::Zigbee => "zigbee_lock",
            },
            display_name: device.name.clone(),
            nickname: device.name.clone(),
            is_managed: true,
            created_at: device.created_at,
            connected_account_id: workspace,
            capabilities_supported: abilities,
            can_program_online_access_codes: takes_codes,
            can_program_offline_access_codes: false,
            can_unlock_with_code: takes_codes,
            can_remotely_lock: can_lock,
            can_remotely_unlock: can_unlock,
            can_configure_auto_lock: false,
            custom_metadata: Map::new(),
            location: Location {},
            space_ids: Vec::new(),
            properties: Properties::new(device),
            codes: CodeCount {
                in_lock: codes.iter().filter(|code| code.status(now) == CodeStatus::Set).count(),
                slots: capabilities.map_or(0, |c| c.slot_count),
            },
            errors: device_trouble::errors(device, codes, now),
            warnings: device_trouble::warnings(device, codes),
        }
    }
}

impl Properties {
    fn new(device: &Device) -> Self {
        let info = device.info.as_ref();
        let capabilities = info.map(|info| &info.capabilities);
        let state = &device.state;
        let level = state.battery_percent.map(|percent| f64::from(percent) / 100.0);
        Self {
            name: device.name.clone(),
            appearance: Appearance { name: device.name.clone() },
            online: state.online,
            has_native_entry_events: true,
            supports_backup_access_code_pool: false,
            offline_access_codes_enabled: false,
            online_access_codes_enabled: device.takes_codes(),
            node_id: device.address.lock.0,
            manufacturer: info.map(|info| info.manufacturer.clone()),
            firmware_version: info.map(|info| info.firmware.clone()),
            model: Model {
                display_name: info.map_or_else(|| "Unknown".to_owned(), |info| info.model.clone()),
                manufacturer_display_name: info.map_or_else(|| "Unknown".to_owned(), |info| info.manufacturer.clone()),
                has_built_in_keypad: capabilities.is_some_and(|c| c.slot_count > 0),
            },
            max_active_codes_supported: capabilities.map(|c| c.slot_count),
            supported_code_lengths: capabilities.map(|c| (c.min_code_length..=c.max_code_length).collect()),
            code_constraints: info.map(|_| Vec::new()),
            locked: state.locked,
            door_open: state.door_open,
            battery_level: level,
            battery: level.zip(state.battery_status()).map(|(level, status)| Battery { level, status }),
            last_seen_at: state.last_seen,
        }
    }
}
