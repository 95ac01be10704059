//! A lock that refuses, hides, is slow, is hard to reach, or was tampered with.

use keyway_test_support::{Grant, LockSetup, SOON, Setup, World, always, wait_until};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

fn of(grant: &Grant) -> impl Fn(&Value) -> bool {
    |event: &Value| event["access_grant_id"] == grant.id.as_str()
}

fn times_set(world: &World, node: u16) -> usize {
    world.stick.lock(node).commands.iter().filter(|(name, _)| name == "user_code_set").count()
}

#[test]
fn a_lock_that_refuses_a_code_is_not_asked_for_ever_and_the_host_is_told() {
    let world = World::new(KEYWAY);
    world.stick.fault(FRONT_DOOR, json!({"reject": true}));
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.client.event("access_code.failed_to_set_on_device", SOON, of(&grant));
    let tried = times_set(&world, FRONT_DOOR);
    always("it is left alone", SOON / 4, || times_set(&world, FRONT_DOOR) == tried);
    let method = world.client.method_of(&grant.id);
    assert_eq!(method["is_issued"], false, "{method}");
    assert_eq!(method["errors"][0]["error_code"], "failed_to_issue", "{method}");
    // One bad lock is one bad lock.
    let other = world.client.grant(&[&world.devices[1]], -1.0, 600.0);
    world.stick.wait_for_code(GARDEN_GATE, &other.pin, SOON);
}

#[test]
fn a_lock_that_hides_its_pins_is_believed_by_its_word_and_not_written_again() {
    let world = World::new(KEYWAY);
    world.stick.fault(FRONT_DOOR, json!({"mask": true}));
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.client.event("access_code.set_on_device", SOON, of(&grant));
    let tried = times_set(&world, FRONT_DOOR);
    world.stick.wait_until_quiet(FRONT_DOOR);
    assert_eq!(times_set(&world, FRONT_DOOR), tried);
    world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    world.stick.wait_for_no_code(FRONT_DOOR, &grant.pin, SOON);
    world.client.event("access_code.removed_from_device", SOON, of(&grant));
}

#[test]
fn a_lock_that_works_on_an_order_for_seconds_is_waited_for() {
    let world = World::new(KEYWAY);
    world.stick.fault(FRONT_DOOR, json!({"working_ms": 3000}));
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.client.event("access_code.set_on_device", SOON, of(&grant));
    assert_eq!(times_set(&world, FRONT_DOOR), 1, "it was asked once and waited for");
}

#[test]
fn a_lock_that_loses_every_fourth_frame_does_the_job() {
    let world = World::new(KEYWAY);
    world.stick.fault(FRONT_DOOR, json!({"drop_every": 4}));
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON * 2);
    world.client.event("access_code.set_on_device", SOON * 2, of(&grant));
    world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    world.stick.wait_for_no_code(FRONT_DOOR, &grant.pin, SOON * 2);
}

/// Of every radio, as each has its own way of knowing a frame again.
#[test]
fn what_arrives_twice_is_done_and_told_once() {
    let lock = |security| LockSetup { security, ..LockSetup::s2(FRONT_DOOR, "Front door") };
    let zwave = |security| Setup::of(&[lock(security)]);
    let zigbee = zwave(&[]);
    let setups = [zwave(&["s2_access_control"]), zwave(&["s0"]), zigbee.clone().on_zigbee(13), zigbee.on_znp()];
    for (number, setup) in setups.iter().enumerate() {
        let world = World::with(KEYWAY, setup);
        world.stick.fault(FRONT_DOOR, json!({"repeat_every": 1}));
        let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
        world.client.event("access_code.set_on_device", SOON, of(&grant));
        assert!(world.stick.type_code(FRONT_DOOR, &grant.pin));
        let unlocked = world.client.event("lock.unlocked", SOON, |event| event["access_code_id"].is_string());
        assert_eq!(unlocked["user_identity_id"], grant.user_identity_id.as_str(), "{unlocked}");
        world.stick.order(json!({"node": FRONT_DOOR, "turn": "lock"}));
        world.client.event("lock.locked", SOON, |_| true);
        world.stick.by_hand(FRONT_DOOR, 7, Some("24681357"));
        world.client.event("access_code.unmanaged.created", SOON, |_| true);
        world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
        world.client.event("access_code.removed_from_device", SOON, of(&grant));
        world.stick.wait_until_quiet(FRONT_DOOR);
        let told = |what: &str| world.client.events().iter().filter(|event| event["event_type"] == what).count();
        let once = ["lock.unlocked", "lock.locked", "access_code.set_on_device", "access_code.unmanaged.created"];
        assert_eq!(once.map(told), [1; 4], "in setup {number}: {:?}", world.client.events());
    }
}

#[test]
fn a_code_that_was_deleted_by_hand_is_put_back() {
    let world = World::new(KEYWAY);
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    let slot = world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    world.client.event("access_code.set_on_device", SOON, of(&grant));
    world.stick.by_hand(FRONT_DOOR, slot, None);
    world.client.event("access_code.deleted_external_to_seam", SOON, of(&grant));
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
}

#[test]
fn a_low_battery_a_jammed_bolt_and_a_door_turned_by_hand_are_told() {
    let world = World::new(KEYWAY);
    let here = |event: &Value| event["device_id"] == world.devices[0].as_str();
    world.stick.order(json!({"node": FRONT_DOOR, "battery": 5}));
    world.client.event("device.low_battery", SOON, here);
    world.stick.order(json!({"node": FRONT_DOOR, "turn": "lock"}));
    world.stick.order(json!({"node": FRONT_DOOR, "turn": "unlock"}));
    let unlocked = world.client.event("lock.unlocked", SOON, here);
    assert_eq!(unlocked["method"], "manual", "{unlocked}");
    world.stick.order(json!({"node": FRONT_DOOR, "jam": true}));
    let order = json!({"device_id": world.devices[0]});
    let attempt = world.client.ask("locks/lock_door", order)["action_attempt"]["action_attempt_id"].clone();
    let attempt = wait_until("the attempt has ended", SOON, || {
        let answer = world.client.ask("action_attempts/get", json!({"action_attempt_id": attempt}));
        let attempt = answer["action_attempt"].clone();
        (attempt["status"] != "pending").then_some(attempt)
    });
    assert_eq!(attempt["status"], "error", "{attempt}");
    world.client.event("device.jammed", SOON, here);
}

#[test]
fn a_lock_that_hides_its_pins_and_can_not_say_how_a_set_went_is_proven_all_the_same() {
    let silent = LockSetup {
        security: &["s0"],
        supervision: false,
        tells_of_own_changes: false,
        ..LockSetup::s2(FRONT_DOOR, "Front door")
    };
    let world = World::with(KEYWAY, &Setup::of(&[silent]));
    world.stick.fault(FRONT_DOOR, json!({"mask": true}));
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    world.client.event("access_code.set_on_device", SOON, of(&grant));
    assert_eq!(world.client.method_of(&grant.id)["is_issued"], true);
}

#[test]
fn a_lock_that_is_reset_by_hand_is_told_as_gone_with_what_to_do_and_so_are_its_codes() {
    let world = World::new(KEYWAY);
    let device = &world.devices[0];
    let grant = world.client.grant(&[device], -1.0, 600.0);
    world.client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    world.stick.order(json!({"node": FRONT_DOOR, "reset": true}));
    let told = world.client.event("device.removed", SOON, |_| true);
    assert_eq!((&told["device_id"], &told["reason"]), (&json!(device), &json!("reset_at_the_lock")));
    let error = world.client.ask("devices/get", json!({"device_id": device}))["device"]["errors"][0].clone();
    assert_eq!(error["error_code"], "device_removed");
    assert!(error["message"].as_str().unwrap().contains("reset to factory settings"), "{error}");
    let late = world.client.event("access_code.delay_in_setting_on_device", SOON * 2, |_| true);
    assert!(late["message"].as_str().unwrap().contains("Add it again"), "{late}");
    let code = world.client.ask("access_codes/list", json!({"device_id": device}))["access_codes"][0].clone();
    assert_ne!(code["status"], "set");
}
