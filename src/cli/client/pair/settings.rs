//! The settings of other Z-Wave programs, as far as they hold network keys: Z-Wave JS UI (`securityKeys` and
//! `securityKeysLongRange` under `zwave` of its settings.json), Home Assistant (`s2_access_control_key`,
//! `lr_s2_access_control_key` … of its add-on, in YAML or JSON, and of its config entries), and zwave-js's own options (the
//! same names, as hexadecimal digits or as a Buffer in JSON).

use std::collections::BTreeMap;

use keyway_lock::{KeyName, NetworkKey};
use serde_json::Value;
use zeroize::Zeroizing;

/// Why a file's keys can't be taken over. Never carries a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// See the text.
    #[error(
        "holds no network keys. They are called securityKeys in the settings.json of Z-Wave JS UI, and \
         s2_access_control_key, s0_legacy_key and so on in the options of Home Assistant's Z-Wave JS"
    )]
    None,
    /// By its name in the file.
    #[error("its {0} is no key: that is 32 hexadecimal digits")]
    NotAKey(String),
    /// Which.
    #[error("holds two different {} keys: leave only the right one in it", .0.name())]
    Two(KeyName),
}

/// Keys by name, as hexadecimal digits.
pub type Found = BTreeMap<KeyName, Zeroizing<String>>;

/// Reads the keys out of a text. What else stands in it is passed over.
///
/// # Errors
/// [`SettingsError`].
pub fn read(text: &str) -> Result<Found, SettingsError> {
    let mut found = Found::new();
    match serde_json::from_str(text) {
        Ok(json) => search(&json, false, &mut found)?,
        Err(_) => {
            for (name, value) in text.lines().filter_map(entry) {
                take(name, &Value::String(value.to_owned()), false, &mut found)?;
            }
        }
    }
    if found.is_empty() { Err(SettingsError::None) } else { Ok(found) }
}

/// `name: value`, as in YAML, or `NAME=value`, as in an environment.
fn entry(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches("- ").trim_start_matches("export ");
    let (name, value) = line.split_once([':', '='])?;
    let value = value.split(" #").next().unwrap_or_default();
    Some((name.trim(), value.trim().trim_matches(['"', '\''])))
}

fn search(json: &Value, long_range: bool, found: &mut Found) -> Result<(), SettingsError> {
    match json {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            let long_range = long_range || name == "securityKeysLongRange";
            take(name, value, long_range, found)?;
            search(value, long_range, found)
        }),
        Value::Array(items) => items.iter().try_for_each(|item| search(item, long_range, found)),
        _ => Ok(()),
    }
}

/// Takes a value if its name is that of a key. An empty one is one that is not set.
fn take(name: &str, value: &Value, long_range: bool, found: &mut Found) -> Result<(), SettingsError> {
    let Some(key) = key_name(name, long_range) else { return Ok(()) };
    let digits = match value {
        Value::String(text) => digits(text),
        Value::Object(buffer) if buffer.get("type").is_some_and(|kind| kind == "Buffer") => bytes(buffer.get("data")),
        _ => return Ok(()),
    };
    if digits.is_empty() {
        return Ok(());
    }
    if NetworkKey::read(&digits).is_none() {
        return Err(SettingsError::NotAKey(name.to_owned()));
    }
    match found.insert(key, digits.clone()) {
        Some(other) if other != digits => Err(SettingsError::Two(key)),
        _ => Ok(()),
    }
}

/// The digits in one spelling: older programs write `0x01, 0x02, …`.
fn digits(text: &str) -> Zeroizing<String> {
    let parts = text.split([',', ' ', ':', '-']).map(|part| part.trim_start_matches("0x").trim_start_matches("0X"));
    Zeroizing::new(parts.collect::<String>().to_ascii_lowercase())
}

fn bytes(data: Option<&Value>) -> Zeroizing<String> {
    let bytes = data.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64);
    Zeroizing::new(bytes.map(|byte| format!("{byte:02x}")).collect())
}

/// The key of a name, however it is spelled: `S2_AccessControl`, `s2_access_control_key`, `KEY_LR_S2_Authenticated`.
fn key_name(name: &str, long_range: bool) -> Option<KeyName> {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let name = name.trim_start_matches("key").trim_end_matches("key");
    let (name, long_range) = match name.strip_prefix("lr").or_else(|| name.strip_prefix("longrange")) {
        Some(rest) => (rest, true),
        None => (name, long_range),
    };
    match (name, long_range) {
        ("s0legacy" | "s0" | "network", false) => Some(KeyName::S0),
        ("s2unauthenticated", false) => Some(KeyName::S2Unauthenticated),
        ("s2authenticated", false) => Some(KeyName::S2Authenticated),
        ("s2accesscontrol", false) => Some(KeyName::S2AccessControl),
        ("s2authenticated", true) => Some(KeyName::LongRangeS2Authenticated),
        ("s2accesscontrol", true) => Some(KeyName::LongRangeS2AccessControl),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of which each byte is this.
    fn of(byte: u8) -> String {
        format!("{byte:02X}").repeat(16)
    }

    fn names(found: &Found) -> Vec<(&'static str, &str)> {
        found.iter().map(|(name, digits)| (name.name(), &digits[..2])).collect()
    }

    #[test]
    fn the_settings_of_z_wave_js_ui() {
        let text = format!(
            r#"{{"mqtt": {{"name": "Mosquitto"}}, "gateway": {{"type": 0}}, "zwave": {{"enabled": true, "port": "/dev/ttyUSB0",
                "networkKey": "", "securityKeys": {{"S2_Unauthenticated": "{}", "S2_Authenticated": "{}",
                "S2_AccessControl": "{}", "S0_Legacy": "{}"}}, "securityKeysLongRange": {{"S2_Authenticated": "{}",
                "S2_AccessControl": "{}"}}, "rf": {{"region": 0}}}}, "zniffer": {{"securityKeys": {{}}}}}}"#,
            of(0x11),
            of(0x22),
            of(0x33),
            of(0xAA),
            of(0x44),
            of(0x55)
        );
        let expected = [
            ("s0", "aa"),
            ("s2_unauthenticated", "11"),
            ("s2_authenticated", "22"),
            ("s2_access_control", "33"),
            ("long_range_s2_authenticated", "44"),
            ("long_range_s2_access_control", "55"),
        ];
        assert_eq!(names(&read(&text).unwrap()), expected);
    }

    #[test]
    fn the_options_of_home_assistants_add_on_in_yaml_and_in_json() {
        let yaml = format!(
            "device: /dev/ttyUSB0\ns0_legacy_key: {}\ns2_access_control_key: \"{}\" # for locks\n\
             s2_authenticated_key: \"\"\nlr_s2_access_control_key: {}\nemulate_hardware: false\n",
            of(0x11),
            of(0x22),
            of(0x33)
        );
        let expected = [("s0", "11"), ("s2_access_control", "22"), ("long_range_s2_access_control", "33")];
        assert_eq!(names(&read(&yaml).unwrap()), expected);
        let json = format!(
            r#"{{"options": {{"s0_legacy_key": "{0}", "network_key": "{0}", "s2_access_control_key": "{1}",
                "lr_s2_access_control_key": "{2}"}}}}"#,
            of(0x11),
            of(0x22),
            of(0x33)
        );
        assert_eq!(names(&read(&json).unwrap()), expected);
    }

    #[test]
    fn the_config_entries_of_home_assistant() {
        let text = format!(
            r#"{{"version": 1, "data": {{"entries": [{{"domain": "sun", "data": {{}}}}, {{"domain": "zwave_js", "data": {{
                "url": "ws://core-zwave-js:3000", "s0_legacy_key": "{}", "s2_access_control_key": "{}",
                "lr_s2_authenticated_key": null}}}}]}}}}"#,
            of(0x11),
            of(0x22)
        );
        assert_eq!(names(&read(&text).unwrap()), [("s0", "11"), ("s2_access_control", "22")]);
    }

    #[test]
    fn the_options_of_zwave_js_with_a_buffer_and_an_environment() {
        let data = vec!["17"; 16].join(",");
        let json = format!(r#"{{"securityKeys": {{"S2_AccessControl": {{"type": "Buffer", "data": [{data}]}}}}}}"#);
        assert_eq!(names(&read(&json).unwrap()), [("s2_access_control", "11")]);
        let environment = format!("KEY_S0_Legacy={}\nKEY_LR_S2_AccessControl='{}'\n", of(0x11), of(0x22));
        assert_eq!(names(&read(&environment).unwrap()), [("s0", "11"), ("long_range_s2_access_control", "22")]);
        let old = format!("network_key: \"{}\"\n", vec!["0x0F"; 16].join(", "));
        assert_eq!(names(&read(&old).unwrap()), [("s0", "0f")]);
    }

    #[test]
    fn what_is_wrong_is_named_and_no_key_is_shown() {
        let digits = &of(0x4B)[..30];
        let error = read(&format!(r#"{{"S2_AccessControl": "{digits}"}}"#)).unwrap_err();
        assert_eq!(error, SettingsError::NotAKey("S2_AccessControl".to_owned()));
        assert!(!error.to_string().contains("4B"), "{error}");
        let two = format!(r#"[{{"s0_legacy_key": "{}"}}, {{"network_key": "{}"}}]"#, of(0x4B), of(0x4C));
        let error = read(&two).unwrap_err();
        assert_eq!(error, SettingsError::Two(KeyName::S0));
        assert!(!error.to_string().to_lowercase().contains("4b4b"), "{error}");
        for text in ["", "{}", "hello: world", "[1, 2]", r#"{"s0_legacy_key": ""}"#] {
            assert_eq!(read(text), Err(SettingsError::None), "{text}");
        }
    }
}
