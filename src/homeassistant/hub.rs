//! The hub as a device of Home Assistant's.

use serde_json::{Value, json};

use super::{Components, Entity, HomeAssistant, with};
use crate::hub::Pairing;

/// Something of the hub itself does not do what it should.
const TROUBLED: &str = "{{ 'ON' if value_json.problems else 'OFF' }}";
/// The sentences that say what is wrong and what to do.
const PROBLEMS: &str = "{{ {'problems': value_json.problems} | tojson }}";

impl HomeAssistant {
    pub(super) fn hub_message(&self, networks: &[Pairing]) -> Value {
        let device = json!({
            "ids": [self.hub_id],
            "name": format!("Keyway {}", self.hub_name),
            "mf": "Keyway",
            "mdl": "Access hub",
            "sw": env!("CARGO_PKG_VERSION"),
        });
        let mut entities = Components::new(&self.base);
        let mut add = |platform, key, name, more| {
            entities.add(&self.hub_id, &Entity { platform, key, name: Some(name) }, more);
        };
        add(
            "binary_sensor",
            "connectivity",
            "Connected",
            json!({
                "dev_cla": "connectivity", "ent_cat": "diagnostic",
                // It tells of that itself.
                "avty": [],
                "stat_t": "~/status", "pl_on": "online", "pl_off": "offline",
            }),
        );
        add(
            "binary_sensor",
            "problem",
            "Problem",
            self.of_info(TROUBLED, json!({"dev_cla": "problem", "json_attr_t": "~/info", "json_attr_tpl": PROBLEMS})),
        );
        add(
            "sensor",
            "access_grants",
            "Access grants",
            self.of_info("{{ value_json.access_grants }}", json!({"stat_cla": "measurement"})),
        );
        add(
            "sensor",
            "next_arrival",
            "Next arrival",
            self.of_info("{{ value_json.next_arrival_at | default('None') }}", json!({"dev_cla": "timestamp"})),
        );
        add(
            "sensor",
            "next_departure",
            "Next departure",
            self.of_info("{{ value_json.next_departure_at | default('None') }}", json!({"dev_cla": "timestamp"})),
        );
        add(
            "binary_sensor",
            "clock_trusted",
            "Clock trusted",
            self.of_info("{{ 'ON' if value_json.clock_trusted else 'OFF' }}", json!({"ent_cat": "diagnostic"})),
        );
        add(
            "sensor",
            "devices_online",
            "Locks online",
            self.of_info(
                "{{ value_json.devices_online }}",
                json!({"ent_cat": "diagnostic", "stat_cla": "measurement"}),
            ),
        );
        for network in networks {
            self.add_network(&mut entities, network, networks.len() > 1);
        }
        self.message(device, entities)
    }

    /// An entity whose state is in the hub's info.
    pub(super) fn of_info(&self, template: &str, more: Value) -> Value {
        with(json!({"stat_t": "~/info", "val_tpl": template}), more)
    }
}
