//! A real Home Assistant as a process, in the folder that `setup.sh` made.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use keyway_test_support::{Output, Process, SOON, Signal, free_port, in_seconds, now, wait_until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// It starts in ten seconds on a machine that has nothing else to do.
const STARTS_WITHIN: Duration = Duration::from_secs(180);

/// A Home Assistant as a newcomer has it: MQTT and a calendar of its own are set up, nothing else.
pub(super) struct HomeAssistant {
    folder: TempDir,
    process: Option<Process>,
    output: Output,
    bridge: u16,
    _bridge: Process,
    /// What it complained of in earlier runs.
    seen: usize,
}

impl HomeAssistant {
    /// Starts it and waits until it is up.
    pub(super) fn start(broker: u16) -> Self {
        Self::looking_at(broker, "homeassistant")
    }

    /// The same, and it looks for devices below another first level.
    pub(super) fn looking_at(broker: u16, discovery_prefix: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("keyway-homeassistant").tempdir().expect("no temporary folder");
        let port = free_port();
        prepare(folder.path(), port, broker, discovery_prefix);
        let output = Output::default();
        let mut bridge = inside(folder.path());
        let arguments = ["/venv/bin/python", "/config/bridge.py", &port.to_string(), "/config"];
        let bridge = Process::start("the bridge", bridge.args(arguments), &output);
        let control = wait_until("the bridge tells its port", STARTS_WITHIN, || {
            let lines = output.lines();
            let told = lines.iter().find_map(|line| serde_json::from_str::<Value>(line).ok()?["control"].as_u64());
            told.and_then(|port| u16::try_from(port).ok())
        });
        let mut home = Self { folder, process: None, output, bridge: control, _bridge: bridge, seen: 0 };
        home.run();
        home
    }

    /// Starts it and waits until it is up.
    pub(super) fn run(&mut self) {
        let mut command = inside(self.folder.path());
        command.args(["/venv/bin/hass", "--config", "/config", "--skip-pip"]);
        command.args(["--log-file", "/config/home-assistant.log", "--log-no-color"]);
        self.process = Some(Process::start("Home Assistant", &mut command, &self.output));
        self.wait_until_up();
    }

    fn wait_until_up(&mut self) {
        wait_until("Home Assistant is up", STARTS_WITHIN, || {
            let process = self.process.as_mut().expect("it was started");
            assert!(!process.has_ended(), "Home Assistant ended at once");
            let answer = self.try_ask(&json!({"type": "get_config"}));
            (answer["result"]["state"] == "RUNNING").then_some(())
        });
        // Before that it may not hear what it has subscribed to.
        wait_until("it has said that it is there", STARTS_WITHIN, || {
            self.has_logged("birth message sent").then_some(())
        });
    }

    /// Ends it in order and starts it again.
    pub(super) fn restart(&mut self) {
        self.stop();
        self.run();
    }

    /// Ends it in order.
    pub(super) fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.end(Signal::Terminate, STARTS_WITHIN);
        // Each run has a log of its own.
        self.assert_content();
        self.seen = 0;
    }

    /// Gives it a command and takes the result, which must not be an error.
    pub(super) fn ask(&self, order: Value) -> Value {
        let answer = self.try_ask(&order);
        assert!(answer.get("error").is_none(), "{order}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// Gives it a command and takes `{"result": …}` or `{"error": …}`.
    pub(super) fn try_ask(&self, order: &Value) -> Value {
        let mut bridge = TcpStream::connect(("127.0.0.1", self.bridge)).expect("the bridge is gone");
        bridge.set_read_timeout(Some(STARTS_WITHIN)).expect("a timeout can be set");
        writeln!(bridge, "{order}").expect("the bridge is gone");
        let mut line = String::new();
        BufReader::new(bridge).read_line(&mut line).expect("the bridge does not answer");
        serde_json::from_str(&line).expect("the bridge answers JSON")
    }

    /// Calls a service (an action), such as `lock.unlock`.
    pub(super) fn call(&self, service: &str, data: Value) {
        self.ask(call(service, data));
    }

    /// An entity's state and attributes; `None`: there is no such entity.
    pub(super) fn entity(&self, id: &str) -> Option<Value> {
        let states = self.ask(json!({"type": "get_states"}));
        states.as_array()?.iter().find(|state| state["entity_id"] == id).cloned()
    }

    /// Waits until an entity has this state.
    pub(super) fn wait_for(&self, id: &str, state: &str) {
        self.wait_while(id, |entity| (entity["state"] == state).then_some(()));
    }

    /// Waits until an entity is as it should be, and gives what `fits` makes of it.
    pub(super) fn wait_while<T>(&self, id: &str, fits: impl Fn(&Value) -> Option<T>) -> T {
        let deadline = now() + SOON * 2;
        loop {
            let entity = self.entity(id).unwrap_or_default();
            if let Some(found) = fits(&entity) {
                return found;
            }
            assert!(now() < deadline, "{id} stays as it is: {entity}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Makes an automation or a script from a blueprint, as the page for it does.
    pub(super) fn make(&self, kind: &str, name: &str, blueprint: &str, input: Value) {
        let body = json!({"alias": name, "use_blueprint": {"path": blueprint, "input": input}});
        self.ask(json!({"post": format!("/api/config/{kind}/config/{name}"), "body": body}));
        self.wait_while(&format!("{kind}.{name}"), |entity| entity["state"].as_str().map(drop));
    }

    /// The first event of a calendar around now.
    pub(super) fn event_of(&self, calendar: &str) -> Value {
        let (from, until) = (in_seconds(-86_400.0), in_seconds(86_400.0));
        let events = self.ask(json!({"get": format!("/api/calendars/{calendar}?start={from}&end={until}")}));
        events[0].clone()
    }

    /// What a template makes of it.
    pub(super) fn render(&self, template: &str) -> String {
        let answer = self.ask(json!({"post": "/api/template", "body": {"template": template}}));
        answer.as_str().map_or_else(|| answer.to_string(), str::to_owned)
    }

    /// The notifications that a person would see: title and message.
    pub(super) fn notifications(&self) -> Vec<(String, String)> {
        let all = self.ask(json!({"type": "persistent_notification/get"}));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        all.as_array().into_iter().flatten().map(|one| (text(&one["title"]), text(&one["message"]))).collect()
    }

    /// Its folder of configuration.
    pub(super) fn config(&self) -> &Path {
        self.folder.path()
    }

    /// What it has warned of in this run, each line once, but for what is `expected`.
    pub(super) fn complaints(&self, expected: &[&str]) -> Vec<String> {
        let log = std::fs::read_to_string(self.config().join("home-assistant.log")).unwrap_or_default();
        let lines = log.lines().skip(self.seen);
        let bad = lines.filter(|line| [" WARNING ", " ERROR ", " CRITICAL "].iter().any(|level| line.contains(level)));
        // Of our own way to start it.
        let own = "Skipping pip installation of required modules";
        let is_expected = |line: &&str| expected.iter().chain([&own]).any(|text| line.contains(text));
        bad.filter(|line| !is_expected(line)).map(str::to_owned).collect()
    }

    /// Whether its log has this, in this run.
    pub(super) fn has_logged(&self, text: &str) -> bool {
        let log = std::fs::read_to_string(self.config().join("home-assistant.log")).unwrap_or_default();
        log.lines().skip(self.seen).any(|line| line.contains(text))
    }

    /// It has nothing to say.
    pub(super) fn assert_content(&self) {
        let complaints = self.complaints(&[]);
        assert!(complaints.is_empty(), "Home Assistant complains:\n{}", complaints.join("\n"));
    }

    /// It has nothing to say but these, which are passed over from now on.
    pub(super) fn assert_content_but(&mut self, expected: &[&str]) {
        let complaints = self.complaints(expected);
        assert!(complaints.is_empty(), "Home Assistant complains:\n{}", complaints.join("\n"));
        let log = std::fs::read_to_string(self.config().join("home-assistant.log")).unwrap_or_default();
        self.seen = log.lines().count();
    }
}

impl Drop for HomeAssistant {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- what Home Assistant complains of ---\n{}\n", self.complaints(&[]).join("\n"));
        }
    }
}

/// A command that calls a service.
pub(super) fn call(service: &str, data: Value) -> Value {
    let (domain, service) = service.split_once('.').expect("domain.service");
    json!({"type": "call_service", "domain": domain, "service": service, "service_data": data})
}

/// What `setup.sh` and the programs need.
fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/homeassistant")
}

/// A program with Home Assistant's Python.
fn inside(config: &Path) -> Command {
    let root = std::env::var_os("KEYWAY_HOMEASSISTANT").map_or_else(default_root, PathBuf::from);
    assert!(
        root.join("installed.txt").exists(),
        "Home Assistant is not installed in {}: run `tests/run homeassistant` once, as root or with sudo",
        root.display()
    );
    let enter = scripts().join("enter.sh");
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut command = if is_root {
        Command::new(enter)
    } else {
        let mut command = Command::new("sudo");
        command.args(["--non-interactive", "--preserve-env=CONFIG"]).arg(enter);
        command
    };
    command.arg(root).env("CONFIG", config);
    command
}

fn default_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/homeassistant")
}

/// Writes what a person would have clicked together.
fn prepare(folder: &Path, port: u16, broker: u16, discovery_prefix: &str) {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("can't make a folder");
        std::fs::write(path, text).expect("can't write Home Assistant's configuration");
    };
    let read =
        |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    write("configuration.yaml", &read(&scripts().join("configuration.yaml")).replace("PORT", &port.to_string()));
    write("automations.yaml", "[]\n");
    write("scripts.yaml", "{}\n");
    write("bridge.py", &read(&scripts().join("bridge.py")));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/homeassistant");
    for (kind, name) in [("automation", "calendar_guests"), ("automation", "tell_me"), ("script", "let_in")] {
        let text = read(&shipped.join(format!("{name}.yaml")));
        write(&format!("blueprints/{kind}/keyway/{name}.yaml"), &text);
    }
    write("dashboard.yaml", &read(&shipped.join("dashboard.yaml")).replace("keyway_home", "keyway_test"));
    let birth = json!({"topic": format!("{discovery_prefix}/status"), "payload": "online", "qos": 0, "retain": false});
    let mqtt = entry(
        "mqtt",
        json!({"broker": "127.0.0.1", "port": broker, "protocol": "5"}),
        json!({"discovery": true, "discovery_prefix": discovery_prefix, "birth_message": birth}),
    );
    let calendar = entry("local_calendar", json!({"calendar_name": "Guests", "storage_key": "guests"}), json!({}));
    let entries = json!({
        "version": 1, "minor_version": 5, "key": "core.config_entries", "data": {"entries": [mqtt, calendar]},
    });
    write(".storage/core.config_entries", &entries.to_string());
}

/// An integration as Home Assistant keeps it.
fn entry(domain: &str, data: Value, options: Value) -> Value {
    let then = "2026-01-01T00:00:00.000000+00:00";
    json!({
        "created_at": then, "modified_at": then, "data": data, "disabled_by": null, "discovery_keys": {},
        "domain": domain, "entry_id": format!("01KEYWAY{domain}"), "minor_version": 1, "options": options,
        "pref_disable_new_entities": false, "pref_disable_polling": false, "source": "user", "subentries": [],
        "title": domain, "unique_id": null, "version": 1,
    })
}
