//! The description of the API, judged by programs that we did not write: openapi-spec-validator says whether it is one, and
//! schemathesis asks for everything in it, rightly and wrongly, and looks whether each answer is as described.

use std::path::Path;
use std::process::Command;

use keyway_test_support::{Output, Process, SOON, World};

use crate::{KEYWAY, seam_folder};

/// Runs a program of the Python environment; its output, which is shown if it fails.
fn run(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(seam_folder().join(".venv/bin").join(program));
    command.current_dir(seam_folder()).args(arguments).env("NO_COLOR", "1");
    let output = Output::default();
    let status = Process::start(program, &mut command, &output).wait(SOON * 12);
    let lines = output.lines().join("\n");
    assert!(status.success(), "{lines}");
    lines
}

#[test]
fn the_description_that_is_checked_in_is_valid() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    run("openapi-spec-validator", &[&document.display().to_string()]);
}

#[test]
fn every_answer_is_as_described_whatever_is_asked() {
    let mut world = World::new(KEYWAY);
    let http = world.hub.http();
    let (document, key) = (format!("http://{}/openapi.json", http.address()), http.key());
    run("schemathesis", &["run", &document, "--header", &format!("Authorization: Bearer {key}")]);
    assert!(world.hub.runs());
    world.client.ask("health/get", serde_json::json!({}));
}
