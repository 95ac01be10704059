//! `keyway grants`: who may enter which doors, when.

mod create;
mod show;
mod update;

use clap::Subcommand;
use serde_json::{Value, json};

use super::directory::{DEVICE, GRANT};
use super::reading::{body, items, moment, text, texts};
use super::table::Column::{Text, Whole};
use super::table::Table;
use super::{Session, Task, Trouble, state};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Let somebody in: chooses a PIN that suits all the doors, and shows it.
    Create(create::Create),
    /// All grants.
    List(List),
    /// One grant: its PIN, and how each of its doors does.
    Get(Get),
    /// Change the name, the times or the doors of a grant. What is not given stays, and so does the PIN.
    Update(update::Update),
    /// Take a grant back: its PIN is taken out of every lock at once.
    Delete(Delete),
}

#[derive(clap::Args, Default)]
struct List {
    /// Only those for this door.
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
}

#[derive(clap::Args)]
struct Get {
    /// Its id, its key, or a name that only it has.
    #[arg(value_name = "GRANT")]
    grant: String,
}

#[derive(clap::Args)]
struct Delete {
    /// Its id, its key, or a name that only it has.
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Don't ask.
    #[arg(long, short)]
    yes: bool,
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        match self.command.unwrap_or(Command::List(List::default())) {
            Command::Create(create) => create.run(session),
            Command::List(list) => list.run(session),
            Command::Get(get) => get.run(session),
            Command::Update(update) => update.run(session),
            Command::Delete(delete) => delete.run(session),
        }
    }
}

impl List {
    fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let device = self.device.map(|device| session.find(&DEVICE, &device)).transpose()?;
        let device_id = device.map(|device| device["device_id"].clone());
        let Some(answer) = session.ask("access_grants/list", &body([("device_id", device_id)]))? else { return Ok(()) };
        let devices = session.all(&DEVICE)?;
        let codes = session.call("access_codes/list", &json!({}))?.body;
        let mut grants: Vec<&Value> = items(&answer, "access_grants").iter().collect();
        grants.sort_by_key(|grant| moment(grant, "starts_at"));
        let now = session.time.now();
        let mut table = Table::new(&[Text("NAME"), Text("DOORS"), Whole("FROM"), Whole("TO"), Whole("STATE")]);
        for grant in grants {
            let own = |code: &&Value| text(code, "access_grant_id") == text(grant, "access_grant_id");
            let own: Vec<&Value> = items(&codes, "access_codes").iter().filter(own).collect();
            let to = moment(grant, "ends_at").map_or("no end".to_owned(), |end| session.time.short(end));
            table.row([
                GRANT.name_of(grant).to_owned(),
                doors(grant, &devices).join(", "),
                moment(grant, "starts_at").map_or_else(String::new, |start| session.time.short(start)),
                to,
                state::of_grant(grant, &own, now).to_owned(),
            ]);
        }
        session.console.table(&table, "There are no grants. `keyway grants create` makes one.")
    }
}

/// The names of a grant's doors, also of those that it has by a space.
fn doors<'a>(grant: &'a Value, devices: &'a [Value]) -> Vec<&'a str> {
    texts(grant, "device_ids").into_iter().map(|id| DEVICE.name_in(devices, id)).collect()
}

impl Get {
    fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let grant = session.find(&GRANT, &self.grant)?;
        let Some(answer) = session.ask("access_grants/get", &json!({"access_grant_id": grant["access_grant_id"]}))?
        else {
            return Ok(());
        };
        show::show(session, &answer["access_grant"])
    }
}

impl Delete {
    fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let grant = session.find(&GRANT, &self.grant)?;
        let name = GRANT.name_of(&grant).to_owned();
        let from = moment(&grant, "starts_at").map_or_else(String::new, |start| session.time.long(start));
        session.console.confirm(&format!("Take back the grant {name} (from {from})?"), self.yes)?;
        session.do_and_say(
            "access_grants/delete",
            &json!({"access_grant_id": grant["access_grant_id"]}),
            format_args!("{name} is taken back: the PIN goes out of every lock as soon as it can be reached."),
        )
    }
}
