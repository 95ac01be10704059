//! The Zigbee Cluster Library (ZCL, CSA 07-5123): the frame, the data types, the commands that every cluster has, and the
//! clusters that a lock speaks. Each file encodes and decodes one of them, both ways.
//!
//! What to do with a command is not decided here but in [`crate::lock`], [`crate::device`] and [`crate::controller`].

pub mod alarms;
pub mod basic;
pub mod door_lock;
pub mod foundation;
pub mod frame;
pub mod identify;
pub mod poll_control;
pub mod power;
pub mod reporting;
pub mod status;
pub mod time;
pub mod value;

pub use frame::{Direction, Frame, Scope};
pub use status::Status;
pub use value::{DataType, Value};

use keyway_lock::wire::WireError;

/// The profile of home automation and Zigbee 3.0 (ZCL over APS).
pub const HOME_AUTOMATION: u16 = 0x0104;

/// Why bytes are not what they were read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ZclError {
    /// A command that is not spoken here, of this cluster in this direction.
    #[error("command {0:#04x} is not spoken here")]
    UnknownCommand(u8),
    /// A data type that nobody defined: where the next field begins can't be known.
    #[error("data type {0:#04x} is not known")]
    UnknownType(u8),
    /// Too short, or an impossible value.
    #[error(transparent)]
    Wire(#[from] WireError),
}
