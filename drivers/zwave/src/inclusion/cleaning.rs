//! A node is in the network and has no keys, since adding it did not work: it is taken out again. One that is gone, the
//! stick takes out by itself; one that is there must be asked by somebody at its button. A node that joined by itself
//! leaves by itself.

use std::time::{Duration, Instant};

use keyway_lock::{NetworkError, NetworkStep};

use super::output::Outputs;
use super::removing::{Removed, Removing, TakingOut};
use crate::node::NodeId;
use crate::serial_api::command::NodeIdWidth;
use crate::serial_api::network::NetworkCallback;

/// How long somebody has to press the button.
const BY_HAND: Duration = Duration::from_secs(120);
/// When a node that joined by itself is looked for: when it was told that it did not work, and when every timer of its own
/// has run out (CC:009F: none is longer than 240 s).
const BY_ITSELF: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(245)];

enum Stage {
    /// Until then it may leave by itself; how often it was looked for.
    Pausing(Instant, usize),
    TakingOut(TakingOut, usize),
    ByHand(Removing),
}

/// How it ended: the node, why it was taken out, and whether it is gone.
pub(super) type Ended = (NodeId, NetworkError, bool);

/// A taking out under way.
pub(super) struct Cleaning {
    node: NodeId,
    error: NetworkError,
    by_itself: bool,
    callbacks: [u8; 2],
    width: NodeIdWidth,
    stage: Stage,
}

impl Cleaning {
    pub(super) fn new(
        now: Instant,
        node: NodeId,
        error: NetworkError,
        by_itself: bool,
        callbacks: [u8; 2],
        width: NodeIdWidth,
        out: &mut Outputs,
    ) -> Self {
        out.step(NetworkStep::CleaningUp(node.into()));
        let stage = if by_itself {
            Stage::Pausing(now + BY_ITSELF[0], 0)
        } else {
            Stage::TakingOut(TakingOut::new(node, callbacks[0], width, out), 0)
        };
        Self { node, error, by_itself, callbacks, width, stage }
    }

    pub(super) fn is_exclusive(&self) -> bool {
        matches!(&self.stage, Stage::ByHand(removing) if removing.is_exclusive())
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Pausing(until, _) => Some(*until),
            Stage::TakingOut(taking, _) => taking.timeout(),
            Stage::ByHand(removing) => Some(removing.timeout()),
        }
    }

    /// The host does not want to press a button.
    pub(super) fn cancel(&mut self, out: &mut Outputs) -> Option<Ended> {
        match &self.stage {
            Stage::ByHand(removing) => removing.cancel(out).map(|_| (self.node, self.error, false)),
            Stage::Pausing(..) | Stage::TakingOut(..) => None,
        }
    }

    /// The instant of [`Cleaning::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Outputs) -> Option<Ended> {
        match &mut self.stage {
            Stage::Pausing(until, looked) if *until <= now => {
                let taking = TakingOut::new(self.node, self.callbacks[0], self.width, out);
                self.stage = Stage::TakingOut(taking, *looked + 1);
                None
            }
            Stage::Pausing(..) => None,
            Stage::TakingOut(taking, _) => {
                let removed = taking.handle_timeout(now);
                self.removed(now, removed, out)
            }
            Stage::ByHand(removing) => {
                let removed = removing.handle_timeout(now, out);
                self.removed(now, removed, out)
            }
        }
    }

    /// Whether the node acknowledged.
    pub(super) fn handle_asked(&mut self, now: Instant, delivered: bool, out: &mut Outputs) -> Option<Ended> {
        let Stage::TakingOut(taking, _) = &mut self.stage else { return None };
        let removed = taking.handle_asked(now, delivered, out);
        self.removed(now, removed, out)
    }

    /// The stick did not take an order.
    pub(super) fn handle_refused(&mut self, now: Instant, out: &mut Outputs) -> Option<Ended> {
        let removed = match &self.stage {
            Stage::Pausing(..) => None,
            Stage::TakingOut(taking, _) => taking.handle_refused(),
            Stage::ByHand(removing) => removing.handle_refused(),
        };
        self.removed(now, removed, out)
    }

    /// What the stick tells.
    pub(super) fn handle_callback(
        &mut self,
        now: Instant,
        callback: &NetworkCallback,
        out: &mut Outputs,
    ) -> Option<Ended> {
        let removed = match &mut self.stage {
            Stage::Pausing(..) => None,
            Stage::TakingOut(taking, _) => taking.handle_callback(callback),
            Stage::ByHand(removing) => removing.handle_callback(now, callback, out),
        };
        self.removed(now, removed, out)
    }

    fn removed(&mut self, now: Instant, removed: Option<Removed>, out: &mut Outputs) -> Option<Ended> {
        let removed = removed?;
        match (&self.stage, removed) {
            (_, Ok(Some(node))) if node == self.node => Some((self.node, self.error, true)),
            (Stage::TakingOut(_, looked), _) if self.by_itself => match BY_ITSELF.get(*looked) {
                Some(pause) => {
                    self.stage = Stage::Pausing(now + *pause, *looked);
                    None
                }
                None => Some((self.node, self.error, false)),
            },
            (Stage::TakingOut(..), _) => {
                let ready = NetworkStep::RemovalNeeded(self.node.into());
                self.stage = Stage::ByHand(Removing::new(now, self.callbacks[1], BY_HAND, ready, out));
                None
            }
            _ => Some((self.node, self.error, false)),
        }
    }
}
