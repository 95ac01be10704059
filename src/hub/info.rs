//! What the hub tells of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyway_lock::StickState;
use serde_json::{Value, json};

use crate::store::{StoreError, Unit};

/// How each configured stick does, by its name.
pub type Sticks = BTreeMap<Arc<str>, StickState>;

pub(super) fn info(unit: &mut Unit<'_>, clock_trusted: bool, sticks: &Sticks) -> Result<Value, StoreError> {
    let devices = unit.devices()?;
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "clock_trusted": clock_trusted,
        "sticks": sticks.iter().map(|(name, state)| stick(name, state)).collect::<Vec<_>>(),
        "devices": devices.len(),
        "devices_online": devices.iter().filter(|device| device.state.online).count(),
        "access_grants": unit.current_grant_ids()?.len(),
    }))
}

fn stick(name: &str, state: &StickState) -> Value {
    match state {
        StickState::Starting => json!({"name": name, "state": "starting"}),
        StickState::Ready(info) => json!({
            "name": name,
            "state": "ready",
            "network": info.network,
            "firmware": info.firmware,
            "model": info.model,
        }),
        StickState::Failed(problem) => json!({"name": name, "state": "failed", "problem": problem}),
        StickState::Gone => {
            json!({"name": name, "state": "gone", "problem": "its port can't be opened: is it plugged in? see the log"})
        }
    }
}
