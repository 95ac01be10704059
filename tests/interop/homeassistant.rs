//! A real Home Assistant, in which nothing is configured but MQTT, as the judge of what Keyway tells it.

mod home;
mod identity;
mod pairing;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use keyway_test_support::{LockSetup, SOON, Setup, Signal, Stick, World, assert_golden, in_seconds, wait_until};
use serde_json::{Value, json};

use self::home::HomeAssistant;
use super::KEYWAY;

const FRONT_DOOR: u16 = 2;
const GARDEN_GATE: u16 = 3;

/// Two Z-Wave locks and a Zigbee lock, and Home Assistant at the same broker.
struct Building {
    home: HomeAssistant,
    barn_stick: Stick,
    /// The barn's device id.
    barn: String,
    world: World,
}

impl Building {
    fn new() -> Self {
        let front_door =
            LockSetup { oddities: r#"{"serial_number": "KW-0042"}"#, ..LockSetup::s2(FRONT_DOOR, "Front door") };
        let setup = Setup::of(&[front_door, LockSetup::s2(GARDEN_GATE, "Garden gate")]);
        let mut world = World::with(KEYWAY, &setup);
        let (barn_stick, barn) = world.with_zigbee(KEYWAY, "Barn");
        let home = HomeAssistant::start(world.broker.port());
        Self { home, barn_stick, barn, world }
    }
}

/// What Home Assistant has of the hub and its locks, by device and entity id.
fn found(home: &HomeAssistant) -> BTreeMap<String, Value> {
    let states = home.ask(json!({"type": "get_states"}));
    let states = states.as_array().cloned().unwrap_or_default();
    let entities = home.ask(json!({"type": "config/entity_registry/list"}));
    let devices = home.ask(json!({"type": "config/device_registry/list"}));
    let mut found = BTreeMap::new();
    for device in devices.as_array().into_iter().flatten().filter(|device| device["identifiers"][0][0] == "mqtt") {
        let mut all = serde_json::Map::new();
        for entity in entities.as_array().into_iter().flatten().filter(|entity| entity["device_id"] == device["id"]) {
            let state = states.iter().find(|state| state["entity_id"] == entity["entity_id"]);
            let state = state.cloned().unwrap_or_default();
            let told = json!({
                "name": state["attributes"]["friendly_name"],
                "state": state["state"],
                "class": state["attributes"]["device_class"],
                "unit": state["attributes"]["unit_of_measurement"],
                "category": entity["entity_category"],
                "disabled": entity["disabled_by"] != Value::Null,
            });
            let told = told.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null() && **value != false);
            let told = told.map(|(key, value)| (key.clone(), value.clone())).collect();
            all.insert(entity["entity_id"].as_str().unwrap_or_default().to_owned(), Value::Object(told));
        }
        let about = |key: &str| device[key].clone();
        let via = devices.as_array().into_iter().flatten().find(|hub| hub["id"] == device["via_device_id"]);
        let told = json!({
            "manufacturer": about("manufacturer"), "model": about("model"), "firmware": about("sw_version"),
            "serial_number": about("serial_number"), "via": via.map(|hub| hub["name"].clone()), "entities": all,
        });
        found.insert(about("name").as_str().unwrap_or_default().to_owned(), told);
    }
    found
}

/// The bolt is turned to and fro.
fn turn(home: &HomeAssistant, world: &World) {
    for (service, state) in [("lock.lock", "locked"), ("lock.unlock", "unlocked")] {
        home.call(service, json!({"entity_id": "lock.front_door"}));
        home.wait_for("lock.front_door", state);
        assert_eq!(world.stick.lock(FRONT_DOOR).locked, state == "locked");
    }
}

/// The entity of a lock that answers.
fn is_there(entity: &Value) -> Option<()> {
    ["locked", "unlocked"].iter().any(|state| entity["state"] == *state).then_some(())
}

/// The id that Home Assistant has given to the device of an entity.
fn device_of(home: &HomeAssistant, entity: &str) -> String {
    home.render(&format!("{{{{ device_id('{entity}') }}}}"))
}

/// Lets the calendar's automation look, which it does by itself every ten minutes, until something is so. One that was just
/// made hears no answer in its first second.
fn look_until<T>(home: &HomeAssistant, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let mut rounds = 0;
    wait_until(what, SOON * 2, || {
        if rounds % 100 == 0 {
            home.call("automation.trigger", json!({"entity_id": "automation.guests"}));
        }
        rounds += 1;
        ask()
    })
}

fn grants(world: &World) -> Vec<Value> {
    let all = world.client.ask("access_grants/list", json!({}));
    all["access_grants"].as_array().cloned().unwrap_or_default()
}

/// The message of the notification with this title.
fn told(home: &HomeAssistant, title: &str) -> Option<String> {
    home.notifications().into_iter().find(|(shown, _)| shown == title).map(|(_, message)| message)
}

#[test]
fn a_newcomer_finds_every_lock_with_all_that_it_tells_and_uses_it() {
    let Building { home, barn_stick, barn, world } = Building::new();
    for lock in ["lock.front_door", "lock.garden_gate", "lock.barn"] {
        home.wait_while(lock, |entity| {
            ["locked", "unlocked"].iter().any(|state| entity["state"] == *state).then_some(())
        });
    }
    // What a lock has not said yet, such as its door or how well it is heard, is told a moment later.
    let mut before = found(&home);
    wait_until("nothing more is found", SOON * 2, || {
        std::thread::sleep(Duration::from_secs(3));
        let now = found(&home);
        (std::mem::replace(&mut before, now) == before).then_some(())
    });
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/homeassistant/found.json");
    assert_golden(&frozen, &json!(found(&home)));

    home.call("lock.lock", json!({"entity_id": ["lock.front_door", "lock.barn"]}));
    wait_until("both are locked", SOON, || {
        (world.stick.lock(FRONT_DOOR).locked && barn_stick.lock(FRONT_DOOR).locked).then_some(())
    });
    home.wait_for("lock.barn", "locked");
    home.call("lock.unlock", json!({"entity_id": ["lock.front_door", "lock.barn"]}));
    home.wait_for("lock.front_door", "unlocked");
    home.wait_for("lock.barn", "unlocked");
    assert!(!world.stick.lock(FRONT_DOOR).locked && !barn_stick.lock(FRONT_DOOR).locked);

    let grant = world.client.grant(&[&world.devices[0], &barn], -1.0, 600.0);
    for (stick, entity) in [(&world.stick, "front_door"), (&barn_stick, "barn")] {
        stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
        assert!(stick.type_code(FRONT_DOOR, &grant.pin));
        home.wait_while(&format!("event.{entity}_use"), |entity| {
            let told = &entity["attributes"];
            let fits = told["event_type"] == "unlocked" && told["method"] == "keycode" && told["by"] == "Ada Lovelace";
            fits.then_some(())
        });
        home.wait_for(&format!("sensor.{entity}_last_used_by"), "Ada Lovelace");
    }
    home.assert_content();
}

#[test]
fn home_assistant_the_broker_and_the_hub_come_back_by_themselves() {
    let Building { mut home, mut world, .. } = Building::new();
    home.wait_while("lock.front_door", is_there);
    let before = found(&home);

    home.restart();
    home.wait_while("lock.front_door", is_there);
    turn(&home, &world);

    world.broker.stop();
    home.wait_for("lock.front_door", "unavailable");
    world.broker.start();
    home.wait_while("lock.front_door", is_there);
    turn(&home, &world);
    home.assert_content_but(&["Error returned from MQTT server: The connection was lost", "Failed to connect to MQTT"]);

    world.hub.kill();
    home.wait_for("lock.front_door", "unavailable");
    home.wait_for("binary_sensor.keyway_test_connected", "off");
    world.restart_hub();
    home.wait_for("binary_sensor.keyway_test_connected", "on");
    home.wait_while("lock.front_door", is_there);
    turn(&home, &world);

    let ids = |found: &BTreeMap<String, Value>| {
        let ids = |device: &Value| device["entities"].as_object().map(|all| all.keys().cloned().collect::<Vec<_>>());
        found.iter().map(|(name, device)| (name.clone(), ids(device))).collect::<Vec<_>>()
    };
    assert_eq!(ids(&before), ids(&found(&home)), "nothing is there twice, and nothing is gone");
    home.assert_content();
}

#[test]
fn a_lock_that_is_taken_out_goes() {
    let Building { mut home, world, .. } = Building::new();
    home.wait_while("lock.garden_gate", is_there);
    world.client.ask("networks/exclude", json!({"network": "zwave"}));
    wait_until("the stick listens", SOON, || {
        let asked = world.client.ask("networks/get", json!({"network": "zwave"}));
        (asked["network"]["task"]["step"] == "ready").then_some(())
    });
    world.stick.order(json!({"node": GARDEN_GATE, "press": true}));
    wait_until("it is gone", SOON, || (!found(&home).contains_key("Garden gate")).then_some(()));
    assert!(home.entity("lock.garden_gate").is_none() && home.entity("lock.front_door").is_some());
    // It warns of what it does itself for each entity that is off.
    home.assert_content_but(&["No device components to cleanup"]);
}

#[test]
fn an_event_of_a_calendar_makes_a_grant_that_follows_it_and_goes_with_it() {
    let Building { home, world, .. } = Building::new();
    home.wait_while("lock.front_door", is_there);
    home.make(
        "automation",
        "guests",
        "keyway/calendar_guests.yaml",
        json!({
            "calendar": "calendar.guests", "doors": [device_of(&home, "lock.front_door")], "hub": "test", "digits": 6,
        }),
    );
    let event = |summary: &str, until: f64| {
        json!({
            "entity_id": "calendar.guests", "summary": summary, "description": "Phone +49 170 4482 915",
            "start_date_time": in_seconds(-60.0), "end_date_time": in_seconds(until),
        })
    };
    home.call("calendar.create_event", event("Grace Hopper", 7200.0));
    let grant = look_until(&home, "there is a grant", || grants(&world).pop());
    assert_eq!(grant["display_name"], "Grace Hopper", "{grant}");
    // The last digits of the phone number.
    world.stick.wait_for_code(FRONT_DOOR, "482915", SOON);
    assert!(world.stick.type_code(FRONT_DOOR, "482915"));
    home.wait_for("sensor.front_door_last_used_by", "Grace Hopper");

    // It goes on longer.
    let booked = home.event_of("calendar.guests");
    let start: jiff::Timestamp = booked["start"]["dateTime"].as_str().unwrap_or_default().parse().expect("a time");
    let at = |hours: i64| (start + jiff::SignedDuration::from_hours(hours)).display_with_offset(jiff::tz::offset(0));
    let longer = json!({
        "summary": booked["summary"], "description": booked["description"],
        "dtstart": at(0).to_string(), "dtend": at(3).to_string(),
    });
    home.ask(json!({
        "type": "calendar/event/update", "entity_id": "calendar.guests", "uid": booked["uid"], "event": longer,
    }));
    look_until(&home, "the grant follows", || (grants(&world).pop()?["ends_at"] != grant["ends_at"]).then_some(()));
    assert_eq!(grants(&world).len(), 1);

    home.ask(json!({"type": "calendar/event/delete", "entity_id": "calendar.guests", "uid": booked["uid"]}));
    look_until(&home, "the grant is gone", || grants(&world).is_empty().then_some(()));
    world.stick.wait_for_no_code(FRONT_DOOR, "482915", SOON);

    // What the hub refuses is told.
    home.call("calendar.create_event", event("One", 7200.0));
    home.call("calendar.create_event", event("Two", 7200.0));
    look_until(&home, "it is told", || {
        home.notifications().iter().any(|(title, _)| title == "A guest has no code").then_some(())
    });
    home.assert_content();
}

#[test]
fn somebody_at_the_door_is_let_in_and_the_owner_is_told() {
    let Building { home, world, .. } = Building::new();
    home.wait_while("lock.front_door", is_there);
    let door = device_of(&home, "lock.front_door");
    home.make("script", "visitor", "keyway/let_in.yaml", json!({"doors": [door], "hub": "test", "minutes": 30}));
    home.make("automation", "tell", "keyway/tell_me.yaml", json!({"hub": "test", "uses": ["event.front_door_use"]}));

    home.call("script.visitor", json!({"guest": "Linus"}));
    let shown = wait_until("the code is shown", SOON * 2, || told(&home, "Linus may come in"));
    let code: String = shown.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    world.stick.wait_for_code(FRONT_DOOR, &code, SOON);
    assert!(world.stick.type_code(FRONT_DOOR, &code));
    let came = wait_until("who came is told", SOON * 2, || told(&home, "Front door"));
    assert_eq!(came, "Linus unlocked it.");
    home.assert_content();
}

/// Every value of `key` in a dashboard, whatever card it is in.
fn values(json: &Value, key: &str, found: &mut Vec<String>) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if name == key => found.push(text.to_owned()),
                    _ => values(value, key, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| values(one, key, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_loads_and_names_only_what_there_is() {
    let world = World::new(KEYWAY);
    let home = HomeAssistant::start(world.broker.port());
    home.wait_while("lock.front_door", is_there);
    let dashboard = home.ask(json!({"type": "lovelace/config", "url_path": "keyway-doors"}));
    assert_eq!(dashboard["views"].as_array().map(Vec::len), Some(2), "{dashboard}");
    let (mut entities, mut texts) = (Vec::new(), Vec::new());
    values(&dashboard, "entity", &mut entities);
    values(&dashboard, "content", &mut texts);
    assert!(entities.len() > 15 && texts.len() == 2);
    for entity in entities {
        assert!(home.entity(&entity).is_some(), "there is no {entity}");
    }
    assert_eq!(home.render(&texts[1]).trim(), "The hub is well.");
    home.assert_content();
}

#[test]
fn fifty_locks_with_odd_names_are_found_below_another_prefix_also_when_the_broker_has_forgotten_all() {
    let names: Vec<&'static str> = (0..50).map(|n| &*Box::leak(format!("Room {n}").into_boxed_str())).collect();
    let locks: Vec<LockSetup> = (2..).zip(&names).map(|(node, name)| LockSetup::s2(node, name)).collect();
    let mut world = World::with(KEYWAY, &Setup::of(&locks));
    let config = std::fs::read_to_string(world.hub.config()).expect("no configuration");
    let config = format!("[homeassistant]\ndiscovery_prefix = \"elsewhere\"\n{config}");
    std::fs::write(world.hub.config(), config).expect("can't write the configuration");
    world.hub.end(Signal::Terminate);
    world.restart_hub();
    let odd = ["Tür \"am\" Bach 🚪", "{{ 1 / 0 }} {% raw", &"Gästehaus Süd 🏡 ".repeat(15)[..]];
    for (device, name) in world.devices.iter().zip(odd) {
        world.client.ask("devices/update", json!({"device_id": device, "name": name.trim()}));
    }
    let mut home = HomeAssistant::looking_at(world.broker.port(), "elsewhere");
    let all_there = |home: &HomeAssistant| {
        let states = home.ask(json!({"type": "get_states"}));
        let locks = states.as_array().into_iter().flatten();
        let locks = locks.filter(|state| state["entity_id"].as_str().is_some_and(|id| id.starts_with("lock.")));
        (locks.filter_map(is_there).count() == 50).then_some(())
    };
    wait_until("all locks are there", SOON * 3, || all_there(&home));
    let found = found(&home);
    for name in odd {
        assert!(found.contains_key(name.trim()), "{name}");
    }
    home.assert_content();

    world.broker.forget();
    home.wait_for("lock.room_5", "unavailable");
    world.broker.start();
    wait_until("all locks are there again", SOON * 3, || all_there(&home));
    home.assert_content_but(&["Error returned from MQTT server: The connection was lost", "Failed to connect to MQTT"]);
    home.stop();
    world.broker.forget();
    world.broker.start();
    home.run();
    wait_until("all locks are there after a start from nothing", SOON * 3, || all_there(&home));
    home.assert_content();
}

#[test]
fn a_door_opens_from_home_assistant_only_with_the_code_if_the_configuration_has_it_so() {
    let mut world = World::new(KEYWAY);
    let config = std::fs::read_to_string(world.hub.config()).expect("no configuration");
    let config = config.replacen("username =", "unlock = \"code\"\nunlock_code = \"080915\"\nusername =", 1);
    std::fs::write(world.hub.config(), config).expect("can't write the configuration");
    world.hub.end(Signal::Terminate);
    world.restart_hub();
    let home = HomeAssistant::start(world.broker.port());
    home.wait_while("lock.front_door", is_there);
    home.call("lock.lock", json!({"entity_id": "lock.front_door"}));
    home.wait_for("lock.front_door", "locked");
    for wrong in [json!({"entity_id": "lock.front_door"}), json!({"entity_id": "lock.front_door", "code": "4711"})] {
        home.call("lock.unlock", wrong);
    }
    wait_until("the hub refuses both", SOON, || {
        let lines = world.hub.log().lines();
        (lines.iter().filter(|line| line.contains("LOCK or UNLOCK refused")).count() == 2).then_some(())
    });
    assert!(world.stick.lock(FRONT_DOOR).locked);
    home.call("lock.unlock", json!({"entity_id": "lock.front_door", "code": "080915"}));
    home.wait_for("lock.front_door", "unlocked");
    home.assert_content();
}
