//! `keyway events`: what happened, and what happens.

use std::time::Duration;

use serde_json::{Value, json};

use super::directory::{DEVICE, GRANT, PERSON};
use super::reading::{body, items, moment, text};
use super::{Session, Task, Trouble};

/// How many of the last are shown, unless `--since` says from when on.
const LAST: u32 = 50;
/// The most that the hub tells at once.
const MOST: usize = 10_000;
/// A stream that was lost is asked for again after this, then after longer pauses up to the other.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Go on showing what happens, until Ctrl-C. A hub that was away is found again, and nothing is left out.
    #[arg(long, short)]
    follow: bool,
    /// From when on, such as "today 06:00". Without it: the last 50, or with --follow those that come.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only events of this type, such as lock.unlocked; again for each more.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only those of this device.
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        let since = self.since.as_deref().map(|since| session.time.read(since)).transpose();
        let since = since.map_err(|wrong| Trouble::usage("--since", wrong))?.map(|since| since.to_string());
        let device = self.device.map(|device| session.find(&DEVICE, &device)).transpose()?;
        let device_id = device.map(|device| text(&device, "device_id").to_owned());
        if self.follow {
            let wanted = Wanted { types: self.types, device_id };
            return follow(session, since, &wanted);
        }
        let request = body([
            ("limit", Some(since.as_ref().map_or(json!(LAST), |_| json!(MOST)))),
            ("since", since.map(Into::into)),
            ("event_types", (!self.types.is_empty()).then(|| json!(self.types))),
            ("device_id", device_id.map(Into::into)),
        ]);
        let Some(answer) = session.ask("events/list", &request)? else { return Ok(()) };
        let events = items(&answer, "events");
        let names = Names::learn(session)?;
        for event in events {
            session.console.say(names.line(session, event))?;
        }
        if events.len() == MOST {
            session.console.note("There are more: say --since the time of the last one.");
        } else if events.is_empty() {
            session.console.note("There are no such events.");
        }
        Ok(())
    }
}

/// Which events of the stream are shown.
struct Wanted {
    types: Vec<String>,
    device_id: Option<String>,
}

impl Wanted {
    fn is(&self, event: &Value) -> bool {
        (self.types.is_empty() || self.types.iter().any(|name| name == text(event, "event_type")))
            && self.device_id.as_ref().is_none_or(|id| id == text(event, "device_id"))
    }
}

/// Until Ctrl-C. The first connection must succeed; one that is lost later is made again, behind the last event seen.
fn follow(session: &mut Session, since: Option<String>, wanted: &Wanted) -> Result<(), Trouble> {
    let mut names = if session.json { Names::default() } else { Names::learn(session)? };
    let mut stream = session.hub.events(since.as_deref(), None)?;
    // Where to go on when the stream is lost before its first event.
    let since = since.unwrap_or_else(|| session.time.now().to_string());
    let mut last: Option<String> = None;
    let mut pause = FIRST_PAUSE;
    loop {
        for json in &mut stream {
            pause = FIRST_PAUSE;
            let event: Value = serde_json::from_str(&json).unwrap_or_default();
            last = event.get("event_id").and_then(Value::as_str).map(str::to_owned).or(last);
            if !wanted.is(&event) {
                continue;
            }
            if session.json {
                session.console.json(&json)?;
                continue;
            }
            if names.misses(&event) {
                // A hub that went away in this moment is found again by the stream.
                names = Names::learn(session).unwrap_or(names);
            }
            session.console.say(names.line(session, &event))?;
        }
        stream = loop {
            std::thread::sleep(pause);
            match session.hub.events(Some(&since), last.as_deref()) {
                Ok(stream) => break stream,
                Err(Trouble::Unreachable(reason)) => {
                    session.console.note(format_args!("keyway: {reason}; trying again"))
                }
                Err(trouble) => return Err(trouble),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
    }
}

/// What the ids in events are called.
#[derive(Default)]
struct Names {
    devices: Vec<Value>,
    people: Vec<Value>,
    grants: Vec<Value>,
}

impl Names {
    fn learn(session: &Session) -> Result<Self, Trouble> {
        Ok(Self { devices: session.all(&DEVICE)?, people: session.all(&PERSON)?, grants: session.all(&GRANT)? })
    }

    /// Whether an event is about somebody or something that came after the names were learnt.
    fn misses(&self, event: &Value) -> bool {
        let misses =
            |id: &str, all: &[Value]| !text(event, id).is_empty() && !all.iter().any(|one| one[id] == event[id]);
        misses("device_id", &self.devices) || misses("user_identity_id", &self.people)
    }

    fn line(&self, session: &Session, event: &Value) -> String {
        let when = moment(event, "occurred_at").map_or_else(String::new, |when| session.time.exact(when));
        let mut line = format!("{when}  {:40}", text(event, "event_type"));
        let named = [(&DEVICE, &self.devices), (&PERSON, &self.people), (&GRANT, &self.grants)];
        let mut said: Vec<&str> = Vec::new();
        for (kind, all) in named {
            let found = all.iter().find(|one| !text(one, kind.id).is_empty() && one[kind.id] == event[kind.id]);
            let name = found.map_or("", |one| kind.name_of(one));
            if !name.is_empty() && !said.contains(&name) {
                said.push(name);
            }
        }
        line += "  ";
        line += &said.join(", ");
        let more = details(event);
        if !more.is_empty() {
            line += &format!("  {more}");
        }
        line.trim_end().to_owned()
    }
}

/// What else an event tells: its short fields but ids and those that all have.
fn details(event: &Value) -> String {
    let shown = |name: &str| !name.ends_with("_id") && !["event_type", "created_at", "occurred_at"].contains(&name);
    let fields = event.as_object().into_iter().flatten().filter(|(name, _)| shown(name));
    let pairs = fields.filter_map(|(name, value)| match value {
        Value::String(text) => Some(format!("{name}={text}")),
        Value::Number(_) | Value::Bool(_) => Some(format!("{name}={value}")),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    });
    pairs.collect::<Vec<_>>().join(" ")
}
