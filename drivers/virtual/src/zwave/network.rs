//! Locks come and go: what the stick does when it is told to add or remove one, with locks fresh from their box whose
//! button is pressed, and locks of the network whose button is pressed.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use keyway_lock::{Attended, DeviceLabel};
use keyway_zwave::node::NodeId;
use keyway_zwave::security::s2::keys::KeyPair;
use keyway_zwave::serial_api::function;
use keyway_zwave::serial_api::network::joining_home_id;
use rand::RngExt;
use zeroize::Zeroizing;

use super::air::Flight;
use super::controller::{Controller, NetworkOrder};
use super::joining::{JoinFaults, Joiner, label};
use super::node::{Membership, Node};
use super::setup::LockSetup;
use super::{NO_ACK_AFTER, Post, VirtualStick};

/// Between the steps of adding or removing.
const STEP: Duration = Duration::from_millis(150);
/// How long a node takes to find its place.
const PLACE: Duration = Duration::from_millis(600);
/// How often a lock that wants to join by itself says so.
const ASK_AGAIN: Duration = Duration::from_secs(10);

const READY: u8 = 0x01;
const FOUND: u8 = 0x02;
const NUMBERED: u8 = 0x03;
const PROTOCOL_DONE: u8 = 0x05;
const DONE: u8 = 0x06;
const FAILED: u8 = 0x07;

/// A lock in its box.
#[derive(Debug, Clone)]
pub struct FreshLock {
    /// What it is. Its node is given to it when it joins; its classes are those it asks for.
    pub lock: LockSetup,
    /// Its private key, from which its label is made; `None`: any.
    pub private_key: Option<[u8; 32]>,
    /// It joins by itself once it has power.
    pub smart_start: bool,
    /// What it does wrong.
    pub faults: JoinFaults,
}

impl FreshLock {
    fn pair(&self) -> KeyPair {
        KeyPair::new(&Zeroizing::new(self.private_key.unwrap_or_default()))
    }

    fn label(&self) -> DeviceLabel {
        label(&self.pair())
    }
}

/// What a step of adding or removing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NetworkFlight {
    Found,
    Numbered,
    Placed,
    Removing,
    Removed,
    FailedTried(NodeId),
    Replacing(NodeId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Idle,
    Listening,
    Adding,
    Replacing(NodeId),
    Removing,
    Learning,
}

/// Who is added or removed.
#[derive(Default)]
pub(super) struct Comings {
    mode: Mode,
    callback: u8,
    /// Counts the orders, so that what belongs to one that was stopped is passed over.
    order: u64,
    fresh: VecDeque<FreshLock>,
    /// Nodes whose button was pressed.
    pressed: BTreeSet<NodeId>,
    /// The button of a node of another network was pressed.
    foreign: bool,
    /// The lock that is being added, and its number once it has one.
    newcomer: Option<(FreshLock, Option<NodeId>)>,
    /// A lock that wants to join by itself is going to say so.
    asking: bool,
    /// Locks that joined by themselves, which leave by themselves if that does not work.
    by_itself: BTreeSet<NodeId>,
}

impl Comings {
    /// The stick restarts: it forgets what it was told to do. Locks that were let in stay.
    pub(super) fn restart(&mut self) {
        (self.mode, self.newcomer) = (Mode::Idle, None);
        self.order += 1;
    }
}

impl VirtualStick {
    /// Takes a lock out of its box and presses its button (or gives it power, if it joins by itself): its label.
    pub fn unbox(&mut self, now: Instant, mut fresh: FreshLock) -> DeviceLabel {
        if fresh.private_key.is_none() {
            fresh.private_key = Some(self.random.random());
        }
        let label = fresh.label();
        let asks = fresh.smart_start;
        self.comings.fresh.push_back(fresh);
        if asks {
            self.ask_within(now, STEP);
        }
        self.meet(now);
        label
    }

    /// Whether a node is in the stick's list of nodes.
    pub fn knows(&self, node: NodeId) -> bool {
        self.controller.nodes().any(|known| known == node)
    }

    /// Presses the button of a lock in the network, as for removing it. False: there is none.
    pub fn press(&mut self, now: Instant, node: NodeId) -> bool {
        let there = self.posts.contains(&node);
        if there {
            self.comings.pressed.insert(node);
            self.meet(now);
        }
        there
    }

    /// Presses the button of a lock that is in another network.
    pub fn press_foreign(&mut self, now: Instant) {
        self.comings.foreign = true;
        self.meet(now);
    }

    /// The controller of the network that the stick is in takes it out. False: the stick does not listen for that.
    pub fn take_stick_out(&mut self, now: Instant) -> bool {
        let listens = self.comings.mode == Mode::Learning;
        if listens {
            let callback = self.comings.callback;
            self.tell(now, Controller::plain_callback(function::SET_LEARN_MODE, &[callback, READY, 0, 0]));
            self.begin_network();
            self.tell(now, Controller::plain_callback(function::SET_LEARN_MODE, &[callback, DONE, 0, 0]));
            self.take_order(Mode::Idle, callback);
        }
        listens
    }

    fn begin_network(&mut self) {
        let home_id = self.random.random();
        self.posts = Attended::default();
        self.setup.home_id = home_id;
        self.controller.begin_network(home_id);
    }

    pub(super) fn handle_order(&mut self, now: Instant, order: NetworkOrder) {
        match order {
            NetworkOrder::Add(callback) => self.begin(now, Mode::Adding, callback, function::ADD_NODE_TO_NETWORK),
            NetworkOrder::Remove(callback) => {
                self.begin(now, Mode::Removing, callback, function::REMOVE_NODE_FROM_NETWORK);
            }
            NetworkOrder::Listen => {
                self.comings.mode = Mode::Listening;
                self.ask_within(now, STEP);
            }
            NetworkOrder::AddHomeId(callback, home_id) => {
                let is_it = |fresh: &FreshLock| fresh.smart_start && joining_home_id(&fresh.label()) == home_id;
                let found = self.comings.fresh.iter().position(is_it);
                self.take_order(Mode::Adding, callback);
                self.add_told(now, READY, None, &[]);
                if let Some(fresh) = found.and_then(|at| self.comings.fresh.remove(at)) {
                    self.comings.newcomer = Some((fresh, None));
                    self.later(now + STEP, NetworkFlight::Found);
                }
            }
            NetworkOrder::StopAdding(callback) => self.stop_adding(now, callback),
            NetworkOrder::StopRemoving(callback) => {
                self.take_order(Mode::Idle, callback);
                self.remove_told(now, DONE, None);
            }
            NetworkOrder::RemoveFailed(callback, node) => {
                self.take_order(Mode::Idle, callback);
                self.later(now + NO_ACK_AFTER, NetworkFlight::FailedTried(node));
            }
            NetworkOrder::ReplaceFailed(callback, node) => {
                self.take_order(Mode::Replacing(node), callback);
                self.later(now + NO_ACK_AFTER, NetworkFlight::FailedTried(node));
            }
            NetworkOrder::FindNeighbors(callback, node) => self.find_neighbors(now, callback, node),
            NetworkOrder::ChangeRoutes(function, callback, node) => self.change_routes(now, function, callback, node),
            NetworkOrder::Learn(callback) => self.take_order(Mode::Learning, callback),
            NetworkOrder::StopLearning => self.take_order(Mode::Idle, 0),
            NetworkOrder::Default(callback) => {
                self.begin_network();
                self.take_order(Mode::Idle, callback);
                self.tell(now, Controller::plain_callback(function::SET_DEFAULT, &[callback]));
            }
        }
    }

    pub(super) fn handle_network(&mut self, now: Instant, order: u64, flight: NetworkFlight) {
        if order != self.comings.order {
            return;
        }
        match flight {
            NetworkFlight::Found => {
                self.add_told(now, FOUND, None, &[]);
                self.later(now + STEP, NetworkFlight::Numbered);
            }
            NetworkFlight::Numbered => {
                let number = self.free_number();
                let Some((fresh, given)) = &mut self.comings.newcomer else { return };
                *given = number;
                let information = Node::information_of(now, &fresh.lock);
                self.add_told(now, NUMBERED, number, &information);
                self.later(now + PLACE, NetworkFlight::Placed);
            }
            NetworkFlight::Placed => {
                if let Some((fresh, Some(node))) = self.comings.newcomer.take() {
                    self.comings.newcomer = Some((fresh.clone(), Some(node)));
                    self.settle_in(now, node, fresh);
                    self.add_told(now, PROTOCOL_DONE, Some(node), &[]);
                }
            }
            NetworkFlight::Removing => {
                self.remove_told(now, FOUND, None);
                let node = self.comings.pressed.first().copied();
                self.remove_told(now, NUMBERED, node);
                self.later(now + STEP, NetworkFlight::Removed);
            }
            NetworkFlight::Removed => {
                let node = self.comings.pressed.pop_first();
                if let Some(node) = node {
                    self.remove(node);
                } else {
                    self.comings.foreign = false;
                }
                self.remove_told(now, DONE, node);
            }
            NetworkFlight::FailedTried(node) => self.failed_tried(now, node),
            NetworkFlight::Replacing(node) => {
                if let Some(fresh) = self.next_fresh() {
                    self.posts.remove(&node);
                    self.settle_in(now, node, fresh);
                    self.comings.mode = Mode::Idle;
                    self.failed_told(now, function::REPLACE_FAILED_NODE, 0x04);
                }
            }
        }
    }

    /// A lock that wants to join by itself says so, if the stick listens; and again later.
    pub(super) fn handle_wants_to_join(&mut self, now: Instant) {
        self.comings.asking = false;
        let asking: Vec<FreshLock> = self.comings.fresh.iter().filter(|fresh| fresh.smart_start).cloned().collect();
        if asking.is_empty() {
            return;
        }
        if self.comings.mode == Mode::Listening {
            for fresh in asking {
                let information = Node::information_of(now, &fresh.lock);
                self.tell(now, self.controller.wants_to_join(joining_home_id(&fresh.label()), &information));
            }
        }
        self.ask_within(now, ASK_AGAIN);
    }

    fn ask_within(&mut self, now: Instant, time: Duration) {
        if !std::mem::replace(&mut self.comings.asking, true) {
            self.air.put(now + time, Flight::WantsToJoin);
        }
    }

    /// A lock that joined by itself and got no keys leaves.
    pub(super) fn look_at_newcomer(&mut self, id: NodeId) {
        let Some(post) = self.posts.get_mut(&id) else { return };
        if let Some(well) = post.node.take_joined()
            && self.comings.by_itself.remove(&id)
            && !well
        {
            self.posts.remove(&id);
        }
    }

    fn begin(&mut self, now: Instant, mode: Mode, callback: u8, function: u8) {
        let busy = !matches!(self.comings.mode, Mode::Idle | Mode::Listening);
        if !busy {
            self.take_order(mode, callback);
        }
        let status = if busy { FAILED } else { READY };
        self.tell(now, self.controller.network_callback(function, callback, status, None, &[]));
        self.meet(now);
    }

    fn take_order(&mut self, mode: Mode, callback: u8) {
        let comings = &mut self.comings;
        (comings.mode, comings.callback, comings.newcomer) = (mode, callback, None);
        comings.order += 1;
    }

    /// Whoever waits for each other meets.
    fn meet(&mut self, now: Instant) {
        match self.comings.mode {
            Mode::Adding if self.comings.newcomer.is_none() => {
                if let Some(fresh) = self.next_fresh() {
                    self.comings.newcomer = Some((fresh, None));
                    self.later(now + STEP, NetworkFlight::Found);
                }
            }
            Mode::Removing if !self.comings.pressed.is_empty() || self.comings.foreign => {
                self.later(now + STEP, NetworkFlight::Removing);
            }
            Mode::Replacing(node) if !self.posts.contains(&node) => {
                self.later(now + PLACE, NetworkFlight::Replacing(node));
            }
            _ => {}
        }
    }

    fn next_fresh(&mut self) -> Option<FreshLock> {
        let at = self.comings.fresh.iter().position(|fresh| !fresh.smart_start)?;
        self.comings.fresh.remove(at)
    }

    fn stop_adding(&mut self, now: Instant, callback: u8) {
        let newcomer = self.comings.newcomer.take();
        let status = match &newcomer {
            Some((_, Some(node))) if self.posts.contains(node) => DONE,
            Some(_) => FAILED,
            None => DONE,
        };
        let node = newcomer.as_ref().and_then(|(_, node)| *node);
        if let Some((fresh, _)) = newcomer.filter(|_| status == FAILED) {
            self.comings.fresh.push_front(fresh);
        }
        self.take_order(Mode::Idle, callback);
        self.add_told(now, status, node, &[]);
    }

    /// A lock has its place in the network, and waits for its keys.
    fn settle_in(&mut self, now: Instant, id: NodeId, fresh: FreshLock) {
        let pair = fresh.pair();
        if fresh.smart_start {
            self.comings.by_itself.insert(id);
        }
        let setup = LockSetup { node: id, lifeline: false, ..fresh.lock };
        let wants = !setup.security.is_empty();
        let joiner = wants.then(|| Joiner::new(now, &setup.security, pair, fresh.faults));
        let keys = keyway_zwave::security::NetworkKeys::default();
        let network = Membership { hub: self.setup.own, home_id: self.setup.home_id, keys: &keys };
        let entropy = [[self.random.random(), self.random.random()], [self.random.random(), self.random.random()]];
        let post = Post::new(now, Node::fresh(now, setup, &network, joiner, entropy));
        self.controller.add(id, post.node.protocol_info());
        self.posts.insert(id, post);
    }

    fn failed_tried(&mut self, now: Instant, node: NodeId) {
        let answers = self.posts.get_mut(&node).is_some_and(Post::reaches);
        let replacing = self.comings.mode == Mode::Replacing(node);
        let function = if replacing { function::REPLACE_FAILED_NODE } else { function::REMOVE_FAILED_NODE };
        if answers {
            self.comings.mode = Mode::Idle;
            return self.failed_told(now, function, 0x00);
        }
        self.posts.remove(&node);
        if replacing {
            self.failed_told(now, function, 0x03);
            if self.comings.fresh.iter().any(|fresh| !fresh.smart_start) {
                self.later(now + PLACE, NetworkFlight::Replacing(node));
            }
        } else {
            self.remove(node);
            self.failed_told(now, function, 0x01);
        }
    }

    fn remove(&mut self, node: NodeId) {
        self.posts.remove(&node);
        self.controller.remove(node);
    }

    /// The number behind the highest.
    fn free_number(&self) -> Option<NodeId> {
        let highest = self.controller.nodes().filter(|node| !node.is_long_range()).map(NodeId::get).max();
        NodeId::new(highest.unwrap_or(0).max(self.setup.own.get()) + 1)
    }

    fn later(&mut self, at: Instant, flight: NetworkFlight) {
        self.air.put(at, Flight::Network(self.comings.order, flight));
    }

    fn add_told(&mut self, now: Instant, status: u8, node: Option<NodeId>, information: &[u8]) {
        self.network_told(now, function::ADD_NODE_TO_NETWORK, status, node, information);
    }

    fn remove_told(&mut self, now: Instant, status: u8, node: Option<NodeId>) {
        self.network_told(now, function::REMOVE_NODE_FROM_NETWORK, status, node, &[]);
    }

    fn network_told(&mut self, now: Instant, function: u8, status: u8, node: Option<NodeId>, information: &[u8]) {
        let callback = self.comings.callback;
        if callback != 0 {
            self.tell(now, self.controller.network_callback(function, callback, status, node, information));
        }
    }

    fn failed_told(&mut self, now: Instant, function: u8, status: u8) {
        let callback = self.comings.callback;
        self.tell(now, Controller::plain_callback(function, &[callback, status]));
    }
}
