//! Zigbee2MQTT, as its users have it but without the frontend.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use keyway_test_support::{Broker, Client, Output, Process, SOON, Signal, Stick, now, wait_until};
use serde_json::json;

use crate::program::{Program, come_to_rest};
use crate::{files, locks};

/// What is installed is as this file in it says.
const INSTALLED: &str = "node_modules/.installed";
/// How long a network stays open, in seconds, at most.
const OPEN: u32 = 254;
/// What it says when it is ready.
const READY: &str = "Zigbee2MQTT started!";

/// Installs it, with the Node.js it wants, where it is not yet. Gives where that is.
pub(crate) fn install() -> Result<PathBuf> {
    let (wanted, installed) = (folder().join("package-lock.json"), folder().join(INSTALLED));
    let wanted = std::fs::read(wanted)?;
    if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(node());
    }
    let mut npm = Command::new("npm");
    npm.current_dir(folder()).args(["ci", "--no-audit", "--no-fund"]);
    let status = npm.status().context("npm is missing: install Node.js")?;
    ensure!(status.success(), "Zigbee2MQTT can't be installed: `npm ci` in {} says why", folder().display());
    std::fs::write(installed, wanted)?;
    Ok(node())
}

pub(crate) fn run(node: &Path) -> Result<Program> {
    let setup = locks::zigbee();
    let (stick, broker) = (locks::stick(&setup)?, Broker::running());
    let data = tempfile::Builder::new().prefix("keyway-zigbee2mqtt").tempdir()?;
    configure(data.path(), &stick, &broker)?;
    let mut first = start(node, data.path());
    let_in(&mut first, &stick, &broker);
    first.end(Signal::Terminate, SOON);

    let begun = now();
    let mut process = start(node, data.path());
    wait_for(&mut process, READY, 1);
    let ready = now() - begun;
    let joined = format!("Currently {} devices are joined", locks::LOCKS);
    ensure!(process.output().contains(&joined), "Zigbee2MQTT does not know all its locks");
    come_to_rest(process.id())?;
    let packages = folder().join("node_modules");
    Ok(Program {
        name: "Zigbee2MQTT",
        locks: "Zigbee",
        process: process.id(),
        folder: data.path().to_owned(),
        ready,
        reached: None,
        size: files::size(&packages, &["node"])? + std::fs::metadata(node)?.len(),
        _parts: Box::new((process, stick, broker, data)),
    })
}

fn configure(data: &Path, stick: &Stick, broker: &Broker) -> Result<()> {
    let settings = json!({
        "version": 5,
        "mqtt": {"base_topic": "zigbee2mqtt", "server": format!("mqtt://127.0.0.1:{}", broker.port())},
        "serial": {"port": stick.port(), "adapter": "ember"},
        "frontend": {"enabled": false},
        "advanced": {"network_key": "GENERATE", "pan_id": "GENERATE", "ext_pan_id": "GENERATE"},
    });
    // JSON is YAML.
    Ok(std::fs::write(data.join("configuration.yaml"), settings.to_string())?)
}

/// All locks join and are asked who they are.
fn let_in(process: &mut Process, stick: &Stick, broker: &Broker) {
    wait_for(process, READY, 1);
    let client = Client::for_answers(broker.port(), "nobody");
    for (count, node) in (1..).zip(locks::nodes()) {
        client.publish("zigbee2mqtt/bridge/request/permit_join", json!({"time": OPEN}).to_string());
        wait_until("the network is open", SOON, || {
            (stick.try_order(&json!({"node": node, "join": true}))["ok"] == true).then_some(())
        });
        wait_for(process, "Successfully configured", count);
    }
    client.publish("zigbee2mqtt/bridge/request/permit_join", json!({"time": 0}).to_string());
}

fn start(node: &Path, data: &Path) -> Process {
    let mut command = Command::new(node);
    // It asks git for its version, which is not that of the sources around it.
    command.current_dir(data).env("GIT_DIR", data).env("ZIGBEE2MQTT_DATA", data);
    command.arg(folder().join("node_modules/zigbee2mqtt/index.js"));
    Process::start("Zigbee2MQTT", &mut command, &Output::default())
}

fn wait_for(process: &mut Process, what: &str, times: usize) {
    wait_until(&format!("Zigbee2MQTT says {what:?} {times} times"), SOON * 3, || {
        assert!(!process.has_ended(), "Zigbee2MQTT ended by itself");
        let said = process.output().lines().iter().filter(|line| line.contains(what)).count();
        (said >= times).then_some(())
    });
}

fn node() -> PathBuf {
    folder().join("node_modules/node/bin/node")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/footprint/zigbee2mqtt")
}
