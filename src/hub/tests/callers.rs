use super::*;

fn reader() -> Caller {
    Caller { name: "dashboard".to_owned(), role: Role::Read }
}

#[tokio::test]
async fn who_may_only_look_sees_no_pin_and_changes_nothing() {
    let world = World::new().await;
    let wish = json!({"requested_access_methods": [{"mode": "code", "code": "4711"}]});
    let grant = world.grant(100, 200, wish).await;
    let looks = [
        ("access_grants/get", json!({"access_grant_id": grant["access_grant_id"]})),
        ("access_grants/list", json!({})),
        ("access_methods/list", json!({"access_grant_id": grant["access_grant_id"]})),
        ("access_methods/get", json!({"access_method_id": grant["access_method_ids"][0]})),
        ("access_codes/list", json!({})),
        ("events/list", json!({})),
    ];
    for (operation, body) in looks {
        let answer = world.hub.call(&reader(), operation, body, None).await.to_json(None).to_string();
        assert!(answer.contains("\"ok\":true") && !answer.contains("4711"), "{operation}: {answer}");
    }
    for operation in operations().iter().filter(|operation| operation.changes_something()) {
        let answer = world.hub.call(&reader(), operation.name, json!({}), None).await.to_json(None);
        assert_eq!(answer["error"]["type"], "forbidden", "{}", operation.name);
    }
}

#[tokio::test]
async fn a_request_id_is_the_callers_own() {
    let world = World::new().await;
    let ask = async |name: &str| {
        let caller = Caller { name: name.to_owned(), role: Role::Grants };
        let body = world.request(100, 200, json!({}));
        world.hub.call(&caller, "access_grants/create", body, Some("r1".to_owned())).await.to_json(None)
    };
    let (first, again, other) = (ask("a").await, ask("a").await, ask("b").await);
    assert_eq!(first, again);
    assert_ne!(first["access_grant"]["access_grant_id"], other["access_grant"]["access_grant_id"]);
}

#[tokio::test]
async fn events_tell_who_did_it() {
    let world = World::new().await;
    let caller = Caller { name: "booking".to_owned(), role: Role::Grants };
    world.hub.call(&caller, "access_grants/create", world.request(100, 200, json!({})), None).await;
    let events = world.ask("events/list", json!({"event_type": "access_grant.created"})).await;
    assert_eq!(events["events"][0]["caller"], "booking");
}

#[tokio::test]
async fn what_only_a_cloud_has_is_refused_with_what_to_do_instead() {
    let world = World::new().await;
    let error = world.refused("connect_webviews/create", json!({})).await;
    assert_eq!(error["type"], "not_supported");
    assert!(error["message"].as_str().unwrap().contains("added at the hub"), "{error}");
    let error = world.refused("access_grants/crate", json!({})).await;
    assert!(error["message"].as_str().unwrap().contains("access_grants/create"), "{error}");
}
