//! `keyway users`: the people whom grants are for.

use clap::{ArgGroup, Subcommand};
use serde_json::{Value, json};

use super::directory::PERSON;
use super::reading::{body, items, moment, text};
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
    /// All people.
    List,
    /// One person.
    Get {
        /// Name, key or id.
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Make somebody known.
    Create(Words),
    /// Change what is known of somebody. What is not given stays.
    Update {
        /// Name, key or id.
        #[arg(value_name = "USER")]
        user: String,
        #[command(flatten)]
        words: Words,
    },
    /// Forget somebody who has no grants.
    Delete {
        /// Name, key or id.
        #[arg(value_name = "USER")]
        user: String,
        /// Don't ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// What a person is known by.
#[derive(clap::Args)]
#[command(group(ArgGroup::new("words").args(["name", "email", "phone", "key"]).required(true).multiple(true)))]
struct Words {
    /// The full name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The e-mail address; nobody else's.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The telephone number; nobody else's.
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Your own unique key for the person.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        match self.command.unwrap_or(Command::List) {
            Command::List => list(session),
            Command::Get { user } => get(session, &user),
            Command::Create(words) => {
                let order = words.body(None);
                let Some(answer) = session.ask("user_identities/create", &order)? else { return Ok(()) };
                show(session, &answer["user_identity"])
            }
            Command::Update { user, words } => {
                let person = session.find(&PERSON, &user)?;
                let change = words.body(Some(person["user_identity_id"].clone()));
                session.do_and_say(
                    "user_identities/update",
                    &change,
                    format_args!("{} is changed.", PERSON.name_of(&person)),
                )
            }
            Command::Delete { user, yes } => {
                let person = session.find(&PERSON, &user)?;
                let name = PERSON.name_of(&person);
                session.console.confirm(&format!("Forget {name}?"), yes)?;
                let which = json!({"user_identity_id": person["user_identity_id"]});
                session.do_and_say("user_identities/delete", &which, format_args!("{name} is forgotten."))
            }
        }
    }
}

impl Words {
    fn body(self, id: Option<Value>) -> Value {
        body([
            ("user_identity_id", id),
            ("full_name", self.name.map(Into::into)),
            ("email_address", self.email.map(Into::into)),
            ("phone_number", self.phone.map(Into::into)),
            ("user_identity_key", self.key.map(Into::into)),
        ])
    }
}

fn list(session: &mut Session) -> Result<(), Trouble> {
    let Some(answer) = session.ask("user_identities/list", &json!({}))? else { return Ok(()) };
    let mut table = Table::new(&[Text("NAME"), Text("E-MAIL"), Text("TELEPHONE"), Text("KEY"), Id]);
    for person in items(&answer, "user_identities") {
        table.row([
            PERSON.name_of(person).to_owned(),
            text(person, "email_address").to_owned(),
            text(person, "phone_number").to_owned(),
            text(person, "user_identity_key").to_owned(),
            text(person, "user_identity_id").to_owned(),
        ]);
    }
    session.console.table(
        &table,
        "Nobody is known yet: `keyway grants create` makes people known, and so does `keyway users create`.",
    )
}

fn get(session: &mut Session, meant: &str) -> Result<(), Trouble> {
    let person = session.find(&PERSON, meant)?;
    let Some(answer) = session.ask("user_identities/get", &json!({"user_identity_id": person["user_identity_id"]}))?
    else {
        return Ok(());
    };
    show(session, &answer["user_identity"])
}

fn show(session: &mut Session, person: &Value) -> Result<(), Trouble> {
    let since = moment(person, "created_at").map_or_else(String::new, |since| session.time.long(since));
    let entries = [
        ("E-mail", text(person, "email_address")),
        ("Telephone", text(person, "phone_number")),
        ("Key", text(person, "user_identity_key")),
        ("Since", since.as_str()),
        ("Id", text(person, "user_identity_id")),
    ];
    let given = entries.iter().filter(|(_, value)| !value.is_empty());
    let lines = given.map(|(label, value)| format!("\n  {label:11}{value}")).collect::<String>();
    session.console.say(format_args!("{}{lines}", PERSON.name_of(person)))
}
