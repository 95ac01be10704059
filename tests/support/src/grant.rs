//! Making a grant, and what is known of it.

use serde_json::{Value, json};

use crate::{Client, in_seconds};

/// A grant of one PIN for some doors.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub user_identity_id: String,
    /// The PIN.
    pub pin: String,
    /// `starts_at` as it was asked for.
    pub starts_at: jiff::Timestamp,
    /// `ends_at` as it was asked for.
    pub ends_at: jiff::Timestamp,
}

impl Client {
    /// Grants somebody entry to these doors, from and until so many seconds from now; the hub chooses a PIN of eight
    /// digits, which can't be taken for anything else where it leaks.
    pub fn grant(&self, devices: &[&String], from: f64, until: f64) -> Grant {
        self.grant_by(devices, from, until, json!({"mode": "code", "preferred_code_length": 8}))
    }

    /// Grants somebody entry by this access method.
    pub fn grant_by(&self, devices: &[&String], from: f64, until: f64, method: Value) -> Grant {
        let (starts_at, ends_at) = (in_seconds(from), in_seconds(until));
        let answer = self.ask(
            "access_grants/create",
            json!({
                "user_identity": {"full_name": "Ada Lovelace"},
                "device_ids": devices,
                "requested_access_methods": [method],
                "starts_at": starts_at,
                "ends_at": ends_at,
            }),
        );
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        let id = text(&answer["access_grant"]["access_grant_id"]);
        Grant {
            pin: text(&self.method_of(&id)["code"]),
            user_identity_id: text(&answer["access_grant"]["user_identity_id"]),
            id,
            starts_at: starts_at.parse().expect("a time that was just made"),
            ends_at: ends_at.parse().expect("a time that was just made"),
        }
    }

    /// The one access method of a grant.
    pub fn method_of(&self, grant: &str) -> Value {
        let answer = self.ask("access_methods/list", json!({"access_grant_id": grant}));
        let methods = answer["access_methods"].as_array().cloned().unwrap_or_default();
        assert_eq!(methods.len(), 1, "{answer}");
        methods[0].clone()
    }

    /// The codes of a grant: one for each door.
    pub fn codes_of(&self, grant: &str) -> Vec<Value> {
        let answer = self.ask("access_codes/list", json!({"access_grant_id": grant}));
        answer["access_codes"].as_array().cloned().unwrap_or_default()
    }

    /// The codes in a lock that the hub does not own.
    pub fn unmanaged_codes(&self, device: &str) -> Vec<Value> {
        let answer = self.ask("access_codes/unmanaged/list", json!({"device_id": device}));
        answer["access_codes"].as_array().cloned().unwrap_or_default()
    }
}
