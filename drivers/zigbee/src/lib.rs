//! A Zigbee host, sans-IO: bytes and instants in, bytes and events out.
//!
//! From the port upwards, each layer owned by value by the one above. A stick of Silicon Labs speaks [`ezsp`] over [`ash`],
//! one of Texas Instruments speaks [`znp`]; above [`coordinator::Coordinator`] nobody can tell them apart. A [`backup`] moves
//! a network from any stick to any other, and [`stranger`] names what is no such stick.
//!
//! # Why not a crate that exists
//! Looked at in November 2026. `ashv2` is sound ASH, yet an actor over an asynchronous port: the window, the timers and the
//! order of events are those of a runtime, so neither simulated time nor a replay from a seed is to be had from it, and it
//! has the host's end only. `ezsp` has most commands of the protocol as types, on top of it, with a new major version
//! a month and few tests; what matters here, to speak to a stick of any age, is the little that differs between
//! versions, as data. Of ZNP, ZCL's Door Lock cluster and the backup format there is nothing. What is left to gain is some
//! hundred lines of framing, against a layer on which every promise of the hub rests. Both remain good foreign peers to
//! test with.

pub mod address;
pub mod ash;
pub mod backup;
pub mod controller;
pub mod coordinator;
pub mod device;
mod engine;
pub mod ezsp;
pub mod finder;
pub mod key;
pub mod lock;
pub mod network;
pub mod quirks;
pub mod stranger;
pub mod transport;
pub mod zcl;
pub mod zdo;
pub mod znp;
