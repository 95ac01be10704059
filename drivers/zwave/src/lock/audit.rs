//! Whether a lock's codes are all as they were: one question, by the checksum that it makes over them.

use keyway_lock::{CommandError, CommandOutput, SlotContent, SlotReport};
use zeroize::Zeroizing;

use super::{Next, Want, reading_failed};
use crate::cc::user_code::{self, UserCode, UserCodeCommand};
use crate::cc::user_credential::{self, Credential, UserCredentialCommand};
use crate::node::table::NodeRecord;
use crate::transport::exchange::{Answer, AskError, Beginning};

/// The question.
pub(super) struct AuditJob {
    expected: u16,
    /// Of the PINs of its users, not of its User Codes.
    of_credentials: bool,
    result: Option<Result<CommandOutput, CommandError>>,
}

impl AuditJob {
    /// `None`: what is in one of the slots can't be known from its checksum.
    pub(super) fn new(slots: &[SlotReport], record: &NodeRecord) -> Option<Self> {
        let mut taken = Vec::new();
        for report in slots {
            match &report.content {
                SlotContent::Free => {}
                SlotContent::Code(pin) => taken.push((report.slot, pin)),
                SlotContent::Hidden | SlotContent::Unusable => return None,
            }
        }
        let of_credentials = record.speaks_credentials();
        let expected = if of_credentials {
            let pins = taken.into_iter().map(|(slot, pin)| Credential::pin(slot.0, slot.0, pin));
            user_credential::credential_checksum(pins.collect())
        } else {
            user_code::checksum(taken.into_iter().map(|(slot, pin)| UserCode::enabled(slot, pin)).collect())
        };
        Some(Self { expected, of_credentials, result: None })
    }

    pub(super) fn next(&self) -> Next {
        let ask = |get: Vec<u8>, report: Vec<u8>| {
            let beginning = Beginning::from(report.get(..2).unwrap_or_default());
            Next::Ask(Zeroizing::new(get), Want::Report(beginning))
        };
        match &self.result {
            Some(result) => Next::Done(result.clone()),
            None if self.of_credentials => {
                let kind = user_credential::PIN_CODE;
                let report = UserCredentialCommand::CredentialChecksumReport { kind, checksum: 0 };
                ask(UserCredentialCommand::CredentialChecksumGet(kind).encode(), report.encode())
            }
            None => ask(UserCodeCommand::ChecksumGet.encode(), UserCodeCommand::ChecksumReport(0).encode()),
        }
    }

    pub(super) fn handle_answer(&mut self, answer: Result<Answer, AskError>) {
        self.result = Some(match answer {
            Ok(Answer::Report(report)) => match told(&report) {
                Some(told) => Ok(CommandOutput::SlotsChecked(told == self.expected)),
                None => Err(CommandError::Unproven),
            },
            Ok(Answer::Delivered | Answer::Supervised(_)) => Err(CommandError::Unproven),
            Err(error) => Err(reading_failed(error)),
        });
    }
}

fn told(report: &[u8]) -> Option<u16> {
    match (UserCodeCommand::decode(report), UserCredentialCommand::decode(report)) {
        (Ok(UserCodeCommand::ChecksumReport(checksum)), _) => Some(checksum),
        (_, Ok(UserCredentialCommand::CredentialChecksumReport { kind: user_credential::PIN_CODE, checksum })) => {
            Some(checksum)
        }
        _ => None,
    }
}
