//! `keyway doctor`, beside a hub that runs and without one.

use std::process::Command;

use keyway_test_support::{Signal, World, wait_until};
use serde_json::Value;

use crate::KEYWAY;

/// Its exit code and its findings.
fn doctor(world: &World, more: &[&str]) -> (i32, Value) {
    let mut command = Command::new(KEYWAY);
    command.args(["doctor", "--json", "--config"]).arg(world.hub.config()).args(more);
    let output = command.output().expect("no keyway");
    let json = serde_json::from_slice(&output.stdout).expect("no JSON");
    (output.status.code().expect("it was killed"), json)
}

fn conditions(found: &Value, part: &str) -> Vec<String> {
    let findings = found["findings"].as_array().expect("no findings").iter();
    let of_part = findings.filter(|finding| finding["part"] == part);
    of_part.map(|finding| finding["condition"].as_str().expect("no condition").to_owned()).collect()
}

#[test]
fn beside_a_hub_that_works_everything_is_found_and_nothing_is_wrong() {
    let world = World::new(KEYWAY);
    world.wait_for_hub();
    let (code, found) = doctor(&world, &["--endpoint", &format!("http://{}", world.hub.http().address())]);
    assert_eq!((code, &found["ok"], &found["hub_runs"]), (0, &Value::Bool(true), &Value::Bool(true)), "{found:#}");
    for part in ["configuration", "hub", "clock", "broker", "stick", "disk", "database", "vault"] {
        assert_eq!(conditions(&found, part), ["ok"], "{part}: {found:#}");
    }
}

#[test]
fn without_a_hub_the_machine_is_looked_at_and_the_broker_asked_and_no_file_is_changed() {
    let mut world = World::new(KEYWAY);
    world.wait_for_hub();
    world.hub.end(Signal::Terminate);
    let files = || {
        let written = |path: std::path::PathBuf| {
            let metadata = path.metadata().expect("no file");
            (path, metadata.len(), metadata.modified().expect("no time"))
        };
        let mut files: Vec<_> = world.hub.files().into_iter().map(written).collect();
        files.sort();
        files
    };
    let before = files();
    let (code, found) = doctor(&world, &[]);
    // The address of a hub that lets the system choose its port is not known.
    assert_eq!((code, conditions(&found, "hub")), (2, vec!["unknown".to_owned()]), "{found:#}");
    for part in ["configuration", "clock", "broker", "stick", "disk", "database", "vault"] {
        assert_eq!(conditions(&found, part), ["ok"], "{part}: {found:#}");
    }
    assert_eq!(before, files());
    world.broker.stop();
    wait_until("the broker is missed", keyway_test_support::SOON, || {
        let (code, found) = doctor(&world, &["--endpoint", "http://127.0.0.1:9"]);
        (code == 1 && conditions(&found, "broker") == ["problem"]).then_some(())
    });
}
