//! The network and what becomes of it: nodes are added and get their keys, are removed, replaced and awaited, and the ways to
//! them are found anew. One thing is
//! under way at a time; whatever it leaves half done is cleaned up, or found at the next start and named.

mod adding;
mod cleaning;
pub mod code;
mod commands;
mod finding;
mod learning;
mod outcome;
mod output;
mod rebuilding;
mod records;
mod removing;
mod securing;
mod taking_keys;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use keyway_lock::{
    Awaited, CommandId, DeviceLabel, Include, LockId, NetworkError, NetworkFailure, NetworkOutcome, NetworkRecord,
    RadioEvent,
};
use zeroize::Zeroizing;

use crate::node::NodeId;
use crate::security::s2::drbg::CtrDrbg;
use crate::security::{KeyName, NetworkKey, NetworkKeys, SecurityClass};
use crate::serial_api::command::{Command, NodeIdWidth};
use crate::serial_api::function;
use crate::serial_api::network::{NetworkCallback, joining_home_id};
use crate::serial_api::startup::Stick;

pub use output::{NetworkOutput, Seek, Then};

use adding::{Adding, Want};
use cleaning::Cleaning;
use finding::Finding;
use learning::Learning;
use output::Outputs;
use rebuilding::{Back, Rebuilding};
use records::{Kept, KeptKeys, UnderWay};
use removing::{Removing, TakingOut};
use securing::Securing;

/// How long somebody has to press the button of a device that is to be removed.
const EXCLUDE: Duration = Duration::from_secs(180);
/// How long a node that was reset by hand may go on to answer.
const LEAVING: Duration = Duration::from_secs(10);
/// How long the stick may take to begin a new network.
const RESET: Duration = Duration::from_secs(45);

/// What is under way.
enum Phase {
    /// That something is begun is being kept.
    Noting(Want),
    Adding(Adding),
    Securing(Securing, NodeId),
    /// The new node is being kept.
    Finishing(NodeId, Vec<SecurityClass>),
    Cleaning(Cleaning),
    Excluding(Removing),
    TakingOut(TakingOut),
    Learning(Learning),
    Rebuilding(Rebuilding),
    Resetting {
        callback: u8,
        until: Instant,
    },
}

struct Process {
    /// Whose answer it is; `None`: a device began by itself.
    id: Option<CommandId>,
    wanted: Include,
    label: Option<DeviceLabel>,
    phase: Phase,
}

/// What matters here of the stick.
struct Facts {
    home_id: u32,
    own: NodeId,
    width: NodeIdWidth,
    nodes: BTreeSet<NodeId>,
    can_add: bool,
    can_learn: bool,
    /// To whom it can give nodes ways back; `None`: it can't rebuild routes.
    back: Option<Back>,
}

/// The network.
pub struct Network {
    /// Those that are given from outside; they go before.
    given: NetworkKeys,
    kept_keys: KeptKeys,
    /// Those of classes that others granted, whose keys were not given: what was made here for them is of no use.
    claimed: Vec<KeyName>,
    /// The nodes that are driven because it was said from outside.
    driven: BTreeSet<NodeId>,
    /// Those in force.
    keys: NetworkKeys,
    random: CtrDrbg,
    kept: Kept,
    stick: Option<Facts>,
    process: Option<Process>,
    finding: Finding,
    /// Nodes that say that they were reset, and when the stick is told to take them out, if they don't answer.
    resets: BTreeMap<NodeId, Instant>,
    /// The stick listens for devices that join by themselves.
    listening: bool,
    callback: u8,
    out: Outputs,
}

impl Network {
    /// With what the store has kept. Keys that nobody gave are made now, once and for all; but for the classes of locks
    /// that others added (`claimed`), since those have a key that is not known here. `entropy` must be fresh at every
    /// start.
    pub fn new(
        given: NetworkKeys,
        claimed: &BTreeMap<NodeId, Vec<SecurityClass>>,
        records: &[NetworkRecord],
        entropy: [u8; 32],
    ) -> Self {
        let mut random = CtrDrbg::new(&Zeroizing::new(entropy), &[0; 32]);
        let mut out = Outputs::default();
        let mut kept_keys = KeptKeys::read(records);
        if KeyName::ALL.iter().any(|name| kept_keys.keys.named(*name).is_none()) {
            let made = NetworkKeys::each(|_| Some(NetworkKey::new(random.generate())));
            kept_keys.keys = kept_keys.keys.or(&made);
            out.push(NetworkOutput::Keep(kept_keys.record(), None));
        }
        let mut network = Self {
            given,
            kept_keys,
            claimed: claimed.iter().flat_map(|(node, classes)| key_names(*node, classes)).collect(),
            driven: claimed.keys().copied().collect(),
            keys: NetworkKeys::default(),
            random,
            kept: Kept::read(records),
            stick: None,
            process: None,
            finding: Finding::default(),
            resets: BTreeMap::new(),
            listening: false,
            callback: 0,
            out,
        };
        network.put_in_force();
        network
    }

    /// The network's keys.
    pub fn keys(&self) -> &NetworkKeys {
        &self.keys
    }

    /// The nodes of a network that were added here and are to be driven, with what they were granted.
    pub fn members(&self, home_id: u32) -> impl Iterator<Item = (NodeId, Vec<SecurityClass>)> {
        let of_it =
            self.kept.members.iter().filter(move |((home, _), member)| *home == home_id && member.leftover.is_none());
        of_it.map(|((_, node), member)| (*node, member.classes().into_iter().map(Into::into).collect()))
    }

    /// The node that is getting its keys.
    pub fn joining(&self) -> Option<NodeId> {
        match &self.process.as_ref()?.phase {
            Phase::Securing(_, node) => Some(*node),
            _ => None,
        }
    }

    /// The node that is asked whether it is one of our locks.
    pub fn sought(&self) -> Option<NodeId> {
        self.finding.asks()
    }

    /// Whether the stick is busy with a node, so that nothing else may be sent.
    pub fn is_exclusive(&self) -> bool {
        self.process.as_ref().is_some_and(|process| match &process.phase {
            Phase::Adding(adding) => adding.is_exclusive(),
            Phase::Excluding(removing) => removing.is_exclusive(),
            Phase::Cleaning(cleaning) => cleaning.is_exclusive(),
            Phase::Learning(learning) => learning.is_exclusive(),
            Phase::Rebuilding(rebuilding) => rebuilding.is_exclusive(),
            Phase::Resetting { .. } => true,
            Phase::Noting(_) | Phase::Securing(..) | Phase::Finishing(..) | Phase::TakingOut(_) => false,
        })
    }

    /// Whether something is being added or removed.
    pub fn is_busy(&self) -> bool {
        self.process.is_some()
    }

    /// Others have something to send.
    pub fn handle_others(&mut self, now: Instant) {
        if let Some(Process { phase: Phase::Rebuilding(rebuilding), .. }) = &mut self.process {
            rebuilding.handle_others(now);
        }
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<NetworkOutput> {
        self.out.poll()
    }

    /// When [`Network::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        let Some(process) = &self.process else {
            return self.resets.values().min().copied().into_iter().chain(self.finding.timeout()).min();
        };
        match &process.phase {
            Phase::Noting(_) | Phase::Finishing(..) => None,
            Phase::Adding(adding) => Some(adding.timeout()),
            Phase::Securing(securing, _) => securing.timeout(),
            Phase::Cleaning(cleaning) => cleaning.timeout(),
            Phase::Excluding(removing) => Some(removing.timeout()),
            Phase::TakingOut(taking) => taking.timeout(),
            Phase::Learning(learning) => Some(learning.timeout()),
            Phase::Rebuilding(rebuilding) => Some(rebuilding.timeout()),
            Phase::Resetting { until, .. } => Some(*until),
        }
    }

    /// The stick is known. Members are told, and what was left half done.
    pub fn handle_identified(&mut self, stick: &Stick) {
        let Some(own) = stick.own_node else { return };
        self.stick = Some(Facts {
            home_id: stick.home_id,
            own,
            width: stick.node_id_width,
            nodes: stick.nodes.clone(),
            can_add: stick.has(function::ADD_NODE_TO_NETWORK),
            can_learn: stick.has(function::SET_LEARN_MODE),
            back: Back::of(stick),
        });
        self.find_leftovers(stick);
        self.tell_awaited();
        for ((home, node), member) in &self.kept.members {
            if *home == stick.home_id {
                let lock = LockId::from(*node);
                self.out.event(match &member.leftover {
                    Some(reason) => RadioEvent::Leftover(lock, reason.clone()),
                    None => RadioEvent::LockJoined(lock, member.joined()),
                });
            }
        }
        self.listen();
        self.look_for_locks(stick);
    }

    fn find_leftovers(&mut self, stick: &Stick) {
        let Some(under_way) = self.kept.under_way.take_if(|under_way| under_way.home_id == stick.home_id) else {
            return;
        };
        if self.stick.as_ref().is_some_and(|stick| stick.can_add) {
            self.out.stick(Command::add_node_stop(0));
        }
        for node in &stick.nodes {
            if !under_way.before.contains(&node.get()) && !self.kept.members.contains_key(&(stick.home_id, *node)) {
                let reason = "the hub stopped or lost its stick while it was being added";
                self.leave_over(*node, under_way.name.clone(), reason.to_owned());
            }
        }
        self.out.push(NetworkOutput::Keep(UnderWay::record(None), None));
    }

    /// The stick is gone or restarted, and with it what was under way. What it left is found when the stick is known
    /// again.
    pub fn handle_lost(&mut self) {
        (self.stick, self.listening, self.finding) = (None, false, Finding::default());
        self.out.asking = 0;
        if let Some(process) = self.process.take()
            && let Some(id) = process.id
        {
            self.answer(id, Err(NetworkError::StickGone));
        }
    }

    /// A device wants to join by itself. If it can't now, it will ask again.
    pub fn handle_wants_to_join(&mut self, home_id: [u8; 4], long_range: bool) {
        if self.process.is_some() || self.stick.is_none() {
            return;
        }
        let awaited = self.kept.awaited.iter().find(|awaited| joining_home_id(&awaited.label) == home_id);
        let Some(Awaited { label, name, classes }) = awaited.cloned() else { return };
        let wanted = Include { name, classes, ..Include::default() };
        self.note(None, wanted, Some(label.clone()), Want::Label(label, long_range));
    }

    /// A record is kept.
    pub fn handle_kept(&mut self, now: Instant, then: Then) {
        match then {
            Then::GoOn => {}
            Then::Answer(id) => return self.answer(id, Ok(NetworkOutcome::Done)),
            Then::TakeKeys(id) => return self.keys_kept(id),
        }
        let (Some(process), Some(stick)) = (&mut self.process, &self.stick) else { return };
        match &mut process.phase {
            Phase::Noting(want) => {
                let callback = next(&mut self.callback);
                let adding = Adding::new(now, want.clone(), callback, stick.width, &mut self.out);
                process.phase = Phase::Adding(adding);
            }
            Phase::Securing(securing, _) => {
                let turn = securing.handle_kept(now, &mut self.out);
                self.secure_turn(now, turn);
            }
            Phase::Finishing(node, classes) => {
                let (node, classes) = (*node, std::mem::take(classes));
                self.joined(node, classes);
            }
            _ => {}
        }
    }

    /// A command to the stick that begins something was refused.
    pub fn handle_refused(&mut self, now: Instant) {
        let Some(process) = &mut self.process else { return };
        match &mut process.phase {
            Phase::Adding(adding) => {
                let added = adding.handle_refused();
                self.added(now, added);
            }
            Phase::Excluding(removing) => {
                let removed = removing.handle_refused();
                self.removed(removed);
            }
            Phase::TakingOut(taking) => {
                let removed = taking.handle_refused();
                self.removed(removed);
            }
            Phase::Cleaning(cleaning) => {
                let ended = cleaning.handle_refused(now, &mut self.out);
                self.cleaned(ended);
            }
            Phase::Rebuilding(rebuilding) => {
                let rebuilt = rebuilding.handle_refused(now);
                self.rebuilt(rebuilt);
            }
            Phase::Learning(_) | Phase::Resetting { .. } => self.finish(Err(NetworkError::StickFailed.into())),
            Phase::Noting(_) | Phase::Securing(..) | Phase::Finishing(..) => {}
        }
    }

    /// What the stick tells of what is under way.
    pub fn handle_callback(&mut self, now: Instant, told: &NetworkCallback) {
        let Some(process) = &mut self.process else { return };
        match &mut process.phase {
            Phase::Adding(adding) => {
                let added = adding.handle_callback(now, told, &mut self.out);
                self.added(now, added);
            }
            Phase::Excluding(removing) => {
                let removed = removing.handle_callback(now, told, &mut self.out);
                self.removed(removed);
            }
            Phase::TakingOut(taking) => {
                let removed = taking.handle_callback(told);
                self.removed(removed);
            }
            Phase::Cleaning(cleaning) => {
                let ended = cleaning.handle_callback(now, told, &mut self.out);
                self.cleaned(ended);
            }
            Phase::Learning(learning) => {
                let left = learning.handle_callback(now, told, &mut self.out);
                self.left_network(left);
            }
            Phase::Rebuilding(rebuilding) => {
                let rebuilt = rebuilding.handle_callback(now, told, &mut self.callback, &mut self.out);
                self.rebuilt(rebuilt);
            }
            Phase::Resetting { callback, .. } if *told == NetworkCallback::Default(*callback) => self.new_network(),
            Phase::Resetting { .. } | Phase::Noting(_) | Phase::Securing(..) | Phase::Finishing(..) => {}
        }
    }

    /// A question to a node has ended; whether it was acknowledged.
    pub fn handle_asked(&mut self, now: Instant, delivered: bool) {
        self.out.asking = self.out.asking.saturating_sub(1);
        let Some(process) = &mut self.process else { return };
        match &mut process.phase {
            Phase::Securing(securing, _) => {
                securing.handle_asked(now, delivered, &mut self.out);
                self.secure(now);
            }
            Phase::TakingOut(taking) => {
                let removed = taking.handle_asked(now, delivered, &mut self.out);
                self.removed(removed);
            }
            Phase::Cleaning(cleaning) => {
                let ended = cleaning.handle_asked(now, delivered, &mut self.out);
                self.cleaned(ended);
            }
            _ => {}
        }
    }

    /// A command of the node that is getting its keys.
    pub fn handle_node(&mut self, now: Instant, level: Option<SecurityClass>, command: &[u8]) {
        if let Some(Process { phase: Phase::Securing(securing, _), .. }) = &mut self.process {
            securing.handle_command(now, level, command);
            self.secure(now);
        }
    }

    /// The node that is getting its keys could not read what was sent last.
    pub fn handle_unread(&mut self, now: Instant) {
        if let Some(Process { phase: Phase::Securing(securing, _), .. }) = &mut self.process {
            securing.handle_unread();
            self.secure(now);
        }
    }

    /// The node that is getting its keys has another temporary key.
    pub fn handle_wrong_key(&mut self, now: Instant) {
        if let Some(Process { phase: Phase::Securing(securing, _), .. }) = &mut self.process {
            securing.handle_wrong_key();
            self.secure(now);
        }
    }

    /// The instant of [`Network::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(process) = &mut self.process else {
            self.find_again(now);
            return self.take_out_reset(now);
        };
        match &mut process.phase {
            Phase::Adding(adding) => {
                let added = adding.handle_timeout(now, &mut self.out);
                self.added(now, added);
            }
            Phase::Securing(securing, _) => {
                let turn = securing.handle_timeout(now);
                self.secure_turn(now, turn);
            }
            Phase::Cleaning(cleaning) => {
                let ended = cleaning.handle_timeout(now, &mut self.out);
                self.cleaned(ended);
            }
            Phase::Excluding(removing) => {
                let removed = removing.handle_timeout(now, &mut self.out);
                self.removed(removed);
            }
            Phase::TakingOut(taking) => {
                let removed = taking.handle_timeout(now);
                self.removed(removed);
            }
            Phase::Learning(learning) => {
                let left = learning.handle_timeout(now, &mut self.out);
                self.left_network(left);
            }
            Phase::Rebuilding(rebuilding) => {
                let rebuilt = rebuilding.handle_timeout(now, &mut self.callback, &mut self.out);
                self.rebuilt(rebuilt);
            }
            Phase::Resetting { until, .. } if *until <= now => self.finish(Err(NetworkError::StickFailed.into())),
            Phase::Noting(_) | Phase::Finishing(..) | Phase::Resetting { .. } => {}
        }
    }

    /// Nothing is under way any more: what waits goes on.
    fn idle(&mut self) {
        self.listen();
        self.find_next();
    }

    fn answer(&mut self, id: CommandId, result: Result<NetworkOutcome, NetworkError>) {
        self.out.event(RadioEvent::NetworkDone(id, result.map_err(NetworkFailure::from)));
    }

    fn next_callback(&mut self) -> u8 {
        next(&mut self.callback)
    }
}

/// The next callback id. 0 would ask for no callback.
fn next(callback: &mut u8) -> u8 {
    *callback = callback.checked_add(1).unwrap_or(1);
    *callback
}

/// The keys that a node has which was granted these classes.
fn key_names(node: NodeId, classes: &[SecurityClass]) -> Vec<KeyName> {
    let name = |class: &SecurityClass| KeyName::of(class.key_class()?, node.is_long_range());
    classes.iter().filter_map(name).collect()
}
