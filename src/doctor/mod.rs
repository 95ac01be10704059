//! Looks whether everything is there that a hub needs, and says what to do about what is not. It changes nothing, and touches
//! nothing that a running hub holds.

mod machine;
mod ports;
mod store;
mod unit;

use std::path::Path;

use crate::config::Config;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// As it should be.
    Fine,
    /// Works, but should be known.
    Notice,
    /// Could not be looked at.
    Unknown,
    /// Somebody must act.
    Problem,
}

impl Condition {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Notice => "notice",
            Self::Unknown => "unknown",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub part: &'static str,
    /// How that is.
    pub condition: Condition,
    /// What was found, and what to do. Never a secret.
    pub message: String,
}

impl Finding {
    /// One.
    pub fn new(part: &'static str, condition: Condition, message: impl Into<String>) -> Self {
        Self { part, condition, message: message.into() }
    }
}

/// Everything that can be seen without the hub. `hub_answers`: it was asked for what it knows.
pub fn look(config: &Config, hub_answers: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !hub_answers {
        findings.push(machine::clock(config));
    }
    let hub_runs = hub_answers || store::is_in_use(config);
    findings.extend(machine::disk(&config.data_dir));
    findings.extend(store::look(config, hub_runs));
    let sticks = config.zwave.iter().map(|stick| (stick.name.as_str(), &stick.port));
    let sticks = sticks.chain(config.zigbee.iter().map(|stick| (stick.name.as_str(), &stick.port)));
    for (name, port) in sticks {
        findings.extend(ports::look(name, port, hub_runs));
    }
    findings.extend(unit::look(hub_runs));
    findings
}

/// The configuration, if it can be used, and what was found about it.
pub fn configuration(path: &Path) -> (Option<Config>, Vec<Finding>) {
    let shown = path.display();
    match Config::read(path) {
        Ok(config) => {
            let mut findings = vec![Finding::new("configuration", Condition::Fine, format!("{shown} can be used"))];
            let warnings = config.warnings.iter();
            findings.extend(warnings.map(|warning| Finding::new("configuration", Condition::Notice, warning)));
            (Some(config), findings)
        }
        Err(error) => {
            let closed =
                std::fs::File::open(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
            let finding = match closed {
                true => Finding::new(
                    "configuration",
                    Condition::Unknown,
                    format!("{shown} is closed to you: run this as root or as the user keyway"),
                ),
                false => Finding::new("configuration", Condition::Problem, error.to_string()),
            };
            (None, vec![finding])
        }
    }
}

#[cfg(test)]
mod tests;
