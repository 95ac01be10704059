//! `keyway status`: how the hub does.

use serde_json::{Value, json};

use super::reading::{is, items, text};
use super::{Session, Task, Trouble};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {}

impl Task for Arguments {
    fn run(self: Box<Self>, session: &mut Session) -> Result<(), Trouble> {
        let Some(answer) = session.ask("health/get", &json!({}))? else { return Ok(()) };
        let lines = sheet(&answer["health"]);
        session.console.say(lines.join("\n"))
    }
}

fn sheet(health: &Value) -> Vec<String> {
    let count = |field: &str| health.get(field).and_then(Value::as_u64).unwrap_or_default();
    let clock = if is(health, "clock_trusted") {
        format!("right ({})", text(health, "clock"))
    } else {
        format!("not trusted ({})", text(health, "clock"))
    };
    let mut lines = vec![
        format!("Keyway {}", text(health, "version")),
        format!("  Clock    {clock}"),
        format!("  Devices  {}, of which {} online", count("devices"), count("devices_online")),
        format!("  Grants   {} that are not over", count("access_grants")),
    ];
    for stick in items(health, "sticks") {
        let state = [text(stick, "state"), text(stick, "model"), text(stick, "firmware")];
        let state: Vec<&str> = state.into_iter().filter(|word| !word.is_empty()).collect();
        lines.push(format!("  Stick    {}: {}", text(stick, "name"), state.join(", ")));
    }
    let problems = health.get("problems").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    lines.extend(problems.map(|problem| format!("  Problem  {problem}")));
    lines
}
