//! What is the same stays the same in Home Assistant, with all that its owner has made of it there.

use std::collections::BTreeMap;

use keyway_test_support::{CommandLine, Http, SOON, Signal, World, wait_until};
use serde_json::{Value, json};

use super::home::HomeAssistant;
use super::{Building, FRONT_DOOR, GARDEN_GATE, KEYWAY, found, is_there};

const PASSPHRASE: &str = "correct horse battery staple 7";

/// The entities of the hub and its locks: their ids, by what tells them from all others.
fn entities(home: &HomeAssistant) -> BTreeMap<String, String> {
    let all = home.ask(json!({"type": "config/entity_registry/list"}));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ours = all.as_array().into_iter().flatten().filter(|entity| entity["platform"] == "mqtt");
    ours.map(|entity| (text(&entity["unique_id"]), text(&entity["entity_id"]))).collect()
}

fn until_step(world: &World, network: &str, step: &str) {
    wait_until(&format!("the step {step}"), SOON, || {
        let asked = world.client.ask("networks/get", json!({"network": network}));
        (asked["network"]["task"]["step"] == step).then_some(())
    });
}

/// Gives keys to a lock that is the same by its label whenever it comes out of its box.
fn unbox_the_new_gate(world: &World) -> Vec<String> {
    let lock = json!({"name": "Another", "flirs": false, "private_key": "07".repeat(32)});
    let lock = world.stick.order(json!({"unbox": lock}));
    until_step(world, "zwave", "pin_needed");
    world.client.ask("networks/confirm", json!({"network": "zwave", "pin": lock["pin"]}));
    world.client.ready_devices(&["Garden gate"], SOON * 2)
}

/// A gate that is gone for good makes room for another lock.
fn replace_the_gate(world: &World) {
    world.stick.fault(GARDEN_GATE, json!({"offline": true}));
    world.client.ask("networks/replace_failed", json!({"network": "zwave", "device_id": world.devices[1]}));
    until_step(world, "zwave", "ready");
    assert_eq!(unbox_the_new_gate(world), world.devices[1..]);
}

/// The gate's lock is taken out, and added again: under another number.
fn add_the_gate_again(home: &HomeAssistant, world: &World) {
    world.client.ask("networks/exclude", json!({"network": "zwave"}));
    until_step(world, "zwave", "ready");
    world.stick.order(json!({"node": GARDEN_GATE, "press": true}));
    wait_until("it is gone", SOON * 2, || (!found(home).contains_key("Garden gate")).then_some(()));
    world.client.ask("networks/include", json!({"network": "zwave"}));
    until_step(world, "zwave", "ready");
    assert_eq!(unbox_the_new_gate(world), world.devices[1..]);
}

/// The barn's lock leaves and joins again.
fn add_the_barn_again(home: &HomeAssistant, world: &World, barn_stick: &keyway_test_support::Stick) {
    world.client.ask("networks/exclude", json!({"network": "zigbee"}));
    until_step(world, "zigbee", "ready");
    barn_stick.order(json!({"node": FRONT_DOOR, "leave": true}));
    wait_until("it is gone", SOON * 2, || (!found(home).contains_key("Barn")).then_some(()));
    world.client.ask("networks/include", json!({"network": "zigbee"}));
    wait_until("it joins", SOON, || {
        let answer = barn_stick.try_order(&json!({"node": FRONT_DOOR, "join": true}));
        (answer["ok"] == true).then_some(())
    });
}

/// The machine is gone with all its files, and made anew from a backup.
fn restore_the_hub(world: &mut World) {
    let folder = tempfile::tempdir().expect("no temporary folder");
    let file = folder.path().join("keyway.backup").display().to_string();
    let said = CommandLine::new(KEYWAY, &world.hub.http()).run_with(&["backup", &file], PASSPHRASE);
    assert_eq!(said.code, 0, "{said:?}");
    world.hub.end(Signal::Terminate);
    for file in world.hub.files() {
        std::fs::remove_file(file).expect("can't delete the hub's files");
    }
    let config = world.hub.config().display().to_string();
    let nobody = CommandLine::new(KEYWAY, &Http::new("127.0.0.1:1", "seam_x"));
    let said = nobody.run_with(&["restore", &file, "--config", &config, "--yes"], PASSPHRASE);
    assert_eq!(said.code, 0, "{said:?}");
    world.restart_hub();
}

/// The hub has another name from its next start on.
fn rename_the_hub(world: &mut World) {
    let config = std::fs::read_to_string(world.hub.config()).expect("no configuration");
    let renamed = config.replacen("name = \"test\"", "name = \"villa\"", 1);
    std::fs::write(world.hub.config(), renamed).expect("can't write the configuration");
    world.hub.end(Signal::Terminate);
    world.hub.start();
}

#[test]
fn a_lock_replaced_or_added_again_a_restored_hub_and_a_renamed_one_are_the_same_to_home_assistant() {
    let Building { mut home, barn_stick, mut world, .. } = Building::new();
    for lock in ["lock.front_door", "lock.garden_gate", "lock.barn"] {
        home.wait_while(lock, is_there);
    }
    // What its owner calls it there.
    for lock in ["garden_gate", "barn"] {
        let (id, new) = (format!("lock.{lock}"), format!("lock.my_{lock}"));
        home.ask(json!({"type": "config/entity_registry/update", "entity_id": id, "new_entity_id": new}));
    }
    let mut before = entities(&home);
    wait_until("nothing more is found", SOON * 2, || {
        std::thread::sleep(std::time::Duration::from_secs(3));
        let now = entities(&home);
        (std::mem::replace(&mut before, now) == before).then_some(())
    });
    assert!(before.len() > 50 && before.values().any(|id| id == "lock.my_barn"), "{before:?}");
    let stays_the_same = |home: &HomeAssistant, after: &str| {
        let deadline = keyway_test_support::now() + SOON * 2;
        loop {
            let now = entities(home);
            // What was not told yet may come later, and nothing is there twice.
            let is_there = before.iter().all(|(id, entity)| now.get(id) == Some(entity));
            if is_there && !now.values().any(|entity| entity.ends_with("_2")) {
                break;
            }
            assert!(keyway_test_support::now() < deadline, "{after}:\n{before:#?}\n{now:#?}");
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        for lock in ["lock.my_garden_gate", "lock.my_barn"] {
            home.wait_while(lock, is_there);
        }
    };

    replace_the_gate(&world);
    stays_the_same(&home, "another gate");
    home.call("lock.lock", json!({"entity_id": "lock.my_garden_gate"}));
    home.wait_for("lock.my_garden_gate", "locked");
    assert!(world.stick.lock(GARDEN_GATE).locked);

    add_the_gate_again(&home, &world);
    stays_the_same(&home, "the gate's lock added again");
    home.assert_content_but(&["No device components to cleanup"]);

    add_the_barn_again(&home, &world, &barn_stick);
    stays_the_same(&home, "the barn's lock added again");
    home.assert_content_but(&["No device components to cleanup"]);

    restore_the_hub(&mut world);
    stays_the_same(&home, "a restored hub");

    rename_the_hub(&mut world);
    wait_until("it has its new name", SOON * 2, || found(&home).contains_key("Keyway villa").then_some(()));
    stays_the_same(&home, "a renamed hub");
    home.call("lock.unlock", json!({"entity_id": "lock.my_barn"}));
    home.wait_for("lock.my_barn", "unlocked");
    home.assert_content();
}
