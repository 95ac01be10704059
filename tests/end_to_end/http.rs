//! The HTTP door of the daemon.

use std::time::Duration;

use keyway_test_support::{Http, SOON, Signal, World, in_seconds};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, KEYWAY};

#[test]
fn a_grant_made_over_http_is_in_the_lock_and_its_events_are_streamed() {
    let world = World::new(KEYWAY);
    let http = world.hub.http();
    let mut events = http.events();
    let grant = http.ask(
        "access_grants/create",
        json!({
            "user_identity": {"full_name": "Ada Lovelace"},
            "device_ids": [world.devices[0]],
            "requested_access_methods": [{"mode": "code"}],
            "starts_at": in_seconds(-1.0),
            "ends_at": in_seconds(600.0),
        }),
    )["access_grant"]
        .clone();
    let target = format!("/access_methods/get?access_method_id={}&_strict=true", text(&grant["access_method_ids"][0]));
    let (status, answer) = http.send("GET", &target, &Value::Null);
    assert_eq!(status, 200, "{answer}");
    world.stick.wait_for_code(FRONT_DOOR, text(&answer["access_method"]["code"]), SOON);
    let set =
        std::iter::from_fn(|| events.next_event()).find(|event| event["event_type"] == "access_code.set_on_device");
    let set = set.expect("the stream does not end");
    assert_eq!(set["access_grant_id"], grant["access_grant_id"]);
    let seen = world.client.ask("events/get", json!({"event_id": set["event_id"]}));
    assert_eq!(seen["event"], set, "the same by both doors");
    let (status, answer) = http.send(
        "DELETE",
        &format!("/access_grants/delete?access_grant_id={}", text(&grant["access_grant_id"])),
        &Value::Null,
    );
    assert_eq!((status, answer), (200, json!({"ok": true})));
}

#[test]
fn a_key_made_over_http_opens_until_it_is_deleted_also_after_a_restart() {
    let mut world = World::new(KEYWAY);
    let http = world.hub.http();
    let made = http.ask("api_keys/create", json!({"name": "dashboard", "role": "read"}))["api_key"].clone();
    world.hub.end(Signal::Terminate);
    world.restart_hub();
    let http = world.hub.http();
    let reader = Http::new(http.address(), text(&made["token"]));
    assert_eq!(reader.send("GET", "/devices/list", &Value::Null).0, 200);
    let (status, answer) = reader.send("POST", "/locks/unlock_door", &json!({"device_id": world.devices[0]}));
    assert_eq!((status, &answer["error"]["type"]), (403, &json!("forbidden")));
    http.ask("api_keys/delete", json!({"api_key_id": made["api_key_id"]}));
    assert_eq!(reader.send("GET", "/devices/list", &Value::Null).0, 401);
}

#[test]
fn a_hub_with_an_open_stream_ends_within_two_seconds_and_the_stream_with_it() {
    let mut world = World::new(KEYWAY);
    let mut events = world.hub.http().events();
    let (took, status) = world.hub.end(Signal::Terminate);
    assert!(status.success() && took <= Duration::from_secs(2), "{took:?}, {status}");
    while events.next_event().is_some() {}
}

fn text(json: &Value) -> &str {
    json.as_str().expect("a text")
}
