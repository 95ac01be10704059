//! The stick removes a node: one whose button is pressed (ZW_RemoveNodeFromNetwork), or one that does not answer any more
//! (ZW_RemoveFailedNode).

use std::time::{Duration, Instant};

use keyway_lock::{NetworkError, NetworkStep};
use zeroize::Zeroizing;

use super::output::Outputs;
use crate::node::NodeId;
use crate::serial_api::command::{Command, NodeIdWidth};
use crate::serial_api::network::{FailedStatus, NetworkCallback, RemoveStatus};

/// How long the stick may take to listen; it may still have to end a send to a lock that is gone.
const READY: Duration = Duration::from_secs(30);
/// How long a node that answered may take to be gone (host API, remove node timers: 14 s and more with routes).
const GONE: Duration = Duration::from_secs(60);
/// How long the stick may take to take out a node that does not answer: it tries every route once more.
const FAILED: Duration = Duration::from_secs(75);
/// No Operation (CC 0x00), which any node acknowledges.
const NO_OPERATION: [u8; 1] = [0x00];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Waiting,
    Found,
}

/// How it ended: which node went; `None`: one of another network.
pub(super) type Removed = Result<Option<NodeId>, NetworkError>;

/// The removing of a node whose button is pressed.
pub(super) struct Removing {
    callback: u8,
    stage: Stage,
    until: Instant,
    patience: Duration,
    node: Option<NodeId>,
    /// Who is told when the stick listens.
    ready: NetworkStep,
}

impl Removing {
    /// `patience`: how long somebody has to press the button; `ready` is told when the stick listens.
    pub(super) fn new(now: Instant, callback: u8, patience: Duration, ready: NetworkStep, out: &mut Outputs) -> Self {
        out.stick(Command::remove_node(callback));
        Self { callback, stage: Stage::Starting, until: now + READY, patience, node: None, ready }
    }

    /// Whether the stick is busy with a node, so that nothing else may be sent.
    pub(super) fn is_exclusive(&self) -> bool {
        self.stage == Stage::Found
    }

    pub(super) fn timeout(&self) -> Instant {
        self.until
    }

    /// The stick did not take the order.
    pub(super) fn handle_refused(&self) -> Option<Removed> {
        (self.stage == Stage::Starting).then_some(Err(NetworkError::StickFailed))
    }

    /// The host does not want it any more. One that is going goes.
    pub(super) fn cancel(&self, out: &mut Outputs) -> Option<Removed> {
        (self.stage != Stage::Found).then(|| give_up(NetworkError::Cancelled, out))
    }

    /// The instant of [`Removing::timeout`] has come.
    pub(super) fn handle_timeout(&self, now: Instant, out: &mut Outputs) -> Option<Removed> {
        let error = match self.stage {
            Stage::Starting => NetworkError::StickFailed,
            Stage::Waiting => NetworkError::NobodyCame,
            Stage::Found => NetworkError::DeviceGone,
        };
        (self.until <= now).then(|| give_up(error, out))
    }

    /// What the stick tells.
    pub(super) fn handle_callback(
        &mut self,
        now: Instant,
        callback: &NetworkCallback,
        out: &mut Outputs,
    ) -> Option<Removed> {
        let NetworkCallback::Remove(id, status) = callback else { return None };
        if *id != self.callback {
            return None;
        }
        match status {
            RemoveStatus::Ready if self.stage == Stage::Starting => {
                (self.stage, self.until) = (Stage::Waiting, now + self.patience);
                out.step(self.ready.clone());
                None
            }
            RemoveStatus::Ready => None,
            RemoveStatus::Found => {
                (self.stage, self.until) = (Stage::Found, now + GONE);
                out.step(NetworkStep::Found);
                None
            }
            RemoveStatus::Removing(node) => {
                (self.stage, self.until, self.node) = (Stage::Found, now + GONE, *node);
                None
            }
            RemoveStatus::Done(node) => {
                out.stick(Command::remove_node_stop(0));
                Some(Ok(self.node.or(*node)))
            }
            RemoveStatus::Failed => Some(give_up(NetworkError::StickFailed, out)),
            RemoveStatus::NotPrimary => {
                let why = "it is not the primary controller of its network";
                Some(give_up(NetworkError::NotSupported(why), out))
            }
        }
    }
}

fn give_up(error: NetworkError, out: &mut Outputs) -> Removed {
    out.stick(Command::remove_node_stop(0));
    Err(error)
}

/// The removing of a node that does not answer. The stick knows that only once it has tried.
pub(super) struct TakingOut {
    node: NodeId,
    callback: u8,
    width: NodeIdWidth,
    /// Questions to the node that are before ours.
    before: usize,
    /// The stick has the order until then.
    ordered: Option<Instant>,
}

impl TakingOut {
    pub(super) fn new(node: NodeId, callback: u8, width: NodeIdWidth, out: &mut Outputs) -> Self {
        let before = out.asking;
        out.node(node, None, Zeroizing::new(NO_OPERATION.to_vec()));
        Self { node, callback, width, before, ordered: None }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.ordered
    }

    /// Whether it acknowledged.
    pub(super) fn handle_asked(&mut self, now: Instant, answers: bool, out: &mut Outputs) -> Option<Removed> {
        if self.before > 0 {
            self.before -= 1;
            return None;
        }
        if answers {
            return Some(Err(NetworkError::StillAnswers));
        }
        out.stick(Command::remove_failed_node(self.node, self.width, self.callback));
        self.ordered = Some(now + FAILED);
        None
    }

    /// The stick did not take the order.
    pub(super) fn handle_refused(&self) -> Option<Removed> {
        Some(Err(NetworkError::StickFailed))
    }

    /// The instant of [`TakingOut::timeout`] has come.
    pub(super) fn handle_timeout(&self, now: Instant) -> Option<Removed> {
        self.ordered.is_some_and(|until| until <= now).then_some(Err(NetworkError::StickFailed))
    }

    /// What the stick tells.
    pub(super) fn handle_callback(&self, callback: &NetworkCallback) -> Option<Removed> {
        match callback {
            NetworkCallback::Failed(id, status) if *id == self.callback => Some(match status {
                FailedStatus::Removed => Ok(Some(self.node)),
                FailedStatus::Answers => Err(NetworkError::StillAnswers),
                FailedStatus::Ready | FailedStatus::Replaced | FailedStatus::Failed => Err(NetworkError::StickFailed),
            }),
            _ => None,
        }
    }
}
