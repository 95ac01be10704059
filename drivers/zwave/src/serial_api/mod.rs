//! The functions of the stick: what the host asks, what the stick answers and tells.

pub mod callback;
pub mod command;
pub mod function;
pub mod session;
pub mod startup;
