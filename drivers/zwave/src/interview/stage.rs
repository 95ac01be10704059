//! What a stage of the interview is.

use zeroize::Zeroizing;

use crate::node::NodeId;
use crate::node::table::NodeRecord;
use crate::security::SecurityClass;
use crate::serial_api::command::{Command, NodeIdWidth};
use crate::serial_api::session::Completed;
use crate::transport::exchange::{Awaits, Beginning};

/// One stage: a few questions about one matter, and what their answers say of the node. It has no state: what is known
/// stands in the record, so that an interview can be gone on with at any stage.
pub(super) struct Stage {
    /// What is missing when it brought nothing, in plain words.
    pub name: &'static str,
    /// What it has to ask: nothing, if that is known or does not concern this node.
    pub ask: fn(&NodeRecord, &About) -> Vec<InterviewAsk>,
    /// Takes an answer in, and says what is to be asked beside; `None`: it is not what it should be.
    pub learn: fn(&mut NodeRecord, &About, &Heard<'_>) -> Option<Vec<InterviewAsk>>,
}

/// About which node it is, beside what is known of it.
pub struct About {
    /// The node.
    pub node: NodeId,
    /// This controller.
    pub own: NodeId,
    /// The security classes that the node was granted.
    pub granted: Vec<SecurityClass>,
    /// How the stick writes node ids.
    pub width: NodeIdWidth,
}

/// What the interview asks.
#[derive(Clone)]
pub enum InterviewAsk {
    /// The stick.
    Stick(Command),
    /// The node: the command and what is awaited, under the level that [`NodeRecord::supports`] implies.
    Node(Zeroizing<Vec<u8>>, Awaits),
}

impl InterviewAsk {
    /// A question to the node, and how the report begins that answers it.
    pub(super) fn report(command: Vec<u8>, report: impl Into<Beginning>) -> Self {
        Self::Node(Zeroizing::new(command), Awaits::Report(report.into()))
    }

    /// The same, where only the class and the command of the report are sure, as an encoded one has them in front.
    pub(super) fn kind_of_report(command: Vec<u8>, example: &[u8]) -> Self {
        Self::report(command, example.get(..2).unwrap_or(example))
    }

    /// Something that the node is told.
    pub(super) fn delivery(command: Vec<u8>) -> Self {
        Self::Node(Zeroizing::new(command), Awaits::Delivery)
    }
}

/// An answer.
pub(super) struct Heard<'a> {
    /// To which question of its stage, counted from 0.
    pub turn: usize,
    /// What it was.
    pub answer: Reply<'a>,
}

/// What an answer was.
pub(super) enum Reply<'a> {
    /// The node's report, from its class on.
    Report(&'a [u8]),
    /// The node acknowledged.
    Delivered,
    /// The stick's.
    Stick(&'a Completed),
}

impl<'a> Heard<'a> {
    /// The node's report, if it is one.
    pub(super) fn report(&self) -> Option<&'a [u8]> {
        match self.answer {
            Reply::Report(report) => Some(report),
            Reply::Delivered | Reply::Stick(_) => None,
        }
    }
}

/// There is nothing more to ask.
pub(super) const LEARNED: Option<Vec<InterviewAsk>> = Some(Vec::new());
