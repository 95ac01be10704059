//! Every part of it is the one for the other machine, the stick too.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyway_test_support::World;
use tempfile::TempDir;

const FRONT_DOOR: u16 = 2;

/// A program that runs the other machine's.
struct Emulated {
    folder: TempDir,
}

impl Emulated {
    fn arm64() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = root.join("target/cross/aarch64-unknown-linux-gnu/debug/keyway");
        assert!(program.exists(), "{} is missing: run `tests/run arm64`", program.display());
        let emulated = Self { folder: tempfile::tempdir().expect("no temporary folder") };
        let run = format!("exec {}/packaging/cross run arm64 {} \"$@\"", root.display(), program.display());
        std::fs::write(emulated.path(), format!("#!/bin/sh\n{run}\n")).expect("can't write the script");
        std::fs::set_permissions(emulated.path(), Permissions::from_mode(0o755)).expect("can't make it a program");
        emulated
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("keyway")
    }
}

#[test]
fn it_tells_its_version_and_reads_the_configuration_that_is_shipped() {
    let keyway = Emulated::arm64();
    let said = |arguments: &[&str]| {
        let output = Command::new(keyway.path()).args(arguments).output().expect("it can't be started");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(said(&["--version"]), format!("keyway {}\n", env!("CARGO_PKG_VERSION")));
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/keyway.toml");
    assert!(said(&["check-config", "--config", shipped]).contains("can be used"));
}

#[test]
fn the_pin_of_a_grant_is_in_the_lock_between_its_times_and_not_outside_them() {
    let keyway = Emulated::arm64();
    let path = keyway.path();
    World::new(path.to_str().expect("a path of text")).tell_the_whole_story(FRONT_DOOR);
}
