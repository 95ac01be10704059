//! ASH, the link to a stick of Silicon Labs: payloads of EZSP, each delivered once and in order over a line that may lose
//! and spoil bytes (UG101, "UART-EZSP Gateway Protocol Reference").
//!
//! [`frame`] and [`stuffing`] are the bytes, [`exchange`] is numbering, acknowledging and repeating, the same at both ends;
//! [`link`] is the host's end, with the reset that begins everything.

pub mod exchange;
pub mod frame;
pub mod link;
pub mod stuffing;

pub use frame::Frame;
pub use link::{Link, LinkFailure, LinkOutput};
pub use stuffing::{FrameParser, Received};
