//! The command line as a client: it speaks HTTP to a hub that runs, here or elsewhere, as every other program does.

mod backup;
mod call;
mod codes;
mod connection;
mod console;
mod devices;
mod directory;
mod events;
mod grants;
mod keys;
mod locks;
mod moments;
mod pair;
mod people;
mod pin;
mod reach;
mod reading;
mod spaces;
mod state;
mod status;
mod sticks;
mod table;
mod trouble;
mod webhooks;
mod when;

#[cfg(test)]
mod tests;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::clock::{Clock, SystemClock};

use connection::{Connection, Reply};
use moments::LocalTime;

pub use pair::{NetworkKeysFound, SettingsError, network_keys_in};

pub(super) use console::Console;
pub(super) use reach::Reach;
pub(super) use trouble::Trouble;

/// What a hub can be asked.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Who may enter which doors, when.
    #[command(visible_alias = "grant")]
    Grants(Asked<grants::Arguments>),
    /// The locks, how they do, and what they can.
    #[command(visible_alias = "device")]
    Devices(Asked<devices::Arguments>),
    /// What stands in the locks: the codes of grants, codes made directly, and those that people put in by hand.
    #[command(visible_alias = "code")]
    Codes(Asked<codes::Arguments>),
    /// What happened, and what happens.
    Events(Asked<events::Arguments>),
    /// Lock a door, and wait until the lock says that it is.
    Lock(Asked<locks::Lock>),
    /// Unlock a door, and wait until the lock says that it is.
    Unlock(Asked<locks::Unlock>),
    /// Groups of devices, such as all doors that lead to a flat.
    #[command(visible_alias = "space")]
    Spaces(Asked<spaces::Arguments>),
    /// Add a new lock, step by step with whoever stands at it.
    Pair(Asked<pair::Pair>),
    /// Take a lock out of the network: at its button, or one that does not answer any more.
    Unpair(Asked<pair::Unpair>),
    /// Take over the network keys of another Z-Wave program, so that the locks which it added are reached: from the settings
    /// of Z-Wave JS UI, the options of Home Assistant's Z-Wave JS, or zwave-js's own. The keys are never shown.
    ImportKeys(Asked<pair::import_keys::ImportKeys>),
    /// The people whom grants are for.
    #[command(visible_alias = "user")]
    Users(Asked<people::Arguments>),
    /// Addresses to which the hub sends its events.
    #[command(visible_alias = "webhook")]
    Webhooks(Asked<webhooks::Arguments>),
    /// API keys: what programs and other machines show to the hub.
    #[command(visible_alias = "key")]
    Keys(Asked<keys::Arguments>),
    /// The radio sticks: how they do, and what to do about one that was exchanged.
    #[command(visible_alias = "stick")]
    Sticks(Asked<sticks::Arguments>),
    /// Everything that the hub has, while it runs, in one encrypted file: database, keys, and the memory of each stick. The
    /// passphrase is asked for, or read from stdin.
    Backup(Asked<backup::Arguments>),
    /// How the hub does.
    Status(Asked<status::Arguments>),
    /// Any operation of the API, with its own fields; answers in JSON.
    Call(Called),
}

/// What is asked, and of which hub.
#[derive(Args)]
pub(super) struct Asked<T: Args> {
    #[command(flatten)]
    task: T,
    #[command(flatten)]
    reach: Reach,
    /// Print exactly the JSON that the hub answers, for programs.
    #[arg(long, global = true)]
    json: bool,
}

/// A call, and of which hub. Its answer is JSON always.
#[derive(Args)]
pub(super) struct Called {
    #[command(flatten)]
    task: call::Arguments,
    #[command(flatten)]
    reach: Reach,
}

/// Something that a hub can be asked.
trait Task {
    /// Asks, and shows the answer.
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble>;
}

/// What the hub says of how it does.
///
/// # Errors
/// [`Trouble`]: it can't be asked.
pub(super) fn health(reach: &Reach) -> Result<Value, Trouble> {
    let target = reach.target(|name| std::env::var(name).ok())?;
    Ok(Connection::to(target).call("health/get", &Value::Object(serde_json::Map::new()))?.body["health"].take())
}

/// A hub, a person, and the time.
struct Session {
    hub: Connection,
    console: Console,
    time: LocalTime,
    /// The answer is for a program.
    json: bool,
}

/// Carries out a command.
///
/// # Errors
/// [`Trouble`], to be told to the person.
pub(super) fn run(command: Command) -> Result<(), Trouble> {
    let order = command.order();
    let target = order.reach.target(|name| std::env::var(name).ok())?;
    let mut console = Console::of_this_process();
    if target.exposed {
        console.note(format_args!("keyway: {} has no TLS: the key and PINs can be read on the way", target.endpoint));
    }
    let now = jiff::Timestamp::from_microsecond(SystemClock::default().now().utc.as_microsecond());
    let now = now.map_err(|error| Trouble::Failed(format!("this machine's clock: {error}")))?;
    let time = LocalTime::new(now, jiff::tz::TimeZone::system());
    Session { hub: Connection::to(target), console, time, json: order.json }.carry_out(order.task)
}

/// A command, whichever it is.
struct Order {
    task: Box<dyn Task>,
    reach: Reach,
    json: bool,
}

impl Command {
    fn order(self) -> Order {
        match self {
            Self::Grants(asked) => asked.into(),
            Self::Devices(asked) => asked.into(),
            Self::Codes(asked) => asked.into(),
            Self::Events(asked) => asked.into(),
            Self::Lock(asked) => asked.into(),
            Self::Unlock(asked) => asked.into(),
            Self::Spaces(asked) => asked.into(),
            Self::Pair(asked) => asked.into(),
            Self::Unpair(asked) => asked.into(),
            Self::ImportKeys(asked) => asked.into(),
            Self::Users(asked) => asked.into(),
            Self::Webhooks(asked) => asked.into(),
            Self::Keys(asked) => asked.into(),
            Self::Sticks(asked) => asked.into(),
            Self::Backup(asked) => asked.into(),
            Self::Status(asked) => asked.into(),
            Self::Call(called) => Order { task: Box::new(called.task), reach: called.reach, json: true },
        }
    }
}

impl<T: Task + Args + 'static> From<Asked<T>> for Order {
    fn from(asked: Asked<T>) -> Self {
        Self { task: Box::new(asked.task), reach: asked.reach, json: asked.json }
    }
}

impl Session {
    /// With `--json` a refusal is an answer too.
    fn carry_out(&mut self, task: Box<dyn Task>) -> Result<(), Trouble> {
        let outcome = task.run(self);
        if let Err(Trouble::Refused(refusal)) = &outcome
            && self.json
        {
            self.console.json(&refusal.json)?;
        }
        outcome
    }

    fn call(&self, operation: &str, body: &Value) -> Result<Reply, Trouble> {
        self.hub.call(operation, body)
    }

    /// Asks for something to show. `None`: a program asked, and has its JSON already.
    fn ask(&mut self, operation: &str, body: &Value) -> Result<Option<Value>, Trouble> {
        let reply = self.call(operation, body)?;
        if self.json {
            self.console.json(&reply.json)?;
            return Ok(None);
        }
        Ok(Some(reply.body))
    }

    /// Carries out an operation that leaves nothing to show, and says what was done.
    fn do_and_say(&mut self, operation: &str, body: &Value, done: impl std::fmt::Display) -> Result<(), Trouble> {
        let reply = self.call(operation, body)?;
        if self.json { self.console.json(&reply.json) } else { self.console.say(done) }
    }
}
