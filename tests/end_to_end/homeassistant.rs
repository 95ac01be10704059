//! What Home Assistant is told, and what reaches the hub from it: over a real broker, with its own words.

use std::path::Path;

use keyway_test_support::{
    Client, Hub, LockSetup, Message, SOON, Setup, Signal, Stick, World, assert_golden, wait_until,
};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

/// The announcement of what is called so, as the broker has it.
fn announced(client: &Client, name: &str) -> Option<Message> {
    let mut messages = client.messages();
    messages.retain(|message| message.topic.starts_with("homeassistant/device/"));
    messages.into_iter().rev().find(|message| message.json()["dev"]["name"] == name)
}

fn wait_for(client: &Client, name: &str) -> Message {
    wait_until(&format!("{name} is announced"), SOON, || announced(client, name))
}

/// The last of what was said on a topic.
fn last(client: &Client, topic: &str) -> Option<Message> {
    client.messages().into_iter().rev().find(|message| message.topic == topic)
}

#[test]
fn the_hub_and_its_locks_are_announced_as_it_is_frozen() {
    let world = World::new(KEYWAY);
    let hub = wait_for(&world.client, "Keyway test").json();
    // The door itself is told of once the lock has said how it stands.
    let lock = wait_until("all of the lock is announced", SOON, || {
        let lock = announced(&world.client, "Front door")?.json();
        lock["cmps"]["door"].is_object().then_some(lock)
    });
    assert_eq!(lock["dev"]["via_device"], hub["dev"]["ids"][0]);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/homeassistant");
    for (name, message) in [("hub", &hub), ("lock", &lock)] {
        let hub_id = hub["dev"]["ids"][0].as_str().unwrap();
        let text = message.to_string().replace(hub_id, "<hub>").replace(&world.devices[0], "<device>");
        let frozen: Value = serde_json::from_str(&text.replace(env!("CARGO_PKG_VERSION"), "<version>")).unwrap();
        assert_golden(&golden.join(format!("{name}.json")), &frozen);
    }
}

#[test]
fn who_used_a_door_last_is_kept_by_name() {
    let world = World::new(KEYWAY);
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    assert!(world.stick.type_code(FRONT_DOOR, &grant.pin));
    let topic = format!("{}/devices/{}/last_use", world.client.base(), world.devices[0]);
    let told = wait_until("the use is told", SOON, || last(&world.client, &topic));
    let told = told.json();
    assert_eq!((&told["event_type"], &told["method"]), (&json!("unlocked"), &json!("keycode")), "{told}");
    assert_eq!(told["access_grant_id"], grant.id.as_str(), "{told}");
    let asked = world.client.ask("user_identities/list", json!({}));
    assert_eq!(told["by"], asked["user_identities"][0]["full_name"], "{told}");

    let latecomer = Client::connect(world.broker.port(), "test");
    let kept = wait_until("it is kept", SOON, || last(&latecomer, &topic));
    assert!(kept.retained);
}

#[test]
fn all_is_announced_again_when_home_assistant_starts() {
    let world = World::new(KEYWAY);
    let topic = wait_for(&world.client, "Front door").topic;
    // As after a restart of a broker that forgets.
    let times = || world.client.messages().iter().filter(|message| message.topic == topic).count();
    let before = times();
    world.client.publish("homeassistant/status", "offline");
    world.client.ask("devices/list", json!({}));
    assert_eq!(times(), before, "its end is no reason to say anything");
    world.client.publish("homeassistant/status", "online");
    wait_until("it is announced again", SOON, || (times() > before).then_some(()));
}

#[test]
fn a_device_that_goes_is_announced_no_more_also_if_it_went_while_the_broker_was_away() {
    let mut world = World::new(KEYWAY);
    let lock = wait_for(&world.client, "Garden gate");
    let hub_prefix = wait_for(&world.client, "Keyway test").topic.replace("/config", "_");
    // One of this hub's that is no more, and one of another hub's.
    let (gone, foreign) = (format!("{hub_prefix}gone/config"), "homeassistant/device/keyway_other_1/config");
    let put = |topic: &str| world.client.send(topic, b"{\"dev\":{}}".to_vec(), true);
    put(&gone);
    put(foreign);
    world.hub.kill();
    world.restart_hub();
    let empty = |topic: &str| last(&world.client, topic).is_some_and(|message| message.payload.is_empty());
    wait_until("what is gone is cleared", SOON, || empty(&gone).then_some(()));
    assert!(!empty(foreign) && !empty(&lock.topic));
}

#[test]
fn the_buttons_and_the_number_of_a_lock_do_what_they_say() {
    let world = World::new(KEYWAY);
    let lock = wait_for(&world.client, "Garden gate").json();
    let component = |name: &str| lock["cmps"][name].clone();
    let topic = |component: &Value| {
        let base = component["~"].as_str().unwrap();
        component["cmd_t"].as_str().unwrap().replace('~', base)
    };
    let identify = component("identify");
    world.client.publish(&topic(&identify), identify["pl_prs"].as_str().unwrap());
    wait_until("it shows itself", SOON, || (world.stick.lock(GARDEN_GATE).identified == 1).then_some(()));
    let check = component("check_codes");
    let before = world.stick.wait_until_quiet(GARDEN_GATE);
    world.client.publish(&topic(&check), check["pl_prs"].as_str().unwrap());
    wait_until("its slots are read", SOON, || (world.stick.lock(GARDEN_GATE).frames != before.frames).then_some(()));
    let bolt = component("lock");
    world.client.publish(&topic(&bolt), "UNLOCK");
    wait_until("it opens", SOON, || (!world.stick.lock(GARDEN_GATE).locked).then_some(()));
}

/// Unique ids of all that is announced of a device or the hub, by the names of its entities.
fn unique_ids(announcement: &Message) -> Vec<String> {
    let components = announcement.json()["cmps"].clone();
    let all = components.as_object().into_iter().flatten().filter_map(|(_, entity)| entity["uniq_id"].as_str());
    all.map(str::to_owned).collect()
}

#[test]
fn a_zigbee_lock_that_is_taken_out_and_added_again_is_the_same_device_with_the_same_grants() {
    let world = World::with(KEYWAY, &Setup::of(&[LockSetup::s2(FRONT_DOOR, "Front door")]).on_zigbee(13));
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    let before = wait_for(&world.client, "Front door");

    world.client.ask("networks/exclude", json!({}));
    wait_until("the stick waits for it", SOON, || {
        (world.client.ask("networks/get", json!({}))["network"]["task"]["step"] == "ready").then_some(())
    });
    world.stick.order(json!({"node": FRONT_DOOR, "leave": true}));
    world.client.event("device.removed", SOON, |event| event["device_id"] == world.devices[0].as_str());
    let gone = || last(&world.client, &before.topic).is_some_and(|message| message.payload.is_empty());
    wait_until("it goes from Home Assistant", SOON, || gone().then_some(()));

    world.client.ask("networks/include", json!({}));
    wait_until("it joins", SOON, || {
        let answer = world.stick.try_order(&json!({"node": FRONT_DOOR, "join": true}));
        (answer["ok"] == true).then_some(())
    });
    assert_eq!(world.client.ready_devices(&["Front door"], SOON * 2), world.devices);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON * 2);
    let after = wait_until("it is announced again", SOON, || {
        last(&world.client, &before.topic).filter(|message| !message.payload.is_empty())
    });
    let (old, new) = (unique_ids(&before), unique_ids(&after));
    assert!(!old.is_empty() && old.iter().all(|id| new.contains(id)), "{old:?}\n{new:?}");
}

#[test]
fn a_renamed_hub_has_the_same_ids() {
    let mut world = World::new(KEYWAY);
    let (hub, lock) = (wait_for(&world.client, "Keyway test"), wait_for(&world.client, "Front door"));
    let old = unique_ids(&lock);
    let config = std::fs::read_to_string(world.hub.config()).unwrap();
    std::fs::write(world.hub.config(), config.replacen("name = \"test\"", "name = \"villa\"", 1)).unwrap();
    world.hub.end(Signal::Terminate);
    world.hub.start();
    let renamed = wait_for(&world.client, "Keyway villa");
    assert_eq!((&renamed.topic, unique_ids(&renamed)), (&hub.topic, unique_ids(&hub)));
    let again = wait_until("the lock is announced under the new name", SOON, || {
        last(&world.client, &lock.topic).filter(|message| message.json()["cmps"]["lock"]["~"] == "keyway/villa")
    });
    let new = unique_ids(&again);
    assert!(!old.is_empty() && old.iter().all(|id| new.contains(id)), "{old:?}\n{new:?}");
}

#[test]
fn two_hubs_on_one_broker_announce_each_its_own() {
    let world = World::new(KEYWAY);
    let first = wait_for(&world.client, "Front door");
    let setup = Setup::of(&[LockSetup::s2(FRONT_DOOR, "Front door")]);
    let stick = Stick::ours(KEYWAY, &setup);
    let mut other = Hub::prepared(KEYWAY, world.broker.port(), &stick.port(), &setup);
    let config = std::fs::read_to_string(other.config()).unwrap();
    std::fs::write(other.config(), config.replacen("name = \"test\"", "name = \"annex\"", 1)).unwrap();
    other.start();
    let second = wait_until("the other's door is announced", SOON, || {
        let all = world.client.messages();
        all.into_iter().rev().find(|m| m.topic.ends_with("/config") && m.json()["cmps"]["lock"]["~"] == "keyway/annex")
    });
    assert_ne!(second.topic, first.topic);
    assert!(unique_ids(&second).iter().all(|id| !unique_ids(&first).contains(id)));
    other.end(Signal::Terminate);
    assert!(last(&world.client, &first.topic).is_some_and(|message| !message.payload.is_empty()));
}

#[test]
fn whatever_a_door_is_called_home_assistant_can_read_it() {
    let world = World::new(KEYWAY);
    let long = "Gästehaus \"Süd\" {{ 1/0 }} 🏡 ".repeat(9);
    for name in ["Tür \"am\" Bach 🚪", "{{ states }} {% raw", long.trim()] {
        let answer = world.client.request("devices/update", json!({"device_id": world.devices[0], "name": name}));
        if answer["ok"] == true {
            wait_for(&world.client, name);
        } else {
            assert_eq!(answer["error"]["type"], "invalid_input", "{answer}");
        }
    }
}
