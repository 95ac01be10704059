//! A lock is asked what it can do, and everybody sees how far that is.

use keyway_test_support::{CommandLine, SOON, World, wait_until};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, KEYWAY};

fn device(world: &World) -> Value {
    world.client.ask("devices/get", json!({"device_id": world.devices[0]}))["device"].clone()
}

#[test]
fn a_lock_is_asked_again_and_shows_how_far_it_is() {
    let world = World::new(KEYWAY);
    world.stick.fault(FRONT_DOOR, json!({"latency_ms": 100}));
    let asked = world.client.ask("devices/interview", json!({"device_id": world.devices[0]}));
    assert_eq!(asked["action_attempt"]["action_type"], "INTERVIEW");
    let interview = wait_until("it is under way", SOON, || {
        let device = device(&world);
        // What is known stays in force meanwhile.
        assert_eq!(device["can_program_online_access_codes"], true);
        Some(device["interview"].clone()).filter(|interview| interview["stage"].as_u64() > Some(1))
    });
    assert!(interview["stages"].as_u64() > interview["stage"].as_u64() && interview["waits"] == false, "{interview}");
    let told = world.client.event("action_attempt.interview.succeeded", SOON, |_| true);
    assert_eq!(told["action_attempt_id"], asked["action_attempt"]["action_attempt_id"]);
    let told = world.client.event("device.interviewed", SOON, |event| event["device_id"] == world.devices[0].as_str());
    assert_eq!(told["missing"], json!([]));
    assert_eq!(device(&world)["interview"], Value::Null);
}

#[test]
fn a_lock_that_does_not_answer_says_where_its_interview_waits_and_goes_on_by_itself() {
    let world = World::new(KEYWAY);
    world.stick.fault(FRONT_DOOR, json!({"offline": true}));
    world.client.ask("devices/interview", json!({"device_id": world.devices[0]}));
    let failed = world.client.event("action_attempt.interview.failed", SOON * 3, |_| true);
    assert_eq!(failed["device_id"], world.devices[0].as_str());
    wait_until("it waits", SOON, || (device(&world)["interview"]["waits"] == true).then_some(()));
    world.stick.fault(FRONT_DOOR, json!({"offline": false}));
    world.stick.order(json!({"node": FRONT_DOOR, "turn": "unlock"}));
    world.client.event("device.interviewed", SOON, |event| event["missing"] == json!([]));
}

#[test]
fn whoever_asks_at_the_command_line_sees_what_was_found() {
    let world = World::new(KEYWAY);
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    let answer = cli.answer(&["devices", "interview", "front-door"]);
    assert!(answer.starts_with("Front door\n") && answer.contains("hold codes"), "{answer}");
}
