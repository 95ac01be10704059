//! What the network wants done.

use std::collections::VecDeque;

use keyway_lock::{CommandId, LockId, NetworkRecord, NetworkStep, RadioEvent};
use zeroize::Zeroizing;

use crate::node::NodeId;
use crate::security::SecurityClass;
use crate::security::s2::keys::ClassKeys;
use crate::serial_api::command::Command;
use crate::transport::exchange::{Awaits, Question};

/// One thing to be done, in order.
pub enum NetworkOutput {
    /// A command to the stick itself.
    Stick(Command),
    /// A question to a node.
    Node(NodeId, Question),
    /// A question about or to a node that nobody drives; [`super::Network::handle_sought`] follows.
    Seek(NodeId, Seek),
    /// To be kept; [`super::Network::handle_kept`] must follow, if something waits for it.
    Keep(NetworkRecord, Option<Then>),
    /// For the hub.
    Event(RadioEvent),
    /// Security 2: this node joins; there is no key yet.
    Expect(NodeId),
    /// Security 2: there is.
    TemporaryKey(NodeId, ClassKeys, Vec<SecurityClass>),
    /// Security 0: what is sent to this node goes under the key that everybody knows; `None`: to none.
    ZeroKey(Option<NodeId>),
    /// The node is out of the exchange of keys, well or not.
    Settled(NodeId),
    /// A node is one of ours now, with these classes.
    Joined(NodeId, Vec<SecurityClass>),
    /// A node is ours no longer.
    Left(NodeId),
    /// The network has other keys now: whoever was spoken to under the old ones must be asked anew.
    NewKeys,
    /// The stick has another network now, and must be identified anew.
    NewNetwork,
}

/// What is to be found out of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// What it is, as the stick remembers it.
    What,
    /// Whether it answers under this class; whether it is woken by a beam.
    Under(SecurityClass, bool),
}

/// What waits for a record to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// What is under way.
    GoOn,
    /// The answer to this command.
    Answer(CommandId),
    /// Keys that this command brought: they are put in force.
    TakeKeys(CommandId),
}

/// The queue of outputs.
#[derive(Default)]
pub(super) struct Outputs {
    queue: VecDeque<NetworkOutput>,
    /// Questions to nodes that have not ended.
    pub(super) asking: usize,
}

impl Outputs {
    pub(super) fn poll(&mut self) -> Option<NetworkOutput> {
        self.queue.pop_front()
    }

    pub(super) fn push(&mut self, output: NetworkOutput) {
        self.queue.push_back(output);
    }

    pub(super) fn stick(&mut self, command: Command) {
        self.push(NetworkOutput::Stick(command));
    }

    pub(super) fn node(&mut self, node: NodeId, level: Option<SecurityClass>, command: Zeroizing<Vec<u8>>) {
        self.asking += 1;
        self.push(NetworkOutput::Node(node, Question { command, level, awaits: Awaits::Delivery }));
    }

    pub(super) fn event(&mut self, event: RadioEvent) {
        self.push(NetworkOutput::Event(event));
    }

    pub(super) fn step(&mut self, step: NetworkStep) {
        self.event(RadioEvent::Network(step));
    }

    pub(super) fn left(&mut self, node: NodeId) {
        self.push(NetworkOutput::Left(node));
        self.event(RadioEvent::LockLeft(LockId::from(node)));
    }
}
