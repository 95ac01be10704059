//! The daemon as a process, between a real broker and a virtual stick: what a host and a guest see.
//!
//! Every test has a building of its own (`World`), so they run side by side.

#[cfg(test)]
mod backup;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod both_radios;
#[cfg(test)]
mod broker_away;
#[cfg(test)]
mod broker_refuses;
#[cfg(test)]
mod check_config;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod contract;
#[cfg(all(test, feature = "demo"))]
mod demo;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod hands_off;
#[cfg(test)]
mod homeassistant;
#[cfg(test)]
mod http;
#[cfg(test)]
mod interviews;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod kinds_of_locks;
#[cfg(test)]
mod links;
#[cfg(test)]
mod lock_faults;
#[cfg(test)]
mod lock_keeps_time;
#[cfg(test)]
mod lock_log;
#[cfg(test)]
mod main_job;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod moving_in;
#[cfg(test)]
mod once;
#[cfg(test)]
mod pairing;
#[cfg(test)]
mod pairing_shown;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod retained;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod scheduled_backup;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod serial_faults;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod spaces;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod two_protocols;
#[cfg(test)]
mod unlocking;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod websockets;

/// The program under test.
#[cfg(test)]
const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");

/// Node ids of `Setup::two_doors`.
#[cfg(test)]
const FRONT_DOOR: u16 = 2;
#[cfg(test)]
const GARDEN_GATE: u16 = 3;
