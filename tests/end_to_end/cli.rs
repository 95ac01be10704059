//! A person at the command line, and the daemon.

use keyway_test_support::{CommandLine, Http, Output, Relay, SOON, Signal, World, wait_until};
use serde_json::Value;

use crate::{FRONT_DOOR, GARDEN_GATE, KEYWAY};

fn at_the_command_line(world: &World) -> CommandLine {
    CommandLine::new(KEYWAY, &world.hub.http())
}

/// What stands behind a label in what is shown of a grant.
fn entry<'a>(shown: &'a str, label: &str) -> &'a str {
    let line = shown.lines().find(|line| line.trim_start().starts_with(label));
    line.unwrap_or_else(|| panic!("no {label} in {shown}")).trim_start()[label.len()..].trim()
}

#[test]
fn a_grant_made_by_hand_is_in_both_locks_and_taken_back_it_is_not() {
    let world = World::new(KEYWAY);
    let cli = at_the_command_line(&world);
    let shown = cli.answer(&[
        "grants",
        "create",
        "--device",
        "front-door",
        "--device",
        "GARDEN GATE",
        "--name",
        "Jane Doe",
        "--to",
        "+2h",
        "--code-length",
        "6",
    ]);
    assert!(shown.starts_with("Jane Doe\n"), "{shown}");
    let pin = entry(&shown, "PIN");
    assert_eq!(pin.len(), 6, "{shown}");
    for node in [FRONT_DOOR, GARDEN_GATE] {
        world.stick.wait_for_code(node, pin, SOON);
    }
    let shown = wait_until("both doors have proven it", SOON, || {
        let shown = cli.answer(&["grants", "get", "jane doe"]);
        (shown.matches("the lock has it").count() == 2).then_some(shown)
    });
    assert!(shown.ends_with("The PIN can be handed out.\n"), "{shown}");
    let listed = cli.answer(&["grants"]);
    assert!(listed.contains("Jane Doe  Front door, Garden gate") && listed.contains("active"), "{listed}");
    let codes = cli.answer(&["codes", "list", "--device", "front door"]);
    assert!(codes.contains(&format!("{pin}  Jane Doe")), "{codes}");
    assert!(cli.answer(&["devices"]).contains("1 of 30"));

    let refused = cli.run(&["grants", "delete", "Jane Doe"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.notes.contains("--yes"), "{refused:?}");
    cli.answer(&["grants", "delete", "Jane Doe", "--yes"]);
    for node in [FRONT_DOOR, GARDEN_GATE] {
        world.stick.wait_for_no_code(node, pin, SOON);
    }
}

#[test]
fn times_and_doors_are_changed_by_hand_and_a_pin_can_come_from_stdin() {
    let world = World::new(KEYWAY);
    let cli = at_the_command_line(&world);
    let line = [
        "grants",
        "create",
        "--device",
        "front door",
        "--name",
        "Jane",
        "--from",
        "tomorrow 15:00",
        "--ongoing",
        "--code",
        "-",
        "--key",
        "stay-7",
    ];
    let said = cli.run_with(&line, "0830\n");
    assert_eq!((said.code, entry(&said.out, "PIN")), (0, "0830"), "{said:?}");
    assert!(said.out.contains("ready: the lock gets it ") && said.out.contains("15:00 UTC"), "{}", said.out);
    let moved = cli.answer(&["grants", "update", "stay-7", "--from", "now", "--to", "2099-12-01 11:00"]);
    assert_eq!(entry(&moved, "To"), "Tue 2099-12-01 11:00 UTC");
    world.stick.wait_for_code(FRONT_DOOR, "0830", SOON);
    cli.answer(&["grants", "update", "stay-7", "--device", "garden gate"]);
    world.stick.wait_for_code(GARDEN_GATE, "0830", SOON);
    world.stick.wait_for_no_code(FRONT_DOOR, "0830", SOON);
    let refused = cli.run_with(
        &["grants", "create", "--device", "garden gate", "--name", "Joe", "--to", "+2h", "--code", "-"],
        "0830",
    );
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.notes.starts_with("keyway: --code: ") && !refused.notes.contains("0830"), "{refused:?}");
}

#[test]
fn a_door_is_unlocked_and_locked_by_the_locks_own_word() {
    let world = World::new(KEYWAY);
    let cli = at_the_command_line(&world);
    assert_eq!(cli.answer(&["unlock", "front-door"]), "Front door is unlocked: the lock says so.\n");
    assert!(cli.answer(&["devices", "get", "front-door"]).contains("Bolt      unlocked"));
    let attempt = cli.json(&["lock", "front-door"]);
    assert_eq!(attempt["action_attempt"]["status"], "success", "{attempt}");
    let unknown = cli.run(&["unlock", "back door"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.notes.contains("there are: Front door, Garden gate"), "{unknown:?}");
}

#[test]
fn events_are_followed_over_a_restart_of_the_hub_and_each_is_shown_once() {
    let mut world = World::new(KEYWAY);
    let http = world.hub.http();
    let relay = Relay::to(http.address());
    let cli = CommandLine::new(KEYWAY, &Http::new(relay.address(), http.key()));
    let output = Output::default();
    let _following =
        cli.start(&["events", "--follow", "--since", "today 00:00", "--type", "access_grant.created"], &output);
    let shown = |name: &str| output.lines().iter().filter(|line| line.contains(name)).count();
    let grant = |cli: &CommandLine, name: &str| {
        cli.answer(&["grants", "create", "--device", "front-door", "--name", name, "--to", "+2h"]);
    };
    grant(&cli, "Jane Doe");
    wait_until("the first event is shown", SOON, || (shown("Jane Doe") == 1).then_some(()));
    let (_, status) = world.hub.end(Signal::Terminate);
    assert!(status.success());
    wait_until("the follower says that the hub is gone", SOON, || output.contains("trying again").then_some(()));
    world.restart_hub();
    // While nobody listens.
    grant(&at_the_command_line(&world), "Joe Bloggs");
    relay.turn_to(world.hub.http().address());
    wait_until("the event of the meantime is shown", SOON, || (shown("Joe Bloggs") == 1).then_some(()));
    assert_eq!(shown("Jane Doe"), 1, "{:?}", output.lines());
}

#[test]
fn keys_are_made_used_and_deleted_and_a_reader_sees_no_pin() {
    let world = World::new(KEYWAY);
    let cli = at_the_command_line(&world);
    cli.answer(&["grants", "create", "--device", "front-door", "--name", "Jane Doe", "--to", "+2h"]);
    let token = cli.answer(&["keys", "create", "dashboard", "--role", "read"]);
    let reader = CommandLine::new(KEYWAY, &Http::new(world.hub.http().address(), token.trim()));
    assert_eq!(entry(&reader.answer(&["grants", "get", "Jane Doe"]), "PIN"), "not shown to this key");
    let refused = reader.run(&["grants", "delete", "Jane Doe", "--yes", "--json"]);
    let error: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!((refused.code, &error["error"]["type"]), (1, &Value::from("forbidden")), "{refused:?}");
    cli.answer(&["keys", "delete", "dashboard", "--yes"]);
    assert_eq!(reader.run(&["devices"]).code, 1);
}

#[test]
fn json_is_what_the_api_answers_and_call_reaches_every_operation() {
    let world = World::new(KEYWAY);
    let cli = at_the_command_line(&world);
    let devices = world.hub.http().ask("devices/list", Value::Null);
    let names = |devices: &Value| -> Vec<Value> {
        devices["devices"].as_array().unwrap().iter().map(|device| device["display_name"].clone()).collect()
    };
    assert_eq!(names(&cli.json(&["devices"])), names(&devices));
    let found: Value = serde_json::from_str(&cli.answer(&["call", "devices/get", "name=Front door"])).unwrap();
    assert_eq!(found["device"]["device_id"], world.devices[0].as_str());
    let wrong = cli.run(&["call", "devices/list", "surprise=1"]);
    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert!(wrong.notes.contains("surprise"), "{wrong:?}");
    assert!(cli.answer(&["status"]).contains("2, of which 2 online"));
    assert_eq!(cli.json(&["users", "create", "--name", "Ada"])["user_identity"]["full_name"], "Ada");
    assert!(cli.answer(&["users", "get", "ada"]).starts_with("Ada\n"));
}

#[test]
fn no_hub_ends_with_three_and_a_wrong_key_with_one() {
    let world = World::new(KEYWAY);
    let nobody = CommandLine::new(KEYWAY, &Http::new("127.0.0.1:1", "seam_x")).run(&["devices"]);
    assert_eq!(nobody.code, 3, "{nobody:?}");
    assert!(nobody.notes.contains("no hub listens at http://127.0.0.1:1"), "{nobody:?}");
    let stranger = CommandLine::new(KEYWAY, &Http::new(world.hub.http().address(), "seam_x")).run(&["devices"]);
    assert_eq!(stranger.code, 1, "{stranger:?}");
    assert!(stranger.notes.contains("KEYWAY_API_KEY"), "{stranger:?}");
}

#[test]
fn a_door_that_is_put_into_a_space_by_hand_gets_the_pin_of_its_guest() {
    let world = World::new(KEYWAY);
    let cli = at_the_command_line(&world);
    cli.answer(&["spaces", "create", "Flat 7", "--device", "front-door"]);
    let shown = cli.answer(&["grants", "create", "--space", "flat-7", "--name", "Jane Doe", "--to", "+2h"]);
    let pin = entry(&shown, "PIN");
    assert_eq!(entry(&shown, "Spaces"), "Flat 7");
    world.stick.wait_for_code(FRONT_DOOR, pin, SOON);
    cli.answer(&["spaces", "add", "flat-7", "--device", "garden-gate"]);
    world.stick.wait_for_code(GARDEN_GATE, pin, SOON);
    cli.answer(&["spaces", "delete", "flat-7", "--yes"]);
    world.stick.wait_for_no_code(FRONT_DOOR, pin, SOON);
    world.stick.wait_for_no_code(GARDEN_GATE, pin, SOON);
}

#[test]
fn a_code_without_a_grant_is_put_in_and_taken_out_by_hand() {
    let world = World::new(KEYWAY);
    let cli = at_the_command_line(&world);
    let line = ["codes", "create", "--device", "front-door", "--name", "Fire brigade", "--ongoing", "--code", "-"];
    let said = cli.run_with(&line, "083042");
    assert_eq!((said.code, entry(&said.out, "PIN")), (0, "083042"), "{said:?}");
    world.stick.wait_for_code(FRONT_DOOR, "083042", SOON);
    assert!(cli.answer(&["codes"]).contains("083042  Fire brigade"));
    cli.answer(&["codes", "delete", entry(&said.out, "Id"), "--yes"]);
    world.stick.wait_for_no_code(FRONT_DOOR, "083042", SOON);
}
