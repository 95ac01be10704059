//! A client that speaks MQTT 3.1.1 only: mosquitto's own.

use std::process::Command;

use keyway_test_support::{Output, Process, SOON, World, wait_until};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, KEYWAY};

#[test]
fn a_client_of_mqtt_3_1_1_gets_its_answer_on_the_response_topic() {
    let world = World::new(KEYWAY);
    let heard = Output::default();
    let _subscriber = listen(&world, "keyway/test/response/#", &heard);
    // Asked until the answer is heard: a subscriber of 3.1.1 does not say when it is ready.
    let answer: Value = wait_until("the answer comes", SOON, || {
        publish(&world, "keyway/test/request/devices/list", r#"{"request_id": "seventeen"}"#);
        heard.lines().iter().find_map(|line| serde_json::from_str(line).ok())
    });
    assert_eq!(answer["ok"], true, "{answer}");
    assert_eq!(answer["request_id"], "seventeen");
    assert_eq!(answer["devices"].as_array().unwrap().len(), 2);
    let topics = world.client.messages().into_iter().map(|message| message.topic);
    assert!(topics.into_iter().any(|topic| topic == "keyway/test/response/devices/list"));
}

#[test]
fn a_door_can_be_locked_by_one_word() {
    let world = World::new(KEYWAY);
    let topic = format!("keyway/test/devices/{}/set", world.devices[0]);
    for (word, locked) in [("LOCK", true), ("UNLOCK", false), ("LOCK", true)] {
        publish(&world, &topic, word);
        wait_until(word, SOON, || (world.stick.lock(FRONT_DOOR).locked == locked).then_some(()));
    }
    wait_until("the device says so", SOON, || {
        let answer = world.client.ask("devices/get", json!({"device_id": world.devices[0]}));
        (answer["device"]["properties"]["locked"] == true).then_some(())
    });
}

/// Hears one message, and ends.
fn listen(world: &World, topic: &str, heard: &Output) -> Process {
    let port = world.broker.port().to_string();
    let mut command = Command::new("mosquitto_sub");
    command.args(["-V", "311", "-C", "1", "-h", "127.0.0.1", "-p", &port, "-t", topic]);
    Process::start("mosquitto_sub", &mut command, heard)
}

fn publish(world: &World, topic: &str, payload: &str) {
    let port = world.broker.port().to_string();
    let mut command = Command::new("mosquitto_pub");
    command.args(["-V", "311", "-q", "1", "-h", "127.0.0.1", "-p", &port, "-t", topic, "-m", payload]);
    assert!(command.status().unwrap().success(), "mosquitto_pub failed");
}
