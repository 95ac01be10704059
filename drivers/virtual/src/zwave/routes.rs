//! Nodes look for their neighbours, and are given ways: what the stick does when its host has routes found anew.

use std::time::{Duration, Instant};

use keyway_zwave::node::NodeId;
use keyway_zwave::serial_api::function;

use super::air::Flight;
use super::controller::Controller;
use super::{NO_ACK_AFTER, VirtualStick, Way};

/// How long a node looks around.
const SEARCH: Duration = Duration::from_millis(800);
const STARTED: u8 = 0x21;
const DONE: u8 = 0x22;
pub(super) const NEIGHBORS_FAILED: u8 = 0x23;
/// Transmit status: acknowledged, not acknowledged.
const OK: u8 = 0x00;
const NO_ACK: u8 = 0x01;

impl VirtualStick {
    pub(super) fn find_neighbors(&mut self, now: Instant, callback: u8, node: NodeId) {
        let function = function::REQUEST_NODE_NEIGHBOR_UPDATE;
        self.tell(now, Controller::plain_callback(function, &[callback, STARTED]));
        let (at, status) = match self.order_to(now, node) {
            Some(arrives) => (arrives + SEARCH, DONE),
            None => (now + NO_ACK_AFTER, NEIGHBORS_FAILED),
        };
        self.air.put(at, Flight::Told(Controller::plain_callback(function, &[callback, status])));
    }

    /// The ways that a node is given to the stick are good ones: whatever was wrong with the one it had is over.
    pub(super) fn change_routes(&mut self, now: Instant, function: u8, callback: u8, node: NodeId) {
        let arrives = self.order_to(now, node);
        let given = function != function::DELETE_RETURN_ROUTE && arrives.is_some();
        if let Some(post) = self.posts.get_mut(&node).filter(|_| given) {
            post.way = Way { signal: post.way.signal, ..Way::default() };
        }
        let (at, status) = arrives.map_or((now + NO_ACK_AFTER, NO_ACK), |at| (at, OK));
        self.air.put(at, Flight::Told(Controller::plain_callback(function, &[callback, status])));
    }

    /// When an order of the stick itself reaches a node; `None`: it does not.
    fn order_to(&mut self, now: Instant, node: NodeId) -> Option<Instant> {
        let home_id = self.controller.home_id();
        let post = self.posts.get_mut(&node).filter(|post| post.node.home_id() == home_id)?;
        post.counts.from_hub += 1;
        post.reaches().then(|| post.travel(now))
    }
}
