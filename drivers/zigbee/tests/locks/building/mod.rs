//! A stick of either maker in software, with its wire, its air and its locks.

mod codes;
mod cut;
mod joining;
mod settings;
mod timed;
mod trouble;

use std::time::{Duration, Instant};

use keyway_lock::{Include, NetworkCommand, NetworkOutcome, NetworkStep, RadioEvent};
use keyway_virtual::faults::Garble;
use keyway_virtual::stick::{Stick, VirtualOutput};
use keyway_virtual::zigbee::{Action, Adapter, LockSetup, Outcome, StickSetup, VirtualStick, demo_setup};
use keyway_zigbee::coordinator::Coordinator;
use keyway_zigbee::ezsp::EzspCoordinator;
use keyway_zigbee::key::Key;
use keyway_zigbee::znp::ZnpCoordinator;

use crate::world::{self, Building};

type World = world::World<House>;

pub(crate) struct House {
    pub(crate) stick: VirtualStick,
    /// What the wire does to the bytes, in both directions together.
    wire: Garble,
    /// The stick takes nothing that is sent to it.
    deaf: bool,
}

impl Building for House {
    type Stick = Box<dyn Coordinator>;

    fn coordinator(&self) -> Self::Stick {
        let spare = Key::new([9; 16]);
        match super::ADAPTER {
            Adapter::Ezsp => Box::new(EzspCoordinator::new(spare)),
            Adapter::Znp => Box::new(ZnpCoordinator::new(spare)),
        }
    }

    fn handle_opened(&mut self, now: Instant) {
        self.stick.handle_opened(now);
    }

    fn handle_closed(&mut self, now: Instant) {
        self.stick.handle_closed(now);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        self.wire.apply(&mut bytes);
        if !self.deaf {
            self.stick.handle_bytes(now, &bytes);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.stick.handle_timeout(now);
    }

    fn drain(&mut self, _now: Instant) -> (Vec<u8>, Option<Instant>) {
        let mut all = Vec::new();
        loop {
            match self.stick.poll_output() {
                VirtualOutput::Transmit(mut bytes) => {
                    self.wire.apply(&mut bytes);
                    all.extend(bytes);
                }
                VirtualOutput::Timeout(at) => return (all, at),
            }
        }
    }
}

/// A lock fresh from its box, of a model that is not known, that tells nothing when the hub changes a code.
fn lock(number: u16) -> LockSetup {
    LockSetup {
        joined: false,
        programming_events: false,
        manufacturer: "Nobody".to_owned(),
        ..LockSetup::new(number, "Door")
    }
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn around(locks: Vec<LockSetup>) -> Self {
        let setup = StickSetup { adapter: super::ADAPTER, locks, ..demo_setup() };
        let now = Instant::now();
        let stick = VirtualStick::new(now, &setup, [7; 32]);
        let mut world = Self::new(now, House { stick, wire: Garble::default(), deaf: false });
        world.open();
        world.until_ready();
        world
    }

    /// A network with these locks in it, each interviewed.
    fn with(locks: Vec<LockSetup>) -> Self {
        let numbers: Vec<u16> = locks.iter().map(|lock| lock.node).collect();
        let mut world = Self::around(locks);
        for number in &numbers {
            assert!(matches!(world.include(*number), Ok(NetworkOutcome::Included(..))));
        }
        world.until("all are interviewed", |world| numbers.iter().all(|number| world.is_interviewed(*number)));
        world.pass(Duration::from_secs(5));
        world.events.clear();
        world
    }

    fn include(&mut self, number: u16) -> Result<NetworkOutcome, keyway_lock::NetworkFailure> {
        let asked = self.ask_network(NetworkCommand::Include(Include::default()));
        self.until("the network is open", |world| world.steps().contains(&NetworkStep::Ready));
        self.act(number, &Action::Join);
        let ended = self.ended(asked);
        self.events.retain(|event| *event != RadioEvent::Network(NetworkStep::Ready));
        ended
    }

    fn act(&mut self, number: u16, action: &Action) -> Outcome {
        let outcome = self.building.stick.act(self.now, number, action).unwrap();
        self.settle();
        outcome
    }

    fn held(&self, number: u16) -> Option<String> {
        self.building.stick.door(number).unwrap().codes().get(&crate::SLOT).map(|code| code.pin.expose().to_owned())
    }

    /// Where the stick's network is.
    fn channel(&mut self) -> u64 {
        let state = self.building.stick.handle_control(self.now, r#"{"get": "state"}"#).answer;
        state["network"]["channel"].as_u64().unwrap()
    }

    fn frames_to(&self, number: u16) -> u64 {
        self.building.stick.frames(number).unwrap().from_hub
    }
}
