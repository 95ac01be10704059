//! Supervision (0x6C), versions 1 and 2 (Z-Wave Transport-Encapsulation Command Class Specification, section 3.7): a
//! command whose outcome the receiver tells.

use std::fmt;
use std::time::Duration;

use keyway_lock::wire::Reader;

use crate::cc::{CcError, command_of};

/// Class id.
pub const CLASS: u8 = 0x6C;

const GET: u8 = 0x01;
const REPORT: u8 = 0x02;
/// Session ids have six bits.
const SESSION: u8 = 0x3F;
/// Get: status updates are wanted. Report: more of them follow.
const UPDATES: u8 = 0x80;

/// How a supervised command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 0x00: the command is not supported.
    NoSupport,
    /// 0x01: taken, and being carried out.
    Working,
    /// 0x02: not carried out.
    Fail,
    /// 0xFF: carried out.
    Success,
}

impl From<Status> for u8 {
    fn from(status: Status) -> Self {
        match status {
            Status::NoSupport => 0x00,
            Status::Working => 0x01,
            Status::Fail => 0x02,
            Status::Success => 0xFF,
        }
    }
}

/// The commands. `Debug` does not show the command inside: it may hold a PIN.
#[derive(Clone, PartialEq, Eq)]
pub enum SupervisionCommand {
    /// Carry this out and tell how it went.
    Get {
        /// Which session, 0 to 63. The receiver takes the same one twice in a row for a repetition.
        session: u8,
        /// Whether more than one report is wanted, where the first would be [`Status::Working`].
        updates: bool,
        /// The command.
        command: Vec<u8>,
    },
    /// How it went, or goes.
    Report {
        /// Which session, 0 to 63.
        session: u8,
        /// Another report follows.
        more_updates: bool,
        /// How it stands.
        status: Status,
        /// How long it will still take, as a duration byte; see [`duration`].
        duration: u8,
    },
}

impl fmt::Debug for SupervisionCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { session, command, .. } => {
                let class = command.iter().take(2).map(|byte| format!("{byte:02x}")).collect::<String>();
                write!(f, "Get session {session} of class/command {class} ({} bytes)", command.len())
            }
            Self::Report { session, more_updates, status, duration } => {
                write!(f, "Report session {session} {status:?} (more {more_updates}, duration {duration:#04x})")
            }
        }
    }
}

impl SupervisionCommand {
    /// The whole payload. A command of more than 255 bytes is cut; nothing here makes one.
    pub fn encode(&self) -> Vec<u8> {
        let head = |session: &u8, flag: bool| session & SESSION | if flag { UPDATES } else { 0 };
        match self {
            Self::Get { session, updates, command } => {
                let length = u8::try_from(command.len()).unwrap_or(u8::MAX);
                let command = &command[..length.into()];
                [&[CLASS, GET, head(session, *updates), length][..], command].concat()
            }
            Self::Report { session, more_updates, status, duration } => {
                vec![CLASS, REPORT, head(session, *more_updates), (*status).into(), *duration]
            }
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`]; a status nobody defined is one.
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        let mut head = || reader.u8("session id").map(|byte| (byte & SESSION, byte & UPDATES != 0));
        match command {
            GET => {
                let (session, updates) = head()?;
                let length = reader.u8("encapsulated command length")?;
                let command = reader.bytes("encapsulated command", length.into())?.to_vec();
                Ok(Self::Get { session, updates, command })
            }
            REPORT => {
                let (session, more_updates) = head()?;
                let status = match reader.u8("status")? {
                    0x00 => Status::NoSupport,
                    0x01 => Status::Working,
                    0x02 => Status::Fail,
                    0xFF => Status::Success,
                    other => return Err(reader.invalid("status", other).into()),
                };
                // Left out by some where it means nothing.
                let duration = reader.u8("duration").unwrap_or(0);
                Ok(Self::Report { session, more_updates, status, duration })
            }
            _ => Err(CcError::unknown(payload)),
        }
    }
}

/// What a duration byte of a report means: 0 to 127 are seconds, 128 to 253 minutes from 1 on; `None`: not known.
pub fn duration(byte: u8) -> Option<Duration> {
    match byte {
        0..=0x7F => Some(Duration::from_secs(byte.into())),
        0x80..=0xFD => Some(Duration::from_secs(60 * (u64::from(byte) - 0x7F))),
        0xFE | 0xFF => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_get_carries_the_command_with_its_length() {
        let get = SupervisionCommand::Get { session: 5, updates: true, command: vec![0x62, 0x01, 0xFF] };
        assert_eq!(get.encode(), [0x6C, 0x01, 0x85, 3, 0x62, 0x01, 0xFF]);
        assert_eq!(SupervisionCommand::decode(&get.encode()), Ok(get));
    }

    #[test]
    fn working_with_a_duration_and_then_success() {
        let report = |bytes: &[u8]| SupervisionCommand::decode(&[&[0x6C, 0x02], bytes].concat()).unwrap();
        let working =
            SupervisionCommand::Report { session: 5, more_updates: true, status: Status::Working, duration: 3 };
        assert_eq!(report(&[0x85, 0x01, 3]), working);
        assert_eq!(working.encode(), [0x6C, 0x02, 0x85, 0x01, 3]);
        let success =
            SupervisionCommand::Report { session: 5, more_updates: false, status: Status::Success, duration: 0 };
        assert_eq!(report(&[0x05, 0xFF, 0]), success);
        assert_eq!(report(&[0x45, 0xFF]), success, "wake up on demand (version 2) and a missing duration");
    }

    #[test]
    fn durations_count_seconds_and_then_minutes() {
        assert_eq!(duration(0), Some(Duration::ZERO));
        assert_eq!(duration(0x7F), Some(Duration::from_secs(127)));
        assert_eq!(duration(0x80), Some(Duration::from_secs(60)));
        assert_eq!(duration(0xFD), Some(Duration::from_secs(126 * 60)));
        assert_eq!(duration(0xFE), None);
    }

    #[test]
    fn an_undefined_status_and_a_cut_command_are_errors_and_debug_hides_what_is_inside() {
        assert!(SupervisionCommand::decode(&[0x6C, 0x02, 1, 0x77, 0]).is_err());
        assert!(SupervisionCommand::decode(&[0x6C, 0x01, 1, 9, 0x62, 0x02]).is_err());
        let command = vec![0x63, 0x01, 5, 1, b'8', b'6', b'4', b'2'];
        let shown = format!("{:?}", SupervisionCommand::Get { session: 1, updates: false, command });
        assert_eq!(shown, "Get session 1 of class/command 6301 (8 bytes)");
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(session in 0u8..64, updates: bool, command in prop::collection::vec(any::<u8>(), 0..256)) {
            let get = SupervisionCommand::Get { session, updates, command };
            prop_assert_eq!(SupervisionCommand::decode(&get.encode()), Ok(get));
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = SupervisionCommand::decode(&[&[CLASS][..], &bytes].concat());
        }
    }
}
