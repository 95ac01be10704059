//! ZNP, what a stick of Texas Instruments can do (Z-Stack Monitor and Test API, "MT"): requests of the host, each answered
//! once, and what the stick tells. Z-Stack 3.x.0 is spoken (CC1352, CC2652, CC2674 and their like); older chips are named.
//!
//! [`mt`] is the frames, [`command`] what stands in them, [`nv`] what stands in the stick's memory.

pub mod command;
pub mod coordinator;
pub mod mt;
pub mod nv;
mod procedures;
mod script;
pub mod session;

pub use coordinator::ZnpCoordinator;
