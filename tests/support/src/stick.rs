//! A stick as a program: what it speaks with its host on one TCP port, orders to its locks on another.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Output, Process, SOON, Setup, now, wait_until};

/// A stick and the locks behind it, ours or a foreign one: both are driven alike.
pub struct Stick {
    port: String,
    control: String,
    output: Output,
    _process: Process,
    _folder: TempDir,
}

/// What a lock really holds and has heard.
#[derive(Debug, Clone)]
pub struct LockState {
    /// Slot number and PIN of each slot in use.
    pub codes: Vec<(u64, String)>,
    /// Bolt thrown.
    pub locked: bool,
    /// Whom its keypad lets in.
    pub keypad_mode: String,
    /// Its admin code.
    pub admin_code: Option<String>,
    /// How often it was made to show itself.
    pub identified: u64,
    /// Frames on the air.
    pub frames: Frames,
    /// The commands that reached the lock, oldest first, with the slot where there is one.
    pub commands: Vec<(String, Option<u64>)>,
}

/// Frames on the air between the hub and one lock, acknowledgements not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frames {
    /// From the hub to the lock.
    pub from_hub: u64,
    /// From the lock to the hub.
    pub to_hub: u64,
    /// Beams that woke the lock (our virtual stick only, else 0).
    pub wake_ups: u64,
}

impl Frames {
    /// Those since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            from_hub: self.from_hub - earlier.from_hub,
            to_hub: self.to_hub - earlier.to_hub,
            wake_ups: self.wake_ups - earlier.wake_ups,
        }
    }
}

impl LockState {
    fn read(lock: &Value) -> Self {
        let list = |name: &str| lock[name].as_array().cloned().unwrap_or_default();
        let code = |slot: &Value| Some((slot["slot"].as_u64()?, slot["code"].as_str()?.to_owned()));
        let command = |entry: &Value| Some((entry["command"].as_str()?.to_owned(), entry["slot"].as_u64()));
        Self {
            codes: list("slots").iter().filter_map(code).collect(),
            locked: lock["locked"] == true,
            keypad_mode: lock["keypad_mode"].as_str().unwrap_or_default().to_owned(),
            admin_code: lock["admin_code"].as_str().map(str::to_owned),
            identified: lock["identified"].as_u64().unwrap_or(0),
            frames: Frames {
                from_hub: lock["frames"]["from_hub"].as_u64().expect("frames are counted"),
                to_hub: lock["frames"]["to_hub"].as_u64().expect("frames are counted"),
                wake_ups: lock["frames"]["wake_ups"].as_u64().unwrap_or(0),
            },
            commands: list("commands").iter().filter_map(command).collect(),
        }
    }

    /// The slots that hold this PIN.
    pub fn slots_of(&self, pin: &str) -> Vec<u64> {
        self.codes.iter().filter(|(_, code)| code == pin).map(|(slot, _)| *slot).collect()
    }
}

impl Stick {
    /// `keyway virtual-stick` on any free port.
    pub fn ours(keyway: &str, setup: &Setup) -> Self {
        Self::ours_at(keyway, setup, 0)
    }

    /// `keyway virtual-stick` on a given port.
    pub fn ours_at(keyway: &str, setup: &Setup, port: u16) -> Self {
        let mut command = Command::new(keyway);
        let listen = format!("127.0.0.1:{port}");
        let radio = if setup.is_zigbee() { "zigbee" } else { "zwave" };
        let ports = ["--listen", &listen, "--control", "127.0.0.1:0"];
        command.args(["virtual-stick", "--radio", radio]).args(ports).arg("--setup");
        Self::start(command, &setup.for_our_stick())
    }

    /// zwave-js's mock controller and mock locks.
    pub fn of_zwave_js(folder: &Path, setup: &Setup) -> Self {
        assert!(
            folder.join("node_modules/zwave-js").exists(),
            "zwave-js is not installed: run `npm ci` in {}",
            folder.display()
        );
        let mut command = Command::new("node");
        command.current_dir(folder).arg("stick.mjs");
        Self::start(command, &setup.for_zwave_js())
    }

    /// A Zigbee stick and its locks, encoded by bellows and zigpy.
    pub fn of_bellows(folder: &Path, setup: &Setup) -> Self {
        let python = folder.join(".venv/bin/python");
        assert!(python.exists(), "bellows is not installed in {}: run `tests/run interop` once", folder.display());
        let mut command = Command::new(python);
        command.current_dir(folder).arg("stick.py");
        Self::start(command, &setup.for_our_stick())
    }

    fn start(mut command: Command, setup: &Value) -> Self {
        let folder = tempfile::Builder::new().prefix("keyway-stick").tempdir().expect("no temporary folder");
        let file = folder.path().join("setup.json");
        std::fs::write(&file, setup.to_string()).expect("can't write the stick's setup");
        command.arg(file);
        let output = Output::default();
        let mut process = Process::start("the stick", &mut command, &output);
        let ports = wait_until("the stick tells its ports", SOON, || {
            let told = output.lines().iter().find_map(|line| serde_json::from_str::<Value>(line).ok());
            assert!(told.is_some() || !process.has_ended(), "the stick ended at once: {:?}", output.lines());
            told
        });
        let text = |name: &str| ports[name].as_str().expect("the stick tells its ports").to_owned();
        Self { port: text("listening"), control: text("control"), output, _process: process, _folder: folder }
    }

    /// Where its host connects to, as in the daemon's configuration.
    pub fn port(&self) -> String {
        format!("tcp://{}", self.port)
    }

    /// The same, but its host is to go to it by way of this address.
    pub fn by_way_of(self, address: &str) -> Self {
        Self { port: address.to_owned(), ..self }
    }

    /// Where its locks are handled, as ADDRESS:NUMBER.
    pub fn control(&self) -> &str {
        &self.control
    }

    /// Plugs it into a serial port: a pseudo-terminal at this path. Dropping the process pulls it out again.
    pub fn plugged_into(&self, path: &Path) -> Process {
        let mut command = Command::new("socat");
        command.arg(format!("PTY,link={},raw,echo=0", path.display())).arg(format!("TCP:{}", self.port));
        let process = Process::start("socat", &mut command, &Output::default());
        wait_until("the serial port is there", SOON, || path.exists().then_some(()));
        process
    }

    /// What it wrote.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Gives it an order and takes the answer, which must not be an error.
    pub fn order(&self, order: Value) -> Value {
        let answer = self.try_order(&order);
        assert!(answer.get("error").is_none(), "{order}: {answer}");
        answer
    }

    /// Gives it an order and takes the answer, whatever it is.
    pub fn try_order(&self, order: &Value) -> Value {
        let mut control = TcpStream::connect(&self.control).expect("the stick's control port is gone");
        control.set_read_timeout(Some(SOON)).expect("a timeout can be set");
        writeln!(control, "{order}").expect("the stick's control port is gone");
        let mut line = String::new();
        BufReader::new(control).read_line(&mut line).expect("the stick does not answer");
        serde_json::from_str(&line).expect("the stick answers JSON")
    }

    /// What one lock holds.
    pub fn lock(&self, node: u16) -> LockState {
        self.locks().remove(&node).unwrap_or_else(|| panic!("the stick has no lock at node {node}"))
    }

    /// Whether a command of this name reached a lock.
    pub fn was_told(&self, node: u16, name: &str) -> bool {
        self.lock(node).commands.iter().any(|(command, _)| command == name)
    }

    /// What each lock holds, by node.
    pub fn locks(&self) -> BTreeMap<u16, LockState> {
        let state = self.order(json!({"get": "state"}));
        let node = |lock: &Value| u16::try_from(lock["node"].as_u64().expect("a lock has a node")).expect("16 bits");
        state["locks"].as_array().into_iter().flatten().map(|lock| (node(lock), LockState::read(lock))).collect()
    }

    /// Types a code at a lock's keypad. Whether the lock opened.
    pub fn type_code(&self, node: u16, code: &str) -> bool {
        self.order(json!({"node": node, "keypad": code}))["opened"] == true
    }

    /// A lock's clock goes on by so many seconds: for the lock that is as if they had passed.
    pub fn move_clock(&self, node: u16, seconds: i64) {
        self.order(json!({"node": node, "move_clock": seconds}));
    }

    /// Programs a lock by hand; `None` clears the slot.
    pub fn by_hand(&self, node: u16, slot: u64, code: Option<&str>) {
        self.order(json!({"node": node, "by_hand": {"slot": slot, "code": code}}));
    }

    /// Sets a lock's fault, such as `{"offline": true}`.
    pub fn fault(&self, node: u16, fault: Value) {
        self.order(json!({"node": node, "fault": fault}));
    }

    /// Waits until the lock holds this PIN; tells in which slot.
    pub fn wait_for_code(&self, node: u16, pin: &str, within: Duration) -> u64 {
        let what = format!("node {node} holds the PIN");
        wait_until(&what, within, || self.lock(node).slots_of(pin).first().copied())
    }

    /// Waits until the lock holds this PIN no more.
    pub fn wait_for_no_code(&self, node: u16, pin: &str, within: Duration) {
        let what = format!("node {node} holds the PIN no more");
        wait_until(&what, within, || self.lock(node).slots_of(pin).is_empty().then_some(()));
    }

    /// Waits until nothing has been said between the hub and the lock for a second.
    pub fn wait_until_quiet(&self, node: u16) -> LockState {
        let (mut last, mut since) = (self.lock(node), now());
        wait_until("the air is quiet", SOON, || {
            let state = self.lock(node);
            if state.frames != last.frames {
                (last, since) = (state, now());
                return None;
            }
            (now() - since > Duration::from_secs(1)).then_some(state)
        })
    }
}
