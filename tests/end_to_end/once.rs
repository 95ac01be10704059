//! A request that comes twice is carried out once (I7).

use keyway_test_support::{Signal, World, in_seconds};
use serde_json::{Value, json};

use crate::KEYWAY;

#[test]
fn the_same_request_id_gives_the_same_answer_and_one_grant_also_after_a_restart() {
    let mut world = World::new(KEYWAY);
    let body = json!({
        "request_id": "booking 17",
        "user_identity": {"full_name": "Ada"},
        "device_ids": [world.devices[0]],
        "requested_access_methods": [{"mode": "code"}],
        "starts_at": in_seconds(600.0),
        "ends_at": in_seconds(1200.0),
    });
    let first = world.client.ask("access_grants/create", body.clone());
    assert_eq!(first["request_id"], "booking 17");
    assert_eq!(world.client.ask("access_grants/create", body.clone()), first);
    world.hub.end(Signal::Kill);
    world.restart_hub();
    assert_eq!(world.client.ask("access_grants/create", body.clone()), first);
    assert_eq!(grants(&world).len(), 1);

    let mut other = body;
    other["ends_at"] = json!(in_seconds(2400.0));
    let error = world.client.refused("access_grants/create", other);
    assert!(error["message"].as_str().unwrap().contains("request_id"), "{error}");
    assert_eq!(grants(&world).len(), 1);
}

fn grants(world: &World) -> Vec<Value> {
    world.client.ask("access_grants/list", json!({}))["access_grants"].as_array().cloned().unwrap()
}
