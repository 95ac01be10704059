//! A Zigbee stick and the locks around it in software, speaking real EZSP over real ASH, or real ZNP.
//!
//! Inside [`VirtualStick`], the firmware (`ezsp` behind its `link`, or `znp`) answers its host, and the `network` has the air,
//! with its time and its losses, and the locks. What a lock does is written anew here, with an encoding of its own: it is
//! what the driver is tried against. Foreign hosts (`tests/interop/zigbee`) try both.

mod action;
mod control;
mod ezsp;
mod firmware;
mod frame;
mod link;
mod lock;
mod log;
mod network;
mod put;
mod setup;
#[cfg(test)]
mod tests;
mod znp;

use std::time::Instant;

use keyway_lock::SlotNumber;

pub use action::{Action, Outcome};
pub use log::LoggedCommand;
pub use network::FrameCounts;
pub use setup::{Adapter, LockSetup, NetworkSetup, ScheduleOddity, SetupError, Shows, StickSetup, demo_setup};

use ezsp::EzspStick;
use firmware::Firmware;
use network::{Held, Network};
pub use znp::Memory;
use znp::Znp;

use crate::door::Door;
use crate::stick::{Control, Stick, VirtualOutput};

/// A stick and the locks around it.
pub struct VirtualStick {
    firmware: Box<dyn Firmware>,
    network: Network,
}

impl VirtualStick {
    /// A stick that runs, with nobody connected. The same entropy gives the same stick.
    pub fn new(now: Instant, setup: &StickSetup, entropy: [u8; 32]) -> Self {
        let held = setup.network.as_ref().map(Held::from);
        match setup.adapter {
            Adapter::Ezsp => Self {
                firmware: Box::new(EzspStick::new(setup.version)),
                network: Network::new(now, setup.ieee, ezsp::NODE, held, &setup.locks, entropy),
            },
            Adapter::Znp => {
                let mut firmware = Znp::new(setup.ieee, setup.memory.clone());
                let held = firmware.held().or(held);
                let mut network = Network::new(now, setup.ieee, znp::NODE, held.clone(), &setup.locks, entropy);
                firmware.plug_in(&mut network, held.as_ref());
                Self { firmware: Box::new(firmware), network }
            }
        }
    }

    /// The door of the lock with this number.
    pub fn door(&self, node: u16) -> Option<&Door> {
        let post = self.network.post(self.network.by_node(node)?)?;
        Some(post.lock.door())
    }

    /// The doors of all locks, in the order of their addresses.
    pub fn doors(&self) -> impl Iterator<Item = &Door> {
        self.network.posts().map(|(_, post)| post.lock.door())
    }

    /// The slot whose code would open a door now, without being typed.
    pub fn opened_by(&self, now: Instant, node: u16, digits: &str) -> Option<SlotNumber> {
        self.network.post(self.network.by_node(node)?)?.lock.opened_by(now, digits)
    }

    /// Frames to and from a lock, so far.
    pub fn frames(&self, node: u16) -> Option<FrameCounts> {
        Some(self.network.post(self.network.by_node(node)?)?.counts)
    }

    /// The last commands a lock understood, oldest first.
    pub fn commands(&self, node: u16) -> impl Iterator<Item = &LoggedCommand> {
        let post = self.network.by_node(node).and_then(|ieee| self.network.post(ieee));
        post.into_iter().flat_map(|post| post.lock.commands())
    }

    /// Does something to a lock; `None`: there is no such lock.
    pub fn act(&mut self, now: Instant, node: u16, action: &Action) -> Option<Outcome> {
        let outcome = self.network.by_node(node).and_then(|ieee| self.network.act(now, ieee, action));
        self.settle(now);
        outcome
    }

    /// The firmware fails, as one of its kind does.
    pub fn fail(&mut self, now: Instant) {
        self.firmware.fail(now, &mut self.network);
        self.settle(now);
    }

    /// Something restarts the firmware, and it says so.
    pub fn reset(&mut self, now: Instant) {
        self.firmware.reset(now, &mut self.network);
    }

    /// Another stick is plugged in instead, fresh from its maker: its adapter, version and address are looked at. The locks
    /// stay as they are: they hear only a stick that has their network and the address of their coordinator.
    pub fn swap(&mut self, now: Instant, setup: &StickSetup) {
        self.firmware = match setup.adapter {
            Adapter::Ezsp => {
                self.network.swap(setup.ieee, ezsp::NODE);
                Box::new(EzspStick::new(setup.version))
            }
            Adapter::Znp => {
                self.network.swap(setup.ieee, znp::NODE);
                let mut firmware = Znp::new(setup.ieee, None);
                firmware.plug_in(&mut self.network, None);
                Box::new(firmware)
            }
        };
        self.reset(now);
    }

    /// Carries what happened from the network to the firmware, and from there to the host.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.network.poll_event() {
            self.firmware.on_event(now, &mut self.network, event);
        }
        self.firmware.settle(now, &mut self.network);
    }
}

impl Stick for VirtualStick {
    fn handle_opened(&mut self, _now: Instant) {
        self.firmware.handle_connection();
    }

    fn handle_closed(&mut self, _now: Instant) {
        self.firmware.handle_connection();
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.firmware.handle_bytes(now, &mut self.network, bytes);
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.firmware.handle_timeout(now, &mut self.network);
        self.network.handle_timeout(now);
        self.settle(now);
    }

    fn poll_output(&mut self) -> VirtualOutput {
        if let Some(bytes) = self.firmware.poll() {
            return VirtualOutput::Transmit(bytes);
        }
        VirtualOutput::Timeout([self.firmware.timeout(), self.network.timeout()].into_iter().flatten().min())
    }

    fn take_memory(&mut self) -> Option<String> {
        self.firmware.take_memory()
    }

    fn handle_control(&mut self, now: Instant, line: &str) -> Control {
        self.control(now, line)
    }
}
