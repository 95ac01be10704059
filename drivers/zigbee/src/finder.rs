//! A stick of whichever maker: who answers on the port is asked each time it is opened, and worked with if it is one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::coordinator::{Coordinator, CoordinatorError, CoordinatorEvent, CoordinatorOutput, Family, Request, Ticket};
use crate::ezsp::EzspCoordinator;
use crate::key::Key;
use crate::stranger::{QUESTIONS, Stranger};
use crate::znp::ZnpCoordinator;

/// How long a stick may take to say who it is: opening the port restarts some.
const PATIENCE: Duration = Duration::from_millis(2500);
/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Pause before a port on which none is found is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// How much is kept of what is heard.
const MOST_HEARD: usize = 512;

/// A stick of Silicon Labs or of Texas Instruments.
pub struct AnyCoordinator {
    spare: Key,
    state: State,
    bytes: VecDeque<Vec<u8>>,
    events: VecDeque<CoordinatorEvent>,
}

enum State {
    Closed,
    /// It is asked who it is.
    Asking {
        heard: Vec<u8>,
        again: Instant,
        until: Instant,
    },
    /// Nobody is there that can be worked with.
    Pausing {
        until: Instant,
    },
    Found(Box<dyn Coordinator + Send>),
}

impl AnyCoordinator {
    /// `spare`: random, as for [`EzspCoordinator`] and [`ZnpCoordinator`].
    pub fn new(spare: Key) -> Self {
        Self { spare, state: State::Closed, bytes: VecDeque::new(), events: VecDeque::new() }
    }

    fn ask(&mut self, now: Instant) {
        self.state = State::Asking { heard: Vec::new(), again: now + ASK_EVERY, until: now + PATIENCE };
        self.bytes.push_back(QUESTIONS.concat());
    }

    fn found(&mut self, now: Instant, family: Family) {
        let spare = self.spare.clone();
        let mut stick: Box<dyn Coordinator + Send> = match family {
            Family::Ezsp => Box::new(EzspCoordinator::new(spare)),
            Family::Znp => Box::new(ZnpCoordinator::new(spare)),
        };
        tracing::info!(?family, "the stick has said what it speaks");
        stick.handle_opened(now);
        self.state = State::Found(stick);
    }

    /// What a stick that is left has to say yet. Its bytes have no port to go to.
    fn leave(&mut self, now: Instant) {
        if let State::Found(mut stick) = std::mem::replace(&mut self.state, State::Closed) {
            stick.handle_lost(now);
            loop {
                match stick.poll_output() {
                    CoordinatorOutput::Event(event) => self.events.push_back(event),
                    CoordinatorOutput::Transmit(_) => {}
                    CoordinatorOutput::Timeout(_) => return,
                }
            }
        }
    }
}

impl Coordinator for AnyCoordinator {
    fn handle_opened(&mut self, now: Instant) {
        self.handle_lost(now);
        self.ask(now);
    }

    fn handle_lost(&mut self, now: Instant) {
        self.leave(now);
        self.state = State::Closed;
        self.bytes.clear();
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        match &mut self.state {
            State::Found(stick) => stick.handle_bytes(now, bytes),
            State::Asking { heard, .. } => {
                let room = MOST_HEARD.saturating_sub(heard.len());
                heard.extend(bytes.iter().take(room));
                if let Some(family) = Stranger::of(heard).family() {
                    self.found(now, family);
                }
            }
            State::Closed | State::Pausing { .. } => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Found(stick) => stick.handle_timeout(now),
            State::Asking { heard, until, .. } if *until <= now => {
                let sentence = Stranger::of(heard).sentence(None).to_owned();
                self.state = State::Pausing { until: now + TRY_AGAIN };
                self.events.push_back(CoordinatorEvent::Failed(sentence));
            }
            State::Asking { again, .. } if *again <= now => {
                *again = now + ASK_EVERY;
                self.bytes.push_back(QUESTIONS.concat());
            }
            State::Pausing { until } if *until <= now => self.ask(now),
            State::Closed | State::Asking { .. } | State::Pausing { .. } => {}
        }
    }

    fn submit(&mut self, now: Instant, ticket: Ticket, request: Request) {
        match &mut self.state {
            State::Found(stick) => stick.submit(now, ticket, request),
            State::Closed | State::Asking { .. } | State::Pausing { .. } => {
                self.events.push_back(CoordinatorEvent::Answered(ticket, Err(CoordinatorError::StickGone)));
            }
        }
    }

    fn poll_output(&mut self) -> CoordinatorOutput {
        if let Some(bytes) = self.bytes.pop_front() {
            return CoordinatorOutput::Transmit(bytes);
        }
        if let Some(event) = self.events.pop_front() {
            return CoordinatorOutput::Event(event);
        }
        match &mut self.state {
            State::Found(stick) => stick.poll_output(),
            State::Asking { again, until, .. } => CoordinatorOutput::Timeout(Some(*again.min(until))),
            State::Pausing { until } => CoordinatorOutput::Timeout(Some(*until)),
            State::Closed => CoordinatorOutput::Timeout(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn asked() -> (Instant, AnyCoordinator) {
        let (now, mut any) = (start(), AnyCoordinator::new(Key::new([9; 16])));
        any.handle_opened(now);
        assert_eq!(any.poll_output(), CoordinatorOutput::Transmit(QUESTIONS.concat()));
        (now, any)
    }

    /// What it sends, and what it tells.
    fn drain(any: &mut AnyCoordinator) -> (Vec<Vec<u8>>, Vec<CoordinatorEvent>) {
        let (mut sent, mut told) = (Vec::new(), Vec::new());
        loop {
            match any.poll_output() {
                CoordinatorOutput::Transmit(bytes) => sent.push(bytes),
                CoordinatorOutput::Event(event) => told.push(event),
                CoordinatorOutput::Timeout(_) => return (sent, told),
            }
        }
    }

    #[test]
    fn each_maker_s_stick_is_spoken_to_in_its_own_way() {
        let (now, mut any) = asked();
        any.handle_bytes(now, &[0xFE, 0x02, 0x61]);
        any.handle_bytes(now, &[0x01, 0x59, 0x06, 0x3D]);
        assert_eq!(drain(&mut any).0, [[0xFE, 0x00, 0x21, 0x01, 0x20]], "a ping, as ZNP begins");
        let (now, mut any) = asked();
        any.handle_bytes(now, &[0x1A, 0xC1, 0x02, 0x0B, 0x0A, 0x52, 0x7E]);
        let (sent, _) = drain(&mut any);
        assert!(sent.concat().ends_with(&[0xC0, 0x38, 0xBC, 0x7E]), "a reset, as ASH begins: {sent:02x?}");
    }

    #[test]
    fn another_stick_in_the_port_is_found_when_it_is_opened_again() {
        let (now, mut any) = asked();
        any.handle_bytes(now, &[0xFE, 0x02, 0x61, 0x01, 0x59, 0x06, 0x3D]);
        any.submit(now, Ticket(1), Request::Resume);
        any.handle_opened(now);
        let (sent, told) = drain(&mut any);
        assert_eq!(told, [CoordinatorEvent::Answered(Ticket(1), Err(CoordinatorError::StickGone))]);
        assert_eq!(sent, [QUESTIONS.concat()]);
    }

    #[test]
    fn who_can_t_be_worked_with_is_named_and_asked_again_later() {
        let (mut now, mut any) = asked();
        any.handle_bytes(now, b"\r\nGecko Bootloader v1.12.00\r\nBL > ");
        let mut told = Vec::new();
        while told.is_empty() {
            let CoordinatorOutput::Timeout(Some(at)) = any.poll_output() else { continue };
            now = at;
            any.handle_timeout(now);
            told = drain(&mut any).1;
        }
        let sentence = Stranger::GeckoBootloader.sentence(None).to_owned();
        assert_eq!(told, [CoordinatorEvent::Failed(sentence)]);
        any.submit(now, Ticket(1), Request::Resume);
        assert_eq!(drain(&mut any).1, [CoordinatorEvent::Answered(Ticket(1), Err(CoordinatorError::StickGone))]);
        any.handle_timeout(now + TRY_AGAIN);
        assert_eq!(drain(&mut any).0, [QUESTIONS.concat()]);
    }
}
