//! Association: one group, the lifeline.

use keyway_zwave::cc::association::{AssociationCommand, LIFELINE};

pub(super) use keyway_zwave::cc::association::CLASS;

use super::{Lock, Reaction};

/// Nodes that fit into the lifeline.
const MAX_NODES: u8 = 5;

const REMOVE: u8 = 0x04;
const GROUPINGS_GET: u8 = 0x05;
const GROUPINGS_REPORT: u8 = 0x06;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    match command {
        [_, GROUPINGS_GET] => return Some(Reaction::Answer(vec![CLASS, GROUPINGS_REPORT, 1])),
        [_, REMOVE, 0 | LIFELINE, nodes @ ..] => {
            lock.lifeline.retain(|node| !nodes.is_empty() && !nodes.contains(node));
            return Some(Reaction::Done);
        }
        _ => {}
    }
    match AssociationCommand::decode(command).ok()? {
        AssociationCommand::Set { group: LIFELINE, nodes } => {
            lock.lifeline.extend(nodes.into_iter().take(MAX_NODES.into()));
            Some(Reaction::Done)
        }
        AssociationCommand::Set { .. } => Some(Reaction::Refused),
        // Asked for a group that is not there, a node tells of group 1.
        AssociationCommand::Get(_) => {
            let nodes = lock.lifeline.iter().copied().collect();
            let report = AssociationCommand::Report { group: LIFELINE, max: MAX_NODES, more: 0, nodes };
            Some(Reaction::Answer(report.encode()))
        }
        AssociationCommand::Report { .. } => None,
    }
}
