use super::*;

async fn made(world: &World, change: Value) -> Value {
    let mut body = json!({"url": "https://example.com/hook"});
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    world.ask("webhooks/create", body).await["webhook"].clone()
}

#[tokio::test]
async fn a_webhook_has_a_secret_of_its_own_and_wants_every_event_unless_told_otherwise() {
    let world = World::new().await;
    let all = made(&world, json!({})).await;
    world.set_time(1);
    let some = made(&world, json!({"event_types": ["lock.unlocked"]})).await;
    assert_eq!(all["event_types"], json!(["*"]));
    assert_eq!(some["event_types"], json!(["lock.unlocked"]));
    assert!(all["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_ne!(all["secret"], some["secret"]);
    assert_eq!((&all["failed_attempts"], &all["events_given_up"]), (&json!(0), &json!(0)));
    let id = json!({"webhook_id": all["webhook_id"]});
    assert_eq!(world.ask("webhooks/get", id).await["webhook"], all);
    assert_eq!(world.ask("webhooks/list", json!({})).await["webhooks"], json!([all, some]));
}

#[tokio::test]
async fn a_webhook_can_be_changed_and_deleted_and_each_is_told() {
    let world = World::new().await;
    let webhook = made(&world, json!({})).await;
    let id = webhook["webhook_id"].clone();
    let change = json!({"webhook_id": id, "event_types": ["lock.locked", "lock.locked", "lock.unlocked"]});
    world.ask("webhooks/update", change).await;
    let changed = world.ask("webhooks/get", json!({"webhook_id": id})).await;
    assert_eq!(changed["webhook"]["event_types"], json!(["lock.locked", "lock.unlocked"]));
    assert_eq!(changed["webhook"]["secret"], webhook["secret"]);
    world.ask("webhooks/update", json!({"webhook_id": id, "event_types": ["lock.locked", "*"]})).await;
    let changed = world.ask("webhooks/get", json!({"webhook_id": id})).await;
    assert_eq!(changed["webhook"]["event_types"], json!(["*"]));
    world.ask("webhooks/delete", json!({"webhook_id": id})).await;
    for operation in ["webhooks/get", "webhooks/delete"] {
        assert_eq!(world.refused(operation, json!({"webhook_id": id})).await["type"], "webhook_not_found");
    }
    let events = world.ask("events/list", json!({"since": at(0)})).await["events"].clone();
    let told: Vec<&str> = events.as_array().unwrap().iter().map(|e| e["event_type"].as_str().unwrap()).collect();
    assert_eq!(told, ["webhook.created", "webhook.changed", "webhook.changed", "webhook.deleted"]);
    assert_eq!((&events[0]["webhook_id"], &events[0]["caller"]), (&id, &json!("mqtt")));
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_is_named() {
    let world = World::new().await;
    let body = json!({"url": "https://me:secret@example.com", "event_types": []});
    let error = world.refused("webhooks/create", body).await;
    let wrong = &error["validation_errors"];
    assert!(wrong["url"]["_errors"][0].as_str().unwrap().contains("no password"), "{error}");
    assert!(wrong["event_types"]["_errors"][0].as_str().unwrap().contains("at least one"), "{error}");
    assert!(!error.to_string().contains("me:secret"), "{error}");
    let body = json!({"url": "https://example.com", "event_types": ["lock.exploded"]});
    let error = world.refused("webhooks/create", body).await;
    assert_eq!(error["validation_errors"]["event_types"]["_errors"][0], "item 0: is not an event type of this hub");
}

#[tokio::test]
async fn there_are_not_more_webhooks_than_the_hub_can_serve() {
    let world = World::new().await;
    for _ in 0..32 {
        made(&world, json!({})).await;
    }
    let error = world.refused("webhooks/create", json!({"url": "https://example.com"})).await;
    assert_eq!(error["type"], "too_many_webhooks");
}

#[tokio::test]
async fn webhooks_are_for_administrators() {
    let world = World::new().await;
    made(&world, json!({})).await;
    let caller = Caller { name: "booking".to_owned(), role: Role::Grants };
    for operation in operations().iter().filter(|operation| operation.name.starts_with("webhooks/")) {
        let answer = world.hub.call(&caller, operation.name, json!({}), None).await.to_json(None);
        assert_eq!(answer["error"]["type"], "forbidden", "{}", operation.name);
    }
}
