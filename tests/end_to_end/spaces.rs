//! Doors that are granted as one.

use keyway_test_support::{SOON, World, in_seconds};
use serde_json::json;

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

#[test]
fn a_door_that_joins_a_space_gets_the_pins_of_the_guests_who_are_there_and_loses_them_when_it_leaves() {
    let world = World::new(KEYWAY);
    let (client, stick) = (&world.client, &world.stick);
    let order = json!({"name": "Flat 7", "space_key": "flat-7", "device_ids": [world.devices[0]]});
    let space = client.ask("spaces/create", order)["space"]["space_id"].clone();
    let order = json!({
        "user_identity": {"full_name": "Ada Lovelace"},
        "space_keys": ["flat-7"],
        "requested_access_methods": [{"mode": "code", "preferred_code_length": 8}],
        "starts_at": in_seconds(-1.0),
        "ends_at": in_seconds(600.0),
    });
    let grant = client.ask("access_grants/create", order)["access_grant"]["access_grant_id"].clone();
    let grant = grant.as_str().unwrap();
    let pin = client.method_of(grant)["code"].as_str().unwrap().to_owned();
    stick.wait_for_code(FRONT_DOOR, &pin, SOON);

    client.ask("spaces/add_devices", json!({"space_id": space, "device_ids": [world.devices[1]]}));
    stick.wait_for_code(GARDEN_GATE, &pin, SOON);
    assert!(stick.type_code(GARDEN_GATE, &pin));
    client.event("access_code.set_on_device", SOON, |event| event["device_id"] == world.devices[1].as_str());

    client.ask("spaces/delete", json!({"space_id": space}));
    for node in [FRONT_DOOR, GARDEN_GATE] {
        stick.wait_for_no_code(node, &pin, SOON);
    }
    client.event("space.deleted", SOON, |event| event["space_id"] == space);
    client.event("access_method.revoked", SOON, |event| event["access_grant_id"] == grant);
}
