//! Frames on the line: flags between them, reserved bytes escaped (UG101 section 4.2).

use zeroize::{Zeroize, Zeroizing};

use super::frame::{Frame, FrameError, MAX_PAYLOAD};

/// Ends a frame.
pub const FLAG: u8 = 0x7E;
/// The next byte is another one with bit 5 flipped.
pub const ESCAPE: u8 = 0x7D;
/// The other side may be sent to again.
pub const XON: u8 = 0x11;
/// The other side must not be sent to.
pub const XOFF: u8 = 0x13;
/// Stands for a byte that the line spoilt: the frame is lost.
pub const SUBSTITUTE: u8 = 0x18;
/// All since the last flag is void.
pub const CANCEL: u8 = 0x1A;

const FLIP: u8 = 0x20;
/// Control byte, payload, checksum.
const LONGEST: usize = MAX_PAYLOAD + 3;

/// The bytes of a frame for the line, with its flag.
pub fn encode(frame: &Frame) -> Vec<u8> {
    let bytes = frame.to_bytes();
    let mut out = Vec::with_capacity(bytes.len() * 2 + 1);
    for byte in bytes.iter() {
        match *byte {
            FLAG | ESCAPE | XON | XOFF | SUBSTITUTE | CANCEL => out.extend([ESCAPE, *byte ^ FLIP]),
            plain => out.push(plain),
        }
    }
    out.push(FLAG);
    out
}

/// What was found among the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A frame.
    Frame(Frame),
    /// Bytes that are no frame, and why; `of_data`: they began as a data frame does.
    Garbled {
        /// Whether the first byte was the control byte of a data frame.
        of_data: bool,
        /// What is wrong; `None` where the line itself said so.
        error: Option<FrameError>,
    },
    /// The other side takes bytes again.
    Xon,
    /// The other side takes no bytes for now.
    Xoff,
}

/// Finds frames in bytes that come in any pieces.
#[derive(Default, Clone)]
pub struct FrameParser {
    frame: Zeroizing<Vec<u8>>,
    escaped: bool,
    /// The line spoilt this frame, or it is too long.
    lost: bool,
}

impl FrameParser {
    /// Takes one byte.
    pub fn push(&mut self, byte: u8) -> Option<Received> {
        match byte {
            FLAG => return self.end(),
            CANCEL => self.clear(),
            SUBSTITUTE => self.lost = true,
            XON => return Some(Received::Xon),
            XOFF => return Some(Received::Xoff),
            ESCAPE => self.escaped = true,
            _ if self.frame.len() == LONGEST => self.lost = true,
            plain => {
                let flip = if std::mem::take(&mut self.escaped) { FLIP } else { 0 };
                self.frame.push(plain ^ flip);
            }
        }
        None
    }

    /// Forgets what is half read.
    pub fn clear(&mut self) {
        self.frame.zeroize();
        (self.escaped, self.lost) = (false, false);
    }

    fn end(&mut self) -> Option<Received> {
        let of_data = self.frame.first().is_some_and(|control| control & 0x80 == 0);
        let found = if self.lost {
            Some(Received::Garbled { of_data, error: None })
        } else if self.frame.is_empty() {
            // Flags may be repeated (UG101 section 4.2).
            None
        } else {
            Some(match Frame::read(&self.frame) {
                Ok(frame) => Received::Frame(frame),
                Err(error) => Received::Garbled { of_data, error: Some(error) },
            })
        };
        self.clear();
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frame::FrameNumber;
    use super::*;

    fn parse(bytes: &[u8]) -> Vec<Received> {
        let mut parser = FrameParser::default();
        bytes.iter().filter_map(|byte| parser.push(*byte)).collect()
    }

    fn data(payload: &[u8]) -> Frame {
        let payload = Zeroizing::new(payload.to_vec());
        Frame::Data { number: FrameNumber::new(2), retransmitted: false, ack: FrameNumber::new(5), payload }
    }

    const RST: [u8; 4] = [0xC0, 0x38, 0xBC, FLAG];

    #[test]
    fn reserved_bytes_are_escaped_as_in_the_specification() {
        // UG101 section 4.2: 7E becomes 7D 5E, and so on. The payload is chosen so that the sequence of randomization makes
        // just these bytes of it.
        let reserved = [0x7E, 0x11, 0x13, 0x18, 0x1A, 0x7D];
        let random = [0x42, 0x21, 0xA8, 0x54, 0x2A, 0x15];
        let payload: Vec<u8> = reserved.iter().zip(random).map(|(byte, random)| byte ^ random).collect();
        let line = encode(&data(&payload));
        assert_eq!(line[1..13], [0x7D, 0x5E, 0x7D, 0x31, 0x7D, 0x33, 0x7D, 0x38, 0x7D, 0x3A, 0x7D, 0x5D]);
        assert_eq!(parse(&line), [Received::Frame(data(&payload))]);
    }

    #[test]
    fn cancel_voids_what_came_before_and_repeated_flags_are_nothing() {
        let line = [&[0x25, 0x42, CANCEL][..], &RST, &[FLAG, FLAG], &RST].concat();
        assert_eq!(parse(&line), [Received::Frame(Frame::Reset), Received::Frame(Frame::Reset)]);
    }

    #[test]
    fn a_substitute_costs_the_frame_it_is_in_and_no_other() {
        let line = [&[0x25, SUBSTITUTE, 0x21, FLAG][..], &RST].concat();
        let lost = Received::Garbled { of_data: true, error: None };
        assert_eq!(parse(&line), [lost, Received::Frame(Frame::Reset)]);
    }

    #[test]
    fn flow_control_bytes_are_told_and_are_no_part_of_a_frame() {
        let line = [0xC0, XOFF, 0x38, XON, 0xBC, FLAG];
        assert_eq!(parse(&line), [Received::Xoff, Received::Xon, Received::Frame(Frame::Reset)]);
    }

    #[test]
    fn a_frame_without_an_end_takes_no_more_memory() {
        let mut parser = FrameParser::default();
        for _ in 0..100_000 {
            assert_eq!(parser.push(0x55), None);
        }
        assert_eq!(parser.frame.len(), LONGEST);
        assert_eq!(parser.push(FLAG), Some(Received::Garbled { of_data: true, error: None }));
        assert_eq!(parse(&RST), [Received::Frame(Frame::Reset)]);
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(payload in proptest::collection::vec(any::<u8>(), 3..=MAX_PAYLOAD)) {
            prop_assert_eq!(parse(&encode(&data(&payload))), [Received::Frame(data(&payload))]);
        }

        #[test]
        fn whatever_comes_in_nothing_panics_and_the_frame_after_a_flag_is_found(noise: Vec<u8>) {
            let found = parse(&[&noise[..], &[CANCEL], &RST].concat());
            prop_assert_eq!(found.last(), Some(&Received::Frame(Frame::Reset)));
        }
    }
}
