//! Seam's official SDKs (`seam/`): the current one for JavaScript, an older one, which asks for the same things by other
//! methods, and the one for Python. Each runs Seam's own document and what an application does beside it.

use std::path::Path;
use std::process::Command;

use keyway_test_support::{Output, Process, SOON, World};

use crate::{KEYWAY, seam_folder};

/// Runs a flow against a hub of its own, whose endpoint and key are its first arguments.
fn every_step_holds(program: &Path, script: &str, package: Option<&str>) {
    let world = World::new(KEYWAY);
    let http = world.hub.http();
    let mut command = Command::new(program);
    command
        .current_dir(seam_folder())
        .arg(script)
        .arg(format!("http://{}", http.address()))
        .arg(http.key())
        .args(package);
    let output = Output::default();
    let status = Process::start(script, &mut command, &output).wait(SOON * 8);
    assert!(status.success(), "{}", output.lines().join("\n"));
}

#[test]
fn the_current_sdk_for_javascript_runs_unchanged() {
    every_step_holds(Path::new("node"), "flow.mjs", Some("seam"));
}

#[test]
fn the_older_sdk_for_javascript_runs_unchanged() {
    every_step_holds(Path::new("node"), "flow.mjs", Some("seam-older"));
}

#[test]
fn the_sdk_for_python_runs_unchanged() {
    every_step_holds(&seam_folder().join(".venv/bin/python"), "flow.py", None);
}
