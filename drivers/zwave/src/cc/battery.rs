//! Battery (0x80), versions 1 to 3 (Z-Wave Management Command Class Specification, "Battery Command Class").

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x80;
/// Highest version spoken here; later versions only add fields behind.
pub const VERSION: u8 = 1;

const GET: u8 = 0x02;
const REPORT: u8 = 0x03;

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatteryCommand {
    /// How full are you?
    Get,
    /// So.
    Report {
        /// 0 to 100; `None` when the node only warns, or says nothing that could be.
        percent: Option<u8>,
        /// 0xFF: the node warns.
        low: bool,
    },
}

impl BatteryCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Get => vec![CLASS, GET],
            Self::Report { low: true, .. } => vec![CLASS, REPORT, 0xFF],
            Self::Report { percent, .. } => vec![CLASS, REPORT, percent.unwrap_or(0)],
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        match command {
            GET => Ok(Self::Get),
            REPORT => Ok(match Reader::new(parameters).u8("battery level")? {
                0xFF => Self::Report { percent: None, low: true },
                level => Self::Report { percent: (level <= 100).then_some(level), low: false },
            }),
            _ => Err(CcError::unknown(payload)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_has_no_level_and_more_than_full_is_never_believed() {
        let report = |level| BatteryCommand::decode(&[0x80, 0x03, level]).unwrap();
        assert_eq!(report(87), BatteryCommand::Report { percent: Some(87), low: false });
        assert_eq!(report(0xFF), BatteryCommand::Report { percent: None, low: true });
        assert_eq!(report(200), BatteryCommand::Report { percent: None, low: false });
        assert_eq!(BatteryCommand::decode(&[0x80, 0x03, 87, 0, 0]).unwrap(), report(87));
    }
}
