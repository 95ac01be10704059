//! What is under way, ordered by when it arrives.

use std::collections::BTreeMap;
use std::time::Instant;

use keyway_zwave::host::frame::DataFrame;
use keyway_zwave::node::NodeId;

use super::controller::{Send, Sent};
use super::network::NetworkFlight;

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
#[derive(Debug, Default)]
pub(super) struct Air {
    flights: BTreeMap<(Instant, u64), Flight>,
    count: u64,
}

impl Air {
    pub(super) fn put(&mut self, arrives: Instant, flight: Flight) {
        self.count += 1;
        self.flights.insert((arrives, self.count), flight);
    }

    /// The next arrival that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Flight> {
        let first = self.flights.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.flights.keys().next().map(|(arrives, _)| *arrives)
    }

    /// Takes the send in flight out, and what it carries.
    pub(super) fn abort(&mut self) -> Option<Box<Send>> {
        let mut aborted = None;
        self.flights.retain(|_, flight| !matches!(flight, Flight::ToNode(..)));
        let key = self.flights.iter().find(|(_, flight)| matches!(flight, Flight::Sent(..))).map(|(key, _)| *key);
        if let Some(key) = key
            && let Some(Flight::Sent(send, ..)) = self.flights.remove(&key)
        {
            aborted = Some(send);
        }
        aborted
    }

    /// The stick restarts: what it waited for is forgotten. Frames between nodes and the stick go on.
    pub(super) fn forget_sends(&mut self) {
        self.flights.retain(|_, flight| matches!(flight, Flight::ToNode(..) | Flight::WantsToJoin));
    }
}
