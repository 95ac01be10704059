//! That the node reports to this controller: asked, set where it does not, and asked again whether that was taken. Long
//! Range nodes report to the controller without.

use super::stage::{About, Heard, InterviewAsk, LEARNED, Reply, Stage};
use crate::cc::association::{self, AssociationCommand, Kind};
use crate::node::table::NodeRecord;
use crate::transport::exchange::Beginning;

pub(super) const LIFELINE: Stage = Stage { name: "lifeline association", ask: first, learn };

fn first(record: &NodeRecord, about: &About) -> Vec<InterviewAsk> {
    let kind = association_of(record).filter(|_| !about.node.is_long_range() && !record.lifeline);
    kind.map(members).into_iter().collect()
}

fn learn(record: &mut NodeRecord, about: &About, heard: &Heard<'_>) -> Option<Vec<InterviewAsk>> {
    let kind = association_of(record)?;
    let nodes = match &heard.answer {
        Reply::Delivered => return Some(vec![members(kind)]),
        Reply::Report(report) => match AssociationCommand::decode(report).ok()? {
            AssociationCommand::Report { nodes, .. } => nodes,
            _ => return None,
        },
        Reply::Stick(_) => return None,
    };
    record.lifeline = nodes.iter().any(|node| u16::from(*node) == about.own.get());
    match heard.turn {
        _ if record.lifeline => LEARNED,
        0 => {
            let nodes = vec![u8::try_from(about.own.get()).ok()?];
            let set = AssociationCommand::Set { group: association::LIFELINE, nodes }.encode(kind);
            Some(vec![InterviewAsk::delivery(set)])
        }
        // Set, and not taken.
        _ => None,
    }
}

/// Who is in its lifeline.
fn members(kind: Kind) -> InterviewAsk {
    let report = Beginning::from([kind.class(), association::REPORT, association::LIFELINE]).with_follow(4);
    InterviewAsk::report(AssociationCommand::Get(association::LIFELINE).encode(kind), report)
}

/// By which class a node is associated; `None`: it knows neither.
fn association_of(record: &NodeRecord) -> Option<Kind> {
    [Kind::Plain, Kind::MultiChannel].into_iter().find(|kind| record.supports(kind.class()))
}
