//! Our virtual Zigbee stick and its locks, judged by a host that knows the field: bellows and zigpy form its network, let
//! locks join and speak with them (`zigbee/host.py`).

use std::path::Path;
use std::process::Command;

use keyway_test_support::{Output, Process, SOON};

use super::KEYWAY;

/// bellows drives our stick as one of this version of EZSP.
fn host_our_stick(version: u8) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/zigbee");
    let python = folder.join(".venv/bin/python");
    assert!(python.exists(), "bellows is not installed: run `tests/run interop` once");
    let mut command = Command::new(python);
    command.current_dir(folder).args(["host.py", "--version", &version.to_string(), KEYWAY, "virtual-stick"]);
    command.args(["--radio", "zigbee", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--setup"]);
    let output = Output::default();
    let status = Process::start("bellows", &mut command, &output).wait(SOON * 6);
    assert!(status.success(), "{}", output.lines().join("\n"));
}

/// The oldest that is in the field.
#[test]
fn bellows_drives_our_stick_of_version_8() {
    host_our_stick(8);
}

/// The last with statuses of a byte.
#[test]
fn bellows_drives_our_stick_of_version_13() {
    host_our_stick(13);
}

/// The newest.
#[test]
fn bellows_drives_our_stick_of_version_18() {
    host_our_stick(18);
}
