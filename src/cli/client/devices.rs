//! `keyway devices`: the locks and how they do.

use std::time::Duration;

use clap::{ArgGroup, Subcommand};
use serde_json::{Value, json};

use super::directory::DEVICE;
use super::locks;
use super::reading::{body, is, items, moment, problems, text};
use super::table::Column::{Text, Whole};
use super::table::Table;
use super::{LocalTime, Session, Task, Trouble, state};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// All devices.
    List,
    /// One device: what it can, how it does, and what is wrong with it.
    Get {
        /// Its name or id.
        #[arg(value_name = "DEVICE")]
        device: String,
    },
    /// Ask a lock again who it is and what it can do, as after a new firmware.
    Interview {
        /// Its name or id.
        #[arg(value_name = "DEVICE")]
        device: String,
    },
    /// Ask a lock whether it is there, with the cheapest frame that there is.
    Ping {
        /// Its name or id.
        #[arg(value_name = "DEVICE")]
        device: String,
    },
    /// Call a device otherwise, or have the hub leave a lock alone.
    Update(Update),
    /// Forget a device that is not in the hub's configuration any more.
    Delete {
        /// Its name or id.
        #[arg(value_name = "DEVICE")]
        device: String,
        /// Don't ask.
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("change").args(["name", "configured_name", "managed"]).required(true).multiple(true)))]
struct Update {
    /// Its name or id.
    #[arg(value_name = "DEVICE")]
    device: String,
    /// The new name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Call it as the hub's configuration does.
    #[arg(long, conflicts_with = "name")]
    configured_name: bool,
    /// `false`: the hub listens to the lock and writes nothing to it; `true`: it sets codes again.
    #[arg(long, value_name = "TRUE OR FALSE", conflicts_with_all = ["name", "configured_name"])]
    managed: Option<bool>,
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        match self.command.unwrap_or(Command::List) {
            Command::List => list(session),
            Command::Get { device } => get(session, &device),
            Command::Interview { device } => interview(session, &device),
            Command::Ping { device } => ping(session, &device),
            Command::Update(update) => update.run(session),
            Command::Delete { device, yes } => delete(session, &device, yes),
        }
    }
}

fn list(session: &mut Session) -> Result<(), Trouble> {
    if session.json {
        let reply = session.call("devices/list", &json!({}))?;
        return session.console.json(&reply.json);
    }
    let mut table = Table::new(&[Text("NAME"), Whole("STATE"), Whole("BATTERY"), Whole("CODES"), Text("PROBLEMS")]);
    for device in &session.all(&DEVICE)? {
        table.row([
            DEVICE.name_of(device).to_owned(),
            state::of_device(device).to_owned(),
            battery(device),
            codes(device),
            problems(device).join("; "),
        ]);
    }
    session.console.table(&table, "There are no devices: locks are given in the hub's configuration.")
}

fn get(session: &mut Session, meant: &str) -> Result<(), Trouble> {
    let device = session.find(&DEVICE, meant)?;
    let operation = if state::is_left_alone(&device) { "devices/unmanaged/get" } else { "devices/get" };
    let Some(answer) = session.ask(operation, &json!({"device_id": device["device_id"]}))? else { return Ok(()) };
    let lines = sheet(&answer["device"], &session.time);
    session.console.say(lines.join("\n"))
}

fn interview(session: &mut Session, meant: &str) -> Result<(), Trouble> {
    const WAIT_FOR: Duration = Duration::from_secs(300);
    let device = session.find(&DEVICE, meant)?;
    let which = json!({"device_id": device["device_id"]});
    let mut progress = Progress::default();
    let asked = locks::Attempt { operation: "devices/interview", done: "interviewed", wait_for: WAIT_FOR };
    locks::attempt(session, &device, &asked, |session| {
        let device = session.call("devices/get", &which)?.body["device"].clone();
        progress.tell(session, &device);
        Ok(())
    })?;
    if session.json {
        return Ok(());
    }
    let device = session.call("devices/get", &which)?.body["device"].clone();
    session.console.say(sheet(&device, &session.time).join("\n"))
}

fn ping(session: &mut Session, meant: &str) -> Result<(), Trouble> {
    let device = session.find(&DEVICE, meant)?;
    let asked = locks::Attempt { operation: "devices/ping", done: "reached", wait_for: locks::WAIT_FOR };
    locks::attempt(session, &device, &asked, |_| Ok(()))?;
    if session.json {
        return Ok(());
    }
    let device = session.call("devices/get", &json!({"device_id": device["device_id"]}))?.body["device"].clone();
    let link = Some(link(&device)).filter(|link| !link.is_empty()).map_or_else(String::new, |link| format!(": {link}"));
    session.console.say(format_args!("{} is reached{link}.", DEVICE.name_of(&device)))
}

/// Tells how far a lock's interview is, each stage once.
#[derive(Default)]
pub(super) struct Progress {
    told: String,
}

impl Progress {
    pub(super) fn tell(&mut self, session: &mut Session, device: &Value) {
        let interview = &device["interview"];
        let count = |field: &str| interview[field].as_u64().unwrap_or(0);
        let stage = match text(interview, "name") {
            "" => return,
            name if is(interview, "waits") => format!("It does not answer ({name}): wake it at its keypad."),
            name => format!("  {} of {}: {name}", count("stage"), count("stages")),
        };
        if stage != self.told {
            session.console.note(&stage);
            self.told = stage;
        }
    }
}

impl Update {
    fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let device = session.find(&DEVICE, &self.device)?;
        let name = DEVICE.name_of(&device);
        let operation = if state::is_left_alone(&device) { "devices/unmanaged/update" } else { "devices/update" };
        let done = match (&self.name, self.managed) {
            (Some(new), _) => format!("{name} is called {new} now."),
            (None, Some(true)) => format!("The hub sets and removes codes in {name}."),
            (None, Some(false)) => format!("The hub listens to {name} and writes nothing to it."),
            (None, None) => format!("{name} is called as the configuration says."),
        };
        let change = body([
            ("device_id", Some(device["device_id"].clone())),
            ("name", self.name.map(Into::into).or_else(|| self.configured_name.then_some(Value::Null))),
            ("is_managed", self.managed.map(Into::into)),
        ]);
        session.do_and_say(operation, &change, done)
    }
}

fn delete(session: &mut Session, meant: &str, yes: bool) -> Result<(), Trouble> {
    let device = session.find(&DEVICE, meant)?;
    let name = DEVICE.name_of(&device);
    session.console.confirm(&format!("Forget {name}, with its codes?"), yes)?;
    session.do_and_say(
        "devices/delete",
        &json!({"device_id": device["device_id"]}),
        format_args!("{name} is forgotten."),
    )
}

fn sheet(device: &Value, time: &LocalTime) -> Vec<String> {
    let mut lines = vec![DEVICE.name_of(device).to_owned()];
    let mut entry = |label: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("  {label:10}{value}"));
        }
    };
    let properties = device.get("properties").unwrap_or(&Value::Null);
    let model = properties.get("model").unwrap_or(&Value::Null);
    let makes =
        [text(model, "manufacturer_display_name"), text(model, "display_name"), text(properties, "firmware_version")];
    entry("State", state::of_device(device).to_owned());
    entry(
        "Bolt",
        match properties.get("locked").and_then(Value::as_bool) {
            Some(true) => "locked".to_owned(),
            Some(false) => "unlocked".to_owned(),
            None => String::new(),
        },
    );
    entry(
        "Door",
        match properties.get("door_open").and_then(Value::as_bool) {
            Some(true) => "open".to_owned(),
            Some(false) => "closed".to_owned(),
            None => String::new(),
        },
    );
    entry("Keypad", keypad(properties));
    entry("Battery", battery(device));
    entry("Codes", codes(device));
    entry("PINs of", code_lengths(properties));
    entry("Link", link(device));
    entry("Heard", moment(properties, "last_seen_at").map_or_else(String::new, |seen| time.long(seen)));
    entry("Model", makes.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", "));
    entry("Serial", text(properties, "serial_number").to_owned());
    entry("Can", abilities(device).join(", "));
    entry("Id", text(device, "device_id").to_owned());
    lines.extend(problems(device).into_iter().map(|problem| format!("  ! {problem}")));
    lines
}

/// As `-71 dBm, 40 ms, over 17, 9`.
fn link(device: &Value) -> String {
    let link = &device["link"];
    let number = |field: &str, unit: &str| link[field].as_i64().map(|number| format!("{number} {unit}"));
    let repeaters: Vec<String> = items(link, "repeater_node_ids").iter().map(Value::to_string).collect();
    let over = (!repeaters.is_empty()).then(|| format!("over {}", repeaters.join(", ")));
    let quality = link["link_quality"].as_u64().map(|quality| format!("quality {quality} of 255"));
    [number("signal_dbm", "dBm"), quality, number("delivery_ms", "ms"), over]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn battery(device: &Value) -> String {
    let level = device.pointer("/properties/battery_level").and_then(Value::as_f64);
    level.map_or_else(String::new, |level| format!("{:.0} %", level * 100.0))
}

fn codes(device: &Value) -> String {
    let count = |field| device.pointer(field).and_then(Value::as_u64);
    match (count("/codes/in_lock"), count("/codes/slots")) {
        (Some(used), Some(slots)) if slots > 0 => format!("{used} of {slots}"),
        _ => String::new(),
    }
}

/// Only what is worth a word: that it lets no guest in.
fn keypad(properties: &Value) -> String {
    match text(properties, "keypad_mode") {
        "" | "normal" => String::new(),
        mode => format!("{} mode: no guest gets in", mode.replace('_', " ")),
    }
}

fn code_lengths(properties: &Value) -> String {
    let lengths: Vec<u64> = items(properties, "supported_code_lengths").iter().filter_map(Value::as_u64).collect();
    match lengths[..] {
        [] => String::new(),
        [one] => format!("{one} digits"),
        [first, .., last] => format!("{first} to {last} digits"),
    }
}

fn abilities(device: &Value) -> Vec<&'static str> {
    const ABILITIES: &[(&str, &str)] = &[
        ("can_program_online_access_codes", "hold codes"),
        ("can_remotely_lock", "be locked from afar"),
        ("can_remotely_unlock", "be unlocked from afar"),
    ];
    ABILITIES.iter().filter(|(field, _)| is(device, field)).map(|(_, words)| *words).collect()
}
