//! EZSP, what a stick of Silicon Labs can do (UG100, "EZSP Reference Guide"): commands of the host, each answered once, and
//! callbacks of the stick.
//!
//! Each version of the protocol lays some commands out in another way. All of it stands in one [`table`], of which [`fields`]
//! reads and writes any line, for either end; who uses a command says what it means and never how it looks.

pub mod coordinator;
pub mod fields;
pub mod frame;
pub mod ids;
mod procedures;
mod script;
pub mod session;
pub mod status;
pub mod table;

pub use coordinator::EzspCoordinator;
pub use fields::{Field, Fields};
pub use status::Status;
pub use table::{Command, Layout};
