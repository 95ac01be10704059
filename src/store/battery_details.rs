//! What a battery tells of itself, as JSON.

use keyway_lock::{BatteryDetails, Charging, Replace};
use serde_json::{Value, json};

use super::row::Word;

pub(super) fn encode(details: &BatteryDetails) -> String {
    json!({
        "charging": details.charging.map(Charging::word),
        "is_rechargeable": details.is_rechargeable,
        "is_backup": details.is_backup,
        "is_overheating": details.is_overheating,
        "is_low_on_fluid": details.is_low_on_fluid,
        "replace": details.replace.map(Replace::word),
        "is_disconnected": details.is_disconnected,
        "is_cold": details.is_cold,
        "capacity_percent": details.capacity_percent,
    })
    .to_string()
}

/// What [`encode`] made; `None`: it is not that.
pub(super) fn decode(text: &str) -> Option<BatteryDetails> {
    let json: Value = serde_json::from_str(text).ok()?;
    Some(BatteryDetails {
        charging: json["charging"].as_str().and_then(Charging::parse),
        is_rechargeable: json["is_rechargeable"].as_bool()?,
        is_backup: json["is_backup"].as_bool()?,
        is_overheating: json["is_overheating"].as_bool()?,
        is_low_on_fluid: json["is_low_on_fluid"].as_bool()?,
        replace: json["replace"].as_str().and_then(Replace::parse),
        is_disconnected: json["is_disconnected"].as_bool()?,
        is_cold: json["is_cold"].as_bool()?,
        capacity_percent: json["capacity_percent"].as_u64().and_then(|percent| u8::try_from(percent).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_battery_tells_is_kept_as_it_is() {
        let plain = BatteryDetails::default();
        let full = BatteryDetails {
            charging: Some(Charging::Maintaining),
            replace: Some(Replace::Now),
            is_disconnected: true,
            capacity_percent: Some(83),
            ..plain
        };
        for details in [plain, full] {
            assert_eq!(decode(&encode(&details)), Some(details));
        }
        assert_eq!(decode("{}"), None);
    }
}
