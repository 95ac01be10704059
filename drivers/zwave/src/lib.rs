//! A Z-Wave host, sans-IO: bytes and instants in, bytes and events out.
//!
//! From the port upwards, each layer owned by value by the one above:
//! [`host`] (frames, acknowledgements) → [`serial_api`] (functions of the stick, one in flight) →
//! [`transport`] (per-node queues and encapsulations) and [`security`] (S0, S2) → [`cc`] (command classes) →
//! [`interview`] and [`lock`] → [`controller`], which implements [`keyway_lock::Radio`].

pub mod cc;
pub mod clock;
pub mod controller;
pub mod host;
pub mod inclusion;
pub mod interview;
pub mod lock;
pub mod memory;
pub mod node;
pub mod quirks;
pub mod security;
pub mod serial_api;
pub mod transport;
