//! Events for who looks on, from wherever he wants to begin. Who must miss none has a cursor in the store instead.

use serde_json::{Value, json};

use super::{EventResource, Hub, StoreError};
use crate::model::{Event, EventId, Timestamp};

/// Where a feed of events begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedStart {
    /// With what happens from now on.
    Now,
    /// With the event after this one; if the hub has forgotten it, with the oldest that it has not.
    After(EventId),
    /// With the first event that did not happen before.
    Since(Timestamp),
}

impl Hub {
    /// The number behind which a feed begins.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feed_from(&self, start: FeedStart) -> Result<u64, StoreError> {
        self.read(move |unit| match start {
            FeedStart::Now => unit.newest_event(),
            FeedStart::After(id) => Ok(unit.event_number(id)?.unwrap_or(0)),
            FeedStart::Since(time) => unit.newest_event_before(time),
        })
        .await
    }

    /// The next events behind a number, oldest first, each with its own number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feed(&self, behind: u64, limit: usize) -> Result<Vec<(u64, EventId, Value)>, StoreError> {
        self.read(move |unit| {
            let events = unit.outbox_after(behind, limit)?;
            let workspace = unit.workspace_id()?;
            let json = |event: &Event| json!(EventResource::new(event, workspace));
            Ok(events.iter().map(|(number, event)| (*number, event.event_id, json(event))).collect())
        })
        .await
    }
}
