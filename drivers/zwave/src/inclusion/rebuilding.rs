//! Routes are found anew, one node after the other: the node looks for its neighbours (ZW_RequestNodeNeighborUpdate), the ways
//! back that it was given are taken from it (ZW_DeleteReturnRoute), and it is given new ones to the stick
//! (ZW_AssignSUCReturnRoute, ZW_AssignReturnRoute). One that does not answer keeps what it has.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use keyway_lock::{LockId, NetworkError, NetworkOutcome, NetworkStep};

use super::output::Outputs;
use crate::node::NodeId;
use crate::serial_api::command::{Command, NodeIdWidth};
use crate::serial_api::function;
use crate::serial_api::network::{NeighborStatus, NetworkCallback};
use crate::serial_api::startup::Stick;

/// How long the stick may still have to do with a send before it takes the order.
const READY: Duration = Duration::from_secs(30);
/// How long a node may look for its neighbours (host API, add node timers), and so much longer for each node there is: each
/// may have to be woken.
const SEARCH: Duration = Duration::from_secs(76);
const SEARCH_EACH: Duration = Duration::from_millis(3517);
/// How long others have the stick between one node and the next, so that codes do not wait for all of them.
const REST: Duration = Duration::from_secs(5);
/// The same, while they have something to send.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// GetControllerCapabilities: the stick is the controller that the network asks.
const IS_SUC: u8 = 0x10;

/// To whom the ways back lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// The controller that the network asks, which is the stick.
    Suc,
    /// The stick, as any other node.
    Stick,
}

impl Back {
    /// What the stick can do; `None`: it can't rebuild routes.
    pub(super) fn of(stick: &Stick) -> Option<Self> {
        let needed = [function::REQUEST_NODE_NEIGHBOR_UPDATE, function::DELETE_RETURN_ROUTE];
        let suc = stick.has(function::ASSIGN_SUC_RETURN_ROUTE);
        let plain = stick.has(function::ASSIGN_RETURN_ROUTE);
        let back = match (suc, plain) {
            (true, true) if stick.controller_capabilities & IS_SUC == 0 => Some(Self::Stick),
            (true, _) => Some(Self::Suc),
            (false, true) => Some(Self::Stick),
            (false, false) => None,
        };
        back.filter(|_| needed.into_iter().all(|function| stick.has(function)))
    }
}

/// What stays the same for all nodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means {
    pub(super) own: NodeId,
    pub(super) width: NodeIdWidth,
    pub(super) back: Back,
    /// How many nodes there are to be found.
    pub(super) nodes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It looks for its neighbours; whether for the second time.
    Searching { again: bool },
    /// The ways that it has are taken from it.
    Deleting,
    /// It is given new ones.
    Assigning,
    /// The next node's turn comes, at this instant at the latest.
    Resting { latest: Instant },
}

/// How it ended.
pub(super) type Rebuilt = Result<NetworkOutcome, NetworkError>;

/// A rebuilding under way.
pub(super) struct Rebuilding {
    means: Means,
    node: NodeId,
    waiting: VecDeque<NodeId>,
    /// Only one was asked for, and why it did not work is the answer.
    alone: bool,
    stage: Stage,
    callback: u8,
    until: Instant,
    failed: BTreeSet<LockId>,
    cancelled: bool,
}

impl Rebuilding {
    /// Of one node, or of `node` and those that wait. `callback` counts the orders.
    pub(super) fn new(
        now: Instant,
        means: Means,
        node: NodeId,
        waiting: Option<VecDeque<NodeId>>,
        callback: &mut u8,
        out: &mut Outputs,
    ) -> Self {
        let mut rebuilding = Self {
            means,
            node,
            alone: waiting.is_none(),
            waiting: waiting.unwrap_or_default(),
            stage: Stage::Resting { latest: now },
            callback: 0,
            until: now,
            failed: BTreeSet::new(),
            cancelled: false,
        };
        rebuilding.begin(now, callback, out);
        rebuilding
    }

    /// Whether the stick is busy with a node, so that nothing else may be sent.
    pub(super) fn is_exclusive(&self) -> bool {
        !self.rests()
    }

    fn rests(&self) -> bool {
        matches!(self.stage, Stage::Resting { .. })
    }

    /// Others have something to send: the next node's turn can wait.
    pub(super) fn handle_others(&mut self, now: Instant) {
        if let Stage::Resting { latest } = self.stage {
            self.until = self.until.max((now + REST).min(latest));
        }
    }

    pub(super) fn timeout(&self) -> Instant {
        self.until
    }

    /// The host does not want it any more: the node under way is the last.
    pub(super) fn cancel(&mut self) -> Option<Rebuilt> {
        self.cancelled = !self.waiting.is_empty();
        self.rests().then_some(Err(NetworkError::Cancelled))
    }

    /// The stick did not take the order.
    pub(super) fn handle_refused(&mut self, now: Instant) -> Option<Rebuilt> {
        self.failed(now, NetworkError::StickFailed)
    }

    /// The instant of [`Rebuilding::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant, callback: &mut u8, out: &mut Outputs) -> Option<Rebuilt> {
        if now < self.until {
            return None;
        }
        if !self.rests() {
            return self.failed(now, NetworkError::StickFailed);
        }
        match self.waiting.pop_front() {
            Some(node) => {
                self.node = node;
                self.begin(now, callback, out);
                None
            }
            None => Some(Ok(self.done())),
        }
    }

    /// What the stick tells.
    pub(super) fn handle_callback(
        &mut self,
        now: Instant,
        told: &NetworkCallback,
        callback: &mut u8,
        out: &mut Outputs,
    ) -> Option<Rebuilt> {
        match (self.stage, told) {
            (_, NetworkCallback::Neighbors(id, _) | NetworkCallback::Routes(id, _)) if *id != self.callback => None,
            (Stage::Searching { .. }, NetworkCallback::Neighbors(_, NeighborStatus::Done)) => {
                self.order(now, Stage::Deleting, callback, out);
                None
            }
            (Stage::Searching { again: false }, NetworkCallback::Neighbors(_, NeighborStatus::Failed)) => {
                self.order(now, Stage::Searching { again: true }, callback, out);
                None
            }
            (Stage::Searching { again: true }, NetworkCallback::Neighbors(_, NeighborStatus::Failed))
            | (Stage::Deleting | Stage::Assigning, NetworkCallback::Routes(_, false)) => {
                self.failed(now, NetworkError::DeviceGone)
            }
            (Stage::Deleting, NetworkCallback::Routes(_, true)) => {
                self.order(now, Stage::Assigning, callback, out);
                None
            }
            (Stage::Assigning, NetworkCallback::Routes(_, true)) => self.go_on(now),
            _ => None,
        }
    }

    fn begin(&mut self, now: Instant, callback: &mut u8, out: &mut Outputs) {
        out.step(NetworkStep::RebuildingRoutes(self.node.into()));
        self.order(now, Stage::Searching { again: false }, callback, out);
    }

    fn order(&mut self, now: Instant, stage: Stage, callback: &mut u8, out: &mut Outputs) {
        let Means { own, width, back, nodes } = self.means;
        self.callback = super::next(callback);
        let (node, id) = (self.node, self.callback);
        let (command, patience) = match (stage, back) {
            (Stage::Resting { .. }, _) => return,
            (Stage::Searching { .. }, _) => {
                (Command::request_neighbor_update(node, width, id), SEARCH + SEARCH_EACH * nodes)
            }
            (Stage::Deleting, _) => (Command::delete_return_route(node, width, id), Command::CALLBACK_TIMEOUT),
            (Stage::Assigning, Back::Suc) => {
                (Command::assign_suc_return_route(node, width, id), Command::CALLBACK_TIMEOUT)
            }
            (Stage::Assigning, Back::Stick) => {
                (Command::assign_return_route(node, own, width, id), Command::CALLBACK_TIMEOUT)
            }
        };
        out.stick(command);
        (self.stage, self.until) = (stage, now + READY + patience);
    }

    fn failed(&mut self, now: Instant, error: NetworkError) -> Option<Rebuilt> {
        if self.alone {
            return Some(Err(error));
        }
        self.failed.insert(self.node.into());
        self.go_on(now)
    }

    fn go_on(&mut self, now: Instant) -> Option<Rebuilt> {
        if self.cancelled {
            return Some(Err(NetworkError::Cancelled));
        }
        if self.waiting.is_empty() {
            return Some(Ok(self.done()));
        }
        (self.stage, self.until) = (Stage::Resting { latest: now + LONGEST_REST }, now + REST);
        None
    }

    fn done(&self) -> NetworkOutcome {
        NetworkOutcome::RoutesRebuilt(self.alone.then(|| self.node.into()), self.failed.clone())
    }
}
