//! `keyway doctor`: whether everything is there that a hub needs, and what to do about what is not.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::doctor::{self, Condition, Finding};
use crate::mqtt;

use super::client::{self, Trouble};
use super::say;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    reach: client::Reach,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// The exit code: 0, nothing is wrong; 1, somebody must act; 2, something could not be looked at.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let (config, mut findings) = doctor::configuration(arguments.reach.config());
    let health = client::health(&arguments.reach);
    if let Some(config) = &config {
        findings.push(of_hub(&health));
        if let Ok(health) = &health {
            findings.extend(of_clock(health).into_iter().chain(of_broker(health)).chain(of_sticks(health)));
            findings.extend(problems(health, "backup"));
        } else if let Some(broker) = &config.mqtt {
            findings.push(tried(&config.hub_name, broker));
        }
        findings.extend(doctor::look(config, health.is_ok()));
    }
    if arguments.json {
        say(as_json(&findings, health.is_ok()));
    } else {
        findings.iter().for_each(|finding| say(line(finding)));
    }
    match findings.iter().map(|finding| finding.condition).max() {
        Some(Condition::Problem) => ExitCode::from(1),
        Some(Condition::Unknown) => ExitCode::from(2),
        Some(Condition::Fine | Condition::Notice) | None => ExitCode::SUCCESS,
    }
}

fn line(finding: &Finding) -> String {
    format!("{:<8} {:<14} {}", finding.condition.name(), finding.part, finding.message)
}

fn as_json(findings: &[Finding], hub_runs: bool) -> Value {
    let entry = |finding: &Finding| json!({"part": finding.part, "condition": finding.condition.name(), "message": finding.message});
    let ok = findings.iter().all(|finding| finding.condition < Condition::Unknown);
    json!({"ok": ok, "hub_runs": hub_runs, "findings": findings.iter().map(entry).collect::<Vec<_>>()})
}

fn of_hub(health: &Result<Value, Trouble>) -> Finding {
    match health {
        Ok(health) => {
            let version = health["version"].as_str().unwrap_or_default();
            let other = if version == env!("CARGO_PKG_VERSION") { "" } else { ", which is not this program's version" };
            let message = format!(
                "runs, version {version}{other}; {} of {} locks are online",
                health["devices_online"], health["devices"]
            );
            Finding::new("hub", if other.is_empty() { Condition::Fine } else { Condition::Notice }, message)
        }
        Err(Trouble::Unreachable(message)) => {
            Finding::new("hub", Condition::Notice, format!("does not run, as far as can be seen: {message}"))
        }
        Err(trouble) => Finding::new("hub", Condition::Unknown, trouble.to_string()),
    }
}

fn of_clock(health: &Value) -> Option<Finding> {
    let why = health["clock"].as_str()?;
    Some(match health["clock_problem"].as_str() {
        None => Finding::new("clock", Condition::Fine, format!("right ({why})")),
        Some(problem) => Finding::new("clock", Condition::Problem, problem),
    })
}

/// The hub has said what is wrong with the broker among its problems.
fn of_broker(health: &Value) -> Vec<Finding> {
    let Some(broker) = health.get("broker") else { return Vec::new() };
    let mut findings = problems(health, "broker");
    if findings.is_empty() {
        findings.push(match broker["connected"].as_bool() {
            Some(true) => Finding::new("broker", Condition::Fine, "connected, and refuses nothing"),
            _ => Finding::new("broker", Condition::Notice, "being connected to"),
        });
    }
    findings
}

/// What the hub says is wrong with a part.
fn problems(health: &Value, part: &'static str) -> Vec<Finding> {
    let problems = health["problems"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let of_part = problems.filter(|problem| problem.contains(part));
    of_part.map(|problem| Finding::new(part, Condition::Problem, problem)).collect()
}

fn of_sticks(health: &Value) -> Vec<Finding> {
    let sticks = health["sticks"].as_array().into_iter().flatten();
    let of_stick = |stick: &Value| {
        let text = |field: &str| stick[field].as_str().unwrap_or("unknown").to_owned();
        let name = text("name");
        match (stick["problem"].as_str(), text("state").as_str()) {
            (Some(problem), _) => Finding::new("stick", Condition::Problem, format!("stick {name}: {problem}")),
            (None, "ready") => {
                let message = format!("stick {name}: ready, {}, firmware {}", text("model"), text("firmware"));
                Finding::new("stick", Condition::Fine, message)
            }
            (None, state) => Finding::new("stick", Condition::Notice, format!("stick {name}: {state}")),
        }
    };
    sticks.map(of_stick).collect()
}

/// Without a hub, the broker is asked as the hub would ask it, under another client id.
fn tried(hub_name: &str, broker: &crate::config::MqttConfig) -> Finding {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Finding::new("broker", Condition::Unknown, error.to_string()),
    };
    match runtime.block_on(mqtt::try_broker(hub_name, broker)) {
        Ok(()) => Finding::new("broker", Condition::Fine, "takes our login, our subscription and what we publish"),
        Err(problem) => Finding::new("broker", Condition::Problem, problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hub_says_of_itself_is_told_part_by_part() {
        let health = json!({
            "version": "0.0.1", "devices": 2, "devices_online": 1, "clock": "behind", "clock_problem": "set it",
            "broker": {"connected": true}, "problems": ["the broker refuses what the hub publishes at x"],
            "sticks": [{"name": "zwave", "state": "ready", "model": "700", "firmware": "7.18"},
                       {"name": "zigbee", "state": "gone", "problem": "its port can't be opened"}],
        });
        let told: Vec<Finding> =
            of_clock(&health).into_iter().chain(of_broker(&health)).chain(of_sticks(&health)).collect();
        let conditions: Vec<Condition> = told.iter().map(|finding| finding.condition).collect();
        assert_eq!(conditions, [Condition::Problem, Condition::Problem, Condition::Fine, Condition::Problem]);
        assert!(told[2].message.contains("7.18"));
        let hub = of_hub(&Ok(health));
        assert!(hub.condition == Condition::Notice && hub.message.contains("1 of 2"), "{hub:?}");
        assert_eq!(as_json(&told, true)["ok"], false);
    }
}
