//! What the broker keeps for those who come later.

use keyway_test_support::{Client, Hub, SOON, World, wait_until};
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
