//! The broker is gone for a while (I8).

use keyway_test_support::{Broker, Client, Hub, SOON, Setup, Stick, World, wait_until};

use crate::{FRONT_DOOR, KEYWAY};

#[test]
fn what_happens_while_the_broker_is_away_is_told_afterwards_and_in_order() {
    let mut world = World::new(KEYWAY);
    let grant = world.client.grant(&[&world.devices[0]], 2.0, 10.0);
    world.client.event("access_method.issued", SOON, |_| true);
    world.broker.stop();
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    world.stick.wait_until_quiet(FRONT_DOOR); // it was read back, too
    assert!(world.stick.type_code(FRONT_DOOR, &grant.pin));
    world.stick.wait_for_no_code(FRONT_DOOR, &grant.pin, SOON);
    world.broker.start();
    world.client.event("access_code.removed_from_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    let trail = ["access_code.set_on_device", "lock.unlocked", "access_code.removed_from_device"];
    let told = world.client.event_types();
    let told: Vec<&str> = told.iter().map(String::as_str).filter(|name| trail.contains(name)).collect();
    assert_eq!(told, trail);
    world.wait_for_hub();
}

#[test]
fn the_hub_starts_and_works_without_a_broker() {
    let setup = Setup::two_doors();
    let stick = Stick::ours(KEYWAY, &setup);
    let mut broker = Broker::stopped();
    let mut hub = Hub::prepared(KEYWAY, broker.port(), &stick.port(), &setup);
    hub.start();
    wait_until("it talks to the lock", SOON, || (stick.lock(FRONT_DOOR).frames.from_hub > 0).then_some(()));
    broker.start();
    let client = Client::connect(broker.port(), Hub::NAME);
    client.ready_devices(&setup.names(), SOON * 2);
}

#[test]
fn the_brokers_will_says_offline_when_the_hub_dies() {
    let mut world = World::new(KEYWAY);
    let topic = format!("{}/status", world.client.base());
    let said = |world: &World| {
        let messages = world.client.messages();
        let last = messages.iter().rev().find(|message| message.topic == topic)?;
        Some(String::from_utf8_lossy(&last.payload).into_owned())
    };
    wait_until("online", SOON, || (said(&world).as_deref() == Some("online")).then_some(()));
    world.hub.kill();
    wait_until("offline", SOON, || (said(&world).as_deref() == Some("offline")).then_some(()));
    world.restart_hub();
    wait_until("online again", SOON, || (said(&world).as_deref() == Some("online")).then_some(()));
    world.hub.end(keyway_test_support::Signal::Terminate);
    wait_until("offline when it ends in order", SOON, || (said(&world).as_deref() == Some("offline")).then_some(()));
}
