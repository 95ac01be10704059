//! Who may do what over MQTT, by the broker's configuration and access control list as they are in `config/`.

use std::path::Path;
use std::time::Duration;

use keyway::hub::{Role, operations};
use keyway_test_support::{Broker, Client, Hub, Message, SOON, Setup, Stick, in_seconds, wait_until};
use serde_json::{Value, json};

use crate::KEYWAY;

/// The users of the shipped list, and the role of each.
const USERS: [(&str, Role); 3] = [("admin", Role::Admin), ("booking", Role::Grants), ("dashboard", Role::Read)];
const PASSWORD: &str = "battery-staple";

/// Operations that a caller of the role read may ask for by HTTP, where the hub leaves the PINs out for him. Over MQTT it
/// does not know who asks.
const MAY_SHOW_PINS: [&str; 4] = ["access_codes/", "access_grants/", "access_methods/", "get_related"];

#[test]
fn the_shipped_list_lets_each_role_ask_for_its_operations_and_for_no_other() {
    let mut users = vec![("keyway", Hub::PASSWORD)];
    users.extend(USERS.map(|(name, _)| (name, PASSWORD)));
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let broker = Broker::as_shipped(&config, &users);
    let setup = Setup::two_doors();
    let stick = Stick::ours(KEYWAY, &setup);
    let mut hub = Hub::prepared(KEYWAY, broker.port(), &stick.port(), &setup);
    hub.start();
    let clients = USERS.map(|(name, role)| (Client::of_user(broker.port(), Hub::NAME, name, PASSWORD), role));
    let [(admin, _), (booking, _), (dashboard, _)] = &clients;
    let devices = admin.ready_devices(&setup.names(), SOON * 2);

    for (client, role) in &clients {
        let asked = operations().iter().map(|operation| (operation, ask_for_nonsense(client, operation.name)));
        // The broker says nothing of what it holds back: what is not answered when a later request is, was refused.
        let asked: Vec<_> = asked.collect();
        client.ask("health/get", json!({}));
        for (operation, question) in asked {
            let answered = client.answer_to(&question, Duration::ZERO).is_some();
            let shows = *role == Role::Read && MAY_SHOW_PINS.iter().any(|part| operation.name.contains(part));
            assert_eq!(answered, operation.role <= *role && !shows, "{} as {role:?}", operation.name);
        }
    }

    let pin = a_grants_pin(booking, &devices[0]);
    admin.event("access_grant.created", SOON, |_| true);
    dashboard.event("access_grant.created", SOON, |_| true);
    let heard = |what: &str| {
        let of_others = |message: &Message| !message.topic.starts_with("reply/") && message.topic.contains(what);
        dashboard.messages().into_iter().filter(of_others).collect::<Vec<_>>()
    };
    for state in ["/devices/", "/access_grants/", "/info", "/status"] {
        wait_until(&format!("the dashboard sees {state}"), SOON, || (!heard(state).is_empty()).then_some(()));
    }
    let shows_the_pin = |message: &Message| String::from_utf8_lossy(&message.payload).contains(&pin);
    assert!(!heard("").iter().any(shows_the_pin), "the dashboard sees no PIN");
    assert!(heard("/re").is_empty(), "nor a request or an answer of others");
}

#[test]
fn nobody_without_a_name_gets_in() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let broker = Broker::as_shipped(&config, &[("keyway", Hub::PASSWORD)]);
    let port = broker.port().to_string();
    let subscribe = |more: &[&str]| {
        let mut command = std::process::Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &port, "-t", "keyway/#", "-W", "2", "-E"]).args(more);
        command.output().expect("no mosquitto_sub").status.success()
    };
    assert!(!subscribe(&[]));
    assert!(!subscribe(&["-u", "keyway", "-P", "wrong"]));
    assert!(subscribe(&["-u", "keyway", "-P", Hub::PASSWORD]));
}

/// A question that each operation refuses before it does anything.
fn ask_for_nonsense(client: &Client, operation: &str) -> Vec<u8> {
    let topic = format!("{}/request/{operation}", client.base());
    client.send(&topic, json!({"nonsense": true}).to_string().into_bytes(), false)
}

fn a_grants_pin(client: &Client, device: &str) -> String {
    let grant = client.ask(
        "access_grants/create",
        json!({
            "user_identity": {"full_name": "Ada Lovelace"},
            "device_ids": [device],
            "requested_access_methods": [{"mode": "code", "preferred_code_length": 8}],
            "starts_at": in_seconds(-1.0),
            "ends_at": in_seconds(600.0),
        }),
    );
    let methods =
        client.ask("access_methods/list", json!({"access_grant_id": grant["access_grant"]["access_grant_id"]}));
    let pin = methods["access_methods"][0]["code"].as_str().map(str::to_owned);
    assert!(methods["access_methods"][0]["code"] != Value::Null);
    pin.expect("a program of the role grants sees PINs")
}
