//! What people see, command by command.

use serde_json::json;

use super::hub::{Answer, Hub, with_jane};
use super::keyway;

#[test]
fn a_grant_is_made_of_names_and_local_times_and_told_with_its_pin_and_its_doors() {
    let hub = with_jane();
    let line = [
        "grants",
        "create",
        "--device",
        "front-door",
        "--device",
        "Garden gate",
        "--name",
        "Jane Doe",
        "--from",
        "tomorrow 15:00",
        "--to",
        "2026-12-03 11:00",
    ];
    let out = keyway(&hub, &line, None).answer();
    assert_eq!(
        hub.asked("access_grants/create")[0].body,
        json!({
            "user_identity": {"full_name": "Jane Doe"},
            "name": "Jane Doe",
            "device_ids": ["d1", "d2"],
            "requested_access_methods": [{"mode": "code"}],
            "starts_at": "2026-11-26T14:00:00Z",
            "ends_at": "2026-12-03T10:00:00Z",
        })
    );
    assert_eq!(
        out,
        "\
Jane Doe (jane@example.org)
  PIN      482913
  Doors    Front door   ready: the lock gets it Thu 2026-11-26 15:00 CET
           Garden gate  problem: the lock does not answer. Check its battery
  From     Thu 2026-11-26 15:00 CET
  To       Thu 2026-12-03 11:00 CET
  Id       g1
The PIN can be handed out.
"
    );
}

#[test]
fn a_pin_can_come_from_stdin_and_a_recurring_grant_takes_this_machines_zone_only_if_it_has_a_name() {
    let hub = with_jane();
    let line = [
        "grants",
        "create",
        "--device",
        "d1",
        "--name",
        "Jane",
        "--ongoing",
        "--code",
        "-",
        "--key",
        "stay-7",
        "--cron",
        "0 9 * * MON-FRI",
        "--duration",
        "8h",
        "--time-zone",
        "Europe/Berlin",
    ];
    keyway(&hub, &line, Some("0471\n")).answer();
    let body = &hub.asked("access_grants/create")[0].body;
    assert_eq!(body["requested_access_methods"], json!([{"mode": "code", "code": "0471"}]));
    assert_eq!(body["schedule"], json!({"cron": "0 9 * * MON-FRI", "duration": "8h", "time_zone": "Europe/Berlin"}));
    assert_eq!(body["access_grant_key"], "stay-7");
    assert!(body.get("ends_at").is_none() && body.get("starts_at").is_none(), "{body}");
    let (told, code) = keyway(&hub, &line[..line.len() - 2], Some("0471\n")).trouble();
    assert!(told.starts_with("--time-zone"), "{told}");
    assert_eq!(code, 2);
    let (told, _) = keyway(&hub, &line, Some("47x1\n")).trouble();
    assert!(told.starts_with("--code: ") && !told.contains("47x1"), "{told}");
}

#[test]
fn grants_are_listed_with_their_doors_their_times_and_their_state() {
    assert_eq!(
        keyway(&with_jane(), &["grants"], None).answer(),
        "\
NAME      DOORS                    FROM              TO                STATE
Jane Doe  Front door, Garden gate  2026-11-26 15:00  2026-12-03 11:00  problem
"
    );
    let nobody = Hub::new().answers("access_grants/list", json!({"access_grants": []}));
    let nobody = nobody.answers("devices/list", json!({"devices": []})).answers("access_codes/list", json!({}));
    let outcome = keyway(&nobody, &["grants", "list"], None);
    assert!(outcome.notes.starts_with("There are no grants."), "{}", outcome.notes);
    assert_eq!(outcome.answer(), "");
}

#[test]
fn a_grant_is_taken_back_after_a_question_or_not_at_all() {
    let hub = with_jane();
    let outcome = keyway(&hub, &["grants", "delete", "jane doe"], Some("n\n"));
    assert_eq!(outcome.notes, "Take back the grant Jane Doe (from Thu 2026-11-26 15:00 CET)? [y/N] ");
    assert_eq!(outcome.trouble().1, 1);
    let (told, code) = keyway(&hub, &["grants", "delete", "jane doe"], None).trouble();
    assert!(told.contains("--yes"), "{told}");
    assert_eq!((code, hub.asked("access_grants/delete").len()), (2, 0));
    let out = keyway(&hub, &["grants", "delete", "jane doe", "--yes"], None).answer();
    assert!(out.starts_with("Jane Doe is taken back"), "{out}");
    assert_eq!(hub.asked("access_grants/delete")[0].body, json!({"access_grant_id": "g1"}));
}

#[test]
fn an_update_sends_what_is_given_and_shows_what_it_became() {
    let hub = with_jane().answers("access_grants/update", json!({}));
    let out =
        keyway(&hub, &["grants", "update", "g1", "--to", "2026-12-04 11:00", "--device", "gardengate"], None).answer();
    assert!(out.starts_with("Jane Doe (jane@example.org)"), "{out}");
    assert_eq!(
        hub.asked("access_grants/update")[0].body,
        json!({"access_grant_id": "g1", "ends_at": "2026-12-04T10:00:00Z", "device_ids": ["d2"]})
    );
    keyway(&hub, &["grants", "update", "g1", "--ongoing", "--always"], None).answer();
    assert_eq!(
        hub.asked("access_grants/update")[1].body,
        json!({"access_grant_id": "g1", "ends_at": null, "schedule": null})
    );
}

#[test]
fn devices_are_told_with_battery_codes_and_problems() {
    let problem = json!({"message": "the battery is low: change it"});
    let gate = json!({"device_id": "d2", "display_name": "Garden gate", "warnings": [problem], "properties": {"online": true}});
    let front = json!({"device_id": "d1", "display_name": "Front door", "properties": {"online": true, "battery_level": 0.87,
        "locked": true, "supported_code_lengths": [4, 5, 6], "last_seen_at": "2026-11-25T13:00:00Z"},
        "codes": {"in_lock": 2, "slots": 30}, "can_remotely_lock": true});
    let hub = Hub::new().answers("devices/list", json!({"devices": [front, gate]}));
    let hub = hub.answers("devices/get", json!({"device": front}));
    assert_eq!(
        keyway(&hub, &["devices"], None).answer(),
        "\
NAME         STATE    BATTERY  CODES    PROBLEMS
Front door   online   87 %     2 of 30
Garden gate  problem                    the battery is low: change it
"
    );
    assert_eq!(
        keyway(&hub, &["devices", "get", "front door"], None).answer(),
        "\
Front door
  State     online
  Bolt      locked
  Battery   87 %
  Codes     2 of 30
  PINs of   4 to 6 digits
  Heard     Wed 2026-11-25 14:00 CET
  Can       be locked from afar
  Id        d1
"
    );
}

#[test]
fn codes_are_told_with_whom_they_are_for_and_those_put_in_by_hand_are_left_alone() {
    let by_hand =
        json!({"access_codes": [{"access_code_id": "h1", "device_id": "d1", "code": null, "is_managed": false}]});
    let hub = with_jane().answers("access_codes/unmanaged/list", by_hand).answers("access_codes/delete", json!({}));
    let hub = hub.answers("access_codes/unmanaged/delete", json!({}));
    let out = keyway(&hub, &["codes", "list", "--device", "front door"], None).answer();
    assert!(out.contains("Front door  482913  Jane Doe  2026-11-26 15:00  2026-12-03 11:00  ready: "), "{out}");
    assert!(out.contains("put in by hand: left alone"), "{out}");
    let outcome = keyway(&hub, &["codes", "delete", "h1"], Some("y\n"));
    assert!(outcome.notes.contains("that somebody put in by hand"), "{}", outcome.notes);
    outcome.answer();
    assert_eq!(hub.asked("access_codes/unmanaged/delete")[0].body, json!({"access_code_id": "h1"}));
    keyway(&hub, &["codes", "delete", "c1", "--yes"], None).answer();
    assert_eq!(hub.asked("access_codes/delete")[0].body, json!({"access_code_id": "c1"}));
}

#[test]
fn a_code_is_put_into_one_lock_without_a_grant() {
    let code = json!({"access_code_id": "c9", "device_id": "d1", "code": "0471", "status": "setting"});
    let hub = with_jane().answers("access_codes/create", json!({"access_code": code}));
    let line = ["codes", "create", "--device", "front door", "--name", "Fire brigade", "--ongoing", "--code", "-"];
    let out = keyway(&hub, &line, Some("0471\n")).answer();
    assert_eq!(out, "Front door\n  PIN    0471\n  State  waits for the lock to take it\n  Id     c9\n");
    let order = json!({"device_id": "d1", "name": "Fire brigade", "code": "0471"});
    assert_eq!(hub.asked("access_codes/create")[0].body, order);
}

#[test]
fn unlocking_waits_for_the_locks_word() {
    let attempt = |status: &str, error: serde_json::Value| {
        let attempt = json!({"action_attempt_id": "a1", "status": status, "error": error});
        json!({"action_attempt": attempt})
    };
    let hub = with_jane().answers("locks/unlock_door", attempt("pending", json!(null)));
    let hub = hub.answers("action_attempts/get", attempt("pending", json!(null)));
    let hub = hub.answers("action_attempts/get", attempt("success", json!(null)));
    assert_eq!(keyway(&hub, &["unlock", "front door"], None).answer(), "Front door is unlocked: the lock says so.\n");
    let hub = with_jane().answers("locks/lock_door", attempt("pending", json!(null)));
    let hub = hub.answers("action_attempts/get", attempt("error", json!({"message": "the bolt is stuck"})));
    let (told, code) = keyway(&hub, &["lock", "front door"], None).trouble();
    assert_eq!((told.as_str(), code), ("Front door could not be locked: the bolt is stuck", 1));
}

#[test]
fn events_are_followed_over_a_broken_connection_and_none_is_left_out_or_shown_twice() {
    let event = |id: &str, name: &str| {
        let event = json!({"event_id": id, "event_type": name, "device_id": "d1", "user_identity_id": "u1",
            "occurred_at": "2026-11-25T13:00:07Z", "method": "keycode"});
        format!("id: {id}\ndata: {event}\n\n")
    };
    let hub = with_jane().answers(
        "user_identities/list",
        json!({"user_identities": [{"user_identity_id": "u1", "display_name": "Jane Doe"}]}),
    );
    let hub = hub
        .gives("events/stream", Answer::Stream(event("e1", "lock.unlocked") + &event("e2", "lock.locked")))
        .gives("events/stream", Answer::Stream(event("e3", "lock.unlocked") + "data: {\"event_id\""))
        .gives(
            "events/stream",
            Answer::Json(401, json!({"error": {"type": "unauthorized", "message": "gone"}}).to_string()),
        );
    let outcome = keyway(&hub, &["events", "--follow", "--type", "lock.unlocked", "--since", "today 13:00"], None);
    let line = "2026-11-25 14:00:07  lock.unlocked                             Front door, Jane Doe  method=keycode\n";
    assert_eq!(outcome.out, line.repeat(2));
    assert_eq!(outcome.trouble().1, 1, "a key that was taken away ends it");
    let asked = hub.asked("events/stream");
    assert_eq!(asked[0].what, "GET /events/stream?since=2026-11-25T12%3A00%3A00Z");
    assert_eq!([&asked[1], &asked[2]].map(|asked| asked.headers["last-event-id"].as_str()), ["e2", "e3"]);
}

#[test]
fn a_new_key_is_the_whole_answer_and_what_to_do_with_it_a_note() {
    let hub = Hub::new().answers("api_keys/create", json!({"api_key": {"name": "till", "token": "seam_x1"}}));
    let outcome = keyway(&hub, &["keys", "create", "till", "--role", "grants"], None);
    assert!(outcome.notes.contains("not shown again"), "{}", outcome.notes);
    assert_eq!(outcome.answer(), "seam_x1\n");
    assert_eq!(hub.asked("api_keys/create")[0].body, json!({"name": "till", "role": "grants"}));
}

#[test]
fn a_webhook_tells_how_sending_to_it_goes() {
    let well = json!({"webhook_id": "w1", "url": "https://a.example", "event_types": ["*"], "failed_attempts": 0,
        "last_delivered_at": "2026-11-25T13:00:00Z"});
    let badly = json!({"webhook_id": "w2", "url": "https://b.example", "event_types": ["lock.unlocked"],
        "failed_attempts": 2, "last_failure": "it answered 500", "next_attempt_at": "2026-11-25T13:10:00Z"});
    let hub = Hub::new().answers("webhooks/list", json!({"webhooks": [well, badly]}));
    let out = keyway(&hub, &["webhooks"], None).answer();
    assert!(out.contains("all            last taken 2026-11-25 14:00"), "{out}");
    assert!(out.contains("lock.unlocked  fails: it answered 500; tried again 2026-11-25 14:10"), "{out}");
}

#[test]
fn a_device_is_called_otherwise_and_one_that_is_left_alone_is_found_too() {
    let alone = json!({"device_id": "d9", "display_name": "Cellar", "is_managed": false});
    let hub = with_jane().answers("devices/unmanaged/list", json!({"devices": [alone]}));
    let hub = hub.answers("devices/update", json!({})).answers("devices/unmanaged/update", json!({}));
    let out = keyway(&hub, &["devices", "update", "front door", "--name", "Main door"], None).answer();
    assert_eq!(out, "Front door is called Main door now.\n");
    assert_eq!(hub.asked("devices/update")[0].body, json!({"device_id": "d1", "name": "Main door"}));
    keyway(&hub, &["devices", "update", "cellar", "--managed", "true"], None).answer();
    assert_eq!(hub.asked("devices/unmanaged/update")[0].body, json!({"device_id": "d9", "is_managed": true}));
    assert!(keyway(&hub, &["devices"], None).answer().contains("Cellar       left alone"));
}

#[test]
fn a_space_is_made_of_doors_and_granted_as_one() {
    let space = json!({"space_id": "s1", "name": "Flat 7", "display_name": "Flat 7", "device_ids": ["d1", "d2"]});
    let hub = with_jane().answers("spaces/list", json!({"spaces": [space]})).answers("spaces/add_devices", json!({}));
    let hub = hub.answers("spaces/create", json!({"space": space})).answers("spaces/get", json!({"space": space}));
    let out = keyway(&hub, &["spaces", "create", "Flat 7", "--device", "front door", "--key", "f7"], None).answer();
    assert_eq!(out, "The space Flat 7 is made, with 1 device.\n");
    let order = json!({"name": "Flat 7", "device_ids": ["d1"], "space_key": "f7"});
    assert_eq!(hub.asked("spaces/create")[0].body, order);
    let out = keyway(&hub, &["spaces", "add", "flat-7", "--device", "garden gate"], None).answer();
    assert_eq!(out, "1 device in Flat 7 now.\n");
    let out = keyway(&hub, &["spaces", "get", "flat7"], None).answer();
    assert_eq!(out, "Flat 7\n  Devices  Front door, Garden gate\n  Id       s1\n");
    keyway(&hub, &["grants", "create", "--space", "flat 7", "--name", "Jane", "--ongoing"], None).answer();
    let body = &hub.asked("access_grants/create")[0].body;
    assert_eq!((&body["space_ids"], body.get("device_ids")), (&json!(["s1"]), None));
}
