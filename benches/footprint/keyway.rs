//! The hub.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use keyway_test_support::{SOON, Setup, Signal, Stick, World, in_seconds, now, wait_until};
use serde_json::{Value, json};

use crate::locks;
use crate::program::{Program, come_to_rest};

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");
/// How long each lock's code is to be there.
const WEEK: f64 = 7.0 * 86_400.0;

pub(crate) fn zwave() -> Result<Program> {
    let setup = locks::zwave();
    let stick = locks::stick(&setup)?;
    locks::keep_awake(&stick, true);
    let world = moved_in(&setup, stick)?;
    locks::keep_awake(&world.stick, false);
    again(world, "Z-Wave")
}

pub(crate) fn zigbee() -> Result<Program> {
    let setup = locks::zigbee();
    let stick = locks::stick(&setup)?;
    again(moved_in(&setup, stick)?, "Zigbee")
}

/// All locks are known, and each holds the code of a guest.
fn moved_in(setup: &Setup, stick: Stick) -> Result<World> {
    let world = World::quiet_on(KEYWAY, setup, stick);
    let grant = json!({
        "user_identity": {"full_name": "A guest of the whole house"},
        "device_ids": world.devices,
        "requested_access_methods": [{"mode": "code"}],
        "starts_at": in_seconds(0.0),
        "ends_at": in_seconds(WEEK),
    });
    world.client.ask("access_grants/create", grant);
    wait_until("each lock holds the guest's code", SOON * 10, || {
        std::thread::sleep(SOON / 40);
        world.stick.locks().values().all(|lock| lock.codes.len() == 1).then_some(())
    });
    come_to_rest(world.hub.id())?;
    Ok(world)
}

/// It is started again, and knows the locks.
fn again(mut world: World, locks: &'static str) -> Result<Program> {
    world.hub.end(Signal::Terminate);
    let before = heard(&world);
    let begun = now();
    world.hub.start();
    wait_until("the hub is ready", SOON, || is_ready(&world).then_some(()));
    let ready = now() - begun;
    wait_until("each lock was heard", SOON * 10, || {
        heard(&world).iter().zip(&before).all(|(now, before)| now > before).then_some(())
    });
    let reached = now() - begun;
    come_to_rest(world.hub.id())?;
    Ok(Program {
        name: "Keyway",
        locks,
        process: world.hub.id(),
        folder: world.hub.data_dir(),
        ready,
        reached: Some(reached),
        size: size()?,
        _parts: Box::new(world),
    })
}

/// How many frames of each lock the hub has heard.
fn heard(world: &World) -> Vec<u64> {
    world.stick.locks().values().map(|lock| lock.frames.to_hub).collect()
}

/// It answers a question of a program at the broker, knows all its locks, and its stick works.
fn is_ready(world: &World) -> bool {
    let answer = world.client.try_request("health/get", json!({}), Duration::from_millis(100));
    answer.is_some_and(|answer: Value| {
        let health = &answer["health"];
        let sticks = health["sticks"].as_array();
        let works = sticks.is_some_and(|sticks| sticks.iter().all(|stick| stick["state"] == "ready"));
        works && health["devices_online"] == locks::LOCKS
    })
}

/// Bytes of the program without what only a debugger reads, as it is packed.
fn size() -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let stripped = folder.path().join("keyway");
    let status = Command::new("strip").arg("-o").arg(&stripped).arg(Path::new(KEYWAY)).status()?;
    ensure!(status.success(), "strip does not take {KEYWAY}");
    Ok(std::fs::metadata(stripped)?.len())
}
