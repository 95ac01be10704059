//! Air and battery are scarce: what a code costs, counted at the lock.

use keyway_test_support::{Frames, LockSetup, SOON, Setup, World};

use crate::{FRONT_DOOR, KEYWAY};

#[test]
fn a_code_set_costs_one_frame_each_way_and_its_read_back_another() {
    // One that tells of each slot by itself: what it only passed over would be asked for before it is written.
    let silent =
        LockSetup { tells_of_own_changes: false, user_code_version: 1, ..LockSetup::s2(FRONT_DOOR, "Front door") };
    let world = World::with(KEYWAY, &Setup::of(&[silent]));
    let (client, stick) = (&world.client, &world.stick);
    // The first exchange agrees on nonces; from then on the lock is in sync.
    let first = client.grant(&[&world.devices[0]], -1.0, 600.0);
    stick.wait_for_code(FRONT_DOOR, &first.pin, SOON);
    client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == first.id.as_str());

    let grant = client.grant(&[&world.devices[0]], 4.0, 600.0);
    let before = stick.wait_until_quiet(FRONT_DOOR);
    assert!(before.slots_of(&grant.pin).is_empty(), "the count must begin before the start");
    client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    let after = stick.lock(FRONT_DOOR);

    let commands: Vec<&str> = after.commands[before.commands.len()..].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(commands, ["user_code_set", "user_code_get"]);
    assert_eq!(after.frames.since(before.frames), Frames { from_hub: 2, to_hub: 2, wake_ups: 0 });
}
