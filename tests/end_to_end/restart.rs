//! The power goes at any moment (I1, I5).

use std::time::Duration;

use keyway_test_support::{Grant, SOON, World, utc, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

#[test]
fn a_code_that_ended_while_the_hub_was_dead_is_taken_out_within_five_seconds() {
    let mut world = World::new(KEYWAY);
    let grant = world.client.grant(&[&world.devices[0]], 0.0, 6.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    world.hub.kill();
    wait_until("the grant is over", SOON, || (utc() > grant.ends_at).then_some(()));
    assert_eq!(world.stick.lock(FRONT_DOOR).slots_of(&grant.pin).len(), 1, "nobody took it out meanwhile");
    world.restart_hub();
    world.stick.wait_for_no_code(FRONT_DOOR, &grant.pin, Duration::from_secs(5));
    world.client.event("access_code.removed_from_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
}

#[test]
fn a_grant_that_was_answered_is_kept_when_the_power_goes_right_after() {
    let mut world = World::new(KEYWAY);
    let grant = world.client.grant(&[&world.devices[0]], 2.0, 600.0);
    world.hub.kill();
    world.restart_hub();
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
}

#[test]
fn power_cuts_at_any_moment_neither_double_nor_orphan_a_code() {
    let mut world = World::new(KEYWAY);
    let nodes = [FRONT_DOOR, GARDEN_GATE];
    let mut grants: Vec<Grant> = Vec::new();
    for wait in pauses(0x5EED, 8) {
        grants.push(world.client.grant(&[&world.devices[0], &world.devices[1]], 0.0, 600.0));
        if grants.len() > 2 {
            let over = grants.remove(0);
            world.client.ask("access_grants/delete", json!({"access_grant_id": over.id}));
        }
        std::thread::sleep(wait); // the moment of the cut is the point of this test
        world.hub.kill();
        assert_no_code_twice(&world, &nodes);
        world.restart_hub();
    }
    for grant in &grants {
        let of_this = |event: &serde_json::Value| event["access_grant_id"] == grant.id.as_str();
        for told in ["access_grant.created", "access_method.issued", "access_code.set_on_device"] {
            world.client.event(told, SOON * 2, of_this);
        }
    }
    let wanted: Vec<&str> = grants.iter().map(|grant| grant.pin.as_str()).collect();
    for node in nodes {
        wait_until("the lock holds what is granted and nothing else", SOON * 2, || {
            assert_no_code_twice(&world, &nodes);
            let state = world.stick.lock(node);
            let mut held: Vec<&str> = state.codes.iter().map(|(_, code)| code.as_str()).collect();
            let mut wanted = wanted.clone();
            held.sort_unstable();
            wanted.sort_unstable();
            (held == wanted).then_some(())
        });
    }
}

fn assert_no_code_twice(world: &World, nodes: &[u16]) {
    for node in nodes {
        let state = world.stick.lock(*node);
        for (_, code) in &state.codes {
            assert_eq!(state.slots_of(code).len(), 1, "a PIN is in two slots of node {node}: {:?}", state.codes);
        }
    }
}

/// Pauses of up to 0.8 s, the same at each run: a linear congruential generator.
fn pauses(seed: u64, count: usize) -> Vec<Duration> {
    let next =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed), next)
        .skip(1)
        .take(count)
        .map(|state| Duration::from_millis((state >> 33) % 800))
        .collect()
}
