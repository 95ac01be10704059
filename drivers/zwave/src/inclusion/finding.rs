//! Locks of the network that another program added: each node that the stick has and nobody here drives is looked at, and if
//! it is a lock, it is asked under which of the network's keys it answers. What is no lock costs no air.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use keyway_lock::{LockId, RadioEvent};

use super::Network;
use super::output::{NetworkOutput, Seek};
use super::records::Member;
use crate::node::NodeId;
use crate::node::info::{Listening, ProtocolInfo};
use crate::security::{KeyName, SecurityClass};
use crate::serial_api::session::Completed;
use crate::serial_api::startup::Stick;
use crate::transport::exchange::AskError;
use crate::transport::queue::Ended;

/// Generic device class of locks (entry control).
const ENTRY_CONTROL: u8 = 0x40;
/// When a lock that did not answer is asked again: first, and at most.
const AGAIN: Duration = Duration::from_secs(600);
const LONGEST: Duration = Duration::from_secs(6 * 3600);
/// Which is tried first: the one that locks are mostly granted.
const STRONGEST_FIRST: [SecurityClass; 4] = [
    SecurityClass::S2AccessControl,
    SecurityClass::S2Authenticated,
    SecurityClass::S2Unauthenticated,
    SecurityClass::S0,
];

/// What a node was asked last.
enum Asked {
    /// What it is.
    What,
    /// Whether it answers under the first of these; whether it is woken by a beam.
    Under(Vec<SecurityClass>, bool),
}

/// Nodes that nobody drives.
#[derive(Default)]
pub(super) struct Finding {
    left: VecDeque<NodeId>,
    asked: Option<(NodeId, Asked)>,
    /// Locks that did not answer, and when they are asked again.
    silent: Vec<NodeId>,
    again: Option<(Instant, Duration)>,
    /// Those that were told of.
    told: BTreeSet<NodeId>,
}

impl Finding {
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.again.map(|(at, _)| at)
    }

    pub(super) fn asks(&self) -> Option<NodeId> {
        self.asked.as_ref().map(|(node, _)| *node)
    }
}

impl Network {
    /// The stick is known: these of its nodes are looked at.
    pub(super) fn look_for_locks(&mut self, stick: &Stick) {
        let strange = |node: &&NodeId| {
            Some(**node) != stick.own_node
                && !self.driven.contains(node)
                && !self.kept.members.contains_key(&(stick.home_id, **node))
        };
        let left = stick.nodes.iter().filter(strange).copied().collect();
        self.finding = Finding { left, ..Finding::default() };
        self.find_next();
    }

    /// The next node, while nothing else is under way.
    pub(super) fn find_next(&mut self) {
        if self.process.is_some() || self.stick.is_none() || self.finding.asked.is_some() {
            return;
        }
        if let Some(node) = self.finding.left.pop_front() {
            self.finding.asked = Some((node, Asked::What));
            self.out.push(NetworkOutput::Seek(node, Seek::What));
        }
    }

    /// What was asked has ended.
    pub fn handle_sought(&mut self, now: Instant, ended: &Ended) {
        let Some((node, asked)) = self.finding.asked.take() else { return };
        match (asked, ended) {
            (Asked::What, Ended::Stick(Ok(Completed::Response(response)))) => match ProtocolInfo::decode(response) {
                Ok(what) if what.generic_class == ENTRY_CONTROL => {
                    self.ask_under(node, self.classes_to_try(node), what.listening == Listening::Frequently);
                }
                _ => {}
            },
            (Asked::Under(classes, _), Ended::Node(Ok(_))) => self.found(node, classes.first().copied()),
            (Asked::Under(..), Ended::Node(Err(AskError::Offline { .. }))) => {
                self.strange(node, "another program added it, and it does not answer: it is asked again");
                self.finding.silent.push(node);
                let pause = self.finding.again.map_or(AGAIN, |(_, pause)| pause);
                self.finding.again = Some((now + pause, pause));
            }
            (Asked::Under(mut classes, beamed), Ended::Node(Err(AskError::NoAnswer | AskError::NoKey))) => {
                classes.remove(0);
                self.ask_under(node, classes, beamed);
            }
            // The stick is gone or says no: it is asked at its next start.
            (Asked::What | Asked::Under(..), _) => {}
        }
        self.find_next();
    }

    /// The instant of [`Finding::timeout`] has come, maybe.
    pub(super) fn find_again(&mut self, now: Instant) {
        if let Some((_, pause)) = self.finding.again.take_if(|(at, _)| *at <= now) {
            self.finding.left.extend(self.finding.silent.drain(..));
            let pause = (pause * 2).min(LONGEST);
            // In force once one is silent again.
            self.finding.again = (!self.finding.left.is_empty()).then(|| (now + pause, pause));
            self.find_next();
        }
    }

    /// Only keys that came from outside can be those of another program's locks.
    fn classes_to_try(&self, node: NodeId) -> Vec<SecurityClass> {
        let foreign = |class: &SecurityClass| {
            let name = class.key_class().and_then(|class| KeyName::of(class, node.is_long_range()));
            name.is_some_and(|name| self.given.named(name).is_some() || self.kept_keys.taken.contains(&name))
        };
        STRONGEST_FIRST.into_iter().filter(foreign).collect()
    }

    fn ask_under(&mut self, node: NodeId, classes: Vec<SecurityClass>, beamed: bool) {
        match classes.first() {
            Some(class) => {
                self.out.push(NetworkOutput::Seek(node, Seek::Under(*class, beamed)));
                self.finding.asked = Some((node, Asked::Under(classes, beamed)));
            }
            None => {
                self.out.push(NetworkOutput::Settled(node));
                self.strange(
                    node,
                    "another program added it, and none of the network's keys fits: import that program's",
                );
            }
        }
    }

    fn found(&mut self, node: NodeId, class: Option<SecurityClass>) {
        let (Some(stick), Some(class)) = (&self.stick, class) else { return };
        let classes = vec![class];
        let name = Some(format!("Lock {node}"));
        let member = Member::new(stick.home_id, node, name, &classes);
        self.out.push(NetworkOutput::Settled(node));
        self.out.push(NetworkOutput::Keep(member.record(node), None));
        self.out.event(RadioEvent::LockJoined(LockId::from(node), member.joined()));
        self.kept.members.insert((stick.home_id, node), member);
        self.out.push(NetworkOutput::Joined(node, classes));
    }

    fn strange(&mut self, node: NodeId, reason: &str) {
        if self.finding.told.insert(node) {
            self.out.event(RadioEvent::Stranger(node.into(), reason.to_owned()));
        }
    }
}
