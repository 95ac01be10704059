//! What the broker keeps for those who come later.

use keyway_test_support::{Client, Hub, SOON, Signal, World, wait_until};
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
fn a_broker_that_forgot_all_is_told_of_grants_far_ahead_again_and_one_that_kept_what_is_gone_forgets_it() {
    const DAY: f64 = 86_400.0;
    let mut world = World::new(KEYWAY);
    let grant = |days: f64| world.client.grant(&[&world.devices[0]], days * DAY, (days + 1.0) * DAY);
    let (far, near) = (grant(400.0), grant(2.0));
    let topic_of = |id: &str| format!("access_grants/{id}");
    let is_kept =
        |world: &World, id: &str| found(world, &topic_of(id)).is_some_and(|kept| kept["access_grant_id"] == id);
    wait_until("both are kept", SOON, || (is_kept(&world, &far.id) && is_kept(&world, &near.id)).then_some(()));

    world.broker.forget();
    world.broker.start();
    world.wait_for_hub();
    wait_until("both are kept again", SOON, || (is_kept(&world, &far.id) && is_kept(&world, &near.id)).then_some(()));

    world.hub.end(Signal::Terminate);
    let gone = topic_of("01a00000-0000-7000-8000-000000000000");
    world.client.send(&format!("{}/{gone}", world.client.base()), b"{}".to_vec(), true);
    let latecomer = Client::connect(world.broker.port(), Hub::NAME);
    wait_until("what is none of the hub's is kept", SOON, || {
        latecomer.messages().iter().any(|message| message.retained && message.topic.ends_with(&gone)).then_some(())
    });
    world.restart_hub();
    wait_until("it is cleared", SOON, || found(&world, &gone).is_none().then_some(()));
    assert!(is_kept(&world, &far.id) && is_kept(&world, &near.id));
}
