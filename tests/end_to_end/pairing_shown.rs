//! Adding a lock as it looks at a terminal: what the documentation shows is recorded here.

use std::path::Path;

use keyway_test_support::{CommandLine, LockSetup, SOON, Setup, Terminal, World, assert_recorded};
use serde_json::{Value, json};

use crate::KEYWAY;

/// What the lock from the box is numbered.
const NEW: u16 = 3;
/// Private keys, so that the labels are the same each time.
const SHED: [u8; 32] = [7; 32];
const BARN: [u8; 32] = [9; 32];

fn world() -> (World, Terminal) {
    let world = World::with(KEYWAY, &Setup::of(&[LockSetup::s2(2, "Front door")]));
    let terminal = Terminal::new(CommandLine::new(KEYWAY, &world.hub.http()));
    (world, terminal)
}

/// Takes a lock from its box: what its label says.
fn unbox(world: &World, private_key: [u8; 32], more: Value) -> Value {
    let private_key: String = private_key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut lock = json!({"private_key": private_key});
    for (field, value) in more.as_object().into_iter().flatten() {
        lock[field] = value.clone();
    }
    world.stick.order(json!({"unbox": lock}))
}

/// What stands on the label of such a lock, before it is let near the network.
fn label_of(private_key: [u8; 32], more: Value) -> Value {
    let elsewhere = World::with(KEYWAY, &Setup::of(&[LockSetup::s2(2, "Elsewhere")]));
    unbox(&elsewhere, private_key, more)
}

fn recorded(name: &str, terminal: &Terminal) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pairing.md");
    let transcript = terminal.transcript();
    // Which stages of the interview are seen in time is chance.
    let is_stage = |line: &&str| {
        line.strip_prefix("  ").is_some_and(|line| line.starts_with(|first: char| first.is_ascii_digit()))
    };
    let lines = transcript.lines().filter(|line| !is_stage(line)).map(|line| format!("{line}\n"));
    assert_recorded(&page, name, &lines.collect::<String>());
}

/// The stick, the hub and a hub that starts anew know of the lock that was there before, and of no other; and it works.
fn nothing_is_left(mut world: World) {
    for restarted in [false, true] {
        if restarted {
            world.hub.kill();
            world.restart_hub();
            world.client.ready_devices(&["Front door"], SOON);
        }
        assert_eq!(world.stick.locks().keys().collect::<Vec<_>>(), [&2]);
        let network = world.client.ask("networks/get", json!({}))["network"].clone();
        assert_eq!((&network["task"], &network["leftovers"]), (&Value::Null, &json!([])), "{network}");
        let devices = world.client.ask("devices/list", json!({}))["devices"].clone();
        assert_eq!(devices.as_array().map(Vec::len), Some(1), "{devices}");
    }
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(2, &grant.pin, SOON);
}

#[test]
fn from_its_box_to_its_first_guest() {
    let (world, mut terminal) = world();
    terminal.begin("keyway pair --name Shed");
    terminal.wait_for("adding (including) it.");
    terminal.aside("somebody presses the button in the lock");
    let lock = unbox(&world, SHED, json!({}));
    terminal.wait_for("Its first five digits");
    terminal.type_line(lock["pin"].as_str().expect("a label has digits"));
    assert_eq!(terminal.end(), 0);
    let guest = "--name \"Ada Lovelace\" --from \"today 00:00\" --to \"tomorrow 11:00\" --code 481516";
    terminal.run(&format!("keyway grants create --device Shed {guest}"));
    assert_eq!(world.stick.wait_for_code(NEW, "481516", SOON), 1);
    world.client.event("access_code.set_on_device", SOON, |_| true);
    terminal.run("keyway grants get \"Ada Lovelace\"");
    assert!(world.stick.type_code(NEW, "481516"), "the guest is let in");
    recorded("added", &terminal);
}

#[test]
fn by_the_text_of_its_qr_code() {
    let (world, mut terminal) = world();
    let fresh = json!({"smart_start": true});
    let qr = label_of(BARN, fresh.clone())["qr"].as_str().expect("a lock has a QR code").to_owned();
    terminal.begin(&format!("keyway pair --name Barn --smart-start --wait --code {qr}"));
    terminal.wait_for("it is awaited on");
    terminal.aside("the lock gets its batteries");
    unbox(&world, BARN, fresh);
    assert_eq!(terminal.end(), 0);
    let device = world.client.ready_devices(&["Barn"], SOON).remove(0);
    let grant = world.client.grant(&[&device], -1.0, 600.0);
    assert_eq!(world.stick.wait_for_code(NEW, &grant.pin, SOON), 1);
    recorded("smart-start", &terminal);
}

#[test]
fn with_the_wrong_digits() {
    let (world, mut terminal) = world();
    terminal.begin("keyway pair --name Shed");
    terminal.wait_for("adding (including) it.");
    unbox(&world, SHED, json!({}));
    terminal.wait_for("Its first five digits");
    terminal.type_line("12345");
    terminal.wait_for("removing (excluding) it.");
    terminal.aside("somebody presses the button in the lock again");
    world.stick.order(json!({"node": NEW, "press": true}));
    assert_eq!(terminal.end(), 1);
    recorded("wrong-digits", &terminal);
    nothing_is_left(world);
}

#[test]
fn with_the_label_of_another_lock() {
    let (world, mut terminal) = world();
    let other = label_of(BARN, json!({}))["label"].as_str().expect("a lock has a label").to_owned();
    terminal.begin(&format!("keyway pair --name Shed --code {other}"));
    terminal.wait_for("adding (including) it.");
    unbox(&world, SHED, json!({}));
    terminal.wait_for("removing (excluding) it.");
    terminal.aside("somebody presses the button in the lock again");
    world.stick.order(json!({"node": NEW, "press": true}));
    assert_eq!(terminal.end(), 1);
    recorded("wrong-label", &terminal);
    nothing_is_left(world);
}

#[test]
fn with_a_lock_that_is_gone_in_the_middle() {
    let (world, mut terminal) = world();
    terminal.begin("keyway pair --name Shed");
    terminal.wait_for("adding (including) it.");
    let lock = unbox(&world, SHED, json!({"faults": {"gone_after": 4}}));
    terminal.wait_for("Its first five digits");
    terminal.type_line(lock["pin"].as_str().expect("a label has digits"));
    assert_eq!(terminal.end(), 1);
    recorded("gone", &terminal);
    nothing_is_left(world);
}

#[test]
fn an_awaited_lock_that_is_gone_in_the_middle_is_awaited_on() {
    let (world, mut terminal) = world();
    let fresh = json!({"smart_start": true});
    let qr = label_of(BARN, fresh)["qr"].as_str().expect("a lock has a QR code").to_owned();
    terminal.begin(&format!("keyway pair --name Barn --smart-start --wait --code {qr}"));
    terminal.wait_for("it is awaited on");
    unbox(&world, BARN, json!({"smart_start": true, "faults": {"gone_after": 4}}));
    terminal.wait_at_most(SOON * 6, "tries again");
    unbox(&world, BARN, json!({"smart_start": true}));
    assert_eq!(terminal.end(), 0);
    assert_eq!(world.stick.locks().len(), 2);
}

#[test]
fn a_lock_that_is_not_awaited_stays_outside() {
    let (world, mut terminal) = world();
    let other = label_of(SHED, json!({}))["label"].as_str().expect("a lock has a label").to_owned();
    terminal.run(&format!("keyway pair --smart-start --name Barn --code {other}"));
    unbox(&world, BARN, json!({"smart_start": true}));
    std::thread::sleep(std::time::Duration::from_secs(3));
    nothing_is_left(world);
}

#[test]
fn who_leaves_in_the_middle_can_end_it_later() {
    let (world, mut terminal) = world();
    terminal.begin("keyway pair --name Shed");
    terminal.wait_for("adding (including) it.");
    drop(terminal);
    let mut terminal = Terminal::new(CommandLine::new(KEYWAY, &world.hub.http()));
    terminal.begin("keyway pair --name Shed");
    assert_eq!(terminal.end(), 1);
    assert!(terminal.shown().contains("keyway pair --cancel"), "{}", terminal.shown());
    terminal.run("keyway pair --cancel");
    nothing_is_left(world);
}
