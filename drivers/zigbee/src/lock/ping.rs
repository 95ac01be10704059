//! Whether a lock is there: it is asked for the one thing that every lock tells.

use keyway_lock::{CommandError, CommandOutput};

use super::{Next, reading_failed};
use crate::transport::question::{Answer, AskError, Question, ZclAsk};
use crate::zcl::door_lock::{self, attribute::LOCK_STATE};

/// A question that a lock answers and that costs next to nothing.
pub fn question(endpoint: u8) -> Question {
    Question::Zcl(ZclAsk::read(endpoint, door_lock::CLUSTER, &[LOCK_STATE]))
}

/// One ping.
pub(super) struct PingJob {
    endpoint: u8,
    done: Option<Result<CommandOutput, CommandError>>,
}

impl PingJob {
    pub(super) fn new(endpoint: u8) -> Self {
        Self { endpoint, done: None }
    }

    pub(super) fn next(&self) -> Next {
        match &self.done {
            None => Next::Ask(question(self.endpoint)),
            Some(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, answer: Result<Answer, AskError>) {
        self.done = Some(answer.map(|_| CommandOutput::Reached).map_err(reading_failed));
    }
}
