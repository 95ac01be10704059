//! Door Lock (0x62), versions 1 to 4 (Z-Wave Application Command Class Specification, "Door Lock Command Class").

mod configuration;

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

pub use configuration::{Configuration, Extras, Operation};

/// Class id.
pub const CLASS: u8 = 0x62;
/// Highest version spoken here.
pub const VERSION: u8 = 4;
/// Command id of the configuration's report.
pub const CONFIGURATION_REPORT: u8 = 0x06;
/// Options of the capabilities: the lock can turn from block to block.
pub const CAN_BLOCK_TO_BLOCK: u8 = 0x01;
/// It can help a hand.
pub const CAN_TWIST_ASSIST: u8 = 0x02;
/// It has a hold and release time.
pub const HOLD_AND_RELEASE: u8 = 0x04;
/// It has an auto-relock time.
pub const AUTO_RELOCK: u8 = 0x08;
/// Options of a configuration: it helps a hand.
pub const TWIST_ASSIST: u8 = 0x01;
/// It turns from block to block.
pub const BLOCK_TO_BLOCK: u8 = 0x02;
/// Operation types: it can stay as it was put.
pub const CONSTANT: u8 = 0x02;
/// It can be timed.
pub const TIMED: u8 = 0x04;

const OPERATION_SET: u8 = 0x01;
const OPERATION_GET: u8 = 0x02;
const OPERATION_REPORT: u8 = 0x03;
const CONFIGURATION_SET: u8 = 0x04;
const CONFIGURATION_GET: u8 = 0x05;
const CAPABILITIES_GET: u8 = 0x07;
const CAPABILITIES_REPORT: u8 = 0x08;

/// Door Lock Mode: what is asked for and what is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// 0x00: unsecured; 0x01, 0x10, 0x11, 0x20, 0x21: unsecured for a while or from one side.
    Unsecured(u8),
    /// 0xFF: secured.
    Secured,
    /// 0xFE: not known, or the bolt is not where it should be.
    Unknown,
}

impl Mode {
    /// Unsecured, until the lock's timeout has passed.
    pub const WITH_TIMEOUT: Self = Self::Unsecured(0x01);
}

impl From<u8> for Mode {
    fn from(value: u8) -> Self {
        match value {
            0xFF => Self::Secured,
            0xFE => Self::Unknown,
            other => Self::Unsecured(other),
        }
    }
}

impl From<Mode> for u8 {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Secured => 0xFF,
            Mode::Unknown => 0xFE,
            Mode::Unsecured(other) => other,
        }
    }
}

/// Door Lock Operation Report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationReport {
    /// Where the lock is.
    pub mode: Mode,
    /// Handles and their state, as they come.
    pub handles: u8,
    /// Door Condition: bit 0 door closed, bit 1 bolt unlocked, bit 2 latch closed; meaningful only for the parts that
    /// the capabilities list.
    pub door_condition: u8,
    /// Where it is going (version 3).
    pub target: Option<Mode>,
    /// How long that will take, as a duration byte (version 3).
    pub duration: Option<u8>,
}

impl OperationReport {
    /// Whether the door stands open, for a lock that has the sensor.
    pub fn door_open(&self) -> bool {
        self.door_condition & 0x01 == 0
    }

    /// Whether the bolt is thrown; `None` when the lock does not know.
    pub fn locked(&self) -> Option<bool> {
        match self.mode {
            Mode::Secured => Some(true),
            Mode::Unsecured(_) => Some(false),
            Mode::Unknown => None,
        }
    }
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoorLockCommand {
    /// Lock or unlock.
    OperationSet(Mode),
    /// Where are you?
    OperationGet,
    /// Here.
    OperationReport(OperationReport),
    /// Behave like this from now on.
    ConfigurationSet(Configuration),
    /// How do you behave?
    ConfigurationGet,
    /// Like this.
    ConfigurationReport(Configuration),
    /// What do you have? (version 4)
    CapabilitiesGet,
    /// This. (version 4)
    CapabilitiesReport {
        /// Bit n: operation type n, 1 constant and 2 timed.
        operation_types: u8,
        /// Bit 0 door sensor, bit 1 bolt, bit 2 latch.
        components: u8,
        /// Bit 0 block to block, bit 1 twist assist, bit 2 hold and release, bit 3 auto-relock.
        options: u8,
    },
}

impl DoorLockCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::OperationSet(mode) => vec![CLASS, OPERATION_SET, (*mode).into()],
            Self::OperationGet => vec![CLASS, OPERATION_GET],
            Self::OperationReport(report) => {
                let head = [CLASS, OPERATION_REPORT, report.mode.into(), report.handles, report.door_condition];
                // 0xFE: no timeout, in minutes and seconds.
                let mut bytes = [&head[..], &[0xFE, 0xFE]].concat();
                if let (Some(target), Some(duration)) = (report.target, report.duration) {
                    bytes.extend([target.into(), duration]);
                }
                bytes
            }
            Self::ConfigurationSet(configuration) => {
                [&[CLASS, CONFIGURATION_SET][..], &configuration.encode()].concat()
            }
            Self::ConfigurationGet => vec![CLASS, CONFIGURATION_GET],
            Self::ConfigurationReport(configuration) => {
                [&[CLASS, CONFIGURATION_REPORT][..], &configuration.encode()].concat()
            }
            Self::CapabilitiesGet => vec![CLASS, CAPABILITIES_GET],
            Self::CapabilitiesReport { operation_types, components, options } => {
                // Modes secured and unsecured; no handles.
                vec![CLASS, CAPABILITIES_REPORT, 0x01, *operation_types, 0x02, 0x00, 0xFF, 0x00, *components, *options]
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
        Ok(match command {
            OPERATION_SET => Self::OperationSet(reader.u8("door lock mode")?.into()),
            OPERATION_GET => Self::OperationGet,
            OPERATION_REPORT => {
                let mode = reader.u8("door lock mode")?.into();
                let handles = reader.u8("door handles mode")?;
                let door_condition = reader.u8("door condition")?;
                // Locks of the first versions leave out the timeout; those before version 3 end behind it. What is cut
                // within them is not taken for what follows.
                let moving = match reader.bytes("lock timeout", 2) {
                    Ok(_) => reader.array("target door lock mode and duration").ok(),
                    Err(_) => None,
                };
                let (target, duration) = moving.map(|[target, duration]| (Mode::from(target), duration)).unzip();
                Self::OperationReport(OperationReport { mode, handles, door_condition, target, duration })
            }
            CONFIGURATION_SET => Self::ConfigurationSet(Configuration::decode(&mut reader)?),
            CONFIGURATION_GET => Self::ConfigurationGet,
            CONFIGURATION_REPORT => Self::ConfigurationReport(Configuration::decode(&mut reader)?),
            CAPABILITIES_GET => Self::CapabilitiesGet,
            CAPABILITIES_REPORT => {
                let types = reader.u8("operation types length")? & 0x1F;
                let operation_types = reader.bytes("operation types", types.into())?.first().copied().unwrap_or(0);
                let modes = reader.u8("door lock modes length")?;
                reader.bytes("door lock modes", modes.into())?;
                reader.u8("door handle modes")?;
                let components = reader.u8("door condition components")?;
                // Locks that end here have none.
                Self::CapabilitiesReport { operation_types, components, options: reader.u8("options").unwrap_or(0) }
            }
            _ => return Err(CcError::unknown(payload)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_in_every_version() {
        let decode = |bytes: &[u8]| match DoorLockCommand::decode(&[&[0x62, 0x03], bytes].concat()) {
            Ok(DoorLockCommand::OperationReport(report)) => report,
            other => panic!("{other:?}"),
        };
        let first = decode(&[0xFF, 0x00, 0x01]);
        assert_eq!((first.locked(), first.door_open(), first.target), (Some(true), false, None));
        let third = decode(&[0x00, 0x00, 0x02, 0xFE, 0xFE, 0xFF, 0x03]);
        assert_eq!((third.locked(), third.door_open()), (Some(false), true));
        assert_eq!((third.target, third.duration), (Some(Mode::Secured), Some(3)));
        assert_eq!(decode(&[0xFE, 0, 0, 0xFE, 0xFE]).locked(), None);
        for cut in [&[0xFF, 0, 0, 0xFE][..], &[0xFF, 0, 0, 0xFE, 0xFE, 0x00]] {
            assert_eq!(decode(cut).target, None, "a timeout that is cut is no target");
        }
    }

    #[test]
    fn capabilities_tell_whether_there_is_a_door_sensor_and_what_the_lock_does_by_itself() {
        let report =
            DoorLockCommand::CapabilitiesReport { operation_types: 0x06, components: 0x03, options: AUTO_RELOCK };
        assert_eq!(DoorLockCommand::decode(&report.encode()), Ok(report));
    }
}
