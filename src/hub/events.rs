//! Operations on events.

use serde_json::{Value, json};

use super::input::Input;
use super::outcome::{Outcome, no_event, one};
use crate::model::{Event, EventId, EventType, WorkspaceId};
use crate::store::{EventFilter, Unit};

/// Events in one answer, unless `limit` says less.
const DEFAULT_LIMIT: u64 = 1000;

pub(super) fn get(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let id: Option<EventId> = input.required_id("event_id");
    input.finish()?;
    let event = match id {
        Some(id) => unit.event(id)?,
        None => None,
    };
    one("event", resource(&event.ok_or_else(no_event)?, unit.workspace_id()?))
}

pub(super) fn list(unit: &mut Unit<'_>, mut input: Input) -> Outcome {
    let mut filter = EventFilter {
        since: input.time("since"),
        device_id: input.id("device_id"),
        access_code_id: input.id("access_code_id"),
        access_grant_id: input.id("access_grant_id"),
        access_method_id: input.id("access_method_id"),
        user_identity_id: input.id("user_identity_id"),
        limit: usize::try_from(input.number("limit", 1..=10_000).unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX),
        ..EventFilter::default()
    };
    let mut names = input.texts("event_types").unwrap_or_default();
    names.extend(input.text("event_type"));
    for name in names {
        match EventType::parse(&name) {
            Some(event_type) => filter.event_types.push(event_type),
            None => {
                input.refuse::<()>("event_type", "is not an event type of this hub");
            }
        }
    }
    input.finish()?;
    let workspace = unit.workspace_id()?;
    let events: Vec<Value> = unit.events(&filter)?.iter().map(|event| resource(event, workspace)).collect();
    one("events", events.into())
}

/// An event as Seam writes it.
pub fn resource(event: &Event, workspace: WorkspaceId) -> Value {
    let mut json = json!({
        "event_id": event.event_id,
        "event_type": event.event_type.name(),
        "workspace_id": workspace,
        "created_at": event.occurred_at,
        "occurred_at": event.occurred_at,
    });
    let subject = &event.subject;
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            json[key] = value;
        }
    };
    put("device_id", json!(subject.device_id));
    put("access_code_id", json!(subject.access_code_id));
    put("access_grant_id", json!(subject.access_grant_id));
    put("access_method_id", json!(subject.access_method_id));
    put("user_identity_id", json!(subject.user_identity_id));
    put("action_attempt_id", json!(subject.action_attempt_id));
    if subject.device_id.is_some() {
        put("connected_account_id", json!(workspace));
    }
    if event.event_type.name().starts_with("access_method.") {
        put("access_grant_ids", json!(subject.access_grant_id.map(|id| [id])));
    }
    for (key, value) in &event.details {
        put(key, value.clone());
    }
    json
}
