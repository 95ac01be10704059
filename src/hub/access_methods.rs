//! Operations on access methods.

use serde_json::{Value, json};

use super::access_codes::Shown;
use super::input::Input;
use super::outcome::{Outcome, no_access_grant, no_access_method, one};
use crate::model::{
    AccessCode, AccessGrantId, AccessMethod, AccessMethodId, CodeStatus, DeviceId, ProblemKind, Timestamp, WorkspaceId,
};
use crate::store::{StoreError, Unit};

pub(super) fn get(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let id: Option<AccessMethodId> = input.required_id("access_method_id");
    input.finish()?;
    let method = match id {
        Some(id) => unit.method(id)?,
        None => None,
    };
    let method = method.ok_or_else(no_access_method)?;
    let grant = unit.grant(method.access_grant_id)?;
    if grant.is_none_or(|grant| grant.deleted_at.is_some()) {
        return Err(no_access_method().into());
    }
    one("access_method", of(unit, &method, Shown::ToTheHost)?)
}

pub(super) fn list(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let grant_id: Option<AccessGrantId> = input.id("access_grant_id");
    let key = input.text("access_grant_key");
    let device: Option<DeviceId> = input.id("device_id");
    if grant_id.is_none() && key.is_none() {
        input.require("access_grant_id");
    }
    input.finish()?;
    let grant = match (grant_id, key) {
        (Some(id), _) => unit.grant(id)?,
        (None, Some(key)) => unit.grant_by_key(&key)?,
        (None, None) => None,
    };
    let grant = grant.filter(|grant| grant.deleted_at.is_none()).ok_or_else(no_access_grant)?;
    let methods = if device.is_some_and(|device| !grant.device_ids.contains(&device)) {
        Vec::new()
    } else {
        unit.methods_of_grant(grant.access_grant_id)?
    };
    let shown: Vec<Value> =
        methods.iter().map(|method| of(unit, method, Shown::ToTheHost)).collect::<Result<_, _>>()?;
    one("access_methods", shown.into())
}

/// The resource with the state of its codes.
pub(super) fn of(unit: &mut Unit<'_>, method: &AccessMethod, shown: Shown) -> Result<Value, StoreError> {
    let codes = unit.codes_of_method(method.access_method_id)?;
    Ok(resource(method, &codes, unit.now(), unit.workspace_id()?, shown))
}

fn resource(
    method: &AccessMethod,
    codes: &[AccessCode],
    now: Timestamp,
    workspace: WorkspaceId,
    shown: Shown,
) -> Value {
    let mut json = json!({
        "access_method_id": method.access_method_id,
        "access_grant_id": method.access_grant_id,
        "workspace_id": workspace,
        "display_name": "PIN Code",
        "mode": "code",
        "is_issued": method.issued_at.is_some(),
        "issued_at": method.issued_at,
        "created_at": method.created_at,
        "errors": errors(method, codes),
        "warnings": warnings(method, codes, now),
        "pending_mutations": mutations(codes, now),
    });
    if shown == Shown::ToTheHost {
        json["code"] = json!(method.pin.as_ref().map(|pin| pin.expose()));
    }
    json
}

fn errors(method: &AccessMethod, codes: &[AccessCode]) -> Vec<Value> {
    let failed = |code: &&AccessCode| code.problem.as_ref().is_some_and(|p| p.kind == ProblemKind::FailedToSet);
    let problem = codes.iter().find(failed).and_then(|code| code.problem.as_ref());
    let error = |problem: &crate::model::CodeProblem| json!({"error_code": "failed_to_issue", "message": problem.message, "created_at": problem.since});
    problem.filter(|_| method.issued_at.is_none()).map(error).into_iter().collect()
}

/// An issued PIN that a door then can't take is a warning here and an error on that door's code (I4).
fn warnings(method: &AccessMethod, codes: &[AccessCode], now: Timestamp) -> Vec<Value> {
    let mut warnings = Vec::new();
    for (code, problem) in codes.iter().filter_map(|code| Some((code, code.standing_problem(now)?))) {
        let name = match problem.kind {
            ProblemKind::FailedToSet if method.issued_at.is_none() => continue,
            ProblemKind::FailedToRemove | ProblemKind::DelayInRemoving => "being_deleted",
            ProblemKind::FailedToSet | ProblemKind::DelayInSetting | ProblemKind::WillNotWork => "delay_in_issuing",
        };
        let device = code.device_id;
        let (message, since) = (&problem.message, problem.since);
        warnings.push(json!({"warning_code": name, "message": message, "created_at": since, "device_id": device}));
    }
    if let Some(length) = method.refused_length {
        let message = format!("not every door takes PINs of {length} digits; another length was chosen");
        let since = method.created_at;
        warnings.push(
            json!({"warning_code": "preferred_code_length_unavailable", "message": message, "created_at": since}),
        );
    }
    warnings
}

fn mutations(codes: &[AccessCode], now: Timestamp) -> Vec<Value> {
    let with = |status| -> Vec<_> {
        codes.iter().filter(|code| code.status(now) == status).map(|code| code.device_id).collect()
    };
    let mutation = |name: &str, message: &str, devices: Vec<DeviceId>| {
        let since = codes.first().map(|code| code.created_at);
        (!devices.is_empty()).then(
            || json!({"mutation_code": name, "message": message, "created_at": since, "to": {"device_ids": devices}}),
        )
    };
    let setting = mutation("provisioning_access", "being put into the locks", with(CodeStatus::Setting));
    let removing = mutation("revoking_access", "being taken out of the locks", with(CodeStatus::Removing));
    setting.into_iter().chain(removing).collect()
}
