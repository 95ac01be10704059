//! `keyway grants update`: changes what was granted.

use clap::ArgGroup;
use serde_json::{Value, json};

use super::super::directory::{DEVICE, GRANT, SPACE};
use super::super::reading::body;
use super::super::{Session, Trouble, when};
use super::show;

#[derive(clap::Args)]
#[command(group(
    ArgGroup::new("change")
        .args(["name", "from", "to", "ongoing", "devices", "spaces", "cron", "always"])
        .required(true)
        .multiple(true)
))]
pub(super) struct Update {
    /// Its id, its key, or a name that only it has.
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Another name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Another start.
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Another end.
    #[arg(long, value_name = "WHEN", conflicts_with = "ongoing")]
    to: Option<String>,
    /// No end any more.
    #[arg(long)]
    ongoing: bool,
    /// These doors of its own instead of those before; again for each more.
    #[arg(long = "device", value_name = "DEVICE")]
    devices: Vec<String>,
    /// These spaces instead of those before; again for each more.
    #[arg(long = "space", value_name = "SPACE")]
    spaces: Vec<String>,
    #[command(flatten)]
    recurring: when::Recurring,
    /// At all times between start and end, no longer only at some.
    #[arg(long, conflicts_with = "cron")]
    always: bool,
}

impl Update {
    pub(super) fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let from = when::start(self.from.as_deref(), &session.time)?;
        let to = when::end(self.from.as_deref(), self.to.as_deref(), &session.time)?;
        let schedule = self.recurring.schedule(&session.time)?.or_else(|| self.always.then_some(Value::Null));
        let grant = session.find(&GRANT, &self.grant)?;
        let some = |ids: Vec<String>| (!ids.is_empty()).then(|| json!(ids));
        let (device_ids, space_ids) = (session.ids(&DEVICE, &self.devices)?, session.ids(&SPACE, &self.spaces)?);
        let change = body([
            ("access_grant_id", Some(grant["access_grant_id"].clone())),
            ("name", self.name.map(Into::into)),
            ("starts_at", from.map(|from| json!(from))),
            ("ends_at", to.map(|to| json!(to)).or_else(|| self.ongoing.then_some(Value::Null))),
            ("device_ids", some(device_ids)),
            ("space_ids", some(space_ids)),
            ("schedule", schedule),
        ]);
        if session.ask("access_grants/update", &change)?.is_none() {
            return Ok(());
        }
        let changed = session.call("access_grants/get", &json!({"access_grant_id": grant["access_grant_id"]}))?;
        show::show(session, &changed.body["access_grant"])
    }
}
