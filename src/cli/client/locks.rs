//! `keyway lock` and `keyway unlock`: turns a bolt from afar, and waits for the lock's own word. What else is asked of a
//! lock is waited for in the same way.

use std::time::Duration;

use serde_json::{Value, json};

use super::directory::DEVICE;
use super::reading::text;
use super::{Session, Task, Trouble};

#[derive(clap::Args)]
pub(in crate::cli) struct Lock {
    /// Its name or id.
    #[arg(value_name = "DEVICE")]
    device: String,
}

#[derive(clap::Args)]
pub(in crate::cli) struct Unlock {
    /// Its name or id.
    #[arg(value_name = "DEVICE")]
    device: String,
}

/// The hub gives an attempt up after 30 s; what is not known after twice that is not known.
pub(super) const WAIT_FOR: Duration = Duration::from_secs(60);
/// How often the hub is asked.
const ASK_EVERY: Duration = Duration::from_millis(250);

impl Task for Lock {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        turn(session, &self.device, "locks/lock_door", "locked")
    }
}

impl Task for Unlock {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        turn(session, &self.device, "locks/unlock_door", "unlocked")
    }
}

fn turn(session: &mut Session, meant: &str, operation: &str, done: &str) -> Result<(), Trouble> {
    let device = session.find(&DEVICE, meant)?;
    attempt(session, &device, &Attempt { operation, done, wait_for: WAIT_FOR }, |_| Ok(()))?;
    let name = DEVICE.name_of(&device);
    if session.json { Ok(()) } else { session.console.say(format_args!("{name} is {done}: the lock says so.")) }
}

/// Something that is asked of a lock.
pub(super) struct Attempt<'a> {
    pub(super) operation: &'a str,
    /// The word for a lock with which it was done.
    pub(super) done: &'a str,
    pub(super) wait_for: Duration,
}

/// Asks it, and waits for the lock; `meanwhile` is called now and then.
pub(super) fn attempt(
    session: &mut Session,
    device: &Value,
    asked: &Attempt<'_>,
    mut meanwhile: impl FnMut(&mut Session) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut reply = session.call(asked.operation, &json!({"device_id": device["device_id"]}))?;
    let which = json!({"action_attempt_id": reply.body["action_attempt"]["action_attempt_id"]});
    let mut waited = Duration::ZERO;
    while text(&reply.body["action_attempt"], "status") == "pending" && waited < asked.wait_for {
        std::thread::sleep(ASK_EVERY);
        waited += ASK_EVERY;
        meanwhile(session)?;
        reply = session.call("action_attempts/get", &which)?;
    }
    if session.json {
        session.console.json(&reply.json)?;
    }
    outcome(&reply.body["action_attempt"], DEVICE.name_of(device), asked.done)
}

fn outcome(attempt: &Value, name: &str, done: &str) -> Result<(), Trouble> {
    match text(attempt, "status") {
        "success" => Ok(()),
        "error" => {
            let reason = text(&attempt["error"], "message");
            Err(Trouble::Failed(format!("{name} could not be {done}: {reason}")))
        }
        _ => Err(Trouble::Failed(format!(
            "it is not known whether {name} is {done}: the lock has not answered. `keyway call action_attempts/get \
             action_attempt_id={}` tells what became of it",
            text(attempt, "action_attempt_id")
        ))),
    }
}
