//! Version (0x86), versions 1 to 3 (Z-Wave Management Command Class Specification, "Version Command Class").

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x86;

const GET: u8 = 0x11;
const REPORT: u8 = 0x12;
const COMMAND_CLASS_GET: u8 = 0x13;
const COMMAND_CLASS_REPORT: u8 = 0x14;

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionCommand {
    /// Which firmware?
    Get,
    /// This; what version 2 adds is passed over.
    Report {
        /// Library type.
        library: u8,
        /// Protocol version and sub-version.
        protocol: (u8, u8),
        /// Firmware version and sub-version.
        firmware: (u8, u8),
    },
    /// Which version of a class?
    CommandClassGet(u8),
    /// This; 0: not supported.
    CommandClassReport {
        /// Which class.
        class: u8,
        /// Its version.
        version: u8,
    },
}

impl VersionCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Get => vec![CLASS, GET],
            Self::Report { library, protocol, firmware } => {
                vec![CLASS, REPORT, library, protocol.0, protocol.1, firmware.0, firmware.1]
            }
            Self::CommandClassGet(class) => vec![CLASS, COMMAND_CLASS_GET, class],
            Self::CommandClassReport { class, version } => vec![CLASS, COMMAND_CLASS_REPORT, class, version],
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        Ok(match command {
            GET => Self::Get,
            REPORT => {
                let library = reader.u8("library type")?;
                let [major, minor] = reader.array("protocol version")?;
                let [firmware, sub] = reader.array("firmware version")?;
                Self::Report { library, protocol: (major, minor), firmware: (firmware, sub) }
            }
            COMMAND_CLASS_GET => Self::CommandClassGet(reader.u8("command class")?),
            COMMAND_CLASS_REPORT => Self::CommandClassReport {
                class: reader.u8("command class")?,
                version: reader.u8("command class version")?,
            },
            _ => return Err(CcError::unknown(payload)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_2_report_is_read_up_to_what_version_1_has() {
        let report = VersionCommand::decode(&[0x86, 0x12, 3, 7, 18, 1, 8, 0xFF, 0]).unwrap();
        assert_eq!(report, VersionCommand::Report { library: 3, protocol: (7, 18), firmware: (1, 8) });
    }
}
