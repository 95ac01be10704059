//! Codes made on one device, codes put in by hand, and codes of grants whose doors or methods change.

use keyway_lock::{Evidence, Pin};

use super::*;
use crate::model::{AccessCode, AccessCodeId, CodeOrigin, Presence, UnmanagedCode};
use crate::store::JournalEntry;

fn id(code: &Value) -> AccessCodeId {
    serde_json::from_value(code["access_code_id"].clone()).unwrap()
}

async fn made(world: &World, change: Value) -> Value {
    let mut body = json!({"device_id": world.doors[0], "name": "Cleaner", "code": "2468", "ends_at": at(500)});
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    world.ask("access_codes/create", body).await["access_code"].clone()
}

async fn stored(world: &World, id: AccessCodeId) -> AccessCode {
    world.write(move |unit| unit.code(id)).await.unwrap()
}

async fn prove(world: &World, id: AccessCodeId) {
    world
        .write(move |unit| {
            let code = unit.code(id)?.unwrap();
            let presence = Presence::Proven(Evidence::ReadBack, unit.now());
            unit.update_code(&AccessCode { presence, ..code })
        })
        .await;
}

/// Somebody puts a PIN into slot 3 of the first door.
async fn by_hand(world: &World, content: SlotContent) -> AccessCodeId {
    world.says(3, content.clone()).await;
    let device_id = world.doors[0];
    world
        .write(move |unit| {
            let (access_code_id, created_at) = (unit.id(), unit.now());
            unit.insert_unmanaged(&UnmanagedCode {
                access_code_id,
                device_id,
                slot: SlotNumber(3),
                content,
                created_at,
            })?;
            Ok(access_code_id)
        })
        .await
}

fn shown(pin: &str) -> SlotContent {
    SlotContent::Code(Pin::new(pin).unwrap())
}

async fn told(world: &World, prefix: &str) -> Vec<String> {
    let mut names = world.events().await;
    names.retain(|name| name.starts_with(prefix));
    names
}

#[tokio::test]
async fn a_code_is_made_on_one_device_without_a_grant() {
    let world = World::new().await;
    let code = made(&world, json!({"common_code_key": "cleaners", "is_external_modification_allowed": true})).await;
    assert_eq!((&code["name"], &code["code"]), (&json!("Cleaner"), &json!("2468")));
    assert_eq!((&code["common_code_key"], &code["type"]), (&json!("cleaners"), &json!("time_bound")));
    assert_eq!(code["is_external_modification_allowed"], true);
    assert!(code.get("access_grant_id").is_none());
    let got = world.ask("access_codes/get", json!({"access_code_id": code["access_code_id"]})).await;
    assert_eq!(got["access_code"], code);
    assert_eq!(told(&world, "access_").await, ["access_code.created"]);
}

#[tokio::test]
async fn a_code_of_ones_own_is_refused_like_that_of_a_grant() {
    let world = World::new().await;
    made(&world, json!({})).await;
    let refused = async |change: Value, field: &str| {
        let mut body = json!({"device_id": world.doors[0]});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let error = world.refused("access_codes/create", body).await;
        assert!(error["validation_errors"][field].is_object(), "{field}: {error}");
    };
    refused(json!({"code": "24680"}), "code").await;
    refused(json!({"code": "123456789"}), "code").await;
    refused(json!({"ends_at": at(-5)}), "ends_at").await;
    refused(json!({"code": "4711", "preferred_code_length": 4}), "preferred_code_length").await;
    refused(json!({"schedule": {"cron": "0 9 * * 1", "duration": "8h", "time_zone": "UTC"}}), "schedule.cron").await;
    for slot in 2..=4 {
        world.says(slot, SlotContent::Hidden).await;
    }
    refused(json!({}), "device_ids").await;
}

#[tokio::test]
async fn codes_with_the_same_key_have_the_same_pin() {
    let world = World::new().await;
    made(&world, json!({"common_code_key": "cleaners"})).await;
    let gate = json!({"device_id": world.doors[1], "common_code_key": "cleaners"});
    let second = world.ask("access_codes/create", gate.clone()).await["access_code"].clone();
    assert_eq!(second["code"], "2468");
    let mut other = gate;
    other["code"] = json!("1357");
    let error = world.refused("access_codes/create", other).await;
    assert!(error["validation_errors"]["code"].is_object() && !error.to_string().contains("1357"), "{error}");
}

#[tokio::test]
async fn a_changed_code_is_told_by_what_changed_and_never_with_its_pin() {
    let world = World::new().await;
    let code = made(&world, json!({})).await;
    let change = json!({"access_code_id": code["access_code_id"], "name": "Gardener", "code": "1357", "ends_at": null});
    world.ask("access_codes/update", change).await;
    let got = world.ask("access_codes/get", json!({"access_code_id": code["access_code_id"]})).await;
    let got = &got["access_code"];
    assert_eq!((&got["name"], &got["code"], &got["ends_at"]), (&json!("Gardener"), &json!("1357"), &Value::Null));
    let trail = ["created", "time_frame_changed", "code_changed", "name_changed", "changed"];
    let mut names = told(&world, "access_code.").await;
    names.sort();
    let mut expected = trail.map(|name| format!("access_code.{name}"));
    expected.sort();
    assert_eq!(names, expected);
    let events = world.ask("events/list", json!({})).await.to_string();
    assert!(!events.contains("1357") && !events.contains("2468"), "{events}");
}

#[tokio::test]
async fn another_pin_for_a_code_that_is_in_its_lock_leaves_the_old_one_to_be_taken_out() {
    let world = World::new().await;
    let code = id(&made(&world, json!({})).await);
    prove(&world, code).await;
    let before = stored(&world, code).await;
    world.ask("access_codes/update", json!({"access_code_id": code, "code": "1357"})).await;
    let now = stored(&world, code).await;
    assert_eq!((now.presence, now.pin.unwrap().expose()), (Presence::Absent, "1357"));
    let door = world.doors[0];
    let live = world.write(move |unit| unit.live_codes(door)).await;
    let former = live.iter().find(|known| known.origin == CodeOrigin::Former { access_code_id: code }).unwrap();
    assert_eq!((former.slot, &former.pin, former.presence), (before.slot, &before.pin, before.presence));
    assert!(former.deleted_at.is_some());
    let listed = world.ask("access_codes/list", json!({"device_id": door})).await;
    assert_eq!(listed["access_codes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_code_is_not_found_and_is_to_leave_its_lock() {
    let world = World::new().await;
    let code = id(&made(&world, json!({})).await);
    prove(&world, code).await;
    world.ask("access_codes/delete", json!({"access_code_id": code})).await;
    assert_eq!(
        world.refused("access_codes/get", json!({"access_code_id": code})).await["type"],
        "access_code_not_found"
    );
    let left = stored(&world, code).await;
    assert!(left.deleted_at.is_some() && left.presence != Presence::Absent);
    assert_eq!(told(&world, "access_code.deleted").await.len(), 1);
}

#[tokio::test]
async fn a_grants_code_is_changed_by_its_grant_only() {
    let world = World::new().await;
    let grant = world.grant(100, 200, json!({})).await;
    let code = world.codes(&grant).await[0].clone();
    for operation in ["access_codes/update", "access_codes/delete"] {
        let error = world.refused(operation, json!({"access_code_id": code["access_code_id"]})).await;
        assert!(error["message"].as_str().unwrap().contains("belongs to access grant"), "{error}");
    }
}

#[tokio::test]
async fn a_code_put_in_by_hand_is_taken_over_in_its_slot_when_the_host_asks() {
    let world = World::new().await;
    let code = by_hand(&world, shown("8642")).await;
    world.ask("access_codes/unmanaged/convert_to_managed", json!({"access_code_id": code})).await;
    let ours = stored(&world, code).await;
    assert_eq!((ours.slot, ours.pin.as_ref().unwrap().expose()), (SlotNumber(3), "8642"));
    assert_eq!(ours.presence, Presence::Proven(Evidence::ReadBack, at(0)), "the lock showed it");
    assert!(ours.device_code().is_some() && ours.is_wanted(at(1_000_000)));
    let history = world.write(move |unit| unit.journal(code)).await;
    assert_eq!(history.iter().map(|(_, entry)| entry.clone()).collect::<Vec<_>>(), [JournalEntry::TakenOver]);
    assert_eq!(told(&world, "access_code").await, ["access_code.unmanaged.converted_to_managed"]);
    assert_eq!(
        world.refused("access_codes/unmanaged/get", json!({"access_code_id": code})).await["type"],
        "access_code_not_found"
    );
}

#[tokio::test]
async fn a_code_whose_pin_the_lock_hides_can_t_be_taken_over_but_ordered_out() {
    let world = World::new().await;
    let code = by_hand(&world, SlotContent::Hidden).await;
    let error = world.refused("access_codes/unmanaged/convert_to_managed", json!({"access_code_id": code})).await;
    assert!(error["message"].as_str().unwrap().contains("does not show its PIN"), "{error}");
    world.ask("access_codes/unmanaged/delete", json!({"access_code_id": code})).await;
    let order = stored(&world, code).await;
    assert_eq!((&order.origin, order.slot, &order.pin), (&CodeOrigin::Hand, SlotNumber(3), &None));
    assert!(order.deleted_at.is_some() && order.presence == Presence::Unproven);
    let history = world.write(move |unit| unit.journal(code)).await;
    assert_eq!(history.last().unwrap().1, JournalEntry::OrderedOut);
    let event = world.ask("events/list", json!({"event_type": "access_code.deleted"})).await["events"][0].clone();
    assert_eq!((&event["access_code_id"], &event["caller"]), (&json!(code), &json!("mqtt")), "who ordered it");
    let useless = by_hand(&world, SlotContent::Unusable).await;
    world.refused("access_codes/unmanaged/delete", json!({"access_code_id": useless})).await;
}

#[tokio::test]
async fn nothing_is_ordered_of_a_lock_that_is_not_managed() {
    let world = World::new().await;
    let code = by_hand(&world, shown("8642")).await;
    let door = world.doors[0];
    world
        .write(move |unit| {
            let device = unit.device(door)?.unwrap();
            unit.update_device(&Device { is_managed: false, ..device })
        })
        .await;
    for operation in ["access_codes/unmanaged/convert_to_managed", "access_codes/unmanaged/delete"] {
        let error = world.refused(operation, json!({"access_code_id": code})).await;
        assert!(error["message"].as_str().unwrap().contains("not managed"), "{error}");
    }
}

#[tokio::test]
async fn the_doors_of_a_grant_are_changed_and_its_codes_follow() {
    let world = World::new().await;
    let grant = world.grant(100, 200, json!({"device_ids": [world.doors[0]]})).await;
    let pin = world.method(&grant).await["code"].clone();
    let doors = |doors: Value| json!({"access_grant_id": grant["access_grant_id"], "device_ids": doors});
    world.ask("access_grants/update", doors(json!(world.doors))).await;
    let codes = world.codes(&grant).await;
    assert!(codes.len() == 2 && codes.iter().all(|code| code["code"] == pin), "{codes:?}");
    world.ask("access_grants/update", doors(json!([world.doors[1]]))).await;
    let codes = world.codes(&grant).await;
    assert_eq!(codes.len(), 1);
    assert_eq!(codes[0]["device_id"], json!(world.doors[1]));
    assert!(told(&world, "access_method.revoked").await.is_empty());
    let error = world.refused("access_grants/update", doors(json!([]))).await;
    assert!(error["validation_errors"]["device_ids"].is_object(), "{error}");
    assert_eq!(told(&world, "access_grant.changed").await.len(), 2);
}

#[tokio::test]
async fn an_added_door_that_can_t_take_the_pin_has_a_code_that_says_why() {
    let world = World::new().await;
    let wish = json!({"device_ids": [world.doors[0]],
        "requested_access_methods": [{"mode": "code", "code": "12345678"}]});
    let grant = world.grant(100, 200, wish).await;
    let doors = json!({"access_grant_id": grant["access_grant_id"], "device_ids": world.doors});
    world.ask("access_grants/update", doors).await;
    let codes = world.codes(&grant).await;
    let gate = codes.iter().find(|code| code["device_id"] == json!(world.doors[1])).unwrap();
    let error = &gate["errors"][0];
    assert_eq!(error["error_code"], "failed_to_set_on_device");
    assert!(error["message"].as_str().unwrap().contains("4 to 6 digits"), "{error}");
    assert_eq!(told(&world, "access_code.failed_to_set").await.len(), 1);
    assert!(codes.iter().any(|code| code["errors"] == json!([])), "the other door is not kept waiting");
}

#[tokio::test]
async fn one_method_is_deleted_and_the_other_stays() {
    let world = World::new().await;
    let two = json!({"requested_access_methods": [{"mode": "code"}, {"mode": "code"}]});
    let grant = world.grant(100, 200, two).await;
    let ids = grant["access_method_ids"].as_array().unwrap().clone();
    world.ask("access_methods/delete", json!({"access_method_id": ids[0]})).await;
    let error = world.refused("access_methods/get", json!({"access_method_id": ids[0]})).await;
    assert_eq!(error["type"], "access_method_not_found");
    let shown = world.ask("access_grants/get", json!({"access_grant_id": grant["access_grant_id"]})).await;
    assert_eq!(shown["access_grant"]["access_method_ids"], json!([ids[1]]));
    assert_eq!(world.codes(&grant).await.len(), 2);
    let trail = ["access_method.deleted", "access_method.revoked"];
    for name in trail {
        assert_eq!(told(&world, name).await.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_recurring_grant_is_issued_when_it_is_made_between_its_times() {
    let world = World::new().await;
    // The tests' clock begins on a Friday at eight.
    let from_nine = json!({"schedule": {"cron": "0 9 * * *", "duration": "1h", "time_zone": "UTC"}});
    let grant = world.grant(-10, 90_000, from_nine).await;
    assert_eq!(world.method(&grant).await["is_issued"], true);
    let now = json!({"schedule": {"cron": "0 8 * * *", "duration": "1h", "time_zone": "UTC"}});
    let grant = world.grant(-10, 90_000, now).await;
    assert_eq!(world.method(&grant).await["is_issued"], false);
}

#[tokio::test]
async fn a_code_is_found_by_its_device_and_pin_by_those_who_may_see_pins() {
    let world = World::new().await;
    let (door, other) = (json!(world.doors[0]), json!(world.doors[1]));
    let made = world.ask("access_codes/create", json!({"device_id": door, "code": "4711", "name": "Cleaner"})).await;
    let wish = json!({"device_id": door, "code": "4711"});
    let found = world.ask("access_codes/get", wish.clone()).await;
    assert_eq!(found["access_code"]["access_code_id"], made["access_code"]["access_code_id"]);
    let elsewhere = json!({"device_id": other, "code": "4711"});
    assert_eq!(world.refused("access_codes/get", elsewhere).await["type"], "access_code_not_found");
    let reader = Caller { name: "dashboard".to_owned(), role: Role::Read };
    let answer = world.hub.call(&reader, "access_codes/get", wish, None).await.to_json(None);
    assert_eq!(answer["error"]["type"], "forbidden", "a PIN can't be found out by trying");
    let id = &made["access_code"]["access_code_id"];
    let wrong = json!({"access_code_id": id, "device_id": other});
    assert_eq!(world.refused("access_codes/delete", wrong).await["type"], "access_code_not_found");
    world.ask("access_codes/update", json!({"access_code_id": id, "ends_at": at(500)})).await;
    world.ask("access_codes/update", json!({"access_code_id": id, "type": "ongoing"})).await;
    let found = world.ask("access_codes/get", json!({"access_code_id": id})).await;
    assert_eq!((&found["access_code"]["type"], &found["access_code"]["ends_at"]), (&json!("ongoing"), &Value::Null));
}

#[tokio::test]
async fn a_generated_code_is_one_that_the_device_takes_and_is_not_kept() {
    let world = World::new().await;
    let body = json!({"device_id": world.doors[1]});
    let generated = world.ask("access_codes/generate_code", body).await["generated_code"].clone();
    assert_eq!(generated["code"].as_str().unwrap().len(), 6);
    assert_eq!(world.ask("access_codes/list", json!({})).await["access_codes"], json!([]));
}

#[tokio::test]
async fn the_pin_of_codes_with_a_common_key_is_not_changed_for_one_of_them_alone() {
    let world = World::new().await;
    let one = made(&world, json!({"common_code_key": "cleaners"})).await;
    let change = |code: &Value| json!({"access_code_id": code["access_code_id"], "code": "97531"});
    world.ask("access_codes/update", change(&one)).await;
    let order = json!({"device_id": world.doors[1], "code": null, "common_code_key": "cleaners"});
    assert_eq!(made(&world, order).await["code"], "97531");
    let mut other = change(&one);
    other["code"] = json!("86420");
    let error = world.refused("access_codes/update", other).await;
    assert!(error["validation_errors"]["code"].is_object(), "{error}");
}
