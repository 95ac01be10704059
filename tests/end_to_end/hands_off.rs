//! What the hub does not own it does not touch (I3).

use keyway_test_support::{LockSetup, SOON, Setup, World, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, KEYWAY};

const BY_HAND: &str = "59284716";

#[test]
fn a_code_put_in_by_hand_is_listed_without_its_pin_and_never_touched() {
    by_hand_is_listed(&Setup::two_doors());
}

#[test]
fn a_full_lock_is_said_so_when_the_grant_is_made() {
    full_is_said(&two_slots());
}

#[test]
fn a_slot_taken_by_hand_between_planning_and_start_is_left_and_the_code_takes_another() {
    taken_between(&Setup::two_doors());
}

#[test]
fn a_pin_that_somebody_put_in_by_hand_is_refused_by_name() {
    by_hand_is_refused(&Setup::two_doors());
}

/// A lock that is soon full.
pub(crate) fn two_slots() -> Setup {
    Setup::of(&[LockSetup { slots: 2, ..LockSetup::s2(FRONT_DOOR, "Front door") }])
}

pub(crate) fn by_hand_is_listed(setup: &Setup) {
    let mut world = World::with(KEYWAY, setup);
    world.stick.by_hand(FRONT_DOOR, 1, Some(BY_HAND));
    let code = wait_until("it is listed", SOON, || world.client.unmanaged_codes(&world.devices[0]).pop());
    assert_eq!(code["slot"], 1, "{code}");
    assert_eq!(code["is_managed"], false);
    assert!(!code.to_string().contains(BY_HAND), "{code}");

    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    world.stick.wait_for_no_code(FRONT_DOOR, &grant.pin, SOON);
    world.hub.kill();
    world.restart_hub();
    let state = world.stick.wait_until_quiet(FRONT_DOOR);
    assert_eq!(state.codes, [(1, BY_HAND.to_owned())]);

    world.stick.by_hand(FRONT_DOOR, 1, None);
    world.client.event("access_code.unmanaged.removed", SOON, |_| true);
    assert!(world.client.unmanaged_codes(&world.devices[0]).is_empty());
}

pub(crate) fn full_is_said(setup: &Setup) {
    let world = World::with(KEYWAY, setup);
    world.stick.by_hand(FRONT_DOOR, 1, Some(BY_HAND));
    wait_until("the code by hand is seen", SOON, || world.client.unmanaged_codes(&world.devices[0]).pop());
    world.client.grant(&[&world.devices[0]], 3600.0, 7200.0);
    let request = |from: f64, until: f64| {
        json!({
            "user_identity": {"full_name": "Too late"},
            "device_ids": [world.devices[0]],
            "requested_access_methods": [{"mode": "code"}],
            "starts_at": keyway_test_support::in_seconds(from),
            "ends_at": keyway_test_support::in_seconds(until),
        })
    };
    let error = world.client.refused("access_grants/create", request(4000.0, 5000.0));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("device_ids") && message.contains("Front door"), "it names the door: {error}");
    // The slot of a guest who leaves before is free for the next.
    world.client.ask("access_grants/create", request(7300.0, 9000.0));
}

pub(crate) fn taken_between(setup: &Setup) {
    let world = World::with(KEYWAY, setup);
    let grant = world.client.grant(&[&world.devices[0]], 4.0, 600.0);
    let planned = world.client.codes_of(&grant.id)[0]["slot"].as_u64().unwrap();
    world.stick.by_hand(FRONT_DOOR, planned, Some(BY_HAND));
    let taken = world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    assert_ne!(taken, planned);
    assert_eq!(world.stick.lock(FRONT_DOOR).slots_of(BY_HAND), [planned]);
    wait_until("the hub says where it is", SOON, || {
        (world.client.codes_of(&grant.id)[0]["slot"].as_u64() == Some(taken)).then_some(())
    });
}

pub(crate) fn by_hand_is_refused(setup: &Setup) {
    let world = World::with(KEYWAY, setup);
    world.stick.by_hand(FRONT_DOOR, 9, Some(BY_HAND));
    wait_until("it is seen", SOON, || world.client.unmanaged_codes(&world.devices[0]).pop());
    // A lock may tell of the slot first, and show what is in it when it is asked.
    world.stick.wait_until_quiet(FRONT_DOOR);
    let error = world.client.refused(
        "access_grants/create",
        json!({
            "user_identity": {"full_name": "Ada"},
            "device_ids": [world.devices[0]],
            "requested_access_methods": [{"mode": "code", "code": BY_HAND}],
            "starts_at": keyway_test_support::in_seconds(60.0),
            "ends_at": keyway_test_support::in_seconds(600.0),
        }),
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("requested_access_methods") && !message.contains(BY_HAND), "{error}");
}
