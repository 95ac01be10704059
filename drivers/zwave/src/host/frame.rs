//! Frames of the host link (INS12350 section 5): data frames with their checksum, and the single bytes ACK, NAK, CAN.

use std::fmt;
use std::time::{Duration, Instant};

/// Start of a data frame.
pub const SOF: u8 = 0x01;
/// The last data frame was taken.
pub const ACK: u8 = 0x06;
/// The last data frame was corrupt.
pub const NAK: u8 = 0x15;
/// The last data frame was dropped, since the other side was sending one itself.
pub const CAN: u8 = 0x18;

/// A data frame that stays incomplete for this long is dropped (INS12350 section 6.2.1).
pub const FRAME_TIMEOUT: Duration = Duration::from_millis(1500);

/// Bytes a length field may count: type, function and checksum at least.
const MIN_LENGTH: u8 = 3;

/// Whether a data frame asks or answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameType {
    /// REQ 0x00: a command of the host, or a callback of the stick.
    Request,
    /// RES 0x01: the stick's immediate answer.
    Response,
}

/// A data frame without its envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct DataFrame {
    /// Request or response.
    pub frame_type: FrameType,
    /// Serial API function id.
    pub function: u8,
    /// What follows; may hold a PIN, so `Debug` shows its length only.
    pub payload: Vec<u8>,
}

impl fmt::Debug for DataFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frame_type, function, payload } = self;
        write!(f, "{frame_type:?} function {function:#04x} ({} bytes)", payload.len())
    }
}

impl DataFrame {
    /// Most payload bytes that the length field can count.
    pub const MAX_PAYLOAD: usize = 252;

    /// The whole frame, from SOF to checksum. A payload over [`Self::MAX_PAYLOAD`] is cut; nothing here makes one.
    pub fn encode(&self) -> Vec<u8> {
        let payload = &self.payload[..self.payload.len().min(Self::MAX_PAYLOAD)];
        let length = u8::try_from(payload.len() + 3).unwrap_or(u8::MAX);
        let frame_type = match self.frame_type {
            FrameType::Request => 0x00,
            FrameType::Response => 0x01,
        };
        let mut bytes = vec![SOF, length, frame_type, self.function];
        bytes.extend_from_slice(payload);
        bytes.push(checksum(&bytes[1..]));
        bytes
    }
}

/// Exclusive or of everything between SOF and checksum, from 0xFF (INS12350 section 5.4.6).
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0xFF, |sum, byte| sum ^ byte)
}

/// What the parser found in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// ACK.
    Ack,
    /// NAK.
    Nak,
    /// CAN.
    Can,
    /// A whole data frame.
    Frame(DataFrame),
    /// A data frame with a wrong checksum, an impossible length or type, or one that never became whole.
    Corrupt,
}

/// Finds frames in a stream that comes in any pieces and may hold garbage.
#[derive(Default)]
pub struct FrameParser {
    buffer: Vec<u8>,
    begun_at: Option<Instant>,
}

impl FrameParser {
    /// Takes bytes.
    pub fn push(&mut self, now: Instant, bytes: &[u8]) {
        if self.buffer.is_empty() {
            self.begun_at = Some(now);
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Forgets everything: the port was opened anew.
    pub fn reset(&mut self) {
        self.buffer.clear();
        self.begun_at = None;
    }

    /// When an incomplete frame will be given up; call [`FrameParser::next`] then.
    pub fn timeout(&self) -> Option<Instant> {
        self.begun_at.filter(|_| !self.buffer.is_empty()).map(|begun| begun + FRAME_TIMEOUT)
    }

    /// The next thing in the stream. Bytes that begin nothing are passed over.
    pub fn next(&mut self, now: Instant) -> Option<Received> {
        let start = self.buffer.iter().position(|byte| matches!(*byte, SOF | ACK | NAK | CAN));
        self.drop_front(start.unwrap_or(self.buffer.len()), now);
        let single = match *self.buffer.first()? {
            ACK => Some(Received::Ack),
            NAK => Some(Received::Nak),
            CAN => Some(Received::Can),
            _ => None,
        };
        if single.is_some() {
            self.drop_front(1, now);
            return single;
        }
        let length = *self.buffer.get(1).unwrap_or(&MIN_LENGTH);
        if length < MIN_LENGTH {
            self.drop_front(1, now);
            return Some(Received::Corrupt);
        }
        let whole = usize::from(length) + 2;
        if self.buffer.len() < whole {
            if self.begun_at.is_some_and(|begun| now.saturating_duration_since(begun) >= FRAME_TIMEOUT) {
                self.drop_front(1, now);
                return Some(Received::Corrupt);
            }
            return None;
        }
        let (body, sum) = (&self.buffer[1..whole - 1], self.buffer[whole - 1]);
        let frame_type = match body[1] {
            0x00 => Some(FrameType::Request),
            0x01 => Some(FrameType::Response),
            _ => None,
        };
        let found = match frame_type {
            Some(frame_type) if checksum(body) == sum => {
                Received::Frame(DataFrame { frame_type, function: body[2], payload: body[3..].to_vec() })
            }
            _ => Received::Corrupt,
        };
        // Of a corrupt frame all that was counted is dropped: the sender repeats it whole. If it was the length that
        // was wrong, the checksums of what follows find the next frame.
        self.drop_front(whole, now);
        Some(found)
    }

    fn drop_front(&mut self, count: usize, now: Instant) {
        if count > 0 {
            self.buffer.drain(..count);
            self.begun_at = (!self.buffer.is_empty()).then_some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn all(parser: &mut FrameParser, now: Instant) -> Vec<Received> {
        std::iter::from_fn(|| parser.next(now)).collect()
    }

    #[test]
    fn a_frame_is_encoded_as_in_the_host_guide() {
        // GetVersion as zwave-js sends it.
        let frame = DataFrame { frame_type: FrameType::Request, function: 0x15, payload: vec![] };
        assert_eq!(frame.encode(), [0x01, 0x03, 0x00, 0x15, 0xE9]);
    }

    #[test]
    fn a_frame_is_found_byte_by_byte_and_after_garbage() {
        let now = start();
        let mut parser = FrameParser::default();
        let mut found = Vec::new();
        for byte in [0xFF, 0x00, 0x01, 0x03, 0x00, 0x15, 0xE9, 0x06] {
            parser.push(now, &[byte]);
            found.extend(all(&mut parser, now));
        }
        let frame = DataFrame { frame_type: FrameType::Request, function: 0x15, payload: vec![] };
        assert_eq!(found, [Received::Frame(frame), Received::Ack]);
    }

    #[test]
    fn a_wrong_checksum_an_impossible_length_and_an_unknown_type_are_corrupt() {
        let now = start();
        for bytes in [&[0x01, 0x03, 0x00, 0x15, 0xE8][..], &[0x01, 0x02], &[0x01, 0x03, 0x07, 0x15, 0xEE]] {
            let mut parser = FrameParser::default();
            parser.push(now, bytes);
            assert_eq!(parser.next(now), Some(Received::Corrupt), "{bytes:?}");
        }
    }

    #[test]
    fn a_frame_that_never_becomes_whole_is_given_up_and_the_next_one_is_found() {
        let now = start();
        let mut parser = FrameParser::default();
        parser.push(now, &[0x01, 0x20, 0x00]);
        assert_eq!(parser.next(now), None);
        let later = parser.timeout().unwrap();
        assert_eq!(parser.next(later), Some(Received::Corrupt));
        parser.push(later, &[0x01, 0x03, 0x00, 0x15, 0xE9]);
        assert!(matches!(all(&mut parser, later).last(), Some(Received::Frame(_))));
    }

    proptest! {
        #[test]
        fn whatever_comes_in_nothing_panics_and_a_good_frame_after_a_pause_is_found(noise: Vec<u8>) {
            let now = start();
            let mut parser = FrameParser::default();
            parser.push(now, &noise);
            all(&mut parser, now);
            let mut later = now;
            while let Some(timeout) = parser.timeout() {
                later = timeout;
                all(&mut parser, later);
            }
            parser.push(later, &[0x01, 0x03, 0x00, 0x15, 0xE9]);
            prop_assert!(matches!(all(&mut parser, later)[..], [Received::Frame(_)]));
        }
    }
}
