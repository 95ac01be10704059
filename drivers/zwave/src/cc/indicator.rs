//! Indicator (0x87), versions 2 and 3 (Z-Wave Application Command Class Specification, "Indicator Command Class"): here to
//! have a node show which one it is.

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x87;
/// Command id of the report.
pub const REPORT: u8 = 0x03;
/// Command id of the report of what is supported.
pub const SUPPORTED_REPORT: u8 = 0x05;
/// The indicator "node identify".
pub const IDENTIFY: u8 = 0x50;
/// Property: length of an on and off period, in tenths of a second.
pub const PERIOD: u8 = 0x03;
/// Property: number of such periods; 0: not blinking.
pub const CYCLES: u8 = 0x04;
/// Property: how long it is on within a period, in tenths of a second.
pub const ON_TIME: u8 = 0x05;

const SET: u8 = 0x01;
const GET: u8 = 0x02;
const SUPPORTED_GET: u8 = 0x04;
/// The bits that count objects, or bytes of a mask.
const COUNT: u8 = 0x1F;

/// One property of one indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Which indicator.
    pub indicator: u8,
    /// Which property.
    pub property: u8,
    /// Its value.
    pub value: u8,
}

/// Blinks three times within 2.4 s, as the specification has it for a node that is to be found.
pub fn identify() -> Vec<Object> {
    [(PERIOD, 8), (CYCLES, 3), (ON_TIME, 6)]
        .map(|(property, value)| Object { indicator: IDENTIFY, property, value })
        .to_vec()
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndicatorCommand {
    /// Show this.
    Set(Vec<Object>),
    /// What does this indicator show?
    Get(u8),
    /// This.
    Report(Vec<Object>),
    /// What can this indicator show?
    SupportedGet(u8),
    /// This.
    SupportedReport {
        /// Which indicator; 0: there is no such.
        indicator: u8,
        /// The next one; 0: there is none.
        next: u8,
        /// Its properties, a bit each.
        properties: Vec<u8>,
    },
}

impl IndicatorCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Set(objects) => with_objects(SET, objects),
            Self::Get(indicator) => vec![CLASS, GET, *indicator],
            Self::Report(objects) => with_objects(REPORT, objects),
            Self::SupportedGet(indicator) => vec![CLASS, SUPPORTED_GET, *indicator],
            Self::SupportedReport { indicator, next, properties } => {
                let length = u8::try_from(properties.len()).unwrap_or(0) & COUNT;
                [&[CLASS, SUPPORTED_REPORT, *indicator, *next, length][..], properties].concat()
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
            SET => Self::Set(objects(&mut reader)?),
            GET => Self::Get(reader.u8("indicator")?),
            REPORT => Self::Report(objects(&mut reader)?),
            SUPPORTED_GET => Self::SupportedGet(reader.u8("indicator")?),
            SUPPORTED_REPORT => {
                let (indicator, next) = (reader.u8("indicator")?, reader.u8("next indicator")?);
                let length = reader.u8("length of the property mask")? & COUNT;
                let properties = reader.bytes("property mask", length.into())?.to_vec();
                Self::SupportedReport { indicator, next, properties }
            }
            _ => return Err(CcError::unknown(payload)),
        })
    }
}

fn with_objects(command: u8, objects: &[Object]) -> Vec<u8> {
    let count = u8::try_from(objects.len()).unwrap_or(0) & COUNT;
    // The value of version 1 is of no effect beside objects.
    let mut bytes = vec![CLASS, command, 0, count];
    bytes.extend(objects.iter().flat_map(|object| [object.indicator, object.property, object.value]));
    bytes
}

fn objects(reader: &mut Reader<'_>) -> Result<Vec<Object>, CcError> {
    reader.u8("indicator 0 value")?;
    let count = reader.u8("object count")? & COUNT;
    let object = |_| {
        let [indicator, property, value] = reader.array("indicator object")?;
        Ok(Object { indicator, property, value })
    };
    (0..count).map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_told_to_blink_three_times() {
        let set = IndicatorCommand::Set(identify());
        let bytes = [0x87, 0x01, 0, 3, 0x50, 0x03, 8, 0x50, 0x04, 3, 0x50, 0x05, 6];
        assert_eq!((set.encode(), IndicatorCommand::decode(&bytes)), (bytes.to_vec(), Ok(set)));
        assert!(IndicatorCommand::decode(&bytes[..10]).is_err());
    }

    #[test]
    fn what_is_supported_is_read_with_and_without_a_mask() {
        for properties in [vec![], vec![0x38]] {
            let report = IndicatorCommand::SupportedReport { indicator: IDENTIFY, next: 0, properties };
            assert_eq!(IndicatorCommand::decode(&report.encode()), Ok(report));
        }
    }
}
