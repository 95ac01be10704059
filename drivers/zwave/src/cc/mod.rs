//! Command classes: one file each holds the constants, types, encoding and decoding of one class, both ways.
//!
//! A payload begins with the class id. What to do with a command is not decided here but in [`crate::lock`],
//! [`crate::interview`] and the transport layers.

pub mod association;
pub mod battery;
pub mod clock;
pub mod configuration;
pub mod door_lock;
pub mod door_lock_logging;
pub mod indicator;
pub mod manufacturer_specific;
pub mod no_operation;
pub mod notification;
pub mod schedule_entry_lock;
pub mod time;
pub mod time_parameters;
pub mod user_code;
pub mod user_credential;
pub mod version;
pub mod wake_up;
pub mod zwave_plus;

use keyway_lock::wire::WireError;

/// Why a payload is not a command of the class it was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CcError {
    /// Another class, or a command that is not spoken here.
    #[error("class {class:#04x} command {command:#04x} is not spoken here")]
    Unknown {
        /// Class id, 0 if the payload is empty.
        class: u8,
        /// Command id, 0 if there is none.
        command: u8,
    },
    /// Too short, or an impossible value.
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl CcError {
    pub(crate) fn unknown(payload: &[u8]) -> Self {
        let byte = |index| payload.get(index).copied().unwrap_or(0);
        Self::Unknown { class: byte(0), command: byte(1) }
    }
}

/// Splits a payload into command id and parameters if it is of `class`.
pub(crate) fn command_of(class: u8, payload: &[u8]) -> Result<(u8, &[u8]), CcError> {
    match payload {
        [first, command, parameters @ ..] if *first == class => Ok((*command, parameters)),
        _ => Err(CcError::unknown(payload)),
    }
}
