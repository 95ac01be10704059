//! `keyway webhooks`: addresses to which the hub sends its events.

use clap::Subcommand;
use serde_json::{Value, json};

use super::directory::WEBHOOK;
use super::reading::{body, items, moment, text, texts};
use super::table::Column::{Id, Text};
use super::table::Table;
use super::{LocalTime, Session, Task, Trouble};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// All webhooks, and how sending to them goes.
    List,
    /// One webhook, with its secret.
    Get {
        /// Its address or id.
        #[arg(value_name = "WEBHOOK")]
        webhook: String,
    },
    /// Have events sent to an address. The secret that their signatures are made with is shown.
    Create {
        /// Where to: http:// or https://.
        #[arg(value_name = "URL")]
        url: String,
        /// Only events of this type, such as lock.unlocked; again for each more.
        #[arg(long = "event", value_name = "TYPE")]
        events: Vec<String>,
    },
    /// Change which events are sent.
    Update {
        /// Its address or id.
        #[arg(value_name = "WEBHOOK")]
        webhook: String,
        /// Only events of this type from now on; again for each more.
        #[arg(long = "event", value_name = "TYPE", required = true)]
        events: Vec<String>,
    },
    /// Have no more events sent there.
    Delete {
        /// Its address or id.
        #[arg(value_name = "WEBHOOK")]
        webhook: String,
        /// Don't ask.
        #[arg(long, short)]
        yes: bool,
    },
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        match self.command.unwrap_or(Command::List) {
            Command::List => list(session),
            Command::Get { webhook } => get(session, &webhook),
            Command::Create { url, events } => create(session, &url, &events),
            Command::Update { webhook, events } => {
                let webhook = session.find(&WEBHOOK, &webhook)?;
                let change = json!({"webhook_id": webhook["webhook_id"], "event_types": events});
                session.do_and_say(
                    "webhooks/update",
                    &change,
                    format_args!("{} gets {} now.", WEBHOOK.name_of(&webhook), events.join(", ")),
                )
            }
            Command::Delete { webhook, yes } => {
                let webhook = session.find(&WEBHOOK, &webhook)?;
                let url = WEBHOOK.name_of(&webhook);
                session.console.confirm(&format!("Have no more events sent to {url}?"), yes)?;
                let which = json!({"webhook_id": webhook["webhook_id"]});
                session.do_and_say("webhooks/delete", &which, format_args!("{url} gets no more events."))
            }
        }
    }
}

fn list(session: &mut Session) -> Result<(), Trouble> {
    let Some(answer) = session.ask("webhooks/list", &json!({}))? else { return Ok(()) };
    let mut table = Table::new(&[Text("URL"), Text("EVENTS"), Text("STATE"), Id]);
    for webhook in items(&answer, "webhooks") {
        table.row([
            text(webhook, "url").to_owned(),
            events_of(webhook),
            state_of(webhook, &session.time),
            text(webhook, "webhook_id").to_owned(),
        ]);
    }
    session.console.table(&table, "There are no webhooks. `keyway webhooks create` makes one.")
}

fn get(session: &mut Session, meant: &str) -> Result<(), Trouble> {
    let webhook = session.find(&WEBHOOK, meant)?;
    let Some(answer) = session.ask("webhooks/get", &json!({"webhook_id": webhook["webhook_id"]}))? else {
        return Ok(());
    };
    let webhook = &answer["webhook"];
    let state = state_of(webhook, &session.time);
    let (url, events) = (text(webhook, "url"), events_of(webhook));
    let (secret, id) = (text(webhook, "secret"), text(webhook, "webhook_id"));
    session
        .console
        .say(format_args!("{url}\n  Events  {events}\n  State   {state}\n  Secret  {secret}\n  Id      {id}"))
}

fn events_of(webhook: &Value) -> String {
    let events = texts(webhook, "event_types");
    if events.is_empty() || events == ["*"] { "all".to_owned() } else { events.join(", ") }
}

/// How sending goes.
fn state_of(webhook: &Value, time: &LocalTime) -> String {
    let failed = webhook.get("failed_attempts").and_then(Value::as_u64).unwrap_or_default();
    let at = |field| moment(webhook, field).map_or_else(String::new, |moment| time.short(moment));
    if failed > 0 {
        return format!("fails: {}; tried again {}", text(webhook, "last_failure"), at("next_attempt_at"));
    }
    match at("last_delivered_at") {
        last if last.is_empty() => "nothing sent yet".to_owned(),
        last => format!("last taken {last}"),
    }
}

fn create(session: &mut Session, url: &str, events: &[String]) -> Result<(), Trouble> {
    let events = (!events.is_empty()).then(|| json!(events));
    let Some(answer) = session.ask("webhooks/create", &body([("url", Some(json!(url))), ("event_types", events)]))?
    else {
        return Ok(());
    };
    let webhook = &answer["webhook"];
    session.console.say(format_args!(
        "Events are sent to {url} from now on.\n  Secret  {}\n  Id      {}\nWho receives them checks their signatures with the \
         secret; every library for Standard Webhooks can.",
        text(webhook, "secret"),
        text(webhook, "webhook_id")
    ))
}
