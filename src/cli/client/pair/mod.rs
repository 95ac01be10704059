//! `keyway pair` and `keyway unpair`: a new lock from its box into the network, and out of it again, step by step with
//! whoever stands at the door.

mod guide;
pub(in crate::cli) mod import_keys;
mod settings;

use serde_json::{Value, json};

use super::directory::DEVICE;
use super::reading::{body, items, text, texts};
use super::{Session, Task, Trouble};
use guide::Guide;

pub use settings::{Found as NetworkKeysFound, SettingsError, read as network_keys_in};

#[derive(clap::Args)]
pub(in crate::cli) struct Pair {
    /// What people will call the door.
    #[arg(long, short, value_name = "NAME")]
    name: Option<String>,
    /// The stick, if there are several.
    #[arg(long, value_name = "STICK")]
    network: Option<String>,
    /// The first five digits of the lock's label, if they are at hand; else they are asked for.
    #[arg(long, value_name = "DIGITS")]
    pin: Option<String>,
    /// The text of the lock's QR code, or its whole label: no digits are asked for.
    #[arg(long, value_name = "TEXT", conflicts_with = "pin")]
    code: Option<String>,
    /// Await the lock of --code, which joins by itself once it has power (SmartStart), and return at once.
    #[arg(long, requires = "code")]
    smart_start: bool,
    /// With --smart-start: stay until it has joined. (Ctrl-C leaves; the hub awaits it on.)
    #[arg(long, requires = "smart_start")]
    wait: bool,
    /// Choose what the lock is granted, in any case.
    #[arg(long, conflicts_with = "smart_start")]
    ask: bool,
    /// Hold the lock beside the stick: for an old one that is not found otherwise.
    #[arg(long, conflicts_with_all = ["smart_start", "replace", "cancel"])]
    direct: bool,
    /// Also take an old lock that knows only Security 0.
    #[arg(long)]
    allow_s0: bool,
    /// Put it in the place of this lock, which does not answer any more.
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["name", "code", "smart_start", "ask", "allow_s0"])]
    replace: Option<String>,
    /// End what is under way at the stick. A lock that is half added is taken out again.
    #[arg(long, conflicts_with_all = ["name", "pin", "code", "smart_start", "ask", "allow_s0", "replace"])]
    cancel: bool,
}

#[derive(clap::Args)]
pub(in crate::cli) struct Unpair {
    /// A lock that does not answer any more, by its name or id. Left out: the lock whose button is pressed.
    #[arg(value_name = "DEVICE")]
    device: Option<String>,
    /// The stick, if there are several.
    #[arg(long, value_name = "STICK")]
    network: Option<String>,
    /// Don't ask.
    #[arg(long, short)]
    yes: bool,
}

/// Lets another controller take the stick out of its network.
pub(super) fn leave(session: &mut Session, stick: &str, network: &str) -> Result<(), Trouble> {
    begin(session, "networks/leave", &json!({"network": stick, "identity": network}))?;
    Guide::new(Some(stick.to_owned())).follow(session)?;
    if session.json {
        Ok(())
    } else {
        session.console.say(format_args!("The stick {stick} has a network of its own now."))
    }
}

/// Has the ways to a lock found anew, or those to all.
pub(super) fn rebuild_routes(session: &mut Session, stick: &str, device: Option<&str>) -> Result<(), Trouble> {
    let device = device.map(|meant| session.find(&DEVICE, meant)).transpose()?;
    let device_id = device.map(|device| device["device_id"].clone());
    begin(session, "networks/rebuild_routes", &body([("network", Some(stick.into())), ("device_id", device_id)]))?;
    let result = Guide::new(Some(stick.to_owned())).follow(session)?;
    let failed = items(&result, "failed_nodes");
    if !failed.is_empty() {
        let nodes: Vec<String> = failed.iter().map(Value::to_string).collect();
        let nodes = nodes.join(", ");
        return Err(Trouble::Failed(format!("these did not answer, and keep the routes that they had: node {nodes}")));
    }
    if session.json { Ok(()) } else { session.console.say("The routes are rebuilt.") }
}

const DEFAULT: [&str; 2] = ["s2_access_control", "s2_authenticated"];

impl Task for Pair {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        if self.cancel {
            let request = body([("network", self.network.map(Into::into))]);
            return session.do_and_say("networks/cancel", &request, "It ends.");
        }
        if self.smart_start {
            return self.await_lock(session);
        }
        let security = self.allow_s0.then(|| json!([DEFAULT[0], DEFAULT[1], "s0"]));
        let replaced = self.replace.as_deref().map(|meant| session.find(&DEVICE, meant)).transpose()?;
        let operation = if replaced.is_some() { "networks/replace_failed" } else { "networks/include" };
        let request = body([
            ("network", self.network.clone().map(Into::into)),
            ("name", self.name.clone().map(Into::into)),
            ("security", security),
            ("ask", self.ask.then_some(Value::Bool(true))),
            ("network_wide", self.direct.then_some(Value::Bool(false))),
            ("pin", self.pin.clone().map(Into::into)),
            ("code", self.code.clone().map(Into::into)),
            ("device_id", replaced.map(|device| device["device_id"].clone())),
        ]);
        begin(session, operation, &request)?;
        if self.direct {
            session.console.note("Hold the lock within a metre of the stick.");
        }
        session.console.note("The stick begins to listen. (Ctrl-C leaves; `keyway pair --cancel` ends it.)");
        let result = Guide::new(self.network.clone()).follow(session)?;
        let name = self.name.or(self.replace).unwrap_or_else(|| "The lock".to_owned());
        introduce(session, self.network, &name, &result)
    }
}

impl Pair {
    fn await_lock(self, session: &mut Session) -> Result<(), Trouble> {
        let request = body([
            ("network", self.network.clone().map(Into::into)),
            ("name", self.name.clone().map(Into::into)),
            ("code", self.code.map(Into::into)),
        ]);
        const AWAITED: &str = "The hub awaits this lock: give it power, and it joins by itself within some minutes.";
        if !self.wait {
            let done = format!("{AWAITED} `keyway events --follow` tells.");
            return session.do_and_say("networks/await_device", &request, done);
        }
        let reply = session.call("networks/await_device", &request)?;
        session.console.note(format_args!("{AWAITED} (Ctrl-C leaves; it is awaited on.)"));
        let label = text(&reply.body["awaited_device"], "label");
        let result = Guide::new(self.network.clone()).follow_self_join(session, label)?;
        let name = self.name.unwrap_or_else(|| "The lock".to_owned());
        introduce(session, self.network, &name, &result)
    }
}

impl Task for Unpair {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        let named = self.device.as_deref().map(|meant| session.find(&DEVICE, meant)).transpose()?;
        let (operation, name) = match &named {
            Some(device) => ("networks/remove_failed", DEVICE.name_of(device).to_owned()),
            None => ("networks/exclude", "The lock".to_owned()),
        };
        if named.is_some() {
            let question = format!("Take {name} out of the network? Its codes stay in it as they are.");
            session.console.confirm(&question, self.yes)?;
        }
        let request = body([
            ("network", self.network.clone().map(Into::into)),
            ("device_id", named.map(|device| device["device_id"].clone())),
        ]);
        begin(session, operation, &request)?;
        Guide::new(self.network).follow(session)?;
        if session.json { Ok(()) } else { session.console.say(format_args!("{name} is out of the network.")) }
    }
}

/// Begins something, or says how to end what is in its way.
fn begin(session: &Session, operation: &str, request: &Value) -> Result<(), Trouble> {
    match session.call(operation, request) {
        Err(Trouble::Refused(refusal)) if !session.json && refusal.is("conflict") => {
            Err(Trouble::Failed(format!("{refusal}. `keyway pair --cancel` ends it.")))
        }
        answer => answer.map(drop),
    }
}

/// Says how it came in, waits until it can be used, and shows it.
fn introduce(session: &mut Session, network: Option<String>, name: &str, result: &Value) -> Result<(), Trouble> {
    let security = texts(result, "security").join(", ");
    let security = match security.as_str() {
        // Zigbee has one key for all devices of a network.
        "" if !result["ieee_address"].is_null() => String::new(),
        "" => ", with no security at all".to_owned(),
        security => format!(", with {security}"),
    };
    session.console.note(format_args!("{name} is in the network{security}. It is asked what it can do."));
    match Guide::new(network).interviewed(session)? {
        Some((device, slots)) => {
            let (name, id) = (DEVICE.name_of(&device), text(&device, "device_id"));
            let ready = format!("{name} is ready: it holds {slots} codes.\n  Id  {id}");
            if session.json { Ok(()) } else { session.console.say(ready) }
        }
        None => {
            let note = "has not said yet what it can do. The hub goes on asking: see `keyway devices`.";
            session.console.note(format_args!("{name} {note}"));
            Ok(())
        }
    }
}
