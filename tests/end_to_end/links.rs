//! A bad link is shown before a guest stands at the door.

use keyway_test_support::{CommandLine, SOON, Setup, World};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

fn device(world: &World) -> Value {
    world.client.ask("devices/get", json!({"device_id": world.devices[0]}))["device"].clone()
}

/// Speaks to the lock until its last frames all went this way.
fn speak(world: &World, way: Value) {
    world.stick.fault(FRONT_DOOR, json!({"way": way}));
    for _ in 0..8 {
        for turn in ["locks/unlock_door", "locks/lock_door"] {
            world.client.ask(turn, json!({"device_id": world.devices[0]}));
        }
    }
}

#[test]
fn a_weak_signal_is_a_warning_and_an_event_while_the_lock_still_works() {
    let world = World::new(KEYWAY);
    speak(&world, json!({"signal": -92, "repeaters": [17]}));
    let told = world.client.event("device.connection_became_flaky", SOON, |_| true);
    assert_eq!(told["device_id"], world.devices[0].as_str());
    let shown = device(&world);
    let warning = shown["warnings"].as_array().and_then(|warnings| warnings.first()).cloned().unwrap_or_default();
    assert_eq!(warning["warning_code"], "weak_signal", "{shown}");
    assert!(warning["message"].as_str().is_some_and(|message| message.contains("-92 dBm")), "{warning}");
    assert_eq!((&shown["link"]["repeater_node_ids"], &shown["properties"]["online"]), (&json!([17]), &json!(true)));
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    let sheet = cli.answer(&["devices", "get", "front-door"]);
    assert!(sheet.contains("-92 dBm") && sheet.contains("over 17"), "{sheet}");

    speak(&world, json!({}));
    world.client.event("device.connection_stabilized", SOON, |_| true);
    assert_eq!(device(&world)["warnings"], json!([]));
}

#[test]
fn the_weak_signal_of_a_zigbee_lock_is_told_with_its_link_quality() {
    let world = World::with(KEYWAY, &Setup::two_doors().on_zigbee(13));
    let speak = |signal: i8| {
        world.stick.fault(FRONT_DOOR, json!({"signal": signal}));
        for turn in ["locks/unlock_door", "locks/lock_door"].repeat(6) {
            world.client.ask(turn, json!({"device_id": world.devices[0]}));
        }
    };
    speak(-92);
    world.client.event("device.connection_became_flaky", SOON, |_| true);
    let shown = device(&world);
    assert_eq!(shown["warnings"][0]["warning_code"], "weak_signal", "{shown}");
    assert_eq!((&shown["link"]["signal_dbm"], &shown["link"]["link_quality"]), (&json!(-92), &json!(34)), "{shown}");
    world.client.ask("networks/rebuild_routes", json!({}));
    let failed = world.client.event("network.failed", SOON, |_| true);
    assert!(failed.to_string().contains("finds its routes by itself"), "{failed}");
    speak(0);
    world.client.event("device.connection_stabilized", SOON, |_| true);
}

#[test]
fn frames_that_need_several_attempts_are_a_warning() {
    let world = World::new(KEYWAY);
    speak(&world, json!({"attempts": 4}));
    world.client.event("device.connection_became_flaky", SOON, |_| true);
    let warnings = device(&world)["warnings"].clone();
    assert_eq!(warnings[0]["warning_code"], "device_communication_degraded", "{warnings}");
}

#[test]
fn a_ping_tells_whether_a_lock_is_reached_and_how_well() {
    let world = World::new(KEYWAY);
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    let said = cli.answer(&["devices", "ping", "front-door"]);
    assert!(said.starts_with("Front door is reached: -") && said.contains(" dBm"), "{said}");
    world.client.event("action_attempt.ping.succeeded", SOON, |_| true);

    world.stick.fault(FRONT_DOOR, json!({"offline": true}));
    let said = cli.run(&["devices", "ping", "front-door"]);
    assert!(said.notes.contains("Front door could not be reached"), "{}", said.notes);
    world.client.event("action_attempt.ping.failed", SOON, |_| true);
    world.client.event("device.disconnected", SOON, |_| true);
    assert_eq!(device(&world)["properties"]["online"], json!(false));
}

#[test]
fn routes_are_found_anew_for_one_lock_and_for_all() {
    let world = World::new(KEYWAY);
    speak(&world, json!({"attempts": 4, "repeaters": [17]}));
    world.client.event("device.connection_became_flaky", SOON, |_| true);
    assert_eq!(device(&world)["link"]["repeater_node_ids"], json!([17]));
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    let said = cli.answer(&["sticks", "rebuild-routes", "zwave", "--device", "front-door"]);
    assert!(said.contains("The routes are rebuilt."), "{said}");
    let told = world.client.event("network.routes_rebuilt", SOON, |_| true);
    assert_eq!((&told["device_id"], &told["node"]), (&json!(world.devices[0]), &json!(FRONT_DOOR)));
    // Nobody touches the fault: the lock has a better way.
    for _ in 0..8 {
        for turn in ["locks/unlock_door", "locks/lock_door"] {
            world.client.ask(turn, json!({"device_id": world.devices[0]}));
        }
    }
    world.client.event("device.connection_stabilized", SOON, |_| true);
    assert_eq!(device(&world)["link"]["repeater_node_ids"], json!([]));

    world.stick.fault(GARDEN_GATE, json!({"offline": true}));
    world.client.ask("networks/rebuild_routes", json!({}));
    let told = world.client.event("network.routes_rebuilt", SOON * 2, |event| event["failed_nodes"].is_array());
    assert_eq!(told["failed_nodes"], json!([GARDEN_GATE]));
}
