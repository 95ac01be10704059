//! Who used a lock while the hub was dead.

use keyway_test_support::{SOON, World, utc, wait_until};
use serde_json::{Value, json};

use crate::{FRONT_DOOR, KEYWAY};

/// Whether the lock was asked for its log since then.
fn wait_until_log_is_read(world: &World, asked: usize) -> usize {
    let count = || {
        let commands = world.stick.lock(FRONT_DOOR).commands;
        commands.iter().filter(|(command, _)| command == "door_lock_logging_record_get").count()
    };
    wait_until("the log is read", SOON * 2, || Some(count()).filter(|count| *count > asked))
}

fn replayed(world: &World) -> Vec<Value> {
    let events = world.client.ask("events/list", json!({"event_types": ["lock.unlocked", "lock.locked"]}));
    let events = events["events"].as_array().cloned().unwrap_or_default();
    events.into_iter().filter(|event| event["is_replayed"] == true).collect()
}

#[test]
fn a_guest_who_came_while_the_hub_was_dead_is_told_of_once_by_name_and_with_the_time() {
    let mut world = World::new(KEYWAY);
    world.stick.order(json!({"node": FRONT_DOOR, "clock": utc().as_second()}));
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.client.event("access_code.set_on_device", SOON, |_| true);
    let asked = wait_until_log_is_read(&world, 0);
    // Heard live: not told again.
    assert!(world.stick.type_code(FRONT_DOOR, &grant.pin));
    world.client.event("lock.unlocked", SOON, |_| true);
    world.hub.kill();
    let came = utc();
    assert!(world.stick.type_code(FRONT_DOOR, &grant.pin));
    world.stick.order(json!({"node": FRONT_DOOR, "turn": "lock"}));
    // Nobody hears what it tells.
    world.stick.wait_until_quiet(FRONT_DOOR);
    world.restart_hub();
    let told = world.client.event("lock.unlocked", SOON * 2, |event| event["is_replayed"] == true);
    assert_eq!((&told["access_grant_id"], &told["method"]), (&json!(grant.id), &json!("keycode")));
    assert_eq!(told["is_device_time_wrong"], false);
    let at: jiff::Timestamp = told["occurred_at"].as_str().unwrap().parse().unwrap();
    assert!(at.duration_since(came).abs().as_secs() <= 5, "{told}");
    world.client.event("lock.locked", SOON, |event| event["is_replayed"] == true && event["method"] == "manual");
    let asked = wait_until_log_is_read(&world, asked);
    world.hub.kill();
    world.restart_hub();
    wait_until_log_is_read(&world, asked);
    assert_eq!(replayed(&world).len(), 2, "each once");
}

#[test]
fn a_lock_with_a_wrong_clock_is_said_to_have_one() {
    let mut world = World::new(KEYWAY);
    world.stick.order(json!({"node": FRONT_DOOR, "clock": 946_684_800}));
    wait_until_log_is_read(&world, 0);
    // What it answered is kept before anything else is asked of the lock.
    world.client.ask("locks/lock_door", json!({"device_id": world.devices[0]}));
    world.client.event("action_attempt.lock_door.succeeded", SOON, |_| true);
    world.hub.kill();
    world.stick.order(json!({"node": FRONT_DOOR, "turn": "unlock"}));
    world.stick.wait_until_quiet(FRONT_DOOR);
    world.restart_hub();
    let told = world.client.event("lock.unlocked", SOON * 2, |event| event["is_replayed"] == true);
    assert_eq!(told["is_device_time_wrong"], true);
    assert!(told["device_time"].as_str().unwrap().starts_with("2000-01-01T00:"), "{told}");
}
