//! An access grant as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::access_codes::AccessCodeResource;
use super::access_methods::AccessMethodResource;
use super::call::Shown;
use super::grant_codes::living_methods;
use super::recurrence::ScheduleResource;
use super::trouble::{ErrorEntry, MutationEntry, WarningEntry};
use crate::model::{
    AccessCode, AccessGrant, AccessGrantId, AccessMethod, AccessMethodId, CodeStatus, DeviceId, ProblemKind, SpaceId,
    Timestamp, UserIdentityId, WorkspaceId,
};
use crate::store::{StoreError, Unit};

/// A grant as everybody may see it, with the state of its methods and codes.
#[derive(Serialize, ToSchema)]
pub(super) struct PublicGrant {
    #[serde(flatten)]
    grant: AccessGrantResource,
    access_methods: Vec<AccessMethodResource>,
    access_codes: Vec<AccessCodeResource>,
}

/// The grant and the state of its codes as shown to everybody, without PINs; `None` once it is deleted, or over and
/// its codes are proven gone.
pub(super) fn public(unit: &mut Unit<'_>, id: AccessGrantId) -> Result<Option<PublicGrant>, StoreError> {
    let Some(grant) = unit.grant(id)?.filter(|grant| grant.deleted_at.is_none()) else { return Ok(None) };
    let (now, workspace) = (unit.now(), unit.workspace_id()?);
    let (doors, methods) = (unit.doors(&grant)?, living_methods(unit, &grant)?);
    let codes = codes(unit, &methods)?;
    if grant.window.is_over(now) && codes.iter().all(|code| code.is_finished(now)) {
        return Ok(None);
    }
    let shown = Shown::ToEverybody;
    let access_methods =
        methods.iter().map(|method| super::access_methods::of(unit, method, shown)).collect::<Result<_, _>>()?;
    Ok(Some(PublicGrant {
        grant: AccessGrantResource::new(&grant, &doors, &methods, &codes, now, workspace, shown),
        access_methods,
        access_codes: codes.iter().map(|code| AccessCodeResource::new(code, now, workspace, shown)).collect(),
    }))
}

fn codes(unit: &mut Unit<'_>, methods: &[AccessMethod]) -> Result<Vec<AccessCode>, StoreError> {
    let mut codes = Vec::new();
    for method in methods {
        codes.extend(unit.codes_of_method(method.access_method_id)?);
    }
    Ok(codes)
}

/// The resource with the state of its codes.
pub(super) fn of(unit: &mut Unit<'_>, grant: &AccessGrant, shown: Shown) -> Result<AccessGrantResource, StoreError> {
    let methods = living_methods(unit, grant)?;
    let codes = codes(unit, &methods)?;
    let doors = unit.doors(grant)?;
    Ok(AccessGrantResource::new(grant, &doors, &methods, &codes, unit.now(), unit.workspace_id()?, shown))
}

/// An access grant as Seam writes it, with the doors besides.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = AccessGrant)]
pub(super) struct AccessGrantResource {
    access_grant_id: AccessGrantId,
    workspace_id: WorkspaceId,
    user_identity_id: UserIdentityId,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_grant_key: Option<String>,
    name: Option<String>,
    display_name: String,
    /// Which doors: its own and those of its spaces.
    device_ids: Vec<DeviceId>,
    /// The old name of `space_ids`.
    location_ids: Vec<SpaceId>,
    space_ids: Vec<SpaceId>,
    /// Groups the grants of one stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation_key: Option<String>,
    access_method_ids: Vec<AccessMethodId>,
    requested_access_methods: Vec<RequestedResource>,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    /// Within these times, only now and then.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<ScheduleResource>,
    created_at: Timestamp,
    errors: Vec<ErrorEntry>,
    warnings: Vec<WarningEntry>,
    pending_mutations: Vec<MutationEntry>,
}

/// What was requested, and what was made of it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = RequestedAccessMethod)]
struct RequestedResource {
    /// `code`.
    mode: &'static str,
    display_name: &'static str,
    /// The PIN that was asked for, where the caller may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    created_at: Timestamp,
    created_access_method_ids: [AccessMethodId; 1],
}

impl RequestedResource {
    fn new(method: &AccessMethod, shown: Shown) -> Self {
        let asked_for = method.pin.as_ref().filter(|_| method.requested && shown == Shown::ToTheHost);
        Self {
            mode: "code",
            display_name: "PIN Code",
            code: asked_for.map(|pin| pin.expose().to_owned()),
            created_at: method.created_at,
            created_access_method_ids: [method.access_method_id],
        }
    }
}

impl AccessGrantResource {
    fn new(
        grant: &AccessGrant,
        doors: &[DeviceId],
        methods: &[AccessMethod],
        codes: &[AccessCode],
        now: Timestamp,
        workspace: WorkspaceId,
        shown: Shown,
    ) -> Self {
        Self {
            access_grant_id: grant.access_grant_id,
            workspace_id: workspace,
            user_identity_id: grant.user_identity_id,
            access_grant_key: grant.access_grant_key.clone(),
            name: grant.name.clone(),
            display_name: grant.display_name(),
            device_ids: doors.to_vec(),
            location_ids: grant.space_ids.clone(),
            space_ids: grant.space_ids.clone(),
            reservation_key: grant.reservation_key.clone(),
            access_method_ids: methods.iter().map(|method| method.access_method_id).collect(),
            requested_access_methods: methods.iter().map(|method| RequestedResource::new(method, shown)).collect(),
            starts_at: grant.window.starts_at,
            ends_at: grant.window.ends_at,
            schedule: ScheduleResource::of(grant.schedule.as_ref(), &grant.window, now),
            created_at: grant.created_at,
            errors: Vec::new(),
            warnings: warnings(codes, now),
            pending_mutations: Vec::new(),
        }
    }
}

fn warnings(codes: &[AccessCode], now: Timestamp) -> Vec<WarningEntry> {
    let troubled = |name, message: &str, fits: &dyn Fn(&AccessCode) -> bool| {
        let failed: Vec<&AccessCode> =
            codes.iter().filter(|code| code.standing_problem(now).is_some() && fits(code)).collect();
        let since = failed.iter().filter_map(|code| code.problem.as_ref()).map(|problem| problem.since).min()?;
        Some(WarningEntry::new(name, message, since).at_all(failed.iter().map(|code| code.device_id).collect()))
    };
    let is = |code: &AccessCode, kinds: &[ProblemKind]| {
        code.problem.as_ref().is_some_and(|problem| kinds.contains(&problem.kind))
    };
    let setting = [ProblemKind::FailedToSet, ProblemKind::DelayInSetting, ProblemKind::WillNotWork];
    let under =
        troubled("underprovisioned_access", "not every door has, or would get, its code", &|code| is(code, &setting));
    let over = troubled("overprovisioned_access", "a door still has a code that it should not have", &|code| {
        code.status(now) == CodeStatus::Removing
    });
    under.into_iter().chain(over).collect()
}
