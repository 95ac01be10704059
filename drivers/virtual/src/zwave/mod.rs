//! A Z-Wave controller and its nodes in software, speaking the real Serial API.
//!
//! Inside [`VirtualStick`], the `link` frames what the `controller` answers, sends go over the `air` with their time and their losses, and each
//! `node` is a lock with its own security.

mod action;
mod air;
mod behaviour;
mod channel;
mod control;
mod controller;
mod joining;
mod link;
mod log;
mod memory;
mod network;
mod node;
mod oddities;
mod routes;
mod setup;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyway_lock::{Attended, SlotNumber, WallTime};
use keyway_zwave::node::NodeId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub use action::{Action, Outcome};
pub use joining::JoinFaults;
pub use log::LoggedCommand;
pub use memory::Series;
pub use network::FreshLock;
pub use oddities::Oddities;
pub use setup::{CodesBy, LockSetup, SetupError, StickSetup, demo_setup};

use air::{Air, Flight};
pub use controller::Way;
use controller::{Controller, Effect, Send, Sent};
use link::Link;
use memory::Known;
use network::Comings;
use node::{Membership, Node};

use crate::crossing::Crossing;
use crate::door::Door;
use crate::schedule::Schedule;
use crate::stick::{Control, Stick, VirtualOutput};

/// A beam that wakes a frequently listening node.
const BEAM: Duration = Duration::from_millis(1100);
/// How long such a node stays awake after it sent or got a frame.
const AWAKE: Duration = Duration::from_secs(2);
/// How long the stick tries before it gives a node up: direct, by every route, by exploring.
const NO_ACK_AFTER: Duration = Duration::from_millis(2500);
/// How long a look into the stick's memory takes.
const MEMORY: Duration = Duration::from_millis(2);
/// How long a restart of the stick takes.
const RESTART: Duration = Duration::from_millis(500);

/// Frames on the air between hub and lock, acknowledgements not counted, whether they arrive or not.
/// And how often a beam woke the lock for one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct FrameCounts {
    /// From the hub to the lock.
    pub from_hub: u64,
    /// From the lock to the hub.
    pub to_hub: u64,
    /// Beams that woke the lock, each a second of everybody's air and of the lock's battery.
    pub wake_ups: u64,
}

/// A stick and its locks.
pub struct VirtualStick {
    setup: StickSetup,
    random: StdRng,
    link: Link,
    controller: Controller,
    air: Air,
    posts: Attended<NodeId, Post>,
    comings: Comings,
    open: bool,
    /// The stick is restarting.
    down: bool,
}

/// A node and its way to the stick.
struct Post {
    node: Node,
    offline: bool,
    kept_awake: bool,
    latency: Duration,
    crossing: Crossing,
    way: Way,
    /// Until then the node listens without a beam.
    awake: Instant,
    /// When the air between the two is free again.
    free: Instant,
    counts: FrameCounts,
}

impl VirtualStick {
    /// A stick that runs, with nobody connected. The same entropy gives the same stick.
    pub fn new(now: Instant, setup: StickSetup, entropy: [u8; 32]) -> Self {
        let mut random = StdRng::from_seed(entropy);
        let mut posts = Attended::default();
        for lock in &setup.locks {
            let keys = setup.keys.of(lock.node);
            let network = Membership { hub: setup.own, home_id: setup.home_id, keys: &keys };
            let node = Node::new(now, lock.clone(), &network, [random.random(), random.random()]);
            posts.insert(lock.node, Post::new(now, node));
        }
        let nodes = posts.iter().map(|(id, post)| (id, post.node.protocol_info())).collect();
        let known = Known { home_id: setup.home_id, own: setup.own, nodes };
        let controller = Controller::new(known, setup.bridge, setup.series);
        Self {
            setup,
            random,
            link: Link::default(),
            controller,
            air: Air::default(),
            posts,
            comings: Comings::default(),
            open: false,
            down: false,
        }
    }

    /// What it was made of.
    pub fn setup(&self) -> &StickSetup {
        &self.setup
    }

    /// The door at a node.
    pub fn door(&self, node: NodeId) -> Option<&Door> {
        self.posts.get(&node).map(|post| post.node.door())
    }

    /// The doors of all its nodes, in the order of these.
    pub fn doors(&self) -> impl Iterator<Item = &Door> {
        self.posts.iter().map(|(_, post)| post.node.door())
    }

    /// What the clock of a lock shows.
    pub fn clock(&self, now: Instant, node: NodeId) -> Option<WallTime> {
        self.posts.get(&node).map(|post| post.node.clock(now))
    }

    /// The slot whose code would open a door now, without being typed.
    pub fn opened_by(&self, now: Instant, node: NodeId, digits: &str) -> Option<SlotNumber> {
        self.posts.get(&node).and_then(|post| post.node.opened_by(now, digits))
    }

    /// When the code in a slot of a lock opens.
    pub fn schedule(&self, node: NodeId, slot: SlotNumber) -> Option<&Schedule> {
        self.posts.get(&node).and_then(|post| post.node.schedule(slot))
    }

    /// How often a lock was made to show itself.
    pub fn identified(&self, node: NodeId) -> Option<u32> {
        self.posts.get(&node).map(|post| post.node.identified())
    }

    /// Frames to and from a node, so far.
    pub fn frames(&self, node: NodeId) -> Option<FrameCounts> {
        self.posts.get(&node).map(|post| post.counts)
    }

    /// The last commands a node understood, oldest first.
    pub fn commands(&self, node: NodeId) -> impl Iterator<Item = &LoggedCommand> {
        self.posts.get(&node).into_iter().flat_map(|post| post.node.log().iter())
    }

    /// Does something to a lock; `None`: there is no such node.
    pub fn act(&mut self, now: Instant, node: NodeId, action: &Action) -> Option<Outcome> {
        let entropy = [self.random.random(), self.random.random()];
        let post = self.posts.get_mut(&node)?;
        match *action {
            Action::Offline(offline) => post.offline = offline,
            Action::Latency(latency) => post.latency = latency,
            Action::Awake(awake) => (post.kept_awake, post.awake) = (awake, now),
            Action::Way(ref way) => post.way = way.clone(),
            Action::DropEvery(every) => post.crossing.set_drop_every(every),
            Action::DropAfter(frames) => post.crossing.set_drop_after(frames),
            Action::RepeatEvery(every) => post.crossing.set_repeat_every(every),
            Action::Restart => post.node.restart(now, entropy),
            _ => {}
        }
        let outcome = post.node.act(now, action);
        self.collect(now, node);
        if let Some(post) = self.posts.get_mut(&node).filter(|_| *action == Action::Reset) {
            post.offline = true;
        }
        Some(outcome)
    }

    /// Another stick is plugged in instead, with an empty network of this home id. The locks stay as they are: they hear
    /// only a stick that has their network.
    pub fn swap(&mut self, now: Instant, home_id: u32, series: Series) {
        let known = Known { home_id, own: NodeId::FIRST, nodes: BTreeMap::new() };
        self.controller = Controller::new(known, self.setup.bridge, series);
        self.reset(now);
    }

    /// Pulls the stick's reset: what was under way is lost, and it says that it has started.
    pub fn reset(&mut self, now: Instant) {
        self.down = true;
        self.link.restart();
        self.air.forget_sends();
        self.controller.restart();
        self.setup.home_id = self.controller.home_id();
        self.comings.restart();
        self.air.put(now + RESTART, Flight::Started);
    }

    fn carry_out(&mut self, now: Instant, frame: &keyway_zwave::host::frame::DataFrame) {
        for effect in self.controller.handle(frame) {
            match effect {
                Effect::Tell(frame) => self.link.send(now, frame),
                Effect::TellSlowly(frame) => self.air.put(now + MEMORY, Flight::Told(frame)),
                Effect::Send(send) => self.send(now, send),
                Effect::Abort => {
                    if let Some(send) = self.air.abort() {
                        self.ended(now, &send, Sent::Fail, now);
                    }
                }
                Effect::AskInformation(node) => self.ask_information(now, node),
                Effect::Network(order) => self.handle_order(now, order),
                Effect::Restart => self.reset(now),
            }
        }
    }

    fn send(&mut self, now: Instant, send: Send) {
        let home_id = self.controller.home_id();
        let heard = send.node.and_then(|node| Some((node, self.posts.get_mut(&node)?)));
        let Some((node, post)) = heard.filter(|(_, post)| post.node.home_id() == home_id) else {
            self.air.put(now + NO_ACK_AFTER, Flight::Sent(Box::new(send), Sent::NoAck, now));
            return;
        };
        post.counts.from_hub += 1;
        if post.reaches() && post.node.listens(now) {
            let arrives = post.travel(now);
            self.air.put(arrives, Flight::Sent(Box::new(send.clone()), Sent::Ok, now));
            if let Some(again) = post.comes_again(arrives) {
                self.air.put(again, Flight::ToNode(node, send.data.clone()));
            }
            self.air.put(arrives, Flight::ToNode(node, send.data));
        } else {
            post.counts.from_hub += 1;
            let (sent, takes) = if send.acknowledged { (Sent::NoAck, NO_ACK_AFTER) } else { (Sent::Ok, post.latency) };
            self.air.put(now + takes, Flight::Sent(Box::new(send), sent, now));
        }
    }

    fn ask_information(&mut self, now: Instant, node: NodeId) {
        let home_id = self.controller.home_id();
        let Some(post) = self.posts.get_mut(&node).filter(|post| post.node.home_id() == home_id) else { return };
        let answered = post.reaches() && post.node.listens(now) && post.node.setup().tells_information;
        let at = if answered { post.travel(now) + post.latency } else { now + NO_ACK_AFTER };
        self.air.put(at, Flight::Information(node, answered));
    }

    fn arrive(&mut self, now: Instant, flight: Flight) {
        match flight {
            Flight::ToNode(id, frame) => {
                if let Some(post) = self.posts.get_mut(&id) {
                    post.node.handle_frame(now, &frame, false);
                }
                self.collect(now, id);
            }
            Flight::ToStick(id, frame) => {
                let rssi = self.rssi();
                let home_id = self.controller.home_id();
                // One that has left says its last word all the same.
                let ours = self.posts.get(&id).is_none_or(|post| post.node.home_id() == home_id);
                if ours && !self.controller.deaf {
                    self.tell(now, self.controller.received(id, &frame, rssi));
                }
            }
            Flight::Sent(send, sent, begun) => self.ended(now, &send, sent, begun),
            Flight::Information(id, answered) => {
                let information = self.posts.get(&id).filter(|_| answered).map(|post| post.node.information());
                let information = information.as_deref().map(|bytes| (id, bytes));
                self.tell(now, self.controller.information(information));
            }
            Flight::Told(frame) => self.tell(now, frame),
            Flight::Network(order, flight) => self.handle_network(now, order, flight),
            Flight::WantsToJoin => self.handle_wants_to_join(now),
            Flight::Started => {
                self.down = false;
                self.tell(now, self.controller.started());
            }
        }
    }

    fn ended(&mut self, now: Instant, send: &Send, sent: Sent, begun: Instant) {
        self.controller.busy = false;
        if send.callback != 0 {
            let ticks = u16::try_from(now.saturating_duration_since(begun).as_millis() / 10).unwrap_or(u16::MAX);
            let way = send.node.and_then(|node| self.posts.get(&node)).map(|post| post.way.clone()).unwrap_or_default();
            let way = Way { signal: way.signal.or(Some(self.rssi())), ..way };
            self.tell(now, self.controller.sent(send, sent, ticks, &way));
        }
    }

    /// Puts what a node has to send on the air, one frame behind the other.
    fn collect(&mut self, now: Instant, id: NodeId) {
        self.send_out(now, id);
        self.look_at_newcomer(id);
    }

    fn send_out(&mut self, now: Instant, id: NodeId) {
        let Some(post) = self.posts.get_mut(&id) else { return };
        while let Some(frame) = post.node.poll() {
            post.counts.to_hub += 1;
            // The radio of a lock repeats what is not acknowledged. Only while it joins: afterwards the hub is to be tried.
            let tries = if post.node.is_joining() { 3 } else { 1 };
            if (0..tries).any(|_| post.reaches()) {
                post.awake = post.awake.max(now);
                let arrives = post.travel(now);
                if let Some(again) = post.comes_again(arrives) {
                    self.air.put(again, Flight::ToStick(id, frame.clone()));
                }
                self.air.put(arrives, Flight::ToStick(id, frame));
            }
        }
    }

    fn tell(&mut self, now: Instant, frame: keyway_zwave::host::frame::DataFrame) {
        if self.open && !self.down {
            self.link.send(now, frame);
        }
    }

    /// Signal strength in dBm, about that of the next room.
    fn rssi(&mut self) -> i8 {
        self.random.random_range(-70..=-55)
    }
}

impl Stick for VirtualStick {
    fn handle_opened(&mut self, _now: Instant) {
        self.open = true;
        self.link.reset();
    }

    fn handle_closed(&mut self, _now: Instant) {
        self.open = false;
        self.link.reset();
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if self.down {
            return;
        }
        for frame in self.link.handle_bytes(now, bytes) {
            self.carry_out(now, &frame);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        for frame in self.link.handle_timeout(now) {
            self.carry_out(now, &frame);
        }
        while let Some(flight) = self.air.take(now) {
            self.arrive(now, flight);
        }
        self.posts.look_at_touched(|_, post| post.node.timeout());
        for id in self.posts.due(now) {
            if let Some(post) = self.posts.get_mut(&id) {
                post.node.handle_timeout(now);
            }
            self.collect(now, id);
        }
    }

    fn poll_output(&mut self) -> VirtualOutput {
        if let Some(bytes) = self.link.poll() {
            return VirtualOutput::Transmit(bytes);
        }
        self.posts.look_at_touched(|_, post| post.node.timeout());
        let timeouts = [self.posts.next(), self.link.timeout(), self.air.timeout()];
        VirtualOutput::Timeout(timeouts.into_iter().flatten().min())
    }

    fn handle_control(&mut self, now: Instant, line: &str) -> Control {
        self.control(now, line)
    }
}

impl Post {
    fn new(now: Instant, node: Node) -> Self {
        Self {
            offline: false,
            kept_awake: false,
            latency: node.setup().latency,
            crossing: Crossing::default(),
            way: Way::default(),
            awake: now,
            free: now,
            counts: FrameCounts::default(),
            node,
        }
    }

    /// Whether the next frame gets through.
    fn reaches(&mut self) -> bool {
        let lost = self.crossing.loses_next();
        !self.offline && !lost && !self.node.is_gone()
    }

    /// When the frame that arrives then does so again, if it does: its acknowledgement was lost, or it came by two ways.
    fn comes_again(&self, arrives: Instant) -> Option<Instant> {
        self.crossing.repeats_last().then(|| arrives + self.latency)
    }

    /// When a frame that sets out now arrives.
    fn travel(&mut self, now: Instant) -> Instant {
        let beamed = self.node.setup().flirs && self.node.setup().wake_up.is_none();
        let sleeping = beamed && self.awake < now && !self.kept_awake;
        self.counts.wake_ups += u64::from(sleeping);
        let arrives = self.free.max(now) + self.latency + if sleeping { BEAM } else { Duration::ZERO };
        self.free = arrives;
        self.awake = arrives + AWAKE;
        arrives
    }
}
