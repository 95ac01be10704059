//! Zigbee between peers that Keyway did not write. The hub at a stick whose ASH, EZSP, ZDO and ZCL are those of bellows and
//! zigpy (`zigbee/stick.py`); and the other way round, bellows (`zigbee/host.py`) and zigbee-herdsman (`zigbee/herdsman.mjs`)
//! as hosts of our virtual stick and its locks.

use std::path::{Path, PathBuf};
use std::process::Command;

use keyway_test_support::{LockSetup, Output, Process, SOON, Setup, Stick, World};
use serde_json::json;

use super::KEYWAY;

const DOOR: u16 = 2;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/zigbee")
}

fn world(version: u8, lock: LockSetup) -> World {
    let setup = Setup::of(&[lock]).on_zigbee(version);
    World::on(KEYWAY, &setup, Stick::of_bellows(&folder(), &setup))
}

#[test]
fn the_whole_story_in_a_zigbee_lock() {
    world(13, LockSetup::s2(DOOR, "Front door")).tell_the_whole_story(DOOR);
}

#[test]
fn the_whole_story_in_a_zigbee_lock_that_hides_its_pins() {
    world(18, LockSetup { masked: true, ..LockSetup::s2(DOOR, "Front door") }).tell_the_whole_story(DOOR);
}

#[test]
fn codes_come_and_go_although_the_stick_fails_and_bytes_are_spoilt() {
    let world = world(8, LockSetup::s2(DOOR, "Front door"));
    world.stick.order(json!({"stick": {"garble_every": 300}}));
    let first = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(DOOR, &first.pin, SOON * 2);
    world.stick.order(json!({"stick": {"fail": true}}));
    let second = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(DOOR, &second.pin, SOON * 3);
    world.client.ask("access_grants/delete", json!({"access_grant_id": first.id}));
    world.stick.wait_for_no_code(DOOR, &first.pin, SOON * 2);
}

/// The oldest EZSP in the field, the last with statuses of a byte, and the newest.
#[test]
fn bellows_drives_our_virtual_stick() {
    for version in [8, 13, 18] {
        let mut command = Command::new(folder().join(".venv/bin/python"));
        command.args(["host.py", "--version", &version.to_string()]);
        host_our_stick("bellows", command, "ezsp");
    }
}

#[test]
fn zigbee_herdsman_drives_our_virtual_stick() {
    for (its_name, adapter) in [("ember", "ezsp"), ("zstack", "znp")] {
        let mut command = Command::new("node");
        command.args(["herdsman.mjs", its_name]);
        host_our_stick("zigbee-herdsman", command, adapter);
    }
}

fn host_our_stick(name: &str, mut command: Command, adapter: &str) {
    command.current_dir(folder()).args([KEYWAY, "virtual-stick", "--radio", "zigbee", "--adapter", adapter]);
    command.args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--setup"]);
    let output = Output::default();
    let status = Process::start(name, &mut command, &output).wait(SOON * 6);
    assert!(status.success(), "{}", output.lines().join("\n"));
}
