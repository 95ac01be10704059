//! EZSP over a link: the version is agreed on, then one command is under way at a time, as the protocol demands (UG100,
//! "Protocol format").

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_lock::wire::{Reader, WireError};
use zeroize::Zeroizing;

use super::fields::{Field, Fields};
use super::frame::{EXTENDED_SINCE, Form, Head, Purpose};
use super::status::Status;
use super::table::{Command, Layout, NEWEST, Side};
use crate::ash::{Link, LinkFailure, LinkOutput};
use crate::engine::{self, CallId, Said};

/// How long a stick may take to answer a command. It does so at once; what takes time comes as a callback.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a command brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// This version of the protocol has no such command.
    #[error("this version has no such command")]
    NotInVersion,
    /// The stick does not take it (invalidCommand).
    #[error("the stick does not take the command: status {0}")]
    Invalid(Status),
    /// The answer can't be read.
    #[error(transparent)]
    Unreadable(#[from] WireError),
}

/// Why there is no session, or none any more. Only [`Session::reset`] helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionFailure {
    /// See [`LinkFailure`].
    #[error(transparent)]
    Link(#[from] LinkFailure),
    /// The firmware is older than what is spoken here.
    #[error("its firmware speaks EZSP version {0}; version {EXTENDED_SINCE} or later is needed")]
    TooOld(u8),
    /// A command was acknowledged and never answered.
    #[error("it takes commands and does not answer them")]
    Hung,
    /// Its version can't be read.
    #[error("its version can't be read: {0}")]
    Unreadable(WireError),
}

/// What the session tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The stick has restarted, and the version of the protocol is agreed on.
    Connected {
        /// That version.
        version: u8,
    },
    /// A command has ended.
    Answered(CallId, Result<Fields, CallError>),
    /// The stick tells something.
    Callback(Command, Fields),
    /// The session is over. Commands that were handed over are forgotten; the caller knows.
    Failed(SessionFailure),
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

enum State {
    Closed,
    /// RST was sent.
    Connecting,
    /// The version was asked for, in the legacy form.
    Asking {
        until: Instant,
    },
    /// The stick's own version was asked for, in the extended form.
    Agreeing {
        version: u8,
        until: Instant,
    },
    Working {
        version: u8,
    },
}

struct InFlight {
    id: CallId,
    sequence: u8,
    layout: &'static Layout,
    until: Instant,
}

/// The session with one stick.
pub struct Session {
    link: Link,
    state: State,
    queue: VecDeque<(CallId, Command, Fields)>,
    in_flight: Option<InFlight>,
    next_id: u64,
    sequence: u8,
    outputs: VecDeque<SessionEvent>,
    bytes: VecDeque<Vec<u8>>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            link: Link::default(),
            state: State::Closed,
            queue: VecDeque::new(),
            in_flight: None,
            next_id: 0,
            sequence: 0,
            outputs: VecDeque::new(),
            bytes: VecDeque::new(),
        }
    }
}

impl Session {
    /// Restarts the stick and begins anew; [`SessionEvent::Connected`] or [`SessionEvent::Failed`] follows. What was under
    /// way is forgotten.
    pub fn reset(&mut self, now: Instant) {
        self.close();
        self.state = State::Connecting;
        self.link.reset(now);
        self.run(now);
    }

    /// The port is gone.
    pub fn close(&mut self) {
        let next_id = self.next_id;
        *self = Self { next_id, ..Self::default() };
    }

    /// The version agreed on.
    pub fn version(&self) -> Option<u8> {
        match self.state {
            State::Working { version } => Some(version),
            _ => None,
        }
    }

    /// Hands over a command; [`SessionEvent::Answered`] with this id follows, unless the session fails before.
    pub fn submit(&mut self, now: Instant, command: Command, fields: Fields) -> CallId {
        self.next_id += 1;
        let id = CallId(self.next_id);
        self.queue.push_back((id, command, fields));
        self.run(now);
        id
    }

    /// Bytes came in.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.link.handle_bytes(now, bytes);
        self.run(now);
    }

    /// The instant of the last timeout has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.link.handle_timeout(now);
        if self.answer_until().is_some_and(|until| until <= now) {
            self.fail(SessionFailure::Hung);
        }
        self.run(now);
    }

    /// The next output.
    pub fn poll_output(&mut self) -> SessionOutput {
        if let Some(bytes) = self.bytes.pop_front() {
            return SessionOutput::Transmit(bytes);
        }
        match self.outputs.pop_front() {
            Some(event) => SessionOutput::Event(event),
            None => SessionOutput::Timeout([self.link.timeout(), self.answer_until()].into_iter().flatten().min()),
        }
    }

    fn answer_until(&self) -> Option<Instant> {
        match self.state {
            State::Asking { until } | State::Agreeing { until, .. } => Some(until),
            State::Closed | State::Connecting | State::Working { .. } => {
                self.in_flight.as_ref().map(|flight| flight.until)
            }
        }
    }

    fn run(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.link.poll() {
                match output {
                    LinkOutput::Transmit(bytes) => self.bytes.push_back(bytes),
                    LinkOutput::Connected => self.ask_version(now),
                    LinkOutput::Received(payload) => self.handle_payload(now, &payload),
                    LinkOutput::Failed(failure) => self.fail(failure.into()),
                }
            }
            let State::Working { version } = self.state else { return };
            if self.in_flight.is_some() {
                return;
            }
            let Some((id, command, fields)) = self.queue.pop_front() else { return };
            match Layout::of(version, command) {
                Some(layout) => self.call(now, version, id, layout, &fields),
                None => self.outputs.push_back(SessionEvent::Answered(id, Err(CallError::NotInVersion))),
            }
        }
    }

    fn call(&mut self, now: Instant, version: u8, id: CallId, layout: &'static Layout, fields: &Fields) {
        tracing::trace!(command = ?layout.command, ?fields, "to the stick");
        let sequence = self.send(now, Form::Extended, version, layout, fields);
        self.in_flight = Some(InFlight { id, sequence, layout, until: now + ANSWER_TIMEOUT });
    }

    fn send(&mut self, now: Instant, form: Form, version: u8, layout: &Layout, fields: &Fields) -> u8 {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let head = Head { sequence, purpose: Purpose::Command, overflow: false, id: layout.id };
        let mut payload = Zeroizing::new(head.to_bytes(form));
        payload.extend(layout.encode(version, Side::Request, fields));
        self.link.send(now, payload);
        sequence
    }

    /// In the legacy form, which every version reads: which one it is (UG100, "version").
    fn ask_version(&mut self, now: Instant) {
        self.sequence = 0;
        self.state = State::Asking { until: now + ANSWER_TIMEOUT };
        self.send_version(now, Form::Legacy, EXTENDED_SINCE);
    }

    fn send_version(&mut self, now: Instant, form: Form, version: u8) {
        if let Some(layout) = Layout::of(EXTENDED_SINCE, Command::Version) {
            self.send(now, form, EXTENDED_SINCE, layout, &Fields::new().with(Field::ProtocolVersion, version));
        }
    }

    fn handle_payload(&mut self, now: Instant, payload: &[u8]) {
        let mut reader = Reader::new(payload);
        match self.state {
            State::Asking { .. } => match read_version(Form::Legacy, &mut reader) {
                Ok(Some(version)) if version < EXTENDED_SINCE => self.fail(SessionFailure::TooOld(version)),
                Ok(Some(version)) => {
                    self.state = State::Agreeing { version, until: now + ANSWER_TIMEOUT };
                    self.send_version(now, Form::Extended, version);
                }
                Ok(None) => {}
                Err(error) => self.fail(SessionFailure::Unreadable(error)),
            },
            State::Agreeing { version, .. } => match read_version(Form::Extended, &mut reader) {
                Ok(Some(told)) if told == version => {
                    if version > NEWEST {
                        tracing::warn!(
                            version,
                            "the stick speaks an EZSP newer than {NEWEST}: it is spoken to as if not"
                        );
                    }
                    self.state = State::Working { version };
                    self.outputs.push_back(SessionEvent::Connected { version });
                }
                Ok(_) => {}
                Err(error) => self.fail(SessionFailure::Unreadable(error)),
            },
            State::Working { version } => {
                if let Err(error) = self.handle_frame(version, &mut reader) {
                    tracing::debug!(%error, "a frame of the stick can't be read");
                }
            }
            State::Closed | State::Connecting => {}
        }
    }

    fn handle_frame(&mut self, version: u8, reader: &mut Reader<'_>) -> Result<(), WireError> {
        let head = Head::read(Form::Extended, reader)?;
        if head.overflow {
            tracing::warn!("the stick had no room and lost what it had to tell");
        }
        let layout = Layout::by_id(version, head.id);
        if head.purpose == Purpose::Callback {
            // What the table does not have, nobody needs.
            let Some(layout) = layout else { return Ok(()) };
            let fields = layout.decode(version, Side::Answer, reader)?;
            tracing::trace!(command = ?layout.command, ?fields, "from the stick");
            self.outputs.push_back(SessionEvent::Callback(layout.command, fields));
            return Ok(());
        }
        let Some(flight) = self.in_flight.take_if(|flight| flight.sequence == head.sequence) else { return Ok(()) };
        let result = match layout {
            Some(layout) if layout.id == flight.layout.id => {
                layout.decode(version, Side::Answer, reader).map_err(CallError::from)
            }
            Some(layout) if layout.command == Command::InvalidCommand => {
                Err(CallError::Invalid(layout.decode(version, Side::Answer, reader)?.status()))
            }
            _ => Err(reader.invalid("frame id", head.id).into()),
        };
        tracing::trace!(command = ?flight.layout.command, ?result, "answered");
        self.outputs.push_back(SessionEvent::Answered(flight.id, result));
        Ok(())
    }

    fn fail(&mut self, failure: SessionFailure) {
        self.link.close();
        self.state = State::Closed;
        (self.in_flight, self.queue) = (None, VecDeque::new());
        self.outputs.push_back(SessionEvent::Failed(failure));
    }
}

impl engine::Session for Session {
    type Call = (Command, Fields);
    type Answer = Result<Fields, CallError>;
    type Told = (Command, Fields);

    fn begin(&mut self, now: Instant) {
        self.reset(now);
    }

    fn close(&mut self) {
        Self::close(self);
    }

    fn call(&mut self, now: Instant, (command, fields): Self::Call) -> CallId {
        self.submit(now, command, fields)
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        Self::handle_bytes(self, now, bytes);
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll(&mut self) -> Said<Self::Answer, Self::Told> {
        match self.poll_output() {
            SessionOutput::Transmit(bytes) => Said::Transmit(bytes),
            SessionOutput::Timeout(timeout) => Said::Timeout(timeout),
            SessionOutput::Event(SessionEvent::Connected { .. }) => Said::Ready,
            SessionOutput::Event(SessionEvent::Answered(id, result)) => Said::Answered(id, result),
            SessionOutput::Event(SessionEvent::Callback(command, fields)) => Said::Told((command, fields)),
            SessionOutput::Event(SessionEvent::Failed(SessionFailure::Link(LinkFailure::NoAnswer(heard)))) => {
                Said::Stranger(heard)
            }
            SessionOutput::Event(SessionEvent::Failed(failure)) => Said::Broken(failure.to_string()),
        }
    }
}

/// The version in an answer to the command of that name; `None` for another frame.
fn read_version(form: Form, reader: &mut Reader<'_>) -> Result<Option<u8>, WireError> {
    let head = Head::read(form, reader)?;
    if head.purpose != Purpose::Answer || head.id != 0 {
        return Ok(None);
    }
    reader.u8("protocol version").map(Some)
}

#[cfg(test)]
mod tests;
