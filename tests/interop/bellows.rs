//! Zigbee between peers that Keyway did not write. The hub at a stick whose ASH, EZSP, ZDO and ZCL are those of bellows and
//! zigpy (`zigbee/stick.py`); and the other way round, bellows (`zigbee/host.py`) and zigbee-herdsman (`zigbee/herdsman.mjs`)
//! as hosts of our virtual stick and its locks.

use std::path::{Path, PathBuf};
use std::process::Command;

use keyway_test_support::{LockSetup, Output, Process, SOON, Setup, Stick, World, always, wait_until};
use serde_json::{Value, json};

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

#[test]
fn a_zigbee_lock_that_sleeps_takes_its_codes_when_it_fetches_them_and_tells_its_battery() {
    let world = world(13, LockSetup { sleeping: true, ..LockSetup::s2(DOOR, "Front door") });
    let first = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(DOOR, &first.pin, SOON);
    world.stick.order(json!({"node": DOOR, "battery": 40}));
    wait_until("the battery is told", SOON, || {
        let device = world.client.ask("devices/get", json!({"device_id": world.devices[0]}))["device"].clone();
        (device["properties"]["battery_level"] == 0.4).then_some(())
    });
    world.stick.fault(DOOR, json!({"asleep": true}));
    let second = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    always("it fetches nothing", SOON / 4, || world.stick.lock(DOOR).slots_of(&second.pin).is_empty());
    world.stick.fault(DOOR, json!({"asleep": false}));
    world.stick.wait_for_code(DOOR, &second.pin, SOON * 6);
    assert_eq!(world.stick.lock(DOOR).codes.len(), 2, "each is there once");
}

/// The example of the Base Device Behavior specification, section 10.1.
#[test]
fn a_zigbee_lock_comes_in_by_its_install_code_and_not_without() {
    let key = r#"{"install_code_key": "66b6900981e1ee3ca4206b6b861c02bb"}"#;
    let setup = Setup::of(&[LockSetup { oddities: key, ..LockSetup::s2(DOOR, "Shed") }]).on_zigbee(18);
    let nobody = Setup::of(&[]).on_zigbee(18);
    let world = World::on(KEYWAY, &nobody, Stick::of_bellows(&folder(), &setup));
    let include = |body: Value| {
        wait_until("joining is begun", SOON * 3, || {
            let answer = world.client.request("networks/include", body.clone());
            (answer["ok"] == true).then_some(())
        });
        wait_until("the network is open", SOON, || {
            (world.stick.try_order(&json!({"node": DOOR, "join": true}))["ok"] == true).then_some(())
        });
    };
    include(json!({"name": "Shed"}));
    always("it can't read the network's key", SOON / 8, || !joined(&world));
    world.client.ask("networks/cancel", json!({}));
    include(json!({"name": "Shed", "code": "$Z:000D6F000A0B0C02$I:83FED3407A939723A5C639B26916D505C3B5"}));
    world.client.ready_devices(&["Shed"], SOON * 2);
}

fn joined(world: &World) -> bool {
    world.stick.order(json!({"get": "state"}))["locks"][0]["joined"] == true
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
