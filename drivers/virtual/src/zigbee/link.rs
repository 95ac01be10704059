//! The stick's end of ASH (UG101): payloads of EZSP, each delivered once and in order, as the firmware does it.
//!
//! The bytes of a frame are those of the driver's codec. All else is the other end's: a stick waits for RST, gives up with
//! ERROR, and holds callbacks back while its host is not ready.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_zigbee::ash::frame::{FrameNumber, VERSION};
use keyway_zigbee::ash::stuffing::{CANCEL, encode};
use keyway_zigbee::ash::{Frame, FrameParser, Received};
use zeroize::Zeroizing;

/// Frames on the line that are not acknowledged yet (UG101 section 5.5: TX_K).
const WINDOW: usize = 5;
/// How long the stick waits for an acknowledgement: at first, at least and at most (section 5.6: T_RX_ACK).
const T_RX_ACK_INIT: Duration = Duration::from_millis(1600);
const T_RX_ACK_MIN: Duration = Duration::from_millis(400);
const T_RX_ACK_MAX: Duration = Duration::from_millis(3200);
/// Timeouts in a row after which it gives up (ACK_TIMEOUTS).
const ACK_TIMEOUTS: u32 = 4;
/// How long it believes a host that said it was not ready (T_REMOTE_NOTRDY).
const T_REMOTE_NOTRDY: Duration = Duration::from_secs(1);
/// Callbacks that wait for a slow host; the newest are dropped beyond, as a stick without buffers does.
const MAX_WAITING: usize = 64;
/// Why it gave up (section 2.3): it was not acknowledged too often.
const EXCEEDED_TIMEOUTS: u8 = 0x51;

/// What the link has for the firmware.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LinkEvent {
    /// The host wants the firmware to restart.
    Reset,
    /// A command.
    Payload(Zeroizing<Vec<u8>>),
}

/// Payloads to and from the host.
pub(super) struct Link {
    state: State,
    parser: FrameParser,
    /// The next number to send, and the next to come.
    send: FrameNumber,
    expected: FrameNumber,
    /// Sent and not acknowledged, oldest first.
    sent: VecDeque<Sent>,
    waiting: VecDeque<Waiting>,
    /// It has asked for a frame again, and does not ask twice.
    rejecting: bool,
    /// An acknowledgement is due, and no frame has carried it.
    owes_ack: bool,
    t_rx_ack: Duration,
    timeouts: u32,
    until: Option<Instant>,
    not_ready_until: Option<Instant>,
    bytes: VecDeque<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Since it started no host has said anything.
    Silent,
    Connected,
    /// It takes nothing but RST; carries why.
    Failed(u8),
}

struct Sent {
    number: FrameNumber,
    payload: Zeroizing<Vec<u8>>,
    at: Instant,
    again: bool,
}

struct Waiting {
    payload: Zeroizing<Vec<u8>>,
    is_callback: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            state: State::Silent,
            parser: FrameParser::default(),
            send: FrameNumber::default(),
            expected: FrameNumber::default(),
            sent: VecDeque::new(),
            waiting: VecDeque::new(),
            rejecting: false,
            owes_ack: false,
            t_rx_ack: T_RX_ACK_INIT,
            timeouts: 0,
            until: None,
            not_ready_until: None,
            bytes: VecDeque::new(),
        }
    }
}

impl Link {
    /// The firmware has started: it says so, and begins anew.
    pub(super) fn started(&mut self, code: u8) {
        *self = Self { state: State::Connected, bytes: std::mem::take(&mut self.bytes), ..Self::default() };
        let mut bytes = vec![CANCEL];
        bytes.extend(encode(&Frame::ResetAck { version: VERSION, code }));
        self.bytes.push_back(bytes);
    }

    /// The port was opened or closed: until RST nobody is there.
    pub(super) fn disconnect(&mut self) {
        *self = Self::default();
    }

    /// The firmware gives up, and says why until it is reset.
    pub(super) fn fail(&mut self, code: u8) {
        self.state = State::Failed(code);
        (self.until, self.not_ready_until) = (None, None);
        self.sent.clear();
        self.waiting.clear();
        self.transmit(&Frame::Error { version: VERSION, code });
    }

    /// Sends a payload when its turn has come. A callback is dropped where too many wait.
    pub(super) fn send(&mut self, now: Instant, payload: Vec<u8>, is_callback: bool) {
        if self.state != State::Connected || (is_callback && self.waiting.len() >= MAX_WAITING) {
            return;
        }
        self.waiting.push_back(Waiting { payload: Zeroizing::new(payload), is_callback });
        self.send_waiting(now);
    }

    /// Bytes came from the host.
    pub(super) fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) -> Vec<LinkEvent> {
        let mut events = Vec::new();
        for byte in bytes {
            match self.parser.push(*byte) {
                Some(Received::Frame(frame)) => self.handle_frame(now, frame, &mut events),
                Some(Received::Garbled { of_data: true, .. }) => self.reject(),
                Some(Received::Garbled { of_data: false, .. } | Received::Xon | Received::Xoff) | None => {}
            }
        }
        events
    }

    /// The firmware has dealt with what came: an acknowledgement that no answer has carried goes out by itself.
    pub(super) fn acknowledge(&mut self) {
        if std::mem::take(&mut self.owes_ack) {
            self.transmit(&Frame::Ack { ack: self.expected, not_ready: false });
        }
    }

    /// The instant of [`Link::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.not_ready_until.is_some_and(|until| until <= now) {
            self.not_ready_until = None;
            self.send_waiting(now);
        }
        if self.until.is_some_and(|until| until <= now) {
            self.timeouts += 1;
            self.t_rx_ack = (self.t_rx_ack * 2).min(T_RX_ACK_MAX);
            if self.timeouts >= ACK_TIMEOUTS {
                self.fail(EXCEEDED_TIMEOUTS);
            } else {
                self.send_again(now);
            }
        }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        [self.until, self.not_ready_until].into_iter().flatten().min()
    }

    /// The next bytes for the host.
    pub(super) fn poll(&mut self) -> Option<Vec<u8>> {
        self.bytes.pop_front()
    }

    fn handle_frame(&mut self, now: Instant, frame: Frame, events: &mut Vec<LinkEvent>) {
        match (frame, self.state) {
            (Frame::Reset, _) => {
                self.disconnect();
                events.push(LinkEvent::Reset);
            }
            (_, State::Failed(code)) => self.transmit(&Frame::Error { version: VERSION, code }),
            (_, State::Silent) | (Frame::ResetAck { .. } | Frame::Error { .. }, _) => {}
            (Frame::Ack { ack, not_ready }, _) => {
                self.note_readiness(now, not_ready);
                self.take_ack(now, ack);
            }
            (Frame::Nak { ack, not_ready }, _) => {
                self.note_readiness(now, not_ready);
                self.take_ack(now, ack);
                self.send_again(now);
            }
            (Frame::Data { number, retransmitted, ack, payload }, _) => {
                self.take_ack(now, ack);
                if number == self.expected {
                    self.expected = self.expected.plus(1);
                    self.rejecting = false;
                    self.owes_ack = true;
                    events.push(LinkEvent::Payload(payload));
                } else if retransmitted {
                    // It is here already; its acknowledgement was lost.
                    self.owes_ack = true;
                } else {
                    self.reject();
                }
            }
        }
    }

    fn note_readiness(&mut self, now: Instant, not_ready: bool) {
        self.not_ready_until = not_ready.then(|| now + T_REMOTE_NOTRDY);
    }

    fn take_ack(&mut self, now: Instant, ack: FrameNumber) {
        let Some(oldest) = self.sent.front() else { return };
        let count = ack.since(oldest.number);
        if count > self.sent.len() {
            return;
        }
        for sent in self.sent.drain(..count) {
            if !sent.again {
                // An eighth of what is new (section 5.6).
                let took = now.saturating_duration_since(sent.at);
                let mixed = self.t_rx_ack * 7 / 8 + took / 2;
                self.t_rx_ack = mixed.clamp(T_RX_ACK_MIN, T_RX_ACK_MAX);
            }
        }
        if count > 0 {
            self.timeouts = 0;
            self.until = (!self.sent.is_empty()).then(|| now + self.t_rx_ack);
        }
        self.send_waiting(now);
    }

    fn send_waiting(&mut self, now: Instant) {
        while self.sent.len() < WINDOW {
            let held_back = self.not_ready_until.is_some();
            let Some(at) = self.waiting.iter().position(|waiting| !(waiting.is_callback && held_back)) else { return };
            let Some(Waiting { payload, .. }) = self.waiting.remove(at) else { return };
            let number = self.send;
            self.send = self.send.plus(1);
            self.transmit_data(number, &payload, false);
            self.sent.push_back(Sent { number, payload, at: now, again: false });
            self.until = self.until.or(Some(now + self.t_rx_ack));
        }
    }

    fn send_again(&mut self, now: Instant) {
        let sent = std::mem::take(&mut self.sent);
        self.until = (!sent.is_empty()).then(|| now + self.t_rx_ack);
        for sent in sent {
            self.transmit_data(sent.number, &sent.payload, true);
            self.sent.push_back(Sent { again: true, ..sent });
        }
    }

    fn transmit_data(&mut self, number: FrameNumber, payload: &Zeroizing<Vec<u8>>, retransmitted: bool) {
        self.owes_ack = false;
        self.transmit(&Frame::Data { number, retransmitted, ack: self.expected, payload: payload.clone() });
    }

    fn reject(&mut self) {
        match self.state {
            State::Connected if !std::mem::replace(&mut self.rejecting, true) => {
                self.transmit(&Frame::Nak { ack: self.expected, not_ready: false });
            }
            _ => {}
        }
    }

    fn transmit(&mut self, frame: &Frame) {
        self.bytes.push_back(encode(frame));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zigbee::tests::start;

    fn frames(link: &mut Link) -> Vec<Frame> {
        let mut parser = FrameParser::default();
        let bytes: Vec<u8> = std::iter::from_fn(|| link.poll()).flatten().collect();
        let frame = |byte: &u8| match parser.push(*byte) {
            Some(Received::Frame(frame)) => Some(frame),
            _ => None,
        };
        bytes.iter().filter_map(frame).collect()
    }

    fn number(number: u8) -> FrameNumber {
        FrameNumber::new(number)
    }

    fn data(of: u8, ack: u8, retransmitted: bool) -> Frame {
        let payload = Zeroizing::new(vec![of; 4]);
        Frame::Data { number: number(of), retransmitted, ack: number(ack), payload }
    }

    fn connected() -> Link {
        let mut link = Link::default();
        link.started(0x0B);
        assert_eq!(frames(&mut link), [Frame::ResetAck { version: 2, code: 0x0B }]);
        link
    }

    #[test]
    fn until_it_is_reset_a_stick_takes_nothing() {
        let (now, mut link) = (start(), Link::default());
        assert_eq!(link.handle_bytes(now, &encode(&data(0, 0, false))), []);
        assert_eq!(link.handle_bytes(now, &encode(&Frame::Reset)), [LinkEvent::Reset]);
        assert_eq!(frames(&mut link), []);
    }

    #[test]
    fn a_command_is_delivered_once_although_its_acknowledgement_was_lost() {
        let (now, mut link) = (start(), connected());
        let delivered = LinkEvent::Payload(Zeroizing::new(vec![0; 4]));
        assert_eq!(link.handle_bytes(now, &encode(&data(0, 0, false))), [delivered]);
        link.acknowledge();
        assert_eq!(link.handle_bytes(now, &encode(&data(0, 0, true))), []);
        link.acknowledge();
        let ack = Frame::Ack { ack: number(1), not_ready: false };
        assert_eq!(frames(&mut link), [ack.clone(), ack]);
    }

    #[test]
    fn a_gap_is_rejected_once() {
        let (now, mut link) = (start(), connected());
        for of in [1, 2] {
            assert_eq!(link.handle_bytes(now, &encode(&data(of, 0, false))), []);
        }
        link.acknowledge();
        assert_eq!(frames(&mut link), [Frame::Nak { ack: number(0), not_ready: false }]);
    }

    #[test]
    fn an_answer_carries_the_acknowledgement_and_is_sent_again_until_it_is_acknowledged_itself() {
        let (mut now, mut link) = (start(), connected());
        link.handle_bytes(now, &encode(&data(0, 0, false)));
        link.send(now, vec![0; 4], false);
        link.acknowledge();
        assert_eq!(frames(&mut link), [data(0, 1, false)]);
        for _ in 1..ACK_TIMEOUTS {
            now = link.timeout().unwrap();
            link.handle_timeout(now);
            assert_eq!(frames(&mut link), [data(0, 1, true)]);
        }
        now = link.timeout().unwrap();
        link.handle_timeout(now);
        let error = Frame::Error { version: 2, code: EXCEEDED_TIMEOUTS };
        assert_eq!(frames(&mut link), std::slice::from_ref(&error));
        link.handle_bytes(now, &encode(&data(1, 1, false)));
        assert_eq!(frames(&mut link), [error], "it says so again, and takes nothing");
    }

    #[test]
    fn callbacks_wait_for_a_host_that_is_not_ready_and_answers_do_not() {
        let (mut now, mut link) = (start(), connected());
        link.handle_bytes(now, &encode(&Frame::Ack { ack: number(0), not_ready: true }));
        link.send(now, vec![7; 4], true);
        link.send(now, vec![0; 4], false);
        assert_eq!(frames(&mut link), [data(0, 0, false)]);
        now += T_REMOTE_NOTRDY;
        link.handle_timeout(now);
        assert_eq!(frames(&mut link).len(), 1, "it is believed for a second");
    }

    #[test]
    fn not_more_frames_are_on_the_line_than_the_window_has() {
        let (now, mut link) = (start(), connected());
        for of in 0..7 {
            link.send(now, vec![of; 4], true);
        }
        assert_eq!(frames(&mut link).len(), WINDOW);
        link.handle_bytes(now, &encode(&Frame::Ack { ack: number(2), not_ready: false }));
        assert_eq!(frames(&mut link), [data(5, 0, false), data(6, 0, false)]);
        link.handle_bytes(now, &encode(&Frame::Nak { ack: number(6), not_ready: false }));
        assert_eq!(frames(&mut link), [data(6, 0, true)], "only what is missing goes again");
    }
}
