//! The same job in locks and on sticks of other kinds.

use keyway_test_support::{LockSetup, SOON, Setup, World, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, KEYWAY, hands_off};

fn does_the_job(setup: &Setup, nodes: &[u16]) {
    let world = World::with(KEYWAY, setup);
    let doors: Vec<&String> = world.devices.iter().collect();
    let grant = world.client.grant(&doors, -1.0, 600.0);
    for node in nodes {
        world.stick.wait_for_code(*node, &grant.pin, SOON);
        assert!(world.stick.type_code(*node, &grant.pin));
    }
    for device in &world.devices {
        world.client.event("lock.unlocked", SOON, |event| {
            event["device_id"] == device.as_str() && event["user_identity_id"] == grant.user_identity_id.as_str()
        });
    }
    world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    for node in nodes {
        world.stick.wait_for_no_code(*node, &grant.pin, SOON);
    }
}

#[test]
fn locks_of_every_security_class() {
    let with = |node, name, security| LockSetup { security, ..LockSetup::s2(node, name) };
    let locks = [
        with(2, "Authenticated", &["s2_authenticated"]),
        with(3, "Unauthenticated", &["s2_unauthenticated"]),
        with(4, "Old", &["s0"]),
        with(5, "Open", &[]),
        with(6, "Both", &["s2_access_control", "s0"]),
    ];
    does_the_job(&Setup::of(&locks), &[2, 3, 4, 5, 6]);
}

#[test]
fn user_code_of_version_1() {
    let lock = LockSetup { user_code_version: 1, slots: 20, ..LockSetup::s2(2, "Front door") };
    does_the_job(&Setup::of(&[lock]), &[2]);
}

#[test]
fn a_lock_with_more_slots_than_fit_a_byte() {
    let lock = LockSetup { slots: 500, ..LockSetup::s2(2, "Front door") };
    does_the_job(&Setup::of(&[lock]), &[2]);
}

#[test]
fn a_long_range_lock() {
    does_the_job(&Setup::of(&[LockSetup::s2(260, "Barn")]), &[260]);
}

#[test]
fn a_bridge_controller() {
    does_the_job(&Setup::two_doors().on_a_bridge(), &[2, 3]);
}

#[test]
fn a_lock_whose_codes_are_the_pins_of_its_users_tells_the_whole_story() {
    World::with(KEYWAY, &Setup::two_doors().by_user_credential()).tell_the_whole_story(FRONT_DOOR);
}

#[test]
fn a_lock_that_hides_the_pins_of_its_users_tells_the_whole_story() {
    World::with(KEYWAY, &Setup::two_doors().by_user_credential().masked()).tell_the_whole_story(FRONT_DOOR);
}

#[test]
fn a_lock_with_user_code_and_user_credential() {
    let both = LockSetup { codes_by: "both", ..LockSetup::s2(2, "Front door") };
    let open = LockSetup { codes_by: "user_credential", security: &[], ..LockSetup::s2(3, "Shed") };
    does_the_job(&Setup::of(&[both, open]), &[2, 3]);
}

#[test]
fn users_of_others_are_listed_and_never_touched() {
    let doors = Setup::two_doors().by_user_credential();
    hands_off::by_hand_is_listed(&doors);
    hands_off::taken_between(&doors);
    hands_off::by_hand_is_refused(&doors);
    hands_off::full_is_said(&hands_off::two_slots().by_user_credential());
}

#[test]
fn a_lock_that_no_beam_wakes_gets_its_code_when_it_wakes_by_itself() {
    let lock = LockSetup { wakes_by_button: true, ..LockSetup::s2(FRONT_DOOR, "Front door") };
    let world = World::with(KEYWAY, &Setup::of(&[lock]));
    wait_until("it is told to sleep on", SOON, || {
        world.stick.was_told(FRONT_DOOR, "wake_up_no_more_information").then_some(())
    });
    let unlock = world.client.ask("locks/unlock_door", json!({"device_id": world.devices[0]}));
    let attempt = &unlock["action_attempt"]["action_attempt_id"];
    wait_until("that is given up", SOON / 2, || {
        let told = world.client.ask("action_attempts/get", json!({ "action_attempt_id": attempt }));
        (told["action_attempt"]["status"] == "error").then_some(())
    });
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    std::thread::sleep(SOON / 10);
    assert!(world.stick.lock(FRONT_DOOR).slots_of(&grant.pin).is_empty(), "it sleeps");
    world.stick.order(json!({"node": FRONT_DOOR, "wake_up": true}));
    world.client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    assert!(world.stick.type_code(FRONT_DOOR, &grant.pin));
}

/// The oldest EZSP in the field, the last with statuses of a byte, and the newest.
#[test]
fn zigbee_locks_behind_a_stick_of_silicon_labs() {
    for version in [8, 13, 18] {
        does_the_job(&Setup::two_doors().on_zigbee(version), &[2, 3]);
    }
}

#[test]
fn zigbee_locks_behind_a_stick_of_texas_instruments() {
    does_the_job(&Setup::two_doors().on_znp(), &[2, 3]);
}

#[test]
fn a_zigbee_lock_that_sleeps_and_hides_its_pins() {
    let lock = LockSetup { sleeping: true, ..LockSetup::s2(2, "Front door") };
    let setup = Setup::of(&[lock]).masked();
    does_the_job(&setup.clone().on_zigbee(13), &[2]);
    does_the_job(&setup.on_znp(), &[2]);
}

/// A Yale counts from 1, as is known of them; this one does not.
#[test]
fn a_zigbee_lock_that_counts_its_users_otherwise_than_its_model_should_is_found_out() {
    let lock = LockSetup { slots: 10, oddities: r#"{"first_user": 0}"#, ..LockSetup::s2(2, "Front door") };
    let setup = Setup::of(&[lock]).on_zigbee(13);
    does_the_job(&setup, &[2]);
    let world = World::with(KEYWAY, &setup);
    let device = world.client.ask("devices/get", json!({"device_id": world.devices[0]}))["device"].clone();
    assert_eq!((&device["codes"]["slots"], &device["properties"]["online"]), (&json!(9), &json!(true)), "{device}");
}
