//! Leads through what is under way in a network, step by step.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::devices::Progress;
use super::super::reading::{body, items, text, texts};
use super::super::{Session, Trouble};

/// How often the hub is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(300);
/// The hub gives up long before.
const WAIT_FOR: Duration = Duration::from_secs(1200);
/// How long a new lock may take to say what it can.
const INTERVIEW: Duration = Duration::from_secs(90);

/// Asks the hub how far it is, tells whoever is at the terminal, and hands the hub what they answer.
pub(super) struct Guide {
    network: Option<String>,
    /// How many steps of the task the person knows of.
    told: usize,
}

impl Guide {
    pub(super) fn new(network: Option<String>) -> Self {
        Self { network, told: 0 }
    }

    /// To the end of what was begun: how it went.
    pub(super) fn follow(mut self, session: &mut Session) -> Result<Value, Trouble> {
        let mut waited = Duration::ZERO;
        while waited < WAIT_FOR {
            let (network, json) = self.look(session)?;
            if network["task"].is_null() {
                if session.json {
                    session.console.json(&json)?;
                }
                self.tell_all(session, &network["last_result"])?;
                return ended(&network["last_result"]);
            }
            let told = self.told;
            self.tell_all(session, &network["task"])?;
            waited = if self.told == told { waited + pause() } else { pause() };
        }
        Err(Trouble::Failed("the hub does not come to an end: see its log".to_owned()))
    }

    /// Until the device of this label has joined by itself, however long that takes.
    pub(super) fn follow_self_join(mut self, session: &mut Session, label: &str) -> Result<Value, Trouble> {
        let mut under_way = false;
        loop {
            let (network, json) = self.look(session)?;
            let (task, last) = (&network["task"], &network["last_result"]);
            if text(task, "action") == "self_join" {
                under_way = true;
                self.tell_all(session, task)?;
            } else if task.is_null() && text(last, "action") == "self_join" {
                let awaited = items(&network, "awaited").iter().any(|awaited| text(awaited, "label") == label);
                if !awaited && last["succeeded"] == true {
                    if session.json {
                        session.console.json(&json)?;
                    }
                    self.tell_all(session, last)?;
                    return Ok(last.clone());
                }
                if std::mem::take(&mut under_way) && last["succeeded"] == false {
                    self.tell_all(session, last)?;
                    let why = text(&last["error"], "message");
                    session.console.note(format_args!("It did not join: {why}. It is awaited on, and tries again."));
                }
                self.told = 0;
            }
            pause();
        }
    }

    /// Waits until the new lock can be used: what it is, and how many codes it holds. `None`: it takes longer.
    pub(super) fn interviewed(&self, session: &mut Session) -> Result<Option<(Value, u64)>, Trouble> {
        let (mut waited, mut progress) = (Duration::ZERO, Progress::default());
        while waited < INTERVIEW {
            // The hub knows the device a moment after its stick.
            let device_id = self.look(session)?.0["last_result"]["device_id"].clone();
            if !device_id.is_null() {
                let device = session.call("devices/get", &json!({"device_id": device_id}))?.body["device"].clone();
                let slots = device.pointer("/codes/slots").and_then(Value::as_u64);
                if let Some(slots) = slots.filter(|slots| *slots > 0) {
                    return Ok(Some((device, slots)));
                }
                progress.tell(session, &device);
            }
            waited += pause();
        }
        Ok(None)
    }

    fn look(&self, session: &Session) -> Result<(Value, String), Trouble> {
        let reply = session.call("networks/get", &self.request([]))?;
        Ok((reply.body["network"].clone(), reply.json))
    }

    /// Every step that the person does not know of yet; only the last may ask something.
    fn tell_all(&mut self, session: &mut Session, task: &Value) -> Result<(), Trouble> {
        let steps = texts(task, "steps");
        let action = text(task, "action");
        for (place, step) in steps.iter().enumerate().skip(self.told) {
            self.told = place + 1;
            match *step {
                "grant_needed" | "pin_needed" if text(task, "step") != *step || self.told < steps.len() => {}
                "grant_needed" => self.grant(session, task)?,
                "pin_needed" => self.confirm(session, text(task, "label"))?,
                step => session.console.note(sentence(step, action)),
            }
        }
        Ok(())
    }

    fn confirm(&self, session: &mut Session, label: &str) -> Result<(), Trouble> {
        session.console.note(format_args!(
            "Read the label of the lock (DSK): five digits, and then {label}.\n\
             Is that another label, then another device answered, or somebody is in between: cancel."
        ));
        loop {
            let pin = session.console.read_line("Its first five digits (nothing: cancel)")?;
            if pin.is_empty() {
                return self.cancel(session);
            }
            match session.call("networks/confirm", &self.request([("pin", Some(json!(*pin)))])) {
                Ok(_) => return Ok(()),
                Err(Trouble::Refused(refusal)) if refusal.fields.contains_key("pin") => {
                    session.console.note("That is not five digits, or a number over 65535.");
                }
                // It ended while the digits were looked for: why, the end tells.
                Err(Trouble::Refused(_)) if !self.is_at(session, "pin_needed")? => return Ok(()),
                Err(trouble) => return Err(trouble),
            }
        }
    }

    fn grant(&self, session: &mut Session, task: &Value) -> Result<(), Trouble> {
        let requested = texts(task, "requested");
        let (question, answer) = if requested.is_empty() {
            let question =
                "The lock knows no security: everybody in reach can read its codes and open it. Take it all the same?";
            (question.to_owned(), ("insecure", json!(true)))
        } else if requested == ["s0"] {
            let question =
                "The lock knows only the old Security 0: who listens while it is added can open it later. Take it?";
            (question.to_owned(), ("security", json!(requested)))
        } else {
            (format!("The lock asks for {}. Grant that?", requested.join(", ")), ("security", json!(requested)))
        };
        let (field, value) = answer;
        match session.console.confirm(&question, false) {
            Ok(()) => match session.call("networks/grant", &self.request([(field, Some(value))])) {
                Err(Trouble::Refused(_)) if !self.is_at(session, "grant_needed")? => Ok(()),
                answer => answer.map(drop),
            },
            Err(Trouble::Failed(_)) => self.cancel(session),
            Err(trouble) => {
                self.cancel(session)?;
                Err(trouble)
            }
        }
    }

    fn is_at(&self, session: &Session, step: &str) -> Result<bool, Trouble> {
        Ok(text(&self.look(session)?.0["task"], "step") == step)
    }

    fn cancel(&self, session: &Session) -> Result<(), Trouble> {
        session.call("networks/cancel", &self.request([])).map(drop)
    }

    fn request<const N: usize>(&self, fields: [(&str, Option<Value>); N]) -> Value {
        let mut request = body(fields);
        if let Some(network) = &self.network {
            request["network"] = json!(network);
        }
        request
    }
}

fn pause() -> Duration {
    std::thread::sleep(ASK_EVERY);
    ASK_EVERY
}

fn sentence(step: &str, action: &str) -> &'static str {
    match step {
        "ready" if action == "leave" => {
            "Now do at the other controller what its manual says for removing (excluding) a device: the stick is what it removes."
        }
        "device_found" if action == "leave" => "The other controller has begun.",
        "ready" if action == "exclude" => "Now do at the lock what its manual says for removing (excluding) it.",
        "ready" => "Now do at the lock what its manual says for adding (including) it.",
        "device_found" => "It answers.",
        "device_joined" => "It is in the network; now it gets its keys.",
        "securing" => "The keys are handed over.",
        "rebuilding_routes" => "The next device looks for its neighbours and is given new routes.",
        "cleaning_up" => "That did not work. The lock is taken out of the network again.",
        "removal_needed" => {
            "The lock must help with that: do at it what its manual says for removing (excluding) it.\n\
             (Two minutes; then it stays in the network without keys, and can be taken out later by `keyway unpair`.)"
        }
        _ => "It goes on.",
    }
}

fn ended(result: &Value) -> Result<Value, Trouble> {
    if result["succeeded"] == true {
        return Ok(result.clone());
    }
    let error = &result["error"];
    let rest = match error["leftover_node"].as_u64() {
        Some(node) => format!(
            "\n        The lock is still in the network, as node {node}, without keys: take it out by `keyway unpair`."
        ),
        None if texts(result, "steps").contains(&"cleaning_up") => {
            "\n        The lock is out of the network again: nothing is left of it.".to_owned()
        }
        None => String::new(),
    };
    match text(error, "message") {
        "" => Err(Trouble::Failed("the hub does not know how it ended: was it restarted?".to_owned())),
        message => Err(Trouble::Failed(format!("{message}{rest}"))),
    }
}
