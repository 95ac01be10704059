use super::*;
use crate::model::KeyHash;

#[tokio::test]
async fn a_new_key_is_shown_once_and_says_who_asks() {
    let world = World::new().await;
    let made = world.ask("api_keys/create", json!({"name": " Büro 2 ", "role": "grants"})).await["api_key"].clone();
    assert_eq!(
        (&made["name"], &made["role"], &made["last_used_at"]),
        (&json!("Büro 2"), &json!("grants"), &Value::Null)
    );
    let token = made["token"].as_str().unwrap();
    let caller = world.hub.caller_of(KeyHash::of(token)).await.unwrap().unwrap();
    assert_eq!(caller, Caller { name: "Büro 2".to_owned(), role: Role::Grants });
    let listed = world.ask("api_keys/list", json!({})).await["api_keys"].clone();
    assert_eq!(listed[0]["api_key_id"], made["api_key_id"]);
    assert_eq!(listed[0]["last_used_at"], json!(at(0)));
    assert!(!listed.to_string().contains(token) && listed[0].get("token").is_none());
}

#[tokio::test]
async fn a_deleted_key_is_nobodys_and_its_name_is_free() {
    let world = World::new().await;
    let body = json!({"name": "booking", "role": "admin"});
    let made = world.ask("api_keys/create", body.clone()).await["api_key"].clone();
    let delete = json!({"api_key_id": made["api_key_id"]});
    world.ask("api_keys/delete", delete.clone()).await;
    assert!(world.hub.caller_of(KeyHash::of(made["token"].as_str().unwrap())).await.unwrap().is_none());
    assert_eq!(world.refused("api_keys/delete", delete).await["type"], "api_key_not_found");
    assert_ne!(world.ask("api_keys/create", body).await["api_key"]["token"], made["token"]);
}

#[tokio::test]
async fn who_made_and_deleted_a_key_is_told_and_not_what_opens() {
    let world = World::new().await;
    let boss = Caller { name: "boss".to_owned(), role: Role::Admin };
    let made = world.hub.call(&boss, "api_keys/create", json!({"name": "booking", "role": "read"}), None).await;
    let made = made.to_json(None)["api_key"].clone();
    world.hub.call(&boss, "api_keys/delete", json!({"api_key_id": made["api_key_id"]}), None).await;
    let told = world.ask("events/list", json!({})).await["events"].clone();
    for (event, expected) in told.as_array().unwrap().iter().zip(["api_key.created", "api_key.deleted"]) {
        assert_eq!((&event["event_type"], &event["caller"]), (&json!(expected), &json!("boss")));
        assert_eq!((&event["name"], &event["role"]), (&json!("booking"), &json!("read")));
    }
    assert_eq!(told.as_array().unwrap().len(), 2);
    assert!(!told.to_string().contains(made["token"].as_str().unwrap()));
}

#[tokio::test]
async fn a_name_is_taken_once_and_can_be_no_other_doors() {
    let world = World::new().await;
    world.ask("api_keys/create", json!({"name": "booking", "role": "read"})).await;
    let long = "x".repeat(65);
    for name in ["booking", " booking ", "mqtt", "local", "", "  ", "a/b", "a\nb", long.as_str()] {
        let error = world.refused("api_keys/create", json!({"name": name, "role": "read"})).await;
        assert!(error["validation_errors"]["name"]["_errors"][0].is_string(), "{name:?}: {error}");
    }
    let error = world.refused("api_keys/create", json!({"name": "x", "role": "root"})).await;
    assert_eq!(error["validation_errors"]["role"]["_errors"][0], "expected one of read, grants, admin");
}

#[tokio::test]
async fn only_admins_make_see_and_delete_keys() {
    let world = World::new().await;
    let caller = Caller { name: "booking".to_owned(), role: Role::Grants };
    for operation in ["api_keys/create", "api_keys/list", "api_keys/delete"] {
        let answer = world.hub.call(&caller, operation, json!({}), None).await.to_json(None);
        assert_eq!(answer["error"]["type"], "forbidden", "{operation}");
    }
}
