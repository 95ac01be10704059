//! How locks behave by themselves, set from afar.

use keyway_test_support::{SOON, World, wait_until};
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
