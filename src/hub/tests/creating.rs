use super::*;

#[tokio::test]
async fn a_grant_for_two_doors_has_one_pin_that_is_issued_before_it_starts() {
    let world = World::new().await;
    let grant = world.grant(100, 200, json!({"name": "Stay 7"})).await;
    assert_eq!(grant["display_name"], "Stay 7");
    assert_eq!(grant["device_ids"], json!(world.doors));
    assert_eq!(grant["requested_access_methods"][0]["created_access_method_ids"], grant["access_method_ids"]);
    let method = world.method(&grant).await;
    assert_eq!(method["is_issued"], true);
    assert_eq!(method["code"].as_str().unwrap().len(), 6);
    let codes = world.codes(&grant).await;
    assert_eq!(codes.len(), 2);
    assert!(codes.iter().all(|code| code["code"] == method["code"] && code["status"] == "unset"), "{codes:?}");
    let code = "access_code.created";
    let trail = ["access_grant.created", "access_method.created", code, code, "access_method.issued"];
    assert_eq!(world.events().await, trail);
}

#[tokio::test]
async fn inside_its_window_a_method_is_not_issued_before_the_doors_have_proven_it() {
    let world = World::new().await;
    let body = json!({"user_identity": {"full_name": "Ada"}, "device_ids": [world.doors[0], world.doors[0]],
        "requested_access_methods": [{"mode": "code"}], "ends_at": null});
    let grant = world.ask("access_grants/create", body).await["access_grant"].clone();
    assert_eq!(grant["starts_at"], json!(at(0)), "left out, it starts now");
    assert_eq!(grant["device_ids"], json!([world.doors[0]]), "a door named twice counts once");
    assert_eq!(world.method(&grant).await["is_issued"], false);
    let trail = ["access_grant.created", "access_method.created", "access_code.created"];
    assert_eq!(world.events().await, trail);
}

#[tokio::test]
async fn a_requested_pin_is_honoured_or_refused_with_its_field_and_door() {
    let world = World::new().await;
    let code = |text: &str| json!({"requested_access_methods": [{"mode": "code", "code": text}]});
    let grant = world.grant(100, 200, code("0042")).await;
    assert_eq!(world.method(&grant).await["code"], "0042");
    let refused = async |text: &str| {
        let error = world.refused("access_grants/create", world.request(100, 200, code(text))).await;
        let fields = &error["validation_errors"]["requested_access_methods[0].code"]["_errors"][0];
        fields.as_str().unwrap_or_else(|| panic!("{error}")).to_owned()
    };
    assert!(refused("00428").await.starts_with("Front door: another code"));
    assert_eq!(refused("12345678").await, "Garden gate: the lock takes PINs of 4 to 6 digits");
    assert!(refused("12a4").await.contains("only the digits"));
    world.says(4, SlotContent::Code(keyway_lock::Pin::new("7777").unwrap())).await;
    assert!(refused("7777").await.starts_with("Front door: another code"), "somebody put it in by hand");
}

#[tokio::test]
async fn a_length_that_not_all_doors_take_falls_back_with_a_warning() {
    let world = World::new().await;
    let wish = json!({"requested_access_methods": [{"mode": "code", "preferred_code_length": 8}]});
    let method = world.method(&world.grant(100, 200, wish).await).await;
    assert_eq!(method["code"].as_str().unwrap().len(), 6);
    assert_eq!(method["warnings"][0]["warning_code"], "preferred_code_length_unavailable");
}

#[tokio::test]
async fn a_full_lock_refuses_at_creation_and_says_until_when() {
    let world = World::new().await;
    for slot in 1..=3 {
        world.says(slot, SlotContent::Hidden).await;
    }
    world.grant(100, 200, json!({})).await;
    let error = world.refused("access_grants/create", world.request(150, 300, json!({}))).await;
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("device_ids: Front door: the lock is full"), "{message}");
    assert!(message.contains(&at(200).to_string()), "{message}");
    world.grant(200, 300, json!({})).await;
    assert_eq!(world.events().await.len(), 2 * 5, "what was refused left nothing behind");
}

#[tokio::test]
async fn the_same_key_with_the_same_body_gives_the_same_answer_and_with_another_an_error() {
    let world = World::new().await;
    let change = json!({"access_grant_key": "booking-7"});
    let first = world.grant(100, 200, change.clone()).await;
    assert_eq!(world.grant(100, 200, change.clone()).await, first);
    let turned = json!({"access_grant_key": "booking-7", "device_ids": [world.doors[1], world.doors[0]]});
    assert_eq!(world.grant(100, 200, turned).await, first, "the order of doors says nothing");
    let error = world.refused("access_grants/create", world.request(100, 201, change.clone())).await;
    assert!(error["message"].as_str().unwrap().starts_with("access_grant_key"), "{error}");
    world.ask("access_grants/delete", json!({"access_grant_key": "booking-7"})).await;
    let again = world.grant(100, 200, change).await;
    assert_ne!(again["access_grant_id"], first["access_grant_id"], "a deleted grant's key is free");
}

#[tokio::test]
async fn an_offline_lock_is_warned_of_at_creation() {
    let world = World::new().await;
    let id = world.doors[0];
    world.goes_offline(id).await;
    let grant = world.grant(100_000, 200_000, json!({})).await;
    let told = world.events().await.into_iter().filter(|event| event == "access_code.delay_in_setting_on_device");
    assert_eq!(told.count(), 1, "and told of by an event, since not everybody reads answers");
    assert_eq!(grant["warnings"][0]["warning_code"], "underprovisioned_access");
    assert_eq!(grant["warnings"][0]["failed_devices"], json!([id]));
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let world = World::new().await;
    let cases = [
        ("ends_at", json!({"ends_at": at(50), "starts_at": at(60)})),
        ("ends_at", json!({"ends_at": at(-1), "starts_at": at(-10)})),
        ("device_ids", json!({"device_ids": []})),
        ("device_ids", json!({"device_ids": [Uuid::from_u128(99)]})),
        ("user_identity_id", json!({"user_identity": null})),
        ("user_identity.full_name", json!({"user_identity": {"full_name": 7}})),
        ("requested_access_methods", json!({"requested_access_methods": []})),
        ("requested_access_methods[0].mode", json!({"requested_access_methods": [{"mode": "mobile_key"}]})),
        ("requested_access_methods[0].code", json!({"requested_access_methods": [{"mode": "code", "code": 4711}]})),
        ("requested_access_methods[0].colour", json!({"requested_access_methods": [{"mode": "code", "colour": 1}]})),
    ];
    for (field, change) in cases {
        let error = world.refused("access_grants/create", world.request(100, 200, change.clone())).await;
        assert!(error["data"]["fields"].get(field).is_some(), "{change}: {error}");
    }
}

#[tokio::test]
async fn with_its_start_a_moment_away_a_method_waits_for_the_doors_proof() {
    let world = World::new().await;
    let imminent = world.grant(3, 200, json!({})).await;
    assert_eq!(world.method(&imminent).await["is_issued"], false);
    let near = world.grant(4, 200, json!({})).await;
    assert_eq!(world.method(&near).await["is_issued"], true);
}

#[tokio::test]
async fn a_grant_that_has_begun_at_a_lock_that_does_not_answer_is_told_to_be_late_with_the_answer() {
    let world = World::new().await;
    world.goes_offline(world.doors[0]).await;
    let grant = world.grant(0, 500, json!({})).await;
    let told = async |name: &str| world.events().await.iter().filter(|event| *event == name).count();
    assert_eq!(told("access_code.delay_in_setting_on_device").await, 1);
    assert_eq!(told("access_method.failed_to_issue").await, 1);
    world.set_time(60);
    let body = json!({"access_grant_id": grant["access_grant_id"], "ends_at": at(600)});
    world.ask("access_grants/update", body).await;
    assert_eq!(told("access_code.delay_in_setting_on_device").await, 2);
    assert_eq!(told("access_method.failed_to_issue").await, 1, "once");
}
