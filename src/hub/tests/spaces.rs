use super::*;

async fn space(world: &World, doors: &[usize]) -> Value {
    let ids: Vec<DeviceId> = doors.iter().map(|door| world.doors[*door]).collect();
    let body = json!({"name": "Flat 7", "space_key": "flat-7", "device_ids": ids});
    world.ask("spaces/create", body).await["space"].clone()
}

/// A grant to a space alone.
async fn grant_to(world: &World, space: &Value, from: i64, to: i64) -> Value {
    world.grant(from, to, json!({"device_ids": [], "space_ids": [space["space_id"]]})).await
}

async fn spaces_told(world: &World) -> Vec<Value> {
    let events = world.ask("events/list", json!({"since": at(-1000)})).await["events"].clone();
    let of_space = |event: &&Value| event["event_type"].as_str().unwrap().starts_with("space.");
    events.as_array().unwrap().iter().filter(of_space).cloned().collect()
}

#[tokio::test]
async fn a_space_is_found_by_id_and_key_and_tells_its_doors() {
    let world = World::new().await;
    let space = space(&world, &[0, 1, 0]).await;
    assert_eq!(space["device_ids"], json!(world.doors), "each once");
    assert_eq!((&space["device_count"], &space["acs_entrance_count"]), (&json!(2), &json!(0)));
    assert_eq!((&space["name"], &space["display_name"]), (&json!("Flat 7"), &json!("Flat 7")));
    let by_id = world.ask("spaces/get", json!({"space_id": space["space_id"]})).await;
    let by_key = world.ask("spaces/get", json!({"space_key": "flat-7"})).await;
    assert_eq!((&by_id["space"], &by_key["space"]), (&space, &space));
    let device = world.ask("devices/get", json!({"device_id": world.doors[0]})).await;
    assert_eq!(device["device"]["space_ids"], json!([space["space_id"]]));
    let told = spaces_told(&world).await;
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["event_type"], &told[0]["space_id"]), (&json!("space.created"), &space["space_id"]));
    assert_eq!((&told[0]["space_key"], &told[0]["device_ids"]), (&json!("flat-7"), &space["device_ids"]));
    assert_eq!(world.refused("spaces/get", json!({"space_key": "flat-8"})).await["type"], "space_not_found");
    let error = world.refused("spaces/get", json!({})).await;
    assert!(error["validation_errors"]["space_id"].is_object(), "{error}");
}

#[tokio::test]
async fn the_same_order_under_the_same_key_gives_the_same_space_and_another_is_refused() {
    let world = World::new().await;
    let first = space(&world, &[0, 1]).await;
    assert_eq!(space(&world, &[1, 0]).await, first);
    let body = json!({"name": "Flat 7", "space_key": "flat-7"});
    assert_eq!(world.ask("spaces/create", body).await["space"], first, "an order that says nothing of doors");
    for other in [
        json!({"name": "Flat 8", "space_key": "flat-7"}),
        json!({"name": "Flat 7", "space_key": "flat-7", "device_ids": [world.doors[0]]}),
    ] {
        let error = world.refused("spaces/create", other).await;
        assert!(error["validation_errors"]["space_key"].is_object(), "{error}");
    }
    assert_eq!(world.ask("spaces/list", json!({})).await["spaces"].as_array().unwrap().len(), 1);
    assert_eq!(spaces_told(&world).await.len(), 1);
}

#[tokio::test]
async fn spaces_are_listed_by_text_and_in_pages() {
    let world = World::new().await;
    for number in 1..=3 {
        world.set_time(number);
        world.ask("spaces/create", json!({"name": format!("Room {number}"), "space_key": format!("r{number}")})).await;
    }
    let names = |answer: &Value| -> Vec<String> {
        answer["spaces"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&world.ask("spaces/list", json!({"search": "ROOM 2"})).await), ["Room 2"]);
    assert_eq!(names(&world.ask("spaces/list", json!({"space_key": "r3"})).await), ["Room 3"]);
    let first = world.ask("spaces/list", json!({"limit": 2})).await;
    assert_eq!(names(&first), ["Room 1", "Room 2"]);
    let cursor = &first["pagination"]["next_page_cursor"];
    assert_eq!(names(&world.ask("spaces/list", json!({"limit": 2, "page_cursor": cursor})).await), ["Room 3"]);
}

#[tokio::test]
async fn a_door_that_joins_a_space_gets_the_codes_of_its_grants_and_one_that_leaves_loses_them() {
    let world = World::new().await;
    let space = space(&world, &[0]).await;
    let grant = grant_to(&world, &space, 100, 200).await;
    let pin = world.method(&grant).await["code"].clone();
    assert_eq!(grant["device_ids"], json!([world.doors[0]]));
    let body = json!({"space_id": space["space_id"], "device_ids": [world.doors[1], world.doors[0]]});
    world.ask("spaces/add_devices", body.clone()).await;
    let codes = world.codes(&grant).await;
    let doors: Vec<&Value> = codes.iter().map(|code| &code["device_id"]).collect();
    assert_eq!(doors.len(), 2, "{codes:?}");
    assert!(codes.iter().all(|code| code["code"] == pin), "the guest's PIN: {codes:?}");
    world.ask("spaces/add_devices", body).await;
    let leaving = json!({"space_id": space["space_id"], "device_ids": [world.doors[0]]});
    world.ask("spaces/remove_devices", leaving.clone()).await;
    world.ask("spaces/remove_devices", leaving).await;
    let codes = world.codes(&grant).await;
    assert_eq!(codes.len(), 1, "{codes:?}");
    assert_eq!(codes[0]["device_id"], json!(world.doors[1]));
    let told: Vec<Value> = spaces_told(&world).await.iter().map(|event| event["event_type"].clone()).collect();
    let changed = "space.device_membership_changed";
    assert_eq!(told, ["space.created", changed, changed], "what changes nothing is not told");
}

#[tokio::test]
async fn a_door_that_a_grant_reaches_in_two_ways_is_lost_only_with_both() {
    let world = World::new().await;
    let space = space(&world, &[0]).await;
    let change = json!({"device_ids": [world.doors[0]], "space_ids": [space["space_id"]]});
    let grant = world.grant(100, 200, change).await;
    assert_eq!(world.codes(&grant).await.len(), 1, "one code, however it is reached");
    world.ask("spaces/update", json!({"space_id": space["space_id"], "device_ids": [world.doors[1]]})).await;
    assert_eq!(world.codes(&grant).await.len(), 2);
}

#[tokio::test]
async fn a_deleted_space_takes_its_doors_from_its_grants() {
    let world = World::new().await;
    let space = space(&world, &[0, 1]).await;
    let change = json!({"device_ids": [world.doors[0]], "space_ids": [space["space_id"]]});
    let grant = world.grant(100, 200, change).await;
    world.ask("spaces/delete", json!({"space_id": space["space_id"]})).await;
    assert_eq!(world.refused("spaces/get", json!({"space_key": "flat-7"})).await["type"], "space_not_found");
    let shown = world.ask("access_grants/get", json!({"access_grant_id": grant["access_grant_id"]})).await;
    assert_eq!(shown["access_grant"]["device_ids"], json!([world.doors[0]]));
    assert_eq!(shown["access_grant"]["space_ids"], json!([]));
    let codes = world.codes(&grant).await;
    assert_eq!(codes.len(), 1, "{codes:?}");
    let told = world.ask("events/list", json!({"event_types": ["space.deleted", "access_grant.changed"]})).await;
    let told: Vec<&Value> = told["events"].as_array().unwrap().iter().map(|event| &event["event_type"]).collect();
    assert_eq!(told, ["space.deleted", "access_grant.changed"]);
    // The key is free again.
    space_again(&world).await;
}

async fn space_again(world: &World) {
    assert_eq!(space(world, &[]).await["device_count"], 0);
}

#[tokio::test]
async fn a_space_gets_another_name_and_key_and_keeps_its_doors() {
    let world = World::new().await;
    let space = space(&world, &[0]).await;
    let changed = world.ask("spaces/update", json!({"space_key": "flat-7", "name": "Flat 70"})).await;
    assert_eq!((&changed["space"]["name"], &changed["space"]["device_count"]), (&json!("Flat 70"), &json!(1)));
    let id = space["space_id"].clone();
    let changed = world.ask("spaces/update", json!({"space_id": id, "space_key": "flat-70"})).await;
    assert_eq!(changed["space"]["space_key"], "flat-70");
    world.ask("spaces/create", json!({"name": "Other", "space_key": "other"})).await;
    let error = world.refused("spaces/update", json!({"space_id": id, "space_key": "other"})).await;
    assert!(error["validation_errors"]["space_key"].is_object(), "{error}");
    let stranger = json!({"space_id": id, "device_ids": [Uuid::from_u128(99)]});
    for operation in ["spaces/update", "spaces/add_devices"] {
        let error = world.refused(operation, stranger.clone()).await;
        assert!(error["validation_errors"]["device_ids"].is_object(), "{operation}: {error}");
    }
}

#[tokio::test]
async fn spaces_grants_and_methods_are_told_with_those_around_them() {
    let world = World::new().await;
    let space = space(&world, &[0]).await;
    let grant = grant_to(&world, &space, 100, 200).await;
    let method = world.method(&grant).await;
    for (operation, by) in [
        ("spaces/get_related", json!({"space_keys": ["flat-7"]})),
        ("access_grants/get_related", json!({"access_grant_ids": [grant["access_grant_id"]]})),
        ("access_methods/get_related", json!({"access_method_ids": [method["access_method_id"]]})),
    ] {
        let batch = world.ask(operation, by.clone()).await["batch"].clone();
        let ids = |kind: &str, id: &str| batch[kind][0][id].clone();
        assert_eq!(ids("spaces", "space_id"), space["space_id"], "{operation}");
        assert_eq!(ids("devices", "device_id"), json!(world.doors[0]), "{operation}");
        assert_eq!(ids("user_identities", "user_identity_id"), grant["user_identity_id"], "{operation}");
        assert_eq!(ids("access_grants", "access_grant_id"), grant["access_grant_id"], "{operation}");
        assert_eq!(ids("access_methods", "code"), method["code"], "{operation}");
        let mut narrow = by;
        narrow["include"] = json!(["devices", "spaces", "acs_systems"]);
        narrow["exclude"] = json!(["spaces"]);
        let batch = world.ask(operation, narrow).await["batch"].clone();
        assert_eq!(batch.as_object().unwrap().keys().collect::<Vec<_>>(), ["devices"], "{operation}");
        assert!(world.refused(operation, json!({"access_method_ids": []})).await["type"] == "invalid_input");
    }
    let error = world.refused("spaces/get_related", json!({"space_ids": [Uuid::from_u128(9)]})).await;
    assert_eq!(error["type"], "space_not_found");
}

#[tokio::test]
async fn a_door_that_can_not_take_a_guests_pin_has_a_code_that_says_why() {
    let world = World::new().await;
    let space = space(&world, &[0]).await;
    let by_space = |code: &str| {
        json!({"device_ids": [], "space_ids": [space["space_id"]],
            "requested_access_methods": [{"mode": "code", "code": code}]})
    };
    let long = world.grant(100, 200, by_space("12345678")).await;
    let same = world.grant(100, 200, by_space("4711")).await;
    let fits = world.grant(100, 200, by_space("8642")).await;
    let at_the_gate = json!({"device_ids": [world.doors[1]],
        "requested_access_methods": [{"mode": "code", "code": "4711"}]});
    world.grant(150, 300, at_the_gate).await;
    let body = json!({"space_id": space["space_id"], "device_ids": [world.doors[1]]});
    world.ask("spaces/add_devices", body).await;
    for (grant, reason) in [(&long, "4 to 6 digits"), (&same, "another code on this door is the same")] {
        let codes = world.codes(grant).await;
        let gate = codes.iter().find(|code| code["device_id"] == json!(world.doors[1])).unwrap();
        let error = &gate["errors"][0];
        assert_eq!(error["error_code"], "failed_to_set_on_device", "{gate}");
        assert!(error["message"].as_str().unwrap().contains(reason), "{error}");
        let shown = world.ask("access_grants/get", json!({"access_grant_id": grant["access_grant_id"]})).await;
        assert_eq!(shown["access_grant"]["warnings"][0]["warning_code"], "underprovisioned_access");
    }
    assert!(world.codes(&fits).await.iter().all(|code| code["errors"] == json!([])), "who fits is not kept waiting");
    let events = world.events().await;
    assert_eq!(events.iter().filter(|name| *name == "access_code.failed_to_set_on_device").count(), 2);
}

#[tokio::test]
async fn a_running_grant_that_waited_for_one_door_is_issued_when_that_leaves_the_space() {
    use keyway_lock::Evidence;

    use crate::model::Presence;
    use crate::store::CodeFilter;

    let world = World::new().await;
    let space = space(&world, &[0, 1]).await;
    let grant = grant_to(&world, &space, -10, 200).await;
    let door = world.doors[0];
    world
        .write(move |unit| {
            let filter = CodeFilter { device: Some(door), ..CodeFilter::default() };
            let mut code = unit.codes(&filter)?.remove(0);
            code.presence = Presence::Proven(Evidence::ReadBack, unit.now());
            unit.update_code(&code)
        })
        .await;
    assert_eq!(world.method(&grant).await["is_issued"], false);
    world.ask("spaces/update", json!({"space_key": "flat-7", "device_ids": [door]})).await;
    assert_eq!(world.method(&grant).await["is_issued"], true);
    // The lock still holds the code of the door that leaves now: it is to be taken out.
    world.ask("spaces/update", json!({"space_key": "flat-7", "device_ids": []})).await;
    let left = world.write(move |unit| unit.live_codes(door)).await;
    assert!(left.len() == 1 && left[0].deleted_at.is_some(), "{left:?}");
}
