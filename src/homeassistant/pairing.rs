//! Adding a lock and taking it out, from Home Assistant: on the hub's device, for each of its networks. What is typed there
//! goes to the hub and is kept nowhere: no text has a state.

use serde_json::{Value, json};

use super::{Components, Entity, HomeAssistant, with};
use crate::hub::Pairing;

/// The longest state that Home Assistant takes, in characters.
const LONGEST_STATE: usize = 255;

impl HomeAssistant {
    /// `several`: there are other networks, so names tell of which one is spoken.
    pub(super) fn add_network(&self, entities: &mut Components<'_>, pairing: &Pairing, several: bool) {
        let mut network = Network { of: &self.hub_id, name: &pairing.network, several, entities };
        network.stick(self);
        network.progress();
        network.begin(pairing.kind == "zwave");
        network.answer(pairing.kind == "zwave");
    }
}

/// A network whose entities are being named.
struct Network<'a, 'b> {
    of: &'a str,
    name: &'a str,
    several: bool,
    entities: &'a mut Components<'b>,
}

impl Network<'_, '_> {
    fn stick(&mut self, hub: &HomeAssistant) {
        let own =
            format!("(value_json.sticks | selectattr('name', 'eq', '{}') | list | first | default({{}}))", self.name);
        let attributes = format!("{{{{ {own} | tojson }}}}");
        let state = hub.of_info(
            &format!("{{{{ {own}.state | default('None') }}}}"),
            json!({
                "dev_cla": "enum", "ops": ["starting", "ready", "busy", "other_network", "failed", "gone"],
                "ent_cat": "diagnostic", "json_attr_t": "~/info", "json_attr_tpl": attributes,
            }),
        );
        self.add("sensor", "stick", "Stick", state);
    }

    fn progress(&mut self) {
        let state = json!({
            "stat_t": self.topic(), "val_tpl": format!("{{{{ value_json.message[:{LONGEST_STATE}] }}}}"),
            "json_attr_t": self.topic(),
            "json_attr_tpl": "{{ {'action': value_json.action, 'step': value_json.step} | tojson }}",
        });
        self.add("sensor", "pairing", "Pairing", state);
    }

    fn begin(&mut self, is_zwave: bool) {
        const IDLE: &str = "value_json.ready and value_json.step == 'idle'";
        let include = self.press("include", json!({}), IDLE);
        self.add("button", "add", "Add a lock", include);
        if is_zwave {
            let classes = json!({"security": ["s2_access_control", "s2_authenticated", "s0"]});
            let include = self.press("include", classes, IDLE);
            self.add("button", "add_s0", "Add an old lock (Security 0)", include);
        }
        let code = self.text("include", "code", LONGEST_STATE, IDLE);
        self.add("text", "code", "Add by QR code or label", code);
        let exclude = self.press("exclude", json!({}), IDLE);
        self.add("button", "remove", "Take a lock out", exclude);
    }

    fn answer(&mut self, is_zwave: bool) {
        if is_zwave {
            let pin = with(
                self.text("confirm", "pin", 5, "value_json.step == 'pin_needed'"),
                // Empty is what it shows.
                json!({"ptrn": "^([0-9]{5})?$"}),
            );
            self.add("text", "pin", "First five digits of the label", pin);
            let weaker = json!({"security": ["s2_unauthenticated", "s0"]});
            let grant = self.press("grant", weaker, "value_json.step == 'grant_needed' and value_json.requested");
            self.add("button", "grant", "Take it with less security", grant);
        }
        let cancel = self.press("cancel", json!({}), "value_json.step != 'idle'");
        self.add("button", "cancel", "Cancel adding", cancel);
    }

    fn add(&mut self, platform: &str, key: &str, name: &str, more: Value) {
        let key = format!("{}_{key}", self.name);
        let name = if self.several { format!("{name} ({})", self.name) } else { name.to_owned() };
        self.entities.add(self.of, &Entity { platform, key: &key, name: Some(&name) }, more);
    }

    /// A button that is a request of the hub's own, there while `when` holds.
    fn press(&self, operation: &str, fields: Value, when: &str) -> Value {
        let request = with(json!({"network": self.name}), fields);
        let press = json!({
            "cmd_t": format!("~/request/networks/{operation}"), "pl_prs": request.to_string(), "ent_cat": "config",
        });
        self.while_it_holds(press, when)
    }

    /// A text that is a field of such a request.
    fn text(&self, operation: &str, field: &str, longest: usize, when: &str) -> Value {
        let request = format!("{{\"network\": \"{}\", \"{field}\": {{{{ value | tojson }}}}}}", self.name);
        let text = json!({
            "cmd_t": format!("~/request/networks/{operation}"), "cmd_tpl": request, "max": longest,
            "mode": "password", "ent_cat": "config",
            // Always empty: a text without a topic would keep what was typed.
            "stat_t": self.topic(), "val_tpl": "{{ '' }}",
        });
        self.while_it_holds(text, when)
    }

    fn while_it_holds(&self, config: Value, when: &str) -> Value {
        let holds = format!("{{{{ 'online' if {when} else 'offline' }}}}");
        let availability =
            json!({"avty": [{"t": "~/status"}, {"t": self.topic(), "val_tpl": holds}], "avty_mode": "all"});
        with(config, availability)
    }

    fn topic(&self) -> String {
        format!("~/networks/{}", self.name)
    }
}
