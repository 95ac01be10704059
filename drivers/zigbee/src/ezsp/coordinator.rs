//! A stick of Silicon Labs as a [`Coordinator`]: which scripts run, and what their ends and the stick's callbacks mean.

mod outcome;
mod telling;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::fields::{Field as F, Fields};
use super::procedures;
use super::script::{Script, Step};
use super::session::{CallError, CallId, Session, SessionEvent, SessionFailure, SessionOutput};
use super::table::Command;
use crate::address::{Ieee, Nwk};
use crate::ash::LinkFailure;
use crate::coordinator::{
    Answer, Coordinator, CoordinatorError, CoordinatorEvent, CoordinatorInfo, CoordinatorOutput, Destination, Request,
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
/// Frames on their way at once; the stick itself has room for some ten.
const MOST_SENDS: usize = 8;
/// Pause before a frame is handed over again that the stick was too busy for, and how often.
const BUSY_PAUSE: Duration = Duration::from_millis(400);
const BUSY_TRIES: u8 = 4;
/// How soon the network is closed that could not be when it was due, since the stick was at something else.
const CLOSE_AGAIN: Duration = Duration::from_secs(1);
/// Devices whose addresses are remembered, to tell the stick of those that sleep.
const MOST_KNOWN: usize = 256;

/// Where things stand with the stick.
enum State {
    Closed,
    /// It is restarting, or is asked what it is.
    Starting,
    /// It did not speak ASH: it is asked what it speaks.
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
#[derive(Debug, Clone)]
enum Purpose {
    Identify,
    /// The network changed; or it is asked whether the stick is there.
    Look,
    Ping,
    /// Nobody may join any more: the time is over.
    Close,
    Ask(Ticket, Box<Request>),
}

struct Running {
    purpose: Purpose,
    script: Script,
    call: Option<CallId>,
    until: Option<Instant>,
    /// How often it was begun anew.
    tries: u8,
}

/// A stick of Silicon Labs.
pub struct EzspCoordinator {
    session: Session,
    state: State,
    /// What is under way; those other than frames for the air one after the other.
    running: Vec<Running>,
    waiting: VecDeque<(Ticket, Request)>,
    /// The network was resumed or formed: what it tells is passed on.
    resumed: bool,
    /// The restart that is under way was asked for.
    restart: Option<Ticket>,
    closes_at: Option<Instant>,
    sign_of_life: Option<Instant>,
    next_tag: u8,
    /// Addresses by network address.
    known: BTreeMap<Nwk, Ieee>,
    /// Sleeping devices that the stick knows as such, and the next line of its address table.
    sleepy: BTreeSet<Ieee>,
    next_line: u8,
    outputs: VecDeque<CoordinatorEvent>,
    bytes: VecDeque<Vec<u8>>,
    /// The seed for a network whose backup has none that this stick can use.
    spare_seed: Key,
}

impl EzspCoordinator {
    /// `spare_seed`: random; the devices' own link keys are made from it should a network be restored that comes without
    /// such a seed, or with that of another maker.
    pub fn new(spare_seed: Key) -> Self {
        Self {
            session: Session::default(),
            state: State::Closed,
            running: Vec::new(),
            waiting: VecDeque::new(),
            resumed: false,
            restart: None,
            closes_at: None,
            sign_of_life: None,
            next_tag: 0,
            known: BTreeMap::new(),
            sleepy: BTreeSet::new(),
            next_line: 0,
            outputs: VecDeque::new(),
            bytes: VecDeque::new(),
            spare_seed,
        }
    }

    fn version(&self) -> u8 {
        self.session.version().unwrap_or_default()
    }

    /// Restarts the stick, and finds out what it is.
    fn start(&mut self, now: Instant) {
        self.state = State::Starting;
        self.running.clear();
        (self.resumed, self.closes_at) = (false, None);
        self.sleepy.clear();
        self.session.reset(now);
    }

    fn begin(&mut self, purpose: Purpose, script: Script) {
        self.running.push(Running { purpose, script, call: None, until: None, tries: 0 });
    }

    /// Everything that was asked ends so.
    fn answer_all(&mut self, error: &CoordinatorError) {
        let running = std::mem::take(&mut self.running).into_iter().filter_map(|running| match running.purpose {
            Purpose::Ask(ticket, _) => Some(ticket),
            _ => None,
        });
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|(ticket, _)| ticket);
        for ticket in running.chain(waiting).chain(self.restart.take()) {
            self.outputs.push_back(CoordinatorEvent::Answered(ticket, Err(error.clone())));
        }
    }

    fn answer(&mut self, ticket: Ticket, result: Result<Answer, CoordinatorError>) {
        self.outputs.push_back(CoordinatorEvent::Answered(ticket, result));
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
            SessionEvent::Connected { version } => {
                tracing::debug!(version, "the stick speaks EZSP");
                self.sign_of_life = Some(now);
                match self.running.first_mut() {
                    // A script that restarts the stick goes on.
                    Some(running) => {
                        let step = running.script.next();
                        self.step(now, 0, step);
                    }
                    None => {
                        self.begin(Purpose::Identify, procedures::identify());
                        self.first_step(now);
                    }
                }
            }
            SessionEvent::Answered(id, result) => self.handle_answer(now, id, result),
            SessionEvent::Callback(command, fields) => self.handle_callback(now, command, &fields),
            SessionEvent::Failed(failure) => self.handle_failure(now, failure),
        }
    }

    fn handle_answer(&mut self, now: Instant, id: CallId, result: Result<Fields, CallError>) {
        self.sign_of_life = Some(now);
        let Some(index) = self.running.iter().position(|running| running.call == Some(id)) else { return };
        let running = &mut self.running[index];
        running.call = None;
        let step = running.script.handle_answer(result);
        self.step(now, index, step);
    }

    fn handle_callback(&mut self, now: Instant, command: Command, fields: &Fields) {
        self.sign_of_life = Some(now);
        let mut awaited = false;
        for index in (0..self.running.len()).rev() {
            if let Some(step) = self.running[index].script.handle_callback(command, fields) {
                awaited = true;
                self.running[index].until = None;
                self.step(now, index, step);
            }
        }
        if !awaited {
            self.told(now, command, fields);
        }
    }

    fn handle_failure(&mut self, now: Instant, failure: SessionFailure) {
        let was_working = matches!(self.state, State::Working(_));
        match failure {
            SessionFailure::Link(LinkFailure::NoAnswer(heard)) => {
                self.answer_all(&CoordinatorError::StickGone);
                self.state = State::Probing { heard, until: now + STRANGER_TIMEOUT };
                self.bytes.push_back(QUESTIONS.concat());
            }
            failure if was_working => {
                tracing::warn!(%failure, "the stick is restarted");
                self.answer_all(&CoordinatorError::Restarted);
                if self.resumed {
                    self.outputs.push_back(CoordinatorEvent::NetworkDown);
                }
                self.outputs.push_back(CoordinatorEvent::Restarted);
                self.start(now);
            }
            failure => {
                self.answer_all(&CoordinatorError::StickGone);
                self.fail(now, format!("the stick can't be worked with: {failure}"));
            }
        }
    }

    fn fail(&mut self, now: Instant, sentence: String) {
        self.session.close();
        self.running.clear();
        self.state = State::Pausing { until: now + TRY_AGAIN };
        self.outputs.push_back(CoordinatorEvent::Failed(sentence));
    }

    /// Whether it is time for a sign of life.
    fn is_overdue(&self, now: Instant) -> bool {
        self.running.is_empty() && self.sign_of_life.is_some_and(|at| at + WATCHDOG <= now)
    }

    /// Begins what waits, as far as it may run beside what is under way. False: nothing.
    fn take_up(&mut self, now: Instant) -> bool {
        let State::Working(info) = &self.state else { return false };
        let own = info.ieee;
        if self.is_overdue(now) {
            self.sign_of_life = Some(now);
            self.begin(Purpose::Ping, procedures::ping());
            self.first_step(now);
            return true;
        }
        let is_occupied = self.running.iter().any(|running| !is_send(&running.purpose));
        let sends = self.running.len();
        let may = |request: &Request| match request {
            Request::Send(_) => !is_occupied && sends < MOST_SENDS,
            // The stick is deaf, or restarts: nothing else is under way then.
            Request::Form { .. } | Request::EnergyScan | Request::WriteBackup(_) | Request::LeaveNetwork => sends == 0,
            Request::Resume
            | Request::PermitJoin { .. }
            | Request::AddTransientLinkKey { .. }
            | Request::RemoveDevice { .. }
            | Request::ReadBackup
            | Request::Restart => !is_occupied,
        };
        if !self.waiting.front().is_some_and(|(_, request)| may(request)) {
            return false;
        }
        let Some((ticket, request)) = self.waiting.pop_front() else { return false };
        match self.script(own, ticket, &request) {
            Some(script) => {
                self.begin(Purpose::Ask(ticket, Box::new(request)), script);
                self.first_step(now);
            }
            None => self.answer_at_once(now, ticket, &request),
        }
        true
    }

    /// The first step of what was begun last.
    fn first_step(&mut self, now: Instant) {
        let index = self.running.len().saturating_sub(1);
        if let Some(running) = self.running.get_mut(index) {
            let step = running.script.next();
            self.step(now, index, step);
        }
    }

    /// How a request is carried out; `None`: without the stick.
    fn script(&mut self, own: Ieee, ticket: Ticket, request: &Request) -> Option<Script> {
        let version = self.version();
        Some(match request {
            Request::Form { network, link_key_seed } => procedures::form(network, link_key_seed),
            Request::Resume if self.holds_network() => procedures::resume(),
            Request::Resume | Request::Restart => return None,
            Request::EnergyScan => procedures::energy_scan(),
            Request::Send(outgoing) => {
                let sleepy = outgoing.is_sleepy.then(|| self.new_sleeper(outgoing.destination)).flatten();
                self.next_tag = self.next_tag.wrapping_add(1);
                let line = self.next_line;
                if sleepy.is_some() {
                    self.next_line = (line + 1) % procedures::ADDRESSES as u8;
                }
                tracing::trace!(ticket = ticket.0, tag = self.next_tag, "a frame for the air");
                procedures::send(outgoing, sleepy, self.next_tag, line)
            }
            Request::PermitJoin { seconds } => procedures::permit_join(version, *seconds),
            Request::AddTransientLinkKey { ieee, key } => procedures::add_transient_key(version, *ieee, key),
            Request::RemoveDevice { ieee, nwk } => procedures::remove_device(*ieee, nwk.0),
            Request::ReadBackup => procedures::read_backup(version),
            Request::WriteBackup(backup) => {
                let backup = backup.moved_forward();
                let seed = backup.seed_of(crate::coordinator::Family::Ezsp).unwrap_or(&self.spare_seed);
                procedures::write_backup(version, own, &backup, seed)
            }
            Request::LeaveNetwork => procedures::leave(),
        })
    }

    fn answer_at_once(&mut self, now: Instant, ticket: Ticket, request: &Request) {
        if matches!(request, Request::Restart) {
            self.answer_all(&CoordinatorError::Restarted);
            if self.resumed {
                self.outputs.push_back(CoordinatorEvent::NetworkDown);
            }
            self.outputs.push_back(CoordinatorEvent::Restarted);
            self.start(now);
            self.restart = Some(ticket);
        } else {
            self.answer(ticket, Err(CoordinatorError::NoNetwork));
        }
    }

    fn holds_network(&self) -> bool {
        matches!(&self.state, State::Working(info) if info.network.is_some())
    }

    /// A sleeping device that the stick was not told of yet.
    fn new_sleeper(&mut self, destination: Destination) -> Option<Ieee> {
        let ieee = match destination {
            Destination::Nwk(nwk) => *self.known.get(&nwk)?,
            Destination::Ieee(ieee) => ieee,
            Destination::Broadcast(_) => return None,
        };
        self.sleepy.insert(ieee).then_some(ieee)
    }

    /// Does what a script wants.
    fn step(&mut self, now: Instant, index: usize, step: Step) {
        match step {
            Step::Call(command, fields) => {
                let id = self.session.submit(now, command, fields);
                if let Some(running) = self.running.get_mut(index) {
                    running.call = Some(id);
                }
            }
            Step::Wait(within) => {
                if let Some(running) = self.running.get_mut(index) {
                    running.until = Some(now + within);
                }
            }
            Step::Restart => {
                self.sleepy.clear();
                self.session.reset(now);
            }
            Step::End(result) => {
                let running = self.running.remove(index);
                self.ended(now, running, result);
            }
        }
    }

    /// The timers of scripts.
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

impl Coordinator for EzspCoordinator {
    fn handle_opened(&mut self, now: Instant) {
        self.handle_lost(now);
        self.start(now);
        self.run(now);
    }

    fn handle_lost(&mut self, _now: Instant) {
        self.session.close();
        self.state = State::Closed;
        self.bytes.clear();
        self.answer_all(&CoordinatorError::StickGone);
        (self.resumed, self.closes_at, self.sign_of_life) = (false, None, None);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if let State::Probing { heard, .. } = &mut self.state {
            let room = MOST_HEARD.saturating_sub(heard.len());
            heard.extend(bytes.iter().take(room));
            return;
        }
        self.session.handle_bytes(now, bytes);
        self.run(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        self.handle_script_timeouts(now);
        match &self.state {
            State::Probing { heard, until } if *until <= now => {
                let sentence = Stranger::of(heard).sentence().to_owned();
                self.fail(now, sentence);
            }
            State::Pausing { until } if *until <= now => self.start(now),
            State::Working(_) => {
                if self.closes_at.is_some_and(|at| at <= now) {
                    let can = self.running.iter().all(|running| is_send(&running.purpose));
                    self.closes_at = (!can).then(|| now + CLOSE_AGAIN);
                    if can {
                        self.begin(Purpose::Close, procedures::permit_join(self.version(), 0));
                        self.first_step(now);
                    }
                }
            }
            State::Closed | State::Starting | State::Probing { .. } | State::Pausing { .. } => {}
        }
        self.run(now);
    }

    fn submit(&mut self, now: Instant, ticket: Ticket, request: Request) {
        match &self.state {
            State::Closed | State::Probing { .. } | State::Pausing { .. } => {
                self.answer(ticket, Err(CoordinatorError::StickGone));
            }
            State::Starting | State::Working(_) => self.waiting.push_back((ticket, request)),
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
            State::Closed | State::Starting => None,
            State::Probing { until, .. } | State::Pausing { until } => Some(*until),
            State::Working(_) if self.running.is_empty() => self.sign_of_life.map(|at| at + WATCHDOG),
            State::Working(_) => None,
        };
        let session = match self.session.poll_output() {
            SessionOutput::Timeout(timeout) => timeout,
            // Everything was taken out when it came in.
            SessionOutput::Transmit(_) | SessionOutput::Event(_) => None,
        };
        let scripts = self.running.iter().filter_map(|running| running.until);
        let timeouts = [state, session, self.closes_at].into_iter().flatten().chain(scripts);
        CoordinatorOutput::Timeout(timeouts.min())
    }
}

fn is_send(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::Ask(_, request) if matches!(**request, Request::Send(_)))
}

/// Remembers who has which address.
fn remember(known: &mut BTreeMap<Nwk, Ieee>, nwk: Nwk, ieee: Ieee) {
    if ieee.is_real() && nwk.is_unicast() {
        known.retain(|old, other| *other != ieee || *old == nwk);
        if known.len() >= MOST_KNOWN {
            known.pop_first();
        }
        known.insert(nwk, ieee);
    }
}

/// The address of a field, where it is one.
fn real(fields: &Fields) -> Option<Ieee> {
    Some(fields.ieee(F::Ieee)).filter(|ieee| ieee.is_real())
}

#[cfg(test)]
mod tests;
