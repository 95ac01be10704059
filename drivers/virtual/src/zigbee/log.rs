//! What a lock was told, for the tests and people who look on. No digits of any code are in it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

/// Commands that are remembered.
const MAX_COMMANDS: usize = 200;

/// A command of the hub, as the lock understood it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedCommand {
    /// Its name, such as `set_pin_code`.
    pub command: String,
    /// The user it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<u16>,
    /// When, in milliseconds since the stick was made.
    pub at_ms: u64,
}

/// The last commands.
#[derive(Debug, Default)]
pub(super) struct CommandLog(VecDeque<LoggedCommand>);

impl CommandLog {
    pub(super) fn push(&mut self, at: Duration, command: String, slot: Option<u16>) {
        if self.0.len() >= MAX_COMMANDS {
            self.0.pop_front();
        }
        self.0.push_back(LoggedCommand { command, slot, at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX) });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &LoggedCommand> {
        self.0.iter()
    }
}
