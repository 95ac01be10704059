//! Operations on access methods.

use serde::Serialize;
use utoipa::ToSchema;

use super::access_grants::NamedGrant;
use super::call::{Call, Shown};
use super::grant_codes;
use super::outcome::{Failure, Nothing, no_access_method, response};
use super::parameter::Key;
use super::request::request;
use super::trouble::{ErrorEntry, MutationEntry, MutationTarget, WarningEntry};
use crate::model::{
    AccessCode, AccessGrant, AccessGrantId, AccessMethod, AccessMethodId, CodeStatus, DeviceId, ProblemKind, Timestamp,
    WorkspaceId,
};
use crate::store::{StoreError, Unit};

request! {
    /// Tells of an access method: one way in of a grant, with the PIN to hand to the guest.
    pub(super) struct GetAccessMethod {
        /// Which.
        access_method_id: AccessMethodId,
    }
}

request! {
    /// Lists the access methods of a grant.
    pub(super) struct ListAccessMethods {
        /// Of this access grant.
        access_grant_id: Option<AccessGrantId>,
        /// Or of the one with this key.
        access_grant_key: Option<Key>,
        /// Only if the grant opens this device.
        device_id: Option<DeviceId>,
    }
}

request! {
    /// Deletes one access method of a grant that stays: its codes leave the locks at once.
    pub(super) struct DeleteAccessMethod {
        /// Which.
        access_method_id: AccessMethodId,
    }
}

response!(OneAccessMethod { access_method: AccessMethodResource });
response!(AccessMethods { access_methods: Vec<AccessMethodResource> });

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetAccessMethod) -> Result<OneAccessMethod, Failure> {
    let (method, _) = find(call, asked.access_method_id)?;
    let shown = call.shown();
    Ok(OneAccessMethod { access_method: of(call, &method, shown)? })
}

pub(super) fn delete(call: &mut Call<'_, '_>, asked: DeleteAccessMethod) -> Result<Nothing, Failure> {
    let (method, grant) = find(call, asked.access_method_id)?;
    grant_codes::withdraw_method(call, &grant, &method)?;
    Ok(Nothing {})
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListAccessMethods) -> Result<AccessMethods, Failure> {
    let grant = NamedGrant::new(asked.access_grant_id, asked.access_grant_key)?.find(call)?;
    let doors = call.doors(&grant)?;
    let elsewhere = asked.device_id.is_some_and(|device| !doors.contains(&device));
    let methods = if elsewhere { Vec::new() } else { grant_codes::living_methods(call, &grant)? };
    let shown = call.shown();
    let access_methods = methods.iter().map(|method| of(call, method, shown)).collect::<Result<_, _>>()?;
    Ok(AccessMethods { access_methods })
}

/// A method that is not deleted, and its grant.
pub(super) fn find(unit: &mut Unit<'_>, id: AccessMethodId) -> Result<(AccessMethod, AccessGrant), Failure> {
    let method = unit.method(id)?.ok_or_else(no_access_method)?;
    let grant = unit.grant(method.access_grant_id)?;
    let grant = grant.filter(|grant| grant.deleted_at.is_none() && method.deleted_at.is_none());
    Ok((method, grant.ok_or_else(no_access_method)?))
}

/// The resource with the state of its codes.
pub(super) fn of(unit: &mut Unit<'_>, method: &AccessMethod, shown: Shown) -> Result<AccessMethodResource, StoreError> {
    let codes = unit.codes_of_method(method.access_method_id)?;
    Ok(AccessMethodResource::new(method, &codes, unit.now(), unit.workspace_id()?, shown))
}

/// An access method as Seam writes it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = AccessMethod)]
pub(super) struct AccessMethodResource {
    access_method_id: AccessMethodId,
    access_grant_id: AccessGrantId,
    workspace_id: WorkspaceId,
    display_name: &'static str,
    /// `code`.
    mode: &'static str,
    /// It may be handed to the guest: before the window, the PIN is fixed and reserved on every door; inside it, every
    /// door has proven it.
    is_issued: bool,
    issued_at: Option<Timestamp>,
    /// The PIN; null once it is forgotten, absent where the caller may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Option<String>>,
    created_at: Timestamp,
    errors: Vec<ErrorEntry>,
    warnings: Vec<WarningEntry>,
    pending_mutations: Vec<MutationEntry>,
}

impl AccessMethodResource {
    fn new(method: &AccessMethod, codes: &[AccessCode], now: Timestamp, workspace: WorkspaceId, shown: Shown) -> Self {
        let pin = || method.pin.as_ref().map(|pin| pin.expose().to_owned());
        Self {
            access_method_id: method.access_method_id,
            access_grant_id: method.access_grant_id,
            workspace_id: workspace,
            display_name: "PIN Code",
            mode: "code",
            is_issued: method.issued_at.is_some(),
            issued_at: method.issued_at,
            code: (shown == Shown::ToTheHost).then(pin),
            created_at: method.created_at,
            errors: errors(method, codes),
            warnings: warnings(method, codes, now),
            pending_mutations: mutations(codes, now),
        }
    }
}

fn errors(method: &AccessMethod, codes: &[AccessCode]) -> Vec<ErrorEntry> {
    if method.issued_at.is_some() {
        return Vec::new();
    }
    let mut problems = codes.iter().filter_map(|code| code.problem.as_ref());
    let failed = problems.find(|problem| problem.kind == ProblemKind::FailedToSet);
    let error = failed.map(|problem| ErrorEntry::new("failed_to_issue", problem.message.clone(), problem.since));
    error.into_iter().collect()
}

/// An issued PIN that a door then can't take is a warning here and an error on that door's code (I4).
fn warnings(method: &AccessMethod, codes: &[AccessCode], now: Timestamp) -> Vec<WarningEntry> {
    let mut warnings = Vec::new();
    for (code, problem) in codes.iter().filter_map(|code| Some((code, code.standing_problem(now)?))) {
        let name = match problem.kind {
            ProblemKind::FailedToSet if method.issued_at.is_none() => continue,
            ProblemKind::FailedToRemove | ProblemKind::DelayInRemoving => "being_deleted",
            ProblemKind::ModifiedExternally | ProblemKind::RemovedExternally => continue,
            ProblemKind::FailedToSet | ProblemKind::DelayInSetting | ProblemKind::WillNotWork => "delay_in_issuing",
        };
        warnings.push(WarningEntry::new(name, problem.message.clone(), problem.since).at(code.device_id));
    }
    if let Some(length) = method.refused_length {
        let message = format!("not every door takes PINs of {length} digits; another length was chosen");
        warnings.push(WarningEntry::new("preferred_code_length_unavailable", message, method.created_at));
    }
    warnings
}

fn mutations(codes: &[AccessCode], now: Timestamp) -> Vec<MutationEntry> {
    let mutation = |name, message, status| {
        let device_ids: Vec<DeviceId> =
            codes.iter().filter(|code| code.status(now) == status).map(|code| code.device_id).collect();
        let since = codes.first().filter(|_| !device_ids.is_empty())?.created_at;
        Some(MutationEntry { to: Some(MutationTarget { device_ids }), ..MutationEntry::new(name, message, since) })
    };
    let setting = mutation("provisioning_access", "being put into the locks", CodeStatus::Setting);
    let removing = mutation("revoking_access", "being taken out of the locks", CodeStatus::Removing);
    setting.into_iter().chain(removing).collect()
}
