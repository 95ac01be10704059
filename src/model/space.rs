//! Groups of doors that are granted together: a flat, a floor, a building.

use super::{DeviceId, SpaceId, Timestamp};

/// A space. A grant to it reaches its doors, also those that join it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Id.
    pub space_id: SpaceId,
    /// The host's own unique name for it.
    pub space_key: Option<String>,
    /// Name.
    pub name: String,
    /// Its doors; each once, in the order in which they joined.
    pub device_ids: Vec<DeviceId>,
    /// When it was made.
    pub created_at: Timestamp,
}
