//! Manufacturer Specific (0x72) (Z-Wave Management Command Class Specification).

use keyway_lock::wire::Reader;

use super::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x72;

const GET: u8 = 0x04;
const REPORT: u8 = 0x05;

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

impl ManufacturerSpecificCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Get => vec![CLASS, GET],
            Self::Report { manufacturer, product_type, product } => {
                let ids = [manufacturer, product_type, product].map(u16::to_be_bytes).concat();
                [&[CLASS, REPORT][..], &ids].concat()
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
            _ => Err(CcError::unknown(payload)),
        }
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
}
