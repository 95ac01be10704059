//! How a lock behaves by itself: Door Lock Configuration Set and Report (Z-Wave Application Command Class Specification,
//! "Door Lock Configuration Set Command", versions 1 to 4).

use keyway_lock::wire::{Reader, WireError};

use super::super::CcError;

/// Door Lock Operation Type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It stays as it was put.
    Constant,
    /// Where it was put into a mode "with timeout", it is secured again after so many seconds.
    Timed(u16),
}

/// What version 4 adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extras {
    /// After so many seconds unlocked it locks; 0: it does not.
    pub auto_relock: u16,
    /// For so many seconds the latch stays released; 0: as long as the handle is held.
    pub hold_and_release: u16,
    /// Bit 0 twist assist, bit 1 block to block.
    pub options: u8,
}

/// A whole configuration. A set replaces all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    /// Constant or timed.
    pub operation: Operation,
    /// Which handles open the door: bits 0 to 3 inside, 4 to 7 outside.
    pub handles: u8,
    /// From version 4 on.
    pub extras: Option<Extras>,
}

const CONSTANT: u8 = 0x01;
const TIMED: u8 = 0x02;
/// Minutes and seconds of a lock that is not timed.
const NO_TIMEOUT: u8 = 0xFE;

impl Configuration {
    pub(super) fn encode(&self) -> Vec<u8> {
        let (operation, minutes, seconds) = match self.operation {
            Operation::Constant => (CONSTANT, NO_TIMEOUT, NO_TIMEOUT),
            Operation::Timed(seconds) => {
                let minutes = u8::try_from(seconds / 60).unwrap_or(MOST_MINUTES).min(MOST_MINUTES);
                (TIMED, minutes, u8::try_from(seconds % 60).unwrap_or(0))
            }
        };
        let mut bytes = vec![operation, self.handles, minutes, seconds];
        if let Some(Extras { auto_relock, hold_and_release, options }) = self.extras {
            bytes.extend(auto_relock.to_be_bytes());
            bytes.extend(hold_and_release.to_be_bytes());
            bytes.push(options);
        }
        bytes
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let at = reader.offset();
        let operation = reader.u8("operation type")?;
        let handles = reader.u8("door handles state")?;
        let (minutes, seconds) = (reader.u8("lock timeout minutes")?, reader.u8("lock timeout seconds")?);
        let operation = match operation {
            CONSTANT => Operation::Constant,
            TIMED if minutes <= MOST_MINUTES && seconds < 60 => {
                Operation::Timed(u16::from(minutes) * 60 + u16::from(seconds))
            }
            other => {
                let value = other.into();
                return Err(WireError::Invalid { field: "operation type or its timeout", offset: at, value }.into());
            }
        };
        // Reserved bits go back as 0.
        let extras = if reader.left() >= EXTRAS {
            Some(Extras {
                auto_relock: reader.u16_be("auto-relock time")?,
                hold_and_release: reader.u16_be("hold and release time")?,
                options: reader.u8("block to block and twist assist")? & OPTIONS,
            })
        } else {
            None
        };
        Ok(Self { operation, handles, extras })
    }
}

/// The most minutes of a timeout.
const MOST_MINUTES: u8 = 0xFD;
/// Bytes that version 4 adds.
const EXTRAS: usize = 5;
/// The options that are defined.
const OPTIONS: u8 = 0x03;

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Configuration, CcError> {
        Configuration::decode(&mut Reader::new(bytes))
    }

    #[test]
    fn a_configuration_is_read_and_written_in_every_version() {
        let first = [0x02, 0x21, 1, 30];
        let third = Configuration { operation: Operation::Timed(90), handles: 0x21, extras: None };
        assert_eq!((decode(&first), third.encode()), (Ok(third), first.to_vec()));
        let fourth = [0x01, 0, 0xFE, 0xFE, 0x01, 0x2C, 0, 5, 0x02];
        let extras = Some(Extras { auto_relock: 300, hold_and_release: 5, options: 2 });
        let configuration = Configuration { operation: Operation::Constant, handles: 0, extras };
        assert_eq!((decode(&fourth), configuration.encode()), (Ok(configuration), fourth.to_vec()));
    }

    #[test]
    fn one_that_could_not_be_given_back_as_it_is_is_not_read() {
        for wrong in [&[0x01][..], &[0x03, 0, 0xFE, 0xFE], &[0x02, 0, 0xFE, 0xFE], &[0x02, 0, 1, 60]] {
            assert!(decode(wrong).is_err(), "{wrong:?}");
        }
    }
}
