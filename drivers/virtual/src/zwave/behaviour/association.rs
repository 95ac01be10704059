//! Association or Multi Channel Association: one group, the lifeline.

use keyway_zwave::cc::association::{AssociationCommand, Kind, LIFELINE};

pub(super) use keyway_zwave::cc::association::{CLASS, MULTI_CHANNEL_CLASS};

use super::{Lock, Reaction};

/// Nodes that fit into the lifeline.
const MAX_NODES: u8 = 5;

const REMOVE: u8 = 0x04;
const GROUPINGS_GET: u8 = 0x05;
const GROUPINGS_REPORT: u8 = 0x06;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let kind = kind(lock);
    match command {
        [class, ..] if *class != kind.class() => return None,
        [_, GROUPINGS_GET] => return Some(Reaction::Answer(vec![kind.class(), GROUPINGS_REPORT, 1])),
        [_, REMOVE, 0 | LIFELINE, nodes @ ..] => {
            lock.lifeline.retain(|node| !nodes.is_empty() && !nodes.contains(node));
            return Some(Reaction::Done);
        }
        _ => {}
    }
    match AssociationCommand::decode(command).ok()? {
        AssociationCommand::Set { group: LIFELINE, nodes } => {
            let room = usize::from(MAX_NODES).saturating_sub(lock.lifeline.len());
            lock.lifeline.extend(nodes.into_iter().take(room));
            Some(Reaction::Done)
        }
        AssociationCommand::Set { .. } => Some(Reaction::Refused),
        // Asked for a group that is not there, a node tells of group 1.
        AssociationCommand::Get(_) => {
            let nodes = lock.lifeline.iter().copied().collect();
            let report = AssociationCommand::Report { group: LIFELINE, max: MAX_NODES, more: 0, nodes };
            Some(Reaction::Answer(report.encode(kind)))
        }
        AssociationCommand::Report { .. } => None,
    }
}

/// By which class it is associated.
pub(super) fn kind(lock: &Lock) -> Kind {
    if lock.setup.multi_channel_association { Kind::MultiChannel } else { Kind::Plain }
}
