//! A stick of Texas Instruments as a [`Coordinator`]: which scripts run, and what their ends and what it tells mean.

mod outcome;
mod telling;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::mt::Command;
use super::procedures;
use super::script::{Script, Step};
use super::session::{CallId, Session, SessionEvent, SessionOutput};
use crate::address::{Ieee, Nwk};
use crate::coordinator::{
    Answer, Coordinator, CoordinatorError, CoordinatorEvent, CoordinatorInfo, CoordinatorOutput, Family, Request,
    Ticket,
};
use crate::key::Key;
use crate::stranger::{QUESTIONS, Stranger};

/// Pause before a stick that can't be worked with is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// How long a stranger may take to answer.
const STRANGER_TIMEOUT: Duration = Duration::from_millis(1500);
/// How much of a stranger's talk is kept.
const MOST_HEARD: usize = 512;
/// After so long without a sign of life the stick is asked for one.
const WATCHDOG: Duration = Duration::from_secs(30);
/// Frames on their way at once.
const MOST_SENDS: usize = 8;
/// Pause before a frame is handed over again that the stick was too busy for, and how often.
const BUSY_PAUSE: Duration = Duration::from_millis(400);
const BUSY_TRIES: u8 = 4;

enum State {
    Closed,
    /// It is restarting, or is asked what it is; what came in that is no frame.
    Starting {
        heard: Vec<u8>,
    },
    /// It did not answer: it is asked what else it may be.
    Probing {
        heard: Vec<u8>,
        until: Instant,
    },
    /// It can't be worked with; to be tried again.
    Pausing {
        until: Instant,
    },
    /// It is known.
    Working(Box<CoordinatorInfo>),
}

/// Why a script runs.
enum Purpose {
    Identify,
    Ping,
    Ask(Ticket, Box<Request>),
}

struct Running {
    purpose: Purpose,
    script: Script,
    call: Option<CallId>,
    until: Option<Instant>,
    tries: u8,
}

/// A stick of Texas Instruments.
pub struct ZnpCoordinator {
    session: Session,
    state: State,
    running: Vec<Running>,
    waiting: VecDeque<(Ticket, Request)>,
    /// The network was resumed or formed: what it tells is passed on.
    resumed: bool,
    restart: Option<Ticket>,
    sign_of_life: Option<Instant>,
    next_transaction: u8,
    known: BTreeMap<Nwk, Ieee>,
    outputs: VecDeque<CoordinatorEvent>,
    bytes: VecDeque<Vec<u8>>,
    spare: Key,
}

impl ZnpCoordinator {
    /// `spare`: random; names and locks the network that is formed on the way to a restored one, and makes link keys should
    /// the backup come without a seed for them.
    pub fn new(spare: Key) -> Self {
        Self {
            session: Session::default(),
            state: State::Closed,
            running: Vec::new(),
            waiting: VecDeque::new(),
            resumed: false,
            restart: None,
            sign_of_life: None,
            next_transaction: 0,
            known: BTreeMap::new(),
            outputs: VecDeque::new(),
            bytes: VecDeque::new(),
            spare,
        }
    }

    fn start(&mut self, now: Instant) {
        self.session.clear();
        self.state = State::Starting { heard: Vec::new() };
        self.resumed = false;
        self.running.clear();
        self.begin(now, Purpose::Identify, procedures::identify());
    }

    fn begin(&mut self, now: Instant, purpose: Purpose, mut script: Script) {
        let step = script.next();
        self.running.push(Running { purpose, script, call: None, until: None, tries: 0 });
        self.step(now, self.running.len() - 1, step);
    }

    fn answer(&mut self, ticket: Ticket, result: Result<Answer, CoordinatorError>) {
        self.outputs.push_back(CoordinatorEvent::Answered(ticket, result));
    }

    /// Everything that was asked ends so.
    fn answer_all(&mut self, error: &CoordinatorError) {
        let running = std::mem::take(&mut self.running).into_iter().filter_map(|running| match running.purpose {
            Purpose::Ask(ticket, _) => Some(ticket),
            Purpose::Identify | Purpose::Ping => None,
        });
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|(ticket, _)| ticket);
        for ticket in running.chain(waiting).chain(self.restart.take()) {
            self.outputs.push_back(CoordinatorEvent::Answered(ticket, Err(error.clone())));
        }
    }

    /// The stick restarts: what was under way is not known any more.
    fn begin_anew(&mut self, now: Instant) {
        self.answer_all(&CoordinatorError::Restarted);
        if self.resumed {
            self.outputs.push_back(CoordinatorEvent::NetworkDown);
        }
        self.outputs.push_back(CoordinatorEvent::Restarted);
        self.start(now);
    }

    fn fail(&mut self, now: Instant, sentence: String) {
        self.session.clear();
        self.answer_all(&CoordinatorError::StickGone);
        self.state = State::Pausing { until: now + TRY_AGAIN };
        self.outputs.push_back(CoordinatorEvent::Failed(sentence));
    }

    /// It does not answer as it should: who is it?
    fn probe(&mut self, now: Instant) {
        self.session.clear();
        self.answer_all(&CoordinatorError::StickGone);
        let heard = match &mut self.state {
            State::Starting { heard } => std::mem::take(heard),
            _ => Vec::new(),
        };
        self.state = State::Probing { heard, until: now + STRANGER_TIMEOUT };
        self.bytes.push_back(QUESTIONS.concat());
    }

    fn run(&mut self, now: Instant) {
        loop {
            match self.session.poll_output() {
                SessionOutput::Transmit(bytes) => self.bytes.push_back(bytes),
                SessionOutput::Event(event) => self.handle_session(now, event),
                SessionOutput::Timeout(_) => {
                    if !self.take_up(now) {
                        return;
                    }
                }
            }
        }
    }

    fn handle_session(&mut self, now: Instant, event: SessionEvent) {
        match event {
            SessionEvent::Answered(id, result) => {
                if result.is_ok() {
                    self.sign_of_life = Some(now);
                }
                let Some(index) = self.running.iter().position(|running| running.call == Some(id)) else { return };
                self.running[index].call = None;
                let step = self.running[index].script.handle_answer(result);
                self.step(now, index, step);
            }
            SessionEvent::Told(command, data) => self.handle_told(now, command, &data),
            SessionEvent::Hung if matches!(self.state, State::Working(_)) => {
                tracing::warn!("the stick no longer answers: it is restarted");
                self.begin_anew(now);
            }
            SessionEvent::Hung => self.probe(now),
        }
    }

    fn handle_told(&mut self, now: Instant, command: Command, data: &[u8]) {
        self.sign_of_life = Some(now);
        for index in (0..self.running.len()).rev() {
            if let Some(step) = self.running[index].script.handle_told(command, data) {
                self.running[index].until = None;
                self.step(now, index, step);
                return;
            }
        }
        self.told(now, command, data);
    }

    /// Whether it is time for a sign of life.
    fn is_overdue(&self, now: Instant) -> bool {
        self.running.is_empty() && self.sign_of_life.is_some_and(|at| at + WATCHDOG <= now)
    }

    /// Begins what waits, as far as it may run beside what is under way. False: nothing.
    fn take_up(&mut self, now: Instant) -> bool {
        if !matches!(self.state, State::Working(_)) {
            return false;
        }
        if self.is_overdue(now) {
            self.sign_of_life = Some(now);
            self.begin(now, Purpose::Ping, procedures::ping());
            return true;
        }
        let is_occupied = self.running.iter().any(|running| !is_send(&running.purpose));
        let under_way = self.running.len();
        let may = |request: &Request| match request {
            Request::Send(_) => !is_occupied && under_way < MOST_SENDS,
            Request::Form { .. } | Request::EnergyScan | Request::WriteBackup(_) | Request::LeaveNetwork => {
                under_way == 0
            }
            _ => !is_occupied,
        };
        if !self.waiting.front().is_some_and(|(_, request)| may(request)) {
            return false;
        }
        let Some((ticket, request)) = self.waiting.pop_front() else { return false };
        match self.script(&request) {
            Ok(Some(script)) => self.begin(now, Purpose::Ask(ticket, Box::new(request)), script),
            Ok(None) => self.answer_at_once(now, ticket, &request),
            Err(error) => self.answer(ticket, Err(error)),
        }
        true
    }

    /// How a request is carried out; `None`: without the stick.
    fn script(&mut self, request: &Request) -> Result<Option<Script>, CoordinatorError> {
        self.next_transaction = self.next_transaction.wrapping_add(1);
        let transaction = self.next_transaction;
        Ok(Some(match request {
            Request::Form { network, link_key_seed } => procedures::form(network, link_key_seed),
            Request::Resume if self.network().is_none() => return Err(CoordinatorError::NoNetwork),
            Request::Resume if !self.resumed => procedures::resume(),
            Request::Resume | Request::Restart => return Ok(None),
            Request::EnergyScan if !self.resumed => {
                return Err(CoordinatorError::NotSupported("listening to channels before it has a network"));
            }
            Request::EnergyScan => procedures::energy_scan(),
            Request::Send(_) if !self.resumed => return Err(CoordinatorError::NoNetwork),
            Request::Send(outgoing) => procedures::send(outgoing, transaction),
            Request::PermitJoin { seconds } => procedures::permit_join(*seconds),
            Request::AddTransientLinkKey { ieee, key } => procedures::add_transient_key(*ieee, key),
            Request::RemoveDevice { ieee, nwk } => procedures::remove_device(*ieee, *nwk, transaction),
            Request::ReadBackup => procedures::read_backup(),
            Request::WriteBackup(backup) => {
                let backup = backup.moved_forward();
                let seed = backup.seed_of(Family::Znp).unwrap_or(&self.spare);
                procedures::write_backup(&backup, seed, &self.spare)?
            }
            Request::LeaveNetwork => procedures::leave(),
        }))
    }

    fn answer_at_once(&mut self, now: Instant, ticket: Ticket, request: &Request) {
        if matches!(request, Request::Restart) {
            self.begin_anew(now);
            self.restart = Some(ticket);
        } else {
            self.outputs.extend(self.network().map(CoordinatorEvent::NetworkUp));
            self.answer(ticket, Ok(Answer::Done));
        }
    }

    fn step(&mut self, now: Instant, index: usize, step: Step) {
        let Some(running) = self.running.get_mut(index) else { return };
        match step {
            Step::Call(frame) => running.call = Some(self.session.submit(now, frame)),
            Step::Wait(within) => running.until = Some(now + within),
            Step::End(result) => {
                let running = self.running.remove(index);
                self.ended(now, running, result);
            }
        }
    }

    fn handle_script_timeouts(&mut self, now: Instant) {
        for index in (0..self.running.len()).rev() {
            let Some(running) = self.running.get_mut(index) else { continue };
            if running.until.take_if(|until| *until <= now).is_some() {
                let step = running.script.handle_timeout();
                self.step(now, index, step);
            }
        }
    }
}

impl Coordinator for ZnpCoordinator {
    fn handle_opened(&mut self, now: Instant) {
        self.handle_lost(now);
        self.start(now);
        self.run(now);
    }

    fn handle_lost(&mut self, _now: Instant) {
        self.session.clear();
        self.state = State::Closed;
        self.bytes.clear();
        self.answer_all(&CoordinatorError::StickGone);
        (self.resumed, self.sign_of_life) = (false, None);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if let State::Probing { heard, .. } | State::Starting { heard } = &mut self.state {
            let room = MOST_HEARD.saturating_sub(heard.len());
            heard.extend(bytes.iter().take(room));
        }
        if !matches!(self.state, State::Probing { .. }) {
            self.session.handle_bytes(now, bytes);
            self.run(now);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        self.handle_script_timeouts(now);
        match &self.state {
            State::Probing { heard, until } if *until <= now => {
                let sentence = match Stranger::of(heard) {
                    // It is one, and yet did not answer: it starts slowly, or the line is bad.
                    Stranger::Znp => {
                        "the stick answers now and then only: is its cable long, or another program using it?"
                    }
                    stranger => stranger.sentence(),
                };
                self.fail(now, sentence.to_owned());
            }
            State::Pausing { until } if *until <= now => self.start(now),
            State::Closed
            | State::Starting { .. }
            | State::Probing { .. }
            | State::Pausing { .. }
            | State::Working(_) => {}
        }
        self.run(now);
    }

    fn submit(&mut self, now: Instant, ticket: Ticket, request: Request) {
        match &self.state {
            State::Closed | State::Probing { .. } | State::Pausing { .. } => {
                self.answer(ticket, Err(CoordinatorError::StickGone));
            }
            State::Starting { .. } | State::Working(_) => self.waiting.push_back((ticket, request)),
        }
        self.run(now);
    }

    fn poll_output(&mut self) -> CoordinatorOutput {
        if let Some(bytes) = self.bytes.pop_front() {
            return CoordinatorOutput::Transmit(bytes);
        }
        if let Some(event) = self.outputs.pop_front() {
            return CoordinatorOutput::Event(event);
        }
        let state = match &self.state {
            State::Closed | State::Starting { .. } => None,
            State::Probing { until, .. } | State::Pausing { until } => Some(*until),
            State::Working(_) if self.running.is_empty() => self.sign_of_life.map(|at| at + WATCHDOG),
            State::Working(_) => None,
        };
        let session = match self.session.poll_output() {
            SessionOutput::Timeout(timeout) => timeout,
            SessionOutput::Transmit(_) | SessionOutput::Event(_) => None,
        };
        let scripts = self.running.iter().filter_map(|running| running.until);
        CoordinatorOutput::Timeout([state, session].into_iter().flatten().chain(scripts).min())
    }
}

fn is_send(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::Ask(_, request) if matches!(**request, Request::Send(_)))
}

#[cfg(test)]
mod tests;
