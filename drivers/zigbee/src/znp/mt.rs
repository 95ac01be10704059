//! Frames: a start byte, the length, two bytes of command, the data, a checksum (Z-Stack Monitor and Test API, section 2.1).

use std::fmt;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// Begins a frame.
pub const SOF: u8 = 0xFE;
/// Most bytes of data.
pub const MAX_DATA: usize = 250;

/// Length, two bytes of command, checksum.
const AROUND_DATA: usize = 4;
/// A frame whose rest does not come for so long is none.
const STALE: Duration = Duration::from_millis(500);

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The host asks, and waits for the answer (SREQ).
    Request,
    /// One side tells, and waits for nothing (AREQ).
    Tell,
    /// The answer to a request (SRSP).
    Answer,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Request, Self::Tell, Self::Answer];

    fn bits(self) -> u8 {
        match self {
            Self::Request => 0x20,
            Self::Tell => 0x40,
            Self::Answer => 0x60,
        }
    }
}

/// A command: its subsystem and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Command(pub u8, pub u8);

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x} {:#04x}", self.0, self.1)
    }
}

/// A frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// Of which command.
    pub command: Command,
    /// What stands in it. May hold a PIN or a key.
    pub data: Zeroizing<Vec<u8>>,
}

impl Frame {
    /// A frame with this data, of which at most [`MAX_DATA`] bytes are written.
    pub fn new(kind: Kind, command: Command, data: &[u8]) -> Self {
        Self { kind, command, data: Zeroizing::new(data.to_vec()) }
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let data = &self.data[..self.data.len().min(MAX_DATA)];
        let mut bytes = vec![SOF, data.len() as u8, self.kind.bits() | self.command.0, self.command.1];
        bytes.extend(data);
        bytes.push(checksum(&bytes[1..]));
        bytes
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}, {} bytes", self.kind, self.command, self.data.len())
    }
}

/// All bytes behind the start byte, exclusive-ored.
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Finds frames in bytes that come in any pieces. What is spoilt is passed over: nobody repeats it.
#[derive(Default)]
pub struct FrameParser {
    buffer: Zeroizing<Vec<u8>>,
    last: Option<Instant>,
}

impl FrameParser {
    /// Takes bytes.
    pub fn push(&mut self, now: Instant, bytes: &[u8]) {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) >= STALE) {
            self.buffer.clear();
        }
        self.last = Some(now);
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, if one is whole.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            let start = self.buffer.iter().position(|byte| *byte == SOF).unwrap_or(self.buffer.len());
            self.buffer.drain(..start);
            let length = usize::from(*self.buffer.get(1)?);
            let whole = length + AROUND_DATA + 1;
            if length <= MAX_DATA && self.buffer.len() < whole {
                return None;
            }
            let frame = (length <= MAX_DATA).then(|| read(&self.buffer[..whole])).flatten();
            // A start byte may have been another byte of something spoilt: the next one may be right behind.
            self.buffer.drain(..if frame.is_some() { whole } else { 1 });
            if frame.is_some() {
                return frame;
            }
        }
    }
}

/// Reads a whole frame.
fn read(bytes: &[u8]) -> Option<Frame> {
    let [_, body @ .., sum] = bytes else { return None };
    let [_, head, id, data @ ..] = body else { return None };
    let kind = Kind::ALL.into_iter().find(|kind| kind.bits() == head & 0xE0)?;
    (checksum(body) == *sum).then(|| Frame::new(kind, Command(head & 0x1F, *id), data))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// SYS_PING and its answer (zigpy-znp).
    const PING: [u8; 5] = [0xFE, 0x00, 0x21, 0x01, 0x20];
    const PONG: [u8; 7] = [0xFE, 0x02, 0x61, 0x01, 0x79, 0x07, 0x1C];

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn parse(bytes: &[u8]) -> Vec<Frame> {
        let mut parser = FrameParser::default();
        parser.push(start(), bytes);
        std::iter::from_fn(|| parser.next_frame()).collect()
    }

    fn ping() -> Frame {
        Frame::new(Kind::Request, Command(0x01, 0x01), &[])
    }

    #[test]
    fn frames_are_those_of_a_stick_and_its_host() {
        assert_eq!(ping().to_bytes(), PING);
        let pong = Frame::new(Kind::Answer, Command(0x01, 0x01), &[0x79, 0x07]);
        assert_eq!(pong.to_bytes(), PONG);
        assert_eq!(parse(&[PING.as_slice(), &PONG].concat()), [ping(), pong]);
    }

    #[test]
    fn a_frame_is_found_behind_garbage_a_false_start_and_a_spoilt_frame() {
        let spoilt = [0xFE, 0x02, 0x61, 0x01, 0x79, 0x07, 0x1D];
        let bytes = [&[0x00, 0xFE, 0xFE][..], &spoilt, &[0xFE, 0xFF], &PING].concat();
        assert_eq!(parse(&bytes), [ping()]);
    }

    #[test]
    fn the_rest_of_a_frame_that_does_not_come_is_not_waited_for() {
        let mut parser = FrameParser::default();
        parser.push(start(), &[0xFE, 0x20, 0x61]);
        assert_eq!(parser.next_frame(), None);
        parser.push(start() + STALE * 2, &PING);
        assert_eq!(parser.next_frame(), Some(ping()));
    }

    #[test]
    fn debug_shows_nothing_of_the_data() {
        let frame = Frame::new(Kind::Request, Command(0x04, 0x02), b"4711");
        assert_eq!(format!("{frame:?}"), "Request 0x04 0x02, 4 bytes");
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(data in proptest::collection::vec(any::<u8>(), 0..=MAX_DATA)) {
            let frame = Frame::new(Kind::Tell, Command(0x05, 0xFF), &data);
            prop_assert_eq!(parse(&frame.to_bytes()), [frame]);
        }

        #[test]
        fn whatever_comes_in_nothing_panics_and_a_frame_after_a_pause_is_found(noise: Vec<u8>) {
            let mut parser = FrameParser::default();
            let begin = start();
            parser.push(begin, &noise);
            while parser.next_frame().is_some() {}
            parser.push(begin + STALE, &PING);
            prop_assert_eq!(parser.next_frame(), Some(ping()));
        }
    }
}
