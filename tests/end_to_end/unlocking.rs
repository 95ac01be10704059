//! Which doors a message opens, as the configuration has it; and what Home Assistant is shown of that.

use keyway_test_support::{SOON, Signal, World, wait_until};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

/// The front door opens with a code, the garden gate never.
fn world() -> World {
    let mut world = World::new(KEYWAY);
    let [front, gate] = [&world.devices[0], &world.devices[1]];
    for node in [FRONT_DOOR, GARDEN_GATE] {
        lock(&world, node);
    }
    let config = std::fs::read_to_string(world.hub.config()).expect("no configuration");
    let rules = format!(
        "unlock = \"no\"\nunlock_code = \"080915\"\nunlock_of = {{ \"{front}\" = \"code\", \"{gate}\" = \"no\" }}\nusername ="
    );
    std::fs::write(world.hub.config(), config.replacen("username =", &rules, 1))
        .expect("can't write the configuration");
    world.hub.end(Signal::Terminate);
    world.restart_hub();
    world.client.ready_devices(&["Front door", "Garden gate"], SOON);
    world
}

/// Locking needs no leave.
fn lock(world: &World, node: u16) {
    set(world, usize::from(node - FRONT_DOOR), "LOCK");
    wait_until("it is locked", SOON, || world.stick.lock(node).locked.then_some(()));
}

fn set(world: &World, device: usize, payload: &str) {
    world.client.publish(&format!("{}/devices/{}/set", world.client.base(), world.devices[device]), payload);
}

fn refused(world: &World, times: usize) {
    let refusals = || world.hub.log().lines().iter().filter(|line| line.contains("LOCK or UNLOCK refused")).count();
    wait_until("it is refused", SOON, || (refusals() >= times).then_some(()));
}

#[test]
fn a_message_opens_only_what_the_configuration_lets_it() {
    let world = world();
    set(&world, 0, "UNLOCK");
    set(&world, 0, r#"{"action":"UNLOCK","code":"080916"}"#);
    set(&world, 1, "UNLOCK");
    set(&world, 1, r#"{"action":"UNLOCK","code":"080915"}"#);
    refused(&world, 4);
    for device in &world.devices {
        let error = world.client.refused("locks/unlock_door", json!({"device_id": device}));
        assert_eq!(error["type"], "unlock_not_allowed", "{error}");
    }
    assert!(world.stick.lock(FRONT_DOOR).locked && world.stick.lock(GARDEN_GATE).locked);
    set(&world, 0, r#"{"action":"UNLOCK","code":"080915"}"#);
    wait_until("it opens", SOON, || (!world.stick.lock(FRONT_DOOR).locked).then_some(()));
    lock(&world, FRONT_DOOR);
    lock(&world, GARDEN_GATE);
    assert!(!world.hub.log().contains("08091"), "a code is in the log");
}

#[test]
fn who_guesses_is_not_listened_to_for_a_while() {
    let world = world();
    for _ in 0..5 {
        set(&world, 0, r#"{"action":"UNLOCK","code":"1234"}"#);
    }
    set(&world, 0, r#"{"action":"UNLOCK","code":"080915"}"#);
    refused(&world, 6);
    assert!(world.stick.lock(FRONT_DOOR).locked && world.hub.log().contains("too many wrong codes"));
}

#[test]
fn home_assistant_asks_for_the_code_and_shows_no_lock_that_it_can_not_open() {
    let world = world();
    let announced = |name: &str| -> Value {
        wait_until("it is announced as it is now", SOON, || {
            let all = world.client.messages();
            let message = all.iter().rev().find(|m| m.topic.ends_with("/config") && m.json()["dev"]["name"] == name)?;
            let told = message.json()["cmps"].clone();
            (told["lock"]["cmd_t"].is_null() || told["lock"]["cod_form"].is_string()).then_some(told)
        })
    };
    let front = announced("Front door")["lock"].clone();
    assert_eq!(front["cod_form"], "^([0-9]{4,12})?$");
    let gate = announced("Garden gate");
    assert!(gate["lock"].is_null() && gate["lock_door"]["pl_prs"] == "LOCK", "{gate}");
    assert_eq!(gate["unlocked"]["dev_cla"], "lock");
}
