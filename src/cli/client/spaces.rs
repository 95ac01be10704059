//! `keyway spaces`: groups of devices.

use clap::Subcommand;
use serde_json::json;

use super::directory::{DEVICE, SPACE};
use super::reading::{body, items, text, texts};
use super::table::Column::{Id, Text};
use super::table::Table;
use super::{Session, Task, Trouble};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// All spaces.
    List,
    /// One space and its devices.
    Get {
        /// Its name, key or id.
        #[arg(value_name = "SPACE")]
        space: String,
    },
    /// Make a space.
    Create {
        /// What it is called.
        #[arg(value_name = "NAME")]
        name: String,
        /// A device in it; again for each more.
        #[arg(long = "device", value_name = "DEVICE")]
        devices: Vec<String>,
        /// Your own unique key for it.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Call it otherwise.
    Update {
        /// Its name, key or id.
        #[arg(value_name = "SPACE")]
        space: String,
        /// The new name.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Put devices into a space. Who may enter the space may enter them from then on.
    Add(Members),
    /// Take devices out of a space. Who may enter the space may not enter them any more.
    Remove(Members),
    /// Delete a space. The devices stay.
    Delete {
        /// Its name, key or id.
        #[arg(value_name = "SPACE")]
        space: String,
        /// Don't ask.
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(clap::Args)]
struct Members {
    /// Its name, key or id.
    #[arg(value_name = "SPACE")]
    space: String,
    /// A device; again for each more.
    #[arg(long = "device", value_name = "DEVICE", required = true)]
    devices: Vec<String>,
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        match self.command.unwrap_or(Command::List) {
            Command::List => list(session),
            Command::Get { space } => get(session, &space),
            Command::Create { name, devices, key } => create(session, name, &devices, key),
            Command::Update { space, name } => {
                let space = session.find(&SPACE, &space)?;
                let change = json!({"space_id": space["space_id"], "name": name});
                session.do_and_say(
                    "spaces/update",
                    &change,
                    format_args!("{} is called {name} now.", SPACE.name_of(&space)),
                )
            }
            Command::Add(members) => members.change(session, "spaces/add_devices", "in"),
            Command::Remove(members) => members.change(session, "spaces/remove_devices", "out of"),
            Command::Delete { space, yes } => delete(session, &space, yes),
        }
    }
}

fn list(session: &mut Session) -> Result<(), Trouble> {
    let Some(answer) = session.ask("spaces/list", &json!({}))? else { return Ok(()) };
    let devices = session.all(&DEVICE)?;
    let mut table = Table::new(&[Text("NAME"), Text("KEY"), Text("DEVICES"), Id]);
    for space in items(&answer, "spaces") {
        let names: Vec<&str> = texts(space, "device_ids").into_iter().map(|id| DEVICE.name_in(&devices, id)).collect();
        table.row([
            SPACE.name_of(space).to_owned(),
            text(space, "space_key").to_owned(),
            names.join(", "),
            text(space, "space_id").to_owned(),
        ]);
    }
    session.console.table(&table, "There are no spaces. `keyway spaces create` makes one.")
}

fn get(session: &mut Session, meant: &str) -> Result<(), Trouble> {
    let space = session.find(&SPACE, meant)?;
    let Some(answer) = session.ask("spaces/get", &json!({"space_id": space["space_id"]}))? else { return Ok(()) };
    let space = &answer["space"];
    let devices = session.all(&DEVICE)?;
    let names: Vec<&str> = texts(space, "device_ids").into_iter().map(|id| DEVICE.name_in(&devices, id)).collect();
    let mut lines = vec![SPACE.name_of(space).to_owned(), format!("  Devices  {}", names.join(", "))];
    if !text(space, "space_key").is_empty() {
        lines.push(format!("  Key      {}", text(space, "space_key")));
    }
    lines.push(format!("  Id       {}", text(space, "space_id")));
    session.console.say(lines.join("\n"))
}

fn create(session: &mut Session, name: String, devices: &[String], key: Option<String>) -> Result<(), Trouble> {
    let devices = session.ids(&DEVICE, devices)?;
    let done = format!("The space {name} is made, with {}.", devices_in_words(devices.len()));
    let order = body([
        ("name", Some(json!(name))),
        ("device_ids", (!devices.is_empty()).then(|| json!(devices))),
        ("space_key", key.map(Into::into)),
    ]);
    session.do_and_say("spaces/create", &order, done)
}

fn delete(session: &mut Session, meant: &str, yes: bool) -> Result<(), Trouble> {
    let space = session.find(&SPACE, meant)?;
    let name = SPACE.name_of(&space);
    session
        .console
        .confirm(&format!("Delete the space {name}? Who may enter it may not enter its doors any more."), yes)?;
    session.do_and_say(
        "spaces/delete",
        &json!({"space_id": space["space_id"]}),
        format_args!("The space {name} is deleted."),
    )
}

impl Members {
    fn change(self, session: &mut Session, operation: &str, how: &str) -> Result<(), Trouble> {
        let space = session.find(&SPACE, &self.space)?;
        let devices = session.ids(&DEVICE, &self.devices)?;
        let change = json!({"space_id": space["space_id"], "device_ids": devices});
        let done = format!("{} {how} {} now.", devices_in_words(devices.len()), SPACE.name_of(&space));
        session.do_and_say(operation, &change, done)
    }
}

fn devices_in_words(count: usize) -> String {
    if count == 1 { "1 device".to_owned() } else { format!("{count} devices") }
}
