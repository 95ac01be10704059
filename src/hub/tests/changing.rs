use keyway_lock::Evidence;

use super::*;
use crate::model::{AccessCode, AccessGrantId, CodeProblem, Presence, ProblemKind};

fn id(grant: &Value) -> AccessGrantId {
    serde_json::from_value(grant["access_grant_id"].clone()).unwrap()
}

#[tokio::test]
async fn a_deleted_grant_is_not_found_and_its_codes_are_to_leave_the_locks() {
    let world = World::new().await;
    let grant = world.grant(-10, 200, json!({})).await;
    let (grant_id, door) = (id(&grant), world.doors[0]);
    world
        .write(move |unit| {
            let filter = crate::store::CodeFilter { grant: Some(grant_id), device: Some(door), ..Default::default() };
            let mut code = unit.codes(&filter)?.remove(0);
            code.presence = Presence::Proven(Evidence::ReadBack, unit.now());
            unit.update_code(&code)
        })
        .await;
    let body = json!({"access_grant_id": grant_id});
    world.ask("access_grants/delete", body.clone()).await;
    let error = world.refused("access_grants/get", body).await;
    assert_eq!(error["type"], "access_grant_not_found");
    let left = world.write(move |unit| unit.live_codes(door)).await;
    assert!(left.iter().all(|code| code.deleted_at.is_some()) && left.len() == 1, "{left:?}");
    let deleted = ["access_grant.deleted", "access_code.deleted", "access_code.deleted"];
    assert!(world.events().await.ends_with(&deleted.map(str::to_owned)), "and nothing is revoked yet");
    assert_eq!(world.public(grant_id).await, None);
}

#[tokio::test]
async fn a_grant_deleted_before_its_start_is_revoked_with_that() {
    let world = World::new().await;
    let grant = world.grant(100, 200, json!({})).await;
    world.ask("access_grants/delete", json!({"access_grant_id": id(&grant)})).await;
    let trail = ["access_grant.deleted", "access_code.deleted", "access_code.deleted", "access_method.revoked"];
    assert!(world.events().await.ends_with(&trail.map(str::to_owned)));
}

#[tokio::test]
async fn a_changed_window_moves_the_codes_and_keeps_the_pin() {
    let world = World::new().await;
    let grant = world.grant(100, 200, json!({})).await;
    let before = world.method(&grant).await["code"].clone();
    world.ask("access_grants/update", json!({"access_grant_id": id(&grant), "ends_at": null, "name": "Longer"})).await;
    let changed = world.ask("access_grants/get", json!({"access_grant_id": id(&grant)})).await["access_grant"].clone();
    assert_eq!(changed["ends_at"], Value::Null);
    assert_eq!(changed["name"], "Longer");
    let codes = world.codes(&grant).await;
    assert!(codes.iter().all(|code| code["ends_at"].is_null() && code["code"] == before), "{codes:?}");
    let moved = "access_code.time_frame_changed";
    let trail = [moved, moved, "access_grant.access_times_changed", "access_grant.changed"];
    assert!(world.events().await.ends_with(&trail.map(str::to_owned)));
}

#[tokio::test]
async fn a_window_changed_at_a_lock_that_is_offline_is_told_of_each_time_since_the_answer_says_nothing() {
    let world = World::new().await;
    let grant = world.grant(100_000, 200_000, json!({})).await;
    world.goes_offline(world.doors[0]).await;
    for (count, change) in [
        json!({"starts_at": at(1800), "ends_at": at(7200)}),
        // It should be in the lock already: no later moment is left at which it would be told.
        json!({"starts_at": at(300)}),
        json!({"ends_at": at(9000)}),
    ]
    .into_iter()
    .enumerate()
    {
        world.set_time(600 * i64::try_from(count).unwrap());
        let mut body = change;
        body["access_grant_id"] = json!(id(&grant));
        world.ask("access_grants/update", body).await;
        let told = world.events().await.into_iter().filter(|event| event == "access_code.delay_in_setting_on_device");
        assert_eq!(told.count(), count + 1);
    }
}

#[tokio::test]
async fn what_a_lock_that_answers_is_ordered_behind_its_start_is_late_only_when_it_has_had_time_for_it() {
    let world = World::new().await;
    let grant = world.grant(100, 9000, json!({})).await;
    let problems = async || {
        let codes = world.codes(&grant).await;
        codes.iter().map(|code| code["errors"].as_array().unwrap().len()).collect::<Vec<_>>()
    };
    world.set_time(600);
    world.ask("access_grants/update", json!({"access_grant_id": id(&grant), "ends_at": at(7200)})).await;
    assert_eq!(problems().await, [0, 0]);
    assert!(!world.events().await.iter().any(|event| event == "access_code.delay_in_setting_on_device"));
    let code = &world.codes(&grant).await[0];
    assert_eq!(code["pending_mutations"][0]["created_at"], json!(at(600)), "and it is late from then on: {code}");
}

#[tokio::test]
async fn a_window_moved_onto_another_guests_finds_another_slot_or_is_refused() {
    let world = World::new().await;
    let first = world.grant(100, 200, json!({})).await;
    let second = world.grant(200, 300, json!({})).await;
    let slot = |codes: Vec<Value>| codes[0]["slot"].clone();
    assert_eq!(slot(world.codes(&first).await), slot(world.codes(&second).await), "one slot serves both in turn");
    world.ask("access_grants/update", json!({"access_grant_id": id(&second), "starts_at": at(150)})).await;
    assert_ne!(slot(world.codes(&first).await), slot(world.codes(&second).await));
    for slot in 3..=4 {
        world.says(slot, SlotContent::Hidden).await;
    }
    let third = world.grant(300, 400, json!({})).await;
    let error =
        world.refused("access_grants/update", json!({"access_grant_id": id(&third), "starts_at": at(150)})).await;
    assert!(error["message"].as_str().unwrap().contains("Front door: the lock is full"), "{error}");
}

#[tokio::test]
async fn a_window_may_be_changed_while_the_code_is_in_the_lock() {
    let world = World::new().await;
    let grant = world.grant(-10, 200, json!({})).await;
    let later = world.grant(200, 300, json!({})).await;
    let grant_id = id(&grant);
    world
        .write(move |unit| {
            for mut code in unit.codes(&crate::store::CodeFilter { grant: Some(grant_id), ..Default::default() })? {
                code.presence = Presence::Proven(Evidence::ReadBack, unit.now());
                unit.update_code(&code)?;
            }
            Ok(())
        })
        .await;
    let before = world.codes(&grant).await[0]["slot"].clone();
    world.ask("access_grants/update", json!({"access_grant_id": grant_id, "ends_at": at(250)})).await;
    assert_eq!(world.codes(&grant).await[0]["slot"], before, "it stays where it is");
    assert_ne!(world.codes(&later).await[0]["slot"], before, "who waits makes way");
}

#[tokio::test]
async fn what_everybody_may_see_holds_no_pin() {
    let world = World::new().await;
    let wish = json!({"requested_access_methods": [{"mode": "code", "code": "860193"}]});
    let grant = world.grant(100, 200, wish).await;
    assert!(grant.to_string().contains("860193"), "the host who asked sees it");
    let public = world.public(id(&grant)).await.unwrap();
    assert!(!public.to_string().contains("860193"), "{public}");
    assert_eq!(public["access_codes"].as_array().unwrap().len(), 2);
    world.set_time(200);
    assert_eq!(world.public(id(&grant)).await, None, "over, and never in a lock");
}

#[tokio::test]
async fn a_grant_that_ends_without_ever_being_in_its_lock_is_told_to_be_revoked_once() {
    let world = World::new().await;
    world.grant(100, 200, json!({})).await;
    let revoked = async || world.events().await.iter().filter(|name| *name == "access_method.revoked").count();
    for (now, told) in [(150, 0), (250, 1), (300, 1)] {
        world.set_time(now);
        world.write(move |unit| unit.settle_methods_over(at(now - 150))).await;
        assert_eq!(revoked().await, told, "at {now}");
    }
}

#[tokio::test]
async fn a_recurring_grants_codes_tell_when_they_go_in_next() {
    let world = World::new().await;
    // The tests' clock begins on a Friday, 2027-01-15 at 08:00 UTC.
    let schedule = json!({"cron": "0 9 * * MON-FRI", "duration": "8h", "time_zone": "Etc/UTC"});
    let grant = world.grant(0, 10 * 86_400, json!({"schedule": schedule})).await;
    let windows = grant["schedule"]["next_windows"].as_array().unwrap();
    let starts: Vec<&str> = windows.iter().map(|window| window["starts_at"].as_str().unwrap()).collect();
    assert_eq!(starts[..2], ["2027-01-15T09:00:00.000Z", "2027-01-18T09:00:00.000Z"], "not at the weekend");
    let code = &world.codes(&grant).await[0];
    assert_eq!(code["schedule"]["next_windows"], grant["schedule"]["next_windows"]);
    assert_eq!(code["pending_mutations"][0]["scheduled_at"], "2027-01-15T09:00:00.000Z");
}

#[tokio::test]
async fn a_stay_is_cut_short_or_extended_although_a_pin_like_its_own_was_set_by_hand_since() {
    let world = World::new().await;
    let wish = json!({"requested_access_methods": [{"mode": "code", "code": "556677"}]});
    let grant = world.grant(-10, 200, wish.clone()).await;
    let next = world.grant(200, 300, wish).await;
    world.says(4, SlotContent::Code(keyway_lock::Pin::new("5566").unwrap())).await;
    for end in [100, 150] {
        world.ask("access_grants/update", json!({"access_grant_id": id(&grant), "ends_at": at(end)})).await;
    }
    let longer = json!({"access_grant_id": id(&grant), "ends_at": at(250)});
    let error = world.refused("access_grants/update", longer).await;
    assert!(error["message"].as_str().unwrap().contains("Front door: another code"), "the next guest's: {error}");
    world.set_time(300);
    let again = json!({"access_grant_id": id(&next), "ends_at": at(400)});
    let error = world.refused("access_grants/update", again).await;
    assert!(error["message"].as_str().unwrap().contains("Front door: another code"), "it was over: {error}");
}

#[tokio::test]
async fn a_door_that_can_not_take_the_code_keeps_the_grant_from_no_change_and_is_tried_again_with_it() {
    let world = World::new().await;
    let wish = |pin| json!({"requested_access_methods": [{"mode": "code", "code": pin}]});
    let mut order = wish("77665");
    order["device_ids"] = json!([world.doors[0]]);
    let grant = world.grant(0, 500, order).await;
    let mut order = wish("776655");
    order["device_ids"] = json!([world.doors[1]]);
    world.grant(0, 300, order).await;
    world.ask("access_grants/update", json!({"access_grant_id": id(&grant), "device_ids": world.doors})).await;
    let errors = async || world.codes(&grant).await[1]["errors"].clone();
    assert_eq!(errors().await[0]["error_code"], "failed_to_set_on_device");
    world.ask("access_grants/update", json!({"access_grant_id": id(&grant), "ends_at": at(600)})).await;
    assert_eq!(errors().await[0]["error_code"], "failed_to_set_on_device", "it still stands");
    world.ask("access_grants/update", json!({"access_grant_id": id(&grant), "starts_at": at(300)})).await;
    assert_eq!(errors().await, json!([]), "the other is out by then");
    assert!(world.codes(&grant).await.iter().all(|code| code["starts_at"] == json!(at(300))));
}

#[tokio::test]
async fn what_a_lock_refused_is_tried_again_when_the_grant_is_updated_with_whatever() {
    let world = World::new().await;
    let grant = world.grant(-10, 200, json!({})).await;
    let door = world.doors[0];
    world
        .write(move |unit| {
            let code = unit.live_codes(door)?.remove(0);
            let message = "the lock refused the command".to_owned();
            let problem = Some(CodeProblem { kind: ProblemKind::FailedToSet, message, since: unit.now() });
            unit.update_code(&AccessCode { problem, ..code })
        })
        .await;
    assert_ne!(world.codes(&grant).await[0]["errors"], json!([]));
    world.ask("access_grants/update", json!({"access_grant_id": id(&grant)})).await;
    assert_eq!(world.codes(&grant).await[0]["errors"], json!([]));
    assert!(!world.events().await.contains(&"access_grant.changed".to_owned()), "nothing was");
}
