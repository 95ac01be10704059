//! What the network wants done.

use std::collections::VecDeque;

use keyway_lock::{NetworkRecord, NetworkStep, RadioEvent};

use crate::address::{Ieee, Nwk};
use crate::coordinator::Request;
use crate::zdo::Zdo;

/// What is to be gone on with once a record is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The network is formed.
    Form,
    /// The hub is answered.
    Answer,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkOutput {
    /// Of the stick.
    Stick(Request),
    /// Of all routers.
    Routers(Zdo),
    /// Of the store, and what is gone on with then.
    Keep(NetworkRecord, Option<Then>),
    /// Of the hub: to be told.
    Event(RadioEvent),
    /// The network is up: its devices can be spoken to.
    Up,
    /// The stick is not to be worked with: whatever was asked of its devices is over.
    Withdraw,
    /// A device joined at this address, under this name.
    Joined(Ieee, Nwk, Option<String>),
    /// A device was in the network before us, at this address.
    Found(Ieee, Nwk),
    /// A device is a lock of the hub's from now on, whatever is known of it.
    Announce(Ieee),
    /// A device is gone, and what was known of it.
    Left(Ieee),
    /// All are.
    AllLeft,
}

/// All of it, in order.
#[derive(Default)]
pub(super) struct Outputs(VecDeque<NetworkOutput>);

impl Outputs {
    pub(super) fn push(&mut self, output: NetworkOutput) {
        self.0.push_back(output);
    }

    pub(super) fn stick(&mut self, request: Request) {
        self.push(NetworkOutput::Stick(request));
    }

    pub(super) fn event(&mut self, event: RadioEvent) {
        self.push(NetworkOutput::Event(event));
    }

    pub(super) fn step(&mut self, step: NetworkStep) {
        self.event(RadioEvent::Network(step));
    }

    /// What was wanted of the stick is wanted no more.
    pub(super) fn forget_requests(&mut self) {
        self.0.retain(|output| !matches!(output, NetworkOutput::Stick(_) | NetworkOutput::Routers(_)));
    }

    pub(super) fn poll(&mut self) -> Option<NetworkOutput> {
        self.0.pop_front()
    }
}
