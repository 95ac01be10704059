//! Whether a lock is there: a frame that does nothing, and its acknowledgement. In the clear, since it says nothing; a lock
//! need not list the class to acknowledge it.

use keyway_lock::{CommandError, CommandOutput};
use zeroize::Zeroizing;

use super::{Next, Want, reading_failed};
use crate::cc::no_operation;
use crate::transport::exchange::{Answer, AskError};

/// One ping.
#[derive(Default)]
pub(super) struct PingJob(Option<Result<CommandOutput, CommandError>>);

impl PingJob {
    pub(super) fn next(&self) -> Next {
        match &self.0 {
            None => Next::Ask(Zeroizing::new(vec![no_operation::CLASS]), Want::Presence),
            Some(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, answer: Result<Answer, AskError>) {
        self.0 = Some(answer.map(|_| CommandOutput::Reached).map_err(reading_failed));
    }
}
