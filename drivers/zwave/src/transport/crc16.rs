//! CRC-16 Encapsulation (0x56) (Z-Wave Transport-Encapsulation Command Class Specification, section 3.1): a command with
//! a checksum behind it, for links without one.

use keyway_lock::wire::{Reader, WireError};

use crate::cc::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x56;

const ENCAPSULATION: u8 = 0x01;
/// Bytes of the checksum.
const CHECKSUM: usize = 2;

/// CRC-CCITT: polynomial 0x1021, started with 0x1D0F, nothing reflected. Also the frame check sequence of Transport
/// Service and the checksum of User Code version 2.
pub fn crc_ccitt(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0x1D0F, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    })
}

/// Puts a command into an encapsulation. The checksum covers the encapsulation's own class and command too.
pub fn encapsulate(command: &[u8]) -> Vec<u8> {
    let mut bytes = [&[CLASS, ENCAPSULATION][..], command].concat();
    bytes.extend(crc_ccitt(&bytes).to_be_bytes());
    bytes
}

/// Takes the command out.
///
/// # Errors
/// [`CcError::Unknown`] for another command; [`CcError::Wire`] naming the checksum when it is missing or wrong.
pub fn decapsulate(payload: &[u8]) -> Result<&[u8], CcError> {
    let (ENCAPSULATION, parameters) = command_of(CLASS, payload)? else { return Err(CcError::unknown(payload)) };
    let mut reader = Reader::new(parameters);
    let command = reader.bytes("command", parameters.len().saturating_sub(CHECKSUM))?;
    let checksum = reader.u16_be("checksum")?;
    if crc_ccitt(&payload[..payload.len() - CHECKSUM]) != checksum {
        let offset = payload.len() - CHECKSUM;
        return Err(WireError::Invalid { field: "checksum", offset, value: checksum.into() }.into());
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn basic_get_has_the_checksum_of_the_specification() {
        assert_eq!(encapsulate(&[0x20, 0x02]), [0x56, 0x01, 0x20, 0x02, 0x4D, 0x26]);
        assert_eq!(crc_ccitt(b"123456789"), 0xE5CC);
    }

    #[test]
    fn a_flipped_bit_is_an_error_that_names_the_checksum() {
        let error = decapsulate(&[0x56, 0x01, 0x20, 0x03, 0x4D, 0x26]).unwrap_err();
        assert_eq!(error.to_string(), "checksum at offset 4 can't be 0x4d26");
        assert!(decapsulate(&[0x56, 0x01, 0x20]).is_err());
        assert!(decapsulate(&[0x56, 0x02, 0x20, 0x02, 0x4D, 0x26]).is_err());
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(command: Vec<u8>) {
            let payload = encapsulate(&command);
            prop_assert_eq!(decapsulate(&payload), Ok(&command[..]));
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decapsulate(&bytes);
            let _ = decapsulate(&[&[CLASS, ENCAPSULATION][..], &bytes].concat());
        }
    }
}
