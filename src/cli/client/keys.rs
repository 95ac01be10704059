//! `keyway keys`: API keys.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::directory::KEY;
use super::reading::{items, moment, text};
use super::table::Column::{Id, Text, Whole};
use super::table::Table;
use super::{Session, Task, Trouble};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// All keys, without the keys themselves.
    List,
    /// Make a key. It is shown once, and never again.
    Create {
        /// Who will use it; the events tell what was done by this name.
        #[arg(value_name = "NAME")]
        name: String,
        /// What it may do.
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Delete a key: who has it is let in no more.
    Delete {
        /// Its name or id.
        #[arg(value_name = "KEY")]
        key: String,
        /// Don't ask.
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Look at everything but PINs.
    Read,
    /// See PINs as well, let people in, and lock and unlock doors.
    Grants,
    /// Everything, also keys and webhooks.
    Admin,
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        match self.command.unwrap_or(Command::List) {
            Command::List => list(session),
            Command::Create { name, role } => create(session, &name, role),
            Command::Delete { key, yes } => {
                let key = session.find(&KEY, &key)?;
                let name = KEY.name_of(&key);
                session.console.confirm(&format!("Delete the key {name}? Who has it is let in no more."), yes)?;
                let which = json!({"api_key_id": key["api_key_id"]});
                session.do_and_say("api_keys/delete", &which, format_args!("The key {name} opens nothing any more."))
            }
        }
    }
}

fn list(session: &mut Session) -> Result<(), Trouble> {
    let Some(answer) = session.ask("api_keys/list", &json!({}))? else { return Ok(()) };
    let mut table = Table::new(&[Text("NAME"), Whole("ROLE"), Whole("MADE"), Whole("LAST USED"), Id]);
    for key in items(&answer, "api_keys") {
        let when = |field| moment(key, field).map(|moment| session.time.short(moment));
        table.row([
            text(key, "name").to_owned(),
            text(key, "role").to_owned(),
            when("created_at").unwrap_or_default(),
            when("last_used_at").unwrap_or_else(|| "never".to_owned()),
            text(key, "api_key_id").to_owned(),
        ]);
    }
    session.console.table(&table, "There are no keys.")
}

fn create(session: &mut Session, name: &str, role: Role) -> Result<(), Trouble> {
    let role = match role {
        Role::Read => "read",
        Role::Grants => "grants",
        Role::Admin => "admin",
    };
    let Some(answer) = session.ask("api_keys/create", &json!({"name": name, "role": role}))? else { return Ok(()) };
    session.console.say(text(&answer["api_key"], "token"))?;
    session.console.note(
        "This is the key, and it is not shown again: put it where only its user can read it. Programs send it as \
         `Authorization: Bearer …`, and keyway takes it from KEYWAY_API_KEY or a --key-file.",
    );
    Ok(())
}
