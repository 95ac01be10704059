//! A stick of Silicon Labs: its firmware behind its end of ASH.

use std::time::{Duration, Instant};

use super::super::firmware::Firmware;
use super::super::link::{Link, LinkEvent};
use super::super::network::{Event, Network, NodeDescriptor};
use super::Ezsp;

/// How long a restart takes.
pub(in super::super) const RESTART: Duration = Duration::from_millis(120);
/// Why it started (UG101 section 2.3): its host wanted it.
const SOFTWARE: u8 = 0x0B;
/// Why it failed: an assertion did.
const ASSERTION: u8 = 0x06;
/// Of Silicon Labs; stack revision 22, a trust centre.
pub(in super::super) const NODE: NodeDescriptor =
    NodeDescriptor { manufacturer: 0x1049, buffer: 82, transfer: 82, server: 22 << 9 | 1 };

pub(in super::super) struct EzspStick {
    link: Link,
    firmware: Ezsp,
    /// While it restarts: until when.
    down_until: Option<Instant>,
}

impl EzspStick {
    pub(in super::super) fn new(version: u8) -> Self {
        Self { link: Link::default(), firmware: Ezsp::new(version), down_until: None }
    }

    fn begin_restart(&mut self, now: Instant, network: &mut Network) {
        self.firmware.restart(network);
        self.down_until = Some(now + RESTART);
    }
}

impl Firmware for EzspStick {
    fn handle_connection(&mut self) {
        self.link.disconnect();
    }

    fn handle_bytes(&mut self, now: Instant, network: &mut Network, bytes: &[u8]) {
        if self.down_until.is_some() {
            return;
        }
        for event in self.link.handle_bytes(now, bytes) {
            match event {
                LinkEvent::Reset => self.begin_restart(now, network),
                LinkEvent::Payload(payload) => self.firmware.handle(now, network, &payload),
            }
        }
    }

    fn on_event(&mut self, now: Instant, network: &mut Network, event: Event) {
        self.firmware.on_event(now, network, event);
    }

    fn settle(&mut self, now: Instant, network: &mut Network) {
        while let Some(payload) = self.firmware.poll() {
            self.link.send(now, payload.bytes, payload.is_callback);
        }
        if self.firmware.take_restart() {
            self.reset(now, network);
        }
        self.link.acknowledge();
    }

    fn handle_timeout(&mut self, now: Instant, network: &mut Network) {
        if self.down_until.is_some_and(|until| until <= now) {
            self.down_until = None;
            self.link.started(SOFTWARE);
        }
        self.link.handle_timeout(now);
        self.firmware.handle_timeout(now, network);
    }

    fn timeout(&self) -> Option<Instant> {
        [self.down_until, self.link.timeout(), self.firmware.timeout()].into_iter().flatten().min()
    }

    fn poll(&mut self) -> Option<Vec<u8>> {
        self.link.poll()
    }

    /// It says so, and waits for its host to reset it.
    fn fail(&mut self, _now: Instant, network: &mut Network) {
        self.link.fail(ASSERTION);
        network.restart();
    }

    fn reset(&mut self, now: Instant, network: &mut Network) {
        self.link.disconnect();
        self.begin_restart(now, network);
    }

    /// Its tokens last as long as the stick does.
    fn take_memory(&mut self) -> Option<String> {
        None
    }
}
