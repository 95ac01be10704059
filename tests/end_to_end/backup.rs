//! The hub is lost with its stick, and is there again from its backup on another stick.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keyway_test_support::{CommandLine, Http, LockSetup, SOON, Said, Setup, Signal, World, wait_until};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

const PASSPHRASE: &str = "correct horse battery staple 7";
/// The network of a stick from the shop.
const OTHER: u32 = 0x1234_abcd;
const OTHERS: &str = "1234abcd";
const OURS: &str = "7e570001";

fn back_up(world: &World, file: &Path) -> Said {
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    cli.run_with(&["backup", &file.display().to_string()], PASSPHRASE)
}

fn restore(world: &World, file: &Path, passphrase: &str, more: &[&str]) -> Said {
    let (file, config) = (file.display().to_string(), world.hub.config().display().to_string());
    let line = [&["restore", &file, "--config", &config, "--yes"], more].concat();
    // It asks no hub: there is none.
    CommandLine::new(KEYWAY, &Http::new("127.0.0.1:1", "seam_x")).run_with(&line, passphrase)
}

fn stick(world: &World) -> Value {
    world.client.ask("health/get", json!({}))["health"]["sticks"][0].clone()
}

/// The machine is gone, and the stick with it: a new one, with another stick, and the same locks.
fn lose_everything(world: &mut World, other: &Value) {
    world.hub.end(Signal::Terminate);
    for file in world.hub.files() {
        std::fs::remove_file(file).unwrap();
    }
    world.stick.order(json!({"stick": {"swap": other}}));
}

#[test]
fn a_lost_hub_with_its_stick_is_there_again_from_its_backup_and_a_code_is_set_at_once() {
    let mut world = World::new(KEYWAY);
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyway.backup");
    let said = back_up(&world, &file);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("Stick zwave: the memory of the network 7e570001"), "{said:?}");
    world.client.event("backup.made", SOON, |event| event["sticks"][0]["network"] == OURS);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = back_up(&world, &file);
    assert!(again.code == 2 && again.notes.contains("--overwrite"), "{again:?}");

    lose_everything(&mut world, &json!({"home_id": OTHER}));
    let wrong = restore(&world, &file, "battery staple", &[]);
    assert!(wrong.code == 1 && wrong.notes.contains("the passphrase is not the one"), "{wrong:?}");
    assert!(world.hub.files().iter().all(|file| file.extension().is_some_and(|end| end == "lock")));
    let said = restore(&world, &file, PASSPHRASE, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.notes.contains("Stick zwave: nothing is written to it."), "{said:?}");

    let before = [FRONT_DOOR, GARDEN_GATE].map(|node| world.stick.lock(node).frames.from_hub);
    world.restart_hub();
    let told = wait_until("the other stick is told", SOON, || {
        let stick = stick(&world);
        (stick["state"] == "other_network").then_some(stick)
    });
    assert_eq!(told["network"], OTHERS);
    let problem = told["problem"].as_str().unwrap();
    assert!(problem.contains(OURS) && problem.contains("keyway sticks restore zwave 1234abcd"), "{problem}");
    let refused = world.client.refused("sticks/restore_memory", json!({"name": "zwave", "network": OURS}));
    assert!(refused["message"].as_str().unwrap().contains("is not the network of this stick"), "{refused}");
    let after = [FRONT_DOOR, GARDEN_GATE].map(|node| world.stick.lock(node).frames.from_hub);
    assert_eq!(after, before, "nothing was said to a lock");

    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    let said = cli.answer(&["sticks", "restore", "zwave", OTHERS, "--yes"]);
    assert!(said.contains("has the network of the kept memory now"), "{said}");
    assert_eq!((stick(&world)["network"].as_str(), stick(&world)["state"].as_str()), (Some(OURS), Some("ready")));
    let devices = world.client.ready_devices(&["Front door", "Garden gate"], SOON * 2);
    assert_eq!(devices, world.devices, "the same locks");
    let old = world.client.ask("access_grants/get", json!({"access_grant_id": grant.id}));
    assert_eq!(old["access_grant"]["access_grant_id"], grant.id.as_str());
    let next = world.client.grant(&[&world.devices[0], &world.devices[1]], -1.0, 600.0);
    for node in [FRONT_DOOR, GARDEN_GATE] {
        world.stick.wait_for_code(node, &next.pin, SOON);
        assert!(world.stick.type_code(node, &next.pin));
    }
    assert!(world.stick.type_code(FRONT_DOOR, &grant.pin), "the guest from before gets in as well");
    assert_eq!(world.stick.lock(FRONT_DOOR).slots_of(&grant.pin).len(), 1, "and has one slot");
    let lines: Vec<String> = world.hub.log().lines();
    assert!(!lines.iter().any(|line| line.contains(PASSPHRASE)), "the passphrase is in the log");
    // To Home Assistant it is the hub that it was, with the same locks.
    let topics = world.client.messages().into_iter().map(|message| message.topic);
    let announced: std::collections::BTreeSet<_> = topics.filter(|topic| topic.starts_with("homeassistant/")).collect();
    assert_eq!(announced.len(), 3, "{announced:?}");
}

#[test]
fn the_owners_word_at_the_restore_has_the_memory_written_at_the_next_start() {
    let mut world = World::new(KEYWAY);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyway.backup");
    assert_eq!(back_up(&world, &file).code, 0);
    lose_everything(&mut world, &json!({"home_id": OTHER}));
    let said = restore(&world, &file, PASSPHRASE, &["--write-stick", "zwave=1234abcd"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.notes.contains("is WRITTEN to it at the next start, over the network 1234abcd"), "{said:?}");
    world.restart_hub();
    wait_until("the stick has the network", SOON, || (stick(&world)["network"] == OURS).then_some(()));
    let devices = world.client.ready_devices(&["Front door", "Garden gate"], SOON * 2);
    let grant = world.client.grant(&[&devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
}

/// A network of Zigbee and a lock in it that sleeps, with a code; and their backup.
fn zigbee_backed_up(file: &Path) -> (World, String, String) {
    let lock = LockSetup { sleeping: true, ..LockSetup::s2(FRONT_DOOR, "Front door") };
    let world = World::with(KEYWAY, &Setup::of(&[lock]).on_zigbee(13));
    let network = stick(&world)["network"].as_str().unwrap().to_owned();
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    let said = back_up(&world, file);
    assert!(
        said.code == 0 && said.out.contains(&format!("Stick zigbee: the memory of the network {network}")),
        "{said:?}"
    );
    (world, network, grant.pin)
}

/// The lock is reached, has its old code and gets a new one, and comes back under the link key that it had.
fn the_zigbee_lock_goes_on(world: &World, pin: &str) {
    let devices = world.client.ready_devices(&["Front door"], SOON * 2);
    assert_eq!(devices, world.devices, "the same lock");
    let next = world.client.grant(&[&devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &next.pin, SOON);
    assert!(world.stick.type_code(FRONT_DOOR, &next.pin) && world.stick.type_code(FRONT_DOOR, pin));
    world.stick.order(json!({"node": FRONT_DOOR, "rejoin": "unsecured"}));
    let third = world.client.grant(&[&devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &third.pin, SOON * 2);
}

#[test]
fn a_lost_zigbee_stick_is_replaced_by_one_from_the_shop_after_the_restore() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyway.backup");
    let (mut world, network, pin) = zigbee_backed_up(&file);
    lose_everything(&mut world, &json!({"ieee": "00:12:4b:00:00:00:00:99"}));
    let said = restore(&world, &file, PASSPHRASE, &[]);
    assert!(said.code == 0 && said.notes.contains("Stick zigbee: nothing is written to it."), "{said:?}");
    world.restart_hub();
    let told = wait_until("the other stick is told", SOON, || {
        let stick = stick(&world);
        (stick["state"] == "other_network").then_some(stick)
    });
    let problem = told["problem"].as_str().unwrap();
    assert!(problem.contains(&network) && problem.contains("keyway sticks restore zigbee none"), "{problem}");
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    let said = cli.answer(&["sticks", "restore", "zigbee", "none", "--yes"]);
    assert!(said.contains("has the network of the kept memory now"), "{said}");
    assert_eq!(stick(&world)["network"], network.as_str());
    the_zigbee_lock_goes_on(&world, &pin);
    // Once more, from the same backup: what the second stick has sent is behind that too.
    world.stick.order(json!({"stick": {"swap": {"ieee": "00:12:4b:00:00:00:00:98"}}}));
    wait_until("the third stick is told", SOON, || (stick(&world)["state"] == "other_network").then_some(()));
    cli.answer(&["sticks", "restore", "zigbee", "none", "--yes"]);
    the_zigbee_lock_goes_on(&world, &pin);
}

#[test]
fn the_owners_word_at_the_restore_has_a_zigbee_network_written_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyway.backup");
    let (mut world, network, pin) = zigbee_backed_up(&file);
    lose_everything(&mut world, &json!({"ieee": "00:12:4b:00:00:00:00:99"}));
    let said = restore(&world, &file, PASSPHRASE, &["--write-stick", "zigbee=none"]);
    assert!(
        said.code == 0 && said.notes.contains("is WRITTEN to it at the next start, over the network none"),
        "{said:?}"
    );
    world.restart_hub();
    wait_until("the stick has the network", SOON, || (stick(&world)["network"] == network.as_str()).then_some(()));
    the_zigbee_lock_goes_on(&world, &pin);
}

#[test]
fn a_backup_is_for_admins_and_a_restore_is_not_made_under_a_running_hub() {
    let world = World::new(KEYWAY);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyway.backup");
    let http = world.hub.http();
    let key = http.ask("api_keys/create", json!({"name": "host", "role": "grants"}));
    let host = Http::new(http.address(), key["api_key"]["token"].as_str().unwrap());
    let (status, refused) = host.send("POST", "/backup", &json!({"passphrase": PASSPHRASE}));
    assert_eq!((status, &refused["error"]["type"]), (403, &json!("forbidden")));
    let (status, refused) = http.send("POST", "/backup", &json!({"passphrase": "short"}));
    assert_eq!((status, &refused["error"]["type"]), (400, &json!("invalid_input")));
    assert_eq!(back_up(&world, &file).code, 0);
    let refused = restore(&world, &file, PASSPHRASE, &[]);
    assert!(refused.code == 1 && refused.notes.contains("stop that one first"), "{refused:?}");
    assert_eq!(world.client.ask("devices/list", json!({}))["devices"].as_array().unwrap().len(), 2);
}
