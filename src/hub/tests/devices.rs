use super::*;

#[tokio::test]
async fn a_device_has_the_hosts_own_name_and_metadata() {
    let world = World::new().await;
    let id = json!(world.doors[0]);
    let change = json!({"device_id": id, "name": "Main entrance", "custom_metadata": {"floor": "0", "vip": true}});
    world.ask("devices/update", change).await;
    let device = world.ask("devices/get", json!({"name": "Main entrance"})).await["device"].clone();
    assert_eq!((&device["display_name"], &device["nickname"]), (&json!("Main entrance"), &json!("Main entrance")));
    assert_eq!(device["custom_metadata"], json!({"floor": "0", "vip": true}));
    world.ask("devices/update", json!({"device_id": id, "name": null, "custom_metadata": {"vip": null}})).await;
    let device = world.ask("devices/get", json!({"device_id": id})).await["device"].clone();
    assert_eq!(device["display_name"], "Front door", "the configured name is back");
    assert_eq!(device["custom_metadata"], json!({"floor": "0"}));
    let with = async |has: Value| {
        let found = world.ask("devices/list", json!({"custom_metadata_has": has})).await;
        found["devices"].as_array().unwrap().len()
    };
    assert_eq!((with(json!({"floor": "0"})).await, with(json!({"floor": "1"})).await), (1, 0));
    let names = world.ask("events/list", json!({"event_type": "device.name_changed"})).await;
    assert_eq!(names["events"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_device_that_is_not_managed_gets_no_grants_and_is_listed_apart() {
    let world = World::new().await;
    let id = json!(world.doors[0]);
    let grant = world.grant(100, 200, json!({})).await;
    let error = world.refused("devices/update", json!({"device_id": id, "is_managed": false})).await;
    assert!(error["message"].as_str().unwrap().contains("delete them"), "{error}");
    world.ask("access_grants/delete", json!({"access_grant_id": grant["access_grant_id"]})).await;
    world.ask("devices/update", json!({"device_id": id, "is_managed": false})).await;
    assert_eq!(world.refused("devices/get", json!({"device_id": id})).await["type"], "device_not_found");
    let unmanaged = world.ask("devices/unmanaged/get", json!({"device_id": id})).await["device"].clone();
    assert_eq!(unmanaged["is_managed"], false);
    assert_eq!(unmanaged["can_program_online_access_codes"], false);
    let error = world.refused("access_grants/create", world.request(100, 200, json!({}))).await;
    assert!(error["message"].as_str().unwrap().contains("not managed"), "{error}");
    world.ask("devices/unmanaged/update", json!({"device_id": id, "is_managed": true})).await;
    assert_eq!(world.ask("devices/list", json!({})).await["devices"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn only_a_device_that_is_not_configured_any_more_can_be_deleted() {
    let world = World::new().await;
    let id = json!(world.doors[0]);
    let error = world.refused("devices/delete", json!({"device_id": id})).await;
    assert!(error["message"].as_str().unwrap().contains("configuration"), "{error}");
    let door = world.doors[0];
    world
        .write(move |unit| {
            let device = unit.device(door)?.unwrap();
            unit.update_device(&Device { is_configured: false, ..device })
        })
        .await;
    let device = world.ask("devices/get", json!({"device_id": id})).await["device"].clone();
    assert_eq!(device["properties"]["online"], false);
    assert_eq!(device["errors"][0]["error_code"], "device_removed", "{device}");
    world.ask("devices/delete", json!({"device_id": id})).await;
    assert_eq!(world.refused("devices/get", json!({"device_id": id})).await["type"], "device_not_found");
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let world = World::new().await;
    let first = world.ask("devices/list", json!({"limit": 1})).await;
    assert_eq!(first["pagination"]["has_next_page"], true);
    let cursor = &first["pagination"]["next_page_cursor"];
    let second = world.ask("devices/list", json!({"limit": 1, "page_cursor": cursor})).await;
    assert_eq!(second["devices"][0]["device_id"], json!(world.doors[1]));
    assert_eq!(second["pagination"]["has_next_page"], false);
    for (now, from) in (1..).zip([100, 300, 500]) {
        world.set_time(now);
        world.grant(from, from + 100, json!({})).await;
    }
    let mut seen = Vec::new();
    let mut body = json!({"limit": 2});
    loop {
        let page = world.ask("access_grants/list", body.clone()).await;
        seen.extend(page["access_grants"].as_array().unwrap().iter().map(|grant| grant["starts_at"].clone()));
        let next = page["pagination"]["next_page_cursor"].clone();
        if next.is_null() {
            break;
        }
        body["page_cursor"] = next;
    }
    assert_eq!(seen, [json!(at(100)), json!(at(300)), json!(at(500))]);
}

#[tokio::test]
async fn a_lock_that_can_lock_by_itself_is_told_when_to_and_others_are_not() {
    let world = World::new().await;
    let id = json!(world.doors[0]);
    let device = world.ask("devices/get", json!({"device_id": id})).await["device"].clone();
    assert_eq!(
        (&device["can_configure_auto_lock"], &device["properties"]["auto_lock_enabled"]),
        (&json!(true), &json!(false))
    );
    let ask = async |body: Value| world.ask("locks/configure_auto_lock", body).await["action_attempt"].clone();
    let attempt = ask(json!({"device_id": id, "auto_lock_enabled": true, "auto_lock_delay_seconds": 90})).await;
    assert_eq!((&attempt["action_type"], &attempt["status"]), (&json!("CONFIGURE_AUTO_LOCK"), &json!("pending")));
    ask(json!({"device_id": id, "auto_lock_enabled": false})).await;
    let wrong = json!({"device_id": id, "auto_lock_enabled": true});
    let error = world.refused("locks/configure_auto_lock", wrong).await;
    assert_eq!(error["validation_errors"]["auto_lock_delay_seconds"]["_errors"][0], "required to turn it on");
    let device = world.doors[0];
    world
        .write(move |unit| {
            let mut device = unit.device(device)?.unwrap();
            device.info.as_mut().unwrap().auto_lock = None;
            unit.update_device(&device)
        })
        .await;
    let device = world.ask("devices/get", json!({"device_id": id})).await["device"].clone();
    assert_eq!(device["can_configure_auto_lock"], false);
    assert!(device["properties"].get("auto_lock_enabled").is_none());
    let error = world.refused("locks/configure_auto_lock", json!({"device_id": id, "auto_lock_enabled": false})).await;
    assert_eq!(error["type"], "invalid_input");
}

#[tokio::test]
async fn a_keypad_that_lets_no_guest_in_is_an_error_while_guests_wait_and_else_a_warning() {
    let world = World::new().await;
    let door = world.doors[0];
    let closed = move |unit: &mut Unit<'_>| {
        let mut device = unit.device(door)?.unwrap();
        device.info.as_mut().unwrap().settings.keypad.as_mut().unwrap().mode = KeypadMode::Vacation;
        unit.update_device(&device)
    };
    world.write(closed).await;
    let shown = async || world.ask("devices/get", json!({"device_id": door})).await["device"].clone();
    let device = shown().await;
    assert_eq!(device["properties"]["keypad_mode"], "vacation");
    assert_eq!(device["errors"], json!([]));
    assert_eq!(device["warnings"][0]["warning_code"], "keypad_closed_to_guests");
    world.grant(100, 500, json!({})).await;
    let error = shown().await["errors"][0].clone();
    assert_eq!(error["error_code"], "keypad_closed_to_guests");
    assert!(error["message"].as_str().unwrap().contains("vacation mode"), "{error}");
}

#[tokio::test]
async fn an_admin_code_that_is_a_guests_or_none_at_all_is_refused_and_no_answer_shows_it() {
    let world = World::new().await;
    let door = world.doors[0];
    let with =
        |code: Value, enabled: bool| json!({"device_id": door, "admin_code_enabled": enabled, "admin_code": code});
    for (body, why) in [
        (json!({"device_id": door, "admin_code_enabled": true}), "required to turn it on"),
        (with(json!("900100"), false), "of no use"),
        (with(json!("12"), true), "4 to 10 digits"),
    ] {
        let error = world.refused("locks/configure_admin_code", body).await;
        let told = error["validation_errors"]["admin_code"]["_errors"][0].as_str().unwrap().to_owned();
        assert!(told.contains(why), "{told}");
    }
    let error =
        world.refused("locks/configure_admin_code", json!({"device_id": door, "admin_code_enabled": false})).await;
    assert!(error["message"].as_str().unwrap().contains("can't be without"), "{error}");
    let asked = world.ask("locks/configure_admin_code", with(json!("900100"), true)).await;
    assert!(!asked.to_string().contains("900100"), "{asked}");
    let mode = json!({"device_id": door, "keypad_mode": "privacy"});
    let error = world.refused("locks/configure_keypad_mode", mode).await;
    assert!(error["message"].as_str().unwrap().contains("no such mode"), "{error}");
}

#[tokio::test]
async fn no_bolt_is_promised_to_turn_on_a_device_that_the_hub_asks_nothing_of() {
    let world = World::new().await;
    let door = world.doors[0];
    for (is_managed, is_configured, why) in
        [(false, true, "not managed"), (true, false, "not in the hub's configuration")]
    {
        world
            .write(move |unit| {
                let device = unit.device(door)?.unwrap();
                unit.update_device(&Device { is_managed, is_configured, ..device })
            })
            .await;
        let error = world.refused("locks/unlock_door", json!({"device_id": door})).await;
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    }
}
