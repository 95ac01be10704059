//! Locks that keep a code to its time by themselves: what is in them is right also with the hub dead.

use keyway_test_support::{LockSetup, SOON, Setup, World, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, KEYWAY};

const HOUR: f64 = 3600.0;

fn setup() -> Setup {
    Setup::of(&[LockSetup { year_day_slots: 1, ..LockSetup::s2(FRONT_DOOR, "Front door") }])
}

fn world() -> World {
    World::with(KEYWAY, &setup())
}

fn zigbee_world() -> World {
    World::with(KEYWAY, &setup().on_zigbee(13))
}

#[test]
fn with_the_hub_killed_before_the_start_the_lock_opens_between_the_times_and_not_outside_them() {
    opens_between_the_times(world());
}

#[test]
fn a_zigbee_lock_opens_between_the_times_with_the_hub_killed_before_the_start() {
    opens_between_the_times(zigbee_world());
}

fn opens_between_the_times(mut world: World) {
    let grant = world.client.grant(&[&world.devices[0]], HOUR, 2.0 * HOUR);
    world.client.event("access_code.scheduled_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    let code = &world.client.codes_of(&grant.id)[0];
    assert_eq!((&code["status"], &code["is_scheduled_on_device"]), (&json!("unset"), &json!(true)));
    assert_eq!(world.client.method_of(&grant.id)["is_issued"], true);
    world.hub.kill();
    assert_eq!(world.stick.lock(FRONT_DOOR).slots_of(&grant.pin).len(), 1);
    let mut opens_in = |minutes: i64| {
        world.stick.move_clock(FRONT_DOOR, minutes * 60);
        world.stick.type_code(FRONT_DOOR, &grant.pin)
    };
    // Now; two minutes before the start, one behind it; two before the end, and behind it.
    assert_eq!([0, 58, 3, 54, 7].map(&mut opens_in), [false, false, true, true, false]);
}

#[test]
fn a_code_that_is_deleted_while_it_waits_is_out_at_once() {
    let world = world();
    let grant = world.client.grant(&[&world.devices[0]], HOUR, 2.0 * HOUR);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    world.stick.wait_for_no_code(FRONT_DOOR, &grant.pin, SOON);
}

#[test]
fn a_lock_whose_clock_was_lost_is_set_right_and_its_guest_is_let_in() {
    clock_is_set_right(world());
}

#[test]
fn a_zigbee_lock_whose_clock_was_lost_is_set_right_and_its_guest_is_let_in() {
    clock_is_set_right(zigbee_world());
}

fn clock_is_set_right(world: World) {
    let grant = world.client.grant(&[&world.devices[0]], -1.0, HOUR);
    world.client.event("access_code.set_on_device", SOON, |_| true);
    wait_until("the guest gets in", SOON, || world.stick.type_code(FRONT_DOOR, &grant.pin).then_some(()));
    // Fresh batteries.
    world.stick.order(json!({"node": FRONT_DOOR, "battery": 20}));
    world.stick.order(json!({"node": FRONT_DOOR, "restart": true}));
    assert!(!world.stick.type_code(FRONT_DOOR, &grant.pin), "it does not know what time it is");
    world.stick.order(json!({"node": FRONT_DOOR, "battery": 100}));
    wait_until("the guest gets in again", SOON, || world.stick.type_code(FRONT_DOOR, &grant.pin).then_some(()));
}
