//! Putting a PIN in: its user, the PIN, and the proof.

use keyway_lock::Evidence;

use super::*;

impl CredentialJob {
    /// How making the user went.
    pub(super) fn user_made(&mut self, answer: Result<Answer, AskError>) {
        self.writes += 1;
        let answer = match answer {
            Ok(answer) => answer,
            // Nobody who would open a door was made: it can be said.
            Err(AskError::Offline { .. }) => return self.done(Err(CommandError::Offline)),
            Err(AskError::NoAnswer) => return self.look_who(),
            Err(error) => return self.done(Err(writing_failed(error))),
        };
        match &answer {
            Answer::Supervised(Status::Success) => return self.user_is_there(true),
            Answer::Supervised(Status::Fail) => {
                self.failed = Some(Operation::Add);
                return self.look_who();
            }
            Answer::Supervised(Status::NoSupport | Status::Working) | Answer::Delivered => return self.look_who(),
            Answer::Report(_) => {}
        }
        let Some(report) = user_of(&answer).filter(|report| report.user.id == self.slot.0) else {
            // Something else that the lock had to say just then.
            return self.look_who();
        };
        match report.kind {
            UserReportType::Added => self.user_is_there(true),
            UserReportType::Modified | UserReportType::Unchanged => self.user_is_there(false),
            UserReportType::AddRejected => self.somebody_is_there(&report),
            UserReportType::ModifyRejected if self.writes < WRITES => self.phase = Phase::User(Operation::Add),
            UserReportType::Deleted | UserReportType::Answer => self.look_who(),
            UserReportType::ModifyRejected | UserReportType::Other(_) => self.refused(Refusal::Rejected),
        }
    }

    fn user_is_there(&mut self, made: bool) {
        self.made_user |= made;
        (self.unheard, self.failed, self.writes) = (false, None, 0);
        self.phase = Phase::Write(Operation::Add);
    }

    /// It did not say: the lock is asked who is there before anything is changed.
    fn look_who(&mut self) {
        self.unheard = true;
        self.phase = Phase::WhoIsThere;
    }

    pub(super) fn user_found(&mut self, answer: Result<Answer, AskError>) {
        match answer.as_ref().map(user_of) {
            Ok(Some(report)) if report.modifier != Modifier::Nobody => self.somebody_is_there(&report),
            Ok(Some(_)) if self.failed.is_some() => self.refused(Refusal::Rejected),
            Ok(Some(_)) if self.writes < WRITES => self.phase = Phase::User(Operation::Add),
            Ok(_) => self.done(Err(CommandError::Unproven)),
            Err(error) => self.done(Err(reading_failed(*error))),
        }
    }

    /// There is a user in the place of ours.
    fn somebody_is_there(&mut self, report: &UserReport) {
        let user = &report.user;
        if !self.is_ours(report) {
            self.refused(Refusal::NotTaken(SlotContent::Unusable));
        } else if user.active && user.kind == GENERAL_USER && user.rule == SINGLE_RULE {
            self.user_is_there(false);
        } else if self.writes < WRITES {
            self.phase = Phase::User(Operation::Modify);
        } else {
            self.done(Err(CommandError::Unproven));
        }
    }

    /// How putting the PIN in went.
    pub(super) fn written(&mut self, now: Instant, operation: Operation, answer: Result<Answer, AskError>) {
        (self.writes, self.failed) = (self.writes + 1, None);
        let answer = match answer {
            Ok(answer) => answer,
            Err(AskError::NoKey) => return self.done(Err(writing_failed(AskError::NoKey))),
            // It may have arrived all the same: the slot tells.
            Err(_) => {
                self.unheard = true;
                return self.phase = Phase::Pin;
            }
        };
        match &answer {
            Answer::Supervised(Status::Success) => {
                (self.supervised, self.unheard) = (true, false);
                return self.phase = Phase::Pin;
            }
            Answer::Supervised(Status::Fail) if self.duplicate => return self.refused(Refusal::DuplicatePin),
            Answer::Supervised(Status::Fail) => {
                self.failed = Some(operation);
                return self.phase = Phase::Cause { until: now + again_after(CAUSE_PAUSE) };
            }
            Answer::Supervised(Status::NoSupport | Status::Working) | Answer::Delivered => {
                return self.phase = Phase::Pin;
            }
            Answer::Report(_) => {}
        }
        match credential_of(&answer).filter(|report| report.credential.kind == PIN_CODE) {
            Some(report) => self.reported(report),
            None => self.phase = Phase::Pin,
        }
    }

    fn reported(&mut self, report: CredentialReport) {
        use CredentialReportType as Kind;
        self.see(&report);
        let here = report.credential.slot == self.slot.0;
        let ours = report.credential.user == self.slot.0;
        match report.kind {
            // The one that it doubles may stand there as well.
            Kind::Duplicate | Kind::DuplicateAdminCode => self.refused(Refusal::DuplicatePin),
            Kind::Added | Kind::Modified | Kind::Unchanged if here && ours => {
                self.reported = true;
                if report.shown { self.phase = Phase::Pin } else { self.proven(Evidence::ProgrammingEvent) }
            }
            Kind::AddRejected if here && ours && self.writes < WRITES => self.phase = Phase::Write(Operation::Modify),
            Kind::ModifyRejected if here && self.writes < WRITES => self.phase = Phase::Write(Operation::Add),
            // Our user was taken out meanwhile.
            Kind::WrongUser if here && ours && self.writes < WRITES => self.phase = Phase::User(Operation::Add),
            Kind::AddRejected | Kind::WrongUser if here && !ours => {
                self.refused(Refusal::NotTaken(report.content()));
            }
            Kind::SecurityRules | Kind::Other(_) if here => self.refused(Refusal::Rejected),
            // Something else that the lock had to say just then.
            _ => self.phase = Phase::Pin,
        }
    }

    /// What is in the slot now.
    pub(super) fn read_back(&mut self, now: Instant, pin: &Pin, answer: Result<Answer, AskError>) {
        self.reads += 1;
        let report = match answer {
            Err(AskError::NoKey) => return self.done(Err(writing_failed(AskError::NoKey))),
            Err(_) => return self.done(Err(CommandError::Unproven)),
            Ok(answer) => credential_of(&answer),
        };
        let Some(report) = report else { return self.done(Err(CommandError::Unproven)) };
        self.see(&report);
        match report.content() {
            SlotContent::Free => self.not_yet(now, Operation::Add, SlotContent::Free),
            content if report.credential.user != self.slot.0 => self.refused(Refusal::NotTaken(content)),
            SlotContent::Code(held) if held == *pin => self.proven(Evidence::ReadBack),
            SlotContent::Hidden if self.supervised => self.proven(Evidence::Supervised),
            SlotContent::Hidden if self.reported => self.proven(Evidence::ProgrammingEvent),
            // Written once more, its answer is the proof.
            content => self.not_yet(now, Operation::Modify, content),
        }
    }

    fn not_yet(&mut self, now: Instant, again: Operation, content: SlotContent) {
        if self.duplicate {
            self.refused(Refusal::DuplicatePin);
        } else if self.failed == Some(again) {
            self.refused(Refusal::Rejected);
        } else if (self.reported || self.supervised) && self.reads < READS {
            self.settle(now);
        } else if self.writes < WRITES && !self.reported {
            self.phase = Phase::Write(again);
        } else if self.reported || self.supervised {
            self.refused(Refusal::NotTaken(content));
        } else {
            self.done(Err(CommandError::Unproven));
        }
    }

    fn proven(&mut self, evidence: Evidence) {
        self.done(Ok(CommandOutput::CodeSet(evidence)));
    }
}
