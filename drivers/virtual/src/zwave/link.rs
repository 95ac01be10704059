//! The stick's end of the host link (INS12350 sections 5 and 6).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_zwave::host::frame::{ACK, CAN, DataFrame, FrameParser, FrameType, NAK, Received};
use keyway_zwave::serial_api::function;

/// How long the host may take to acknowledge.
const ACK_TIMEOUT: Duration = Duration::from_millis(1600);
/// How often a frame is sent again before it is dropped.
const MAX_RETRANSMISSIONS: u32 = 3;
/// Frames of either kind that wait for a host that does not read; what comes then is dropped, as sticks do. They keep 8;
/// but on a real air, frames come one behind the other.
const MAX_WAITING: usize = 64;

/// Frames to and from the host.
#[derive(Default)]
pub(super) struct Link {
    parser: FrameParser,
    /// What became of what the host asked: sticks keep that apart, so that no flood of frames takes its place.
    answers: VecDeque<DataFrame>,
    /// What nodes have said.
    heard: VecDeque<DataFrame>,
    /// The frame at the host, not acknowledged yet.
    sent: Option<Sent>,
    bytes: VecDeque<Vec<u8>>,
}

struct Sent {
    bytes: Vec<u8>,
    retransmissions: u32,
    until: Instant,
}

impl Link {
    /// The port was opened anew: nothing is under way.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The stick restarts: frames are forgotten. What is on the wire goes out, such as the ACK of the order to restart.
    pub(super) fn restart(&mut self) {
        *self = Self { bytes: std::mem::take(&mut self.bytes), ..Self::default() };
    }

    /// Bytes came from the host: the frames in them, acknowledged.
    pub(super) fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) -> Vec<DataFrame> {
        self.parser.push(now, bytes);
        self.read(now)
    }

    /// The instant of [`Link::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Vec<DataFrame> {
        let frames = self.read(now);
        if self.sent.as_ref().is_some_and(|sent| sent.until <= now) {
            self.send_again(now);
        }
        frames
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        [self.sent.as_ref().map(|sent| sent.until), self.parser.timeout()].into_iter().flatten().min()
    }

    /// Sends a frame when its turn has come: answers go first.
    pub(super) fn send(&mut self, now: Instant, frame: DataFrame) {
        let heard = [
            function::APPLICATION_COMMAND_HANDLER,
            function::BRIDGE_APPLICATION_COMMAND_HANDLER,
            function::APPLICATION_UPDATE,
        ];
        let of_node = frame.frame_type == FrameType::Request && heard.contains(&frame.function);
        let waiting = if of_node { &mut self.heard } else { &mut self.answers };
        if waiting.len() < MAX_WAITING {
            waiting.push_back(frame);
        }
        self.send_next(now);
    }

    /// The next bytes for the host.
    pub(super) fn poll(&mut self) -> Option<Vec<u8>> {
        self.bytes.pop_front()
    }

    fn read(&mut self, now: Instant) -> Vec<DataFrame> {
        let mut frames = Vec::new();
        while let Some(received) = self.parser.next(now) {
            match received {
                Received::Ack => {
                    self.sent = None;
                    self.send_next(now);
                }
                Received::Nak | Received::Can if self.sent.is_some() => self.send_again(now),
                Received::Nak | Received::Can => {}
                // Both talked at once: the stick goes on with its own frame and wants the host's again.
                Received::Frame(_) if self.sent.is_some() => self.bytes.push_back(vec![CAN]),
                Received::Frame(frame) => {
                    self.bytes.push_back(vec![ACK]);
                    frames.push(frame);
                }
                Received::Corrupt => self.bytes.push_back(vec![NAK]),
            }
        }
        frames
    }

    fn send_next(&mut self, now: Instant) {
        if self.sent.is_none()
            && let Some(frame) = self.answers.pop_front().or_else(|| self.heard.pop_front())
        {
            let bytes = frame.encode();
            self.bytes.push_back(bytes.clone());
            self.sent = Some(Sent { bytes, retransmissions: 0, until: now + ACK_TIMEOUT });
        }
    }

    fn send_again(&mut self, now: Instant) {
        match &mut self.sent {
            Some(sent) if sent.retransmissions < MAX_RETRANSMISSIONS => {
                sent.retransmissions += 1;
                sent.until = now + ACK_TIMEOUT;
                self.bytes.push_back(sent.bytes.clone());
            }
            _ => {
                self.sent = None;
                self.send_next(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use keyway_zwave::host::frame::FrameType;

    use super::*;
    use crate::zwave::tests::start;

    fn frame(function: u8) -> DataFrame {
        DataFrame { frame_type: FrameType::Request, function, payload: vec![] }
    }

    fn sent(link: &mut Link) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| link.poll()).collect()
    }

    #[test]
    fn a_good_frame_is_acknowledged_and_a_garbled_one_is_not() {
        let (now, mut link) = (start(), Link::default());
        assert_eq!(link.handle_bytes(now, &[0x01, 0x03, 0x00, 0x15, 0xE9]), [frame(0x15)]);
        assert_eq!(link.handle_bytes(now, &[0x01, 0x03, 0x00, 0x15, 0xE8]), []);
        assert_eq!(sent(&mut link), [[ACK], [NAK]]);
    }

    #[test]
    fn one_frame_is_outstanding_and_is_sent_four_times() {
        let (mut now, mut link) = (start(), Link::default());
        link.send(now, frame(1));
        link.send(now, frame(2));
        assert_eq!(sent(&mut link), [frame(1).encode()]);
        for _ in 0..3 {
            now = link.timeout().unwrap();
            link.handle_timeout(now);
            assert_eq!(sent(&mut link), [frame(1).encode()]);
        }
        now = link.timeout().unwrap();
        link.handle_timeout(now);
        assert_eq!(sent(&mut link), [frame(2).encode()], "the first one is given up");
        link.handle_bytes(now, &[ACK]);
        assert_eq!(link.timeout(), None);
    }

    #[test]
    fn a_flood_of_frames_drops_no_answer_and_the_answer_goes_first() {
        let (now, mut link) = (start(), Link::default());
        for _ in 0..1000 {
            link.send(now, frame(function::APPLICATION_COMMAND_HANDLER));
        }
        link.send(now, frame(function::SEND_DATA));
        let mut functions = Vec::new();
        while let Some(bytes) = link.poll() {
            functions.push(bytes[3]);
            link.handle_bytes(now, &[ACK]);
        }
        assert_eq!(functions[1], function::SEND_DATA, "behind the one that is under way");
        assert_eq!(functions.len(), MAX_WAITING + 2);
    }

    #[test]
    fn a_nak_brings_the_frame_again_and_a_collision_drops_the_hosts() {
        let (now, mut link) = (start(), Link::default());
        link.send(now, frame(1));
        link.handle_bytes(now, &[NAK]);
        assert_eq!(link.handle_bytes(now, &frame(0x15).encode()), []);
        assert_eq!(sent(&mut link), [frame(1).encode(), frame(1).encode(), vec![CAN]]);
    }
}
