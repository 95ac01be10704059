//! `keyway grants create`: lets somebody in.

use clap::ArgGroup;
use serde_json::{Value, json};

use super::super::directory::{DEVICE, PERSON, SPACE};
use super::super::reading::body;
use super::super::{Session, Trouble, pin, when};
use super::show;

#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("doors").args(["devices", "spaces"]).required(true).multiple(true)),
    group(ArgGroup::new("who").args(["name", "email", "phone", "user"]).required(true).multiple(true)),
    group(ArgGroup::new("until").args(["to", "ongoing"]).required(true)),
    after_help = "A time is in this machine's zone: \"2026-12-01 15:00\", \"today 15:00\", \"tomorrow 15:00\",\n\
                  \"friday 15:00\", now, +2h or +1d from now; or it has an offset: 2026-12-01T15:00:00+01:00.\n\n\
                  keyway grants create --device front-door --device \"Garden gate\" --name \"Jane Doe\" \\\n    \
                  --from \"tomorrow 15:00\" --to \"2026-12-03 11:00\""
)]
pub(super) struct Create {
    /// A door, by its name or id; again for each more.
    #[arg(long = "device", value_name = "DEVICE")]
    devices: Vec<String>,
    /// A space, by its name, key or id: all its doors, also those that come into it later.
    #[arg(long = "space", value_name = "SPACE")]
    spaces: Vec<String>,
    /// Whom it is for; the grant goes by this name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The person's e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The person's telephone number.
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Somebody whom the hub knows already (`keyway users`), by name, key or id.
    #[arg(long, value_name = "USER", conflicts_with_all = ["email", "phone"])]
    user: Option<String>,
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
    /// A PIN of so many digits, where all the doors take such.
    #[arg(long, value_name = "DIGITS")]
    code_length: Option<u8>,
    /// Your own unique key for the grant. The same order again under the same key makes no second grant.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    recurring: when::Recurring,
}

impl Create {
    pub(super) fn run(self, session: &mut Session) -> Result<(), Trouble> {
        let order = self.order(session)?;
        let Some(answer) = session.ask("access_grants/create", &order)? else { return Ok(()) };
        show::show(session, &answer["access_grant"])
    }

    fn order(self, session: &mut Session) -> Result<Value, Trouble> {
        let from = when::start(self.from.as_deref(), &session.time)?;
        let to = when::end(self.from.as_deref(), self.to.as_deref(), &session.time)?;
        let schedule = self.recurring.schedule(&session.time)?;
        let code = self.code.map(|code| pin::read(session, &code)).transpose()?;
        let method = body([
            ("mode", Some(json!("code"))),
            ("code", code.map(|code| json!(code.expose()))),
            ("preferred_code_length", self.code_length.map(Into::into)),
        ]);
        let known = self.user.map(|user| session.find(&PERSON, &user)).transpose()?;
        let person = body([
            ("full_name", self.name.as_ref().map(|name| json!(name))),
            ("email_address", self.email.map(Into::into)),
            ("phone_number", self.phone.map(Into::into)),
        ]);
        let some = |ids: Vec<String>| (!ids.is_empty()).then(|| json!(ids));
        let (device_ids, space_ids) = (session.ids(&DEVICE, &self.devices)?, session.ids(&SPACE, &self.spaces)?);
        Ok(body([
            ("user_identity", known.is_none().then_some(person)),
            ("user_identity_id", known.map(|known| known["user_identity_id"].clone())),
            ("name", self.name.map(Into::into)),
            ("access_grant_key", self.key.map(Into::into)),
            ("device_ids", some(device_ids)),
            ("space_ids", some(space_ids)),
            ("requested_access_methods", Some(json!([method]))),
            ("starts_at", from.map(|from| json!(from))),
            ("ends_at", to.map(|to| json!(to))),
            ("schedule", schedule),
        ]))
    }
}
