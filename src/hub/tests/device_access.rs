use super::*;

async fn person(world: &World) -> Value {
    world.ask("user_identities/create", json!({"full_name": "Ada"})).await["user_identity"]["user_identity_id"].clone()
}

async fn accessible(world: &World, person: &Value) -> Vec<Value> {
    let answer = world.ask("user_identities/list_accessible_devices", json!({"user_identity_id": person})).await;
    assert_eq!(answer["devices"], answer["accessible_devices"]);
    answer["devices"].as_array().unwrap().iter().map(|device| device["device_id"].clone()).collect()
}

#[tokio::test]
async fn access_to_a_device_is_a_grant_without_end_until_it_is_revoked() {
    let world = World::new().await;
    let person = person(&world).await;
    let access = json!({"user_identity_id": person, "device_id": world.doors[0]});
    assert!(accessible(&world, &person).await.is_empty());
    for _ in 0..2 {
        world.ask("user_identities/grant_access_to_device", access.clone()).await;
    }
    assert_eq!(accessible(&world, &person).await, [json!(world.doors[0])]);
    let grants = world.ask("access_grants/list", json!({"user_identity_id": person})).await["access_grants"].clone();
    assert_eq!(grants.as_array().unwrap().len(), 1, "asked again, it does nothing");
    assert_eq!(grants[0]["ends_at"], Value::Null);
    assert!(world.method(&grants[0]).await["code"].is_string());
    for _ in 0..2 {
        world.ask("user_identities/revoke_access_to_device", access.clone()).await;
    }
    assert!(accessible(&world, &person).await.is_empty());
    assert_eq!(
        world.refused("access_grants/get", json!({"access_grant_id": grants[0]["access_grant_id"]})).await["type"],
        "access_grant_not_found"
    );
    world.ask("user_identities/grant_access_to_device", access).await;
    assert_eq!(accessible(&world, &person).await.len(), 1);
}

#[tokio::test]
async fn who_still_gets_in_by_another_grant_is_not_said_to_be_kept_out() {
    let world = World::new().await;
    let person = person(&world).await;
    let change = json!({"user_identity": null, "user_identity_id": person});
    let grant = world.grant(100, 200, change).await;
    assert_eq!(accessible(&world, &person).await.len(), 2, "also what is to come counts");
    let access = json!({"user_identity_id": person, "device_id": world.doors[0]});
    let error = world.refused("user_identities/revoke_access_to_device", access.clone()).await;
    assert!(error["message"].as_str().unwrap().contains(grant["access_grant_id"].as_str().unwrap()), "{error}");
    world.set_time(200);
    world.ask("user_identities/revoke_access_to_device", access).await;
    assert!(accessible(&world, &person).await.is_empty());
}

#[tokio::test]
async fn unknown_people_and_devices_are_named() {
    let world = World::new().await;
    let person = person(&world).await;
    let stranger = Uuid::from_u128(99);
    for operation in ["user_identities/grant_access_to_device", "user_identities/revoke_access_to_device"] {
        let error = world.refused(operation, json!({"user_identity_id": stranger, "device_id": world.doors[0]})).await;
        assert_eq!(error["type"], "user_identity_not_found");
        let error = world.refused(operation, json!({"user_identity_id": person, "device_id": stranger})).await;
        assert_eq!(error["type"], "device_not_found");
    }
}
