//! Association (0x85) (Z-Wave Management Command Class Specification): here for the lifeline, group 1.

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x85;
/// The group to which a node reports what it has to tell.
pub const LIFELINE: u8 = 1;

const SET: u8 = 0x01;
const GET: u8 = 0x02;
const REPORT: u8 = 0x03;

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
        /// Which nodes.
        nodes: Vec<u8>,
    },
}

impl AssociationCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Set { group, nodes } => [&[CLASS, SET, *group][..], nodes].concat(),
            Self::Get(group) => vec![CLASS, GET, *group],
            Self::Report { group, max, more, nodes } => [&[CLASS, REPORT, *group, *max, *more][..], nodes].concat(),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        match command {
            SET => Ok(Self::Set { group: reader.u8("grouping identifier")?, nodes: reader.rest().to_vec() }),
            GET => Ok(Self::Get(reader.u8("grouping identifier")?)),
            REPORT => Ok(Self::Report {
                group: reader.u8("grouping identifier")?,
                max: reader.u8("max nodes supported")?,
                more: reader.u8("reports to follow")?,
                nodes: reader.rest().to_vec(),
            }),
            _ => Err(CcError::unknown(payload)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lifeline_is_set_and_read() {
        let set = AssociationCommand::Set { group: LIFELINE, nodes: vec![1] };
        assert_eq!(set.encode(), [0x85, 0x01, 1, 1]);
        let report = AssociationCommand::decode(&[0x85, 0x03, 1, 5, 0, 1]).unwrap();
        assert_eq!(report, AssociationCommand::Report { group: 1, max: 5, more: 0, nodes: vec![1] });
    }
}
