//! Door locks and radio sticks in software, for the demo, the tests and the simulation.

pub mod door;
pub mod faults;
pub mod schedule;
pub mod stick;
pub mod zwave;
