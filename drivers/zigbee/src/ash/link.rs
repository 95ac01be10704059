//! The host's end: reset, connection, and what ends it (UG101 section 5).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::exchange::Exchange;
use super::frame::{Frame, VERSION, reason};
use super::stuffing::{CANCEL, FrameParser, Received, encode};

/// How long a stick may take to start after RST (UG101 section 6.1: `T_RSTACK_MAX`).
pub const T_RSTACK_MAX: Duration = Duration::from_millis(3200);
/// How often RST is sent before the stick is taken not to speak ASH.
pub const RESET_ATTEMPTS: u32 = 3;
/// How long XOFF holds, should the XON behind it be lost.
const XOFF_HOLDS: Duration = Duration::from_secs(2);
/// Frames on their way without an acknowledgement. EZSP itself has one command under way.
const WINDOW: usize = 3;
/// How much of what a stick says that does not connect is kept, to know it by.
const MOST_HEARD: usize = 256;

/// Why there is no connection, or none any more. Only [`Link::reset`] helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFailure {
    /// It did not answer RST. What it said instead, at most some hundred bytes.
    #[error("it does not answer a reset")]
    NoAnswer(Vec<u8>),
    /// It speaks another version of ASH.
    #[error("it speaks ASH version {0}, not {VERSION}")]
    Version(u8),
    /// It no longer acknowledges.
    #[error("it no longer acknowledges")]
    TimedOut,
    /// It gave up; carries its code.
    #[error("it gave up: {words} ({0:#04x})", words = reason(*.0))]
    GaveUp(u8),
    /// It restarted by itself; carries its code.
    #[error("it restarted: {words} ({0:#04x})", words = reason(*.0))]
    Restarted(u8),
}

/// What the link has to say.
#[derive(Debug, PartialEq, Eq)]
pub enum LinkOutput {
    /// Bytes for the port.
    Transmit(Vec<u8>),
    /// The stick has restarted, and takes payloads.
    Connected,
    /// A payload came in.
    Received(Zeroizing<Vec<u8>>),
    /// There is no connection any more.
    Failed(LinkFailure),
}

enum State {
    Closed,
    Resetting { attempt: u32, until: Instant, heard: Vec<u8> },
    Connected(Exchange),
}

/// The host's end of the line.
pub struct Link {
    state: State,
    parser: FrameParser,
    /// The stick takes no bytes before then.
    held_until: Option<Instant>,
    outputs: VecDeque<LinkOutput>,
}

impl Default for Link {
    fn default() -> Self {
        let parser = FrameParser::default();
        Self { state: State::Closed, parser, held_until: None, outputs: VecDeque::new() }
    }
}

impl Link {
    /// Restarts the stick, and begins anew: whatever was under way is forgotten. [`LinkOutput::Connected`] or
    /// [`LinkOutput::Failed`] follows.
    pub fn reset(&mut self, now: Instant) {
        self.close();
        self.send_reset(now, 1, Vec::new());
    }

    /// The port is gone.
    pub fn close(&mut self) {
        *self = Self::default();
    }

    /// Queues a payload (of 3 to [`super::frame::MAX_PAYLOAD`] bytes). Nothing happens where there is no connection.
    pub fn send(&mut self, now: Instant, payload: Zeroizing<Vec<u8>>) {
        if let State::Connected(exchange) = &mut self.state {
            exchange.send(payload);
            self.transmit(now);
        }
    }

    /// Bytes came in.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if let State::Resetting { heard, .. } = &mut self.state {
            heard.extend(bytes.iter().take(MOST_HEARD - heard.len()));
        }
        for byte in bytes {
            match self.parser.push(*byte) {
                Some(Received::Frame(frame)) => self.handle_frame(now, frame),
                Some(Received::Garbled { of_data, error }) => self.handle_garbled(of_data, error),
                Some(Received::Xoff) => self.held_until = Some(now + XOFF_HOLDS),
                Some(Received::Xon) => self.held_until = None,
                None => {}
            }
        }
        self.transmit(now);
    }

    /// The instant of [`Link::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.held_until.take_if(|until| *until <= now);
        match &mut self.state {
            State::Resetting { attempt, until, heard } if *until <= now => {
                let (attempt, heard) = (*attempt, std::mem::take(heard));
                if attempt < RESET_ATTEMPTS {
                    self.send_reset(now, attempt + 1, heard);
                } else {
                    self.fail(LinkFailure::NoAnswer(heard));
                }
            }
            State::Connected(exchange) => {
                if exchange.handle_timeout(now).is_err() {
                    self.fail(LinkFailure::TimedOut);
                }
            }
            State::Resetting { .. } | State::Closed => {}
        }
        self.transmit(now);
    }

    /// When [`Link::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        let state = match &self.state {
            State::Closed => return None,
            State::Resetting { until, .. } => Some(*until),
            State::Connected(exchange) => exchange.timeout(),
        };
        [state, self.held_until].into_iter().flatten().min()
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<LinkOutput> {
        self.outputs.pop_front()
    }

    fn handle_frame(&mut self, now: Instant, frame: Frame) {
        tracing::trace!(?frame, "from the stick");
        match (&mut self.state, frame) {
            (State::Closed, _) => {}
            (State::Resetting { .. }, Frame::ResetAck { version: VERSION, .. }) => {
                self.state = State::Connected(Exchange::new(WINDOW));
                self.outputs.push_back(LinkOutput::Connected);
            }
            (State::Resetting { .. }, Frame::ResetAck { version, .. }) => self.fail(LinkFailure::Version(version)),
            // What it had to say before the reset, or that it had given up.
            (State::Resetting { .. }, _) => {}
            (State::Connected(_), Frame::ResetAck { code, .. }) => self.fail(LinkFailure::Restarted(code)),
            (State::Connected(_), Frame::Error { code, .. }) => self.fail(LinkFailure::GaveUp(code)),
            (State::Connected(exchange), frame) => {
                let payload = exchange.handle_frame(now, frame);
                self.outputs.extend(payload.map(LinkOutput::Received));
            }
        }
    }

    fn handle_garbled(&mut self, of_data: bool, error: Option<super::frame::FrameError>) {
        tracing::trace!(of_data, ?error, "garbled, from the stick");
        if let State::Connected(exchange) = &mut self.state
            && of_data
        {
            exchange.handle_garbled();
        }
    }

    /// Cancel, lest a stick that had half a frame takes RST for the rest of it.
    fn send_reset(&mut self, now: Instant, attempt: u32, heard: Vec<u8>) {
        self.state = State::Resetting { attempt, until: now + T_RSTACK_MAX, heard };
        self.outputs.push_back(LinkOutput::Transmit([&[CANCEL][..], &encode(&Frame::Reset)].concat()));
    }

    fn transmit(&mut self, now: Instant) {
        let State::Connected(exchange) = &mut self.state else { return };
        if self.held_until.is_some() {
            return;
        }
        while let Some(frame) = exchange.next_frame(now) {
            tracing::trace!(?frame, "to the stick");
            self.outputs.push_back(LinkOutput::Transmit(encode(&frame)));
        }
    }

    fn fail(&mut self, failure: LinkFailure) {
        self.state = State::Closed;
        self.outputs.push_back(LinkOutput::Failed(failure));
    }
}

#[cfg(test)]
mod tests;
