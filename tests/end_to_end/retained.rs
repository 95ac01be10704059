//! What the broker keeps for those who come later.

use keyway_test_support::{Client, Hub, SOON, World, in_seconds, wait_until};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, KEYWAY};

/// The retained message of a topic below the hub's, as somebody finds it who connects now. `None`: there is none.
fn found(world: &World, topic: &str) -> Option<Value> {
    let latecomer = Client::connect(world.broker.port(), Hub::NAME);
    let topic = format!("{}/{topic}", latecomer.base());
    // What is kept comes with the subscription; an answer to a question asked after it comes after it.
    latecomer.ask("devices/list", json!({"limit": 1}));
    let messages = latecomer.messages();
    messages.iter().find(|message| message.topic == topic && message.retained).map(|message| {
        let text = String::from_utf8_lossy(&message.payload).into_owned();
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    })
}

#[test]
fn a_latecomer_finds_the_hub_its_devices_and_its_grants() {
    let world = World::new(KEYWAY);
    assert_eq!(found(&world, "status"), Some(json!("online")));
    let info = found(&world, "info").unwrap();
    assert_eq!(info["devices"], 2, "{info}");
    assert_eq!(info["clock_trusted"], true, "{info}");
    let device = found(&world, &format!("devices/{}", world.devices[0])).unwrap();
    assert_eq!(device["display_name"], "Front door", "{device}");

    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    let topic = format!("access_grants/{}", grant.id);
    let kept = wait_until("the grant is kept", SOON, || found(&world, &topic));
    assert_eq!(kept["access_grant_id"], grant.id.as_str());
    assert!(!kept.to_string().contains(&grant.pin), "{kept}");

    world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    world.stick.wait_for_no_code(FRONT_DOOR, &grant.pin, SOON);
    wait_until("a grant that is over is kept no more", SOON, || found(&world, &topic).is_none().then_some(()));
}

#[test]
fn a_grant_far_ahead_is_told_of_and_kept_only_from_a_week_before_its_start() {
    const DAY: f64 = 86_400.0;
    let world = World::new(KEYWAY);
    let grant = world.client.grant(&[&world.devices[0]], 30.0 * DAY, 31.0 * DAY);
    let topic = format!("access_grants/{}", grant.id);
    let last_told = || {
        let full = format!("{}/{topic}", world.client.base());
        world.client.messages().into_iter().rfind(|message| message.topic == full)
    };
    let is_told = |start: &str| {
        let told = last_told().filter(|message| !message.payload.is_empty());
        told.is_some_and(|message| message.json()["starts_at"] == start)
    };
    let starts = |days: f64| {
        let (starts_at, ends_at) = (in_seconds(days * DAY), in_seconds((days + 1.0) * DAY));
        let body = json!({"access_grant_id": grant.id, "starts_at": starts_at, "ends_at": ends_at});
        world.client.ask("access_grants/update", body);
        let grant = world.client.ask("access_grants/get", json!({"access_grant_id": grant.id}));
        grant["access_grant"]["starts_at"].as_str().unwrap().to_owned()
    };
    wait_until("it is told of", SOON, || last_told().filter(|message| !message.payload.is_empty()));
    assert_eq!(found(&world, &topic), None);

    let start = starts(2.0);
    wait_until("it is kept", SOON, || found(&world, &topic).filter(|kept| kept["starts_at"] == start.as_str()));

    let start = starts(40.0);
    wait_until("it is told of", SOON, || is_told(&start).then_some(()));
    wait_until("and kept no more", SOON, || found(&world, &topic).is_none().then_some(()));

    world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    wait_until("that it is gone is told as well", SOON, || last_told().filter(|message| message.payload.is_empty()));
}
