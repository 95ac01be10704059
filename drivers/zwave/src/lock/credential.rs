//! Reading, setting and clearing a code of a lock with User Credential: PIN Code credential `n` of user `n`, which is
//! made with it and goes with it.
//!
//! Each Set is answered by a report that says what became of it (CC:0083.01.05.11.011, CC:0083.01.0A.11.011), so that
//! the first try needs no Supervision; where the answer stays away the next goes out under it, since what a lock passes
//! over in silence it answers with FAIL there. What is shown is read back; of a lock that hides its PINs its own report
//! "added" or "modified" is the proof. Users of others are never changed, nor given a PIN.

mod clearing;
mod setting;

use std::time::Instant;

use keyway_lock::{
    CommandError, CommandOutput, LockCommand, LockEvent, Pin, Refusal, SlotContent, SlotNumber, SlotReport,
};
use zeroize::Zeroizing;

use super::{Next, Want, again_after, reading_failed, writing_failed};
use crate::cc::user_credential::{
    CLASS, CREDENTIAL_REPORT, Credential, CredentialReport, CredentialReportType, GENERAL_USER, Modifier,
    NON_ACCESS_USER, NameEncoding, Operation, PIN_CODE, REMOTE_ONLY_USER, SINGLE_RULE, USER_REPORT, User,
    UserCredentialCommand, UserReport, UserReportType, event_of,
};
use crate::node::table::{NodeRecord, UserFacts};
use crate::transport::exchange::{Answer, AskError, Beginning};
use crate::transport::supervision::Status;

/// The name by which our users are known from others, as far as it fits.
const NAME: &str = "Keyway";
/// Times a slot is read until it holds what was written.
const READS: u8 = 4;
/// Times something is written.
const WRITES: u8 = 4;
/// Pauses in which a lock that refused may tell why.
const CAUSE_PAUSE: u8 = 2;

enum Goal {
    Read,
    Set(Pin),
    Clear,
}

#[derive(Clone)]
enum Phase {
    /// Which PIN is in the slot?
    Pin,
    /// Whose is it, and is it honoured? If there is none: is there a user in its place?
    Owner {
        user: u16,
        content: SlotContent,
    },
    /// Makes the user, or makes it honoured again.
    User(Operation),
    /// What is there in the user's place?
    WhoIsThere,
    /// Puts the PIN in.
    Write(Operation),
    /// The lock refused: its report may tell why. If it does not, the slot tells whether that is so: what it was asked twice,
    /// since its first answer was not heard or not to be relied upon, it refuses as done already.
    Cause {
        until: Instant,
    },
    /// Before the PIN is read again.
    Settle {
        until: Instant,
    },
    /// What credentials has the user?
    Credentials,
    /// Takes the user out, with its only credential.
    DeleteUser,
    /// Takes the PIN out, and leaves its user.
    DeletePin {
        user: u16,
    },
    /// Takes out the user that was made for a PIN which was refused.
    Tidy(CommandError),
    Done(Result<CommandOutput, CommandError>),
}

/// One command about one slot.
pub(super) struct CredentialJob {
    slot: SlotNumber,
    goal: Goal,
    phase: Phase,
    users: UserFacts,
    reads: u8,
    writes: u8,
    /// The last write brought no answer: the next is supervised.
    unheard: bool,
    /// The user was made by this job.
    made_user: bool,
    /// The lock said SUCCESS.
    supervised: bool,
    /// The lock reported that the PIN was added or modified.
    reported: bool,
    /// The lock said FAIL to the last write, which was this.
    failed: Option<Operation>,
    duplicate: bool,
    masked: Option<bool>,
    /// What came in place of an answer and is about another slot.
    aside: Option<LockEvent>,
}

impl CredentialJob {
    /// `None`: it is no command about a code, or the lock has none.
    pub(super) fn new(command: &LockCommand, record: &NodeRecord) -> Option<Self> {
        let (slot, goal, phase) = match command {
            LockCommand::ReadSlot(slot) => (*slot, Goal::Read, Phase::Pin),
            LockCommand::SetCode { slot, pin } => (*slot, Goal::Set(pin.clone()), Phase::User(Operation::Add)),
            LockCommand::ClearCode(slot) => (*slot, Goal::Clear, Phase::Credentials),
            // It is made for no other.
            _ => return None,
        };
        Some(Self {
            slot,
            goal,
            phase,
            users: record.credential_users?,
            reads: 0,
            writes: 0,
            unheard: false,
            made_user: false,
            supervised: false,
            reported: false,
            failed: None,
            duplicate: false,
            masked: None,
            aside: None,
        })
    }

    pub(super) fn masked(&self) -> Option<bool> {
        self.masked
    }

    /// What the lock told of another slot just then, once.
    pub(super) fn take_aside(&mut self) -> Option<LockEvent> {
        self.aside.take()
    }

    pub(super) fn next(&self) -> Next {
        let (user, slot) = (self.slot.0, self.slot.0);
        let ask = |command: UserCredentialCommand, report: Beginning| {
            Next::Ask(Zeroizing::new(command.encode()), Want::Report(report))
        };
        let get = |user| UserCredentialCommand::CredentialGet { user, kind: PIN_CODE, slot };
        match &self.phase {
            Phase::Pin => ask(get(0), self.pin_report()),
            Phase::Owner { user, .. } => ask(UserCredentialCommand::UserGet(*user), user_report(*user)),
            Phase::WhoIsThere => ask(UserCredentialCommand::UserGet(user), user_report(user)),
            Phase::Credentials => {
                let first = UserCredentialCommand::CredentialGet { user, kind: 0, slot: 0 };
                ask(first, credential_answer().into())
            }
            Phase::User(operation) => {
                self.change(UserCredentialCommand::UserSet(*operation, self.guest()), USER_REPORT)
            }
            Phase::DeleteUser | Phase::Tidy(_) => {
                self.change(UserCredentialCommand::UserSet(Operation::Delete, User::none(user)), USER_REPORT)
            }
            Phase::Write(operation) => {
                let credential = match &self.goal {
                    Goal::Set(pin) => Credential::pin(user, slot, pin),
                    Goal::Read | Goal::Clear => Credential::no_pin(user, slot),
                };
                self.change(UserCredentialCommand::CredentialSet(*operation, credential), CREDENTIAL_REPORT)
            }
            Phase::DeletePin { user } => {
                let set = UserCredentialCommand::CredentialSet(Operation::Delete, Credential::no_pin(*user, slot));
                self.change(set, CREDENTIAL_REPORT)
            }
            Phase::Cause { until } | Phase::Settle { until } => Next::Pause(*until),
            Phase::Done(result) => Next::Done(result.clone()),
        }
    }

    fn change(&self, command: UserCredentialCommand, report: u8) -> Next {
        let want = if self.unheard { Want::Outcome } else { Want::Report([CLASS, report].into()) };
        Next::Ask(Zeroizing::new(command.encode()), want)
    }

    /// How the answer about the PIN in our slot begins, whosever it is.
    fn pin_report(&self) -> Beginning {
        let [high, low] = self.slot.0.to_be_bytes();
        let [class, command, kind] = credential_answer();
        Beginning::from([class, command, kind, 0, 0, PIN_CODE, high, low]).with_anything(3..5)
    }

    /// Our user of this slot.
    fn guest(&self) -> User {
        let encoding = NameEncoding::from(self.users.name_encoding);
        User::guest(self.slot.0, encoding, encoding.write(NAME, self.users.name_length))
    }

    /// Whether a user is one of ours. Where users have no names, one that was made over the air.
    fn is_ours(&self, report: &UserReport) -> bool {
        let named = self.users.name_length > 0;
        let own = self.guest().name;
        if named { report.user.name == own } else { matches!(report.modifier, Modifier::ZWave(_)) }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: Result<Answer, AskError>) {
        if let Ok(Answer::Report(report)) = &answer {
            self.aside = event_of(report).filter(|event| self.is_of_another(event));
        }
        match (self.phase.clone(), &self.goal) {
            (Phase::Pin, Goal::Read) => self.pin_read(answer),
            (Phase::Pin, Goal::Set(pin)) => {
                let pin = pin.clone();
                self.read_back(now, &pin, answer);
            }
            (Phase::Pin, Goal::Clear) => self.looked_for(now, answer),
            (Phase::Owner { content, .. }, _) => self.owner_read(content, answer),
            (Phase::User(_), _) => self.user_made(answer),
            (Phase::WhoIsThere, _) => self.user_found(answer),
            (Phase::Write(operation), _) => self.written(now, operation, answer),
            (Phase::Credentials, _) => self.credentials_told(answer),
            (Phase::DeleteUser | Phase::DeletePin { .. }, _) => self.deleted(now, answer),
            // Whether that went well or not: a user without a PIN opens nothing, and is found again.
            (Phase::Tidy(error), _) => self.done(Err(error)),
            (Phase::Cause { .. } | Phase::Settle { .. } | Phase::Done(_), _) => {}
        }
    }

    fn is_of_another(&self, event: &LockEvent) -> bool {
        match event {
            LockEvent::CodeAdded(slot) | LockEvent::CodeDeleted(slot) => *slot != Some(self.slot),
            LockEvent::AllCodesDeleted => true,
            // It is refused here, or to a hand.
            _ => false,
        }
    }

    fn pin_read(&mut self, answer: Result<Answer, AskError>) {
        match answer {
            Ok(answer) => match credential_of(&answer) {
                Some(report) => {
                    self.see(&report);
                    let content = report.content();
                    let user = if content == SlotContent::Free { self.slot.0 } else { report.credential.user };
                    self.phase = Phase::Owner { user, content };
                }
                None => self.done(Err(CommandError::Unproven)),
            },
            Err(error) => self.done(Err(reading_failed(error))),
        }
    }

    fn owner_read(&mut self, content: SlotContent, answer: Result<Answer, AskError>) {
        let report = match answer {
            Ok(answer) => match user_of(&answer) {
                Some(report) => report,
                None => return self.done(Err(CommandError::Unproven)),
            },
            Err(error) => return self.done(Err(reading_failed(error))),
        };
        let user = &report.user;
        let exists = report.modifier != Modifier::Nobody;
        let opens = user.active && ![NON_ACCESS_USER, REMOTE_ONLY_USER].contains(&user.kind);
        let content = match content {
            // In the place of the user that a code would need there is somebody else.
            SlotContent::Free if exists && !self.is_ours(&report) => SlotContent::Unusable,
            SlotContent::Free => SlotContent::Free,
            // It opens no door, whatever its digits are: no guest's code.
            _ if exists && !opens => SlotContent::Unusable,
            content => content,
        };
        self.done(Ok(CommandOutput::Slot(SlotReport { slot: self.slot, content })));
    }

    /// Whether the lock shows its PINs.
    fn see(&mut self, report: &CredentialReport) {
        if report.credential.kind == PIN_CODE {
            self.masked = Some(!report.shown);
        }
    }

    fn settle(&mut self, now: Instant) {
        self.phase = Phase::Settle { until: now + again_after(self.reads.saturating_sub(1)) };
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            Phase::Settle { until } if until <= now => self.phase = Phase::Pin,
            Phase::Cause { until } if until <= now => self.phase = Phase::Pin,
            _ => {}
        }
    }

    pub(super) fn handle_event(&mut self, event: &LockEvent) {
        if matches!((event, &self.goal), (LockEvent::DuplicateCode(_), Goal::Set(_))) {
            self.duplicate = true;
            if matches!(self.phase, Phase::Cause { .. }) {
                self.refused(Refusal::DuplicatePin);
            }
        }
    }

    /// Ends, and takes out the user that was made in vain.
    fn refused(&mut self, refusal: Refusal) {
        let error = CommandError::from(refusal);
        if std::mem::take(&mut self.made_user) {
            self.unheard = false;
            self.phase = Phase::Tidy(error);
        } else {
            self.done(Err(error));
        }
    }

    fn done(&mut self, result: Result<CommandOutput, CommandError>) {
        self.phase = Phase::Done(result);
    }
}

fn credential_answer() -> [u8; 3] {
    [CLASS, CREDENTIAL_REPORT, CredentialReportType::Answer.into()]
}

/// How the answer to a question for a user begins.
fn user_report(user: u16) -> Beginning {
    let [high, low] = user.to_be_bytes();
    let answer = UserReportType::Answer.into();
    // Next user and modifier are whatever they are.
    Beginning::from([CLASS, USER_REPORT, answer, 0, 0, 0, 0, 0, high, low]).with_anything(3..8)
}

fn credential_of(answer: &Answer) -> Option<CredentialReport> {
    let Answer::Report(report) = answer else { return None };
    match UserCredentialCommand::decode(report).ok()? {
        UserCredentialCommand::CredentialReport(report) => Some(report),
        _ => None,
    }
}

fn user_of(answer: &Answer) -> Option<UserReport> {
    let Answer::Report(report) = answer else { return None };
    match UserCredentialCommand::decode(report).ok()? {
        UserCredentialCommand::UserReport(report) => Some(report),
        _ => None,
    }
}
