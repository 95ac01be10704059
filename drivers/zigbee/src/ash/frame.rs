//! Frames between two flags, without stuffing: control byte, data, checksum (UG101 section 2).

use std::fmt;

use zeroize::Zeroizing;

/// Fewest bytes of a payload: the shortest EZSP frame.
pub const MIN_PAYLOAD: usize = 3;
/// Most bytes of a payload. UG101 says 128; firmware since EZSP 13 sends up to 220.
pub const MAX_PAYLOAD: usize = 220;
/// The version of ASH that sticks speak (UG101 section 2.3).
pub const VERSION: u8 = 2;

const RST: u8 = 0xC0;
const RSTACK: u8 = 0xC1;
const ERROR: u8 = 0xC2;
const CRC_LEN: usize = 2;

/// A frame number: counted modulo 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameNumber(u8);

impl FrameNumber {
    /// The lowest three bits count.
    pub fn new(number: u8) -> Self {
        Self(number & 0x07)
    }

    /// So many further.
    #[must_use]
    pub fn plus(self, count: usize) -> Self {
        Self(((usize::from(self.0) + count) & 0x07) as u8)
    }

    /// How far it is from another one on to this one: 0 to 7.
    pub fn since(self, earlier: Self) -> usize {
        usize::from(self.0.wrapping_sub(earlier.0) & 0x07)
    }
}

/// What passes the line.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// A payload.
    Data {
        /// Its number.
        number: FrameNumber,
        /// It was sent before.
        retransmitted: bool,
        /// The frame that the sender expects next; it has all before.
        ack: FrameNumber,
        /// EZSP. May hold a PIN or a key.
        payload: Zeroizing<Vec<u8>>,
    },
    /// All before this number came in well.
    Ack {
        /// The frame expected next.
        ack: FrameNumber,
        /// The host has no room: no callbacks for a while.
        not_ready: bool,
    },
    /// All before this number came in well; what came then did not: once more from here on.
    Nak {
        /// The frame expected next.
        ack: FrameNumber,
        /// The host has no room: no callbacks for a while.
        not_ready: bool,
    },
    /// The host asks the stick to restart (RST).
    Reset,
    /// The stick has started (RSTACK).
    ResetAck {
        /// See [`VERSION`].
        version: u8,
        /// Why it started.
        code: u8,
    },
    /// The stick has given up, and takes nothing but a reset (ERROR).
    Error {
        /// See [`VERSION`].
        version: u8,
        /// Why.
        code: u8,
    },
}

/// Why bytes between two flags are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Too short or too long for any frame; carries the length.
    #[error("no frame has {0} byte(s)")]
    Length(usize),
    /// The checksum is another.
    #[error("the checksum is {found:#06x}, not {computed:#06x}")]
    Checksum {
        /// In the frame.
        found: u16,
        /// Of the frame.
        computed: u16,
    },
    /// Nobody defined such a control byte.
    #[error("control byte {0:#04x} at offset 0 is of no frame")]
    Control(u8),
    /// The control byte is of a frame with another length.
    #[error("a frame with control byte {control:#04x} can't have {length} byte(s) of data")]
    DataLength {
        /// Control byte.
        control: u8,
        /// Length of what follows it, without the checksum.
        length: usize,
    },
}

impl Frame {
    /// The bytes between two flags, before stuffing.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PAYLOAD + 1 + CRC_LEN));
        match self {
            Self::Data { number, retransmitted, ack, payload } => {
                bytes.push(number.0 << 4 | u8::from(*retransmitted) << 3 | ack.0);
                bytes.extend_from_slice(payload);
                randomize(&mut bytes[1..]);
            }
            Self::Ack { ack, not_ready } => bytes.push(0x80 | u8::from(*not_ready) << 3 | ack.0),
            Self::Nak { ack, not_ready } => bytes.push(0xA0 | u8::from(*not_ready) << 3 | ack.0),
            Self::Reset => bytes.push(RST),
            Self::ResetAck { version, code } => bytes.extend([RSTACK, *version, *code]),
            Self::Error { version, code } => bytes.extend([ERROR, *version, *code]),
        }
        let crc = crc(&bytes);
        bytes.extend(crc.to_be_bytes());
        bytes
    }

    /// Reads the bytes between two flags, after stuffing was taken out.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn read(bytes: &[u8]) -> Result<Self, FrameError> {
        let Some((body, checksum)) = bytes.split_last_chunk::<CRC_LEN>() else {
            return Err(FrameError::Length(bytes.len()));
        };
        let Some((&control, data)) = body.split_first() else { return Err(FrameError::Length(bytes.len())) };
        let (found, computed) = (u16::from_be_bytes(*checksum), crc(body));
        if found != computed {
            return Err(FrameError::Checksum { found, computed });
        }
        let ack = FrameNumber::new(control);
        let flag = control & 0x08 != 0;
        let bad_length = FrameError::DataLength { control, length: data.len() };
        match (control, data) {
            (0x00..=0x7F, data) if (MIN_PAYLOAD..=MAX_PAYLOAD).contains(&data.len()) => {
                let mut payload = Zeroizing::new(data.to_vec());
                randomize(&mut payload);
                Ok(Self::Data { number: FrameNumber::new(control >> 4), retransmitted: flag, ack, payload })
            }
            // Bit 4 is reserved (UG101 section 2.3); whatever it holds is passed over.
            (0x80..=0x9F, []) => Ok(Self::Ack { ack, not_ready: flag }),
            (0xA0..=0xBF, []) => Ok(Self::Nak { ack, not_ready: flag }),
            (RST, []) => Ok(Self::Reset),
            (RSTACK, &[version, code]) => Ok(Self::ResetAck { version, code }),
            (ERROR, &[version, code]) => Ok(Self::Error { version, code }),
            (0x00..=RST | RSTACK | ERROR, _) => Err(bad_length),
            (control, _) => Err(FrameError::Control(control)),
        }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data { number, retransmitted, ack, payload } => {
                let again = if *retransmitted { " again" } else { "" };
                write!(f, "DATA {}{again}, ack {}, {} bytes", number.0, ack.0, payload.len())
            }
            Self::Ack { ack, not_ready } => write!(f, "ACK {}{}", ack.0, if *not_ready { ", not ready" } else { "" }),
            Self::Nak { ack, not_ready } => write!(f, "NAK {}{}", ack.0, if *not_ready { ", not ready" } else { "" }),
            Self::Reset => f.write_str("RST"),
            Self::ResetAck { version, code } => write!(f, "RSTACK version {version}, code {code:#04x}"),
            Self::Error { version, code } => write!(f, "ERROR version {version}, code {code:#04x}"),
        }
    }
}

/// CRC-CCITT: polynomial 0x1021, started with 0xFFFF, nothing reflected (UG101 section 2.4). Of all that happens to one
/// byte it misses a zero that is added or lost at the very end; the frame within then has the wrong length.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    })
}

/// Mixes payloads with a fixed sequence, so that one of reserved bytes does not double in length; twice is not at all
/// (UG101 section 4.3).
fn randomize(payload: &mut [u8]) {
    let mut random = 0x42_u8;
    for byte in payload {
        *byte ^= random;
        random = if random & 1 == 0 { random >> 1 } else { random >> 1 ^ 0xB8 };
    }
}

/// Why a stick started or gave up, in words (UG101 section 2.3, reset and error codes).
pub fn reason(code: u8) -> &'static str {
    match code {
        0x00 => "unknown reason",
        0x01 => "external reset",
        0x02 => "power on",
        0x03 => "watchdog",
        0x06 => "assertion failed",
        0x09 => "bootloader",
        0x0B => "software reset",
        0x51 => "it was not acknowledged too often",
        0x80 => "error of the chip",
        _ => "a reason of its own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(number: u8, ack: u8, payload: &[u8]) -> Frame {
        Frame::Data {
            number: FrameNumber::new(number),
            retransmitted: false,
            ack: FrameNumber::new(ack),
            payload: Zeroizing::new(payload.to_vec()),
        }
    }

    #[test]
    fn frames_are_those_of_the_specification() {
        // UG101 sections 2.3 and 3.
        let ack = FrameNumber::new;
        let vectors: [(Frame, &[u8]); 8] = [
            (Frame::Reset, &[0xC0, 0x38, 0xBC]),
            (Frame::ResetAck { version: 2, code: 0x02 }, &[0xC1, 0x02, 0x02, 0x9B, 0x7B]),
            (Frame::Error { version: 2, code: 0x52 }, &[0xC2, 0x02, 0x52, 0x98, 0xDE]),
            (data(2, 5, &[0x00, 0x00, 0x00, 0x02]), &[0x25, 0x42, 0x21, 0xA8, 0x56, 0xA6, 0x09]),
            (Frame::Ack { ack: ack(1), not_ready: false }, &[0x81, 0x60, 0x59]),
            (Frame::Ack { ack: ack(6), not_ready: true }, &[0x8E, 0x91, 0xB6]),
            (Frame::Nak { ack: ack(6), not_ready: false }, &[0xA6, 0x34, 0xDC]),
            (Frame::Nak { ack: ack(5), not_ready: true }, &[0xAD, 0x85, 0xB7]),
        ];
        for (frame, bytes) in vectors {
            assert_eq!(frame.to_bytes().as_slice(), bytes, "{frame:?}");
            assert_eq!(Frame::read(bytes), Ok(frame));
        }
    }

    #[test]
    fn frames_are_those_of_a_stick_and_its_host() {
        // Recorded by zigbee-herdsman: the version is asked for and told.
        let asked = data(0, 0, &[0x00, 0x00, 0x00, 0x0D]);
        let told = data(0, 1, &[0x00, 0x80, 0x00, 0x0D, 0x02, 0x10, 0x74]);
        for (frame, bytes) in [
            (asked, &[0x00, 0x42, 0x21, 0xA8, 0x59, 0x7C, 0x05][..]),
            (told, &[0x01, 0x42, 0xA1, 0xA8, 0x59, 0x28, 0x05, 0xC6, 0xA8, 0x77]),
        ] {
            assert_eq!(frame.to_bytes().as_slice(), bytes);
            assert_eq!(Frame::read(bytes), Ok(frame));
        }
    }

    #[test]
    fn a_spoilt_frame_names_what_is_wrong() {
        assert_eq!(Frame::read(&[]), Err(FrameError::Length(0)));
        assert_eq!(Frame::read(&[0xC0, 0x38]), Err(FrameError::Length(2)));
        let spoilt = FrameError::Checksum { found: 0x38BD, computed: 0x38BC };
        assert_eq!(Frame::read(&[0xC0, 0x38, 0xBD]), Err(spoilt));
        let with_crc = |body: &[u8]| [body, &crc(body).to_be_bytes()].concat();
        assert_eq!(Frame::read(&with_crc(&[0xC3])), Err(FrameError::Control(0xC3)));
        let wrong = |control, length| Err(FrameError::DataLength { control, length });
        assert_eq!(Frame::read(&with_crc(&[0xC1, 2])), wrong(0xC1, 1));
        assert_eq!(Frame::read(&with_crc(&[0x25, 0, 0])), wrong(0x25, 2));
        assert_eq!(Frame::read(&with_crc(&[0; 222])), wrong(0x00, 221));
    }

    #[test]
    fn debug_shows_nothing_of_a_payload() {
        assert_eq!(format!("{:?}", data(2, 5, b"4711")), "DATA 2, ack 5, 4 bytes");
    }

    #[test]
    fn numbers_count_modulo_eight() {
        assert_eq!(FrameNumber::new(7).plus(1), FrameNumber::new(0));
        assert_eq!(FrameNumber::new(1).since(FrameNumber::new(6)), 3);
    }
}
