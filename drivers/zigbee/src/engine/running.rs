//! A coordinator at work: one script after the other, frames for the air beside each other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{CallId, Desk, Dialect, Reaction, Said, Script, Session, Step};
use crate::coordinator::{Answer, Coordinator, CoordinatorError, CoordinatorEvent, CoordinatorOutput, Request, Ticket};
use crate::stranger::{QUESTIONS, Stranger};

/// Pause before a stick that can't be worked with is tried again.
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(5);
/// How long a stranger may take to answer.
const STRANGER_TIMEOUT: Duration = Duration::from_millis(1500);
/// How much of a stranger's talk is kept.
const MOST_HEARD: usize = 512;
/// After so long without a sign of life the stick is asked for one.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(30);
/// Frames on their way at once; the sticks themselves have room for some ten.
const MOST_SENDS: usize = 8;
/// Pause before a frame is handed over again that the stick was too busy for, and how often.
pub(crate) const BUSY_PAUSE: Duration = Duration::from_millis(400);
const BUSY_TRIES: u8 = 4;

/// Where things stand with the stick.
enum State {
    Closed,
    /// It is restarting, or is asked what it is.
    Starting,
    /// It does not speak the protocol: it is asked what it speaks.
    Probing {
        heard: Vec<u8>,
        until: Instant,
    },
    /// It can't be worked with; to be tried again.
    Pausing {
        until: Instant,
    },
    /// It is known.
    Working,
}

/// Why a script runs.
enum Purpose {
    Identify,
    /// Whether the stick is there, or what was due.
    Unasked,
    /// The network changed.
    Look,
    Ask(Ticket, Box<Request>),
}

struct Running<S> {
    purpose: Purpose,
    script: S,
    call: Option<CallId>,
    until: Option<Instant>,
    /// How often it was begun anew.
    tries: u8,
}

/// A coordinator that speaks a dialect.
pub(crate) struct Engine<D: Dialect> {
    dialect: D,
    session: D::Session,
    state: State,
    desk: Desk,
    /// What is under way; those other than frames for the air one after the other.
    running: Vec<Running<D::Script>>,
    waiting: VecDeque<(Ticket, Request)>,
    /// The restart that is under way was asked for.
    restart: Option<Ticket>,
    sign_of_life: Option<Instant>,
    bytes: VecDeque<Vec<u8>>,
}

impl<D: Dialect> Engine<D> {
    pub(crate) fn new(dialect: D, session: D::Session) -> Self {
        Self {
            dialect,
            session,
            state: State::Closed,
            desk: Desk::default(),
            running: Vec::new(),
            waiting: VecDeque::new(),
            restart: None,
            sign_of_life: None,
            bytes: VecDeque::new(),
        }
    }

    /// Restarts the stick, and finds out what it is.
    fn start(&mut self, now: Instant) {
        self.state = State::Starting;
        self.running.clear();
        (self.desk.info, self.desk.resumed) = (None, false);
        self.dialect.restarted();
        self.session.begin(now);
    }

    /// The stick restarts: what was under way is not known any more.
    fn begin_anew(&mut self, now: Instant) {
        self.answer_all(&CoordinatorError::Restarted);
        self.desk.tell_of_network(CoordinatorEvent::NetworkDown);
        self.desk.tell(CoordinatorEvent::Restarted);
        self.start(now);
    }

    /// Everything that was asked ends so.
    fn answer_all(&mut self, error: &CoordinatorError) {
        let running = std::mem::take(&mut self.running).into_iter().filter_map(|running| match running.purpose {
            Purpose::Ask(ticket, _) => Some(ticket),
            Purpose::Identify | Purpose::Unasked | Purpose::Look => None,
        });
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|(ticket, _)| ticket);
        for ticket in running.chain(waiting).chain(self.restart.take()) {
            self.desk.answer(ticket, Err(error.clone()));
        }
    }

    fn fail(&mut self, now: Instant, sentence: String) {
        self.session.close();
        self.answer_all(&CoordinatorError::StickGone);
        self.state = State::Pausing { until: now + TRY_AGAIN };
        self.desk.tell(CoordinatorEvent::Failed(sentence));
    }

    /// It does not answer as it should: who is it?
    fn probe(&mut self, now: Instant, heard: Vec<u8>) {
        self.session.close();
        self.answer_all(&CoordinatorError::StickGone);
        self.state = State::Probing { heard, until: now + STRANGER_TIMEOUT };
        self.bytes.push_back(QUESTIONS.concat());
    }

    fn run(&mut self, now: Instant) {
        loop {
            match self.session.poll() {
                Said::Transmit(bytes) => self.bytes.push_back(bytes),
                Said::Ready => self.handle_ready(now),
                Said::Answered(id, answer) => self.handle_answer(now, id, answer),
                Said::Told(told) => self.handle_told(now, &told),
                Said::Stranger(heard) => {
                    self.report_down();
                    self.probe(now, heard);
                }
                Said::Broken(why) if matches!(self.state, State::Working) => {
                    tracing::warn!(why, "the stick is restarted");
                    self.begin_anew(now);
                }
                Said::Broken(why) => self.fail(now, format!("the stick can't be worked with: {why}")),
                Said::Timeout(_) => {
                    if !self.take_up(now) {
                        return;
                    }
                }
            }
        }
    }

    /// A script that restarted the stick, and whose stick does not come back, had a network.
    fn report_down(&mut self) {
        if std::mem::take(&mut self.desk.resumed) {
            self.desk.tell(CoordinatorEvent::NetworkDown);
        }
    }

    fn handle_ready(&mut self, now: Instant) {
        self.sign_of_life = Some(now);
        match self.running.first_mut() {
            // A script that restarts the stick goes on.
            Some(running) => {
                let step = running.script.next();
                self.step(now, 0, step);
            }
            None => {
                let script = self.dialect.identify();
                self.begin(now, Purpose::Identify, script);
            }
        }
    }

    fn handle_answer(&mut self, now: Instant, id: CallId, answer: <D::Script as Script>::Answer) {
        self.sign_of_life = Some(now);
        let Some(index) = self.running.iter().position(|running| running.call == Some(id)) else { return };
        self.running[index].call = None;
        let step = self.running[index].script.handle_answer(answer);
        self.step(now, index, step);
    }

    fn handle_told(&mut self, now: Instant, told: &<D::Script as Script>::Told) {
        self.sign_of_life = Some(now);
        let mut awaited = false;
        for index in (0..self.running.len()).rev() {
            if let Some(step) = self.running[index].script.handle_told(told) {
                awaited = true;
                self.running[index].until = None;
                self.step(now, index, step);
            }
        }
        if awaited {
            return;
        }
        match self.dialect.told(&mut self.desk, told) {
            Reaction::Restarted if matches!(self.state, State::Working) => self.begin_anew(now),
            Reaction::Look if matches!(self.state, State::Working) => {
                let script = self.dialect.look();
                self.begin(now, Purpose::Look, script);
            }
            Reaction::None | Reaction::Restarted | Reaction::Look => {}
        }
    }

    /// Begins what is due or waits, as far as it may run beside what is under way. False: nothing.
    fn take_up(&mut self, now: Instant) -> bool {
        if !matches!(self.state, State::Working) {
            return false;
        }
        let under_way = self.running.len();
        if under_way == 0 && self.sign_of_life.is_some_and(|at| at + WATCHDOG <= now) {
            self.sign_of_life = Some(now);
            let script = self.dialect.ping();
            self.begin(now, Purpose::Unasked, script);
            return true;
        }
        let is_occupied = self.running.iter().any(|running| !is_send(&running.purpose));
        if !is_occupied && let Some(script) = self.dialect.handle_due(&self.session, now) {
            self.begin(now, Purpose::Unasked, script);
            return true;
        }
        let may = |request: &Request| match request {
            Request::Send(_) => !is_occupied && under_way < MOST_SENDS,
            // The stick is deaf, or restarts: nothing else is under way then.
            Request::Form { .. } | Request::EnergyScan | Request::WriteBackup { .. } | Request::LeaveNetwork => {
                under_way == 0
            }
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
        if matches!(request, Request::Restart) {
            self.begin_anew(now);
            self.restart = Some(ticket);
            return true;
        }
        match self.dialect.script(&self.session, &self.desk, &request) {
            Ok(Some(script)) => self.begin(now, Purpose::Ask(ticket, Box::new(request)), script),
            Ok(None) => self.desk.answer(ticket, Ok(Answer::Done)),
            Err(error) => self.desk.answer(ticket, Err(error)),
        }
        true
    }

    fn begin(&mut self, now: Instant, purpose: Purpose, mut script: D::Script) {
        let step = script.next();
        self.running.push(Running { purpose, script, call: None, until: None, tries: 0 });
        self.step(now, self.running.len() - 1, step);
    }

    /// Does what a script wants.
    fn step(&mut self, now: Instant, index: usize, step: Step<<D::Script as Script>::Call>) {
        let Some(running) = self.running.get_mut(index) else { return };
        match step {
            Step::Call(call) => running.call = Some(self.session.call(now, call)),
            Step::Wait(within) => running.until = Some(now + within),
            Step::Restart => {
                self.dialect.restarted();
                self.session.begin(now);
            }
            Step::End(result) => {
                let running = self.running.remove(index);
                self.ended(now, running, result);
            }
        }
    }

    fn ended(&mut self, now: Instant, mut running: Running<D::Script>, result: Result<(), CoordinatorError>) {
        match &running.purpose {
            Purpose::Identify => self.identified(now, &running.script, result),
            Purpose::Unasked => {}
            Purpose::Look if result.is_ok() => self.dialect.looked(&mut self.desk, &running.script),
            Purpose::Look => {}
            Purpose::Ask(ticket, request) => {
                let is_busy = result == Err(CoordinatorError::Busy);
                if is_busy
                    && running.tries < BUSY_TRIES
                    && is_send(&running.purpose)
                    && let Ok(Some(script)) = self.dialect.script(&self.session, &self.desk, request)
                {
                    (running.script, running.tries) = (script, running.tries + 1);
                    running.until = Some(now + BUSY_PAUSE);
                    self.running.push(running);
                    return;
                }
                let (desk, script) = (&mut self.desk, &running.script);
                let result = result.and_then(|()| self.dialect.outcome(&self.session, desk, now, request, script));
                desk.answer(*ticket, result);
            }
        }
    }

    fn identified(&mut self, now: Instant, script: &D::Script, result: Result<(), CoordinatorError>) {
        let info = match result {
            Ok(()) => self.dialect.info(&self.session, script),
            Err(error) => Err(format!("the stick can't be worked with: {error}")),
        };
        let info = match info {
            Ok(info) => Box::new(info),
            Err(sentence) => return self.fail(now, sentence),
        };
        self.desk.tell(CoordinatorEvent::Identified(info.clone()));
        self.desk.info = Some(info);
        self.state = State::Working;
        if let Some(ticket) = self.restart.take() {
            self.desk.answer(ticket, Ok(Answer::Done));
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

impl<D: Dialect> Coordinator for Engine<D> {
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
        (self.desk.info, self.desk.resumed, self.sign_of_life) = (None, false, None);
        self.dialect.restarted();
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
                let sentence = Stranger::of(heard).sentence(Some(D::FAMILY)).to_owned();
                self.fail(now, sentence);
            }
            State::Pausing { until } if *until <= now => self.start(now),
            State::Closed | State::Starting | State::Probing { .. } | State::Pausing { .. } | State::Working => {}
        }
        self.run(now);
    }

    fn submit(&mut self, now: Instant, ticket: Ticket, request: Request) {
        match &self.state {
            State::Closed | State::Probing { .. } | State::Pausing { .. } => {
                self.desk.answer(ticket, Err(CoordinatorError::StickGone));
            }
            State::Starting | State::Working => self.waiting.push_back((ticket, request)),
        }
        self.run(now);
    }

    fn poll_output(&mut self) -> CoordinatorOutput {
        if let Some(bytes) = self.bytes.pop_front() {
            return CoordinatorOutput::Transmit(bytes);
        }
        if let Some(event) = self.desk.outputs.pop_front() {
            return CoordinatorOutput::Event(event);
        }
        let is_occupied = self.running.iter().any(|running| !is_send(&running.purpose));
        let state = match &self.state {
            State::Closed | State::Starting => None,
            State::Probing { until, .. } | State::Pausing { until } => Some(*until),
            State::Working if self.running.is_empty() => self.sign_of_life.map(|at| at + WATCHDOG),
            State::Working => None,
        };
        // What is due waits for what occupies the stick, whose end brings it.
        let due = self.dialect.due().filter(|_| matches!(self.state, State::Working) && !is_occupied);
        let session = match self.session.poll() {
            Said::Timeout(timeout) => timeout,
            // Everything was taken out when it came in.
            _ => None,
        };
        let scripts = self.running.iter().filter_map(|running| running.until);
        CoordinatorOutput::Timeout([state, session, due].into_iter().flatten().chain(scripts).min())
    }
}

fn is_send(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::Ask(_, request) if matches!(**request, Request::Send(_)))
}
