//! Z-Wave Plus Info (0x5E) (Z-Wave Management Command Class Specification).

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x5E;

const GET: u8 = 0x01;
const REPORT: u8 = 0x02;

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZwavePlusCommand {
    /// What are you?
    Get,
    /// This.
    Report {
        /// Z-Wave Plus version.
        version: u8,
        /// Role type (5: always-on end node, 7: frequently listening end node, …).
        role: u8,
        /// Node type.
        node_type: u8,
        /// Icon that an installer is shown.
        installer_icon: u16,
        /// Icon that a user is shown.
        user_icon: u16,
    },
}

impl ZwavePlusCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Get => vec![CLASS, GET],
            Self::Report { version, role, node_type, installer_icon, user_icon } => {
                let icons = [installer_icon, user_icon].map(u16::to_be_bytes).concat();
                [&[CLASS, REPORT, version, role, node_type][..], &icons].concat()
            }
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
            GET => Ok(Self::Get),
            REPORT => Ok(Self::Report {
                version: reader.u8("Z-Wave Plus version")?,
                role: reader.u8("role type")?,
                node_type: reader.u8("node type")?,
                installer_icon: reader.u16_be("installer icon type")?,
                user_icon: reader.u16_be("user icon type")?,
            }),
            _ => Err(CcError::unknown(payload)),
        }
    }
}
