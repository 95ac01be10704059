//! Who used a door last, by name: for those who look at a door, and not at the log.

use serde::Serialize;
use utoipa::ToSchema;

use super::StoreError;
use crate::model::{AccessCodeId, AccessGrantId, CodeOrigin, Event, EventType, Timestamp, UserIdentityId};
use crate::store::{EventFilter, Unit};

/// A use of a lock.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LastUse {
    /// `unlocked`, `locked`, `access_denied` (a wrong code), `jammed` or `tampered`.
    event_type: &'static str,
    occurred_at: Timestamp,
    /// `keycode`, `manual`, `remote`, `automatic` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// The guest's name, or that of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_grant_id: Option<AccessGrantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_code_id: Option<AccessCodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity_id: Option<UserIdentityId>,
}

impl LastUse {
    /// What an event says of the use of a lock; `None`: nothing.
    pub(super) fn of(unit: &mut Unit<'_>, event: &Event) -> Result<Option<Self>, StoreError> {
        let event_type = match event.event_type {
            EventType::LockUnlocked => "unlocked",
            EventType::LockLocked => "locked",
            EventType::LockAccessDenied => "access_denied",
            EventType::DeviceJammed => "jammed",
            EventType::DeviceTampered => "tampered",
            _ => return Ok(None),
        };
        if is_outdated(unit, event)? {
            return Ok(None);
        }
        let method = event.details.get("method").and_then(|method| method.as_str()).map(str::to_owned);
        Ok(Some(Self {
            event_type,
            occurred_at: event.occurred_at,
            method,
            by: name(unit, event)?,
            access_grant_id: event.subject.access_grant_id,
            access_code_id: event.subject.access_code_id,
            user_identity_id: event.subject.user_identity_id,
        }))
    }
}

/// Whether it was read from a lock's log, and the lock was used again since.
fn is_outdated(unit: &mut Unit<'_>, event: &Event) -> Result<bool, StoreError> {
    if !event.details.contains_key("is_replayed") {
        return Ok(false);
    }
    let filter = EventFilter {
        since: Some(event.occurred_at),
        event_types: vec![EventType::LockUnlocked, EventType::LockLocked, EventType::LockAccessDenied],
        device_ids: event.subject.device_id.into_iter().collect(),
        ..EventFilter::default()
    };
    Ok(unit.events(&filter)?.iter().any(|other| other.occurred_at > event.occurred_at))
}

fn name(unit: &mut Unit<'_>, event: &Event) -> Result<Option<String>, StoreError> {
    if let Some(id) = event.subject.user_identity_id
        && let Some(person) = unit.user_identity(id)?
    {
        return Ok(Some(person.display_name()));
    }
    let Some(id) = event.subject.access_code_id else { return Ok(None) };
    Ok(match unit.code(id)?.map(|code| code.origin) {
        Some(CodeOrigin::Device(code)) => code.name,
        _ => None,
    })
}
