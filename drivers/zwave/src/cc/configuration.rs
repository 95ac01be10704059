//! Configuration (0x70), version 1 (Z-Wave Application Command Class Specification).

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x70;
/// Command id of the report.
pub const REPORT: u8 = 0x06;

const SET: u8 = 0x04;
const GET: u8 = 0x05;

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationCommand {
    /// Be this parameter so from now on.
    Set {
        /// Which parameter.
        parameter: u8,
        /// 1, 2 or 4 bytes, most significant first.
        value: Vec<u8>,
    },
    /// What is this parameter?
    Get(u8),
    /// This.
    Report {
        /// Which parameter.
        parameter: u8,
        /// 1, 2 or 4 bytes, most significant first.
        value: Vec<u8>,
    },
}

impl ConfigurationCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Get(parameter) => vec![CLASS, GET, *parameter],
            Self::Set { parameter, value } => with_value(SET, *parameter, value),
            Self::Report { parameter, value } => with_value(REPORT, *parameter, value),
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
            GET => Ok(Self::Get(reader.u8("parameter number")?)),
            SET | REPORT => {
                let parameter = reader.u8("parameter number")?;
                let size = reader.u8("size")? & 0x07;
                let value = reader.bytes("value", size.into())?.to_vec();
                Ok(if command == SET { Self::Set { parameter, value } } else { Self::Report { parameter, value } })
            }
            _ => Err(CcError::unknown(payload)),
        }
    }
}

fn with_value(command: u8, parameter: u8, value: &[u8]) -> Vec<u8> {
    let size = u8::try_from(value.len()).unwrap_or(0);
    [&[CLASS, command, parameter, size][..], value].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_asked_for_and_told() {
        assert_eq!(ConfigurationCommand::Get(16).encode(), [0x70, 0x05, 16]);
        let report = ConfigurationCommand::decode(&[0x70, 0x06, 16, 1, 6]).unwrap();
        assert_eq!(report, ConfigurationCommand::Report { parameter: 16, value: vec![6] });
        assert_eq!(report.encode(), [0x70, 0x06, 16, 1, 6]);
        assert!(ConfigurationCommand::decode(&[0x70, 0x06, 16, 4, 6]).is_err());
        let set = ConfigurationCommand::Set { parameter: 3, value: vec![0xFF] };
        assert_eq!(set.encode(), [0x70, 0x04, 3, 1, 0xFF]);
        assert_eq!(ConfigurationCommand::decode(&set.encode()), Ok(set));
    }
}
