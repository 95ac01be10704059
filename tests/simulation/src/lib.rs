//! A building of doors, a hub that runs in it for days or years, and everything that goes wrong, on simulated time in one
//! process.
//!
//! What runs is the hub of production ([`keyway::daemon::Works`]: radios, reconciler, operations, housekeeping, over the
//! real SQLite), and the virtual sticks and locks that the end-to-end tests use. What is simulated is what it stands on:
//! time (tokio's paused clock under both the wall clock and the monotonic one), ports, the disk's fullness and slowness,
//! randomness, the host that asks, the broker that listens, the people at the doors.
//!
//! All of it runs on one thread, and every choice comes from one seed, so that a [`Scenario`] run twice gives the same
//! [`Report`] to the last event. The [`checker`] compares each lock's own history with the grants that were answered OK.
//!
//! What is not simulated: a power cut that loses what was not flushed (SQLite is not flushed at all here; a kill keeps
//! what was committed), bytes that take time on the serial line, and the doors of the network (MQTT and HTTP framing).

mod broker;
mod building;
pub mod checker;
mod guests;
mod hands;
mod host;
mod machine;
mod misfortune;
mod report;
mod scenario;
mod shown;
mod site;
mod stick;
mod time;
mod trace;
mod world;

pub use report::{Counts, Report};
pub use scenario::Scenario;
pub use world::run;
#[cfg(feature = "faults")]
pub use world::run_with;
