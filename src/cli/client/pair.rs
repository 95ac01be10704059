//! `keyway pair` and `keyway unpair`: a new lock from its box into the network, and out of it again, step by step with
//! whoever stands at the door.

use std::time::Duration;

use serde_json::{Value, json};

use super::directory::DEVICE;
use super::reading::{body, items, text};
use super::{Session, Task, Trouble};

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
    /// Wait for the lock of --code to join by itself once it has power (SmartStart), and return at once.
    #[arg(long, requires = "code")]
    smart_start: bool,
    /// Choose what the lock is granted, in any case.
    #[arg(long, conflicts_with = "smart_start")]
    ask: bool,
    /// Also take an old lock that knows only Security 0.
    #[arg(long)]
    allow_s0: bool,
    /// Put it in the place of this lock, which does not answer any more.
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["name", "code", "smart_start", "ask", "allow_s0"])]
    replace: Option<String>,
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

/// How often the hub is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(300);
/// The hub gives up long before.
const WAIT_FOR: Duration = Duration::from_secs(1200);
/// How long a new lock may take to say what it can.
const INTERVIEW: Duration = Duration::from_secs(90);

const DEFAULT: [&str; 2] = ["s2_access_control", "s2_authenticated"];

impl Task for Pair {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        let network = self.network.clone();
        if self.smart_start {
            return self.wait_for(session);
        }
        let security = self.allow_s0.then(|| json!([DEFAULT[0], DEFAULT[1], "s0"]));
        let replaced = self.replace.as_deref().map(|meant| session.find(&DEVICE, meant)).transpose()?;
        let operation = if replaced.is_some() { "networks/replace_failed" } else { "networks/include" };
        let request = body([
            ("network", network.clone().map(Into::into)),
            ("name", self.name.clone().map(Into::into)),
            ("security", security),
            ("ask", self.ask.then_some(Value::Bool(true))),
            ("pin", self.pin.clone().map(Into::into)),
            ("code", self.code.clone().map(Into::into)),
            ("device_id", replaced.map(|device| device["device_id"].clone())),
        ]);
        session.call(operation, &request)?;
        session.console.note("The stick begins to listen. (Ctrl-C leaves; `keyway call networks/cancel` ends it.)");
        let result = Guide { network: network.clone(), told: String::new() }.follow(session)?;
        let name = self.name.or(self.replace).unwrap_or_else(|| "The lock".to_owned());
        let security = words(&result, "security").join(", ");
        let security = if security.is_empty() { "no security at all".to_owned() } else { security };
        session.console.note(format_args!("{name} is in the network, with {security}. It is asked what it can do."));
        introduce(session, network, &name)
    }
}

impl Pair {
    fn wait_for(self, session: &mut Session) -> Result<(), Trouble> {
        let request = body([
            ("network", self.network.map(Into::into)),
            ("name", self.name.map(Into::into)),
            ("code", self.code.map(Into::into)),
        ]);
        let done = "The hub waits for this lock: give it power, and it joins by itself within some minutes. \
                    `keyway events --follow` tells.";
        session.do_and_say("networks/await_device", &request, done)
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
        session.call(operation, &request)?;
        Guide { network: self.network, told: String::new() }.follow(session)?;
        if session.json { Ok(()) } else { session.console.say(format_args!("{name} is out of the network.")) }
    }
}

/// Leads through what is under way.
struct Guide {
    network: Option<String>,
    /// The step that the person knows of.
    told: String,
}

impl Guide {
    /// To the end: how it went.
    fn follow(mut self, session: &mut Session) -> Result<Value, Trouble> {
        let which = body([("network", self.network.clone().map(Into::into))]);
        let mut waited = Duration::ZERO;
        while waited < WAIT_FOR {
            let reply = session.call("networks/get", &which)?;
            let network = &reply.body["network"];
            let task = &network["task"];
            if task.is_null() {
                if session.json {
                    session.console.json(&reply.json)?;
                }
                return ended(&network["last_result"]);
            }
            let step = text(task, "step").to_owned();
            if step != self.told {
                self.told.clone_from(&step);
                self.tell(session, task)?;
            }
            std::thread::sleep(ASK_EVERY);
            waited += ASK_EVERY;
        }
        Err(Trouble::Failed("the hub does not come to an end: see its log".to_owned()))
    }

    fn tell(&self, session: &mut Session, task: &Value) -> Result<(), Trouble> {
        let action = text(task, "action");
        match text(task, "step") {
            "ready" if action == "exclude" => {
                session.console.note("Now do at the lock what its manual says for removing (excluding) it.");
            }
            "ready" => session.console.note("Now do at the lock what its manual says for adding (including) it."),
            "device_found" => session.console.note("It answers."),
            "device_joined" => session.console.note("It is in the network; now it gets its keys."),
            "grant_needed" => return self.grant(session, task),
            "pin_needed" => return self.confirm(session, text(task, "label")),
            "securing" => session.console.note("The keys are handed over."),
            "cleaning_up" => session.console.note("That did not work. The lock is taken out of the network again."),
            "removal_needed" => session.console.note(
                "The lock must help with that: do at it what its manual says for removing (excluding) it. \
                 (Two minutes; then it stays in the network without keys, and can be taken out later by `keyway unpair`.)",
            ),
            _ => {}
        }
        Ok(())
    }

    fn confirm(&self, session: &mut Session, label: &str) -> Result<(), Trouble> {
        session.console.note(format_args!(
            "Read the label of the lock (DSK): five digits, and then {label}. Is that another label, somebody is in between."
        ));
        loop {
            let pin = session.console.read_line("Its first five digits (nothing: cancel)")?;
            if pin.is_empty() {
                return self.cancel(session);
            }
            let request = self.answer("pin", json!(*pin));
            match session.call("networks/confirm", &request) {
                Ok(_) => return Ok(()),
                Err(Trouble::Refused(refusal)) if refusal.fields.contains_key("pin") => {
                    session.console.note("That is not five digits, or a number over 65535.");
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    fn grant(&self, session: &mut Session, task: &Value) -> Result<(), Trouble> {
        let requested = words(task, "requested");
        let answer = if requested.is_empty() {
            let question =
                "The lock knows no security: everybody in reach can read its codes and open it. Take it all the same?";
            session.console.confirm(question, false).map(|()| self.answer("insecure", json!(true)))
        } else if requested == ["s0"] {
            let question =
                "The lock knows only the old Security 0: who listens while it is added can open it later. Take it?";
            session.console.confirm(question, false).map(|()| self.answer("security", json!(requested)))
        } else {
            let question = format!("The lock asks for {}. Grant that?", requested.join(", "));
            session.console.confirm(&question, false).map(|()| self.answer("security", json!(requested)))
        };
        match answer {
            Ok(request) => session.call("networks/grant", &request).map(drop),
            Err(Trouble::Failed(_)) => self.cancel(session),
            Err(trouble) => {
                self.cancel(session)?;
                Err(trouble)
            }
        }
    }

    fn cancel(&self, session: &mut Session) -> Result<(), Trouble> {
        session.call("networks/cancel", &body([("network", self.network.clone().map(Into::into))])).map(drop)
    }

    fn answer(&self, field: &'static str, value: Value) -> Value {
        body([("network", self.network.clone().map(Into::into)), (field, Some(value))])
    }
}

fn ended(result: &Value) -> Result<Value, Trouble> {
    if result["succeeded"] == true {
        return Ok(result.clone());
    }
    let error = &result["error"];
    let leftover = error["leftover_node"].as_u64();
    let rest = leftover.map_or_else(String::new, |node| {
        format!(". The lock is still in the network, as node {node}, without keys: take it out by `keyway unpair`")
    });
    match text(error, "message") {
        "" => Err(Trouble::Failed("the hub does not know how it ended: was it restarted?".to_owned())),
        message => Err(Trouble::Failed(format!("{message}{rest}"))),
    }
}

/// Waits until the new lock can be used, and shows it.
fn introduce(session: &mut Session, network: Option<String>, name: &str) -> Result<(), Trouble> {
    let network = body([("network", network.map(Into::into))]);
    let mut waited = Duration::ZERO;
    while waited < INTERVIEW {
        // The hub knows the device a moment after its stick.
        let device_id = session.call("networks/get", &network)?.body["network"]["last_result"]["device_id"].clone();
        if !device_id.is_null() {
            let device = session.call("devices/get", &json!({"device_id": device_id}))?.body["device"].clone();
            if let Some(slots) = device.pointer("/codes/slots").and_then(Value::as_u64).filter(|slots| *slots > 0) {
                let ready = format!("{} is ready: it holds {slots} codes.", DEVICE.name_of(&device));
                let id = text(&device, "device_id");
                return if session.json { Ok(()) } else { session.console.say(format_args!("{ready}\n  Id  {id}")) };
            }
        }
        std::thread::sleep(ASK_EVERY);
        waited += ASK_EVERY;
    }
    let note = "has not said yet what it can do. The hub goes on asking: see `keyway devices`.";
    session.console.note(format_args!("{name} {note}"));
    Ok(())
}

fn words(of: &Value, field: &str) -> Vec<String> {
    items(of, field).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
