//! One lock of each kind: Security 2 Access Control, Security 0, and none.

use std::path::Path;

use keyway_test_support::{Frames, LockSetup, Output, Process, SOON, Setup, Stick, World, utc, wait_until};
use serde_json::json;

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");
const S2: u16 = 2;
const S0: u16 = 3;
const CLEAR: u16 = 4;

fn s2_lock() -> LockSetup {
    LockSetup::s2(S2, "Front door")
}

fn s0_lock() -> LockSetup {
    LockSetup { security: &["s0"], user_code_version: 1, supervision: false, ..LockSetup::s2(S0, "Garden gate") }
}

fn clear_lock() -> LockSetup {
    LockSetup { security: &[], user_code_version: 1, supervision: false, ..LockSetup::s2(CLEAR, "Shed") }
}

fn world(locks: &[LockSetup]) -> World {
    let setup = Setup::of(locks);
    World::on(KEYWAY, &setup, Stick::of_zwave_js(&folder(), &setup))
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/zwave")
}

/// What zwave-js's controller could not read or did not expect of us.
fn assert_the_peer_is_content(world: &World) {
    let state = world.stick.order(json!({"get": "state"}));
    assert_eq!(state["host_errors"], json!([]));
}

#[test]
fn the_whole_story_in_an_s2_lock() {
    let world = world(&[s2_lock()]);
    world.tell_the_whole_story(S2);
    assert_the_peer_is_content(&world);
}

#[test]
fn the_whole_story_in_locks_whose_codes_are_the_pins_of_their_users() {
    for masked in [false, true] {
        let world = world(&[LockSetup { codes_by: "user_credential", masked, ..s2_lock() }]);
        world.tell_the_whole_story(S2);
        assert_the_peer_is_content(&world);
    }
}

/// The peer's own reading of a schedule and of a clock: it keeps them, and lets everybody in all the same.
#[test]
fn a_lock_gets_the_time_and_a_code_ahead_with_its_window() {
    for lock in [s2_lock(), s0_lock()] {
        let node = lock.node;
        let world = world(&[LockSetup { year_day_slots: 1, ..lock }]);
        let grant = world.client.grant(&[&world.devices[0]], 3600.0, 2.0 * 3600.0);
        world.client.event("access_code.scheduled_on_device", SOON * 2, |_| true);
        let slot = world.stick.wait_for_code(node, &grant.pin, SOON);
        let state = world.stick.order(json!({"get": "state"}));
        let schedule = &state["locks"][0]["schedules"][0];
        // The first whole minutes in the grant, and behind it; years as the class writes them.
        let up = |at: jiff::Timestamp| {
            let minute = jiff::Timestamp::from_second((at.as_second() / 60 + 1) * 60).expect("a time of today");
            jiff::tz::TimeZone::UTC.to_datetime(minute)
        };
        let (start, stop) = (up(grant.starts_at), up(grant.ends_at));
        let expected = json!({
            "user": slot,
            "startYear": start.year() % 100, "startMonth": start.month(), "startDay": start.day(),
            "startHour": start.hour(), "startMinute": start.minute(),
            "stopYear": stop.year() % 100, "stopMonth": stop.month(), "stopDay": stop.day(),
            "stopHour": stop.hour(), "stopMinute": stop.minute(),
        });
        assert_eq!(*schedule, expected);
        world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
        world.stick.wait_for_no_code(node, &grant.pin, SOON);
        wait_until("its schedule is erased", SOON, || {
            let state = world.stick.order(json!({"get": "state"}));
            (state["locks"][0]["schedules"] == json!([])).then_some(())
        });
        assert_the_peer_is_content(&world);
    }
}

#[test]
fn a_code_is_set_used_and_cleared_in_locks_of_every_security() {
    let world = world(&[s2_lock(), s0_lock(), clear_lock()]);
    let doors: Vec<&String> = world.devices.iter().collect();
    let grant = world.client.grant(&doors, -1.0, 600.0);
    for (node, device) in [S2, S0, CLEAR].into_iter().zip(&world.devices) {
        let of_this_door = |event: &serde_json::Value| event["device_id"] == device.as_str();
        world.stick.wait_for_code(node, &grant.pin, SOON);
        world.client.event("access_code.set_on_device", SOON, of_this_door);
        assert!(world.stick.type_code(node, &grant.pin));
        let unlocked = world.client.event("lock.unlocked", SOON, of_this_door);
        assert_eq!(unlocked["user_identity_id"], grant.user_identity_id.as_str(), "{unlocked}");
    }
    assert_eq!(world.client.method_of(&grant.id)["is_issued"], true);
    world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    for (node, device) in [S2, S0, CLEAR].into_iter().zip(&world.devices) {
        world.stick.wait_for_no_code(node, &grant.pin, SOON);
        world.client.event("access_code.removed_from_device", SOON, |event| event["device_id"] == device.as_str());
    }
    assert_the_peer_is_content(&world);
}

#[test]
fn a_hub_that_was_killed_speaks_with_its_locks_again() {
    let mut world = world(&[s2_lock(), s0_lock()]);
    let doors: Vec<String> = world.devices.clone();
    let doors: Vec<&String> = doors.iter().collect();
    let before = world.client.grant(&doors, -1.0, 600.0);
    for node in [S2, S0] {
        world.stick.wait_for_code(node, &before.pin, SOON);
    }
    world.hub.kill();
    world.restart_hub();
    // The lock still has the nonces of the old process, and speaks first.
    assert!(world.stick.type_code(S2, &before.pin));
    let unlocked = world.client.event("lock.unlocked", SOON, |_| true);
    assert_eq!(unlocked["user_identity_id"], before.user_identity_id.as_str(), "{unlocked}");
    let after = world.client.grant(&doors, -1.0, 600.0);
    for node in [S2, S0] {
        world.stick.wait_for_code(node, &after.pin, SOON);
        assert_eq!(world.stick.lock(node).slots_of(&before.pin).len(), 1, "the first code is still there, once");
    }
    assert_the_peer_is_content(&world);
}

#[test]
fn a_code_that_ended_while_the_hub_was_dead_is_taken_out() {
    let mut world = world(&[s2_lock()]);
    let grant = world.client.grant(&[&world.devices[0]], 0.0, 5.0);
    world.stick.wait_for_code(S2, &grant.pin, SOON);
    world.hub.kill();
    wait_until("the grant is over", SOON, || (utc() > grant.ends_at).then_some(()));
    world.restart_hub();
    world.stick.wait_for_no_code(S2, &grant.pin, SOON / 4);
}

#[test]
fn a_supervised_set_costs_one_frame_each_way_and_its_read_back_another() {
    let world = world(&[s2_lock()]);
    let first = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == first.id.as_str());
    let grant = world.client.grant(&[&world.devices[0]], 4.0, 600.0);
    let before = world.stick.wait_until_quiet(S2);
    assert!(before.slots_of(&grant.pin).is_empty(), "the count must begin before the start");
    world.client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    let after = world.stick.lock(S2);
    assert_eq!(
        after.frames.since(before.frames),
        Frames { from_hub: 2, to_hub: 2, wake_ups: 0 },
        "{:?}",
        after.commands
    );
}

#[test]
fn a_lock_that_hides_its_pins_proves_them_by_its_word() {
    let world = world(&[s2_lock()]);
    world.stick.fault(S2, json!({"mask": true}));
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.client.event("access_code.set_on_device", SOON, |event| event["access_grant_id"] == grant.id.as_str());
    let sets = |world: &World| world.stick.lock(S2).commands.iter().filter(|(name, _)| name == "user_code_set").count();
    let before = sets(&world);
    world.stick.wait_until_quiet(S2);
    assert_eq!(sets(&world), before, "what is masked is not written again and again");
    world.client.ask("access_grants/delete", json!({"access_grant_id": grant.id}));
    world.stick.wait_for_no_code(S2, &grant.pin, SOON);
}

#[test]
fn a_code_put_in_by_hand_is_seen_and_left() {
    let world = world(&[s2_lock()]);
    world.stick.by_hand(S2, 3, Some("59284716"));
    let code = wait_until("it is listed", SOON, || world.client.unmanaged_codes(&world.devices[0]).pop());
    assert_eq!(code["slot"], 3, "{code}");
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(S2, &grant.pin, SOON);
    assert_eq!(world.stick.lock(S2).slots_of("59284716"), [3]);
}

#[test]
fn a_lock_fresh_from_its_box_is_added_and_takes_a_code() {
    for security in [&["s2_access_control"][..], &["s2_access_control", "s2_authenticated"]] {
        let world = world(&[s2_lock()]);
        world.stick.order(json!({"unbox": {"security": security}}));
        world.client.ask("networks/include", json!({"name": "Shed"}));
        let network = || world.client.ask("networks/get", json!({}))["network"].clone();
        let task = wait_until("the digits are asked for", SOON, || {
            let task = network()["task"].clone();
            (task["step"] == "pin_needed").then_some(task)
        });
        let label = world.stick.order(json!({"get": "label"}))["label"].as_str().unwrap_or_default().to_owned();
        assert_eq!(task["label"], label[6..]);
        world.client.ask("networks/confirm", json!({"pin": label[..5]}));
        let result = wait_until("it is added", SOON, || {
            let result = network()["last_result"].clone();
            (!result.is_null()).then_some(result)
        });
        assert_eq!(result["succeeded"], true, "{result}");
        let shed = world.client.ready_devices(&["Shed"], SOON).remove(0);
        let grant = world.client.grant(&[&shed], -1.0, 600.0);
        world.stick.wait_for_code(3, &grant.pin, SOON);
        world.client.event("access_code.set_on_device", SOON, |event| event["device_id"] == shed.as_str());
        assert_the_peer_is_content(&world);
    }
}

/// The other way round: our virtual stick and its locks, judged by a host that knows the field best.
#[test]
fn zwave_js_drives_our_virtual_stick() {
    host_our_stick("selftest.mjs");
}

/// With Security 2 of all classes and of one, with Security 0, and without any; and takes them out again.
#[test]
fn zwave_js_adds_locks_fresh_from_their_box_to_our_virtual_stick() {
    host_our_stick("include.mjs");
}

fn host_our_stick(script: &str) {
    let mut command = std::process::Command::new("node");
    command.current_dir(folder()).args([script, KEYWAY, "virtual-stick"]);
    command.args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--setup"]);
    let output = Output::default();
    let status = Process::start("zwave-js", &mut command, &output).wait(SOON * 6);
    assert!(status.success(), "{}", output.lines().join("\n"));
}
