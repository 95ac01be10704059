//! `keyway codes`: what stands in the locks.

mod orders;

use clap::Subcommand;
use serde_json::{Value, json};

use super::directory::{DEVICE, GRANT};
use super::reading::{body, is, items, moment, text};
use super::table::Column::{Id, Text, Whole};
use super::table::Table;
use super::{Session, Task, Trouble, state};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The codes in the locks: of grants, made directly, and those that people put in by hand.
    List(List),
    /// Put a code into one lock, without a grant.
    Create(orders::Create),
    /// Take a code out of its lock: one that was made here, or one that somebody put in by hand.
    Delete(orders::Delete),
    /// Take a code over that somebody put in by hand: the hub keeps it from then on.
    Convert(orders::Convert),
}

#[derive(clap::Args, Default)]
struct List {
    /// Only those in this lock.
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Only those that people put in by hand. The hub leaves these alone.
    #[arg(long)]
    unmanaged: bool,
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        match self.command.unwrap_or(Command::List(List::default())) {
            Command::List(list) => list.run(session),
            Command::Create(create) => create.run(session),
            Command::Delete(delete) => delete.run(session),
            Command::Convert(convert) => convert.run(session),
        }
    }
}

impl List {
    fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let device = self.device.map(|device| session.find(&DEVICE, &device)).transpose()?;
        if session.json {
            let operation = if self.unmanaged { "access_codes/unmanaged/list" } else { "access_codes/list" };
            let device_id = device.map(|device| device["device_id"].clone());
            let reply = session.call(operation, &body([("device_id", device_id)]))?;
            return session.console.json(&reply.json);
        }
        let devices = device.map_or_else(|| session.all(&DEVICE), |device| Ok(vec![device]))?;
        let grants = session.all(&GRANT)?;
        let columns = [Text("DEVICE"), Whole("PIN"), Text("FOR"), Whole("FROM"), Whole("TO"), Text("STATE"), Id];
        let mut table = Table::new(&columns);
        for device in &devices {
            let here = json!({"device_id": device["device_id"]});
            let managed = if self.unmanaged { Value::Null } else { session.call("access_codes/list", &here)?.body };
            let by_hand = session.call("access_codes/unmanaged/list", &here)?.body;
            for code in items(&managed, "access_codes").iter().chain(items(&by_hand, "access_codes")) {
                table.row(row(session, device, code, &grants));
            }
        }
        session.console.table(&table, "There are no codes in the locks.")
    }
}

fn row(session: &Session, device: &Value, code: &Value, grants: &[Value]) -> [String; 7] {
    let short = |field| moment(code, field).map_or_else(String::new, |moment| session.time.short(moment));
    let by_hand = !is(code, "is_managed");
    let state = if by_hand { "put in by hand: left alone".to_owned() } else { state::of_code(code, &session.time) };
    [
        DEVICE.name_of(device).to_owned(),
        code.get("code").and_then(Value::as_str).unwrap_or("hidden").to_owned(),
        whose(code, grants),
        short("starts_at"),
        if by_hand || moment(code, "ends_at").is_some() { short("ends_at") } else { "no end".to_owned() },
        state,
        text(code, "access_code_id").to_owned(),
    ]
}

/// The name of the code, or of its grant.
fn whose(code: &Value, grants: &[Value]) -> String {
    let grant = grants.iter().find(|grant| text(grant, "access_grant_id") == text(code, "access_grant_id"));
    let name = Some(text(code, "name")).filter(|name| !name.is_empty());
    name.or_else(|| grant.map(|grant| GRANT.name_of(grant))).unwrap_or_default().to_owned()
}
