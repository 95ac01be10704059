//! Keyway lets people in and keeps them out, on time, with no cloud.
//!
//! [`model`] has the words, [`plan`] the pure decisions, [`store`] what must survive, [`reconcile`] makes each
//! lock hold what it should, [`radio`] owns the ports, [`hub`] has the operations, and the doors ([`mqtt`], [`http`], [`cli`])
//! call them; [`webhooks`] tells others, and [`homeassistant`] has its words. [`backup`] takes all of it away and brings it back. [`doctor`] looks what it
//! lacks. [`daemon`] alone ties all.

pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod doctor;
pub mod faults;
pub mod homeassistant;
pub mod http;
pub mod hub;
pub mod logging;
pub mod model;
pub mod mqtt;
pub mod plan;
pub mod radio;
pub mod reconcile;
pub mod store;
pub mod webhooks;
