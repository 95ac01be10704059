//! What becomes of what is under way: from one phase to the next, to its end.

use std::time::Instant;

use keyway_lock::{
    LockEvent, LockId, NetworkError, NetworkFailure, NetworkOutcome, NetworkRecord, NetworkStep, RadioEvent,
};
use zeroize::Zeroizing;

use super::adding::Added;
use super::cleaning::{self, Cleaning};
use super::learning::Left;
use super::output::{NetworkOutput, Then};
use super::rebuilding::Rebuilt;
use super::records::{Member, UnderWay, awaited_record};
use super::removing::{Removed, TakingOut};
use super::securing::{Newcomer, Securing, Turn};
use super::{LEAVING, Network, Phase};
use crate::node::NodeId;
use crate::security::{SecurityClass, key_classes};

impl Network {
    pub(super) fn added(&mut self, now: Instant, added: Option<Added>) {
        let Some(process) = &mut self.process else { return };
        match added {
            None => {}
            Some(Added::No(error, None)) => self.finish(Err(error.into())),
            Some(Added::No(error, Some(node))) => self.clean_up(now, node, error),
            Some(Added::Yes(node, information)) => {
                let random = Zeroizing::new(self.random.generate());
                let label = process.label.clone().or_else(|| process.wanted.label.clone());
                let newcomer = Newcomer { node, information, label };
                let securing = Securing::new(now, newcomer, &process.wanted, &self.keys, &random, &mut self.out);
                process.phase = Phase::Securing(securing, node);
                self.replace(node);
                self.secure(now);
            }
        }
    }

    pub(super) fn secure(&mut self, now: Instant) {
        self.secure_turn(now, None);
    }

    /// Does what the exchange of keys wants.
    pub(super) fn secure_turn(&mut self, now: Instant, turn: Option<Turn>) {
        let Some(process) = &mut self.process else { return };
        let Phase::Securing(securing, node) = &mut process.phase else { return };
        let node = *node;
        match turn.or_else(|| securing.poll(&mut self.out)) {
            None => {}
            Some(Turn::Keep(classes)) => {
                if let Some(under_way) = &mut self.kept.under_way {
                    under_way.classes = key_classes(&classes).iter().map(|class| class.name().to_owned()).collect();
                }
                let record = UnderWay::record(self.kept.under_way.as_ref());
                self.out.push(NetworkOutput::Keep(record, Some(Then::GoOn)));
            }
            Some(Turn::Ended(Ok(classes))) => {
                let Some(stick) = &self.stick else { return };
                let label = securing.label();
                let member = Member::new(stick.home_id, node, process.wanted.name.clone(), &classes);
                let member = Member { label: label.filter(|_| !classes.is_empty()), ..member };
                self.out.push(NetworkOutput::Settled(node));
                self.out.push(NetworkOutput::Keep(member.record(node), Some(Then::GoOn)));
                self.kept.members.insert((stick.home_id, node), member);
                process.phase = Phase::Finishing(node, classes);
            }
            Some(Turn::Ended(Err(error))) => self.clean_up(now, node, error),
        }
    }

    /// The new node is kept: it may be used.
    pub(super) fn joined(&mut self, node: NodeId, classes: Vec<SecurityClass>) {
        let Some(process) = &self.process else { return };
        let granted = key_classes(&classes);
        if let Some(label) = process.label.clone() {
            self.kept.awaited.retain(|awaited| awaited.label != label);
            self.out.push(NetworkOutput::Keep(awaited_record(&self.kept.awaited), None));
            self.tell_awaited();
        }
        if let Some(stick) = &mut self.stick {
            stick.nodes.insert(node);
            if let Some(member) = self.kept.members.get(&(stick.home_id, node)) {
                self.out.event(RadioEvent::LockJoined(node.into(), member.joined()));
            }
        }
        self.out.push(NetworkOutput::Joined(node, classes));
        self.finish(Ok(NetworkOutcome::Included(node.into(), granted)));
    }

    /// It did not work, but the node is in the network.
    fn clean_up(&mut self, now: Instant, node: NodeId, error: NetworkError) {
        let Some(stick) = &mut self.stick else { return };
        stick.nodes.insert(node);
        let width = stick.width;
        let callbacks = [self.next_callback(), self.next_callback()];
        let Some(process) = &mut self.process else { return };
        let by_itself = process.label.is_some();
        let cleaning = Cleaning::new(now, node, error, by_itself, callbacks, width, &mut self.out);
        process.phase = Phase::Cleaning(cleaning);
    }

    pub(super) fn cleaned(&mut self, ended: Option<cleaning::Ended>) {
        let Some((node, error, gone)) = ended else { return };
        self.out.push(NetworkOutput::Settled(node));
        if gone {
            self.forget(node);
            return self.finish(Err(error.into()));
        }
        let name = self.process.as_ref().and_then(|process| process.wanted.name.clone());
        let reason = format!("adding it did not work ({error}), and it was not taken out");
        self.leave_over(node, name, reason.clone());
        self.out.event(RadioEvent::Leftover(node.into(), reason));
        self.finish(Err(NetworkFailure { error, leftover: Some(node.into()) }));
    }

    pub(super) fn leave_over(&mut self, node: NodeId, name: Option<String>, reason: String) {
        let Some(stick) = &self.stick else { return };
        let member = Member { leftover: Some(reason), ..Member::new(stick.home_id, node, name, &[]) };
        self.out.push(NetworkOutput::Keep(member.record(node), None));
        self.kept.members.insert((stick.home_id, node), member);
    }

    pub(super) fn removed(&mut self, removed: Option<Removed>) {
        match removed {
            None => {}
            Some(Ok(node)) => {
                let ours = node.filter(|node| self.stick.as_ref().is_some_and(|stick| stick.nodes.contains(node)));
                if let Some(node) = ours {
                    self.forget(node);
                }
                self.finish(Ok(NetworkOutcome::Excluded(ours.map(LockId::from))));
            }
            Some(Err(error)) => self.finish(Err(error.into())),
        }
    }

    /// A lock says that somebody has reset it. It has left once it does not answer any more, which the stick is to find out in
    /// a while: anybody could say so in the name of a lock without security.
    pub fn handle_reset(&mut self, now: Instant, node: NodeId) {
        let is_there = self.stick.as_ref().is_some_and(|stick| stick.nodes.contains(&node));
        if is_there {
            self.resets.insert(node, now + LEAVING);
        }
    }

    /// Has the stick take out the next of those that have left, if it is due and nothing else is under way.
    pub(super) fn take_out_reset(&mut self, now: Instant) {
        let due = self.resets.iter().find(|(_, at)| **at <= now).map(|(node, _)| *node);
        let Some(node) = due.filter(|_| self.process.is_none()) else { return };
        self.resets.remove(&node);
        let Some(width) = self.stick.as_ref().filter(|stick| stick.can_add).map(|stick| stick.width) else { return };
        let callback = self.next_callback();
        let taking = TakingOut::new(node, callback, width, &mut self.out);
        self.begin(None, Phase::TakingOut(taking));
    }

    /// A node is no longer there. Nothing happens for one that nobody knew.
    fn forget(&mut self, node: NodeId) {
        self.forget_record(node);
        let was_there = self.stick.as_mut().is_some_and(|stick| stick.nodes.remove(&node));
        if was_there {
            self.out.left(node);
        }
    }

    /// The number was another node's, in whose place there is a new one now: of its codes nothing is known.
    fn replace(&mut self, node: NodeId) {
        self.forget_record(node);
        if self.stick.as_mut().is_some_and(|stick| stick.nodes.remove(&node)) {
            self.out.push(NetworkOutput::Left(node));
            self.out.event(RadioEvent::Lock(node.into(), LockEvent::Reset));
        }
    }

    fn forget_record(&mut self, node: NodeId) {
        let Some(stick) = &self.stick else { return };
        if self.kept.members.remove(&(stick.home_id, node)).is_some() {
            let record = NetworkRecord { key: Member::key(stick.home_id, node), value: None };
            self.out.push(NetworkOutput::Keep(record, None));
        }
    }

    pub(super) fn rebuilt(&mut self, rebuilt: Option<Rebuilt>) {
        if let Some(rebuilt) = rebuilt {
            self.finish(rebuilt.map_err(NetworkFailure::from));
        }
    }

    pub(super) fn left_network(&mut self, left: Option<Left>) {
        match left {
            None => {}
            Some(Ok(())) => self.new_network(),
            Some(Err(error)) => self.finish(Err(error.into())),
        }
    }

    pub(super) fn new_network(&mut self) {
        let nodes: Vec<NodeId> = self.stick.iter().flat_map(|stick| stick.nodes.iter().copied()).collect();
        let own = self.stick.as_ref().map(|stick| stick.own);
        for node in nodes.into_iter().filter(|node| Some(*node) != own) {
            self.forget(node);
        }
        self.finish(Ok(NetworkOutcome::Reset));
        self.handle_lost();
        self.out.push(NetworkOutput::NewNetwork);
    }

    pub(super) fn finish(&mut self, result: Result<NetworkOutcome, NetworkFailure>) {
        let Some(process) = self.process.take() else { return };
        if self.kept.under_way.take().is_some() {
            self.out.push(NetworkOutput::Keep(UnderWay::record(None), None));
        }
        match (process.id, process.label, &result) {
            (Some(id), ..) => self.out.event(RadioEvent::NetworkDone(id, result)),
            (None, Some(label), Err(failure)) => {
                self.out.step(NetworkStep::SelfJoinFailed { label: label.shown(), error: failure.error });
            }
            (None, ..) => {}
        }
        self.idle();
    }
}
