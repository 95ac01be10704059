//! Acknowledgement, retransmission and back-off (INS12350 sections 6.2 and 6.3).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::frame::{ACK, DataFrame, FrameParser, NAK, Received};

/// How long an ACK may take (INS12350 section 6.2.2).
pub const ACK_TIMEOUT: Duration = Duration::from_millis(1600);
/// How often a frame is sent again before it is given up (INS12350 section 6.2.2).
pub const MAX_RETRANSMISSIONS: u32 = 3;
/// Frames that a stick may have sent to a host that died before it acknowledged them: a response, a callback, a report.
const MOST_OWED_ACKS: usize = 3;

/// Pause before retransmission `n` (from 0): 100 ms + n · 1000 ms (INS12350 section 6.3).
fn back_off(n: u32) -> Duration {
    Duration::from_millis(100 + u64::from(n) * 1000)
}

/// Why a frame could not be delivered to the stick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkFailure {
    /// No answer at all.
    #[error("the stick does not acknowledge")]
    AckTimeout,
    /// The stick said NAK each time.
    #[error("the stick could not read the frame")]
    Nak,
    /// The stick was sending each time.
    #[error("the stick dropped the frame")]
    Can,
}

/// What the link has to say.
#[derive(Debug, PartialEq, Eq)]
pub enum LinkOutput {
    /// Bytes for the port.
    Transmit(Vec<u8>),
    /// The frame handed over has been acknowledged.
    Delivered,
    /// The frame handed over is given up.
    Failed(LinkFailure),
    /// A frame came in; it has been acknowledged.
    Received(DataFrame),
    /// A frame came in corrupt; it has been answered NAK.
    Garbled,
}

enum Sending {
    Idle,
    WaitAck { until: Instant },
    BackOff { until: Instant },
}

/// The host's end of the link: one frame outstanding.
pub struct Link {
    parser: FrameParser,
    frame: Zeroizing<Vec<u8>>,
    retransmissions: u32,
    sending: Sending,
    last_failure: LinkFailure,
    outputs: VecDeque<LinkOutput>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            parser: FrameParser::default(),
            frame: Zeroizing::default(),
            retransmissions: 0,
            sending: Sending::Idle,
            last_failure: LinkFailure::AckTimeout,
            outputs: VecDeque::new(),
        }
    }
}

impl Link {
    /// The port was opened: a NAK tells the stick to repeat what it had half sent, or had sent to a host that died before
    /// it acknowledged (INS12350 section 6.1).
    pub fn handle_opened(&mut self) {
        *self = Self::default();
        self.outputs.push_back(LinkOutput::Transmit(vec![NAK]));
    }

    /// Ends the wait of a stick that still owes a dead host something and did not heed the NAK: else it would take our
    /// first ACK for one that is owed, or answer our first frame with CAN. To be called once it had time to repeat.
    pub fn write_off(&mut self) {
        self.outputs.push_back(LinkOutput::Transmit(vec![ACK; MOST_OWED_ACKS]));
    }

    /// No ACK is awaited any more: the frame has shown by its effect that it arrived, or does not matter now.
    pub fn settle(&mut self) {
        self.sending = Sending::Idle;
    }

    /// Whether a frame is on its way; if so, [`Link::send`] must wait.
    pub fn is_busy(&self) -> bool {
        !matches!(self.sending, Sending::Idle)
    }

    /// Sends a frame; [`LinkOutput::Delivered`] or [`LinkOutput::Failed`] follows.
    pub fn send(&mut self, now: Instant, frame: &DataFrame) {
        trace("to the stick", frame);
        self.frame = Zeroizing::new(frame.encode());
        self.retransmissions = 0;
        self.transmit(now);
    }

    /// Bytes came in.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.parser.push(now, bytes);
        self.read(now);
    }

    /// The instant of [`Link::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.read(now);
        match self.sending {
            Sending::WaitAck { until } if until <= now => self.retry(now, LinkFailure::AckTimeout),
            Sending::BackOff { until } if until <= now => self.transmit(now),
            Sending::Idle | Sending::WaitAck { .. } | Sending::BackOff { .. } => {}
        }
    }

    /// When [`Link::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        let sending = match self.sending {
            Sending::Idle => None,
            Sending::WaitAck { until } | Sending::BackOff { until } => Some(until),
        };
        [sending, self.parser.timeout()].into_iter().flatten().min()
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<LinkOutput> {
        self.outputs.pop_front()
    }

    fn read(&mut self, now: Instant) {
        while let Some(received) = self.parser.next(now) {
            let waiting = matches!(self.sending, Sending::WaitAck { .. });
            match received {
                Received::Ack if waiting => {
                    self.sending = Sending::Idle;
                    self.outputs.push_back(LinkOutput::Delivered);
                }
                Received::Nak if waiting => self.retry(now, LinkFailure::Nak),
                Received::Can if waiting => self.retry(now, LinkFailure::Can),
                // Nothing is outstanding: left over from before.
                Received::Ack | Received::Nak | Received::Can => {}
                Received::Frame(frame) => {
                    trace("from the stick", &frame);
                    self.outputs.push_back(LinkOutput::Transmit(vec![ACK]));
                    self.outputs.push_back(LinkOutput::Received(frame));
                }
                Received::Corrupt => {
                    self.outputs.push_back(LinkOutput::Transmit(vec![NAK]));
                    self.outputs.push_back(LinkOutput::Garbled);
                }
            }
        }
    }

    fn transmit(&mut self, now: Instant) {
        self.outputs.push_back(LinkOutput::Transmit(self.frame.to_vec()));
        self.sending = Sending::WaitAck { until: now + ACK_TIMEOUT };
    }

    fn retry(&mut self, now: Instant, failure: LinkFailure) {
        self.last_failure = failure;
        if self.retransmissions >= MAX_RETRANSMISSIONS {
            self.sending = Sending::Idle;
            self.outputs.push_back(LinkOutput::Failed(self.last_failure));
            return;
        }
        self.sending = Sending::BackOff { until: now + back_off(self.retransmissions) };
        self.retransmissions += 1;
    }
}

/// What passes the wire, for who looks for a fault in it. Never the payload: it may hold a PIN.
fn trace(way: &'static str, frame: &DataFrame) {
    let (function, bytes) = (frame.function, frame.payload.len());
    tracing::trace!(kind = ?frame.frame_type, function = format_args!("{function:#04x}"), bytes, "{way}");
}

#[cfg(test)]
mod tests {
    use super::super::frame::{CAN, FrameType};
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn frame() -> DataFrame {
        DataFrame { frame_type: FrameType::Request, function: 0x15, payload: vec![] }
    }

    fn drain(link: &mut Link) -> Vec<LinkOutput> {
        std::iter::from_fn(|| link.poll()).collect()
    }

    #[test]
    fn a_silent_stick_gets_the_frame_four_times_with_growing_pauses_and_is_then_given_up() {
        let begin = start();
        let mut link = Link::default();
        link.send(begin, &frame());
        let mut sent_at = Vec::new();
        let mut now = begin;
        loop {
            for output in drain(&mut link) {
                match output {
                    LinkOutput::Transmit(_) => sent_at.push((now - begin).as_millis()),
                    LinkOutput::Failed(failure) => {
                        assert_eq!(failure, LinkFailure::AckTimeout);
                        assert_eq!(sent_at, [0, 1700, 4400, 8100]);
                        return;
                    }
                    other => panic!("{other:?}"),
                }
            }
            now = link.timeout().unwrap();
            link.handle_timeout(now);
        }
    }

    #[test]
    fn nak_and_can_bring_the_frame_again_after_100_ms() {
        for answer in [NAK, CAN] {
            let begin = start();
            let mut link = Link::default();
            link.send(begin, &frame());
            drain(&mut link);
            link.handle_bytes(begin, &[answer]);
            assert_eq!(link.timeout(), Some(begin + Duration::from_millis(100)));
            link.handle_timeout(begin + Duration::from_millis(100));
            assert_eq!(drain(&mut link), [LinkOutput::Transmit(frame().encode())]);
            link.handle_bytes(begin + Duration::from_millis(110), &[ACK]);
            assert_eq!(drain(&mut link), [LinkOutput::Delivered]);
            assert!(!link.is_busy());
        }
    }

    #[test]
    fn a_frame_that_comes_while_an_ack_is_awaited_is_acknowledged_and_kept() {
        let now = start();
        let mut link = Link::default();
        link.send(now, &frame());
        drain(&mut link);
        link.handle_bytes(now, &frame().encode());
        assert_eq!(drain(&mut link), [LinkOutput::Transmit(vec![ACK]), LinkOutput::Received(frame())]);
        assert!(link.is_busy());
    }

    #[test]
    fn a_corrupt_frame_is_answered_nak() {
        let now = start();
        let mut link = Link::default();
        let mut bytes = frame().encode();
        bytes[3] ^= 0x40;
        link.handle_bytes(now, &bytes);
        assert_eq!(drain(&mut link), [LinkOutput::Transmit(vec![NAK]), LinkOutput::Garbled]);
    }
}
