//! A lock's interview as JSON: the one thing of a device that is kept as it is found, since only the lock gives it.

use keyway_lock::{
    AdminCode, Alike, AutoLock, Capabilities, Keypad, KeypadMode, LockInfo, Parameter, ReadBack, Settings, SlotNumber,
};
use serde_json::{Value, json};

use super::row::Word;

pub(super) fn encode(info: &LockInfo) -> String {
    let capabilities = &info.capabilities;
    json!({
        "manufacturer": info.manufacturer,
        "model": info.model,
        "firmware": info.firmware,
        "serial_number": info.serial_number,
        "missing": info.missing,
        "auto_lock_seconds": info.auto_lock.map(AutoLock::seconds),
        "settings": encode_settings(&info.settings),
        "capabilities": {
            "slot_count": capabilities.slot_count,
            "first_slot": capabilities.first_slot.0,
            "min_code_length": capabilities.min_code_length,
            "max_code_length": capabilities.max_code_length,
            "digits": capabilities.digits,
            "reserved_slots": capabilities.reserved_slots.iter().map(|slot| slot.0).collect::<Vec<_>>(),
            "shared_buttons": capabilities.alike.buttons,
            "first_digits": capabilities.alike.first_digits,
            "read_back": capabilities.read_back.word(),
            "has_checksum": capabilities.has_checksum,
            "changes_at_once": capabilities.changes_at_once,
            "window_slots": capabilities.window_slots,
            "can_lock": capabilities.can_lock,
            "can_unlock": capabilities.can_unlock,
            "has_door_sensor": capabilities.has_door_sensor,
            "has_battery": capabilities.has_battery,
            "can_identify": capabilities.can_identify,
        },
    })
    .to_string()
}

fn encode_settings(settings: &Settings) -> Value {
    json!({
        "keypad": settings.keypad.as_ref().map(|keypad| json!({
            "mode": keypad.mode.name(),
            "modes": keypad.modes.iter().map(|mode| mode.name()).collect::<Vec<_>>(),
        })),
        "admin_code": settings.admin_code.map(|code| json!({
            "is_set": code.is_set,
            "can_be_removed": code.can_be_removed,
        })),
        "bolt": bolt_settings::encode(&settings.bolt),
        "keeps_log": settings.keeps_log,
        "parameters": settings.parameters.iter().map(encode_parameter).collect::<Vec<_>>(),
    })
}

/// How a bolt behaves by itself; what is absent is not there, or not asked for.
pub(super) mod bolt_settings {
    use keyway_lock::BoltSettings;
    use serde_json::{Value, json};

    pub(in crate::store) fn encode(settings: &BoltSettings) -> Value {
        json!({
            "timed_seconds": settings.timed_seconds,
            "hold_and_release_seconds": settings.hold_and_release_seconds,
            "block_to_block": settings.block_to_block,
            "twist_assist": settings.twist_assist,
        })
    }

    pub(in crate::store) fn decode(json: &Value) -> BoltSettings {
        let seconds = |name: &str| json[name].as_u64().and_then(|seconds| u16::try_from(seconds).ok());
        BoltSettings {
            timed_seconds: seconds("timed_seconds"),
            hold_and_release_seconds: seconds("hold_and_release_seconds"),
            block_to_block: json["block_to_block"].as_bool(),
            twist_assist: json["twist_assist"].as_bool(),
        }
    }
}

fn encode_parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "does": parameter.does,
        "values": parameter.values,
        "range": parameter.range,
        "can_be_set": parameter.can_be_set,
        "value": parameter.value,
        "closed_to_guests": parameter.closed_to_guests,
    })
}

fn decode_parameter(json: &Value) -> Option<Parameter> {
    let value = |(name, value): (&String, &Value)| Some((name.clone(), value.as_i64()?));
    Some(Parameter {
        name: json["name"].as_str()?.to_owned(),
        does: json["does"].as_str()?.to_owned(),
        values: json["values"].as_object()?.iter().map(value).collect::<Option<_>>()?,
        range: json["range"][0].as_i64().zip(json["range"][1].as_i64()),
        can_be_set: json["can_be_set"].as_bool()?,
        value: json["value"].as_i64(),
        closed_to_guests: json["closed_to_guests"].as_bool()?,
    })
}

/// What earlier releases did not know of is absent.
fn decode_settings(json: &Value) -> Result<Settings, &'static str> {
    let mode = |item: &Value| item.as_str().and_then(KeypadMode::of_name);
    let keypad = match &json["keypad"] {
        Value::Null => None,
        keypad => Some(Keypad { mode: mode(&keypad["mode"]).ok_or("keypad")?, modes: list_of(keypad, "modes", mode)? }),
    };
    let admin_code = match &json["admin_code"] {
        Value::Null => None,
        code => Some(AdminCode {
            is_set: code["is_set"].as_bool().ok_or("admin_code")?,
            can_be_removed: code["can_be_removed"].as_bool().ok_or("admin_code")?,
        }),
    };
    let keeps_log = matches!(json["keeps_log"], Value::Bool(true));
    let parameters = list_of(json, "parameters", decode_parameter)?;
    let bolt = bolt_settings::decode(&json["bolt"]);
    Ok(Settings { keypad, admin_code, bolt, keeps_log, parameters })
}

/// What [`encode`] made; the name of the field that is missing or wrong, if it is not that.
pub(super) fn decode(text: &str) -> Result<LockInfo, &'static str> {
    let json: Value = serde_json::from_str(text).map_err(|_| "is not JSON")?;
    let capabilities = &json["capabilities"];
    let missing = json["missing"].as_array().ok_or("missing")?;
    Ok(LockInfo {
        manufacturer: text_of(&json, "manufacturer")?,
        model: text_of(&json, "model")?,
        firmware: text_of(&json, "firmware")?,
        // Earlier releases did not know of these two.
        serial_number: json["serial_number"].as_str().map(str::to_owned),
        auto_lock: match &json["auto_lock_seconds"] {
            Value::Null => None,
            _ => Some(AutoLock::from_seconds(number_of(&json, "auto_lock_seconds")?)),
        },
        settings: Box::new(decode_settings(&json["settings"])?),
        missing: missing
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .ok_or("missing")?,
        capabilities: Capabilities {
            slot_count: number_of(capabilities, "slot_count")?,
            first_slot: SlotNumber(number_of(capabilities, "first_slot")?),
            min_code_length: number_of(capabilities, "min_code_length")?,
            max_code_length: number_of(capabilities, "max_code_length")?,
            digits: text_of(capabilities, "digits")?,
            // Earlier releases did not know of these six, nor of the last one.
            has_checksum: matches!(capabilities["has_checksum"], Value::Bool(true)),
            changes_at_once: match &capabilities["changes_at_once"] {
                Value::Null => 0,
                _ => number_of(capabilities, "changes_at_once")?,
            },
            window_slots: match &capabilities["window_slots"] {
                Value::Null => 0,
                _ => number_of(capabilities, "window_slots")?,
            },
            reserved_slots: list_of(capabilities, "reserved_slots", slot_of)?,
            alike: Alike {
                buttons: list_of(capabilities, "shared_buttons", |item| item.as_str().map(str::to_owned))?,
                first_digits: match &capabilities["first_digits"] {
                    Value::Null => None,
                    _ => Some(number_of(capabilities, "first_digits")?),
                },
            },
            read_back: ReadBack::parse(&text_of(capabilities, "read_back")?).ok_or("read_back")?,
            can_lock: flag_of(capabilities, "can_lock")?,
            can_unlock: flag_of(capabilities, "can_unlock")?,
            has_door_sensor: flag_of(capabilities, "has_door_sensor")?,
            has_battery: flag_of(capabilities, "has_battery")?,
            can_identify: matches!(capabilities["can_identify"], Value::Bool(true)),
        },
    })
}

fn text_of(json: &Value, field: &'static str) -> Result<String, &'static str> {
    json[field].as_str().map(str::to_owned).ok_or(field)
}

fn number_of<T: TryFrom<u64>>(json: &Value, field: &'static str) -> Result<T, &'static str> {
    json[field].as_u64().and_then(|number| T::try_from(number).ok()).ok_or(field)
}

/// A list that may be missing.
fn list_of<T, L: FromIterator<T> + Default>(
    json: &Value,
    field: &'static str,
    item: impl Fn(&Value) -> Option<T>,
) -> Result<L, &'static str> {
    match &json[field] {
        Value::Null => Ok(L::default()),
        list => list.as_array().ok_or(field)?.iter().map(item).collect::<Option<L>>().ok_or(field),
    }
}

fn slot_of(json: &Value) -> Option<SlotNumber> {
    json.as_u64().and_then(|slot| u16::try_from(slot).ok()).map(SlotNumber)
}

fn flag_of(json: &Value, field: &'static str) -> Result<bool, &'static str> {
    json[field].as_bool().ok_or(field)
}
