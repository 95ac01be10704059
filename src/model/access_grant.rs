//! Grants: who may enter which doors, when.

use super::{AccessGrantId, DeviceId, Schedule, SpaceId, Timestamp, UserIdentityId, Window};

/// A grant. Data, nothing else: what it means for a lock is decided in [`crate::plan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessGrant {
    /// Id.
    pub access_grant_id: AccessGrantId,
    /// The host's own unique name for it.
    pub access_grant_key: Option<String>,
    /// Whose it is.
    pub user_identity_id: UserIdentityId,
    /// Name the host gave.
    pub name: Option<String>,
    /// Groups the grants of one stay.
    pub reservation_key: Option<String>,
    /// Its own doors; each once, in the order given. It reaches those of its spaces as well.
    pub device_ids: Vec<DeviceId>,
    /// The spaces whose doors it reaches; each once, in the order given.
    pub space_ids: Vec<SpaceId>,
    /// When.
    pub window: Window,
    /// Within the window only at these times; `None`: all the time.
    pub schedule: Option<Schedule>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted: its codes are being taken out, it is not shown any more.
    pub deleted_at: Option<Timestamp>,
}

impl AccessGrant {
    /// A name to show; never empty.
    pub fn display_name(&self) -> String {
        match &self.name {
            Some(name) if !name.trim().is_empty() => name.clone(),
            _ => "Access Grant".to_owned(),
        }
    }
}
