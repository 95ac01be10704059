//! What the network wants done, done: orders to the stick, questions to nodes, records, keys; and what came of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use keyway_lock::{NetworkRecord, Output, PersistId};
use zeroize::Zeroizing;

use super::ZwaveRadio;
use super::dialogue::Dialogue;
use crate::inclusion::{NetworkOutput, Seek, Then};
use crate::node::NodeId;
use crate::node::table::NodeRecord;
use crate::security::{SecurityClass, s0, s2};
use crate::serial_api::command::{Command, NodeIdWidth};
use crate::serial_api::session::{Completed, SendFailure, Ticket};
use crate::transport::exchange::{Awaits, Beginning, Question};
use crate::transport::queue::{AskId, Ended};

/// What the network has under way.
#[derive(Default)]
pub(super) struct Errands {
    /// Orders for the stick, and the one it has.
    orders: VecDeque<Command>,
    ordered: Option<(Ticket, Command)>,
    /// Questions to nodes.
    pub(super) asked: Vec<AskId>,
    /// The question about or to a node that nobody drives.
    sought: Option<AskId>,
    /// Records for which something waits.
    keeping: BTreeMap<PersistId, Then>,
}

impl ZwaveRadio {
    /// Does what the network wants. False: nothing.
    pub(super) fn drain_network(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while let Some(output) = self.network.poll() {
            moved = true;
            match output {
                NetworkOutput::Stick(command) => {
                    self.errands.orders.push_back(command);
                    self.queue.set_pressed(true);
                }
                NetworkOutput::Node(node, question) => self.errands.asked.push(self.queue.ask(node, question)),
                NetworkOutput::Seek(node, what) => self.errands.sought = Some(self.seek(node, what)),
                NetworkOutput::Keep(record, then) => {
                    self.records.retain(|kept| kept.key != record.key);
                    self.records.push(record.clone());
                    let id = self.persist(record);
                    self.errands.keeping.extend(then.map(|then| (id, then)));
                }
                NetworkOutput::Event(event) => self.outputs.push_back(Output::Event(event)),
                NetworkOutput::Joined(node, classes) => {
                    self.forget_known(node);
                    self.drive(node, classes);
                    // One that sleeps has not yet begun to.
                    self.queue.handle_woken(now, node);
                    self.begin(now, node);
                }
                NetworkOutput::Left(node) => {
                    self.leave_off(node);
                    if let Some(secured) = &mut self.secured {
                        secured.security.remove_peer(node);
                    }
                }
                NetworkOutput::NewKeys => {
                    self.give_up();
                    self.secured = None;
                    self.session.identify_again(now);
                }
                NetworkOutput::NewNetwork => {
                    self.keeper.handle_new_network();
                    self.session.identify_again(now);
                }
                NetworkOutput::Expect(_)
                | NetworkOutput::TemporaryKey(..)
                | NetworkOutput::ZeroKey(_)
                | NetworkOutput::Settled(_) => self.change_keys(now, output),
            }
        }
        moved
    }

    fn seek(&mut self, node: NodeId, what: Seek) -> AskId {
        let (class, beamed) = match what {
            Seek::What => {
                let width = self.session.stick().map_or(NodeIdWidth::Bits8, |stick| stick.node_id_width);
                return self.queue.ask_stick(node, Command::node_protocol_info(node, width));
            }
            Seek::Under(class, beamed) => (class, beamed),
        };
        if let Some(secured) = &mut self.secured {
            secured.security.s2.add_peer(node, &[class]);
        }
        self.queue.set_beamed(node, beamed);
        let (command, report) = match class {
            SecurityClass::S0 => {
                (s0::COMMANDS_SUPPORTED_GET, Beginning::from(s0::COMMANDS_SUPPORTED_REPORT).with_follow(2))
            }
            _ => (s2::COMMANDS_SUPPORTED_GET, Beginning::from(s2::COMMANDS_SUPPORTED_REPORT)),
        };
        let command = Zeroizing::new(command.to_vec());
        self.queue.ask(node, Question { command, level: Some(class), awaits: Awaits::Report(report) })
    }

    fn change_keys(&mut self, now: Instant, output: NetworkOutput) {
        let Some(secured) = &mut self.secured else { return };
        let security = &mut secured.security;
        match output {
            NetworkOutput::Expect(node) => security.s2.expect_peer(node),
            NetworkOutput::TemporaryKey(node, keys, classes) => {
                let events = security.s2.set_temporary_key(node, keys, &classes);
                let incoming = self.receiver.handle_opened(now, security, node, events);
                self.handle_incoming(now, incoming);
            }
            NetworkOutput::ZeroKey(node) => {
                if let Some(s0) = &mut security.s0 {
                    s0.set_joining(node);
                }
            }
            NetworkOutput::Settled(node) => security.remove_peer(node),
            _ => {}
        }
    }

    /// Hands the stick the next order of the network. False: there is none.
    pub(super) fn order(&mut self, now: Instant) -> bool {
        let Some(command) = self.errands.orders.pop_front() else { return false };
        self.queue.set_pressed(!self.errands.orders.is_empty());
        let ticket = self.session.submit(now, command.clone());
        self.errands.ordered = Some((ticket, command));
        true
    }

    /// An order has ended. False: it was not the network's.
    pub(super) fn ordered(&mut self, now: Instant, ticket: Ticket, result: &Result<Completed, SendFailure>) -> bool {
        let Some((_, command)) = self.errands.ordered.take_if(|(ordered, _)| *ordered == ticket) else { return false };
        let taken = match result {
            Ok(Completed::Response(response)) => command.is_taken(response),
            Ok(_) | Err(SendFailure::AnswerLost) => true,
            Err(_) => false,
        };
        if !command.is_stop() && !taken {
            self.network.handle_refused(now);
        }
        true
    }

    /// A question has ended: given back if it was not the network's.
    pub(super) fn network_asked(&mut self, now: Instant, id: AskId, ended: Ended) -> Option<Ended> {
        if self.errands.sought.take_if(|sought| *sought == id).is_some() {
            self.network.handle_sought(now, &ended);
            return None;
        }
        let before = self.errands.asked.len();
        self.errands.asked.retain(|asked| *asked != id);
        if self.errands.asked.len() == before {
            return Some(ended);
        }
        self.network.handle_asked(now, matches!(ended, Ended::Node(Ok(_))));
        None
    }

    /// A record is kept. False: nothing of the network waited for it.
    pub(super) fn network_kept(&mut self, now: Instant, id: PersistId) -> bool {
        let then = self.errands.keeping.remove(&id);
        if let Some(then) = then {
            self.network.handle_kept(now, then);
        }
        then.is_some()
    }

    /// The stick is gone or restarted, and with it what the network had under way.
    pub(super) fn network_lost(&mut self) {
        let answers = std::mem::take(&mut self.errands).keeping.into_iter().filter(|(_, then)| *then != Then::GoOn);
        self.errands.keeping = answers.collect();
        self.queue.set_pressed(false);
        self.network.handle_lost();
        while let Some(output) = self.network.poll() {
            match output {
                NetworkOutput::Event(event) => self.outputs.push_back(Output::Event(event)),
                NetworkOutput::Keep(record, _) => _ = self.persist(record),
                _ => {}
            }
        }
    }

    /// Drives the locks that were added to this network here, and none of another.
    pub(super) fn drive_members(&mut self, home_id: u32) {
        let members: BTreeMap<NodeId, Vec<SecurityClass>> = self.network.members(home_id).collect();
        let driven = |node: &NodeId| self.given.contains_key(node) || members.contains_key(node);
        let others: Vec<NodeId> = self.locks.iter().map(|(node, _)| node).filter(|node| !driven(node)).collect();
        for node in others {
            self.leave_off(node);
        }
        for (node, granted) in members {
            if !self.locks.contains(&node) {
                self.drive(node, granted);
            }
        }
    }

    /// A lock is driven no more: what was asked of it is answered. What the network itself has to say to the node goes on:
    /// one that is let in without keys is told so while it becomes a lock like others.
    fn leave_off(&mut self, node: NodeId) {
        if let Some(mut lock) = self.locks.remove(&node) {
            lock.dismissed();
            lock.take_told().into_iter().for_each(|told| self.tell_of(node, told));
        }
        self.queue.forget(node, &self.errands.asked);
    }

    /// Begins to drive a lock, with what is known of it; in place of the one that had its number.
    pub(super) fn drive(&mut self, node: NodeId, mut granted: Vec<SecurityClass>) {
        self.leave_off(node);
        granted.sort_unstable();
        let known = [NodeRecord::key(node), NodeRecord::draft_key(node)].map(|key| {
            let record = self.records.iter().find(|record| record.key == key);
            record.and_then(|record| NodeRecord::from_record(record.value.as_ref()?, &granted))
        });
        if let Some(secured) = &mut self.secured {
            secured.security.s2.add_peer(node, &granted);
        }
        self.locks.insert(node, Dialogue::new(node, granted, known, Arc::clone(&self.quirks), self.clock));
    }

    /// A new lock has this number: what was found out about the one before it is void.
    fn forget_known(&mut self, node: NodeId) {
        for key in [NodeRecord::key(node), NodeRecord::draft_key(node)] {
            self.records.retain(|record| record.key != key);
            self.persist(NetworkRecord { key, value: None });
        }
    }

    fn begin(&mut self, now: Instant, node: NodeId) {
        if let (Some(lock), Some(stick)) = (self.locks.get_mut(&node), self.session.stick()) {
            lock.begin_new(now, stick);
        }
    }
}
