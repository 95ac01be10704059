//! Having a lock show which one it is: it blinks or beeps for a moment.

use keyway_lock::{CommandError, CommandOutput, Refusal};
use zeroize::Zeroizing;

use super::{Next, Want, reading_failed, writing_failed};
use crate::cc::indicator::{self, IndicatorCommand};
use crate::transport::exchange::{Answer, AskError};
use crate::transport::supervision::Status;

enum Phase {
    Show,
    /// The lock did not say whether it does.
    Look,
    Done(Result<CommandOutput, CommandError>),
}

/// One identification.
pub(super) struct IdentifyJob(Phase);

impl IdentifyJob {
    pub(super) fn new() -> Self {
        Self(Phase::Show)
    }

    pub(super) fn next(&self) -> Next {
        match &self.0 {
            Phase::Show => {
                let set = IndicatorCommand::Set(indicator::identify()).encode();
                Next::Ask(Zeroizing::new(set), Want::Outcome)
            }
            Phase::Look => {
                let get = IndicatorCommand::Get(indicator::IDENTIFY).encode();
                Next::Ask(Zeroizing::new(get), Want::Report([indicator::CLASS, indicator::REPORT].into()))
            }
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    pub(super) fn handle_answer(&mut self, answer: Result<Answer, AskError>) {
        self.0 = match (&self.0, answer) {
            (Phase::Show, Ok(Answer::Supervised(Status::Success))) => Phase::Done(Ok(CommandOutput::Identified)),
            (Phase::Show, Ok(Answer::Supervised(Status::Fail))) => Phase::Done(Err(Refusal::Rejected.into())),
            (Phase::Show, Ok(_) | Err(AskError::NoAnswer)) => Phase::Look,
            (Phase::Show, Err(error)) => Phase::Done(Err(writing_failed(error))),
            (Phase::Look, Ok(Answer::Report(report))) if blinks(&report) => Phase::Done(Ok(CommandOutput::Identified)),
            (Phase::Look, Err(error @ AskError::NoKey)) => Phase::Done(Err(reading_failed(error))),
            (Phase::Look, _) => Phase::Done(Err(CommandError::Unproven)),
            (Phase::Done(_), _) => return,
        };
    }
}

fn blinks(report: &[u8]) -> bool {
    let Ok(IndicatorCommand::Report(objects)) = IndicatorCommand::decode(report) else { return false };
    objects.iter().any(|object| {
        object.indicator == indicator::IDENTIFY && object.property == indicator::CYCLES && object.value > 0
    })
}
