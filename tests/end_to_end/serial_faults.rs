//! The wire to the stick is bad, or the stick is.

use std::time::Duration;

use keyway_test_support::{Broker, Client, Hub, SOON, Setup, Stick, World, free_port, in_seconds, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

#[test]
fn the_job_is_done_though_every_fiftieth_byte_is_flipped() {
    let world = World::new(KEYWAY);
    world.stick.order(json!({"stick": {"garble_every": 50}}));
    let grant = world.client.grant(&[&world.devices[0], &world.devices[1]], 1.0, 600.0);
    for node in [FRONT_DOOR, GARDEN_GATE] {
        world.stick.wait_for_code(node, &grant.pin, SOON * 3);
    }
    world.client.ask("access_grants/update", json!({"access_grant_id": grant.id, "ends_at": in_seconds(1.0)}));
    for node in [FRONT_DOOR, GARDEN_GATE] {
        world.stick.wait_for_no_code(node, &grant.pin, SOON * 3);
    }
    for device in &world.devices {
        world.client.event("access_code.removed_from_device", SOON, |event| event["device_id"] == device.as_str());
    }
}

#[test]
fn a_stick_that_resets_by_itself_is_set_up_again_and_the_job_goes_on() {
    let world = World::new(KEYWAY);
    let before = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.order(json!({"stick": {"reset": true}}));
    let after = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    for grant in [before, after] {
        world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    }
}

#[test]
fn a_stick_that_is_unplugged_and_plugged_in_again_is_found() {
    let world = World::new(KEYWAY);
    let grant = world.client.grant(&[&world.devices[0]], 1.0, 600.0);
    world.stick.order(json!({"stick": {"disconnect": true}}));
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    let started =
        world.hub.log().lines().iter().filter(|line| line.contains("keyway") && line.contains("starting")).count();
    assert!(started <= 1, "it was the same process all the time");
}

/// ZNP repeats nothing that was spoilt on its line.
#[test]
fn behind_a_stick_of_texas_instruments_codes_come_and_go_whatever_happens_to_it() {
    let world = World::with(KEYWAY, &Setup::two_doors().on_znp());
    let (client, stick) = (&world.client, &world.stick);
    let trouble = [
        json!({"reset": true}),
        // It hangs until its watchdog restarts it.
        json!({"fail": true}),
        json!({"disconnect": true}),
        json!({"garble_every": 700}),
    ];
    for fault in trouble {
        let grant = client.grant(&[&world.devices[0], &world.devices[1]], -1.0, 600.0);
        stick.order(json!({ "stick": fault }));
        for node in [FRONT_DOOR, GARDEN_GATE] {
            stick.wait_for_code(node, &grant.pin, SOON * 4);
        }
        client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
        for node in [FRONT_DOOR, GARDEN_GATE] {
            stick.wait_for_no_code(node, &grant.pin, SOON * 4);
        }
    }
}

#[test]
fn a_stick_that_is_absent_at_the_start_is_waited_for() {
    let setup = Setup::two_doors();
    let port = free_port();
    let broker = Broker::running();
    let client = Client::connect(broker.port(), Hub::NAME);
    let mut hub = Hub::prepared(KEYWAY, broker.port(), &format!("tcp://127.0.0.1:{port}"), &setup);
    hub.start();
    wait_until("the hub answers without a stick", SOON, || client.try_request("devices/list", json!({}), SOON / 10));
    let stick = Stick::ours_at(KEYWAY, &setup, port);
    let devices = client.ready_devices(&setup.names(), SOON * 2);
    let grant = client.grant(&[&devices[0]], -1.0, 600.0);
    stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
}

#[test]
fn a_lock_that_is_offline_keeps_no_other_lock_waiting() {
    let world = World::new(KEYWAY);
    world.stick.fault(FRONT_DOOR, json!({"offline": true}));
    let dead = world.client.grant(&[&world.devices[0]], 0.0, 600.0);
    let alive = world.client.grant(&[&world.devices[1]], 0.0, 600.0);
    world.stick.wait_for_code(GARDEN_GATE, &alive.pin, SOON / 2);
    world.client.event("access_code.delay_in_setting_on_device", SOON * 2, |event| {
        event["access_grant_id"] == dead.id.as_str()
    });
    world.stick.fault(FRONT_DOOR, json!({"offline": false}));
    world.stick.wait_for_code(FRONT_DOOR, &dead.pin, SOON * 3);
}

#[test]
fn a_stick_at_a_serial_port_is_used_and_missed_quietly_while_it_is_pulled_out() {
    let setup = Setup::two_doors();
    let (stick, broker) = (Stick::ours(KEYWAY, &setup), Broker::running());
    let client = Client::connect(broker.port(), Hub::NAME);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ttyLOCKS");
    let plugged = stick.plugged_into(&path);
    let mut hub = Hub::prepared(KEYWAY, broker.port(), &format!("serial:{}", path.display()), &setup);
    hub.start();
    let devices = client.ready_devices(&setup.names(), SOON * 2);
    let grant = client.grant(&[&devices[0]], -1.0, 600.0);
    stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);

    drop(plugged);
    wait_until("it is missed", SOON, || hub.log().contains("port lost").then_some(()));
    let before = hub.processor_time();
    client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    std::thread::sleep(Duration::from_secs(3)); // a span of time is what is measured
    let used = hub.processor_time() - before;
    assert!(used < Duration::from_millis(500), "3 s without a stick took {used:?} of processor time");

    let _plugged = stick.plugged_into(&path);
    stick.wait_for_no_code(FRONT_DOOR, &grant.pin, SOON);
}
