//! The functions of the stick: what the host asks, what the stick answers and tells (INS12350; Z-Wave Host API).

pub mod callback;
pub mod command;
pub mod function;
pub mod memory;
pub mod network;
pub mod region;
pub mod session;
pub mod startup;

pub use callback::{ApplicationCommand, NodeUpdate, TransmitReport, TransmitStatus};
pub use command::Command;
pub use network::NetworkCallback;
pub use session::{SendFailure, Session, SessionEvent, SessionOutput, Ticket};
pub use startup::Stick;
