//! zigbee-herdsman's controller, as Zigbee2MQTT uses it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use keyway_test_support::{Output, Process, SOON, Stick, wait_until};
use serde_json::Value;

use crate::table::Run;
use crate::wire::{Cost, Seen, Wire};
use crate::{CODES, Kind};

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");
/// It waits for three seconds between two codes, and no lock keeps anybody waiting that long.
const BETWEEN: Duration = Duration::from_millis(2500);

/// Says what to do where it is missing.
pub(crate) fn ensure_installed() -> Result<()> {
    let there = folder().join("node_modules/zigbee-herdsman").exists();
    ensure!(there, "zigbee-herdsman is not installed: run `npm ci` in {}", folder().display());
    Ok(())
}

pub(crate) fn run(kind: Kind) -> Result<Run> {
    let stick = Stick::ours(KEYWAY, &kind.setup());
    let wire = Wire::to(&stick.port())?;
    let mut command = Command::new("node");
    command.current_dir(folder()).args(["frames.mjs", wire.address(), stick.control(), &CODES.to_string()]);
    let output = Output::default();
    let mut herdsman = Process::start("zigbee-herdsman", &mut command, &output);
    wait_until("the lock is in", SOON * 3, || {
        assert!(!herdsman.has_ended(), "{}", output.lines().join("\n"));
        output.contains("ready").then_some(())
    });
    let mark = wire.mark();
    let status = herdsman.wait(SOON * 6);
    ensure!(status.success(), "{}", output.lines().join("\n"));
    let costs: Vec<Cost> = codes(&wire.since(mark)).into_iter().filter_map(Cost::of).collect();
    ensure!(costs.len() == CODES, "{} codes were seen, of {CODES}", costs.len());
    let told = output.lines().iter().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = told.context("zigbee-herdsman told no costs")?;
    let number = |name: &str| told[name].as_u64().with_context(|| format!("no {name} in {told}"));
    Ok(Run { costs, air: (number("from_hub")?, number("to_hub")?) })
}

/// The frames of each code.
fn codes(seen: &[Seen]) -> Vec<&[Seen]> {
    seen.chunk_by(|one, next| next.at - one.at < BETWEEN).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/zigbee")
}
