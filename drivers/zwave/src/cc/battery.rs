//! Battery (0x80), versions 1 to 3 (Z-Wave Management Command Class Specification, "Battery Command Class").

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x80;
/// Highest version spoken here.
pub const VERSION: u8 = 3;

const GET: u8 = 0x02;
const REPORT: u8 = 0x03;
/// From version 2 on: replace or recharge it soon (0x01), now (0x03).
const REPLACE: u8 = 0x03;

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatteryCommand {
    /// How full are you?
    Get,
    /// So.
    Report {
        /// 0 to 100; `None` when the node only warns, or says nothing that could be.
        percent: Option<u8>,
        /// The node warns: by the level 0xFF, or from version 2 on by asking for a new or recharged battery.
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
            REPORT => {
                let mut reader = Reader::new(parameters);
                let level = reader.u8("battery level")?;
                // Version 1 ends here.
                let low = level == 0xFF || reader.u8("charging and replacement").unwrap_or(0) & REPLACE != 0;
                Ok(Self::Report { percent: (level <= 100).then_some(level), low })
            }
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

    #[test]
    fn from_version_2_on_a_battery_to_be_replaced_is_low_whatever_its_level() {
        let report = |flags| BatteryCommand::decode(&[0x80, 0x03, 40, flags, 0]).unwrap();
        let low = |low| BatteryCommand::Report { percent: Some(40), low };
        assert_eq!([report(0x01), report(0x03)], [low(true), low(true)]);
        // Discharging, rechargeable, a backup, too hot, low on fluid.
        assert_eq!(report(0x3C), low(false));
    }
}
