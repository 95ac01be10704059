//! A Zigbee network moves between Keyway and other programs by their own backups, and from stick to stick with it: to Keyway
//! what zigpy (bellows) and zigbee-herdsman (ember, zstack) have backed up, and what Keyway exports to them. Each time the lock
//! goes on without being added again, with its codes, and comes back under the link key that it had.

use std::path::{Path, PathBuf};
use std::process::Command;

use keyway_test_support::{CommandLine, LockSetup, Output, Process, SOON, Setup, Signal, Stick, World, wait_until};
use serde_json::{Value, json};

use super::KEYWAY;

const DOOR: u16 = 2;
/// What the other program puts in, and where.
const THEIRS: (u16, &str) = (3, "471100");
/// The address of each virtual stick, and of the one that takes its place.
const OWN: &str = "00:12:4b:00:1c:aa:bb:cc";
const OTHER: &str = "00:12:4b:00:00:00:00:99";

/// Whose backups.
#[derive(Debug, Clone, Copy)]
enum Peer {
    /// zigpy at a stick of Silicon Labs.
    Zigpy,
    /// zigbee-herdsman at a stick of Silicon Labs.
    Ember,
    /// zigbee-herdsman at a stick of Texas Instruments.
    Zstack,
}

impl Peer {
    /// Does `make` or `restore` with this file at this stick.
    fn run(self, what: &str, file: &Path, stick: &Stick) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/zigbee");
        let (program, script): (PathBuf, &[&str]) = match self {
            Self::Zigpy => (folder.join(".venv/bin/python"), &["backup.py"]),
            Self::Ember => ("node".into(), &["backup.mjs", "ember"]),
            Self::Zstack => ("node".into(), &["backup.mjs", "zstack"]),
        };
        let mut command = Command::new(program);
        command.current_dir(folder).args(script).arg(what).arg(file);
        command.arg(stick.port().trim_start_matches("tcp://")).arg(stick.control());
        let output = Output::default();
        let status = Process::start("the peer", &mut command, &output).wait(SOON * 6);
        assert!(status.success(), "{self:?} {what}: {}", output.lines().join("\n"));
    }
}

/// One maker's sticks.
#[derive(Debug, Clone, Copy)]
enum Maker {
    SiliconLabs,
    TexasInstruments,
}

impl Maker {
    fn behind(self, doors: Setup) -> Setup {
        match self {
            // The oldest that zigbee-herdsman drives.
            Self::SiliconLabs => doors.on_zigbee(13),
            Self::TexasInstruments => doors.on_znp(),
        }
    }

    /// Another stick in the place of this one, fresh from the shop but for its address.
    fn swap(self, stick: &Stick, ieee: &str) {
        let adapter = match self {
            Self::SiliconLabs => "ezsp",
            Self::TexasInstruments => "znp",
        };
        stick.order(json!({"stick": {"swap": {"adapter": adapter, "ieee": ieee}}}));
    }
}

fn door() -> Setup {
    Setup::of(&[LockSetup { sleeping: true, ..LockSetup::s2(DOOR, "Front door") }])
}

fn stick_of(world: &World) -> Value {
    world.client.ask("health/get", json!({}))["health"]["sticks"][0].clone()
}

/// The peer's network, on the peer's stick, goes to Keyway on another one.
fn moves_to_keyway(peer: Peer, from: Maker, to: Maker) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("coordinator_backup.json");
    let stick = Stick::ours(KEYWAY, &from.behind(door()));
    peer.run("make", &file, &stick);
    to.swap(&stick, OTHER);
    // The hub forms a network of its own on it first.
    let world = World::on(KEYWAY, &to.behind(Setup::of(&[])), stick);
    let network = wait_until("the stick is ready", SOON * 3, || {
        let stick = stick_of(&world);
        (stick["state"] == "ready").then(|| stick["network"].as_str().unwrap().to_owned())
    });
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    let said = cli.answer(&["sticks", "import", "zigbee", &network, &file.display().to_string(), "--yes"]);
    assert!(said.contains("has the network of the backup now"), "{said}");
    // zigbee-herdsman's backup of a stick of Silicon Labs has no devices: the lock is known once it is heard.
    assert!(world.stick.type_code(DOOR, THEIRS.1));
    let device = wait_until("the lock is ready", SOON * 3, || {
        let devices = world.client.ask("devices/list", json!({}))["devices"].clone();
        let ready = |device: &&Value| device["can_program_online_access_codes"] == true;
        devices.as_array()?.iter().find(ready).map(|device| device["device_id"].as_str().unwrap().to_owned())
    });
    goes_on(&world, &device, THEIRS.1);
}

/// A new code is set, the old one is there, and the lock comes back under the link key that it had.
fn goes_on(world: &World, device: &String, old: &str) {
    let grant = world.client.grant(&[device], -1.0, 600.0);
    world.stick.wait_for_code(DOOR, &grant.pin, SOON * 2);
    let proven = |event: &Value| event["device_id"] == device.as_str();
    world.client.event("access_code.set_on_device", SOON, proven);
    assert!(world.stick.type_code(DOOR, old) && world.stick.type_code(DOOR, &grant.pin));
    world.stick.order(json!({"node": DOOR, "rejoin": "unsecured"}));
    let next = world.client.grant(&[device], -1.0, 600.0);
    world.stick.wait_for_code(DOOR, &next.pin, SOON * 3);
}

/// Keyway's network goes to the peer, on another stick with this address.
fn moves_from_keyway(peer: Peer, maker: Maker, ieee: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.json");
    let mut world = World::on(KEYWAY, &maker.behind(door()), Stick::ours(KEYWAY, &maker.behind(door())));
    let order = json!({"device_id": world.devices[0], "code": THEIRS.1});
    for _ in 1..THEIRS.0 {
        let filler = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
        world.stick.wait_for_code(DOOR, &filler.pin, SOON);
    }
    world.client.ask("access_codes/create", order);
    assert_eq!(world.stick.wait_for_code(DOOR, THEIRS.1, SOON), u64::from(THEIRS.0));
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    cli.answer(&["sticks", "export", "zigbee", &file.display().to_string()]);
    // What is sent after that is not in the file.
    let later = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(DOOR, &later.pin, SOON);
    world.hub.end(Signal::Terminate);
    maker.swap(&world.stick, ieee);
    peer.run("restore", &file, &world.stick);
}

#[test]
fn a_network_of_zigpy_moves_to_keyway() {
    moves_to_keyway(Peer::Zigpy, Maker::SiliconLabs, Maker::SiliconLabs);
}

#[test]
fn a_network_of_zigbee2mqtt_on_a_stick_of_silicon_labs_moves_to_keyway() {
    moves_to_keyway(Peer::Ember, Maker::SiliconLabs, Maker::SiliconLabs);
}

#[test]
fn a_network_of_zigbee2mqtt_on_a_stick_of_texas_instruments_moves_to_keyway() {
    moves_to_keyway(Peer::Zstack, Maker::TexasInstruments, Maker::TexasInstruments);
}

#[test]
fn a_network_of_zigbee2mqtt_on_a_stick_of_texas_instruments_moves_to_keyway_on_one_of_silicon_labs() {
    moves_to_keyway(Peer::Zstack, Maker::TexasInstruments, Maker::SiliconLabs);
}

#[test]
fn a_network_of_keyway_moves_to_zigpy() {
    moves_from_keyway(Peer::Zigpy, Maker::SiliconLabs, OTHER);
}

/// zigbee-herdsman does not give a stick of Silicon Labs the address of the old one: who moves sets it with the maker's tool.
#[test]
fn a_network_of_keyway_moves_to_zigbee2mqtt_on_a_stick_of_silicon_labs_with_the_old_address() {
    moves_from_keyway(Peer::Ember, Maker::SiliconLabs, OWN);
}

#[test]
fn a_network_of_keyway_moves_to_zigbee2mqtt_on_a_stick_of_texas_instruments() {
    moves_from_keyway(Peer::Zstack, Maker::TexasInstruments, OTHER);
}
