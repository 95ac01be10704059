//! One grant over doors of Z-Wave and of Zigbee, each network behind a stick of its own.

use std::time::Duration;

use keyway_test_support::{LockSetup, SOON, Setup, Stick, World, utc, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

/// How far from its times a PIN may come and go, in the last of the doors.
const TOLERANCE_MS: i128 = 2000;

#[test]
fn one_pin_suits_z_wave_and_zigbee_doors_and_comes_and_goes_in_all_on_time() {
    comes_and_goes_in_all(&|setup| setup.on_zigbee(14));
}

#[test]
fn the_same_with_a_zigbee_stick_of_texas_instruments() {
    comes_and_goes_in_all(&Setup::on_znp);
}

fn comes_and_goes_in_all(on_its_radio: &dyn Fn(Setup) -> Setup) {
    // The one takes six digits at least, the others six at most: a PIN of eight, as the host would like it, suits none of both.
    let six_at_least =
        LockSetup { codes_by: "user_credential", pin_lengths: Some([6, 8]), ..LockSetup::s2(2, "Street") };
    let six_at_most = |node, name| LockSetup { pin_lengths: Some([4, 6]), ..LockSetup::s2(node, name) };
    let indoors = Setup::of(&[six_at_most(FRONT_DOOR, "Flat"), six_at_most(GARDEN_GATE, "Cellar")]);
    let (world, zigbee) = World::of_two(KEYWAY, &Setup::of(&[six_at_least]), &on_its_radio(indoors));
    let client = &world.client;
    let doors: Vec<(&Stick, u16)> = vec![(&world.stick, 2), (&zigbee, FRONT_DOOR), (&zigbee, GARDEN_GATE)];

    let devices: Vec<&String> = world.devices.iter().collect();
    let wish = json!({"mode": "code", "preferred_code_length": 8});
    let grant = client.grant_by(&devices, 8.0, 28.0, wish);
    assert_eq!(grant.pin.len(), 6, "the only length that suits all");
    assert_eq!(client.method_of(&grant.id)["is_issued"], true, "it can be handed out before it starts");
    let holds = |(stick, node): &(&Stick, u16)| !stick.lock(*node).slots_of(&grant.pin).is_empty();
    assert!(!doors.iter().any(holds), "it is in none before its time");

    let all_hold = || doors.iter().all(holds).then(utc);
    let set_at = wait_until("the PIN is in all doors", SOON * 2, all_hold);
    assert!((set_at - grant.starts_at).as_millis().abs() <= TOLERANCE_MS, "set at {set_at}, not {}", grant.starts_at);
    wait_until("all have proven it", SOON, || {
        client.codes_of(&grant.id).iter().all(|code| code["status"] == "set").then_some(())
    });
    for (stick, node) in &doors {
        assert!(stick.type_code(*node, &grant.pin), "it opens node {node}");
    }
    for device in &world.devices {
        client.event("lock.unlocked", SOON, |event| {
            event["device_id"] == device.as_str() && event["user_identity_id"] == grant.user_identity_id.as_str()
        });
    }

    let none_holds = || (!doors.iter().any(holds)).then(utc);
    let gone_at = wait_until("the PIN is out of all doors", Duration::from_secs(60), none_holds);
    assert!((gone_at - grant.ends_at).as_millis().abs() <= TOLERANCE_MS, "out at {gone_at}, not {}", grant.ends_at);
    for device in &world.devices {
        client.event("access_code.removed_from_device", SOON, |event| event["device_id"] == device.as_str());
    }
}
