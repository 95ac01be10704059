//! A lock as a device of Home Assistant's.

use serde_json::{Map, Value, json};

use super::{Components, Entity, HomeAssistant, with};
use crate::config::Unlock;
use crate::model::DeviceId;

/// Where the lock stands, as Home Assistant's lock wants it; empty: not known.
const BOLT: &str = "{% if value_json.warnings | selectattr('warning_code', 'eq', 'jammed') | list %}JAMMED\
    {% elif value_json.properties.pending_action | default('') == 'lock_door' %}LOCKING\
    {% elif value_json.properties.pending_action | default('') == 'unlock_door' %}UNLOCKING\
    {% elif value_json.properties.locked is not defined %}None\
    {% else %}{{ 'LOCKED' if value_json.properties.locked else 'UNLOCKED' }}{% endif %}";
/// What Home Assistant asks, with the code that was typed there.
const WITH_CODE: &str = "{\"action\": \"{{ value }}\", \"code\": {{ code | default('', true) | tojson }}}";
/// The lock answers.
const ONLINE: &str = "{{ 'online' if value_json.properties.online else 'offline' }}";
/// The sentences that say what is wrong and what to do.
const PROBLEMS: &str =
    "{{ {'problems': (value_json.errors + value_json.warnings) | map(attribute='message') | list} | tojson }}";

impl HomeAssistant {
    /// `device` is the device as every door shows it.
    pub(super) fn lock_message(&self, id: DeviceId, device: &Value, spaces: &[String]) -> Value {
        let of = format!("keyway_{id}");
        let properties = &device["properties"];
        let about = json!({
            "ids": [of],
            "name": device["display_name"],
            "mf": properties["manufacturer"],
            "mdl": properties["model"]["display_name"],
            "sw": properties["firmware_version"],
            "sn": serial_number(properties),
            // Where it is, if that is one place.
            "sa": match spaces { [space] => Some(space), _ => None },
            "via_device": self.hub_id,
        });
        let about = about.as_object().map(|about| about.iter().filter(|(_, value)| !value.is_null()));
        let about: Map<_, _> = about.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
        let unlock = self.unlock.of(&id.to_string());
        let mut lock = Lock { id, of, device, unlock, entities: Components::new(&self.base) };
        lock.bolt();
        lock.uses();
        lock.codes();
        lock.health();
        lock.settings();
        lock.bolt_settings();
        self.message(Value::Object(about), lock.entities)
    }
}

/// Its serial number, or what it has for life as well.
fn serial_number(properties: &Value) -> &Value {
    properties.get("serial_number").unwrap_or(&properties["ieee_address"])
}

/// A lock whose entities are being named.
struct Lock<'a> {
    id: DeviceId,
    of: String,
    device: &'a Value,
    /// Whether it may be unlocked from here.
    unlock: Unlock,
    entities: Components<'a>,
}

impl Lock<'_> {
    fn bolt(&mut self) {
        let set = format!("~/devices/{}/set", self.id);
        let bolt = self.state(BOLT);
        if self.can("can_remotely_lock") && self.can("can_remotely_unlock") && self.unlock != Unlock::No {
            let orders = match self.unlock {
                // Locking needs no code.
                Unlock::Code => json!({"cmd_t": set, "cod_form": "^([0-9]{4,12})?$", "cmd_tpl": WITH_CODE}),
                Unlock::Yes | Unlock::No => json!({"cmd_t": set}),
            };
            self.add("lock", "lock", None, self.while_online(bolt, orders));
        } else {
            const UNLOCKED: &str = "{% if value_json.properties.locked is not defined %}None\
                {% else %}{{ 'OFF' if value_json.properties.locked else 'ON' }}{% endif %}";
            let bolt = self.state(UNLOCKED);
            self.add("binary_sensor", "unlocked", None, self.while_online(bolt, json!({"dev_cla": "lock"})));
            if self.can("can_remotely_lock") {
                self.add("button", "lock_door", Some("Lock"), json!({"cmd_t": set, "pl_prs": "LOCK"}));
            }
        }
        if self.device["properties"].get("door_open").is_some() {
            let door = self.state("{{ 'ON' if value_json.properties.door_open else 'OFF' }}");
            self.add("binary_sensor", "door", Some("Door"), self.while_online(door, json!({"dev_cla": "door"})));
        }
    }

    fn uses(&mut self) {
        let topic = format!("~/devices/{}/last_use", self.id);
        let event = json!({
            "stat_t": topic,
            "evt_typ": ["unlocked", "locked", "access_denied", "jammed", "tampered"],
        });
        self.add("event", "use", Some("Use"), event);
        let last = json!({
            "stat_t": topic,
            "val_tpl": "{{ value_json.by | default(value_json.method) | default(value_json.event_type) }}",
            "json_attr_t": topic,
        });
        self.add("sensor", "last_used_by", Some("Last used by"), last);
        let tamper = json!({
            "dev_cla": "tamper", "ent_cat": "diagnostic",
            "stat_t": topic,
            "val_tpl": "{{ 'ON' if value_json.event_type == 'tampered' else 'OFF' }}",
        });
        self.add("binary_sensor", "tamper", Some("Tamper"), tamper);
    }

    fn codes(&mut self) {
        if !self.can("can_unlock_with_code") {
            return;
        }
        let codes = self.state("{{ value_json.codes.in_lock }}");
        let slots = json!({
            "stat_cla": "measurement",
            "json_attr_t": format!("~/devices/{}", self.id),
            "json_attr_tpl": "{{ {'slots': value_json.codes.slots} | tojson }}",
        });
        self.add("sensor", "codes", Some("Codes"), with(codes, slots));
        let next = self.state("{{ value_json.codes.next_change_at | default('None') }}");
        self.add("sensor", "next_change", Some("Next change of codes"), with(next, json!({"dev_cla": "timestamp"})));
        let check = self.press("devices/check_codes");
        self.add("button", "check_codes", Some("Check codes"), with(check, json!({"ent_cat": "diagnostic"})));
    }

    fn health(&mut self) {
        let attributes = format!("~/devices/{}", self.id);
        let problem = self.state("{{ 'ON' if value_json.errors or value_json.warnings else 'OFF' }}");
        let sentences = json!({"dev_cla": "problem", "json_attr_t": attributes, "json_attr_tpl": PROBLEMS});
        self.add("binary_sensor", "problem", Some("Problem"), with(problem, sentences));
        let online = self.state("{{ 'ON' if value_json.properties.online else 'OFF' }}");
        let connectivity = json!({"dev_cla": "connectivity", "ent_cat": "diagnostic"});
        self.add("binary_sensor", "connectivity", Some("Connected"), with(online, connectivity));
        if self.has_battery() {
            const LEVEL: &str = "{% if value_json.properties.battery_level is not defined %}None\
                {% else %}{{ (value_json.properties.battery_level * 100) | round | int }}{% endif %}";
            let level = self.state(LEVEL);
            let battery =
                json!({"dev_cla": "battery", "unit_of_meas": "%", "stat_cla": "measurement", "ent_cat": "diagnostic"});
            self.add("sensor", "battery", Some("Battery"), with(level, battery));
            const LOW: &str = "{{ 'ON' if value_json.warnings | selectattr('warning_code', 'eq', 'low_battery') | list \
                else 'OFF' }}";
            let low = self.state(LOW);
            let battery = json!({"dev_cla": "battery", "ent_cat": "diagnostic"});
            self.add("binary_sensor", "low_battery", Some("Low battery"), with(low, battery));
        }
        let seen = self.state("{{ value_json.properties.last_seen_at | default('None', true) }}");
        // Changes with each word of the lock: of use to who looks for a fault.
        let noisy = json!({"dev_cla": "timestamp", "ent_cat": "diagnostic", "en": false});
        self.add("sensor", "last_seen", Some("Last seen"), with(seen, noisy));
        if self.device.get("link").is_some() {
            let signal = self.state("{{ value_json.link.signal_dbm | default('None', true) }}");
            let noisy = json!({
                "dev_cla": "signal_strength", "unit_of_meas": "dBm", "stat_cla": "measurement", "ent_cat": "diagnostic",
                "en": false,
            });
            self.add("sensor", "signal", Some("Signal"), with(signal, noisy));
        }
        if self.device.pointer("/link/link_quality").is_some_and(Value::is_number) {
            let quality = self.state("{{ value_json.link.link_quality | default('None', true) }}");
            let noisy = json!({"stat_cla": "measurement", "ent_cat": "diagnostic", "ic": "mdi:signal", "en": false});
            self.add("sensor", "link_quality", Some("Link quality"), with(quality, noisy));
        }
    }

    fn settings(&mut self) {
        if self.can("can_identify") {
            let identify = self.press("devices/identify");
            let button = json!({"dev_cla": "identify", "ent_cat": "diagnostic"});
            self.add("button", "identify", Some("Identify"), with(identify, button));
        }
        let interview = self.press("devices/interview");
        self.add(
            "button",
            "interview",
            Some("Interview"),
            with(interview, json!({"ent_cat": "diagnostic", "en": false})),
        );
        if self.can("can_configure_keypad_mode") {
            let mode = self.state("{{ value_json.properties.keypad_mode }}");
            let modes: Vec<&str> = self.device["properties"]["supported_keypad_modes"]
                .as_array()
                .map(|modes| modes.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            let order = format!("{{\"device_id\":\"{}\",\"keypad_mode\":\"{{{{ value }}}}\"}}", self.id);
            let select = json!({
                "cmd_t": "~/request/locks/configure_keypad_mode", "cmd_tpl": order, "ops": modes, "ent_cat": "config",
            });
            let select = self.while_online(mode, select);
            self.add("select", "keypad_mode", Some("Keypad"), select);
        }
        if self.can("can_configure_auto_lock") {
            let delay = self.state("{{ value_json.properties.auto_lock_delay_seconds | default(0) }}");
            let order = format!(
                "{{\"device_id\":\"{}\",\"auto_lock_enabled\":{{{{ 'true' if value | int > 0 else 'false' }}}}{{% if value \
                 | int > 0 %}},\"auto_lock_delay_seconds\":{{{{ value | int }}}}{{% endif %}}}}",
                self.id
            );
            let number = json!({
                "cmd_t": "~/request/locks/configure_auto_lock", "cmd_tpl": order,
                "min": 0, "max": 65535, "step": 1, "mode": "box", "unit_of_meas": "s", "dev_cla": "duration",
                "ent_cat": "config",
            });
            let number = self.while_online(delay, number);
            self.add("number", "auto_lock_delay", Some("Locks by itself after"), number);
        }
    }

    /// How the bolt behaves by itself: set once, if ever.
    fn bolt_settings(&mut self) {
        let numbers = [
            ("timed_unlock_seconds", "Locks again after unlocking", 15_239),
            ("hold_and_release_seconds", "Hold the latch", 65_535),
        ];
        for (field, name, most) in numbers {
            if !self.has(field) {
                continue;
            }
            let value = self.state(&format!("{{{{ value_json.properties.{field} }}}}"));
            let order = format!("{{\"device_id\":\"{}\",\"{field}\":{{{{ value | int }}}}}}", self.id);
            let number = json!({
                "cmd_t": "~/request/locks/configure_bolt", "cmd_tpl": order, "min": 0, "max": most, "step": 1,
                "mode": "box", "unit_of_meas": "s", "dev_cla": "duration", "ent_cat": "config", "en": false,
            });
            let number = self.while_online(value, number);
            self.add("number", field, Some(name), number);
        }
        for (field, name) in [("block_to_block_enabled", "Block to block"), ("twist_assist_enabled", "Twist assist")] {
            if !self.has(field) {
                continue;
            }
            let value = self.state(&format!("{{{{ 'ON' if value_json.properties.{field} else 'OFF' }}}}"));
            let order = |on: bool| json!({"device_id": self.id, field: on}).to_string();
            let switch = json!({
                "cmd_t": "~/request/locks/configure_bolt", "pl_on": order(true), "pl_off": order(false), "stat_on": "ON",
                "stat_off": "OFF", "ent_cat": "config", "en": false,
            });
            let switch = self.while_online(value, switch);
            self.add("switch", field, Some(name), switch);
        }
    }

    /// Whether the lock can be told this, and has said what it is.
    fn has(&self, property: &str) -> bool {
        self.can("can_configure_bolt") && self.device["properties"].get(property).is_some()
    }

    fn add(&mut self, platform: &str, key: &str, name: Option<&str>, more: Value) {
        self.entities.add(&self.of, &Entity { platform, key, name }, more);
    }

    /// A state read from the device's topic, while the hub is there.
    fn state(&self, template: &str) -> Value {
        json!({"stat_t": format!("~/devices/{}", self.id), "val_tpl": template})
    }

    /// And only while the lock answers.
    fn while_online(&self, state: Value, more: Value) -> Value {
        let online = json!({
            "avty": [{"t": "~/status"}, {"t": format!("~/devices/{}", self.id), "val_tpl": ONLINE}],
            "avty_mode": "all",
        });
        with(with(state, online), more)
    }

    /// A button that is a request of the hub's own.
    fn press(&self, operation: &str) -> Value {
        json!({
            "cmd_t": format!("~/request/{operation}"),
            "pl_prs": json!({"device_id": self.id}).to_string(),
        })
    }

    fn can(&self, ability: &str) -> bool {
        self.device[ability] == true
    }

    fn has_battery(&self) -> bool {
        self.device["capabilities_supported"].as_array().is_some_and(|all| all.iter().any(|one| one == "battery"))
    }
}
