//! A stick with the locks of another program: its keys are imported, its locks are found, and a guest is let in.

use std::path::{Path, PathBuf};

use keyway_test_support::{CommandLine, LockSetup, SOON, Setup, Stick, Terminal, World, assert_recorded, wait_until};
use serde_json::{Value, json};

use crate::KEYWAY;

const S0: LockSetup = LockSetup { security: &["s0"], ..LockSetup::s2(5, "Old shed") };

/// A hub that knows nothing of the stick's network, and the keys in a folder as Z-Wave JS UI has them.
fn world() -> (World, tempfile::TempDir, Setup) {
    let network = Setup::of(&[LockSetup::s2(2, "Front door"), S0]);
    let world = World::on(KEYWAY, &Setup::unknown(), Stick::ours(KEYWAY, &network));
    let store = tempfile::tempdir().expect("no temporary folder");
    (world, store, network)
}

fn settings(store: &Path, network: &Setup, change: impl FnOnce(&mut Value)) -> PathBuf {
    let keys: Vec<&str> = network.keys().collect();
    let mut settings = json!({"mqtt": {"name": "broker"}, "zwave": {"port": "/dev/ttyACM0", "securityKeys": {
        "S2_AccessControl": keys[0], "S2_Authenticated": keys[1], "S2_Unauthenticated": keys[2], "S0_Legacy": keys[3],
    }}});
    change(&mut settings["zwave"]["securityKeys"]);
    let file = store.join("settings.json");
    std::fs::write(&file, settings.to_string()).expect("can't write the settings");
    file
}

fn network(world: &World) -> Value {
    world.client.ask("networks/get", json!({}))["network"].clone()
}

#[test]
fn the_locks_of_another_program_are_found_once_its_keys_are_imported() {
    let (mut world, store, keys) = world();
    let unknown = wait_until("its locks are named", SOON, || {
        let unknown = network(&world)["unknown_locks"].clone();
        (unknown.as_array().map(Vec::len) == Some(2)).then_some(unknown)
    });
    assert_eq!(unknown[0]["node"], 2, "{unknown}");
    world.client.event("network.unknown_lock_found", SOON, |event| event["node"] == 5);

    settings(store.path(), &keys, |_| {});
    let mut terminal = Terminal::new(CommandLine::new(KEYWAY, &world.hub.http()).within(store.path()));
    terminal.run("keyway import-keys settings.json");
    world.client.event("network.keys_imported", SOON, |event| event["keys"].as_array().map(Vec::len) == Some(4));
    let devices = world.client.ready_devices(&["Lock 2", "Lock 5"], SOON * 2);
    terminal.run("keyway devices update \"Lock 2\" --name \"Front door\"");
    terminal.run("keyway devices update \"Lock 5\" --name \"Old shed\"");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/moving-in.md");
    assert_recorded(&page, "import-keys", &terminal.transcript());

    let devices: Vec<&String> = devices.iter().collect();
    let grant = world.client.grant(&devices, -1.0, 600.0);
    for node in [2, 5] {
        world.stick.wait_for_code(node, &grant.pin, SOON);
    }
    assert_eq!(network(&world)["unknown_locks"], json!([]));

    // They stay, though no configuration names them, and no key is where it can be read.
    world.hub.kill();
    world.restart_hub();
    let after = world.client.grant(&devices, -1.0, 600.0);
    world.stick.wait_for_code(2, &after.pin, SOON);
    for key in keys.keys() {
        let shown = |text: &str| text.to_lowercase().contains(key);
        assert!(!world.hub.log().lines().iter().any(|line| shown(line)), "a key is in the log");
        assert!(!shown(&terminal.shown()), "a key is on the screen");
        for file in world.hub.files().into_iter().filter(|file| !file.ends_with("keyway.toml")) {
            let bytes = std::fs::read(&file).expect("can't read a file of the hub");
            assert!(!shown(&String::from_utf8_lossy(&bytes)), "a key is in {}", file.display());
        }
    }
}

#[test]
fn what_can_not_be_imported_is_said_and_changes_nothing() {
    let (world, store, keys) = world();
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    let refused = |settings: &Path, word: &str| {
        let said = cli.run(&["import-keys", settings.to_str().expect("a path in ASCII")]);
        assert_ne!(said.code, 0, "{said:?}");
        assert!(said.notes.contains(word), "{said:?}");
        assert!(keys.keys().all(|key| !said.notes.contains(key)), "{said:?}");
    };
    refused(&store.path().join("nowhere.json"), "nowhere.json");
    refused(&settings(store.path(), &keys, |found| *found = json!({})), "holds no network keys");
    refused(&settings(store.path(), &keys, |found| found["S0_Legacy"] = json!("6a1e8c")), "S0_Legacy is no key");
    // A lock that was added here is not lost to another program's key.
    world.client.ask("networks/include", json!({"name": "Shed"}));
    let lock = world.stick.order(json!({"unbox": {"flirs": false}}));
    wait_until("its digits are asked for", SOON, || (network(&world)["task"]["step"] == "pin_needed").then_some(()));
    refused(&settings(store.path(), &keys, |_| {}), "keyway pair --cancel");
    world.client.ask("networks/confirm", json!({"pin": lock["pin"]}));
    let shed = world.client.ready_devices(&["Shed"], SOON).remove(0);
    refused(&settings(store.path(), &keys, |_| {}), "locks were added here with another");
    let grant = world.client.grant(&[&shed], -1.0, 600.0);
    world.stick.wait_for_code(6, &grant.pin, SOON);
}
