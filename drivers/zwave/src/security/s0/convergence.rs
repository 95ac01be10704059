//! Two nodes over an air that loses, repeats and reorders frames, either of them starting anew at any moment: nothing
//! is ever read twice, and afterwards they understand each other again.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Place of a node in the world: 0 is the hub, 1 the lock.
type Place = usize;

#[derive(Debug, Clone)]
enum Step {
    /// A node has a command of this length to send; it asks for a nonce.
    Send(Place, usize),
    /// The frame at this place of the air, modulo how many there are, arrives.
    Deliver(usize),
    /// It arrives, and stays on the air.
    Repeat(usize),
    /// It is lost.
    Lose(usize),
    /// A node loses its memory.
    Restart(Place),
    /// Seconds pass.
    Wait(u64),
}

struct World {
    now: Instant,
    nodes: [S0; 2],
    /// Parts that wait for a nonce.
    waiting: [VecDeque<S0Part>; 2],
    air: Vec<(Place, Vec<u8>)>,
    lives: u8,
    sent: u8,
    read: Vec<Vec<u8>>,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn new() -> Self {
        Self {
            now: Instant::now(),
            nodes: [node(0, 1), node(1, 2)],
            waiting: Default::default(),
            air: Vec::new(),
            lives: 2,
            sent: 0,
            read: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        let frames = self.air.len().max(1);
        match *step {
            Step::Send(place, length) => {
                self.send(place, length);
            }
            Step::Deliver(frame) if frame % frames < self.air.len() => {
                let (to, bytes) = self.air.remove(frame % frames);
                self.receive(to, &bytes);
            }
            Step::Repeat(frame) if frame % frames < self.air.len() => {
                let (to, bytes) = self.air[frame % frames].clone();
                self.receive(to, &bytes);
            }
            Step::Lose(frame) if frame % frames < self.air.len() => {
                self.air.remove(frame % frames);
            }
            Step::Deliver(_) | Step::Repeat(_) | Step::Lose(_) => {}
            Step::Restart(place) => {
                self.lives += 1;
                self.nodes[place] = node(place, self.lives);
                self.waiting[place].clear();
            }
            Step::Wait(seconds) => self.now += Duration::from_secs(seconds),
        }
    }

    /// Begins to send a command that is like no other.
    fn send(&mut self, place: Place, length: usize) -> Vec<u8> {
        self.sent += 1;
        let command = vec![self.sent; length];
        self.waiting[place] = self.nodes[place].split(&command, 46).into();
        self.air.push((1 - place, S0::nonce_get()));
        command
    }

    fn receive(&mut self, place: Place, frame: &[u8]) {
        for event in self.nodes[place].handle(self.now, id(1 - place), frame) {
            match event {
                S0Event::Command(command) => self.read.push(command.to_vec()),
                S0Event::Reply(report) => self.air.push((1 - place, report)),
                S0Event::NonceReceived => {
                    let Some(part) = self.waiting[place].pop_front() else { continue };
                    let more = !self.waiting[place].is_empty();
                    let frame = self.nodes[place].encapsulate(self.now, id(1 - place), &part, more).unwrap();
                    self.air.push((1 - place, frame));
                }
                S0Event::Ignored(_) | S0Event::Other(_) => {}
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..1000 {
            if self.air.is_empty() {
                return;
            }
            self.step(&Step::Deliver(0));
        }
        panic!("they never stop talking");
    }

    fn converges(&mut self) {
        self.settle();
        for (place, length) in [(0, 10), (1, 10), (0, 40), (1, 40)] {
            let command = self.send(place, length);
            self.settle();
            assert!(self.read.contains(&command), "{place} is not understood");
        }
        let distinct: BTreeSet<_> = self.read.iter().collect();
        assert_eq!(distinct.len(), self.read.len(), "a command was read twice");
    }
}

fn id(place: Place) -> NodeId {
    NodeId::new(place as u16 + 1).unwrap()
}

fn node(place: Place, life: u8) -> S0 {
    S0::new(id(place), &NetworkKey::new([7; 16]), [life; 32])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2usize, 1..50usize).prop_map(|(place, length)| Step::Send(place, length)),
        9 => (0..6usize).prop_map(Step::Deliver),
        1 => (0..6usize).prop_map(Step::Repeat),
        1 => (0..6usize).prop_map(Step::Lose),
        1 => (0..2usize).prop_map(Step::Restart),
        1 => (0..30u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_nodes_find_together_after_any_trouble_on_the_air(steps in vec(step(), 0..60)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.converges();
    }

    #[test]
    fn whatever_bytes_come_nothing_breaks(frames in vec(vec(any::<u8>(), 0..60), 1..20)) {
        let mut world = World::new();
        for mut frame in frames {
            // Most begin as something that gets looked at.
            if let [class, command, ..] = &mut frame[..] && *class > 0x20 {
                (*class, *command) = (CLASS, [NONCE_GET, NONCE_REPORT, 0x81, 0xC1][usize::from(*command % 4)]);
            }
            world.receive(1, &frame);
        }
        world.air.clear();
        // Nonces that nobody made are worthless, and gone in time.
        world.step(&Step::Wait(60));
        world.converges();
    }
}
