//! The interview: what a node is, what it supports, how many code slots it has, which PINs it takes. Asked once, kept in
//! the store; what brought no answer is named, and asked again later.

mod codes;
mod credentials;
mod door_lock;
mod identity;
mod lifeline;
mod protocol;
mod schedules;
mod security;
mod settings;
mod stage;
mod versions;
mod wake_up;

use std::collections::VecDeque;
use std::sync::Arc;

use keyway_lock::InterviewStage;

use crate::node::NodeId;
use crate::node::table::NodeRecord;
use crate::quirks::Quirks;
use crate::security::SecurityClass;
use crate::serial_api::startup::Stick;
use crate::transport::exchange::{Answer, AskError};
use crate::transport::queue::Ended;

pub use stage::{About, InterviewAsk};
use stage::{Heard, Reply, Stage};

/// The stages, in order. Each is done once what it asks for is known: a new one is asked of every lock, also of those that
/// an earlier release has interviewed.
const STAGES: [Stage; 23] = [
    protocol::PROTOCOL_INFO,
    protocol::NODE_INFORMATION,
    security::SECURE_CLASSES,
    versions::VERSIONS,
    credentials::USER_CAPABILITIES,
    credentials::CREDENTIAL_CAPABILITIES,
    codes::USERS_NUMBER,
    codes::KEYPAD,
    settings::KEYPAD_MODE,
    settings::ADMIN_CODE,
    schedules::SCHEDULES,
    door_lock::CAPABILITIES,
    door_lock::CONFIGURATION,
    settings::LOG,
    identity::IDENTIFY,
    identity::PRODUCT,
    identity::SERIAL_NUMBER,
    identity::FIRMWARE,
    // What it is tells whether there is a parameter for that.
    codes::CODE_LENGTH,
    settings::PARAMETERS,
    identity::ZWAVE_PLUS,
    lifeline::LIFELINE,
    wake_up::WAKE_UP,
];

/// Times the stick is asked again about a node that did not answer it.
const STICK_TRIES: u8 = 3;

/// How an answer left the interview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    On,
    /// The node does not answer: to be gone on with when it does.
    Stuck,
}

impl About {
    /// A node in the stick's network.
    pub fn new(node: NodeId, stick: &Stick, granted: &[SecurityClass]) -> Self {
        let own = stick.own_node.unwrap_or(node);
        Self { node, own, granted: granted.to_vec(), width: stick.node_id_width }
    }
}

/// Whether an interview would bring nothing more.
pub fn is_complete(record: &NodeRecord, about: &About) -> bool {
    record.missing.is_empty() && STAGES.iter().all(|stage| (stage.ask)(record, about).is_empty())
}

/// An interview under way.
pub struct Interview {
    about: About,
    record: NodeRecord,
    quirks: Arc<Quirks>,
    /// The stages before this one are over.
    next: usize,
    /// The present one, its questions that are left, and how many had their answer.
    stage: Option<&'static Stage>,
    questions: VecDeque<InterviewAsk>,
    turn: usize,
    /// One of them brought nothing.
    missed: bool,
    /// Times the present question was put to the stick in vain.
    tries: u8,
    /// It was told that the present stage is under way.
    told: bool,
}

impl Interview {
    /// Asks for whatever a record does not know yet; for everything, if it is new.
    pub fn new(about: About, record: NodeRecord, quirks: Arc<Quirks>) -> Self {
        let (stage, questions) = (None, VecDeque::new());
        Self { about, record, quirks, next: 0, stage, questions, turn: 0, missed: false, tries: 0, told: false }
    }

    /// What was found so far.
    pub fn record(&self) -> &NodeRecord {
        &self.record
    }

    /// The stage under way, with the first of its questions; `None`: none, or that was said before.
    pub fn take_entered(&mut self) -> Option<InterviewStage> {
        if self.questions.is_empty() || std::mem::replace(&mut self.told, true) {
            return None;
        }
        Some(self.stage())
    }

    /// The stage under way.
    pub fn stage(&self) -> InterviewStage {
        let count = |stages: usize| u8::try_from(stages).unwrap_or(u8::MAX);
        let name = self.stage.map_or_else(String::new, |stage| stage.name.to_owned());
        InterviewStage { stage: count(self.next), stages: count(STAGES.len()), name }
    }

    /// The end.
    pub fn into_record(self) -> NodeRecord {
        self.record
    }

    /// What is asked next, the same each time until it is answered; `None`: done.
    pub fn ask(&mut self) -> Option<InterviewAsk> {
        while self.questions.is_empty() {
            self.leave();
            let stage = STAGES.get(self.next)?;
            self.questions = (stage.ask)(&self.record, &self.about).into();
            self.stage = Some(stage);
            (self.next, self.turn, self.missed, self.told) = (self.next + 1, 0, false, false);
        }
        self.questions.front().cloned()
    }

    /// The present stage is over.
    fn leave(&mut self) {
        let Some(stage) = self.stage.take() else { return };
        if self.missed {
            tracing::info!(node = %self.about.node, part = stage.name, "part of the interview brought no answer");
            self.record.missing.insert(stage.name.to_owned());
        } else {
            self.record.missing.remove(stage.name);
        }
        // What it is tells what more is to be asked.
        self.record.look_up(&self.quirks);
    }

    /// The answer to what was asked.
    pub fn handle_ended(&mut self, ended: &Ended) -> Progress {
        let answer = match ended {
            Ended::Node(Err(AskError::Offline { .. } | AskError::Stick)) => return Progress::Stuck,
            // The stick asks a node for its information once: on a bad link that is not enough.
            Ended::Stick(Err(_)) if self.tries < STICK_TRIES => {
                self.tries += 1;
                return Progress::On;
            }
            Ended::Node(Err(AskError::NoAnswer | AskError::NoKey)) | Ended::Stick(Err(_)) => None,
            Ended::Stick(Ok(completed)) => Some(Reply::Stick(completed)),
            Ended::Node(Ok(Answer::Report(report))) => Some(Reply::Report(report)),
            Ended::Node(Ok(Answer::Delivered | Answer::Supervised(_))) => Some(Reply::Delivered),
        };
        let heard = answer.map(|answer| Heard { turn: self.turn, answer });
        let learned =
            self.stage.zip(heard).and_then(|(stage, heard)| (stage.learn)(&mut self.record, &self.about, &heard));
        self.missed |= learned.is_none();
        self.questions.pop_front();
        self.questions.extend(learned.into_iter().flatten());
        (self.turn, self.tries) = (self.turn + 1, 0);
        Progress::On
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use zeroize::Zeroizing;

    use super::*;
    use crate::cc::association;
    use crate::node::info::Listening;

    /// An interview of a node in the clear, of which all is known but the lifeline.
    fn of_lifeline(class: u8) -> Interview {
        let (node, stick) = (NodeId::new(5).unwrap(), Stick { own_node: Some(NodeId::FIRST), ..Stick::default() });
        let mut record = NodeRecord::new(&[]);
        record.listening = Some(Listening::Always);
        record.clear = BTreeSet::from([class]);
        Interview::new(About::new(node, &stick, &[]), record, Arc::default())
    }

    fn asked(interview: &mut Interview) -> Option<Vec<u8>> {
        match interview.ask()? {
            InterviewAsk::Node(command, _) => Some(command.to_vec()),
            InterviewAsk::Stick(_) => panic!("the stick is not asked"),
        }
    }

    /// The lifeline as the node tells it before and after it is set.
    fn lifeline(class: u8, before: &[u8], after: &[u8]) -> NodeRecord {
        let mut interview = of_lifeline(class);
        let report = |nodes: &[u8]| {
            let report = [&[class, 0x03, 1, 5, 0][..], nodes].concat();
            Ended::Node(Ok(Answer::Report(Zeroizing::new(report))))
        };
        assert_eq!(asked(&mut interview), Some(vec![class, 0x02, 1]));
        interview.handle_ended(&report(before));
        assert_eq!(asked(&mut interview), Some(vec![class, 0x01, 1, 1]));
        interview.handle_ended(&Ended::Node(Ok(Answer::Delivered)));
        assert_eq!(asked(&mut interview), Some(vec![class, 0x02, 1]));
        interview.handle_ended(&report(after));
        assert_eq!(asked(&mut interview), None);
        interview.into_record()
    }

    #[test]
    fn the_lifeline_is_believed_once_the_node_tells_it() {
        for class in [association::CLASS, association::MULTI_CHANNEL_CLASS] {
            let taken = lifeline(class, &[], &[1]);
            assert!(taken.lifeline && taken.missing.is_empty());
            let not_taken = lifeline(class, &[7, 8], &[7, 8]);
            assert!(!not_taken.lifeline && not_taken.missing.contains("lifeline association"));
        }
    }
}
