//! What is asked of the hub, and what is said when it does not do it.

use serde_json::json;

use super::hub::{Answer, Hub, with_jane};
use super::keyway;

#[test]
fn the_key_goes_along_and_each_order_has_an_id_of_its_own() {
    let hub = with_jane();
    for _ in 0..2 {
        keyway(&hub, &["devices"], None).answer();
    }
    let asked = hub.asked("devices/list");
    assert_eq!(asked[0].what, "POST /devices/list");
    assert_eq!(asked[0].headers["authorization"], "Bearer seam_test_key");
    assert_ne!(asked[0].headers["idempotency-key"], asked[1].headers["idempotency-key"]);
}

#[test]
fn an_answer_that_was_lost_is_asked_for_again_with_the_same_id() {
    let hub = with_jane().gives("user_identities/create", Answer::Nothing);
    let hub = hub.answers("user_identities/create", json!({"user_identity": {"full_name": "Ada"}}));
    assert_eq!(keyway(&hub, &["users", "create", "--name", "Ada"], None).answer(), "Ada\n");
    let asked = hub.asked("user_identities/create");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].headers["idempotency-key"], asked[1].headers["idempotency-key"]);
}

#[test]
fn json_is_what_the_hub_said_to_the_byte() {
    let json = "{\"devices\": [ ],\"ok\":true, \"more\":1.50}";
    let hub = Hub::new().gives("devices/list", Answer::Json(200, json.to_owned()));
    assert_eq!(keyway(&hub, &["devices", "--json"], None).answer(), format!("{json}\n"));
    assert_eq!(keyway(&hub, &["devices", "list", "--json"], None).answer(), format!("{json}\n"));
}

#[test]
fn a_refusal_is_told_by_option_and_to_programs_as_it_came() {
    let error = json!({"error": {"type": "invalid_input", "message": "ends_at: must be in the future",
        "validation_errors": {"_errors": [], "ends_at": {"_errors": ["must be in the future"]}}}, "ok": false});
    let line = ["grants", "create", "--device", "front-door", "--name", "Jane", "--to", "+2h"];
    let refusing = || {
        let hub =
            Hub::new().answers("devices/list", json!({"devices": [{"device_id": "d1", "display_name": "Front door"}]}));
        hub.gives("access_grants/create", Answer::Json(400, error.to_string()))
    };
    let outcome = keyway(&refusing(), &line, None);
    assert_eq!(outcome.out, "");
    assert_eq!(outcome.trouble(), ("--to: must be in the future".to_owned(), 1));
    let outcome = keyway(&refusing(), &[&line[..], &["--json"]].concat(), None);
    assert_eq!(outcome.out, format!("{error}\n"));
    assert_eq!(outcome.trouble().1, 1);
}

#[test]
fn a_key_that_the_hub_does_not_know_is_told_with_where_it_came_from() {
    let error = json!({"error": {"type": "unauthorized", "message": "this key is not known"}});
    let hub = Hub::new().gives("devices/list", Answer::Json(401, error.to_string()));
    let (told, code) = keyway(&hub, &["devices"], None).trouble();
    assert!(told.starts_with("this key is not known (a test)") && told.contains("keys create"), "{told}");
    assert_eq!(code, 1);
}

#[test]
fn no_hub_and_something_else_than_a_hub_end_with_three() {
    let page = Answer::Json(200, "<html>Welcome</html>".to_owned());
    let (told, code) = keyway(&Hub::new().gives("devices/list", page), &["devices"], None).trouble();
    assert!(told.contains("no word of a hub"), "{told}");
    assert_eq!(code, 3);
    let (told, code) = keyway(&Hub::new().gives("devices/list", Answer::Nothing), &["devices"], None).trouble();
    assert!(told.contains("no hub can be reached"), "{told}");
    assert_eq!(code, 3);
}

#[test]
fn a_call_reads_its_fields_by_the_table_and_answers_in_json() {
    let hub = with_jane();
    let out = keyway(&hub, &["call", "devices/list", "device_ids=d1", "limit=3"], None).answer();
    assert!(out.starts_with("{\"devices\":["), "{out}");
    assert_eq!(hub.asked("devices/list")[0].body, json!({"device_ids": ["d1"], "limit": 3}));
    keyway(&hub, &["call", "devices/list", "--json", "-"], Some("{\"search\":\"x\"}")).answer();
    assert_eq!(hub.asked("devices/list")[1].body, json!({"search": "x"}));
}
