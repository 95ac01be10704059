//! How an attribute is to be reported (ZCL 2.5.7 to 2.5.10).

use keyway_lock::wire::Reader;

use super::{DataType, Status, Value, ZclError};

/// The longest interval that says: no report is due by time alone.
pub const NEVER: u16 = 0;

/// One attribute's reports, from the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    /// Which attribute.
    pub attribute: u16,
    /// Its type.
    pub kind: DataType,
    /// So many seconds are between two reports at least.
    pub least: u16,
    /// After so many seconds one is due although nothing changed; [`NEVER`]: none is.
    pub most: u16,
    /// The smallest change that is reported, of a type that can change by so much; otherwise any is.
    pub change: Option<Value>,
}

impl Reporting {
    /// Of a number: so much is a change.
    pub fn number(attribute: u16, kind: DataType, seconds: (u16, u16), change: u64) -> Self {
        let change = kind.is_analog().then(|| Value::number(kind, change));
        Self { attribute, kind, least: seconds.0, most: seconds.1, change }
    }

    /// Appends the record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(0x00);
        out.extend(self.attribute.to_le_bytes());
        out.push(self.kind.0);
        out.extend(self.least.to_le_bytes());
        out.extend(self.most.to_le_bytes());
        if let Some(change) = &self.change {
            change.encode_content(out);
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`ZclError`]; also for a record about reports that the device is to receive.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        let direction = reader.u8("direction")?;
        if direction != 0 {
            return Err(reader.invalid("direction", direction).into());
        }
        let (attribute, kind) = (reader.u16_le("attribute")?, DataType(reader.u8("data type")?));
        let (least, most) = (reader.u16_le("minimum interval")?, reader.u16_le("maximum interval")?);
        let change = if kind.is_analog() { Some(Value::decode_content(kind, reader)?) } else { None };
        Ok(Self { attribute, kind, least, most, change })
    }
}

/// How a device says that it reports an attribute; or why it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// Which attribute.
    pub attribute: u16,
    /// How.
    pub reporting: Result<Reporting, Status>,
}

impl Configured {
    /// Appends the record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match &self.reporting {
            Ok(reporting) => {
                out.push(Status::SUCCESS.0);
                reporting.encode(out);
            }
            Err(status) => {
                out.extend([status.0, 0x00]);
                out.extend(self.attribute.to_le_bytes());
            }
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`ZclError`].
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        let status = Status(reader.u8("status")?);
        if status.is_success() {
            let reporting = Reporting::decode(reader)?;
            return Ok(Self { attribute: reporting.attribute, reporting: Ok(reporting) });
        }
        reader.u8("direction")?;
        Ok(Self { attribute: reader.u16_le("attribute")?, reporting: Err(status) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_smallest_change_and_one_of_a_list_has_none() {
        let bytes = |reporting: &Reporting| {
            let mut out = Vec::new();
            reporting.encode(&mut out);
            out
        };
        let battery = Reporting::number(0x0021, DataType::UINT8, (3600, 43_200), 2);
        assert_eq!(bytes(&battery), [0, 0x21, 0, 0x20, 0x10, 0x0E, 0xC0, 0xA8, 2]);
        let state = Reporting::number(0x0000, DataType::ENUM8, (0, 3600), 1);
        assert_eq!(bytes(&state), [0, 0, 0, 0x30, 0, 0, 0x10, 0x0E]);
        for reporting in [battery, state] {
            let configured = Configured { attribute: reporting.attribute, reporting: Ok(reporting.clone()) };
            let mut out = Vec::new();
            configured.encode(&mut out);
            assert_eq!(Configured::decode(&mut Reader::new(&out)), Ok(configured));
        }
        let none = Configured { attribute: 3, reporting: Err(Status::NOT_FOUND) };
        let mut out = Vec::new();
        none.encode(&mut out);
        assert_eq!((out.as_slice(), Configured::decode(&mut Reader::new(&out))), (&[0x8B, 0, 3, 0][..], Ok(none)));
    }
}
