//! What it is all for.

use std::time::Duration;

use keyway_test_support::{LockSetup, SOON, Setup, World, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

#[test]
fn the_pin_of_a_grant_is_in_the_lock_between_its_times_and_not_outside_them() {
    World::new(KEYWAY).tell_the_whole_story(FRONT_DOOR);
}

#[test]
fn the_same_in_a_zigbee_lock() {
    World::with(KEYWAY, &Setup::two_doors().on_zigbee(14)).tell_the_whole_story(FRONT_DOOR);
}

#[test]
fn the_same_in_a_zigbee_lock_behind_a_stick_of_texas_instruments() {
    World::with(KEYWAY, &Setup::two_doors().on_znp()).tell_the_whole_story(FRONT_DOOR);
}

#[test]
fn a_grant_for_two_doors_has_one_pin_and_is_issued_when_both_have_proven_it() {
    let world = World::new(KEYWAY);
    let (client, stick) = (&world.client, &world.stick);
    let grant = client.grant(&[&world.devices[0], &world.devices[1]], -1.0, 600.0);
    let method = wait_until("both doors have proven it", SOON, || {
        let method = client.method_of(&grant.id);
        (method["is_issued"] == true).then_some(method)
    });
    assert_eq!(method["code"], grant.pin.as_str());
    for node in [FRONT_DOOR, GARDEN_GATE] {
        assert_eq!(stick.lock(node).slots_of(&grant.pin).len(), 1, "issued inside the window means proven");
    }
}

#[test]
fn a_deleted_grant_is_out_of_the_lock_at_once() {
    let world = World::new(KEYWAY);
    let (client, stick) = (&world.client, &world.stick);
    let grant = client.grant(&[&world.devices[0]], -1.0, 600.0);
    stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    stick.wait_for_no_code(FRONT_DOOR, &grant.pin, Duration::from_secs(5));
    let removed = client.event("access_code.removed_from_device", SOON, |_| true);
    assert_eq!(removed["access_grant_id"], grant.id.as_str());
}

#[test]
fn a_grant_whose_end_is_brought_forward_ends_then() {
    let world = World::new(KEYWAY);
    let (client, stick) = (&world.client, &world.stick);
    let grant = client.grant(&[&world.devices[0]], -1.0, 600.0);
    stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    let ends_at = keyway_test_support::in_seconds(2.0);
    client.ask("access_grants/update", json!({"access_grant_id": grant.id, "ends_at": ends_at}));
    stick.wait_for_no_code(FRONT_DOOR, &grant.pin, Duration::from_secs(6));
}

#[test]
fn a_requested_pin_is_honoured_with_its_leading_zero() {
    let world = World::new(KEYWAY);
    let (client, stick) = (&world.client, &world.stick);
    let grant = client.grant_by(&[&world.devices[0]], -1.0, 600.0, json!({"mode": "code", "code": "0830"}));
    assert_eq!(grant.pin, "0830");
    stick.wait_for_code(FRONT_DOOR, "0830", SOON);
}

#[test]
fn a_sleeping_lock_is_woken_and_holds_the_pin_too() {
    let sleeping = LockSetup { sleeping: true, user_code_version: 1, ..LockSetup::s2(FRONT_DOOR, "Front door") };
    let world = World::with(KEYWAY, &Setup::of(&[sleeping]));
    let grant = world.client.grant(&[&world.devices[0]], 1.0, 8.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    world.stick.wait_for_no_code(FRONT_DOOR, &grant.pin, SOON);
}
