//! A grant for people: who, the PIN, the doors and how each does, and the times.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::directory::{DEVICE, GRANT, PERSON, SPACE};
use super::super::reading::{is, items, moment, problems, text, texts};
use super::super::{LocalTime, Session, Trouble, state};
use super::doors;

/// Between the left edge and what is said.
const LABEL: usize = 9;

pub(super) fn show(session: &mut Session, grant: &Value) -> Result<(), Trouble> {
    let whose = json!({"access_grant_id": grant["access_grant_id"]});
    let person = session.call("user_identities/get", &json!({"user_identity_id": grant["user_identity_id"]}))?.body;
    // The codes first: a method is issued with the last proof, so that what is said of it is never behind what they say.
    let codes = session.call("access_codes/list", &whose)?.body;
    let methods = session.call("access_methods/list", &whose)?.body;
    let devices = session.all(&DEVICE)?;
    let (methods, codes) = (items(&methods, "access_methods"), items(&codes, "access_codes"));
    let mut sheet = Sheet::default();
    sheet.line(GRANT.name_of(grant), &who(&person["user_identity"], GRANT.name_of(grant)));
    for method in methods {
        sheet.entry("PIN", pin(method));
    }
    let width = codes.iter().map(|code| door_of(code, &devices).chars().count()).max().unwrap_or_default();
    for (place, code) in codes.iter().enumerate() {
        let label = if place == 0 { "Doors" } else { "" };
        sheet.entry(label, format!("{:width$}  {}", door_of(code, &devices), state::of_code(code, &session.time)));
    }
    if codes.is_empty() {
        sheet.entry("Doors", doors(grant, &devices).join(", "));
    }
    if !texts(grant, "space_ids").is_empty() {
        let spaces = session.all(&SPACE)?;
        let names: Vec<&str> = texts(grant, "space_ids").into_iter().map(|id| SPACE.name_in(&spaces, id)).collect();
        sheet.entry("Spaces", names.join(", "));
    }
    let long = |field| moment(grant, field).map(|moment| session.time.long(moment));
    sheet.entry("From", long("starts_at").unwrap_or_default());
    sheet.entry("To", long("ends_at").unwrap_or_else(|| "no end".to_owned()));
    sheet.recurs(grant, &session.time);
    if !text(grant, "access_grant_key").is_empty() {
        sheet.entry("Key", text(grant, "access_grant_key"));
    }
    sheet.entry("Id", text(grant, "access_grant_id"));
    sheet.advice(grant, methods, session.time.now());
    session.console.say(sheet.0.join("\n"))
}

fn pin(method: &Value) -> &str {
    match method.get("code") {
        None => "not shown to this key",
        Some(code) => code.as_str().unwrap_or("wiped, since it is over"),
    }
}

/// Who the person is beyond the name of the grant.
fn who(person: &Value, name: &str) -> String {
    let known = [PERSON.name_of(person), text(person, "email_address"), text(person, "phone_number")];
    let mut more: Vec<&str> = Vec::new();
    for word in known {
        if !word.is_empty() && word != name && !more.contains(&word) {
            more.push(word);
        }
    }
    more.join(", ")
}

fn door_of<'a>(code: &'a Value, devices: &'a [Value]) -> &'a str {
    DEVICE.name_in(devices, text(code, "device_id"))
}

/// Lines with a label before each.
#[derive(Default)]
struct Sheet(Vec<String>);

impl Sheet {
    fn line(&mut self, title: &str, more: &str) {
        self.0.push(if more.is_empty() { title.to_owned() } else { format!("{title} ({more})") });
    }

    fn entry(&mut self, label: &str, value: impl AsRef<str>) {
        self.0.push(format!("  {label:LABEL$}{}", value.as_ref()));
    }

    fn recurs(&mut self, grant: &Value, time: &LocalTime) {
        let Some(schedule) = grant.get("schedule").filter(|schedule| schedule.is_object()) else { return };
        let [cron, duration, zone] = ["cron", "duration", "time_zone"].map(|field| text(schedule, field));
        self.entry("Only", format!("{cron} for {duration} ({zone})"));
        for (place, window) in items(schedule, "next_windows").iter().take(3).enumerate() {
            let [from, to] =
                ["starts_at", "ends_at"].map(|field| moment(window, field).map(|moment| time.long(moment)));
            let label = if place == 0 { "Next" } else { "" };
            self.entry(label, format!("{} to {}", from.unwrap_or_default(), to.unwrap_or_default()));
        }
    }

    /// Whether the PIN can be handed out, and what is wrong with the grant as a whole.
    fn advice(&mut self, grant: &Value, methods: &[Value], now: Timestamp) {
        let of_methods = methods.iter().flat_map(|method| problems(method));
        for problem in problems(grant).into_iter().chain(of_methods) {
            self.0.push(format!("  ! {problem}"));
        }
        if moment(grant, "ends_at").is_some_and(|end| end <= now) {
            return;
        }
        let issued = !methods.is_empty() && methods.iter().all(|method| is(method, "is_issued"));
        self.0.push(if issued {
            "The PIN can be handed out.".to_owned()
        } else {
            let id = text(grant, "access_grant_id");
            format!("Don't hand the PIN out yet: not every door has it. `keyway grants get {id}` tells how it goes on.")
        });
    }
}
