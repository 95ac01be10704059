//! Taking a PIN out, and its user where it has no more.

use keyway_lock::Evidence;

use super::*;

impl CredentialJob {
    /// What the user of our slot has.
    pub(super) fn credentials_told(&mut self, answer: Result<Answer, AskError>) {
        let first = match answer {
            Ok(answer) => credential_of(&answer),
            Err(AskError::Offline { .. }) => return self.done(Err(CommandError::Offline)),
            Err(AskError::NoAnswer) => None,
            Err(error) => return self.done(Err(writing_failed(error))),
        };
        let user = self.slot.0;
        self.phase = match first.filter(|report| report.content() != SlotContent::Free) {
            // Nothing, or not told: whoever has the PIN in the slot.
            None => Phase::Pin,
            Some(report) => {
                let only = (report.credential.kind, report.credential.slot) == (PIN_CODE, self.slot.0);
                if only && report.next == (0, 0) { Phase::DeleteUser } else { Phase::DeletePin { user } }
            }
        };
    }

    /// How taking it out went: the slot tells.
    pub(super) fn deleted(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        (self.writes, self.failed) = (self.writes + 1, None);
        match answer {
            Ok(Answer::Supervised(Status::Fail)) => {
                self.failed = Some(Operation::Delete);
                self.phase = Phase::Cause { until: now + again_after(CAUSE_PAUSE) };
            }
            Err(AskError::NoKey) => self.done(Err(writing_failed(AskError::NoKey))),
            Ok(_) | Err(_) => self.phase = Phase::Pin,
        }
    }

    /// What is in the slot now.
    pub(super) fn looked_for(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        self.reads += 1;
        let report = match answer {
            Ok(answer) => credential_of(&answer),
            Err(AskError::NoKey) => return self.done(Err(writing_failed(AskError::NoKey))),
            Err(_) => return self.done(Err(CommandError::Unproven)),
        };
        let Some(report) = report else { return self.done(Err(CommandError::Unproven)) };
        self.see(&report);
        match report.content() {
            SlotContent::Free => self.done(Ok(CommandOutput::CodeCleared(Evidence::ReadBack))),
            _ if self.failed.is_some() => self.refused(Refusal::Rejected),
            content if self.writes >= WRITES => self.refused(Refusal::NotTaken(content)),
            // The lock may need a moment.
            _ if self.writes > 0 && self.reads == self.writes => self.settle(now),
            // The next time it is asked under Supervision, and by the name of whoever has it.
            _ => {
                self.unheard = self.writes > 0;
                self.phase = Phase::DeletePin { user: report.credential.user };
            }
        }
    }
}
