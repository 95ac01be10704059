//! Manufacturer Specific (0x72), versions 1 and 2 (Z-Wave Management Command Class Specification).

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x72;

const GET: u8 = 0x04;
const REPORT: u8 = 0x05;
const DEVICE_SPECIFIC_GET: u8 = 0x06;
/// Device Specific Report.
pub const DEVICE_SPECIFIC_REPORT: u8 = 0x07;

/// The kind of device id that is the device's serial number. Where it has no id of the kind that is asked for, it tells one of
/// another kind.
pub const SERIAL_NUMBER: u8 = 0x01;
/// Kinds have three bits.
const KIND: u8 = 0x07;
/// The length of an id has five.
const LENGTH: u8 = 0x1F;
/// The format of an id whose bytes are UTF-8; those of any other are only bytes.
const UTF8: u8 = 0;
const BINARY: u8 = 1;

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManufacturerSpecificCommand {
    /// Who made you?
    Get,
    /// This.
    Report {
        /// Manufacturer id, given out by the Z-Wave Alliance.
        manufacturer: u16,
        /// Product type id, the manufacturer's own.
        product_type: u16,
        /// Product id, the manufacturer's own.
        product: u16,
    },
    /// Which one are you? (Version 2.)
    DeviceSpecificGet {
        /// The kind of id that is asked for, such as [`SERIAL_NUMBER`].
        kind: u8,
    },
    /// This.
    DeviceSpecificReport {
        /// The kind of id that it is.
        kind: u8,
        /// The id is text, and not merely bytes.
        is_text: bool,
        /// The id: 31 bytes at most.
        id: Vec<u8>,
    },
}

impl ManufacturerSpecificCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Get => vec![CLASS, GET],
            Self::Report { manufacturer, product_type, product } => {
                let ids = [manufacturer, product_type, product].map(|id| id.to_be_bytes()).concat();
                [&[CLASS, REPORT][..], &ids].concat()
            }
            Self::DeviceSpecificGet { kind } => vec![CLASS, DEVICE_SPECIFIC_GET, kind & KIND],
            Self::DeviceSpecificReport { kind, is_text, id } => {
                let id = id.get(..usize::from(LENGTH)).unwrap_or(id);
                let format = if *is_text { UTF8 } else { BINARY };
                let length = u8::try_from(id.len()).unwrap_or(LENGTH);
                [&[CLASS, DEVICE_SPECIFIC_REPORT, kind & KIND, format << 5 | length][..], id].concat()
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
                manufacturer: reader.u16_be("manufacturer id")?,
                product_type: reader.u16_be("product type id")?,
                product: reader.u16_be("product id")?,
            }),
            DEVICE_SPECIFIC_GET => Ok(Self::DeviceSpecificGet { kind: reader.u8("device id type")? & KIND }),
            DEVICE_SPECIFIC_REPORT => {
                let kind = reader.u8("device id type")? & KIND;
                let format = reader.u8("device id format and length")?;
                let id = reader.bytes("device id", usize::from(format & LENGTH))?.to_vec();
                Ok(Self::DeviceSpecificReport { kind, is_text: format >> 5 == UTF8, id })
            }
            _ => Err(CcError::unknown(payload)),
        }
    }
}

/// A device id for people: its text, or its bytes in hexadecimal; empty where there is none.
pub fn id_text(is_text: bool, id: &[u8]) -> String {
    let text = std::str::from_utf8(id).ok().filter(|_| is_text);
    match text.map(|text| text.trim_matches(|c: char| c == '\0' || c.is_whitespace())) {
        Some(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => id.iter().map(|byte| format!("{byte:02X}")).collect(),
    }
}

/// Names of the makers of locks, by manufacturer id (Z-Wave Alliance's public list).
pub fn manufacturer_name(id: u16) -> Option<&'static str> {
    Some(match id {
        0x003B => "Allegion (Schlage)",
        0x0090 => "Spectrum Brands (Kwikset, Baldwin, Weiser)",
        0x0109 => "Vision Security",
        0x010E => "Poly-Control (Danalock)",
        0x0129 => "ASSA ABLOY (Yale)",
        0x0230 | 0x0373 => "ID Lock",
        0x033F => "August",
        0x0452 => "U-tec (Ultraloq)",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_maker_and_product() {
        let report = ManufacturerSpecificCommand::decode(&[0x72, 0x05, 0x01, 0x29, 0x80, 0x02, 0x06, 0x00]).unwrap();
        let expected =
            ManufacturerSpecificCommand::Report { manufacturer: 0x0129, product_type: 0x8002, product: 0x0600 };
        assert_eq!(report, expected);
    }

    #[test]
    fn a_serial_number_is_asked_for_and_read_as_text_or_in_hexadecimal() {
        let get = ManufacturerSpecificCommand::DeviceSpecificGet { kind: SERIAL_NUMBER };
        assert_eq!(get.encode(), [0x72, 0x06, 0x01]);
        let told = |report: &[u8]| match ManufacturerSpecificCommand::decode(report).unwrap() {
            ManufacturerSpecificCommand::DeviceSpecificReport { kind: SERIAL_NUMBER, is_text, id } => {
                id_text(is_text, &id)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(told(&[0x72, 0x07, 0x01, 0x04, b'A', b'7', b' ', 0]), "A7");
        assert_eq!(told(&[0x72, 0x07, 0x01, 0x23, 0x00, 0x30, 0xFE]), "0030FE");
        assert_eq!(told(&[0x72, 0x07, 0x01, 0x02, 0x07, b'A']), "0741", "no text that anybody could read");
        assert_eq!(told(&[0x72, 0x07, 0x01, 0x00]), "");
        let cut = ManufacturerSpecificCommand::decode(&[0x72, 0x07, 0x01, 0x05, b'A']).unwrap_err();
        assert!(cut.to_string().contains("device id"), "{cut}");
    }

    #[test]
    fn a_report_of_a_device_id_is_written_as_it_is_read() {
        for (is_text, id) in [(true, &b"KW-0042"[..]), (false, &[0, 0xFF][..])] {
            let report = ManufacturerSpecificCommand::DeviceSpecificReport { kind: 1, is_text, id: id.to_vec() };
            assert_eq!(ManufacturerSpecificCommand::decode(&report.encode()).unwrap(), report);
        }
    }
}
