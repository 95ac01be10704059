//! Having a lock show which one it is: it blinks or beeps for a moment.

use keyway_lock::{CommandError, CommandOutput};

use super::{Next, Told, refused, told, writing_failed};
use crate::transport::question::{Answer, AskError, Question, ZclAsk};
use crate::zcl::foundation::command;
use crate::zcl::{Scope, identify};

/// For so many seconds.
const SECONDS: u16 = 5;

/// One identification.
pub(super) struct IdentifyJob {
    endpoint: u8,
    done: Option<Result<CommandOutput, CommandError>>,
}

impl IdentifyJob {
    pub(super) fn new(endpoint: u8) -> Self {
        Self { endpoint, done: None }
    }

    pub(super) fn next(&self) -> Next {
        if let Some(result) = &self.done {
            return Next::Done(result.clone());
        }
        // It has no answer of its own.
        let (frame, answer) = (identify::identify(0, SECONDS), (Scope::General, command::DEFAULT_RESPONSE));
        let (endpoint, cluster) = (self.endpoint, identify::CLUSTER);
        Next::Ask(Question::Zcl(ZclAsk { endpoint, cluster, frame, answer, changes: false }))
    }

    pub(super) fn handle_answer(&mut self, answer: Result<Answer, AskError>) {
        self.done = Some(match answer.map(|answer| told(&answer)) {
            Ok(Told::Status(status)) if status.is_success() => Ok(CommandOutput::Identified),
            Ok(Told::Status(status)) => Err(refused(status).into()),
            Ok(_) => Err(CommandError::Unproven),
            Err(error) => Err(writing_failed(error)),
        });
    }
}
