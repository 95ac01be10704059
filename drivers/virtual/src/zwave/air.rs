//! What is under way, ordered by when it arrives.

use std::time::Instant;

use keyway_zwave::host::frame::DataFrame;
use keyway_zwave::node::NodeId;

use super::controller::{Send, Sent};
use super::network::NetworkFlight;
use crate::agenda::Agenda;

/// Something on its way.
#[derive(Debug)]
pub(super) enum Flight {
    /// A frame of the host reaches a node.
    ToNode(NodeId, Vec<u8>),
    /// A frame of a node reaches the stick.
    ToStick(NodeId, Vec<u8>),
    /// A send ends.
    Sent(Box<Send>, Sent, Instant),
    /// A node information frame reaches the stick, or its time is over.
    Information(NodeId, bool),
    /// The stick has an answer ready.
    Told(DataFrame),
    /// A step of adding or removing a node is due; the number names the order it belongs to.
    Network(u64, NetworkFlight),
    /// A lock that wants to join by itself says so.
    WantsToJoin,
    /// The stick is up again.
    Started,
}

/// The air. What arrives at the same instant arrives in the order it was sent.
pub(super) type Air = Agenda<Flight>;

impl Air {
    /// Takes the send in flight out, and what it carries.
    pub(super) fn abort(&mut self) -> Option<Box<Send>> {
        self.retain(|flight| !matches!(flight, Flight::ToNode(..)));
        match self.take_first(|flight| matches!(flight, Flight::Sent(..))) {
            Some(Flight::Sent(send, ..)) => Some(send),
            _ => None,
        }
    }

    /// The stick restarts: what it waited for is forgotten. Frames between nodes and the stick go on.
    pub(super) fn forget_sends(&mut self) {
        self.retain(|flight| matches!(flight, Flight::ToNode(..) | Flight::WantsToJoin));
    }
}
