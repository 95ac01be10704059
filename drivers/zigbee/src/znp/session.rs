//! One request under way at a time: its answer, or none in time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::command::{AF_DATA_REQUEST_EXT, RPC_ERROR};
use super::mt::{Command, Frame, FrameParser, Kind};
use crate::engine::{self, CallId, Said};

/// How long a stick may take to answer a request. Some writes to its memory take seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(6);
/// How much is kept of what a stick says that does not answer.
const MOST_HEARD: usize = 512;
/// How often a request is made that is not answered: a frame that is spoilt on the line is passed over in silence, and nobody
/// repeats it. What goes over the air is not asked for twice, as it may have gone.
const TRIES: u32 = 2;
/// Requests in a row without an answer after which the stick hangs.
const HANGS_AFTER: u32 = 3;

/// Why a request brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The stick does not know it.
    #[error("the stick does not know the request")]
    Unknown,
    /// It was not answered in time: it, or its answer, was lost.
    #[error("the stick did not answer")]
    NoAnswer,
}

/// What the session tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// A request has ended, with the data of its answer.
    Answered(CallId, Result<Zeroizing<Vec<u8>>, CallError>),
    /// The stick tells something.
    Told(Command, Zeroizing<Vec<u8>>),
    /// Requests are no longer answered. Those under way are forgotten; the caller knows.
    Hung,
    /// Not even the first request was answered; what was heard instead.
    Stranger(Vec<u8>),
}

/// One output of the session.
#[derive(Debug)]
pub enum SessionOutput {
    /// Bytes for the port.
    Transmit(Vec<u8>),
    /// See [`SessionEvent`].
    Event(SessionEvent),
    /// Nothing more now.
    Timeout(Option<Instant>),
}

struct InFlight {
    id: CallId,
    frame: Frame,
    tries: u32,
    until: Instant,
}

impl InFlight {
    fn may_be_repeated(&self) -> bool {
        self.tries < TRIES && self.frame.command != AF_DATA_REQUEST_EXT
    }
}

/// The session with one stick.
#[derive(Default)]
pub struct Session {
    parser: FrameParser,
    queue: VecDeque<(CallId, Frame)>,
    in_flight: Option<InFlight>,
    unanswered: u32,
    /// What was heard before the first answer; `None` once there was one.
    heard: Option<Vec<u8>>,
    is_ready: bool,
    next_id: u64,
    bytes: VecDeque<Vec<u8>>,
    events: VecDeque<SessionEvent>,
}

impl Session {
    /// Forgets what is under way: the port was opened or lost, or the stick restarts.
    pub fn clear(&mut self) {
        *self = Self { next_id: self.next_id, heard: Some(Vec::new()), ..Self::default() };
    }

    /// Hands over a request; [`SessionEvent::Answered`] with this id follows. What is told only is sent, and answered at
    /// once without data.
    pub fn submit(&mut self, now: Instant, frame: Frame) -> CallId {
        self.next_id += 1;
        let id = CallId(self.next_id);
        self.queue.push_back((id, frame));
        self.run(now);
        id
    }

    /// Bytes came in.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if let Some(heard) = &mut self.heard {
            let room = MOST_HEARD.saturating_sub(heard.len());
            heard.extend(bytes.iter().take(room));
        }
        self.parser.push(now, bytes);
        while let Some(frame) = self.parser.next_frame() {
            tracing::trace!(?frame, "from the stick");
            self.handle_frame(frame);
        }
        self.run(now);
    }

    /// The instant of the last timeout has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(flight) = self.in_flight.take_if(|flight| flight.until <= now) {
            self.unanswered += 1;
            if self.heard.is_none() && self.unanswered < HANGS_AFTER && flight.may_be_repeated() {
                tracing::debug!(frame = ?flight.frame, "not answered: it is asked again");
                return self.ask(now, flight.id, flight.frame, flight.tries + 1);
            }
            if let Some(heard) = self.heard.take() {
                self.clear();
                self.events.push_back(SessionEvent::Stranger(heard));
            } else if self.unanswered >= HANGS_AFTER {
                self.clear();
                self.events.push_back(SessionEvent::Hung);
            } else {
                self.events.push_back(SessionEvent::Answered(flight.id, Err(CallError::NoAnswer)));
            }
        }
        self.run(now);
    }

    /// The next output.
    pub fn poll_output(&mut self) -> SessionOutput {
        if let Some(bytes) = self.bytes.pop_front() {
            return SessionOutput::Transmit(bytes);
        }
        match self.events.pop_front() {
            Some(event) => SessionOutput::Event(event),
            None => SessionOutput::Timeout(self.in_flight.as_ref().map(|flight| flight.until)),
        }
    }

    fn run(&mut self, now: Instant) {
        while self.in_flight.is_none()
            && let Some((id, frame)) = self.queue.pop_front()
        {
            if frame.kind == Kind::Request {
                self.ask(now, id, frame, 1);
            } else {
                tracing::trace!(?frame, "to the stick");
                self.bytes.push_back(frame.to_bytes());
                self.events.push_back(SessionEvent::Answered(id, Ok(Zeroizing::default())));
            }
        }
    }

    fn ask(&mut self, now: Instant, id: CallId, frame: Frame, tries: u32) {
        tracing::trace!(?frame, "to the stick");
        self.bytes.push_back(frame.to_bytes());
        self.in_flight = Some(InFlight { id, frame, tries, until: now + ANSWER_TIMEOUT });
    }

    fn handle_frame(&mut self, frame: Frame) {
        match frame.kind {
            Kind::Tell => self.events.push_back(SessionEvent::Told(frame.command, frame.data)),
            Kind::Answer => {
                let is_error = frame.command == RPC_ERROR;
                let its = |flight: &mut InFlight| is_error || flight.frame.command == frame.command;
                if let Some(flight) = self.in_flight.take_if(its) {
                    (self.unanswered, self.heard) = (0, None);
                    let result = if is_error { Err(CallError::Unknown) } else { Ok(frame.data) };
                    self.events.push_back(SessionEvent::Answered(flight.id, result));
                }
            }
            Kind::Request => {}
        }
    }
}

impl engine::Session for Session {
    type Call = Frame;
    type Answer = Result<Zeroizing<Vec<u8>>, CallError>;
    type Told = (Command, Zeroizing<Vec<u8>>);

    fn begin(&mut self, _now: Instant) {
        self.clear();
        self.is_ready = true;
    }

    fn close(&mut self) {
        self.clear();
    }

    fn call(&mut self, now: Instant, frame: Frame) -> CallId {
        self.submit(now, frame)
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        Self::handle_bytes(self, now, bytes);
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll(&mut self) -> Said<Self::Answer, Self::Told> {
        if std::mem::take(&mut self.is_ready) {
            return Said::Ready;
        }
        match self.poll_output() {
            SessionOutput::Transmit(bytes) => Said::Transmit(bytes),
            SessionOutput::Timeout(timeout) => Said::Timeout(timeout),
            SessionOutput::Event(SessionEvent::Answered(id, result)) => Said::Answered(id, result),
            SessionOutput::Event(SessionEvent::Told(command, data)) => Said::Told((command, data)),
            SessionOutput::Event(SessionEvent::Hung) => Said::Broken("it no longer answers".to_owned()),
            SessionOutput::Event(SessionEvent::Stranger(heard)) => Said::Stranger(heard),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::{SYS_PING, SYS_RESET, SYS_VERSION, ZDO_STATE_CHANGE};
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn events(session: &mut Session) -> Vec<SessionEvent> {
        std::iter::from_fn(|| session.events.pop_front()).collect()
    }

    fn request(command: Command) -> Frame {
        Frame::new(Kind::Request, command, &[])
    }

    fn answer(command: Command, data: &[u8]) -> Vec<u8> {
        Frame::new(Kind::Answer, command, data).to_bytes()
    }

    #[test]
    fn one_request_is_under_way_and_the_next_one_waits_for_its_answer() {
        let (now, mut session) = (start(), Session::default());
        let first = session.submit(now, request(SYS_PING));
        let second = session.submit(now, request(SYS_VERSION));
        assert_eq!(session.bytes.len(), 1);
        session.handle_bytes(now, &Frame::new(Kind::Tell, ZDO_STATE_CHANGE, &[9]).to_bytes());
        session.handle_bytes(now, &answer(SYS_PING, &[0x79, 0x07]));
        session.handle_bytes(now, &answer(RPC_ERROR, &[0x02, 0x21, 0x02]));
        assert_eq!(
            events(&mut session),
            [
                SessionEvent::Told(ZDO_STATE_CHANGE, Zeroizing::new(vec![9])),
                SessionEvent::Answered(first, Ok(Zeroizing::new(vec![0x79, 0x07]))),
                SessionEvent::Answered(second, Err(CallError::Unknown)),
            ]
        );
    }

    #[test]
    fn what_is_only_told_waits_for_no_answer() {
        let (now, mut session) = (start(), Session::default());
        let id = session.submit(now, Frame::new(Kind::Tell, SYS_RESET, &[1]));
        assert_eq!(events(&mut session), [SessionEvent::Answered(id, Ok(Zeroizing::default()))]);
    }

    #[test]
    fn a_request_that_is_not_answered_is_made_again_unless_it_is_for_the_air() {
        let (mut now, mut session) = (start(), Session::default());
        let asked = session.submit(now, request(SYS_VERSION));
        now += ANSWER_TIMEOUT;
        session.handle_timeout(now);
        assert_eq!((session.bytes.len(), events(&mut session).len()), (2, 0));
        session.handle_bytes(now, &answer(SYS_VERSION, &[2]));
        assert_eq!(events(&mut session), [SessionEvent::Answered(asked, Ok(Zeroizing::new(vec![2])))]);
        let sent = session.submit(now, request(AF_DATA_REQUEST_EXT));
        now += ANSWER_TIMEOUT;
        session.handle_timeout(now);
        assert_eq!(session.bytes.len(), 3);
        assert_eq!(events(&mut session), [SessionEvent::Answered(sent, Err(CallError::NoAnswer))]);
    }

    #[test]
    fn a_stick_that_answers_nothing_hangs_after_some_requests() {
        let (mut now, mut session) = (start(), Session::default());
        for left in [false, false, true] {
            session.submit(now, request(SYS_PING));
            now += ANSWER_TIMEOUT;
            session.handle_timeout(now);
            let hung = events(&mut session).contains(&SessionEvent::Hung);
            assert_eq!(hung, left);
        }
    }
}
