//! Requests and answers.

use super::*;

#[tokio::test]
async fn an_operation_is_asked_for_by_each_of_its_methods_with_a_query_a_body_or_nothing() {
    let world = World::new().await;
    let name = r#"{"full_name": "Ada", "user_identity_key": "ada"}"#;
    let made = world.ask("POST", "/user_identities/create", name).await;
    assert_eq!((made.status, &made.json()["ok"]), (200, &Value::Bool(true)), "{}", made.body);
    assert_eq!(made.header("content-type"), "application/json");
    assert_eq!(made.header("cache-control"), "no-store");
    for (method, target, body) in [
        ("GET", "/user_identities/get?user_identity_key=ada&_strict=true", ""),
        ("POST", "/user_identities/get", r#"{"user_identity_key": "ada"}"#),
        ("POST", "/user_identities/get?user_identity_key=ada", ""),
        ("GET", "/user_identities/get", r#"{"user_identity_key": "ada"}"#),
    ] {
        let reply = world.ask(method, target, body).await;
        assert_eq!(reply.json()["user_identity"]["full_name"], "Ada", "{method} {target}: {}", reply.body);
    }
    let list = world.ask("GET", "/user_identities/list", "").await.json();
    assert_eq!(list["user_identities"].as_array().unwrap().len(), 1);
    let form = format!("authorization: Bearer {}\r\ncontent-type: application/x-www-form-urlencoded\r\n", world.key);
    assert_eq!(world.ask_with("POST", "/user_identities/list", &form, "").await.json(), list);
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let world = World::new().await;
    let id = async || world.ask("GET", "/devices/list", "").await.header("seam-request-id").to_owned();
    let (first, second) = (id().await, id().await);
    assert!(first.parse::<uuid::Uuid>().is_ok() && first != second, "{first} {second}");
}

#[tokio::test]
async fn another_method_is_refused_with_those_that_work() {
    let world = World::new().await;
    for method in ["DELETE", "TRACE", "BREW"] {
        let reply = world.ask(method, "/devices/list", "").await;
        assert_eq!((reply.status, reply.error().0.as_str()), (405, "method_not_allowed"), "{method}");
        assert_eq!(reply.header("allow"), "get, post");
    }
    let options = world.ask("OPTIONS", "/devices/list", "").await;
    assert_eq!((options.status, options.header("allow")), (204, "get, post"));
    for target in ["/health", "/events/stream", "/openapi.json"] {
        let reply = world.ask("POST", target, "{}").await;
        assert_eq!((reply.status, reply.error().0.as_str()), (405, "method_not_allowed"), "{target}");
    }
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let world = World::new().await;
    let (head, get) = (world.ask("HEAD", "/devices/list", "").await, world.ask("GET", "/devices/list", "").await);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[tokio::test]
async fn a_path_that_is_no_operation_says_what_there_is() {
    let world = World::new().await;
    for target in
        ["/", "/devices", "/devices/list/", "//devices/list", "/devices%2flist", "/%ff%00", "/devices/explode"]
    {
        for method in ["GET", "POST", "DELETE"] {
            let reply = world.ask(method, target, "").await;
            let (error_type, message) = reply.error();
            assert_eq!((reply.status, error_type.as_str()), (404, "unknown_operation"), "{target}");
            assert!(message.contains("there are: "), "{message}");
        }
    }
}

#[tokio::test]
async fn a_body_that_can_not_be_read_is_refused_with_the_place_and_without_its_content() {
    let world = World::new().await;
    for (body, expected) in [
        ("{\"code\":\n4711x}", "line 2 column 5"),
        ("[]", "should be a JSON object"),
        ("\"4711\"", "should be a JSON object"),
        ("code=4711", "line 1 column 1"),
    ] {
        let reply = world.ask("POST", "/access_grants/create", body).await;
        let (error_type, message) = reply.error();
        assert_eq!((reply.status, error_type.as_str()), (400, "invalid_json"));
        assert!(message.contains(expected) && !message.contains("4711"), "{message}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(world.ask("POST", "/devices/list", &deep).await.error().0, "invalid_json");
    let twice = world.ask("POST", "/devices/get?device_id=a", r#"{"device_id": "b"}"#).await;
    assert_eq!(twice.error().1, "device_id: is in the query and in the body");
}

#[tokio::test]
async fn a_body_of_a_megabyte_is_read_and_a_larger_one_refused() {
    let world = World::new().await;
    let body = |size: usize| format!("{{\"full_name\":7{}}}", " ".repeat(size - 15));
    let reply = world.ask("POST", "/user_identities/create", &body(1024 * 1024)).await;
    assert_eq!(reply.error().0, "invalid_input", "{}", reply.body);
    let reply = world.ask("POST", "/user_identities/create", &body(1024 * 1024 + 1)).await;
    assert_eq!((reply.status, reply.error().0.as_str()), (413, "payload_too_large"));
}

#[tokio::test]
async fn a_garbled_query_is_refused() {
    let world = World::new().await;
    for query in ["device_id=%", "device_id=%4", "device_id=%zz", "%ff=1", "device_id=%c3"] {
        let reply = world.ask("GET", &format!("/devices/get?{query}"), "").await;
        assert_eq!((reply.status, reply.error().0.as_str()), (400, "invalid_input"), "{query}");
    }
}

#[tokio::test]
async fn a_wrong_parameter_is_named_in_the_same_words_wherever_it_stands() {
    let world = World::new().await;
    for (query, body) in [
        ("limit=many", r#"{"limit": "many"}"#),
        ("limit=99999999999999999999", r#"{"limit": 99999999999999999999}"#),
        ("limit=1&limit=2", r#"{"limit": [1, 2]}"#),
        ("surprise=1", r#"{"surprise": "1"}"#),
        ("limit=0", r#"{"limit": 0}"#),
    ] {
        let asked = world.ask("GET", &format!("/events/list?since=2026-01-01T00%3A00%3A00Z&{query}"), "").await;
        let body = format!("{{\"since\": \"2026-01-01T00:00:00Z\", {}", &body[1..]);
        let posted = world.ask("POST", "/events/list", &body).await;
        assert_eq!(asked.status, 400, "{query}");
        assert_eq!(asked.json(), posted.json(), "{query}");
        let name = query.split('=').next().unwrap();
        assert!(asked.json()["error"]["validation_errors"][name]["_errors"][0].is_string(), "{}", asked.body);
    }
}

#[tokio::test]
async fn the_same_idempotency_key_is_carried_out_once() {
    let world = World::new().await;
    let headers = |key: &str| format!("authorization: Bearer {}\r\nidempotency-key: {key}\r\n", world.key);
    let create = async |key: &str, name: &str| {
        let body = format!(r#"{{"full_name": "{name}"}}"#);
        world.ask_with("POST", "/user_identities/create", &headers(key), &body).await
    };
    let (first, again) = (create("k1", "Ada").await, create("k1", "Ada").await);
    assert_eq!(first.json(), again.json());
    assert_ne!(create("k2", "Ada").await.json(), first.json());
    assert_eq!(create("k1", "Bob").await.status, 400);
    assert_eq!(
        create(&"k".repeat(257), "Bob").await.error().1,
        "idempotency-key: expected 1 to 256 characters of ASCII"
    );
}
