//! zwave-js's driver, in a program that does nothing with it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use keyway_test_support::{Output, Process, SOON, Setup, Signal, Stick, now, wait_until};

use crate::program::{Program, come_to_rest};
use crate::{files, locks};

/// How long it may take on a slow machine to know all locks.
const LONG: Duration = Duration::from_secs(1200);
/// What it says when it takes orders, and when it has heard all locks.
const READY: &str = "driver ready";
const REACHED: &str = "all nodes ready";

/// Says what to do where it is missing.
pub(crate) fn ensure_installed() -> Result<()> {
    let there = folder().join("node_modules/zwave-js").exists();
    ensure!(there, "zwave-js is not installed: run `npm ci` in {}", folder().display());
    Ok(())
}

pub(crate) fn run(node: &Path) -> Result<Program> {
    let setup = locks::zwave();
    let stick = locks::stick(&setup)?;
    let cache = tempfile::Builder::new().prefix("keyway-zwave-js").tempdir()?;
    locks::keep_awake(&stick, true);
    let mut first = start(node, &setup, &stick, cache.path());
    wait_for(&mut first, REACHED);
    first.end(Signal::Terminate, SOON);
    locks::keep_awake(&stick, false);

    let begun = now();
    let mut process = start(node, &setup, &stick, cache.path());
    wait_for(&mut process, READY);
    let ready = now() - begun;
    wait_for(&mut process, REACHED);
    let reached = now() - begun;
    come_to_rest(process.id())?;
    Ok(Program {
        name: "zwave-js",
        locks: "Z-Wave",
        process: process.id(),
        folder: cache.path().to_owned(),
        ready,
        reached: Some(reached),
        size: files::size(&folder().join("node_modules"), &["testing"])? + std::fs::metadata(node)?.len(),
        _parts: Box::new((process, stick, cache)),
    })
}

fn start(node: &Path, setup: &Setup, stick: &Stick, cache: &Path) -> Process {
    let address = stick.port();
    let mut command = Command::new(node);
    command.current_dir(folder()).env("SETUP", setup.for_our_stick().to_string());
    command.args(["rest.mjs", address.trim_start_matches("tcp://")]).arg(cache);
    Process::start("zwave-js", &mut command, &Output::default())
}

fn wait_for(process: &mut Process, what: &str) {
    wait_until(&format!("zwave-js says {what:?}"), LONG, || {
        assert!(!process.has_ended(), "zwave-js ended by itself");
        process.output().contains(what).then_some(())
    });
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/zwave")
}
