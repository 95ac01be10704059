//! Door locks and radio sticks in software, for the demo, the tests and the simulation.

mod agenda;
mod control;
mod crossing;
pub mod door;
pub mod faults;
pub mod schedule;
pub mod stick;
pub mod zigbee;
pub mod zwave;
