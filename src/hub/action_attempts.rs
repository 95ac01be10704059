//! Operations on action attempts: what became of a lock or unlock that was asked for.

use serde_json::{Value, json};

use super::input::Input;
use super::outcome::{Outcome, no_action_attempt, one};
use crate::model::{ActionAttempt, ActionAttemptId, ActionStatus, ActionType, DeviceId};
use crate::store::Unit;

pub(super) fn get(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let id: Option<ActionAttemptId> = input.required_id("action_attempt_id");
    input.finish()?;
    let attempt = match id {
        Some(id) => unit.action_attempt(id)?,
        None => None,
    };
    one("action_attempt", resource(&attempt.ok_or_else(no_action_attempt)?))
}

pub(super) fn list(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let ids: Option<Vec<ActionAttemptId>> = input.ids("action_attempt_ids");
    let device: Option<DeviceId> = input.id("device_id");
    input.finish()?;
    let fits = |attempt: &&ActionAttempt| {
        ids.as_ref().is_none_or(|ids| ids.contains(&attempt.action_attempt_id))
            && device.is_none_or(|device| attempt.device_id == device)
    };
    let shown: Vec<Value> = unit.action_attempts()?.iter().filter(fits).map(resource).collect();
    one("action_attempts", shown.into())
}

pub(super) fn resource(attempt: &ActionAttempt) -> Value {
    let action_type = match attempt.action_type {
        ActionType::LockDoor => "LOCK_DOOR",
        ActionType::UnlockDoor => "UNLOCK_DOOR",
    };
    let (status, result, error) = match &attempt.status {
        ActionStatus::Pending => ("pending", Value::Null, Value::Null),
        ActionStatus::Success => ("success", json!({"was_confirmed_by_device": true}), Value::Null),
        ActionStatus::Error { error_type, message } => {
            ("error", Value::Null, json!({"type": error_type, "message": message}))
        }
    };
    json!({
        "action_attempt_id": attempt.action_attempt_id,
        "action_type": action_type,
        "status": status,
        "result": result,
        "error": error,
    })
}
