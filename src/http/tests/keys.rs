//! Who is let in.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[tokio::test]
async fn nobody_without_a_known_key_is_let_in() {
    let world = World::new().await;
    let key = &world.key;
    for headers in [
        String::new(),
        "authorization: Bearer seam_kw_0000000000000000000000000000000000000000\r\n".to_owned(),
        format!("authorization: Basic {key}\r\n"),
        format!("authorization: {key}\r\n"),
        format!("authorization: Bearer {key}x\r\n"),
        "authorization: Bearer \r\n".to_owned(),
        "authorization: Bearer \u{e9}\r\n".to_owned(),
    ] {
        for (method, target) in [("GET", "/devices/list"), ("POST", "/no/such"), ("GET", "/events/stream")] {
            let reply = world.ask_with(method, target, &headers, "").await;
            assert_eq!((reply.status, reply.error().0.as_str()), (401, "unauthorized"), "{headers}{target}");
            assert_eq!(reply.header("www-authenticate"), "bearer");
        }
    }
    let reply = world.ask_with("GET", "/devices/list", &format!("Authorization: bearer {key}\r\n"), "").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn a_key_that_is_taken_away_opens_nothing_from_then_on() {
    let world = World::new().await;
    assert_eq!(world.ask("GET", "/devices/list", "").await.status, 200);
    world.take_keys_away().await;
    assert_eq!(world.ask("GET", "/devices/list", "").await.status, 401);
}

#[tokio::test]
async fn it_is_noted_once_a_minute_when_a_key_is_used() {
    let world = World::new().await;
    let mut noted = Vec::new();
    for seconds in [0, 30, 59, 60, 70, 50] {
        world.set_time(seconds);
        world.ask("GET", "/devices/list", "").await;
        noted.push(world.write(|unit| unit.api_keys()).await[0].last_used_at.unwrap());
    }
    // At last the clock was set back.
    assert_eq!(noted, [0, 0, 0, 60, 60, 50].map(at));
}

#[tokio::test]
async fn anybody_may_ask_how_it_is_and_what_there_is() {
    let world = World::new().await;
    let health = world.ask_with("GET", "/health", "", "").await;
    assert_eq!((health.status, &health.json()["ok"]), (200, &Value::Bool(true)));
    health.header("seam-request-id").parse::<uuid::Uuid>().unwrap();
    let openapi = world.ask_with("GET", "/openapi.json", "", "").await;
    assert!(openapi.json()["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(openapi.header("content-type"), "application/json");
}

#[tokio::test]
async fn the_local_key_is_made_once_and_made_anew_when_it_is_lost_or_was_open_to_others() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local.key");
    let key = async || {
        local_key::ensure(&world.hub, &path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let key = std::fs::read_to_string(&path).unwrap().trim().to_owned();
        let caller = world.hub.caller_of(KeyHash::of(&key)).await.unwrap().unwrap();
        assert_eq!((caller.name.as_str(), caller.role), ("local", Role::Admin));
        key
    };
    let first = key().await;
    assert_eq!(key().await, first);
    // Another database than the file's.
    world.take_keys_away().await;
    let second = key().await;
    assert_ne!(second, first);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let third = key().await;
    assert_ne!(third, second);
    assert!(world.hub.caller_of(KeyHash::of(&second)).await.unwrap().is_none(), "what others may have read");
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert_ne!(key().await, third);
}
