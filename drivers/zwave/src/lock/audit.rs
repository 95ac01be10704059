//! Whether a lock's codes are all as they were: one question, by the checksum that it makes over them.

use keyway_lock::{CommandError, CommandOutput, SlotContent, SlotReport};
use zeroize::Zeroizing;

use super::{Next, Want, reading_failed};
use crate::cc::user_code::{self, UserCode, UserCodeCommand};
use crate::transport::exchange::{Answer, AskError, Beginning};

/// The question.
pub(super) struct AuditJob {
    expected: u16,
    result: Option<Result<CommandOutput, CommandError>>,
}

impl AuditJob {
    /// `None`: what is in one of the slots can't be known from its checksum.
    pub(super) fn new(slots: &[SlotReport]) -> Option<Self> {
        let mut codes = Vec::new();
        for report in slots {
            match &report.content {
                SlotContent::Free => {}
                SlotContent::Code(pin) => codes.push(UserCode::enabled(report.slot, pin)),
                SlotContent::Hidden | SlotContent::Unusable => return None,
            }
        }
        Some(Self { expected: user_code::checksum(codes), result: None })
    }

    pub(super) fn next(&self) -> Next {
        match &self.result {
            Some(result) => Next::Done(result.clone()),
            None => {
                let report = UserCodeCommand::ChecksumReport(0).encode();
                let beginning = Beginning::from(report.get(..2).unwrap_or_default());
                Next::Ask(Zeroizing::new(UserCodeCommand::ChecksumGet.encode()), Want::Report(beginning))
            }
        }
    }

    pub(super) fn handle_answer(&mut self, answer: Result<Answer, AskError>) {
        self.result = Some(match answer {
            Ok(Answer::Report(report)) => match UserCodeCommand::decode(&report) {
                Ok(UserCodeCommand::ChecksumReport(told)) => Ok(CommandOutput::SlotsChecked(told == self.expected)),
                _ => Err(CommandError::Unproven),
            },
            Ok(Answer::Delivered | Answer::Supervised(_)) => Err(CommandError::Unproven),
            Err(error) => Err(reading_failed(error)),
        });
    }
}
