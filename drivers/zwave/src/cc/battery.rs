//! Battery (0x80), versions 1 to 3 (Z-Wave Management Command Class Specification, "Battery Command Class").

use keyway_lock::wire::Reader;
use keyway_lock::{BatteryDetails, Charging, Replace};

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x80;
/// Highest version spoken here.
pub const VERSION: u8 = 3;

const GET: u8 = 0x02;
/// Command id of the report.
pub const REPORT: u8 = 0x03;
const HEALTH_GET: u8 = 0x04;
/// Command id of the report about its health.
pub const HEALTH_REPORT: u8 = 0x05;
/// From version 2 on: replace or recharge it soon (0x01), now (0x03).
const REPLACE: u8 = 0x03;
/// The others of that byte: what becomes of the charge stands in the two highest bits.
const RECHARGEABLE: u8 = 0x20;
const BACKUP: u8 = 0x10;
const OVERHEATING: u8 = 0x08;
const LOW_FLUID: u8 = 0x04;
/// Of the byte behind it; the second from version 3 on.
const DISCONNECTED: u8 = 0x01;
const COLD: u8 = 0x02;
/// A level that no battery has, and that is no warning.
const UNKNOWN: u8 = 0xFE;

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
        /// What version 2 and 3 add.
        details: Option<BatteryDetails>,
    },
    /// How is your battery after all those years? (version 2)
    HealthGet,
    /// So: what it holds when it is full, 0 to 100 per cent of what it did when it was new; `None`: not known. (version 2)
    HealthReport(Option<u8>),
}

impl BatteryCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Get => vec![CLASS, GET],
            Self::Report { percent, low, details } => {
                let warns = *low && (details.is_none() || percent.is_none());
                let level = if warns { 0xFF } else { percent.unwrap_or(UNKNOWN) };
                let mut bytes = vec![CLASS, REPORT, level];
                bytes.extend(details.iter().flat_map(flags_of));
                bytes
            }
            Self::HealthGet => vec![CLASS, HEALTH_GET],
            // Without a temperature.
            Self::HealthReport(capacity) => vec![CLASS, HEALTH_REPORT, capacity.unwrap_or(0xFF), 0],
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
                let details = reader.u8("charging and replacement").ok().map(|flags| {
                    let more = reader.u8("disconnected and low temperature").unwrap_or(0);
                    details_of(flags, more)
                });
                let low = level == 0xFF || details.is_some_and(|details| details.replace.is_some());
                Ok(Self::Report { percent: (level <= 100).then_some(level), low, details })
            }
            HEALTH_GET => Ok(Self::HealthGet),
            HEALTH_REPORT => {
                let capacity = Reader::new(parameters).u8("maximum capacity")?;
                Ok(Self::HealthReport((capacity <= 100).then_some(capacity)))
            }
            _ => Err(CcError::unknown(payload)),
        }
    }
}

fn details_of(flags: u8, more: u8) -> BatteryDetails {
    BatteryDetails {
        charging: match flags >> 6 {
            0 => Some(Charging::Discharging),
            1 => Some(Charging::Charging),
            2 => Some(Charging::Maintaining),
            _ => None,
        },
        is_rechargeable: flags & RECHARGEABLE != 0,
        is_backup: flags & BACKUP != 0,
        is_overheating: flags & OVERHEATING != 0,
        is_low_on_fluid: flags & LOW_FLUID != 0,
        replace: match flags & REPLACE {
            0 => None,
            REPLACE => Some(Replace::Now),
            _ => Some(Replace::Soon),
        },
        is_disconnected: more & DISCONNECTED != 0,
        is_cold: more & COLD != 0,
        capacity_percent: None,
    }
}

fn flags_of(details: &BatteryDetails) -> [u8; 2] {
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    let charging = match details.charging {
        Some(Charging::Discharging) => 0,
        Some(Charging::Charging) => 1,
        Some(Charging::Maintaining) => 2,
        None => 3,
    };
    let replace = match details.replace {
        None => 0,
        Some(Replace::Soon) => 1,
        Some(Replace::Now) => REPLACE,
    };
    let flags = flag(details.is_rechargeable, RECHARGEABLE)
        | flag(details.is_backup, BACKUP)
        | flag(details.is_overheating, OVERHEATING)
        | flag(details.is_low_on_fluid, LOW_FLUID);
    [charging << 6 | flags | replace, flag(details.is_disconnected, DISCONNECTED) | flag(details.is_cold, COLD)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(bytes: &[u8]) -> (Option<u8>, bool, Option<BatteryDetails>) {
        match BatteryCommand::decode(&[&[0x80, 0x03], bytes].concat()) {
            Ok(BatteryCommand::Report { percent, low, details }) => (percent, low, details),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_warning_has_no_level_and_more_than_full_is_never_believed() {
        assert_eq!(report(&[87]), (Some(87), false, None));
        assert_eq!(report(&[0xFF]), (None, true, None));
        assert_eq!(report(&[200]), (None, false, None));
        assert_eq!(report(&[87, 0, 0]).0, Some(87));
    }

    #[test]
    fn a_level_that_is_not_known_is_not_told_as_an_empty_battery() {
        let unknown = BatteryCommand::Report { percent: None, low: false, details: None };
        assert_eq!(BatteryCommand::decode(&unknown.encode()), Ok(unknown));
    }

    #[test]
    fn from_version_2_on_a_battery_to_be_replaced_is_low_whatever_its_level() {
        let low = |flags| report(&[40, flags, 0]).1;
        assert_eq!([low(0x01), low(0x03)], [true, true]);
        // Discharging, rechargeable, a backup, too hot, low on fluid.
        assert!(!low(0x3C));
    }

    #[test]
    fn what_more_a_battery_tells_is_read_and_written_alike() {
        let all = BatteryDetails {
            charging: Some(Charging::Charging),
            is_rechargeable: true,
            is_backup: true,
            is_overheating: true,
            is_low_on_fluid: true,
            replace: Some(Replace::Soon),
            is_disconnected: true,
            is_cold: true,
            capacity_percent: None,
        };
        assert_eq!(report(&[50, 0x7D, 0x03]).2, Some(all));
        let command = BatteryCommand::Report { percent: Some(50), low: true, details: Some(all) };
        assert_eq!(command.encode(), [0x80, 0x03, 50, 0x7D, 0x03]);
        assert_eq!(report(&[50, 0x7D]).2.map(|details| details.is_disconnected), Some(false), "version 2");
        let health = BatteryCommand::HealthReport(Some(83));
        assert_eq!(BatteryCommand::decode(&[0x80, 0x05, 83, 0x21, 23]), Ok(health));
        assert_eq!(BatteryCommand::decode(&[0x80, 0x05, 0xFF, 0]), Ok(BatteryCommand::HealthReport(None)));
    }
}
