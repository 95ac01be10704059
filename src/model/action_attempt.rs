//! What was asked of a lock by a person, and what became of it.

use keyway_lock::{AutoLock, BoltSettings, KeypadMode, LockCommand, Pin};

use super::{ActionAttemptId, DeviceId, Timestamp};

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionType {
    /// Throw the bolt.
    LockDoor,
    /// Draw it back.
    UnlockDoor,
    /// Have the lock lock by itself, or not.
    ConfigureAutoLock(AutoLock),
    /// Have its keypad let others in.
    ConfigureKeypadMode(KeypadMode),
    /// Give it an admin code, or take that away.
    ConfigureAdminCode(AdminCodeOrder),
    /// Have its bolt behave otherwise by itself.
    ConfigureBolt(BoltSettings),
    /// Ask what a parameter of its model is, by name.
    ReadParameter(String),
    /// Set a parameter of its model.
    SetParameter(String, i64),
    /// Have the lock show which one it is.
    Identify,
    /// Find out whether the lock is reached.
    Ping,
    /// Ask the lock again who it is and what it can do.
    Interview,
}

/// What is to become of an admin code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminCodeOrder {
    /// It is to be this; `None`: the attempt has ended, and the code is not kept any longer than that.
    Set(Option<Pin>),
    /// There is to be none.
    Remove,
}

impl ActionType {
    /// Seam's word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LockDoor => "LOCK_DOOR",
            Self::UnlockDoor => "UNLOCK_DOOR",
            Self::ConfigureAutoLock(_) => "CONFIGURE_AUTO_LOCK",
            // Keyway's own.
            Self::ConfigureKeypadMode(_) => "CONFIGURE_KEYPAD_MODE",
            Self::ConfigureAdminCode(_) => "CONFIGURE_ADMIN_CODE",
            Self::ConfigureBolt(_) => "CONFIGURE_BOLT",
            Self::ReadParameter(_) => "READ_PARAMETER",
            Self::SetParameter(..) => "SET_PARAMETER",
            Self::Identify => "IDENTIFY",
            Self::Ping => "PING",
            Self::Interview => "INTERVIEW",
        }
    }

    /// What the lock is asked; `None`: it is not known any more.
    pub fn command(&self) -> Option<LockCommand> {
        Some(match self {
            Self::LockDoor => LockCommand::Lock,
            Self::UnlockDoor => LockCommand::Unlock,
            Self::ConfigureAutoLock(auto_lock) => LockCommand::SetAutoLock(*auto_lock),
            Self::ConfigureKeypadMode(mode) => LockCommand::SetKeypadMode(*mode),
            Self::ConfigureAdminCode(AdminCodeOrder::Set(code)) => LockCommand::SetAdminCode(Some(code.clone()?)),
            Self::ConfigureAdminCode(AdminCodeOrder::Remove) => LockCommand::SetAdminCode(None),
            Self::ConfigureBolt(settings) => LockCommand::SetBolt(*settings),
            Self::ReadParameter(name) => LockCommand::ReadParameter(name.clone()),
            Self::SetParameter(name, value) => LockCommand::SetParameter { name: name.clone(), value: *value },
            Self::Identify => LockCommand::Identify,
            Self::Ping => LockCommand::Ping,
            Self::Interview => LockCommand::Interview,
        })
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
