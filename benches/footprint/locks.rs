//! The fifty locks, for every program the same.

use anyhow::{Context, Result};
use keyway_test_support::{LockSetup, Setup, Stick};
use serde_json::json;

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");

/// How many.
pub(crate) const LOCKS: u16 = 50;
/// The first lock's node; a Z-Wave stick itself is 1.
const FIRST_NODE: u16 = 2;
/// How long a frame is under way, usually.
const LATENCY_MS: u32 = 15;
/// Version of EZSP that all speak.
const VERSION: u8 = 14;

/// Z-Wave locks with Security 2 that sleep and are woken by a beam, as most do, behind a stick that knows them.
pub(crate) fn zwave() -> Setup {
    Setup::of(&nodes().map(|node| LockSetup { sleeping: true, ..lock(node) }).collect::<Vec<_>>())
}

/// Zigbee locks fresh from their boxes, around a stick without a network. Their receivers are on: it takes an hour else until
/// fifty of them are in, and at rest it is the same to their host.
pub(crate) fn zigbee() -> Setup {
    Setup::of(&nodes().map(lock).collect::<Vec<_>>()).on_zigbee(VERSION)
}

/// A stick with them. It runs from a copy of the program: what it has of that in memory is not the hub's as well.
pub(crate) fn stick(setup: &Setup) -> Result<Stick> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("keyway");
    std::fs::copy(KEYWAY, &copy)?;
    Ok(Stick::ours(copy.to_str().context("a path is text")?, setup))
}

/// Their nodes.
pub(crate) fn nodes() -> impl Iterator<Item = u16> {
    FIRST_NODE..FIRST_NODE + LOCKS
}

/// While the program gets to know them, that it takes no hour: no beams, and frames that are there almost at once.
pub(crate) fn keep_awake(stick: &Stick, awake: bool) {
    let latency = if awake { 1 } else { LATENCY_MS };
    nodes().for_each(|node| stick.fault(node, json!({"awake": awake, "latency_ms": latency})));
}

fn lock(node: u16) -> LockSetup {
    LockSetup::s2(node, format!("Room {}", node - FIRST_NODE + 1).leak())
}
