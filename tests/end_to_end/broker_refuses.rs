//! A broker that does not do everything that it is asked: it is said plainly, in the log and by the hub itself.

use std::path::Path;
use std::process::Command;

use keyway_test_support::{Broker, Hub, SOON, Setup, Stick, World, wait_until};
use serde_json::{Value, json};

use crate::KEYWAY;

fn shipped() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

/// What the hub says is wrong, once there is something of this kind.
fn problem(hub: &Hub, about: &str) -> String {
    let http = hub.http();
    wait_until(about, SOON, || {
        let health = http.ask("health/get", json!({}));
        let problems = health["health"]["problems"].as_array()?.clone();
        problems.iter().filter_map(Value::as_str).find(|problem| problem.contains(about)).map(str::to_owned)
    })
}

#[test]
fn a_login_that_is_refused_names_the_keys_of_the_configuration() {
    let setup = Setup::two_doors();
    let stick = Stick::ours(KEYWAY, &setup);
    let broker = Broker::as_shipped(&shipped(), &[("keyway", "another password")]);
    let mut hub = Hub::prepared(KEYWAY, broker.port(), &stick.port(), &setup);
    hub.start();
    let said = problem(&hub, "mqtt.password");
    assert!(hub.log().contains("mqtt.username"), "{said}");
    assert!(!said.contains(Hub::PASSWORD));
}

#[test]
fn a_topic_that_the_list_does_not_allow_is_named_once_and_the_rest_goes_on() {
    let setup = Setup::two_doors();
    let stick = Stick::ours(KEYWAY, &setup);
    let folder = tempfile::tempdir().expect("no folder");
    std::fs::copy(shipped().join("mosquitto.conf"), folder.path().join("mosquitto.conf")).expect("no copy");
    let list = "user keyway\ntopic readwrite keyway/+/info\ntopic readwrite keyway/+/status\ntopic read keyway/#\n";
    std::fs::write(folder.path().join("mosquitto.acl"), list).expect("no list");
    let broker = Broker::as_shipped(folder.path(), &[("keyway", Hub::PASSWORD)]);
    let mut hub = Hub::prepared(KEYWAY, broker.port(), &stick.port(), &setup);
    hub.start();
    let said = problem(&hub, "/events/");
    assert!(said.contains("mosquitto.acl"), "{said}");
    let lines = hub.log().lines();
    assert_eq!(lines.iter().filter(|line| line.contains("ERROR") && line.contains(&said)).count(), 1);
    assert!(!lines.iter().any(|line| line.contains("refuses") && line.contains("/status")));
}

#[test]
fn another_client_of_the_same_name_is_told_of() {
    let world = World::new(KEYWAY);
    let mut other = Command::new("mosquitto_sub");
    let port = world.broker.port().to_string();
    other.args(["-V", "5", "-h", "127.0.0.1", "-p", &port, "-t", "nothing", "-W", "1", "-i"]);
    other.arg(format!("keyway-{}", Hub::NAME));
    other.output().expect("no mosquitto_sub");
    wait_until("the log says so", SOON, || world.hub.log().contains("client id keyway-").then_some(()));
    assert!(world.hub.log().contains("mqtt.client_id"));
}
