//! What the hub asks of the network, taken up.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use keyway_lock::{
    Awaited, CommandId, DeviceLabel, Grant, Include, LockId, NetworkCommand, NetworkError, NetworkOutcome, NetworkStep,
    RadioEvent,
};

use super::adding::Want;
use super::learning::Learning;
use super::output::{NetworkOutput, Then};
use super::rebuilding::{Means, Rebuilding};
use super::records::{UnderWay, awaited_record};
use super::removing::{Removing, TakingOut};
use super::{EXCLUDE, Network, Phase, Process, RESET};
use crate::node::NodeId;
use crate::serial_api::command::Command;

impl Network {
    /// The hub asks something.
    pub fn handle_command(&mut self, now: Instant, id: CommandId, command: NetworkCommand) {
        let Some(stick) = &self.stick else { return self.answer(id, Err(NetworkError::StickGone)) };
        let begins = !matches!(command, NetworkCommand::Grant(_) | NetworkCommand::Confirm(_) | NetworkCommand::Cancel);
        if begins && !stick.can_add {
            return self.answer(id, Err(NetworkError::NotSupported("its firmware has no such function")));
        }
        let known = |lock: LockId| {
            let node = u16::try_from(lock.0).ok().and_then(NodeId::new);
            node.filter(|node| *node != stick.own && stick.nodes.contains(node)).ok_or(NetworkError::NoSuchDevice)
        };
        match command {
            NetworkCommand::Grant(grant) => self.handle_grant(now, id, &grant),
            NetworkCommand::Confirm(pin) => {
                let taken = match self.process.as_mut().map(|process| &mut process.phase) {
                    Some(Phase::Securing(securing, _)) => securing.confirm(now, &pin),
                    _ => false,
                };
                self.answer(id, if taken { Ok(NetworkOutcome::Done) } else { Err(NetworkError::NotAsked) });
                self.secure(now);
            }
            NetworkCommand::Cancel => self.cancel(now, id),
            NetworkCommand::Await(awaited) => self.wait_for(id, awaited),
            NetworkCommand::Forget(label) => self.forget_label(id, &label),
            _ if self.process.is_some() => self.answer(id, Err(NetworkError::Busy)),
            NetworkCommand::TakeKeys(keys) => self.take_keys(id, &keys),
            NetworkCommand::Include(wanted) => {
                let want = Want::Any { network_wide: wanted.network_wide };
                self.note(Some(id), wanted, None, want);
            }
            NetworkCommand::ReplaceFailed(lock, wanted) => match known(lock) {
                Ok(node) => self.note(Some(id), wanted, None, Want::Replace(node)),
                Err(error) => self.answer(id, Err(error)),
            },
            NetworkCommand::Exclude => {
                let callback = self.next_callback();
                let removing = Removing::new(now, callback, EXCLUDE, NetworkStep::Ready, &mut self.out);
                self.begin(Some(id), Phase::Excluding(removing));
            }
            NetworkCommand::RemoveFailed(lock) => match known(lock) {
                Ok(node) => {
                    let (width, callback) = (stick.width, self.next_callback());
                    let taking = TakingOut::new(node, callback, width, &mut self.out);
                    self.begin(Some(id), Phase::TakingOut(taking));
                }
                Err(error) => self.answer(id, Err(error)),
            },
            NetworkCommand::RebuildRoutes(None) => self.rebuild(now, id, None),
            NetworkCommand::RebuildRoutes(Some(lock)) => match known(lock) {
                Ok(node) => self.rebuild(now, id, Some(node)),
                Err(error) => self.answer(id, Err(error)),
            },
            NetworkCommand::Leave { network } => {
                if network != format!("{:08x}", stick.home_id) {
                    return self.answer(id, Err(NetworkError::WrongNetwork));
                }
                if !stick.can_learn {
                    return self.answer(id, Err(NetworkError::NotSupported("it has no learn mode")));
                }
                let callback = self.next_callback();
                let learning = Learning::new(now, callback, &mut self.out);
                self.begin(Some(id), Phase::Learning(learning));
            }
            NetworkCommand::Reset { network } => {
                if network != format!("{:08x}", stick.home_id) {
                    return self.answer(id, Err(NetworkError::WrongNetwork));
                }
                let callback = self.next_callback();
                self.out.stick(Command::set_default(callback));
                self.begin(Some(id), Phase::Resetting { callback, until: now + RESET });
            }
        }
    }

    /// The routes of one node, or of all that have any: those over Long Range speak to the stick itself.
    fn rebuild(&mut self, now: Instant, id: CommandId, only: Option<NodeId>) {
        let Some(stick) = &self.stick else { return };
        let Some(back) = stick.back else {
            return self.answer(id, Err(NetworkError::NotSupported("its firmware does not rebuild routes")));
        };
        if only.is_some_and(NodeId::is_long_range) {
            let why = "a device over Long Range speaks to the stick itself, and has no routes";
            return self.answer(id, Err(NetworkError::NotSupported(why)));
        }
        let routed = stick.nodes.iter().copied().filter(|node| *node != stick.own && !node.is_long_range());
        let mut routed: VecDeque<NodeId> = routed.collect();
        let nodes = u32::try_from(routed.len()).unwrap_or(u32::MAX);
        let means = Means { own: stick.own, width: stick.width, back, nodes };
        let (first, waiting) = match only {
            Some(node) => (Some(node), None),
            None => (routed.pop_front(), Some(routed)),
        };
        let Some(first) = first else {
            return self.answer(id, Ok(NetworkOutcome::RoutesRebuilt(None, BTreeSet::new())));
        };
        let rebuilding = Rebuilding::new(now, means, first, waiting, &mut self.callback, &mut self.out);
        self.begin(Some(id), Phase::Rebuilding(rebuilding));
    }

    pub(super) fn begin(&mut self, id: Option<CommandId>, phase: Phase) {
        self.listening = false;
        self.process = Some(Process { id, wanted: Include::default(), label: None, phase });
    }

    /// Something is about to join: that is kept first, so that a crash leaves nothing unknown.
    pub(super) fn note(&mut self, id: Option<CommandId>, wanted: Include, label: Option<DeviceLabel>, want: Want) {
        let Some(stick) = &self.stick else { return };
        let under_way = UnderWay {
            home_id: stick.home_id,
            before: stick.nodes.iter().map(|node| node.get()).collect(),
            name: wanted.name.clone(),
            classes: Vec::new(),
        };
        self.out.push(NetworkOutput::Keep(UnderWay::record(Some(&under_way)), Some(Then::GoOn)));
        self.kept.under_way = Some(under_way);
        self.begin(id, Phase::Noting(want));
        if let Some(process) = &mut self.process {
            (process.wanted, process.label) = (wanted, label);
        }
    }

    fn handle_grant(&mut self, now: Instant, id: CommandId, grant: &Grant) {
        let turn = match self.process.as_mut().map(|process| &mut process.phase) {
            Some(Phase::Securing(securing, _)) => securing.grant(grant),
            _ => None,
        };
        match turn {
            Some(turn) => {
                self.answer(id, Ok(NetworkOutcome::Done));
                self.secure_turn(now, turn);
            }
            None => self.answer(id, Err(NetworkError::NotAsked)),
        }
    }

    fn cancel(&mut self, now: Instant, id: CommandId) {
        let Some(process) = &mut self.process else { return self.answer(id, Err(NetworkError::NotAsked)) };
        match &mut process.phase {
            Phase::Noting(_) => self.finish(Err(NetworkError::Cancelled.into())),
            Phase::Adding(adding) => {
                let added = adding.cancel(&mut self.out);
                self.added(now, added);
            }
            Phase::Securing(securing, _) => {
                let turn = securing.cancel();
                self.secure_turn(now, turn);
            }
            Phase::Cleaning(cleaning) => {
                let ended = cleaning.cancel(&mut self.out);
                self.cleaned(ended);
            }
            Phase::Excluding(removing) => {
                let removed = removing.cancel(&mut self.out);
                self.removed(removed);
            }
            Phase::Rebuilding(rebuilding) => {
                let rebuilt = rebuilding.cancel();
                self.rebuilt(rebuilt);
            }
            Phase::Learning(learning) => {
                let left = learning.cancel(&mut self.out);
                self.left_network(left);
            }
            // These end by themselves, soon.
            Phase::Finishing(..) | Phase::TakingOut(_) | Phase::Resetting { .. } => {}
        }
        self.answer(id, Ok(NetworkOutcome::Done));
    }

    fn wait_for(&mut self, id: CommandId, awaited: Awaited) {
        self.kept.awaited.retain(|other| other.label != awaited.label);
        self.kept.awaited.push(awaited);
        self.out.push(NetworkOutput::Keep(awaited_record(&self.kept.awaited), Some(Then::Answer(id))));
        self.tell_awaited();
        self.listen();
    }

    fn forget_label(&mut self, id: CommandId, label: &str) {
        let before = self.kept.awaited.len();
        self.kept.awaited.retain(|awaited| awaited.label.shown() != label);
        if self.kept.awaited.len() == before {
            return self.answer(id, Err(NetworkError::NoSuchDevice));
        }
        self.out.push(NetworkOutput::Keep(awaited_record(&self.kept.awaited), Some(Then::Answer(id))));
        self.tell_awaited();
        if self.kept.awaited.is_empty() && std::mem::take(&mut self.listening) {
            self.out.stick(Command::add_node_stop(0));
        }
    }

    pub(super) fn tell_awaited(&mut self) {
        let shown = self.kept.awaited.iter().map(|awaited| (awaited.label.shown(), awaited.name.clone()));
        self.out.event(RadioEvent::Awaited(shown.collect()));
    }

    /// Lets the stick listen for awaited devices while nothing else is under way.
    pub(super) fn listen(&mut self) {
        let can = self.stick.as_ref().is_some_and(|stick| stick.can_add);
        if can && self.process.is_none() && !self.listening && !self.kept.awaited.is_empty() {
            self.listening = true;
            self.out.stick(Command::smart_start_listen());
        }
    }
}
