//! Operations on codes: one code on one device.

use keyway_lock::{Pin, SlotContent};
use serde::Serialize;
use utoipa::ToSchema;

use super::call::{Call, Shown};
use super::outcome::{Failure, no_access_code, no_access_grant, no_device, response};
use super::page::{Cursor, Page, Pagination};
use super::parameter::{Key, Limit};
use super::recurrence::ScheduleResource;
use super::request::request;
use super::trouble::{ErrorEntry, MutationEntry, WarningEntry};
use crate::model::{
    AccessCode, AccessCodeId, AccessGrantId, AccessMethodId, ApiError, CodeProblem, CodeStatus, DeviceId, ProblemKind,
    Timestamp, UnmanagedCode, WorkspaceId,
};
use crate::store::{CodeFilter, UnmanagedFilter};

request! {
    /// Tells of a code on a device.
    pub(super) struct GetAccessCode {
        /// Which.
        access_code_id: Option<AccessCodeId>,
        /// Or on which device,
        device_id: Option<DeviceId>,
        /// the code with this PIN.
        code: Option<Pin>,
    }
}

request! {
    /// Lists the codes that the hub keeps in locks, oldest first.
    pub(super) struct ListAccessCodes {
        /// Only on this device.
        device_id: Option<DeviceId>,
        /// Only of this access grant.
        access_grant_id: Option<AccessGrantId>,
        /// Only of the access grant with this key.
        access_grant_key: Option<Key>,
        /// Only of this access method.
        access_method_id: Option<AccessMethodId>,
        /// Only these.
        access_code_ids: Option<Vec<AccessCodeId>>,
        /// At most so many.
        limit: Option<Limit>,
        /// The next page of the same request.
        page_cursor: Option<Cursor>,
    }
}

request! {
    /// Lists the codes that people put into a lock by hand: seen, never touched.
    pub(super) struct ListUnmanagedAccessCodes {
        /// In which lock.
        device_id: DeviceId,
        /// At most so many.
        limit: Option<Limit>,
        /// The next page of the same request.
        page_cursor: Option<Cursor>,
    }
}

response!(OneAccessCode { access_code: AccessCodeResource });
response!(AccessCodes { access_codes: Vec<AccessCodeResource>, pagination: Pagination });
response!(UnmanagedAccessCodes { access_codes: Vec<UnmanagedCodeResource>, pagination: Pagination });

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetAccessCode) -> Result<OneAccessCode, Failure> {
    let found = match (asked.access_code_id, asked.device_id, asked.code) {
        (Some(id), device, None) => call.code(id)?.filter(|code| device.is_none_or(|device| code.device_id == device)),
        // Who may not see PINs may not find them out by trying either.
        (None, Some(device), Some(pin)) if call.shown() == Shown::ToTheHost => {
            call.live_codes(device)?.into_iter().find(|code| code.pin.as_ref() == Some(&pin))
        }
        (None, Some(_), Some(_)) => {
            return Err(ApiError::new("forbidden", "this key may not see PINs: give access_code_id").into());
        }
        _ => {
            let message = "give access_code_id, or device_id and code";
            return Err(ApiError::invalid("access_code_id", message).into());
        }
    };
    let code = found.filter(|code| code.deleted_at.is_none()).ok_or_else(no_access_code)?;
    Ok(OneAccessCode { access_code: AccessCodeResource::new(&code, call.now(), call.workspace_id()?, call.shown()) })
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListAccessCodes) -> Result<AccessCodes, Failure> {
    let grant = match (asked.access_grant_id, asked.access_grant_key) {
        (Some(id), _) => Some(id),
        (None, Some(Key(key))) => Some(call.grant_by_key(&key)?.ok_or_else(no_access_grant)?.access_grant_id),
        (None, None) => None,
    };
    let page = Page::new(asked.limit, asked.page_cursor);
    let filter = CodeFilter {
        ids: asked.access_code_ids,
        device: asked.device_id,
        grant,
        method: asked.access_method_id,
        common_code_key: None,
        not_deleted: true,
        after: page.after(),
        limit: page.fetch(),
    };
    let (codes, pagination) = page.cut(call.codes(&filter)?, |code| code.access_code_id.0);
    let (now, workspace, shown) = (call.now(), call.workspace_id()?, call.shown());
    let access_codes = codes.iter().map(|code| AccessCodeResource::new(code, now, workspace, shown)).collect();
    Ok(AccessCodes { access_codes, pagination })
}

pub(super) fn list_unmanaged(
    call: &mut Call<'_, '_>,
    asked: ListUnmanagedAccessCodes,
) -> Result<UnmanagedAccessCodes, Failure> {
    call.device(asked.device_id)?.ok_or_else(no_device)?;
    let page = Page::new(asked.limit, asked.page_cursor);
    let filter = UnmanagedFilter { device: Some(asked.device_id), after: page.after(), limit: page.fetch() };
    let (codes, pagination) = page.cut(call.list_unmanaged(&filter)?, |code| code.access_code_id.0);
    let workspace = call.workspace_id()?;
    let access_codes = codes.iter().map(|code| UnmanagedCodeResource::new(code, workspace)).collect();
    Ok(UnmanagedAccessCodes { access_codes, pagination })
}

/// A code of the hub as Seam writes it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = AccessCode)]
pub(super) struct AccessCodeResource {
    access_code_id: AccessCodeId,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_method_id: Option<AccessMethodId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_grant_id: Option<AccessGrantId>,
    device_id: DeviceId,
    workspace_id: WorkspaceId,
    name: Option<String>,
    /// The PIN; null once it is forgotten, absent where the caller may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Option<String>>,
    /// `time_bound` or `ongoing`.
    r#type: &'static str,
    /// `unset`, `setting`, `set` or `removing`.
    status: &'static str,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    /// Within these times, only now and then.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<ScheduleResource>,
    created_at: Timestamp,
    common_code_key: Option<String>,
    is_managed: bool,
    is_backup: bool,
    is_backup_access_code_available: bool,
    is_external_modification_allowed: bool,
    is_offline_access_code: bool,
    is_one_time_use: bool,
    is_scheduled_on_device: bool,
    /// In which slot of the lock.
    slot: u16,
    errors: Vec<ErrorEntry>,
    warnings: Vec<WarningEntry>,
    pending_mutations: Vec<MutationEntry>,
}

impl AccessCodeResource {
    pub(super) fn new(code: &AccessCode, now: Timestamp, workspace: WorkspaceId, shown: Shown) -> Self {
        let pin = || code.pin.as_ref().map(|pin| pin.expose().to_owned());
        Self {
            access_code_id: code.access_code_id,
            access_method_id: code.access_method_id(),
            access_grant_id: code.access_grant_id(),
            device_id: code.device_id,
            workspace_id: workspace,
            name: code.device_code().and_then(|made| made.name.clone()),
            code: (shown == Shown::ToTheHost).then(pin),
            r#type: if code.window.ends_at.is_some() { "time_bound" } else { "ongoing" },
            status: status_name(code.status(now)),
            starts_at: code.window.starts_at,
            ends_at: code.window.ends_at,
            schedule: ScheduleResource::of(code.schedule.as_ref(), &code.window, now),
            created_at: code.created_at,
            common_code_key: code.device_code().and_then(|made| made.common_code_key.clone()),
            is_managed: true,
            is_backup: false,
            is_backup_access_code_available: false,
            is_external_modification_allowed: code.is_external_modification_allowed(),
            is_offline_access_code: false,
            is_one_time_use: false,
            is_scheduled_on_device: is_scheduled(code),
            slot: code.slot.0,
            errors: errors(code.standing_problem(now)),
            warnings: warnings(code.standing_problem(now)),
            pending_mutations: mutations(code, now),
        }
    }
}

/// A code that a person put in by hand, as Seam writes it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = UnmanagedAccessCode)]
pub(super) struct UnmanagedCodeResource {
    access_code_id: AccessCodeId,
    device_id: DeviceId,
    workspace_id: WorkspaceId,
    name: Option<String>,
    /// Somebody's own PIN: seen, and not shown.
    code: Option<String>,
    r#type: &'static str,
    status: &'static str,
    /// In which slot of the lock.
    slot: u16,
    is_managed: bool,
    /// Present and true where the lock hides the PIN, or the slot is of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    cannot_be_managed: Option<bool>,
    created_at: Timestamp,
    errors: Vec<ErrorEntry>,
    warnings: Vec<WarningEntry>,
}

impl UnmanagedCodeResource {
    pub(super) fn new(code: &UnmanagedCode, workspace: WorkspaceId) -> Self {
        let shown = matches!(code.content, SlotContent::Code(_));
        Self {
            access_code_id: code.access_code_id,
            device_id: code.device_id,
            workspace_id: workspace,
            name: None,
            code: None,
            r#type: "ongoing",
            status: "set",
            slot: code.slot.0,
            is_managed: false,
            cannot_be_managed: (!shown).then_some(true),
            created_at: code.created_at,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// The lock keeps its times by itself.
fn is_scheduled(code: &AccessCode) -> bool {
    code.kept.is_some() && code.is_proven()
}

fn status_name(status: CodeStatus) -> &'static str {
    match status {
        CodeStatus::Unset => "unset",
        CodeStatus::Setting => "setting",
        CodeStatus::Set => "set",
        CodeStatus::Removing => "removing",
    }
}

/// What a person must act on.
fn errors(problem: Option<&CodeProblem>) -> Vec<ErrorEntry> {
    let error = |problem: &CodeProblem| {
        let code = match problem.kind {
            ProblemKind::FailedToSet => "failed_to_set_on_device",
            ProblemKind::FailedToRemove => "failed_to_remove_from_device",
            ProblemKind::DelayInSetting
            | ProblemKind::DelayInRemoving
            | ProblemKind::WillNotWork
            | ProblemKind::ModifiedExternally
            | ProblemKind::RemovedExternally => return None,
        };
        Some(ErrorEntry::new(code, problem.message.clone(), problem.since).of_code())
    };
    problem.and_then(error).into_iter().collect()
}

/// What is being tried on, or will not work if nothing changes.
fn warnings(problem: Option<&CodeProblem>) -> Vec<WarningEntry> {
    let warning = |problem: &CodeProblem| {
        let code = match problem.kind {
            ProblemKind::DelayInSetting => "delay_in_setting_on_device",
            ProblemKind::DelayInRemoving => "delay_in_removing_from_device",
            ProblemKind::WillNotWork => "unknown_issue_with_access_code",
            ProblemKind::ModifiedExternally | ProblemKind::RemovedExternally => "external_modification_in_effect",
            ProblemKind::FailedToSet | ProblemKind::FailedToRemove => return None,
        };
        Some(WarningEntry::new(code, problem.message.clone(), problem.since))
    };
    problem.and_then(warning).into_iter().collect()
}

fn mutations(code: &AccessCode, now: Timestamp) -> Vec<MutationEntry> {
    let since = code.deleted_at.unwrap_or(code.ordered_at);
    let mutation = |name, message| MutationEntry::new(name, message, since);
    match code.status(now) {
        CodeStatus::Setting => vec![mutation("creating", "being put into the lock")],
        CodeStatus::Removing => vec![mutation("deleting", "being taken out of the lock")],
        CodeStatus::Unset => match code.occurrence(now) {
            Some(next) if next.starts_at > now => vec![MutationEntry {
                scheduled_at: Some(next.starts_at),
                ..mutation("deferring_creation", "goes into the lock at its start")
            }],
            Some(_) | None => Vec::new(),
        },
        CodeStatus::Set => Vec::new(),
    }
}
