//! The hub's one workspace.

use serde::Serialize;
use utoipa::ToSchema;

use super::call::Call;
use super::outcome::{Failure, response};
use super::request::request;
use crate::model::WorkspaceId;

request! {
    /// Tells of the hub's one workspace.
    pub(super) struct GetWorkspace {}
}

request! {
    /// Lists the hub's one workspace.
    pub(super) struct ListWorkspaces {}
}

response!(OneWorkspace { workspace: WorkspaceResource });
response!(Workspaces { workspaces: Vec<WorkspaceResource> });

pub(super) fn get(call: &mut Call<'_, '_>, _: GetWorkspace) -> Result<OneWorkspace, Failure> {
    let name = call.surroundings().hub_name.clone();
    let workspace = WorkspaceResource {
        workspace_id: call.workspace_id()?,
        company_name: name.clone(),
        name,
        is_sandbox: false,
        is_suspended: false,
        is_publishable_key_auth_enabled: false,
        connect_partner_name: None,
        connect_webview_customization: Customization {},
        organization_id: None,
    };
    Ok(OneWorkspace { workspace })
}

pub(super) fn list(call: &mut Call<'_, '_>, _: ListWorkspaces) -> Result<Workspaces, Failure> {
    Ok(Workspaces { workspaces: vec![get(call, GetWorkspace {})?.workspace] })
}

/// A workspace as Seam writes it.
#[derive(Serialize, ToSchema)]
#[schema(as = Workspace)]
pub(super) struct WorkspaceResource {
    workspace_id: WorkspaceId,
    /// The hub's name.
    name: String,
    company_name: String,
    is_sandbox: bool,
    is_suspended: bool,
    is_publishable_key_auth_enabled: bool,
    connect_partner_name: Option<String>,
    connect_webview_customization: Customization,
    organization_id: Option<WorkspaceId>,
}

/// Only a cloud has one.
#[derive(Serialize, ToSchema)]
struct Customization {}
