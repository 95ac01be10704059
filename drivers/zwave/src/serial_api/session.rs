//! One command in flight: acknowledgement, response, callback, and what to do when one of them does not come.

mod event;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::callback::{ApplicationCommand, NodeUpdate, TransmitReport};
use super::command::{Answer, Command};
use super::function;
use super::network::NetworkCallback;
use super::startup::{Answered, Startup, Stick};
use crate::host::frame::{DataFrame, FrameType};
use crate::host::link::{Link, LinkFailure, LinkOutput};
use crate::node::NodeId;

pub use event::{Completed, SendFailure, SessionEvent, SessionOutput, Ticket};

/// How soon after a corrupt frame an answer that did not come is asked for again. A stick repeats a frame that was
/// answered NAK after 100 ms (INS12350 section 6.3); some do not.
const AFTER_GARBLED: Duration = Duration::from_millis(400);
/// How long a callback may still come after a corrupt frame that may have been it.
const CALLBACK_AFTER_GARBLED: Duration = Duration::from_millis(2500);
/// How long the callback of a send may still take once the stick was told to give it up.
const CALLBACK_AFTER_ABORT: Duration = Duration::from_secs(2);
/// How long a node may take to answer a request for its node information frame.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a stick may take, once its port is opened, to begin to repeat what a host that died did not acknowledge.
const REPEAT_TIMEOUT: Duration = Duration::from_millis(150);
/// How long a stick may take to start after a soft reset (host API: up to 1.5 s; USB sticks more).
const SOFT_RESET_TIMEOUT: Duration = Duration::from_secs(3);
/// Pause before identification is tried again after the stick did not answer at all.
const IDENTIFY_AGAIN: Duration = Duration::from_secs(2);

/// Commands in a row that it did not take, or did not answer, after which the stick is taken to hang, and restarted.
const HANGS_AFTER: u32 = 3;
/// Commands in a row that the stick says it can't read after which it is restarted.
const UNREAD_AFTER: u32 = 10;

/// Commands that wait for the stick to be identified, at most.
const MOST_EARLY: usize = 16;

/// Where the command in flight stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waiting for the link to deliver it.
    Acknowledge,
    /// Waiting for the response.
    Response { until: Instant },
    /// Accepted; waiting for the callback.
    Callback { until: Instant },
}

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Startup,
    SoftReset,
    Caller(Ticket),
}

struct InFlight {
    asker: Asker,
    command: Command,
    phase: Phase,
}

enum State {
    Closed,
    /// Just opened; waiting for what the stick still has to say to the last host.
    Opening {
        until: Instant,
    },
    /// Soft reset was sent; waiting for the stick to say that it started.
    Resetting {
        until: Instant,
    },
    /// Identification failed; to be tried again.
    Pausing {
        until: Instant,
    },
    Identifying(Startup),
    Working(Box<Stick>),
}

/// The session with one stick.
pub struct Session {
    link: Link,
    state: State,
    soft_reset: bool,
    in_flight: Option<InFlight>,
    /// Commands in a row that brought no answer.
    unanswered: u32,
    /// Commands in a row that it said it could not read.
    unread: u32,
    queue: VecDeque<(Ticket, Command)>,
    /// Commands that came in before the stick was identified.
    early: Vec<DataFrame>,
    next_ticket: u64,
    next_callback: u8,
    outputs: VecDeque<SessionOutput>,
}

impl Session {
    /// `soft_reset`: restart the stick each time the port is opened.
    pub fn new(soft_reset: bool) -> Self {
        Self {
            link: Link::default(),
            state: State::Closed,
            soft_reset,
            in_flight: None,
            unanswered: 0,
            unread: 0,
            queue: VecDeque::new(),
            early: Vec::new(),
            next_ticket: 0,
            next_callback: 0,
            outputs: VecDeque::new(),
        }
    }

    /// The stick, once identified.
    pub fn stick(&self) -> Option<&Stick> {
        match &self.state {
            State::Working(stick) => Some(stick),
            State::Closed
            | State::Opening { .. }
            | State::Resetting { .. }
            | State::Pausing { .. }
            | State::Identifying(_) => None,
        }
    }

    /// Whether a command handed over now goes out at once.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.queue.is_empty() && self.stick().is_some()
    }

    /// The port was opened.
    pub fn handle_opened(&mut self, now: Instant) {
        self.handle_lost();
        self.link.handle_opened();
        self.state = State::Opening { until: now + REPEAT_TIMEOUT };
        self.run(now);
    }

    /// The port is gone. Whatever was asked is forgotten; the caller knows.
    pub fn handle_lost(&mut self) {
        self.link = Link::default();
        self.state = State::Closed;
        self.in_flight = None;
        self.queue.clear();
        self.early.clear();
        self.outputs.clear();
    }

    /// Bytes came in.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.link.handle_bytes(now, bytes);
        self.run(now);
    }

    /// Hands over a command; a [`SessionEvent::Completed`] with this ticket follows.
    pub fn submit(&mut self, now: Instant, command: Command) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.queue.push_back((ticket, command));
        self.run(now);
        ticket
    }

    /// Sends a command class to a node.
    pub fn send_data(&mut self, now: Instant, node: NodeId, data: &[u8]) -> Ticket {
        // 0 would ask for no callback.
        self.next_callback = self.next_callback.checked_add(1).unwrap_or(1);
        let callback = self.next_callback;
        let command = match self.stick() {
            Some(stick) => stick.send_data(node, data, callback),
            None => Command::send_data(node, super::command::NodeIdWidth::Bits8, data, callback),
        };
        self.submit(now, command)
    }

    /// Tells the stick to give up the send in flight; its callback then comes soon, with whatever status. Nothing
    /// happens where there is none, or the stick has no such function.
    pub fn abort(&mut self, now: Instant) {
        let can = !self.link.is_busy() && self.stick().is_some_and(|stick| stick.has(function::SEND_DATA_ABORT));
        if let Some(InFlight { phase: Phase::Callback { until }, .. }) = self.in_flight.as_mut().filter(|_| can) {
            *until = (*until).min(now + CALLBACK_AFTER_ABORT);
            self.link.send(now, &Command::order(function::SEND_DATA_ABORT, &[]).frame());
            self.run(now);
        }
    }

    /// The stick is asked anew what it is: its network is another one now.
    pub fn identify_again(&mut self, now: Instant) {
        if self.stick().is_some() {
            self.fail_all(SendFailure::Restarted);
            self.state = State::Identifying(Startup::new());
            self.run(now);
        }
    }

    /// The stick is restarted: it forgets its settings, and is identified again.
    pub fn restart(&mut self, now: Instant) {
        if self.stick().is_some() {
            self.fail_all(SendFailure::Restarted);
            self.begin_reset(now);
            self.run(now);
        }
    }

    /// The instant of the last timeout has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.link.handle_timeout(now);
        match self.state {
            State::Opening { until } if until <= now => {
                self.link.write_off();
                if self.soft_reset {
                    self.begin_reset(now);
                } else {
                    self.state = State::Identifying(Startup::new());
                }
            }
            State::Resetting { until } | State::Pausing { until } if until <= now => {
                self.in_flight = None;
                self.state = State::Identifying(Startup::new());
            }
            _ => {}
        }
        self.check_phase(now);
        self.run(now);
    }

    /// The next output.
    pub fn poll_output(&mut self) -> SessionOutput {
        self.outputs.pop_front().unwrap_or_else(|| SessionOutput::Timeout(self.timeout()))
    }

    fn timeout(&self) -> Option<Instant> {
        let state = match self.state {
            State::Opening { until } | State::Resetting { until } | State::Pausing { until } => Some(until),
            State::Closed | State::Identifying(_) | State::Working(_) => None,
        };
        let phase = self.in_flight.as_ref().and_then(|flight| match flight.phase {
            Phase::Acknowledge => None,
            Phase::Response { until } | Phase::Callback { until } => Some(until),
        });
        [state, phase, self.link.timeout()].into_iter().flatten().min()
    }

    fn run(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.link.poll() {
                self.handle_link(now, output);
            }
            if self.in_flight.is_some() || self.link.is_busy() {
                return;
            }
            match &mut self.state {
                State::Identifying(startup) => match startup.command() {
                    Some(command) => self.begin(now, Asker::Startup, command),
                    None => self.identified(),
                },
                State::Working(_) => match self.queue.pop_front() {
                    Some((ticket, command)) => self.begin(now, Asker::Caller(ticket), command),
                    None => return,
                },
                State::Closed | State::Opening { .. } | State::Resetting { .. } | State::Pausing { .. } => return,
            }
        }
    }

    fn begin(&mut self, now: Instant, asker: Asker, command: Command) {
        self.link.send(now, &command.frame());
        self.in_flight = Some(InFlight { asker, command, phase: Phase::Acknowledge });
    }

    fn identified(&mut self) {
        if let State::Identifying(startup) = std::mem::replace(&mut self.state, State::Closed) {
            let stick = Box::new(startup.into_stick());
            self.event(SessionEvent::Identified(stick.clone()));
            self.state = State::Working(stick);
            for frame in std::mem::take(&mut self.early) {
                self.handle_command(&frame);
            }
        }
    }

    fn handle_link(&mut self, now: Instant, output: LinkOutput) {
        match output {
            LinkOutput::Transmit(bytes) => self.outputs.push_back(SessionOutput::Transmit(bytes)),
            LinkOutput::Delivered => self.handle_delivered(now),
            LinkOutput::Failed(failure) => self.handle_undelivered(now, failure),
            LinkOutput::Garbled => self.handle_garbled(now),
            LinkOutput::Received(frame) => self.handle_frame(now, &frame),
        }
    }

    fn handle_delivered(&mut self, now: Instant) {
        self.unread = 0;
        let Some(flight) = &mut self.in_flight else { return };
        if flight.phase != Phase::Acknowledge {
            return;
        }
        match flight.command.answer {
            Answer::None if flight.asker == Asker::SoftReset => self.in_flight = None,
            Answer::None => {
                if let State::Identifying(startup) = &mut self.state {
                    startup.handle_acknowledged();
                }
                self.complete(Ok(Completed::Acknowledged));
            }
            Answer::Response | Answer::Callback(_) | Answer::Update(_) => {
                flight.phase = Phase::Response { until: now + Command::RESPONSE_TIMEOUT };
            }
        }
    }

    fn handle_undelivered(&mut self, now: Instant, failure: LinkFailure) {
        match self.in_flight.as_ref().map(|flight| flight.asker) {
            Some(Asker::Startup | Asker::SoftReset) => {
                self.in_flight = None;
                // A stick that said NAK or CAN is there: the same step again, some times. Silence is told at once.
                let given_up = match &mut self.state {
                    State::Identifying(startup) => !startup.handle_unanswered(),
                    _ => false,
                };
                if failure == LinkFailure::AckTimeout || given_up {
                    self.pause(now, format!("{failure}: is this a Z-Wave stick, and is its port right?"));
                }
            }
            Some(Asker::Caller(_)) => {
                self.complete(Err(failure.into()));
                // A stick that says NAK or CAN is there, and the line may be bad: it is given more time.
                match failure {
                    LinkFailure::AckTimeout => self.unanswered += 1,
                    LinkFailure::Nak | LinkFailure::Can => self.unread += 1,
                }
                if self.unanswered >= HANGS_AFTER || self.unread >= UNREAD_AFTER {
                    self.restart_hung(now, format!("{failure}: it is restarted"));
                }
            }
            None => {}
        }
    }

    /// A corrupt frame may have been the one that is awaited: do not wait for it as long as usual.
    fn handle_garbled(&mut self, now: Instant) {
        if let Some(flight) = &mut self.in_flight {
            match &mut flight.phase {
                Phase::Acknowledge => {}
                Phase::Response { until } => *until = (*until).min(now + AFTER_GARBLED),
                Phase::Callback { until } => *until = (*until).min(now + CALLBACK_AFTER_GARBLED),
            }
        }
    }

    fn check_phase(&mut self, now: Instant) {
        let Some(flight) = &mut self.in_flight else { return };
        match (flight.phase, flight.command.answer, flight.asker) {
            (Phase::Response { until }, _, Asker::Startup) if until <= now => {
                let function = flight.command.function;
                self.in_flight = None;
                if let State::Identifying(startup) = &mut self.state
                    && !startup.handle_unanswered()
                {
                    self.pause(now, format!("it takes the command {function:#04x} and does not answer it"));
                }
            }
            // The callback may come though the response was lost.
            (Phase::Response { until }, Answer::Callback(_) | Answer::Update(_), _) if until <= now => {
                flight.phase = Phase::Callback { until: now + CALLBACK_AFTER_GARBLED };
            }
            (Phase::Response { until } | Phase::Callback { until }, ..) if until <= now => {
                let failure = match flight.command.answer {
                    Answer::Update(_) => SendFailure::NoUpdate,
                    Answer::None | Answer::Response | Answer::Callback(_) => SendFailure::AnswerLost,
                };
                let sent = matches!(flight.command.answer, Answer::Callback(_));
                self.complete(Err(failure));
                self.unanswered += 1;
                if self.unanswered >= HANGS_AFTER {
                    self.restart_hung(now, "it takes commands but answers none: it is restarted".to_owned());
                } else if sent {
                    // So that a send which hangs in the stick does not block the next.
                    self.abort_send(now);
                }
            }
            _ => {}
        }
    }

    /// The stick takes no commands, or answers none: sticks are known to hang like that until they are restarted.
    fn restart_hung(&mut self, now: Instant, reason: String) {
        (self.unanswered, self.unread) = (0, 0);
        self.fail_all(SendFailure::Restarted);
        self.event(SessionEvent::Unresponsive(reason));
        self.begin_reset(now);
    }

    fn begin_reset(&mut self, now: Instant) {
        self.state = State::Resetting { until: now + SOFT_RESET_TIMEOUT };
        self.begin(now, Asker::SoftReset, Command::order(function::SOFT_RESET, &[]));
    }

    fn abort_send(&mut self, now: Instant) {
        let has = self.stick().is_some_and(|stick| stick.has(function::SEND_DATA_ABORT));
        if has {
            self.next_ticket += 1;
            let abort = Command::order(function::SEND_DATA_ABORT, &[]);
            self.begin(now, Asker::Caller(Ticket(self.next_ticket)), abort);
        }
    }

    fn handle_frame(&mut self, now: Instant, frame: &DataFrame) {
        match (frame.frame_type, frame.function) {
            (FrameType::Response, _) => self.handle_response(now, frame),
            (FrameType::Request, function::STARTED) => self.handle_started(now),
            (FrameType::Request, function::SEND_DATA | function::SEND_DATA_BRIDGE) => self.handle_send_callback(frame),
            (FrameType::Request, function::APPLICATION_UPDATE) => self.handle_update(frame),
            (
                FrameType::Request,
                function::APPLICATION_COMMAND_HANDLER | function::BRIDGE_APPLICATION_COMMAND_HANDLER,
            ) => self.handle_command(frame),
            (FrameType::Request, function) if NetworkCallback::is_told_by(function) => self.handle_network(frame),
            (FrameType::Request, other) => tracing::debug!(function = other, "callback that nobody asked for"),
        }
    }

    fn handle_response(&mut self, now: Instant, frame: &DataFrame) {
        let Some(flight) = &mut self.in_flight else { return };
        if flight.command.function != frame.function || matches!(flight.phase, Phase::Callback { .. }) {
            return;
        }
        // Unless it is a late one to another command, it shows that the command arrived, even if its ACK was lost.
        let answered = match &mut self.state {
            State::Identifying(startup) if flight.asker == Asker::Startup => startup.handle_response(&frame.payload),
            _ => Ok(Answered::Step),
        };
        if answered == Ok(Answered::Other) {
            return;
        }
        self.link.settle();
        let accepted = frame.payload.first().is_some_and(|accepted| *accepted != 0);
        // A stick that restarted unnoticed, without its settings, accepts sends and calls back with ids of its own.
        if !(accepted && matches!(flight.command.answer, Answer::Callback(_))) {
            self.unanswered = 0;
        }
        match (flight.asker, flight.command.answer) {
            (Asker::Startup, _) => {
                self.in_flight = None;
                if let Err(error) = answered {
                    let function = frame.function;
                    self.pause(now, format!("the stick's answer to {function:#04x} makes no sense: {error}"));
                }
            }
            (_, Answer::Callback(_) | Answer::Update(_)) => {
                if accepted {
                    let timeout = match flight.command.answer {
                        Answer::Update(_) => UPDATE_TIMEOUT,
                        Answer::None | Answer::Response | Answer::Callback(_) => Command::CALLBACK_TIMEOUT,
                    };
                    flight.phase = Phase::Callback { until: now + timeout };
                } else {
                    self.complete(Err(SendFailure::Refused));
                }
            }
            (_, Answer::Response | Answer::None) => self.complete(Ok(Completed::Response(frame.payload.clone()))),
        }
    }

    fn handle_send_callback(&mut self, frame: &DataFrame) {
        let report = match TransmitReport::decode(&frame.payload) {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!(%error, "a send's callback can't be read");
                return;
            }
        };
        let awaited = self.in_flight.as_ref().map(|flight| flight.command.answer);
        if awaited == Some(Answer::Callback(report.callback)) {
            self.unanswered = 0;
            self.link.settle();
            self.complete(Ok(Completed::Sent(report)));
        }
    }

    fn handle_update(&mut self, frame: &DataFrame) {
        let Some(stick) = self.stick() else { return };
        let update = match NodeUpdate::decode(&frame.payload, stick.node_id_width) {
            Ok(update) => update,
            Err(error) => {
                tracing::warn!(%error, "a node update can't be read");
                return;
            }
        };
        let asked = self.in_flight.as_ref().and_then(|flight| match flight.command.answer {
            Answer::Update(node) => Some(node),
            Answer::None | Answer::Response | Answer::Callback(_) => None,
        });
        match update {
            NodeUpdate::Information(node, _) if asked == Some(node) => {
                self.link.settle();
                self.complete(Ok(Completed::Update(update)));
            }
            NodeUpdate::RequestFailed if asked.is_some() => self.complete(Err(SendFailure::NoUpdate)),
            NodeUpdate::Information(..) | NodeUpdate::WantsToJoin { .. } => self.event(SessionEvent::Update(update)),
            NodeUpdate::RequestFailed | NodeUpdate::Other(_) => {}
        }
    }

    fn handle_network(&mut self, frame: &DataFrame) {
        let Some(stick) = self.stick() else { return };
        match NetworkCallback::decode(frame.function, &frame.payload, stick.node_id_width) {
            Ok(callback) => {
                // It shows that the order arrived, even if its ACK was lost.
                if self.in_flight.as_ref().is_some_and(|flight| {
                    flight.command.function == frame.function && flight.command.answer == Answer::None
                }) {
                    self.link.settle();
                    self.complete(Ok(Completed::Acknowledged));
                }
                self.event(SessionEvent::Network(callback));
            }
            Err(error) => tracing::warn!(%error, "a callback of adding or removing can't be read"),
        }
    }

    fn handle_command(&mut self, frame: &DataFrame) {
        let Some(stick) = self.stick() else {
            // How wide its node ids are is not known yet.
            if self.early.len() < MOST_EARLY {
                self.early.push(frame.clone());
            }
            return;
        };
        match ApplicationCommand::decode(frame, stick.node_id_width) {
            Ok(command) => self.event(SessionEvent::Received(command)),
            Err(error) => tracing::warn!(%error, "a received command can't be read"),
        }
    }

    /// The stick has started: because it was told to, or by itself, having forgotten its settings.
    fn handle_started(&mut self, now: Instant) {
        match self.state {
            State::Resetting { .. } => {}
            State::Working(_) => {
                self.fail_all(SendFailure::Restarted);
                self.event(SessionEvent::Restarted);
            }
            State::Closed => return,
            State::Opening { .. } | State::Pausing { .. } | State::Identifying(_) => {}
        }
        self.link.settle();
        self.in_flight = None;
        self.state = State::Identifying(Startup::new());
        self.run(now);
    }

    fn fail_all(&mut self, failure: SendFailure) {
        self.complete(Err(failure));
        for (ticket, _) in std::mem::take(&mut self.queue) {
            self.event(SessionEvent::Completed(ticket, Err(failure)));
        }
    }

    fn complete(&mut self, result: Result<Completed, SendFailure>) {
        if let Some(InFlight { asker: Asker::Caller(ticket), .. }) = self.in_flight.take() {
            self.event(SessionEvent::Completed(ticket, result));
        }
    }

    fn pause(&mut self, now: Instant, reason: String) {
        self.state = State::Pausing { until: now + IDENTIFY_AGAIN };
        self.event(SessionEvent::Unresponsive(reason));
    }

    fn event(&mut self, event: SessionEvent) {
        self.outputs.push_back(SessionOutput::Event(event));
    }
}

#[cfg(test)]
mod tests;
