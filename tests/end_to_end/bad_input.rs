//! Whatever comes in over MQTT: an error that says what is wrong, and a daemon that works on.

use keyway_test_support::{SOON, Signal, World, in_seconds, wait_until};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, KEYWAY};

#[test]
fn every_wrong_request_is_answered_with_what_is_wrong_and_harms_nothing() {
    let mut world = World::new(KEYWAY);
    wrong_fields_are_named(&world);
    unknown_things_are_named(&world);
    what_is_no_request_is_answered(&world);

    assert!(world.hub.runs());
    assert!(world.client.ask("access_grants/list", json!({}))["access_grants"].as_array().unwrap().is_empty());
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
}

fn wrong_fields_are_named(world: &World) {
    let cases: &[(&str, Value)] = &[
        ("starts_at", json!({"starts_at": 1_700_000_000})),
        ("starts_at", json!({"starts_at": "tomorrow"})),
        ("ends_at", json!({"ends_at": in_seconds(-60.0)})),
        ("ends_at", json!({"starts_at": in_seconds(7200.0), "ends_at": in_seconds(3600.0)})),
        ("device_ids", json!({"device_ids": "all"})),
        ("device_ids", json!({"device_ids": [42]})),
        ("device_ids", json!({"device_ids": []})),
        ("device_ids", json!({"device_ids": ["00000000-0000-7000-8000-000000000000"]})),
        ("requested_access_methods", json!({"requested_access_methods": [{"mode": "code", "code": 4711}]})),
        ("requested_access_methods", json!({"requested_access_methods": [{"mode": "code", "code": "12"}]})),
        ("requested_access_methods", json!({"requested_access_methods": [{"mode": "code", "code": "12a4"}]})),
        ("requested_access_methods", json!({"requested_access_methods": [{"mode": "mobile_key"}]})),
        ("requested_access_methods", json!({"requested_access_methods": "code"})),
        ("user_identity_id", json!({"user_identity": null, "user_identity_id": 7})),
        ("colour", json!({"colour": "red"})),
    ];
    for (field, change) in cases {
        let mut body = json!({
            "user_identity": {"full_name": "Ada"},
            "device_ids": [world.devices[0]],
            "requested_access_methods": [{"mode": "code"}],
            "starts_at": in_seconds(60.0),
            "ends_at": in_seconds(3600.0),
        });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let error = world.client.refused("access_grants/create", body);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(field), "{change}: the error should name {field}: {error}");
        assert!(!message.contains("4711"), "an error never quotes what may be a PIN: {error}");
    }
}

fn unknown_things_are_named(world: &World) {
    let nobody = "00000000-0000-7000-8000-000000000000";
    let error = world.client.refused("access_grants/get", json!({"access_grant_id": nobody}));
    assert_eq!(error["type"], "access_grant_not_found");
    let error = world.client.refused("devices/get", json!({"device_id": nobody}));
    assert_eq!(error["type"], "device_not_found");
    let error = world.client.refused("access_grants/freeze", json!({}));
    assert_eq!(error["type"], "unknown_operation");
    assert!(error["message"].as_str().unwrap().contains("access_grants/create"), "it says what there is: {error}");
    let error = world.client.refused("nonsense", json!({}));
    assert_eq!(error["type"], "unknown_operation");
}

fn what_is_no_request_is_answered(world: &World) {
    let topic = format!("{}/request/access_grants/create", world.client.base());
    let mut zeros_and_pin = vec![0u8; 64];
    zeros_and_pin.extend(b"4711");
    let payloads: [Vec<u8>; 6] = [
        Vec::new(),
        b"{\"device_ids\": [".to_vec(),
        b"[1, 2]".to_vec(),
        vec![0xFF, 0xFE, 0x00],
        zeros_and_pin,
        vec![b'x'; 10 << 20],
    ];
    for payload in payloads {
        let (length, start) = (payload.len(), payload.iter().take(16).copied().collect::<Vec<_>>());
        let answer = world.client.try_request_raw(&topic, payload, SOON);
        let answer = answer.unwrap_or_else(|| panic!("no answer to {length} bytes {start:?}"));
        assert_eq!(answer["ok"], false, "{length} bytes {start:?}: {answer}");
        assert!(!answer.to_string().contains("4711"), "{answer}");
    }
    let deep = format!("{{\"name\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = world.client.try_request_raw(&topic, deep.into_bytes(), SOON).expect("no answer to deep JSON");
    assert_eq!(answer["ok"], false);
}

#[test]
fn a_retained_request_is_refused_when_the_hub_comes_back_to_it() {
    let mut world = World::new(KEYWAY);
    world.hub.end(Signal::Terminate);
    let orders = [
        ("locks/unlock_door", json!({"device_id": world.devices[0]})),
        ("user_identities/create", json!({"full_name": "Ghost"})),
    ];
    let questions = orders.map(|(operation, body)| {
        let topic = format!("{}/request/{operation}", world.client.base());
        let question = world.client.send(&topic, body.to_string().into_bytes(), true);
        wait_until("the broker has it", SOON, || {
            world.client.messages().iter().any(|message| message.topic == topic).then_some(())
        });
        question
    });
    world.hub.start();
    for question in questions {
        let answer = world.client.answer_to(&question, SOON).expect("a retained request is answered too");
        assert_eq!(answer["ok"], false, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("retain"), "{answer}");
    }
    assert_eq!(world.client.ask("user_identities/list", json!({}))["user_identities"], json!([]));
    let commands = world.stick.wait_until_quiet(FRONT_DOOR).commands;
    assert!(!commands.iter().any(|(name, _)| name == "door_lock_unsecure"), "the door was opened: {commands:?}");
}
