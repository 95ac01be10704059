//! A hub and a lock over an air that loses, repeats and reorders frames, either of them starting anew at any moment:
//! nothing is ever read twice, and afterwards they understand each other again.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::security::NetworkKey;

const AC: SecurityClass = SecurityClass::S2AccessControl;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Hub,
    Lock,
}

#[derive(Debug, Clone)]
enum Step {
    /// A side has a command to send.
    Send(Side),
    /// A frame on the air arrives: the one at this place, modulo how many there are.
    Deliver(usize),
    /// A frame arrives, and stays on the air.
    Repeat(usize),
    /// A frame is lost.
    Lose(usize),
    /// A side that waits for a nonce asks again.
    AskAgain(Side),
    /// A side loses its memory.
    Restart(Side),
}

/// One side: Security 2, and the least that something on top of it does.
struct Node {
    side: Side,
    s2: S2,
    peer: NodeId,
    /// The command that waits for a nonce.
    waiting: Option<u8>,
    /// The command that was encapsulated last.
    last: Option<u8>,
}

impl Node {
    fn new(side: Side, life: u8) -> Self {
        let (own, peer) = match side {
            Side::Hub => (1, 2),
            Side::Lock => (2, 1),
        };
        let (own, peer) = (NodeId::new(own).unwrap(), NodeId::new(peer).unwrap());
        let keys = NetworkKeys {
            s2_authenticated: Some(NetworkKey::new([0x52; 16])),
            s2_access_control: Some(NetworkKey::new([0x53; 16])),
            ..NetworkKeys::default()
        };
        let mut s2 = S2::new(own, 0xC0FF_EE01, &keys, [life; 32]);
        s2.add_peer(peer, &[AC, SecurityClass::S2Authenticated]);
        Self { side, s2, peer, waiting: None, last: None }
    }
}

struct World {
    nodes: [Node; 2],
    /// Receiver and frame.
    air: Vec<(Side, Vec<u8>)>,
    lives: u8,
    commands: u8,
    encapsulated: u16,
    /// Commands that were read, with the number of their encapsulation.
    read: Vec<(u8, u16)>,
}

impl World {
    fn new() -> Self {
        let nodes = [Node::new(Side::Hub, 1), Node::new(Side::Lock, 2)];
        Self { nodes, air: Vec::new(), lives: 2, commands: 0, encapsulated: 0, read: Vec::new() }
    }

    fn step(&mut self, step: &Step) {
        let places = self.air.len().max(1);
        match *step {
            Step::Send(side) => {
                self.send(side);
            }
            Step::Deliver(place) => self.deliver(place % places),
            Step::Repeat(place) => {
                if let Some((to, frame)) = self.air.get(place % places).cloned() {
                    self.receive(to, &frame);
                }
            }
            Step::Lose(place) => {
                if place % places < self.air.len() {
                    self.air.remove(place % places);
                }
            }
            Step::AskAgain(side) => self.transmit(side),
            Step::Restart(side) => {
                self.lives += 1;
                self.nodes[side as usize] = Node::new(side, self.lives);
            }
        }
    }

    fn send(&mut self, side: Side) -> u8 {
        self.commands += 1;
        self.nodes[side as usize].waiting = Some(self.commands);
        self.transmit(side);
        self.commands
    }

    /// Sends the waiting command, or asks for the nonce it needs.
    fn transmit(&mut self, side: Side) {
        let node = &mut self.nodes[side as usize];
        let Some(command) = node.waiting else { return };
        self.encapsulated += 1;
        let [high, low] = self.encapsulated.to_be_bytes();
        let frame = match node.s2.encapsulate(node.peer, AC, &[side as u8, command, high, low]) {
            Ok(frame) => {
                node.waiting = None;
                node.last = Some(command);
                frame
            }
            Err(S2Error::NeedsNonce) => node.s2.nonce_get(node.peer),
            Err(error) => panic!("{error}"),
        };
        self.put(side, frame);
    }

    fn put(&mut self, from: Side, frame: Vec<u8>) {
        let to = if from == Side::Hub { Side::Lock } else { Side::Hub };
        self.air.push((to, frame));
    }

    fn deliver(&mut self, place: usize) {
        if place < self.air.len() {
            let (to, frame) = self.air.remove(place);
            self.receive(to, &frame);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant")]
    fn receive(&mut self, side: Side, frame: &[u8]) {
        let node = &mut self.nodes[side as usize];
        for event in node.s2.handle(Instant::now(), node.peer, frame, false) {
            let node = &mut self.nodes[side as usize];
            match event {
                S2Event::Command { class, command } => {
                    assert_eq!(class, AC);
                    let [from, command, high, low] = command[..] else { panic!("not what was sent") };
                    assert_ne!(from, node.side as u8, "its own message came back");
                    self.read.push((command, u16::from_be_bytes([high, low])));
                }
                S2Event::Reply(frame) => self.put(side, frame),
                S2Event::NonceReceived => self.transmit(side),
                S2Event::OutOfSync => {
                    node.waiting = node.waiting.or(node.last);
                    self.transmit(side);
                }
                S2Event::Ignored(_) | S2Event::Other(_) | S2Event::WrongKey => {}
            }
        }
    }

    /// Delivers everything in order, until nothing more is said.
    fn settle(&mut self) {
        for _ in 0..5000 {
            if self.air.is_empty() {
                return;
            }
            self.deliver(0);
        }
        panic!("they never stop talking");
    }

    fn has_read(&self, command: u8) -> bool {
        self.read.iter().any(|(read, _)| *read == command)
    }

    /// Whether what it sent last has not been read.
    fn is_waiting(&self, side: Side) -> bool {
        let Node { waiting, last, .. } = self.nodes[side as usize];
        waiting.is_some() || last.is_some_and(|last| !self.has_read(last))
    }

    /// What is left on the air arrives, and then each side gets a command through.
    fn converges(&mut self) {
        self.settle();
        for side in [Side::Hub, Side::Lock] {
            let command = self.send(side);
            self.settle();
            for _ in 0..3 {
                if !self.has_read(command) {
                    // No answer came. Its Nonce Get had the number of the last frame before it started anew, or what
                    // told it that its message was not read was taken for the answer to a Nonce Get that was lost.
                    self.nodes[side as usize].waiting = Some(command);
                    self.transmit(side);
                    self.settle();
                }
            }
            assert!(self.has_read(command), "{side:?} is not understood");
        }
        for side in [Side::Hub, Side::Lock, Side::Lock, Side::Hub] {
            let command = self.send(side);
            self.deliver(0);
            assert!(self.air.is_empty() && self.has_read(command), "{side:?} is not in sync");
        }
        let encapsulations: BTreeSet<u16> = self.read.iter().map(|(_, number)| *number).collect();
        assert_eq!(encapsulations.len(), self.read.len(), "a message was read twice");
    }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Hub), Just(Side::Lock)]
}

fn step(reach: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => side().prop_map(Step::Send),
        8 => (0..reach).prop_map(Step::Deliver),
        1 => (0..reach).prop_map(Step::Repeat),
        1 => (0..reach).prop_map(Step::Lose),
        1 => side().prop_map(Step::AskAgain),
        1 => side().prop_map(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_nodes_find_together_after_any_trouble_on_the_air(steps in vec(step(8), 0..60)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.converges();
    }

    /// As on a real air, which loses and repeats, but does not reorder; with sides that wait for answers, and whose
    /// start takes longer than what is on the air.
    #[test]
    fn a_command_is_read_at_most_once_while_frames_keep_their_order(steps in vec(step(1), 0..60)) {
        let mut world = World::new();
        for step in &steps {
            match *step {
                Step::Send(side) if world.is_waiting(side) && !world.air.is_empty() => {}
                Step::AskAgain(_) if !world.air.is_empty() => {}
                Step::Repeat(_) => {
                    world.step(step);
                    world.deliver(0);
                }
                Step::Restart(side) => {
                    world.air.retain(|(to, _)| *to != side);
                    for _ in 0..world.air.len() {
                        world.deliver(0);
                    }
                    world.air.clear();
                    world.step(step);
                }
                _ => world.step(step),
            }
        }
        world.converges();
        let commands: BTreeSet<u8> = world.read.iter().map(|(command, _)| *command).collect();
        prop_assert_eq!(commands.len(), world.read.len());
    }

    #[test]
    fn whatever_bytes_come_nothing_breaks(frames in vec(vec(any::<u8>(), 0..60), 1..20), multicast: bool) {
        let mut world = World::new();
        world.send(Side::Hub);
        world.settle();
        for mut frame in frames {
            // Most begin as something that gets looked at.
            if let [class, command, ..] = &mut frame[..] && *class > 0x20 {
                (*class, *command) = (CLASS, *command % 5);
            }
            if multicast {
                let node = &mut world.nodes[1];
                #[expect(clippy::disallowed_methods, reason = "a test needs some instant")]
                let events = node.s2.handle(Instant::now(), node.peer, &frame, true);
                prop_assert_eq!(events.len(), 1);
            } else if !frame.starts_with(&[CLASS, 4]) {
                world.receive(Side::Lock, &frame);
            }
        }
        world.air.clear();
        world.converges();
    }
}
