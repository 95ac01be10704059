//! `keyway codes create`, `delete` and `convert`: codes without a grant, and those that people put in by hand.

use clap::ArgGroup;
use serde_json::{Value, json};

use super::super::directory::DEVICE;
use super::super::reading::{body, is, items, text};
use super::super::{Session, Trouble, pin, state, when};

#[derive(clap::Args)]
#[command(group(ArgGroup::new("until").args(["to", "ongoing"]).required(true)))]
pub(super) struct Create {
    /// In which lock.
    #[arg(long, value_name = "DEVICE")]
    device: String,
    /// What it is for.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// From when. Without it: from now on.
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Until when.
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// Without an end.
    #[arg(long)]
    ongoing: bool,
    /// This PIN rather than one that the hub chooses. Other users of this machine can see the arguments of a command: with
    /// `-`, the PIN is read from stdin.
    #[arg(long, value_name = "PIN", conflicts_with = "code_length")]
    code: Option<String>,
    /// A PIN of so many digits, if the lock takes such.
    #[arg(long, value_name = "DIGITS")]
    code_length: Option<u8>,
    #[command(flatten)]
    recurring: when::Recurring,
}

#[derive(clap::Args)]
pub(super) struct Delete {
    /// Its id, as `codes list` shows it.
    #[arg(value_name = "ID")]
    id: String,
    /// Don't ask.
    #[arg(long, short)]
    yes: bool,
}

#[derive(clap::Args)]
pub(super) struct Convert {
    /// Its id, as `codes list` shows it.
    #[arg(value_name = "ID")]
    id: String,
}

impl Create {
    pub(super) fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let from = when::start(self.from.as_deref(), &session.time)?;
        let to = when::end(self.from.as_deref(), self.to.as_deref(), &session.time)?;
        let schedule = self.recurring.schedule(&session.time)?;
        let code = self.code.map(|code| pin::read(session, &code)).transpose()?;
        let device = session.find(&DEVICE, &self.device)?;
        let order = body([
            ("device_id", Some(device["device_id"].clone())),
            ("name", self.name.map(Into::into)),
            ("code", code.map(|code| json!(code.expose()))),
            ("preferred_code_length", self.code_length.map(Into::into)),
            ("starts_at", from.map(|from| json!(from))),
            ("ends_at", to.map(|to| json!(to))),
            ("schedule", schedule),
        ]);
        let Some(answer) = session.ask("access_codes/create", &order)? else { return Ok(()) };
        let code = &answer["access_code"];
        let (pin, id) = (text(code, "code"), text(code, "access_code_id"));
        let state = state::of_code(code, &session.time);
        session
            .console
            .say(format_args!("{}\n  PIN    {pin}\n  State  {state}\n  Id     {id}", DEVICE.name_of(&device)))
    }
}

impl Delete {
    pub(super) fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let Found { code, door } = find(session, &self.id)?;
        let (which, operation) = if is(&code, "is_managed") {
            ("the code", "access_codes/delete")
        } else {
            ("a code that somebody put in by hand", "access_codes/unmanaged/delete")
        };
        session.console.confirm(&format!("Take {which} ({}) out of {door}?", self.id), self.yes)?;
        let done = format_args!("The code goes out of {door} as soon as the lock can be reached.");
        session.do_and_say(operation, &json!({"access_code_id": self.id}), done)
    }
}

impl Convert {
    pub(super) fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let Found { door, .. } = find(session, &self.id)?;
        let done = format_args!("The hub keeps this code in {door} from now on, without an end.");
        session.do_and_say("access_codes/unmanaged/convert_to_managed", &json!({"access_code_id": self.id}), done)
    }
}

/// A code, and the name of its door.
struct Found {
    code: Value,
    door: String,
}

fn find(session: &Session, id: &str) -> Result<Found, Trouble> {
    let devices = session.all(&DEVICE)?;
    let with_id =
        |list: &Value| items(list, "access_codes").iter().find(|code| text(code, "access_code_id") == id).cloned();
    let mut found = with_id(&session.call("access_codes/list", &json!({}))?.body);
    for device in &devices {
        if found.is_none() {
            let here = json!({"device_id": device["device_id"]});
            found = with_id(&session.call("access_codes/unmanaged/list", &here)?.body);
        }
    }
    let nobody = || Trouble::Usage(format!("there is no code \"{id}\": `keyway codes | cat` shows all with their ids"));
    let code = found.ok_or_else(nobody)?;
    let door = DEVICE.name_in(&devices, text(&code, "device_id")).to_owned();
    Ok(Found { code, door })
}
