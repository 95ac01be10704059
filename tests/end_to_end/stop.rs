//! It ends when it is told to, whatever it is doing.

use std::time::Duration;

use keyway_test_support::{Broker, Hub, SOON, Setup, Signal, Stick, World, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, KEYWAY};

const TWO_SECONDS: Duration = Duration::from_secs(2);

fn ends_in_time(hub: &mut Hub, signal: Signal) {
    let (took, status) = hub.end(signal);
    assert!(took <= TWO_SECONDS, "{signal:?}: it took {took:?}");
    assert!(status.success(), "{signal:?}: {status}");
}

#[test]
fn an_idle_hub_ends_within_two_seconds() {
    let mut world = World::new(KEYWAY);
    for signal in [Signal::Terminate, Signal::Interrupt] {
        ends_in_time(&mut world.hub, signal);
        world.restart_hub();
    }
}

#[test]
fn a_hub_that_waits_for_an_offline_lock_ends_within_two_seconds() {
    for signal in [Signal::Terminate, Signal::Interrupt] {
        let mut world = World::new(KEYWAY);
        world.stick.fault(FRONT_DOOR, json!({"offline": true}));
        let before = world.stick.lock(FRONT_DOOR).frames.from_hub;
        world.client.grant(&[&world.devices[0]], -1.0, 600.0);
        wait_until("it has begun to speak to the lock", SOON, || {
            (world.stick.lock(FRONT_DOOR).frames.from_hub > before).then_some(())
        });
        ends_in_time(&mut world.hub, signal);
    }
}

#[test]
fn a_hub_without_broker_and_stick_ends_within_two_seconds() {
    let setup = Setup::two_doors();
    for signal in [Signal::Terminate, Signal::Interrupt] {
        let stick = Stick::ours(KEYWAY, &setup);
        let mut hub = Hub::prepared(KEYWAY, Broker::stopped().port(), &stick.port(), &setup);
        hub.start();
        wait_until("it works", SOON, || (stick.lock(FRONT_DOOR).frames.from_hub > 0).then_some(()));
        ends_in_time(&mut hub, signal);
    }
}

#[test]
fn a_hub_that_logs_next_to_nothing_works_and_ends_like_any_other() {
    let mut world = World::quiet(KEYWAY, &Setup::two_doors());
    world.client.ask("devices/list", json!({}));
    assert!(world.hub.runs());
    ends_in_time(&mut world.hub, Signal::Terminate);
}
