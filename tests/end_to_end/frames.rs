//! Air and battery are scarce: what a code costs, counted at the lock.

use keyway_test_support::{Frames, LockSetup, SOON, Setup, World, wait_until};

use crate::{FRONT_DOOR, KEYWAY};

const ONE_EACH_WAY_TWICE: Frames = Frames { from_hub: 2, to_hub: 2, wake_ups: 0 };

/// A lock with one slot, so that what is read only to know it is soon all read, and that at last.
const LOCK: LockSetup = LockSetup { tells_of_own_changes: false, slots: 1, ..LockSetup::s2(FRONT_DOOR, "Front door") };

/// The commands that a code brings the lock, the last of which is `read`, and its frames.
fn costs_of_a_code(setup: &Setup, read: &str) -> (Vec<String>, Frames) {
    let world = World::with(KEYWAY, setup);
    let (client, stick) = (&world.client, &world.stick);
    wait_until("its slot is looked at", SOON * 2, || stick.was_told(FRONT_DOOR, read).then_some(()));

    let grant = client.grant(&[&world.devices[0]], 6.0, 600.0);
    let before = stick.wait_until_quiet(FRONT_DOOR);
    assert!(before.slots_of(&grant.pin).is_empty(), "the count must begin before the start");
    client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    let after = stick.lock(FRONT_DOOR);

    let commands = after.commands[before.commands.len()..].iter().map(|(name, _)| name.clone()).collect();
    (commands, after.frames.since(before.frames))
}

#[test]
fn a_code_set_costs_one_frame_each_way_and_its_read_back_another() {
    // One that tells of each slot by itself: what it only passed over would be asked for before it is written.
    let lock = LockSetup { user_code_version: 1, ..LOCK };
    let (commands, frames) = costs_of_a_code(&Setup::of(&[lock]), "user_code_get");
    assert_eq!(commands, ["user_code_set", "user_code_get"]);
    assert_eq!(frames, ONE_EACH_WAY_TWICE);
}

#[test]
fn a_code_in_a_zigbee_lock_costs_no_more() {
    // One that asks for the time would be answered in between.
    let lock = LockSetup { oddities: r#"{"asks_time": false}"#, ..LOCK };
    let (commands, frames) = costs_of_a_code(&Setup::of(&[lock]).on_zigbee(13), "get_pin_code");
    assert_eq!(commands, ["set_pin_code", "get_pin_code"]);
    assert_eq!(frames, ONE_EACH_WAY_TWICE);
}
