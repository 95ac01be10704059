//! The stick adds a node: from its listening to the node's number (host API, ZW_AddNodeToNetwork and
//! ZW_ReplaceFailedNode). Keys come after that.

use std::time::{Duration, Instant};

use keyway_lock::{DeviceLabel, LockId, NetworkError, NetworkStep};

use super::output::Outputs;
use crate::node::NodeId;
use crate::node::info::NodeInformation;
use crate::serial_api::command::{Command, NodeIdWidth};
use crate::serial_api::network::{AddStatus, FailedStatus, NetworkCallback};

/// How long the stick may take to listen; it may still have to end a send to a lock that is gone.
const READY: Duration = Duration::from_secs(30);
/// How long somebody has to walk to the door and press a button.
const PRESS: Duration = Duration::from_secs(180);
/// How long a node that asked to join by itself may take to answer the stick.
const SELF_JOIN: Duration = Duration::from_secs(30);
/// How long a node that answered may take to get its number (host API, add node timers: 60 s).
const NUMBER: Duration = Duration::from_secs(60);
/// How long it may take to know its place; it looks for its neighbours meanwhile.
const PLACE: Duration = Duration::from_secs(120);
/// How long the stick may take to stop.
const STOP: Duration = Duration::from_secs(10);

/// Which node is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Want {
    /// Whichever answers, in the network's reach or only in the stick's own.
    Any {
        /// See above.
        network_wide: bool,
    },
    /// A new one in the place of this one, which does not answer any more.
    Replace(NodeId),
    /// The one of this label, over Long Range or not, which asked to join by itself.
    Label(DeviceLabel, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Waiting,
    Found,
    Numbered,
    Stopping,
}

/// How it ended.
pub(super) enum Added {
    /// The node has its number.
    Yes(NodeId, Option<NodeInformation>),
    /// It has not; or it has all the same, and must be taken out again.
    No(NetworkError, Option<NodeId>),
}

/// An adding under way.
pub(super) struct Adding {
    want: Want,
    callback: u8,
    stage: Stage,
    until: Instant,
    node: Option<NodeId>,
    information: Option<NodeInformation>,
    cancelled: bool,
}

impl Adding {
    pub(super) fn new(now: Instant, want: Want, callback: u8, width: NodeIdWidth, out: &mut Outputs) -> Self {
        out.stick(match &want {
            Want::Any { network_wide } => Command::add_node(*network_wide, callback),
            Want::Replace(node) => Command::replace_failed_node(*node, width, callback),
            Want::Label(label, long_range) => Command::smart_start_add(label, *long_range, callback),
        });
        let node = if let Want::Replace(node) = want { Some(node) } else { None };
        let until = now + READY;
        Self { want, callback, stage: Stage::Starting, until, node, information: None, cancelled: false }
    }

    /// Whether the stick is busy with a node, so that nothing else may be sent.
    pub(super) fn is_exclusive(&self) -> bool {
        matches!(self.stage, Stage::Found | Stage::Numbered | Stage::Stopping)
    }

    pub(super) fn timeout(&self) -> Instant {
        self.until
    }

    /// The stick did not take the order, or said no.
    pub(super) fn handle_refused(&mut self) -> Option<Added> {
        (self.stage == Stage::Starting).then_some(Added::No(NetworkError::StickFailed, None))
    }

    /// The host does not want it any more. A node that answered already is let in first, since half in is worse.
    pub(super) fn cancel(&mut self, out: &mut Outputs) -> Option<Added> {
        self.cancelled = true;
        (!self.is_exclusive()).then(|| self.give_up(NetworkError::Cancelled, None, out))
    }

    /// The instant of [`Adding::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Outputs) -> Option<Added> {
        if self.until > now {
            return None;
        }
        match self.stage {
            Stage::Starting => Some(self.give_up(NetworkError::StickFailed, None, out)),
            Stage::Waiting => Some(self.give_up(NetworkError::NobodyCame, None, out)),
            Stage::Found => Some(self.give_up(NetworkError::DeviceGone, None, out)),
            Stage::Numbered => Some(self.give_up(NetworkError::DeviceGone, self.node, out)),
            // The last callback was lost.
            Stage::Stopping => Some(self.done(out)),
        }
    }

    /// What the stick tells.
    pub(super) fn handle_callback(
        &mut self,
        now: Instant,
        callback: &NetworkCallback,
        out: &mut Outputs,
    ) -> Option<Added> {
        match callback {
            NetworkCallback::Add(id, status) if *id == self.callback => self.handle_add(now, status, out),
            NetworkCallback::Failed(id, status) if *id == self.callback => self.handle_replace(now, *status, out),
            _ => None,
        }
    }

    fn handle_add(&mut self, now: Instant, status: &AddStatus, out: &mut Outputs) -> Option<Added> {
        match (self.stage, status) {
            (Stage::Starting, AddStatus::Ready) => self.listening(now, out),
            (Stage::Starting | Stage::Waiting, AddStatus::Found) => {
                (self.stage, self.until) = (Stage::Found, now + NUMBER);
                out.step(NetworkStep::Found);
            }
            (Stage::Starting | Stage::Waiting | Stage::Found, AddStatus::Adding(node, information)) => {
                (self.stage, self.until) = (Stage::Numbered, now + PLACE);
                (self.node, self.information) = (Some(*node), information.clone());
            }
            (Stage::Numbered, AddStatus::ProtocolDone) => {
                (self.stage, self.until) = (Stage::Stopping, now + STOP);
                out.stick(Command::add_node_stop(self.callback));
            }
            (Stage::Numbered | Stage::Stopping, AddStatus::Done) => return Some(self.done(out)),
            (_, AddStatus::NotPrimary) => {
                let why = "it is not the primary controller of its network";
                return Some(self.give_up(NetworkError::NotSupported(why), None, out));
            }
            (_, AddStatus::Failed) => {
                let node = self.node.filter(|_| matches!(self.stage, Stage::Numbered | Stage::Stopping));
                return Some(self.give_up(NetworkError::StickFailed, node, out));
            }
            _ => {}
        }
        None
    }

    fn handle_replace(&mut self, now: Instant, status: FailedStatus, out: &mut Outputs) -> Option<Added> {
        let Want::Replace(node) = self.want else { return None };
        match status {
            FailedStatus::Ready => {
                self.listening(now, out);
                None
            }
            FailedStatus::Replaced if self.cancelled => Some(Added::No(NetworkError::Cancelled, Some(node))),
            FailedStatus::Replaced => {
                out.step(NetworkStep::Joined(LockId::from(node)));
                Some(Added::Yes(node, None))
            }
            FailedStatus::Answers => Some(Added::No(NetworkError::StillAnswers, None)),
            FailedStatus::Failed | FailedStatus::Removed => Some(Added::No(NetworkError::StickFailed, None)),
        }
    }

    fn listening(&mut self, now: Instant, out: &mut Outputs) {
        let wait = if matches!(self.want, Want::Label(..)) { SELF_JOIN } else { PRESS };
        (self.stage, self.until) = (Stage::Waiting, now + wait);
        if !matches!(self.want, Want::Label(..)) {
            out.step(NetworkStep::Ready);
        }
    }

    fn done(&mut self, out: &mut Outputs) -> Added {
        out.stick(Command::add_node_stop(0));
        match self.node {
            Some(node) if self.cancelled => Added::No(NetworkError::Cancelled, Some(node)),
            Some(node) => {
                out.step(NetworkStep::Joined(LockId::from(node)));
                Added::Yes(node, self.information.take())
            }
            None => Added::No(NetworkError::StickFailed, None),
        }
    }

    fn give_up(&mut self, error: NetworkError, node: Option<NodeId>, out: &mut Outputs) -> Added {
        out.stick(Command::add_node_stop(0));
        Added::No(if self.cancelled { NetworkError::Cancelled } else { error }, node)
    }
}
