//! What was asked of a lock by a person, and what became of it.

use keyway_lock::AutoLock;

use super::{ActionAttemptId, DeviceId, Timestamp};

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionType {
    /// Throw the bolt.
    LockDoor,
    /// Draw it back.
    UnlockDoor,
    /// Have the lock lock by itself, or not.
    ConfigureAutoLock(AutoLock),
    /// Have the lock show which one it is.
    Identify,
}

impl ActionType {
    /// Seam's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LockDoor => "LOCK_DOOR",
            Self::UnlockDoor => "UNLOCK_DOOR",
            Self::ConfigureAutoLock(_) => "CONFIGURE_AUTO_LOCK",
            // Keyway's own.
            Self::Identify => "IDENTIFY",
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionStatus {
    /// Under way.
    Pending,
    /// The lock confirmed.
    Success,
    /// It did not work: a type and a sentence.
    Error {
        /// A word for programs, such as `device_offline`.
        error_type: String,
        /// A sentence for people.
        message: String,
    },
}

/// One attempt. Never carried out later than `expires_at`: a door must not open when nobody waits for it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionAttempt {
    /// Id.
    pub action_attempt_id: ActionAttemptId,
    /// Which lock.
    pub device_id: DeviceId,
    /// What.
    pub action_type: ActionType,
    /// How it stands.
    pub status: ActionStatus,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Not begun after this.
    pub expires_at: Timestamp,
}
