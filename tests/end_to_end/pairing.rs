//! A lock from its box to its first guest, with nothing but the hub.

use keyway_test_support::{CommandLine, LockSetup, SOON, Setup, World, always, wait_until};
use serde_json::{Value, json};

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");

fn world() -> World {
    World::with(KEYWAY, &Setup::of(&[LockSetup::s2(2, "Front door")]))
}

fn network(world: &World) -> Value {
    world.client.ask("networks/get", json!({}))["network"].clone()
}

fn until_step(world: &World, step: &str) -> Value {
    wait_until(&format!("the step {step}"), SOON, || {
        let task = network(world)["task"].clone();
        (task["step"] == step).then_some(task)
    })
}

fn result(world: &World) -> Value {
    wait_until("it has ended", SOON, || {
        let network = network(world);
        network["task"].is_null().then(|| network["last_result"].clone())
    })
}

/// Adds a lock; its device id, and its label.
fn add(world: &World, name: &str) -> (String, Value) {
    world.client.ask("networks/include", json!({"name": name}));
    let lock = world.stick.order(json!({"unbox": {"name": name, "flirs": false}}));
    let task = until_step(world, "pin_needed");
    let (whole, shown) = (lock["label"].as_str().unwrap_or_default(), task["label"].as_str().unwrap_or_default());
    assert!(shown.len() == 41 && whole.ends_with(shown), "{task}");
    world.client.ask("networks/confirm", json!({"pin": lock["pin"]}));
    let result = result(world);
    assert_eq!(result["succeeded"], true, "{result}");
    assert_eq!(result["security"], json!(["s2_authenticated", "s2_access_control"]));
    let device = world.client.ready_devices(&[name], SOON).remove(0);
    assert_eq!(network(world)["last_result"]["device_id"], device.as_str());
    (device, lock)
}

#[test]
fn a_lock_is_added_named_granted_to_and_taken_out() {
    let mut world = world();
    let (device, lock) = add(&world, "Shed");
    world.client.event("network.pin_needed", SOON, |event| event["network"] == "zwave");
    world.client.event("network.device_added", SOON, |event| event["device_id"] == device.as_str());
    let grant = world.client.grant(&[&device], -1.0, 600.0);
    world.stick.wait_for_code(3, &grant.pin, SOON);

    // It is driven after a restart, though no configuration names it.
    world.hub.kill();
    world.restart_hub();
    let after = world.client.grant(&[&device], -1.0, 600.0);
    world.stick.wait_for_code(3, &after.pin, SOON);

    world.client.ask("networks/exclude", json!({}));
    until_step(&world, "ready");
    world.stick.order(json!({"node": 3, "press": true}));
    assert_eq!(result(&world)["succeeded"], true);
    world.client.event("device.removed", SOON, |event| event["device_id"] == device.as_str());

    // Another lock gets its number, and none of its grants.
    let (other, _) = add(&world, "Barn");
    assert_ne!(other, device);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(world.stick.lock(3).codes.is_empty());

    // The whole label opens the lock to whoever listens while it is added.
    let whole = lock["label"].as_str().unwrap_or_default();
    assert!(!world.hub.log().lines().iter().any(|line| line.contains(whole)), "the label is in the log");
    for file in world.hub.files() {
        let bytes = std::fs::read(&file).expect("can't read a file of the hub");
        let found = bytes.windows(whole.len()).any(|part| part == whole.as_bytes());
        assert!(!found, "the label is in {}", file.display());
    }
}

#[test]
fn a_lock_that_was_taken_out_is_known_again_by_its_label_with_its_grants() {
    let world = world();
    let (shed, barn) = ("05".repeat(32), "06".repeat(32));
    let add = |key: &str, name: Option<&str>| {
        world.client.ask("networks/include", json!({"name": name}));
        let lock = world.stick.order(json!({"unbox": {"flirs": false, "private_key": key}}));
        until_step(&world, "pin_needed");
        world.client.ask("networks/confirm", json!({"pin": lock["pin"]}));
        assert_eq!(result(&world)["succeeded"], true);
        network(&world)["last_result"]["device_id"].as_str().unwrap_or_default().to_owned()
    };
    let device = add(&shed, Some("Shed"));
    world.client.ready_devices(&["Shed"], SOON);
    let grant = world.client.grant(&[&device], -1.0, 600.0);
    world.stick.wait_for_code(3, &grant.pin, SOON);
    world.client.ask("networks/exclude", json!({}));
    until_step(&world, "ready");
    world.stick.order(json!({"node": 3, "press": true}));
    world.client.event("device.removed", SOON, |event| event["device_id"] == device.as_str());

    assert_ne!(add(&barn, Some("Barn")), device, "another lock is another device");
    assert_eq!(add(&shed, None), device, "whatever its number is");
    assert_eq!(world.client.ready_devices(&["Shed"], SOON), [device.as_str()]);
    let now = world.client.ask("devices/get", json!({"device_id": device}));
    let node = now["device"]["properties"]["node_id"].as_u64().and_then(|node| u16::try_from(node).ok());
    assert_ne!(node, Some(3), "{now}");
    world.stick.wait_for_code(node.unwrap_or_default(), &grant.pin, SOON);
}

#[test]
fn wrong_digits_are_told_and_nothing_is_left() {
    let world = world();
    world.client.ask("networks/include", json!({}));
    let lock = world.stick.order(json!({"unbox": {"flirs": false}}));
    until_step(&world, "pin_needed");
    let wrong = if lock["pin"] == "00001" { "00002" } else { "00001" };
    world.client.ask("networks/confirm", json!({"pin": wrong}));
    until_step(&world, "removal_needed");
    world.stick.order(json!({"node": 3, "press": true}));
    let result = result(&world);
    assert_eq!((&result["error"]["type"], &result["error"]["leftover_node"]), (&json!("wrong_pin"), &Value::Null));
    assert_eq!(world.stick.locks().len(), 1);
}

#[test]
fn a_lock_that_is_awaited_by_its_label_joins_by_itself() {
    let world = world();
    let key = "07".repeat(32);
    let fresh = json!({"unbox": {"smart_start": true, "private_key": key, "flirs": false}});
    let lock = world.stick.order(fresh);
    world.client.ask("networks/await_device", json!({"code": lock["label"], "name": "Shed"}));
    let device = world.client.ready_devices(&["Shed"], SOON * 2).remove(0);
    let grant = world.client.grant(&[&device], -1.0, 600.0);
    world.stick.wait_for_code(3, &grant.pin, SOON);
    assert_eq!(network(&world)["awaited"], json!([]));
}

#[test]
fn a_hub_that_is_killed_in_the_middle_names_what_it_left() {
    let mut world = world();
    world.client.ask("networks/include", json!({"name": "Shed"}));
    world.stick.order(json!({"unbox": {"flirs": false}}));
    until_step(&world, "pin_needed");
    world.hub.kill();
    world.restart_hub();
    world.client.event("network.leftover_found", SOON, |event| event["node"] == 3);
    wait_until("it is listed", SOON, || (network(&world)["leftovers"][0]["node"] == 3).then_some(()));
}

#[test]
fn the_command_line_leads_through_it() {
    let world = world();
    let cli = CommandLine::new(KEYWAY, &world.hub.http());
    let lock = world.stick.order(json!({"unbox": {"flirs": false}}));
    // Not five digits at first.
    let answers = format!("4711\n{}\n", lock["pin"].as_str().unwrap_or_default());
    let done = cli.run_with(&["pair", "--name", "Shed"], &answers);
    assert_eq!(done.code, 0, "{done:?}");
    let label = lock["label"].as_str().unwrap_or_default();
    assert!(done.notes.contains(&format!("five digits, and then {}.", &label[6..])), "{done:?}");
    assert!(done.notes.contains("That is not five digits"), "{done:?}");
    assert!(done.out.contains("Shed is ready: it holds 30 codes."), "{done:?}");
    let again = cli.run(&["pair", "--code", "9001000019", "--name", "Barn"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.notes.contains("ends too early"), "{again:?}");

    world.stick.fault(3, json!({"offline": true}));
    let done = cli.run(&["unpair", "Shed", "--yes"]);
    assert_eq!(done.code, 0, "{done:?}");
    world.client.event("device.removed", SOON, |_| true);
    assert_eq!(world.stick.locks().len(), 1);
}

#[test]
fn a_zigbee_lock_with_an_install_code_comes_in_with_it_and_no_other_does_meanwhile() {
    let world = World::with(KEYWAY, &Setup::of(&[LockSetup::s2(2, "Front door")]).on_zigbee(13));
    // The specification's example of a code, and the key that it stands for.
    let (ieee, code) = ("000d6f000a0b0c07", "83FED3407A939723A5C639B26916D505C3B5");
    let key = "66b6900981e1ee3ca4206b6b861c02bb";
    world.stick.order(json!({"unbox": {"node": 7, "ieee": ieee, "install_code_key": key}}));
    world.stick.order(json!({"unbox": {"node": 8, "seeks": true}}));
    let mistyped = json!({"name": "Shed", "code": format!("{ieee} {}", code.replace("83FE", "83FF"))});
    world.client.ask("networks/include", mistyped);
    assert_eq!(result(&world)["error"]["type"], "wrong_install_code");
    world.client.ask("networks/include", json!({"name": "Shed", "code": format!("{ieee} {code}")}));
    until_step(&world, "ready");
    let is_in = |node: u16| {
        let state = world.stick.order(json!({"get": "state"}));
        state["locks"].as_array().into_iter().flatten().any(|lock| lock["node"] == node && lock["joined"] == true)
    };
    always("the one that seeks is not let in", SOON / 5, || !is_in(8));
    world.stick.order(json!({"node": 7, "join": true}));
    let device = world.client.ready_devices(&["Shed"], SOON).remove(0);
    let grant = world.client.grant(&[&device], -1.0, 600.0);
    world.stick.wait_for_code(7, &grant.pin, SOON);
    assert!(!is_in(8));
}
