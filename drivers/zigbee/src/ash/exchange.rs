//! Both ends while connected: frames are numbered, acknowledged, and repeated when they were lost (UG101 sections 3 and 5).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::frame::{Frame, FrameNumber};

/// How long an acknowledgement may take at first (UG101 section 6.1).
pub const T_RX_ACK_INIT: Duration = Duration::from_millis(1600);
/// How long at least, however fast the other side was.
pub const T_RX_ACK_MIN: Duration = Duration::from_millis(400);
/// How long at most, however slow it was.
pub const T_RX_ACK_MAX: Duration = Duration::from_millis(3200);
/// Timeouts in a row after which the other side is taken to be gone (UG101 section 6.1: `ACK_TIMEOUTS`).
pub const ACK_TIMEOUTS: u32 = 4;
/// Most frames that may be on their way without an acknowledgement: numbers are modulo 8.
pub const MAX_WINDOW: usize = 7;

/// The other side did not acknowledge in time, several times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut;

/// What is owed to the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owed {
    Nothing,
    Ack,
    Nak,
}

/// One end of a connection.
pub struct Exchange {
    window: usize,
    /// Payloads that are not acknowledged; the first has the number `first`.
    payloads: VecDeque<Zeroizing<Vec<u8>>>,
    first: FrameNumber,
    /// How many of the payloads were sent at least once.
    sent: usize,
    /// Which payload goes out next; less than `sent` while they are repeated.
    next: usize,
    /// Runs while anything sent is not acknowledged.
    timer: Option<Timer>,
    t_rx_ack: Duration,
    timeouts: u32,
    expected: FrameNumber,
    /// A NAK was sent; what comes before the frame it asked for is passed over in silence (UG101 section 3.4).
    rejecting: bool,
    owed: Owed,
}

struct Timer {
    begun: Instant,
    until: Instant,
}

impl Exchange {
    /// Begins a connection; at most `window` frames (1 to [`MAX_WINDOW`]) go out without an acknowledgement.
    pub fn new(window: usize) -> Self {
        Self {
            window: window.clamp(1, MAX_WINDOW),
            payloads: VecDeque::new(),
            first: FrameNumber::default(),
            sent: 0,
            next: 0,
            timer: None,
            t_rx_ack: T_RX_ACK_INIT,
            timeouts: 0,
            expected: FrameNumber::default(),
            rejecting: false,
            owed: Owed::Nothing,
        }
    }

    /// Queues a payload for the other side.
    pub fn send(&mut self, payload: Zeroizing<Vec<u8>>) {
        self.payloads.push_back(payload);
    }

    /// Payloads that are not acknowledged.
    pub fn waiting(&self) -> usize {
        self.payloads.len()
    }

    /// Takes a frame. A payload that is new and next in order is handed out.
    pub fn handle_frame(&mut self, now: Instant, frame: Frame) -> Option<Zeroizing<Vec<u8>>> {
        match frame {
            Frame::Ack { ack, .. } => {
                self.acknowledged(now, ack);
                None
            }
            Frame::Nak { ack, .. } => {
                if self.acknowledged(now, ack) {
                    self.repeat();
                }
                None
            }
            Frame::Data { number, retransmitted, ack, payload } => {
                if !self.acknowledged(now, ack) {
                    self.reject();
                    return None;
                }
                if number == self.expected {
                    self.expected = number.plus(1);
                    (self.rejecting, self.owed) = (false, Owed::Ack);
                    return Some(payload);
                }
                if retransmitted {
                    // It was here before, and its acknowledgement was lost.
                    self.owed = Owed::Ack;
                } else {
                    self.reject();
                }
                None
            }
            Frame::Reset | Frame::ResetAck { .. } | Frame::Error { .. } => None,
        }
    }

    /// A data frame came in that can't be read.
    pub fn handle_garbled(&mut self) {
        self.reject();
    }

    /// The instant of [`Exchange::timeout`] has come.
    ///
    /// # Errors
    /// [`TimedOut`]: the connection is over.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), TimedOut> {
        if self.timer.take_if(|timer| timer.until <= now).is_none() {
            return Ok(());
        }
        self.timeouts += 1;
        if self.timeouts > ACK_TIMEOUTS {
            return Err(TimedOut);
        }
        self.t_rx_ack = (self.t_rx_ack * 2).min(T_RX_ACK_MAX);
        self.repeat();
        Ok(())
    }

    /// When [`Exchange::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        self.timer.as_ref().map(|timer| timer.until)
    }

    /// The next frame for the other side. What it is owed goes first: a host acknowledges at once (UG101 section 5.3).
    pub fn next_frame(&mut self, now: Instant) -> Option<Frame> {
        match std::mem::replace(&mut self.owed, Owed::Nothing) {
            Owed::Nak => return Some(Frame::Nak { ack: self.expected, not_ready: false }),
            Owed::Ack => return Some(Frame::Ack { ack: self.expected, not_ready: false }),
            Owed::Nothing => {}
        }
        if self.next >= self.window {
            return None;
        }
        let payload = self.payloads.get(self.next)?.clone();
        let retransmitted = self.next < self.sent;
        let frame = Frame::Data { number: self.first.plus(self.next), retransmitted, ack: self.expected, payload };
        self.next += 1;
        self.sent = self.sent.max(self.next);
        if self.timer.is_none() {
            self.start_timer(now);
        }
        Some(frame)
    }

    /// The other side has all before `ack`. False: it can't have, or can't ask for that.
    fn acknowledged(&mut self, now: Instant, ack: FrameNumber) -> bool {
        let count = ack.since(self.first);
        if count > self.sent {
            return false;
        }
        if count == 0 {
            return true;
        }
        let repeating = self.next < self.sent || self.timeouts > 0;
        if let Some(timer) = self.timer.take()
            && !repeating
        {
            let measured = now.saturating_duration_since(timer.begun);
            self.t_rx_ack = (self.t_rx_ack * 7 / 8 + measured / 2).clamp(T_RX_ACK_MIN, T_RX_ACK_MAX);
        }
        self.payloads.drain(..count);
        self.first = ack;
        self.sent -= count;
        self.next = self.next.saturating_sub(count);
        self.timeouts = 0;
        if self.sent > 0 {
            self.start_timer(now);
        }
        true
    }

    /// Once more from the first that is not acknowledged.
    fn repeat(&mut self) {
        if self.sent > 0 {
            self.next = 0;
            self.timer = None;
        }
    }

    fn reject(&mut self) {
        if !self.rejecting {
            (self.rejecting, self.owed) = (true, Owed::Nak);
        }
    }

    fn start_timer(&mut self, now: Instant) {
        self.timer = Some(Timer { begun: now, until: now + self.t_rx_ack });
    }
}
