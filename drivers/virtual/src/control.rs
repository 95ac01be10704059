//! What the control ports of all sticks have in common.

use keyway_lock::Pin;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Asks how it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetRequest {
    pub(crate) get: What,
}

/// Of what.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    State,
}

/// Somebody programs a code at the keypad, or takes one out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByHand {
    /// Which, as the lock counts them.
    slot: u16,
    code: Option<String>,
}

impl ByHand {
    /// The slot, and the code.
    pub(crate) fn checked(self) -> Result<(u16, Option<Pin>), String> {
        let code = self.code.map(|digits| Pin::new(&digits)).transpose().map_err(|error| error.to_string())?;
        Ok((self.slot, code))
    }
}

/// Somebody turns the bolt.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Turn {
    Lock,
    Unlock,
}

impl Turn {
    pub(crate) fn locks(&self) -> bool {
        matches!(self, Self::Lock)
    }
}

/// The answer to what was done.
pub(crate) fn done() -> Value {
    json!({"ok": true})
}

/// Reads a request.
pub(crate) fn read<T: DeserializeOwned>(request: Value) -> Result<T, String> {
    serde_json::from_value(request).map_err(|error| error.to_string())
}
