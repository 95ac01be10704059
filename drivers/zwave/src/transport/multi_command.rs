//! Multi Command encapsulation (0x8F) (Z-Wave Transport-Encapsulation Command Class Specification, section 3.3): several
//! commands in one frame.

use keyway_lock::wire::Reader;

use crate::cc::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x8F;

const ENCAPSULATION: u8 = 0x01;

/// Puts commands into one encapsulation. Lengths and the count are bytes: what they can't count is left out, and nothing
/// here makes frames of that size.
pub fn encapsulate(commands: &[&[u8]]) -> Vec<u8> {
    let fits = commands.iter().filter(|command| u8::try_from(command.len()).is_ok()).take(usize::from(u8::MAX));
    let mut bytes = vec![CLASS, ENCAPSULATION, 0];
    for (count, command) in (1..).zip(fits) {
        bytes[2] = count;
        bytes.push(u8::try_from(command.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(command);
    }
    bytes
}

/// Takes the commands out, in order.
///
/// # Errors
/// [`CcError::Unknown`] for another command; [`CcError::Wire`] when one of those counted is cut.
pub fn decapsulate(payload: &[u8]) -> Result<Vec<&[u8]>, CcError> {
    let (ENCAPSULATION, parameters) = command_of(CLASS, payload)? else { return Err(CcError::unknown(payload)) };
    let mut reader = Reader::new(parameters);
    let count = reader.u8("number of commands")?;
    let mut commands = Vec::new();
    for _ in 0..count {
        let length = reader.u8("command length")?;
        commands.push(reader.bytes("command", length.into())?);
    }
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_commands_travel_in_one_frame() {
        let bytes = [0x8F, 0x01, 2, 3, 0x80, 0x03, 87, 2, 0x62, 0x02];
        assert_eq!(encapsulate(&[&[0x80, 0x03, 87], &[0x62, 0x02]]), bytes);
        assert_eq!(decapsulate(&bytes), Ok(vec![&[0x80, 0x03, 87][..], &[0x62, 0x02]]));
    }

    #[test]
    fn a_command_that_is_cut_is_an_error_that_names_it() {
        let error = decapsulate(&[0x8F, 0x01, 2, 2, 0x62, 0x02, 3, 0x80]).unwrap_err();
        assert_eq!(error.to_string(), "command at offset 5 needs 3 byte(s), 1 left");
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(commands in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..10)) {
            let commands: Vec<&[u8]> = commands.iter().map(Vec::as_slice).collect();
            let payload = encapsulate(&commands);
            prop_assert_eq!(decapsulate(&payload), Ok(commands));
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decapsulate(&[&[CLASS, ENCAPSULATION][..], &bytes].concat());
        }
    }
}
