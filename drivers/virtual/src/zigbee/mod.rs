//! A Zigbee stick and the locks around it in software, speaking real EZSP over real ASH.
//!
//! Inside [`VirtualStick`], the `link` carries payloads, the firmware (`ezsp`) answers them, and the `network` has the air,
//! with its time and its losses, and the locks. What a lock does is written anew here, with an encoding of its own: it is
//! what the driver is tried against. A foreign host (`tests/interop/zigbee`) tries both.

mod action;
mod control;
mod ezsp;
mod frame;
mod link;
mod lock;
mod log;
mod network;
mod put;
mod setup;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

pub use action::{Action, Outcome};
pub use log::LoggedCommand;
pub use network::FrameCounts;
pub use setup::{LockSetup, NetworkSetup, ScheduleOddity, SetupError, Shows, StickSetup, demo_setup};

use ezsp::Ezsp;
use link::{Link, LinkEvent};
use network::Network;

use crate::door::Door;
use crate::stick::{Control, Stick, VirtualOutput};

/// How long a restart of the stick takes.
const RESTART: Duration = Duration::from_millis(120);
/// Why it started (UG101 section 2.3): its host wanted it.
const SOFTWARE: u8 = 0x0B;
/// Why it failed: an assertion did.
const ASSERTION: u8 = 0x06;

/// A stick and the locks around it.
pub struct VirtualStick {
    link: Link,
    firmware: Ezsp,
    network: Network,
    /// While it restarts: until when.
    down_until: Option<Instant>,
}

impl VirtualStick {
    /// A stick that runs, with nobody connected. The same entropy gives the same stick.
    pub fn new(now: Instant, setup: &StickSetup, entropy: [u8; 32]) -> Self {
        Self {
            link: Link::default(),
            firmware: Ezsp::new(setup.version),
            network: Network::new(now, setup.ieee, setup.network.as_ref(), &setup.locks, entropy),
            down_until: None,
        }
    }

    /// The door of the lock with this number.
    pub fn door(&self, node: u16) -> Option<&Door> {
        let post = self.network.post(self.network.by_node(node)?)?;
        Some(post.lock.door())
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

    /// The firmware fails: it says so, and waits for its host to reset it.
    pub fn fail(&mut self) {
        self.link.fail(ASSERTION);
        self.network.restart();
    }

    /// Something restarts the firmware, and it says so.
    pub fn reset(&mut self, now: Instant) {
        self.link.disconnect();
        self.begin_restart(now);
    }

    fn begin_restart(&mut self, now: Instant) {
        self.firmware.restart(&mut self.network);
        self.down_until = Some(now + RESTART);
    }

    /// Carries what happened from the network to the firmware, and from there to the host.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.network.poll_event() {
            self.firmware.on_event(now, &mut self.network, event);
        }
        while let Some(payload) = self.firmware.poll() {
            self.link.send(now, payload.bytes, payload.is_callback);
        }
        if self.firmware.take_restart() {
            self.reset(now);
        }
    }
}

impl Stick for VirtualStick {
    fn handle_opened(&mut self, _now: Instant) {
        self.link.disconnect();
    }

    fn handle_closed(&mut self, _now: Instant) {
        self.link.disconnect();
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if self.down_until.is_some() {
            return;
        }
        for event in self.link.handle_bytes(now, bytes) {
            match event {
                LinkEvent::Reset => self.begin_restart(now),
                LinkEvent::Payload(payload) => self.firmware.handle(now, &mut self.network, &payload),
            }
        }
        self.settle(now);
        self.link.acknowledge();
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.down_until.is_some_and(|until| until <= now) {
            self.down_until = None;
            self.link.started(SOFTWARE);
        }
        self.link.handle_timeout(now);
        self.firmware.handle_timeout(now, &mut self.network);
        self.network.handle_timeout(now);
        self.settle(now);
    }

    fn poll_output(&mut self) -> VirtualOutput {
        if let Some(bytes) = self.link.poll() {
            return VirtualOutput::Transmit(bytes);
        }
        let timeouts = [self.down_until, self.link.timeout(), self.firmware.timeout(), self.network.timeout()];
        VirtualOutput::Timeout(timeouts.into_iter().flatten().min())
    }

    fn handle_control(&mut self, now: Instant, line: &str) -> Control {
        self.control(now, line)
    }
}
