//! Association (0x85) and Multi Channel Association (0x8E) (Z-Wave Management Command Class Specification): here for the
//! lifeline, group 1. As long as no end points are associated, both say the same in the same bytes.

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id of Association.
pub const CLASS: u8 = 0x85;
/// Class id of Multi Channel Association.
pub const MULTI_CHANNEL_CLASS: u8 = 0x8E;
/// The group to which a node reports what it has to tell.
pub const LIFELINE: u8 = 1;
/// Command id of the report.
pub const REPORT: u8 = 0x03;

const SET: u8 = 0x01;
const GET: u8 = 0x02;
/// Multi Channel Association: behind it come pairs of node and end point.
const MARKER: u8 = 0x00;

/// Which of the two classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Association.
    Plain,
    /// Multi Channel Association.
    MultiChannel,
}

impl Kind {
    /// Class id.
    pub fn class(self) -> u8 {
        match self {
            Self::Plain => CLASS,
            Self::MultiChannel => MULTI_CHANNEL_CLASS,
        }
    }
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssociationCommand {
    /// Adds nodes to a group. Classic node ids only.
    Set {
        /// Which group.
        group: u8,
        /// Which nodes.
        nodes: Vec<u8>,
    },
    /// Who is in a group?
    Get(u8),
    /// These.
    Report {
        /// Which group.
        group: u8,
        /// How many fit.
        max: u8,
        /// How many more reports follow.
        more: u8,
        /// Which nodes, as a whole (end point 0).
        nodes: Vec<u8>,
    },
}

impl AssociationCommand {
    /// The whole payload.
    pub fn encode(&self, kind: Kind) -> Vec<u8> {
        let class = kind.class();
        match self {
            Self::Set { group, nodes } => [&[class, SET, *group][..], nodes].concat(),
            Self::Get(group) => vec![class, GET, *group],
            Self::Report { group, max, more, nodes } => [&[class, REPORT, *group, *max, *more][..], nodes].concat(),
        }
    }

    /// Reads a payload of either class.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload).or_else(|_| command_of(MULTI_CHANNEL_CLASS, payload))?;
        let mut reader = Reader::new(parameters);
        match command {
            SET => Ok(Self::Set { group: reader.u8("grouping identifier")?, nodes: nodes(reader.rest()) }),
            GET => Ok(Self::Get(reader.u8("grouping identifier")?)),
            REPORT => Ok(Self::Report {
                group: reader.u8("grouping identifier")?,
                max: reader.u8("max nodes supported")?,
                more: reader.u8("reports to follow")?,
                nodes: nodes(reader.rest()),
            }),
            _ => Err(CcError::unknown(payload)),
        }
    }
}

/// The nodes of a list, and those of the pairs behind the marker whose end point is 0. No node has the marker's number.
fn nodes(list: &[u8]) -> Vec<u8> {
    let mut parts = list.splitn(2, |byte| *byte == MARKER);
    let mut nodes = parts.next().unwrap_or_default().to_vec();
    let pairs = parts.next().unwrap_or_default().chunks_exact(2);
    // The highest bit says that the end point is a bit mask, which has none for 0.
    nodes.extend(pairs.filter(|pair| pair[0] != MARKER && pair[1] == 0).map(|pair| pair[0]));
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lifeline_is_set_and_read() {
        let set = AssociationCommand::Set { group: LIFELINE, nodes: vec![1] };
        assert_eq!(set.encode(Kind::Plain), [0x85, 0x01, 1, 1]);
        assert_eq!(set.encode(Kind::MultiChannel), [0x8E, 0x01, 1, 1]);
        let report = AssociationCommand::decode(&[0x85, 0x03, 1, 5, 0, 1]).unwrap();
        assert_eq!(report, AssociationCommand::Report { group: 1, max: 5, more: 0, nodes: vec![1] });
    }

    #[test]
    fn a_node_in_the_lifeline_by_its_root_end_point_is_in_it() {
        let nodes = |list: &[u8]| match AssociationCommand::decode(&[&[0x8E, 0x03, 1, 5, 0][..], list].concat()) {
            Ok(AssociationCommand::Report { nodes, .. }) => nodes,
            other => panic!("{other:?}"),
        };
        assert_eq!(nodes(&[7, 0, 1, 0, 9, 2]), [7, 1]);
        assert_eq!(nodes(&[0, 1, 0x81]), [0; 0]);
        assert_eq!(nodes(&[7, 0, 0, 0]), [7], "there is no node 0");
    }
}
