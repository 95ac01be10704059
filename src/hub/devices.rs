//! Operations on devices.

use serde_json::{Map, Value, json};

use super::input::Input;
use super::outcome::{Outcome, no_device, one};
use crate::model::{AccessCode, Device, DeviceId, ProblemKind, RadioKind, Timestamp, WorkspaceId};
use crate::store::{StoreError, Unit};

pub(super) fn get(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let id: Option<DeviceId> = input.id("device_id");
    let name = input.text("name");
    if id.is_none() && name.is_none() {
        input.require("device_id");
    }
    input.finish()?;
    let found = match (id, name) {
        (Some(id), _) => unit.device(id)?,
        (None, name) => unit.devices()?.into_iter().find(|device| Some(&device.name) == name.as_ref()),
    };
    let device = found.ok_or_else(no_device)?;
    one("device", of(unit, &device)?)
}

pub(super) fn list(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let ids: Option<Vec<DeviceId>> = input.ids("device_ids");
    let search = input.text("search").map(|text| text.to_lowercase());
    let limit = input.number("limit", 1..=10_000).and_then(|limit| usize::try_from(limit).ok());
    input.finish()?;
    let fits = |device: &&Device| {
        ids.as_ref().is_none_or(|ids| ids.contains(&device.device_id))
            && search.as_ref().is_none_or(|text| device.name.to_lowercase().contains(text))
    };
    let devices = unit.devices()?;
    let chosen = devices.iter().filter(fits).take(limit.unwrap_or(usize::MAX));
    let shown: Vec<Value> = chosen.map(|device| of(unit, device)).collect::<Result<_, _>>()?;
    one("devices", shown.into())
}

/// The device as shown to everybody; the same as to the host, since it holds no secret.
pub(super) fn public(unit: &mut Unit<'_>, id: DeviceId) -> Result<Option<Value>, StoreError> {
    let device = unit.device(id)?;
    device.map(|device| of(unit, &device)).transpose()
}

pub(super) fn ids(unit: &mut Unit<'_>) -> Result<Vec<DeviceId>, StoreError> {
    Ok(unit.devices()?.into_iter().map(|device| device.device_id).collect())
}

fn of(unit: &mut Unit<'_>, device: &Device) -> Result<Value, StoreError> {
    let codes = unit.live_codes(device.device_id)?;
    Ok(resource(device, &codes, unit.now(), unit.workspace_id()?))
}

fn resource(device: &Device, codes: &[AccessCode], now: Timestamp, workspace: WorkspaceId) -> Value {
    let takes_codes = device.takes_codes();
    let capabilities = device.info.as_ref().map(|info| &info.capabilities);
    let can_lock = capabilities.is_some_and(|c| c.can_lock);
    let can_unlock = capabilities.is_some_and(|c| c.can_unlock);
    let mut abilities = Vec::new();
    abilities.extend(takes_codes.then_some("access_code"));
    abilities.extend((can_lock || can_unlock).then_some("lock"));
    abilities.extend(capabilities.is_some_and(|c| c.has_battery).then_some("battery"));
    json!({
        "device_id": device.device_id,
        "workspace_id": workspace,
        "device_type": match device.address.kind { RadioKind::Zwave => "zwave_lock", RadioKind::Zigbee => "zigbee_lock" },
        "display_name": device.name,
        "nickname": device.name,
        "is_managed": true,
        "created_at": device.created_at,
        // The hub's one account: itself.
        "connected_account_id": workspace,
        "capabilities_supported": abilities,
        "can_program_online_access_codes": takes_codes,
        "can_program_offline_access_codes": false,
        "can_unlock_with_code": takes_codes,
        "can_remotely_lock": can_lock,
        "can_remotely_unlock": can_unlock,
        "can_configure_auto_lock": false,
        "custom_metadata": {},
        "location": {},
        "space_ids": [],
        "properties": properties(device),
        "codes": {
            "in_lock": codes.iter().filter(|code| code.status(now) == crate::model::CodeStatus::Set).count(),
            "slots": capabilities.map_or(0, |c| c.slot_count),
        },
        "errors": errors(device, codes, now),
        "warnings": warnings(device, codes),
    })
}

fn properties(device: &Device) -> Value {
    let mut json = Map::new();
    let mut put = |key: &str, value: Value| json.insert(key.to_owned(), value);
    put("name", json!(device.name));
    put("appearance", json!({"name": device.name}));
    put("online", json!(device.state.online));
    put("has_native_entry_events", json!(true));
    put("supports_backup_access_code_pool", json!(false));
    put("offline_access_codes_enabled", json!(false));
    put("online_access_codes_enabled", json!(device.takes_codes()));
    put("zwave_node_id", json!(device.address.lock.0));
    if let Some(info) = &device.info {
        let capabilities = &info.capabilities;
        put("manufacturer", json!(info.manufacturer));
        put("firmware_version", json!(info.firmware));
        put(
            "model",
            json!({"display_name": info.model, "manufacturer_display_name": info.manufacturer,
                "has_built_in_keypad": capabilities.slot_count > 0}),
        );
        put("max_active_codes_supported", json!(capabilities.slot_count));
        let lengths: Vec<u8> = (capabilities.min_code_length..=capabilities.max_code_length).collect();
        put("supported_code_lengths", json!(lengths));
        put("code_constraints", json!([]));
    }
    let state = &device.state;
    if let Some(locked) = state.locked {
        put("locked", json!(locked));
    }
    if let Some(open) = state.door_open {
        put("door_open", json!(open));
    }
    if let Some(percent) = state.battery_percent {
        let level = f64::from(percent) / 100.0;
        put("battery_level", json!(level));
        put("battery", json!({"level": level, "status": state.battery_status()}));
    }
    put("last_seen_at", json!(state.last_seen));
    Value::Object(json)
}

fn errors(device: &Device, codes: &[AccessCode], now: Timestamp) -> Vec<Value> {
    let mut errors = Vec::new();
    if !device.state.online {
        let since = device.state.last_seen.unwrap_or(device.created_at);
        let message = format!("the lock does not answer; last heard {since}. Check its battery and its distance");
        errors.push(json!({"error_code": "device_offline", "message": message, "created_at": since,
            "is_device_error": true}));
    }
    for code in codes {
        let Some(problem) = &code.problem else { continue };
        let name = match problem.kind {
            ProblemKind::FailedToSet => "failed_to_set_access_code",
            ProblemKind::FailedToRemove | ProblemKind::DelayInRemoving => "failed_to_remove_access_code",
            ProblemKind::DelayInSetting if code.window.contains(now) => "failed_to_set_access_code",
            ProblemKind::DelayInSetting | ProblemKind::WillNotWork => continue,
        };
        errors.push(json!({"error_code": name, "message": problem.message, "created_at": problem.since,
            "access_code_id": code.access_code_id, "is_device_error": true}));
    }
    errors
}

fn warnings(device: &Device, codes: &[AccessCode]) -> Vec<Value> {
    let mut warnings = Vec::new();
    let mut warn = |name: &str, message: String, since: Timestamp| {
        warnings.push(json!({"warning_code": name, "message": message, "created_at": since}));
    };
    let seen = device.state.last_seen.unwrap_or(device.created_at);
    match &device.info {
        None => warn("interview_incomplete", "the lock is still being asked what it can do".to_owned(), seen),
        Some(info) if !info.missing.is_empty() => {
            warn("interview_incomplete", format!("not found out yet: {}", info.missing.join(", ")), seen);
        }
        Some(_) => {}
    }
    if device.state.battery_low {
        warn("low_battery", "the battery is low: change it".to_owned(), seen);
    }
    if device.state.jammed {
        warn("jammed", "the bolt is stuck: see to the door".to_owned(), seen);
    }
    for problem in codes.iter().filter_map(|code| code.problem.as_ref()) {
        if problem.kind == ProblemKind::WillNotWork {
            warn("access_code_will_not_work", problem.message.clone(), problem.since);
        }
    }
    warnings
}
