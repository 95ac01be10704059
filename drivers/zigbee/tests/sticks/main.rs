//! Anything may happen to a stick's coordinator, in any order: bytes that nobody can read, answers that make no sense,
//! callbacks at the wrong time, ports that are lost, sticks that restart or fall silent, and requests in between. Nothing
//! panics, each request is answered once, no timeout lies in the past, and none comes again and again.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

mod stick;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyway_lock::SecretBytes;
use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::backup::{KnownDevice, LinkKey, NetworkBackup};
use keyway_zigbee::coordinator::{
    Broadcast, Coordinator, CoordinatorEvent, CoordinatorOutput, Destination, NetworkParameters, Outgoing, Request,
    Ticket,
};
use keyway_zigbee::ezsp::EzspCoordinator;
use keyway_zigbee::key::Key;
use keyway_zigbee::znp::ZnpCoordinator;
use proptest::collection::vec;
use proptest::prelude::*;
use zeroize::Zeroizing;

use stick::{EzspStick, Stick, ZnpStick};

/// What happens.
#[derive(Debug, Clone)]
enum Act {
    Open,
    Lose,
    Wait(u64),
    Noise(Vec<u8>),
    /// The stick tells something, with these bytes behind its head.
    Tell(u8, Vec<u8>),
    /// The next answer of the stick is this, rather than a good one.
    Answer(Vec<u8>),
    /// The stick restarts by itself.
    Restart,
    /// The stick is silent from now on, or no longer.
    Silence(bool),
    Submit(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Open),
        1 => Just(Act::Lose),
        6 => (0..40_000_u64).prop_map(Act::Wait),
        2 => vec(any::<u8>(), 0..40).prop_map(Act::Noise),
        6 => (any::<u8>(), vec(any::<u8>(), 0..40)).prop_map(|(which, bytes)| Act::Tell(which, bytes)),
        3 => vec(any::<u8>(), 0..24).prop_map(Act::Answer),
        1 => Just(Act::Restart),
        1 => any::<bool>().prop_map(Act::Silence),
        8 => any::<u8>().prop_map(Act::Submit),
    ]
}

fn network() -> NetworkParameters {
    NetworkParameters { pan: 0x1A2B, extended_pan: Ieee(1), channel: 15, network_key: Key::new([7; 16]) }
}

fn request(which: u8) -> Request {
    let ieee = Ieee(0x000D_6F00_0A0B_0C01);
    let frame = |destination, is_sleepy| {
        let payload = SecretBytes(Zeroizing::new(vec![1, 2, 3]));
        let (source_endpoint, destination_endpoint, aps_ack) = (1, 1, true);
        let (profile, cluster) = (0x0104, 0x0101);
        Request::Send(Outgoing {
            destination,
            profile,
            cluster,
            source_endpoint,
            destination_endpoint,
            aps_ack,
            is_sleepy,
            payload,
        })
    };
    match which % 14 {
        0 => Request::Form { network: network(), link_key_seed: Key::new([3; 16]) },
        1 | 2 => Request::Resume,
        3 => Request::EnergyScan,
        4 => frame(Destination::Nwk(Nwk(0x1234)), true),
        5 => frame(Destination::Ieee(ieee), true),
        6 => frame(Destination::Broadcast(Broadcast::All), false),
        7 => Request::PermitJoin { seconds: which, own_keys_only: which.is_multiple_of(2) },
        8 => Request::AddTransientLinkKey { ieee, key: Key::well_known() },
        9 => Request::RemoveDevice { ieee, nwk: Nwk(0x1234) },
        10 => Request::ReadBackup,
        11 => Request::WriteBackup {
            backup: Box::new(NetworkBackup {
                coordinator: ieee,
                network: network(),
                update_id: 3,
                key_sequence: 0,
                frame_counter: u32::MAX,
                link_key_seed: None,
                devices: vec![KnownDevice {
                    ieee,
                    nwk: None,
                    is_child: true,
                    link_key: Some(LinkKey { key: Key::well_known(), sent: 1, received: 1 }),
                }],
            }),
            burn_address: which.is_multiple_of(2),
        },
        12 => Request::LeaveNetwork,
        _ => Request::Restart,
    }
}

struct Bench<C, S> {
    coordinator: C,
    stick: S,
    now: Instant,
    /// Requests and how often each was answered.
    answers: BTreeMap<u64, u32>,
    /// The network was up at some time.
    is_up: bool,
}

impl<C: Coordinator, S: Stick> Bench<C, S> {
    fn new(coordinator: C, stick: S, now: Instant) -> Self {
        Self { coordinator, stick, now, answers: BTreeMap::new(), is_up: false }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Open => {
                self.stick.restarted();
                self.coordinator.handle_opened(self.now);
            }
            Act::Lose => self.coordinator.handle_lost(self.now),
            Act::Wait(time) => self.wait(Duration::from_millis(*time)),
            Act::Noise(bytes) => self.coordinator.handle_bytes(self.now, bytes),
            Act::Tell(which, bytes) => self.stick.tell(*which, bytes),
            Act::Answer(bytes) => self.stick.answer(bytes.clone()),
            Act::Restart => {
                let bytes = self.stick.restart();
                self.coordinator.handle_bytes(self.now, &bytes);
            }
            Act::Silence(is_silent) => self.stick.silence(*is_silent),
            Act::Submit(which) => {
                let ticket = self.answers.len() as u64;
                self.answers.insert(ticket, 0);
                self.coordinator.submit(self.now, Ticket(ticket), request(*which));
            }
        }
        self.run();
    }

    fn run(&mut self) -> Option<Instant> {
        for step in 0.. {
            assert!(step < 20_000, "it never comes to rest");
            match self.coordinator.poll_output() {
                CoordinatorOutput::Transmit(bytes) => self.stick.hear(self.now, &bytes),
                CoordinatorOutput::Event(CoordinatorEvent::Answered(ticket, _)) => {
                    *self.answers.get_mut(&ticket.0).unwrap() += 1;
                }
                CoordinatorOutput::Event(event) => self.is_up |= matches!(event, CoordinatorEvent::NetworkUp(_)),
                CoordinatorOutput::Timeout(due) => {
                    assert!(due.is_none_or(|due| due >= self.now), "a timeout in the past");
                    match self.stick.say(self.now) {
                        Some(bytes) => self.coordinator.handle_bytes(self.now, &bytes),
                        None => return due,
                    }
                }
            }
        }
        None
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        let mut at_once = 0;
        while let Some(due) = self.run().filter(|due| *due <= end) {
            at_once = if due == self.now { at_once + 1 } else { 0 };
            assert!(at_once < 50, "the same timeout again and again");
            self.now = due;
            self.coordinator.handle_timeout(due);
        }
        self.now = end;
    }
}

fn anything_may_happen(mut bench: Bench<impl Coordinator, impl Stick>, acts: &[Act]) {
    // All begin with a stick that works.
    for act in [Act::Open, Act::Wait(3_000), Act::Submit(1)] {
        bench.act(&act);
    }
    assert!(bench.is_up, "it does not begin to work");
    for act in acts {
        bench.act(act);
        assert!(bench.answers.values().all(|answers| *answers <= 1), "answered twice after {act:?}");
    }
    bench.act(&Act::Lose);
    assert!(bench.answers.values().all(|answers| *answers == 1), "not answered: {:?}", bench.answers);
}

#[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
fn start() -> Instant {
    Instant::now()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_stick_of_silicon_labs_may_do_anything(acts in vec(act(), 1..60)) {
        let coordinator = EzspCoordinator::new(Key::new([9; 16]));
        anything_may_happen(Bench::new(coordinator, EzspStick::default(), start()), &acts);
    }

    #[test]
    fn a_stick_of_texas_instruments_may_do_anything(acts in vec(act(), 1..60)) {
        let coordinator = ZnpCoordinator::new(Key::new([9; 16]));
        anything_may_happen(Bench::new(coordinator, ZnpStick::default(), start()), &acts);
    }
}
