//! Multi Channel encapsulation (0x60) (Z-Wave Transport-Encapsulation Command Class Specification, section 3.2): a command
//! from one endpoint of a node to one of another. Endpoint 0 is the node itself.

use keyway_lock::wire::Reader;

use crate::cc::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x60;

/// Version 1, then named Multi Instance.
const INSTANCE_ENCAPSULATION: u8 = 0x06;
const ENCAPSULATION: u8 = 0x0D;
/// Endpoint numbers have seven bits.
const ENDPOINT: u8 = 0x7F;
/// The destination is a mask of several endpoints.
const BIT_ADDRESS: u8 = 0x80;

/// Puts a command into an encapsulation (versions 2 to 4) from endpoint `source` to endpoint `destination`, each 0 to 127.
pub fn encapsulate(source: u8, destination: u8, command: &[u8]) -> Vec<u8> {
    [&[CLASS, ENCAPSULATION, source & ENDPOINT, destination & ENDPOINT][..], command].concat()
}

/// Takes the command out: source endpoint, destination endpoint, command. In version 1 there is only one number, which
/// for what a node sends is its source.
///
/// # Errors
/// [`CcError::Unknown`] for another command; [`CcError::Wire`] for one that is cut, or addressed to several endpoints at
/// once, which nobody sends to a hub.
pub fn decapsulate(payload: &[u8]) -> Result<(u8, u8, &[u8]), CcError> {
    let (command, parameters) = command_of(CLASS, payload)?;
    let mut reader = Reader::new(parameters);
    match command {
        INSTANCE_ENCAPSULATION => Ok((reader.u8("instance")? & ENDPOINT, 0, reader.rest())),
        ENCAPSULATION => {
            let source = reader.u8("source endpoint")? & ENDPOINT;
            let destination = reader.u8("destination endpoint")?;
            if destination & BIT_ADDRESS != 0 {
                return Err(reader.invalid("destination endpoint", destination).into());
            }
            Ok((source, destination, reader.rest()))
        }
        _ => Err(CcError::unknown(payload)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_versions_are_read() {
        assert_eq!(encapsulate(0, 2, &[0x62, 0x02]), [0x60, 0x0D, 0, 2, 0x62, 0x02]);
        assert_eq!(decapsulate(&[0x60, 0x0D, 2, 0, 0x62, 0x03, 0xFF]), Ok((2, 0, &[0x62, 0x03, 0xFF][..])));
        assert_eq!(decapsulate(&[0x60, 0x06, 1, 0x62, 0x03, 0xFF]), Ok((1, 0, &[0x62, 0x03, 0xFF][..])));
    }

    #[test]
    fn a_cut_one_and_one_to_several_endpoints_are_errors() {
        assert!(decapsulate(&[0x60, 0x0D, 1]).is_err());
        assert!(decapsulate(&[0x60, 0x0D, 1, 0x83, 0x62, 0x02]).is_err());
        assert!(decapsulate(&[0x60, 0x08]).is_err());
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(source in 0u8..128, destination in 0u8..128, command: Vec<u8>) {
            let payload = encapsulate(source, destination, &command);
            prop_assert_eq!(decapsulate(&payload), Ok((source, destination, &command[..])));
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decapsulate(&[&[CLASS][..], &bytes].concat());
        }
    }
}
