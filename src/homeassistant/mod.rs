//! Home Assistant: what its MQTT discovery is told, so that it finds the hub and each lock by itself.
//!
//! Only words: each entity reads the topics that the hub has anyway, and its commands are the hub's own requests, so that
//! nothing here has a state. The connection is the MQTT door's.

mod hub;
mod lock;
mod pairing;

use serde_json::{Map, Value, json};

use crate::config::{HomeAssistantConfig, UnlockRules};
use crate::hub::Pairing;
use crate::model::{DeviceId, WorkspaceId};
use crate::mqtt::{Announcement, Companion, base_topic};

/// What Home Assistant is told of one hub.
///
/// Ids are made of the hub's and the devices' own, which a new name or a restored backup leaves as they are.
pub struct HomeAssistant {
    hub_name: String,
    unlock: UnlockRules,
    /// `keyway/<hub>`.
    base: String,
    /// `keyway_<workspace id>`: the hub as a device.
    hub_id: String,
    birth: String,
    filter: String,
    /// `<discovery prefix>/device/keyway_<workspace id>`.
    prefix: String,
}

impl HomeAssistant {
    /// For a hub of this name and identity.
    pub fn new(config: &HomeAssistantConfig, unlock: &UnlockRules, hub_name: &str, workspace: WorkspaceId) -> Self {
        let (prefix, hub_id) = (&config.discovery_prefix, format!("keyway_{workspace}"));
        Self {
            hub_name: hub_name.to_owned(),
            unlock: unlock.clone(),
            base: base_topic(hub_name),
            birth: format!("{prefix}/status"),
            filter: format!("{prefix}/device/+/config"),
            prefix: format!("{prefix}/device/{hub_id}"),
            hub_id,
        }
    }

    /// A device message (Home Assistant, MQTT integration, "device discovery").
    fn message(&self, device: Value, components: Components<'_>) -> Value {
        json!({
            "dev": device,
            // Of every entity that does not say more.
            "avty": [{"t": format!("{}/status", self.base)}],
            "o": {"name": "Keyway", "sw": env!("CARGO_PKG_VERSION")},
            "cmps": components.all,
        })
    }
}

impl Companion for HomeAssistant {
    fn birth(&self) -> &str {
        &self.birth
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn prefix(&self) -> &str {
        &self.prefix
    }

    fn hub(&self, networks: &[Pairing]) -> Announcement {
        (format!("{}/config", self.prefix), Some(self.hub_message(networks).to_string()))
    }

    fn device(&self, id: DeviceId, device: Option<&Value>, spaces: &[String]) -> Announcement {
        let present = device.filter(|device| !is_removed(device));
        let message = present.map(|device| self.lock_message(id, device, spaces).to_string());
        (format!("{}_{id}/config", self.prefix), message)
    }
}

/// It is known still, and not driven any more.
fn is_removed(device: &Value) -> bool {
    device["errors"].as_array().is_some_and(|errors| errors.iter().any(|error| error["error_code"] == "device_removed"))
}

/// The entities of one device, by name.
struct Components<'a> {
    /// What `~` stands for in their topics.
    base: &'a str,
    all: Map<String, Value>,
}

/// What kind of entity, and what it is called; `None`: as its device.
struct Entity<'a> {
    platform: &'a str,
    /// Tells it from the other entities of its device, for ever.
    key: &'a str,
    name: Option<&'a str>,
}

impl<'a> Components<'a> {
    fn new(base: &'a str) -> Self {
        Self { base, all: Map::new() }
    }

    /// Adds an entity. `of` is the device's id, which makes its own unique; `more` is what its platform needs.
    fn add(&mut self, of: &str, entity: &Entity<'_>, more: Value) {
        let config = json!({
            "~": self.base,
            "p": entity.platform,
            "uniq_id": format!("{of}_{}", entity.key),
            "name": entity.name,
        });
        self.all.insert(entity.key.to_owned(), with(config, more));
    }
}

/// The second laid over the first.
fn with(mut config: Value, more: Value) -> Value {
    if let (Value::Object(config), Value::Object(more)) = (&mut config, more) {
        config.extend(more);
    }
    config
}
