//! Operations on events.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::call::Call;
use super::outcome::{Failure, no_event, response};
use super::parameter::{Limit, Whole};
use super::request::request;
use crate::model::{
    AccessCodeId, AccessGrantId, AccessMethodId, ActionAttemptId, ApiError, DeviceId, Event, EventId, EventType,
    SpaceId, Timestamp, UserIdentityId, WorkspaceId,
};
use crate::store::EventFilter;

/// Events in one answer, unless `limit` says otherwise.
const DEFAULT_LIMIT: Limit = Whole(1000);

request! {
    /// Tells of something that happened.
    pub(super) struct GetEvent {
        /// Which.
        event_id: EventId,
    }
}

request! {
    /// Lists what happened, oldest first: with `since` or `between` from there on, without them the last.
    pub(super) struct ListEvents {
        /// Not before this.
        since: Option<Timestamp>,
        /// Not before the first of these two, and before the second.
        between: Option<Vec<Timestamp>>,
        /// Only of this type.
        event_type: Option<EventType>,
        /// Only of these types.
        event_types: Option<Vec<EventType>>,
        /// Only these.
        event_ids: Option<Vec<EventId>>,
        /// Only about this device.
        device_id: Option<DeviceId>,
        /// Only about these devices.
        device_ids: Option<Vec<DeviceId>>,
        /// Only about this code.
        access_code_id: Option<AccessCodeId>,
        /// Only about this access grant.
        access_grant_id: Option<AccessGrantId>,
        /// Only about these access grants.
        access_grant_ids: Option<Vec<AccessGrantId>>,
        /// Only about this access method.
        access_method_id: Option<AccessMethodId>,
        /// Only about this person.
        user_identity_id: Option<UserIdentityId>,
        /// Only about this space.
        space_id: Option<SpaceId>,
        /// At most so many.
        limit: Option<Limit>,
    }
}

response!(OneEvent { event: EventResource });
response!(Events { events: Vec<EventResource> });

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetEvent) -> Result<OneEvent, Failure> {
    let event = call.event(asked.event_id)?.ok_or_else(no_event)?;
    Ok(OneEvent { event: EventResource::new(&event, call.workspace_id()?) })
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListEvents) -> Result<Events, Failure> {
    let (since, until) = match asked.between.as_deref() {
        None => (asked.since, None),
        Some([from, to]) => (Some(*from), Some(*to)),
        Some(_) => return Err(ApiError::invalid("between", "give two times").into()),
    };
    let mut event_types = asked.event_types.unwrap_or_default();
    event_types.extend(asked.event_type);
    let filter = EventFilter {
        since,
        until,
        event_ids: asked.event_ids.unwrap_or_default(),
        event_types,
        device_ids: asked.device_ids.into_iter().flatten().chain(asked.device_id).collect(),
        access_code_ids: asked.access_code_id.into_iter().collect(),
        access_grant_ids: asked.access_grant_ids.into_iter().flatten().chain(asked.access_grant_id).collect(),
        access_method_ids: asked.access_method_id.into_iter().collect(),
        user_identity_id: asked.user_identity_id,
        space_id: asked.space_id,
        limit: Some(asked.limit.unwrap_or(DEFAULT_LIMIT).count()),
        ..EventFilter::default()
    };
    let events = call.events(&filter)?;
    let workspace = call.workspace_id()?;
    Ok(Events { events: events.iter().map(|event| EventResource::new(event, workspace)).collect() })
}

/// An event as Seam writes it: what every one has, and the fields of its type.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventResource {
    event_id: EventId,
    event_type: &'static str,
    workspace_id: WorkspaceId,
    created_at: Timestamp,
    occurred_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<DeviceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_code_id: Option<AccessCodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_grant_id: Option<AccessGrantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_grant_ids: Option<[AccessGrantId; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_method_id: Option<AccessMethodId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity_id: Option<UserIdentityId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_attempt_id: Option<ActionAttemptId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    space_id: Option<SpaceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_account_id: Option<WorkspaceId>,
    /// Who did it: `mqtt`, or the name of an API key; absent: the hub, a lock, or a hand at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    #[serde(flatten)]
    details: Map<String, Value>,
}

impl EventResource {
    /// Of an event in the hub's one workspace.
    pub fn new(event: &Event, workspace: WorkspaceId) -> Self {
        let subject = &event.subject;
        let of_method = event.event_type.name().starts_with("access_method.");
        Self {
            event_id: event.event_id,
            event_type: event.event_type.name(),
            workspace_id: workspace,
            created_at: event.occurred_at,
            occurred_at: event.occurred_at,
            device_id: subject.device_id,
            access_code_id: subject.access_code_id,
            access_grant_id: subject.access_grant_id,
            access_grant_ids: subject.access_grant_id.filter(|_| of_method).map(|id| [id]),
            access_method_id: subject.access_method_id,
            user_identity_id: subject.user_identity_id,
            action_attempt_id: subject.action_attempt_id,
            space_id: subject.space_id,
            connected_account_id: subject.device_id.map(|_| workspace),
            caller: event.caller.clone(),
            details: event.details.clone(),
        }
    }
}
