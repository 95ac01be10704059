//! Operations on codes: one code on one device.

use keyway_lock::SlotContent;
use serde_json::{Map, Value, json};

use super::input::Input;
use super::outcome::{Outcome, no_access_code, no_device, one};
use crate::model::{
    AccessCode, AccessCodeId, AccessGrantId, AccessMethodId, CodeProblem, CodeStatus, DeviceId, ProblemKind, Timestamp,
    UnmanagedCode, WorkspaceId,
};
use crate::store::Unit;

pub(super) fn get(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let id: Option<AccessCodeId> = input.required_id("access_code_id");
    input.finish()?;
    let code = match id {
        Some(id) => unit.code(id)?,
        None => None,
    };
    let code = code.filter(|code| code.deleted_at.is_none()).ok_or_else(no_access_code)?;
    one("access_code", resource(&code, unit.now(), unit.workspace_id()?, Shown::ToTheHost))
}

pub(super) fn list(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let device: Option<DeviceId> = input.id("device_id");
    let grant: Option<AccessGrantId> = input.id("access_grant_id");
    let method: Option<AccessMethodId> = input.id("access_method_id");
    let ids: Option<Vec<AccessCodeId>> = input.ids("access_code_ids");
    let limit = input.number("limit", 1..=10_000);
    input.finish()?;
    let (now, workspace) = (unit.now(), unit.workspace_id()?);
    let codes = unit.codes(&crate::store::CodeFilter { device, grant, method })?;
    let fits = |code: &&AccessCode| {
        code.deleted_at.is_none() && ids.as_ref().is_none_or(|ids| ids.contains(&code.access_code_id))
    };
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let shown: Vec<Value> =
        codes.iter().filter(fits).take(limit).map(|code| resource(code, now, workspace, Shown::ToTheHost)).collect();
    one("access_codes", shown.into())
}

pub(super) fn list_unmanaged(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let device: Option<DeviceId> = input.required_id("device_id");
    input.finish()?;
    let Some(device) = device else { return one("access_codes", json!([])) };
    unit.device(device)?.ok_or_else(no_device)?;
    let workspace = unit.workspace_id()?;
    let codes = unit.unmanaged_codes(device)?;
    let shown: Vec<Value> = codes.iter().map(|code| unmanaged_resource(code, workspace)).collect();
    one("access_codes", shown.into())
}

/// Who will see a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// The host who asked: with the PIN.
    ToTheHost,
    /// Whoever may read the broker's topics: without.
    ToEverybody,
}

pub(super) fn resource(code: &AccessCode, now: Timestamp, workspace: WorkspaceId, shown: Shown) -> Value {
    let mut json = json!({
        "access_code_id": code.access_code_id,
        "access_method_id": code.access_method_id,
        "access_grant_id": code.access_grant_id,
        "device_id": code.device_id,
        "workspace_id": workspace,
        "name": null,
        "type": if code.window.ends_at.is_some() { "time_bound" } else { "ongoing" },
        "status": status_name(code.status(now)),
        "starts_at": code.window.starts_at,
        "ends_at": code.window.ends_at,
        "created_at": code.created_at,
        "common_code_key": null,
        "is_managed": true,
        "is_backup": false,
        "is_backup_access_code_available": false,
        "is_external_modification_allowed": false,
        "is_offline_access_code": false,
        "is_one_time_use": false,
        "is_scheduled_on_device": false,
        "slot": code.slot.0,
        "errors": errors(code.standing_problem(now)),
        "warnings": warnings(code.standing_problem(now)),
        "pending_mutations": mutations(code, now),
    });
    if shown == Shown::ToTheHost {
        json["code"] = json!(code.pin.as_ref().map(|pin| pin.expose()));
    }
    json
}

fn unmanaged_resource(code: &UnmanagedCode, workspace: WorkspaceId) -> Value {
    json!({
        "access_code_id": code.access_code_id,
        "device_id": code.device_id,
        "workspace_id": workspace,
        "name": null,
        // Somebody's own PIN: seen, and not shown (I3).
        "code": null,
        "type": "ongoing",
        "status": "set",
        "slot": code.slot.0,
        "is_managed": false,
        "cannot_be_managed": !matches!(code.content, SlotContent::Code(_)),
        "created_at": code.created_at,
        "errors": [],
        "warnings": [],
    })
}

fn status_name(status: CodeStatus) -> &'static str {
    match status {
        CodeStatus::Unset => "unset",
        CodeStatus::Setting => "setting",
        CodeStatus::Set => "set",
        CodeStatus::Removing => "removing",
    }
}

/// The errors of a code: what a person must act on.
pub(super) fn errors(problem: Option<&CodeProblem>) -> Vec<Value> {
    let error = |problem: &CodeProblem| {
        let code = match problem.kind {
            ProblemKind::FailedToSet => "failed_to_set_on_device",
            ProblemKind::FailedToRemove => "failed_to_remove_from_device",
            ProblemKind::DelayInSetting | ProblemKind::DelayInRemoving | ProblemKind::WillNotWork => return None,
        };
        Some(json!({
            "error_code": code,
            "message": problem.message,
            "created_at": problem.since,
            "is_access_code_error": true,
        }))
    };
    problem.and_then(error).into_iter().collect()
}

/// The warnings of a code: what is being tried on, or will not work if nothing changes.
pub(super) fn warnings(problem: Option<&CodeProblem>) -> Vec<Value> {
    let warning = |problem: &CodeProblem| {
        let code = match problem.kind {
            ProblemKind::DelayInSetting => "delay_in_setting_on_device",
            ProblemKind::DelayInRemoving => "delay_in_removing_from_device",
            ProblemKind::WillNotWork => "unknown_issue_with_access_code",
            ProblemKind::FailedToSet | ProblemKind::FailedToRemove => return None,
        };
        Some(json!({"warning_code": code, "message": problem.message, "created_at": problem.since}))
    };
    problem.and_then(warning).into_iter().collect()
}

fn mutations(code: &AccessCode, now: Timestamp) -> Vec<Value> {
    let mutation = |name: &str, message: &str, more: Map<String, Value>| {
        let mut json = json!({"mutation_code": name, "message": message, "created_at": code.created_at});
        for (key, value) in more {
            json[key] = value;
        }
        vec![json]
    };
    match code.status(now) {
        CodeStatus::Setting => mutation("creating", "being put into the lock", Map::new()),
        CodeStatus::Removing => mutation("deleting", "being taken out of the lock", Map::new()),
        CodeStatus::Unset if code.window.starts_at > now => {
            let at = Map::from_iter([("scheduled_at".to_owned(), json!(code.window.starts_at))]);
            mutation("deferring_creation", "goes into the lock at its start", at)
        }
        CodeStatus::Unset | CodeStatus::Set => Vec::new(),
    }
}
