//! How locks behave by themselves, set from afar.

use keyway_test_support::{LockSetup, SOON, Setup, World, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

#[test]
fn a_lock_shows_which_one_it_is() {
    let world = World::new(KEYWAY);
    let device = &world.devices[0];
    let asked = world.client.ask("devices/identify", json!({"device_id": device}));
    assert_eq!(asked["action_attempt"]["action_type"], "IDENTIFY");
    let told = world.client.event("action_attempt.identify.succeeded", SOON, |_| true);
    assert_eq!(told["action_attempt_id"], asked["action_attempt"]["action_attempt_id"]);
    assert_eq!([FRONT_DOOR, GARDEN_GATE].map(|node| world.stick.lock(node).identified), [1, 0]);
}

#[test]
fn a_lock_is_told_to_lock_by_itself_and_does() {
    let world = World::new(KEYWAY);
    let device = &world.devices[0];
    let order = json!({"device_id": device, "auto_lock_enabled": true, "auto_lock_delay_seconds": 2});
    let asked = world.client.ask("locks/configure_auto_lock", order);
    let id = asked["action_attempt"]["action_attempt_id"].clone();
    let told = world.client.event("action_attempt.configure_auto_lock.succeeded", SOON, |_| true);
    assert_eq!((&told["action_attempt_id"], &told["device_id"]), (&id, &json!(device)));
    let shown = world.client.ask("devices/get", json!({"device_id": device}))["device"].clone();
    assert_eq!(shown["properties"]["auto_lock_enabled"], true);
    assert_eq!(shown["properties"]["auto_lock_delay_seconds"], 2);
    world.client.ask("locks/unlock_door", json!({"device_id": device}));
    world.client.event("lock.unlocked", SOON, |_| true);
    world.client.event("lock.locked", SOON, |event| event["method"] == "automatic");
    wait_until("the door is locked", SOON, || world.stick.lock(FRONT_DOOR).locked.then_some(()));
}

#[test]
fn a_keypad_in_vacation_mode_is_told_of_loudly_and_lets_guests_in_again_afterwards() {
    let world = World::new(KEYWAY);
    let device = &world.devices[0];
    let grant = world.client.grant(&[device], -1.0, 600.0);
    world.client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    // Somebody at the lock, and then from afar.
    world.stick.order(json!({"node": FRONT_DOOR, "keypad_mode": "vacation"}));
    let told = world.client.event("device.keypad_mode_changed", SOON, |_| true);
    assert_eq!((&told["keypad_mode"], &told["device_id"]), (&json!("vacation"), &json!(device)));
    assert!(!world.stick.type_code(FRONT_DOOR, &grant.pin));
    let shown = || world.client.ask("devices/get", json!({"device_id": device}))["device"].clone();
    assert_eq!(shown()["properties"]["keypad_mode"], "vacation");
    assert_eq!(shown()["errors"][0]["error_code"], "keypad_closed_to_guests");
    wait_until("the grant and its PIN say so as well", SOON, || {
        let of_grant = json!({"access_grant_id": grant.id});
        let methods = world.client.ask("access_methods/list", of_grant.clone());
        let shown = world.client.ask("access_grants/get", of_grant);
        let said = methods.to_string().contains("vacation mode");
        (said && shown.to_string().contains("underprovisioned_access")).then_some(())
    });
    world.client.ask("locks/configure_keypad_mode", json!({"device_id": device, "keypad_mode": "normal"}));
    world.client.event("action_attempt.configure_keypad_mode.succeeded", SOON, |_| true);
    assert_eq!(shown()["errors"], json!([]));
    assert!(world.stick.type_code(FRONT_DOOR, &grant.pin));
}

#[test]
fn an_admin_code_is_set_proven_and_shown_to_nobody() {
    let world = World::new(KEYWAY);
    let device = &world.devices[0];
    let order = json!({"device_id": device, "admin_code_enabled": true, "admin_code": "90010042"});
    world.client.ask("locks/configure_admin_code", order);
    world.client.event("action_attempt.configure_admin_code.succeeded", SOON, |_| true);
    assert_eq!(world.stick.lock(FRONT_DOOR).admin_code.as_deref(), Some("90010042"));
    let shown = world.client.ask("devices/get", json!({"device_id": device}))["device"].clone();
    assert_eq!(shown["properties"]["admin_code_enabled"], true);
    let attempts = world.client.ask("action_attempts/list", json!({}));
    assert!(!format!("{shown}{attempts}").contains("90010042"));
    world.client.ask("locks/configure_admin_code", json!({"device_id": device, "admin_code_enabled": false}));
    wait_until("the admin code is gone", SOON, || world.stick.lock(FRONT_DOOR).admin_code.is_none().then_some(()));
}

#[test]
fn what_is_peculiar_to_a_model_is_set_by_name_and_vacation_is_told_of_loudly() {
    let oddities = r#"{"product": [59, 1, 1129], "code_length": 6, "parameters": {"3": [255], "4": [0], "7": [0]}}"#;
    let schlage = LockSetup { oddities, ..LockSetup::s2(FRONT_DOOR, "Front door") };
    let world = World::with(KEYWAY, &Setup::of(&[schlage]));
    let device = &world.devices[0];
    let parameter = |name: &str| {
        let listed = world.client.ask("devices/list_parameters", json!({"device_id": device}))["parameters"].clone();
        let listed = listed.as_array().cloned().unwrap_or_default();
        listed.into_iter().find(|parameter| parameter["name"] == name).unwrap_or_default()
    };
    // What shuts guests out was asked at once, the others not.
    assert_eq!(
        (&parameter("vacation_mode")["value_name"], &parameter("beeper")["value"]),
        (&json!("off"), &json!(null))
    );
    world.client.ask("devices/read_parameter", json!({"device_id": device, "name": "beeper"}));
    world.client.event("action_attempt.read_parameter.succeeded", SOON, |_| true);
    assert_eq!((&parameter("beeper")["value"], &parameter("beeper")["value_name"]), (&json!(255), &json!("on")));
    let set = |name, value| {
        world.client.ask("devices/set_parameter", json!({"device_id": device, "name": name, "value": value}));
        world.client.event("action_attempt.set_parameter.succeeded", SOON, |_| true)
    };
    set("beeper", "off");
    assert_eq!(parameter("beeper")["value_name"], "off");
    let grant = world.client.grant(&[device], -1.0, 600.0);
    world.client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    let order = json!({"device_id": device, "name": "vacation_mode", "value": "on"});
    world.client.ask("devices/set_parameter", order);
    wait_until("the device says that no guest gets in", SOON, || {
        let shown = world.client.ask("devices/get", json!({"device_id": device}))["device"]["errors"].to_string();
        shown.contains("keypad_closed_to_guests").then_some(())
    });
    let wrong = json!({"device_id": device, "name": "beeper", "value": "loud"});
    assert!(world.client.refused("devices/set_parameter", wrong).to_string().contains("off, on"));
}

#[test]
fn a_bolt_in_timed_mode_locks_again_and_what_is_not_asked_for_stays() {
    let world = World::new(KEYWAY);
    let device = &world.devices[0];
    let order = json!({"device_id": device, "timed_unlock_seconds": 2, "twist_assist_enabled": true});
    world.client.ask("locks/configure_bolt", order);
    world.client.event("action_attempt.configure_bolt.succeeded", SOON, |_| true);
    let shown = world.client.ask("devices/get", json!({"device_id": device}))["device"]["properties"].clone();
    assert_eq!((&shown["timed_unlock_seconds"], &shown["hold_and_release_seconds"]), (&json!(2), &json!(3)));
    assert_eq!((&shown["twist_assist_enabled"], &shown["block_to_block_enabled"]), (&json!(true), &json!(false)));
    world.client.ask("locks/unlock_door", json!({"device_id": device}));
    world.client.event("lock.unlocked", SOON, |_| true);
    world.client.event("lock.locked", SOON, |event| event["method"] == "automatic");
}

#[test]
fn what_a_battery_tells_beside_its_level_is_shown() {
    // Charging, rechargeable; disconnected; 83 per cent of what it was.
    let lock = LockSetup { oddities: r#"{"battery": [96, 1, 83]}"#, ..LockSetup::s2(FRONT_DOOR, "Front door") };
    let world = World::with(KEYWAY, &Setup::of(&[lock]));
    world.client.event("device.battery_disconnected", SOON, |_| true);
    let device = world.client.ask("devices/get", json!({"device_id": world.devices[0]}))["device"].clone();
    let told = &device["properties"]["battery_details"];
    assert_eq!(
        (&told["charging"], &told["is_rechargeable"], &told["capacity"]),
        (&json!("charging"), &json!(true), &json!(0.83))
    );
    assert!(device["warnings"].to_string().contains("battery_disconnected"), "{device}");
}
