//! What is asked: every operation at least once, in an order in which it makes sense.

use std::time::Duration;

use keyway_test_support::{SOON, wait_until};
use serde_json::{Value, json};

/// One request. A `$name` in its body is the id that an earlier step kept under that name.
pub(super) struct Step {
    pub(super) operation: &'static str,
    pub(super) body: Value,
    /// The name of an id, and its place in the answer.
    pub(super) keeps: Option<(&'static str, &'static str)>,
    /// Asked again until this place in the answer has this value.
    waits: Option<(&'static str, Value)>,
    /// The place in the answer of what is moving on while it is written.
    moves: Option<&'static str>,
}

impl Step {
    /// Asks until the answer is as the step wants it.
    pub(super) fn until(&self, ask: impl Fn() -> (u16, Value)) -> (u16, Value) {
        wait_until(&format!("{} answers as it should", self.operation), SOON, || {
            let (status, answer) = ask();
            let fits = self.waits.as_ref().is_none_or(|(place, value)| answer.pointer(place) == Some(value));
            if !fits {
                std::thread::sleep(Duration::from_millis(50));
            }
            fits.then_some((status, self.still(answer)))
        })
    }

    fn still(&self, mut answer: Value) -> Value {
        if let Some(moving) = self.moves.and_then(|place| answer.pointer_mut(place)) {
            *moving = json!("<moving>");
        }
        answer
    }

    fn keep(self, name: &'static str, place: &'static str) -> Self {
        Self { keeps: Some((name, place)), ..self }
    }

    fn moving(self, place: &'static str) -> Self {
        Self { moves: Some(place), ..self }
    }

    fn wait(self, place: &'static str, value: Value) -> Self {
        Self { waits: Some((place, value)), ..self }
    }
}

fn step(operation: &'static str, body: Value) -> Step {
    Step { operation, body, keeps: None, waits: None, moves: None }
}

/// All steps. Grants and codes lie far ahead, so that no lock is written and every state stands still.
pub(super) fn steps() -> Vec<Step> {
    let mut steps = hub_and_doors();
    steps.extend(people_and_spaces());
    steps.extend(grants());
    steps.extend(codes());
    steps.extend(endings());
    steps.extend(networks());
    steps.extend(sticks());
    steps
}

fn hub_and_doors() -> Vec<Step> {
    vec![
        step("workspaces/get", json!({})),
        step("workspaces/list", json!({})),
        step("health/get", json!({})),
        step("devices/list", json!({})).wait("/devices/1/properties/online", json!(true)),
        step("devices/get", json!({"device_id": "$front"})),
        step("devices/get", json!({"name": "Nowhere"})),
        step("locks/list", json!({"device_ids": ["$front"]})),
        step("locks/get", json!({"device_id": "$front"})),
        step("devices/update", json!({"device_id": "$gate", "name": "Back gate", "custom_metadata": {"floor": "1"}})),
        step("devices/update", json!({"device_id": "$gate", "is_managed": false})),
        step("devices/unmanaged/list", json!({})),
        step("devices/check_codes", json!({"device_id": "$front"})),
        step("devices/identify", json!({"device_id": "$front"})),
        step("devices/ping", json!({"device_id": "$front"})).keep("ping", "/action_attempt/action_attempt_id"),
        step("action_attempts/get", json!({"action_attempt_id": "$ping"}))
            .wait("/action_attempt/status", json!("success")),
        step("devices/interview", json!({"device_id": "$front"}))
            .keep("interview", "/action_attempt/action_attempt_id"),
        step("action_attempts/get", json!({"action_attempt_id": "$interview"}))
            .wait("/action_attempt/status", json!("success")),
        step("devices/unmanaged/get", json!({"device_id": "$gate"})),
        step("devices/unmanaged/update", json!({"device_id": "$gate", "is_managed": true})),
        step("devices/delete", json!({"device_id": "$gate"})),
        step("locks/unlock_door", json!({"device_id": "$front"})).keep("unlock", "/action_attempt/action_attempt_id"),
        step("action_attempts/get", json!({"action_attempt_id": "$unlock"}))
            .wait("/action_attempt/status", json!("success")),
        step("locks/lock_door", json!({"device_id": "$front"})).keep("lock", "/action_attempt/action_attempt_id"),
        step("action_attempts/list", json!({"action_attempt_ids": ["$lock"]}))
            .wait("/action_attempts/0/status", json!("success")),
        step(
            "locks/configure_auto_lock",
            json!({"device_id": "$front", "auto_lock_enabled": true, "auto_lock_delay_seconds": 3600}),
        )
        .keep("relock", "/action_attempt/action_attempt_id"),
        step("action_attempts/get", json!({"action_attempt_id": "$relock"}))
            .wait("/action_attempt/status", json!("success")),
        step("locks/configure_keypad_mode", json!({"device_id": "$front", "keypad_mode": "vacation"}))
            .keep("keypad", "/action_attempt/action_attempt_id"),
        step("action_attempts/get", json!({"action_attempt_id": "$keypad"}))
            .wait("/action_attempt/status", json!("success")),
        step("locks/configure_keypad_mode", json!({"device_id": "$front", "keypad_mode": "normal"}))
            .keep("normal", "/action_attempt/action_attempt_id"),
        step("action_attempts/get", json!({"action_attempt_id": "$normal"}))
            .wait("/action_attempt/status", json!("success")),
        step(
            "locks/configure_admin_code",
            json!({"device_id": "$front", "admin_code_enabled": true, "admin_code": "739170"}),
        )
        .keep("admin", "/action_attempt/action_attempt_id"),
        step("action_attempts/get", json!({"action_attempt_id": "$admin"}))
            .wait("/action_attempt/status", json!("success")),
        step("locks/configure_bolt", json!({"device_id": "$front", "hold_and_release_seconds": 5}))
            .keep("bolt", "/action_attempt/action_attempt_id"),
        step("action_attempts/get", json!({"action_attempt_id": "$bolt"}))
            .wait("/action_attempt/status", json!("success")),
        step("devices/list_parameters", json!({"device_id": "$front"})),
        step("devices/read_parameter", json!({"device_id": "$front", "name": "beeper"})),
        step("devices/set_parameter", json!({"device_id": "$front", "name": "beeper", "value": "off"})),
        step("connect_webviews/create", json!({})),
    ]
}

fn people_and_spaces() -> Vec<Step> {
    vec![
        step("user_identities/create", json!({"full_name": "Ada Lovelace", "email_address": "ada@example.com"}))
            .keep("ada", "/user_identity/user_identity_id"),
        step("user_identities/update", json!({"user_identity_id": "$ada", "user_identity_key": "guest 1"})),
        step("user_identities/get", json!({"user_identity_key": "guest 1"})),
        step("user_identities/list", json!({"limit": 1})),
        step("spaces/create", json!({"name": "Unit 101", "space_key": "101"})).keep("unit", "/space/space_id"),
        step("spaces/add_devices", json!({"space_id": "$unit", "device_ids": ["$front", "$gate"]})),
        step("spaces/remove_devices", json!({"space_id": "$unit", "device_ids": ["$gate"]})),
        step("spaces/update", json!({"space_id": "$unit", "name": "Unit 102"})),
        step("spaces/get", json!({"space_key": "101"})),
        step("spaces/list", json!({})),
        step("spaces/get_related", json!({"space_ids": ["$unit"], "include": ["devices"]})),
    ]
}

fn grants() -> Vec<Step> {
    let (starts_at, ends_at) = ("2099-12-01T15:00:00.000Z", "2099-12-08T11:00:00.000Z");
    vec![
        step(
            "access_grants/create",
            json!({
                "access_grant_key": "booking 1",
                "user_identity_id": "$ada",
                "space_ids": ["$unit"],
                "requested_access_methods": [{"mode": "code", "code": "739164"}],
                "starts_at": starts_at,
                "ends_at": ends_at,
            }),
        )
        .keep("grant", "/access_grant/access_grant_id"),
        step(
            "access_grants/request_access_methods",
            json!({"access_grant_id": "$grant", "requested_access_methods": [{"mode": "code", "code": "739165"}]}),
        )
        .keep("second", "/access_grant/access_method_ids/1"),
        step("access_grants/update", json!({"access_grant_id": "$grant", "name": "The stay of Ada"})),
        step("access_grants/get", json!({"access_grant_key": "booking 1"}))
            .keep("method", "/access_grant/access_method_ids/0"),
        step("access_grants/list", json!({"user_identity_id": "$ada"})),
        step("access_grants/get_related", json!({"access_grant_ids": ["$grant"], "include": ["spaces"]})),
        step("access_methods/get", json!({"access_method_id": "$method"})),
        step("access_methods/list", json!({"access_grant_id": "$grant"})),
        step("access_methods/get_related", json!({"access_method_ids": ["$method"], "include": ["access_grants"]})),
        step("access_methods/delete", json!({"access_method_id": "$second"})),
        step("events/list", json!({"event_type": "access_grant.created", "access_grant_id": "$grant"}))
            .keep("event", "/events/0/event_id"),
        step("events/get", json!({"event_id": "$event"})),
        step("user_identities/list_accessible_devices", json!({"user_identity_id": "$ada"})),
        step("user_identities/grant_access_to_device", json!({"user_identity_id": "$ada", "device_id": "$gate"})),
        step("user_identities/revoke_access_to_device", json!({"user_identity_id": "$ada", "device_id": "$gate"})),
    ]
}

fn codes() -> Vec<Step> {
    let nobody = super::NOBODY;
    vec![
        step(
            "access_codes/create",
            json!({
                "device_id": "$front",
                "name": "Cleaner",
                "code": "739166",
                "starts_at": "2099-12-01T15:00:00.000Z",
                "ends_at": "2099-12-08T11:00:00.000Z",
            }),
        )
        .keep("code", "/access_code/access_code_id"),
        step("access_codes/generate_code", json!({"device_id": "$front"})),
        step("access_codes/update", json!({"access_code_id": "$code", "name": "The cleaner"})),
        step("access_codes/get", json!({"access_code_id": "$code"})),
        step("access_codes/list", json!({"access_code_ids": ["$code"]})),
        step("access_codes/unmanaged/list", json!({"device_id": "$front"})),
        step("access_codes/unmanaged/get", json!({"access_code_id": nobody})),
        step("access_codes/unmanaged/convert_to_managed", json!({"access_code_id": nobody})),
        step("access_codes/unmanaged/update", json!({"access_code_id": nobody, "is_managed": true})),
        step("access_codes/unmanaged/delete", json!({"access_code_id": nobody})),
        step("access_codes/delete", json!({"access_code_id": "$code"})),
    ]
}

fn endings() -> Vec<Step> {
    vec![
        step("webhooks/create", json!({"url": "http://127.0.0.1:9/events", "event_types": ["device.removed"]}))
            .keep("webhook", "/webhook/webhook_id"),
        step("webhooks/update", json!({"webhook_id": "$webhook", "event_types": ["device.tampered"]})),
        step("webhooks/get", json!({"webhook_id": "$webhook"})),
        step("webhooks/list", json!({})),
        step("webhooks/delete", json!({"webhook_id": "$webhook"})),
        step("api_keys/create", json!({"name": "dashboard", "role": "read"})).keep("key", "/api_key/api_key_id"),
        step("api_keys/list", json!({})),
        step("api_keys/delete", json!({"api_key_id": "$key"})),
        step("access_grants/delete", json!({"access_grant_id": "$grant"})),
        step("access_grants/get", json!({"access_grant_id": "$grant"})),
        step("spaces/delete", json!({"space_id": "$unit"})),
        step("user_identities/delete", json!({"user_identity_id": "$ada"})),
    ]
}

/// Nobody stands at a lock: what is begun is ended again, and what nobody asked for is refused.
fn networks() -> Vec<Step> {
    let code = format!("9001{}", "00000".repeat(17));
    vec![
        step("networks/list", json!({})),
        step("networks/include", json!({"name": "Shed"})).moving("/network"),
        step("networks/get", json!({})).wait("/network/task/step", json!("ready")),
        step("networks/cancel", json!({})).moving("/network"),
        step("networks/get", json!({})).wait("/network/task", Value::Null),
        step("networks/exclude", json!({})).moving("/network"),
        step("networks/get", json!({})).wait("/network/task/step", json!("ready")),
        step("networks/cancel", json!({})).moving("/network"),
        step("networks/get", json!({})).wait("/network/task", Value::Null),
        step("networks/confirm", json!({"pin": "12345"})),
        step("networks/grant", json!({"security": ["s2_access_control"]})),
        step("networks/await_device", json!({"code": code})),
        step("networks/forget_device", json!({"label": "12345"})),
        step("networks/remove_failed", json!({"device_id": super::NOBODY})),
        step("networks/replace_failed", json!({"device_id": super::NOBODY})),
        step("networks/rebuild_routes", json!({"device_id": super::NOBODY})),
        step("networks/reset", json!({"network": "zwave", "identity": "another"})),
        step("networks/leave", json!({"network": "zwave", "identity": "another"})),
        step("networks/import_keys", json!({"s0": "not a key"})),
        step("networks/import_keys", json!({"s0": "00112233445566778899AABBCCDDEEFF"})).moving("/network"),
        step("networks/get", json!({})).wait("/network/task", Value::Null),
    ]
}

/// The ids that are known, by name, and what else differs from run to run.
#[derive(Default)]
pub(super) struct Names(Vec<(String, String)>);

impl Names {
    pub(super) fn know(&mut self, name: &str, id: &str) {
        self.0.push((format!("${name}"), id.to_owned()));
    }

    /// The body with ids where the names stand.
    pub(super) fn fill_in(&self, body: &Value) -> Value {
        each_text(body.clone(), &|text| self.0.iter().find(|(name, _)| *name == text).map(|(_, id)| id.clone()))
    }

    /// The answer with names where ids stand, and without what differs by run or by door: what is made up on the way, who
    /// asked, and the order of lists of objects.
    pub(super) fn replace(&self, answer: Value) -> Value {
        let named = each_text(answer, &|text| {
            let known = self.0.iter().find(|(_, id)| *id == text).map(|(name, _)| name.clone());
            known.or_else(|| made_up(text).map(str::to_owned))
        });
        sorted(measured(named))
    }
}

/// What is measured on the air differs from run to run.
fn measured(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(members) => {
            if let Some(link) = members.get_mut("link").and_then(Value::as_object_mut) {
                link.values_mut().filter(|value| value.is_number()).for_each(|value| *value = json!("<measured>"));
            }
            members.values_mut().for_each(|member| *member = measured(member.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = measured(item.take())),
        _ => {}
    }
    answer
}

/// What stands for a text that differs from run to run.
fn made_up(text: &str) -> Option<&'static str> {
    let parsed = text.parse::<jiff::Timestamp>().ok();
    if parsed.is_some_and(|time| time < "2099-01-01T00:00:00Z".parse().expect("a time")) {
        return Some("<time>");
    }
    let hyphens = [8, 13, 18, 23].iter().all(|place| text.as_bytes().get(*place) == Some(&b'-'));
    match text {
        super::NOBODY => None,
        _ if text.len() == 36 && hyphens => Some("<id>"),
        _ if text.starts_with("whsec_") => Some("<secret>"),
        _ if text.starts_with("seam_") => Some("<token>"),
        _ if is_chosen_pin(text) => Some("<pin>"),
        _ if text == env!("CARGO_PKG_VERSION") => Some("<version>"),
        _ => None,
    }
}

/// A PIN that the hub chose: all that are asked for here begin alike.
fn is_chosen_pin(text: &str) -> bool {
    (4..=8).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit()) && !text.starts_with("73916")
}

fn each_text(value: Value, change: &dyn Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(text) => Value::String(change(&text).unwrap_or(text)),
        Value::Array(items) => items.into_iter().map(|item| each_text(item, change)).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, each_text(value, change)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        plain => plain,
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(sorted).collect();
            if items.iter().all(Value::is_object) {
                items.sort_by_key(ToString::to_string);
            }
            Value::Array(items)
        }
        Value::Object(members) => {
            let by_whom = |name: &str, value: &Value| name == "caller" && value.is_string();
            let member = |(name, value): (String, Value)| {
                if by_whom(&name, &value) { (name, "<caller>".into()) } else { (name, sorted(value)) }
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        plain => plain,
    }
}

fn sticks() -> Vec<Step> {
    let ended = |status: &str| step("health/get", json!({})).wait("/health/sticks/0/last_order/status", json!(status));
    vec![
        step("sticks/restart", json!({"name": "zwave"})),
        ended("success"),
        step("sticks/keep_memory", json!({"name": "zwave"})),
        ended("success"),
        step("sticks/export_network", json!({"name": "zwave"})),
        step("sticks/import_network", json!({"name": "zwave", "network": "7e570001", "network_backup": {}})),
        step("sticks/set_region", json!({"name": "zwave", "region": "moon"})),
        ended("error"),
        step("sticks/restore_memory", json!({"name": "zwave", "network": "1234abcd"})),
        step("sticks/adopt", json!({"name": "zwave", "network": "7e570001"})),
        step("sticks/restart", json!({"name": "nowhere"})),
    ]
}
