//! One question and its answer.

use std::time::{Duration, Instant};

use crate::address::Nwk;
use crate::coordinator::{CoordinatorError, Destination, Incoming, Outgoing};
use crate::zcl::HOME_AUTOMATION;
use crate::zdo;
use keyway_lock::SecretBytes;
use zeroize::Zeroizing;

use super::question::{Answer, AskError, Question};

/// Our endpoint.
pub const OUR_ENDPOINT: u8 = 1;
/// How long a device may take to answer once it has acknowledged, unless its model is known to be slower.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// Times a question goes out that the device did not acknowledge.
const DELIVERY_TRIES: u8 = 2;
/// Times a question is asked that is acknowledged and not answered.
const ANSWER_TRIES: u8 = 2;
/// Times the stick is given it that had no room for it.
const STICK_TRIES: u8 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Has a frame for the stick.
    Turn,
    /// The stick has it.
    Sending,
    /// It is acknowledged.
    Answer { until: Instant },
    /// Before the next turn.
    Pause { until: Instant },
}

/// A question under way.
pub(super) struct Exchange {
    question: Question,
    patience: Duration,
    stage: Stage,
    sequence: u8,
    /// It has been on the air.
    sent: bool,
    delivery_tries: u8,
    answer_tries: u8,
    stick_tries: u8,
    outcome: Option<Result<Answer, AskError>>,
}

impl Exchange {
    pub(super) fn new(question: Question, patience: Duration) -> Self {
        Self {
            question,
            patience,
            stage: Stage::Turn,
            sequence: 0,
            sent: false,
            delivery_tries: 0,
            answer_tries: 0,
            stick_tries: 0,
            outcome: None,
        }
    }

    /// How it ended, once it has.
    pub(super) fn outcome(&self) -> Option<&Result<Answer, AskError>> {
        self.outcome.as_ref()
    }

    /// Whether it has a frame for the stick.
    pub(super) fn wants_turn(&self) -> bool {
        self.outcome.is_none() && self.stage == Stage::Turn
    }

    /// Whether it has gone out already.
    pub(super) fn has_begun(&self) -> bool {
        self.sent || self.stage != Stage::Turn
    }

    /// Whether it has gone out before in vain.
    pub(super) fn is_repeated(&self) -> bool {
        self.delivery_tries > 0
    }

    /// When [`Exchange::handle_timeout`] is due.
    pub(super) fn timeout(&self) -> Option<Instant> {
        match self.stage {
            Stage::Turn | Stage::Sending => None,
            Stage::Answer { until } | Stage::Pause { until } => Some(until),
        }
    }

    /// Its turn: the frame for the stick.
    pub(super) fn frame(&mut self, nwk: Nwk, is_sleepy: bool, sequence: u8) -> Outgoing {
        // An answer that comes late, to the same question asked before, is as good: it keeps its number.
        if !self.sent {
            self.sequence = sequence;
        }
        (self.sent, self.stage) = (true, Stage::Sending);
        let (cluster, payload) = self.question.encode(nwk, self.sequence);
        let (profile, source_endpoint, destination_endpoint) = match &self.question {
            Question::Zdo(_) => (zdo::PROFILE, zdo::ENDPOINT, zdo::ENDPOINT),
            Question::Zcl(ask) => (HOME_AUTOMATION, OUR_ENDPOINT, ask.endpoint),
        };
        Outgoing {
            destination: Destination::Nwk(nwk),
            profile,
            cluster,
            source_endpoint,
            destination_endpoint,
            aps_ack: true,
            is_sleepy,
            payload: SecretBytes(Zeroizing::new(payload)),
        }
    }

    /// The stick is done with the frame. An answer may have come before that.
    pub(super) fn handle_sent(&mut self, now: Instant, result: Result<(), &CoordinatorError>) {
        if self.outcome.is_some() || self.stage != Stage::Sending {
            return;
        }
        match result {
            Ok(()) => {
                self.answer_tries += 1;
                self.stage = Stage::Answer { until: now + self.patience };
            }
            Err(CoordinatorError::NotDelivered) => {
                self.delivery_tries += 1;
                // An acknowledgement can be lost though the command arrived: a change is not sent twice on that ground.
                if self.question.is_harmless() && self.delivery_tries < DELIVERY_TRIES {
                    self.pause(now, Duration::from_millis(300));
                } else {
                    self.end(Err(AskError::Offline { maybe_done: !self.question.is_harmless() }));
                }
            }
            // Whether it went out is not known, and an answer may have been lost with the stick's memory.
            Err(CoordinatorError::Restarted | CoordinatorError::NoSense(_)) => {
                self.delivery_tries += 1;
                if self.question.is_harmless() && self.delivery_tries < DELIVERY_TRIES {
                    self.stage = Stage::Turn;
                } else {
                    self.end(Err(AskError::Offline { maybe_done: !self.question.is_harmless() }));
                }
            }
            Err(CoordinatorError::UnknownDevice(_)) => self.end(Err(AskError::Offline { maybe_done: false })),
            Err(
                CoordinatorError::Busy
                | CoordinatorError::Refused { .. }
                | CoordinatorError::NoNetwork
                | CoordinatorError::StickGone
                | CoordinatorError::OnlyOnce
                | CoordinatorError::NotSupported(_),
            ) => {
                self.stick_tries += 1;
                if self.stick_tries < STICK_TRIES {
                    self.pause(now, Duration::from_millis(200) * 2_u32.pow(self.stick_tries.into()));
                } else {
                    self.end(Err(AskError::Stick));
                }
            }
        }
    }

    /// Something came in from the device. True: it is the answer.
    pub(super) fn handle_message(&mut self, incoming: &Incoming) -> bool {
        if self.outcome.is_some() || !self.sent {
            return false;
        }
        let answer = self.question.answered_by(self.sequence, incoming);
        let its = answer.is_some();
        if let Some(answer) = answer {
            self.end(Ok(answer));
        }
        its
    }

    /// The device sleeps, and did not come in: it was not even sent.
    pub(super) fn give_up(&mut self) {
        self.end(Err(AskError::Offline { maybe_done: false }));
    }

    /// The instant of [`Exchange::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.outcome.is_some() || self.timeout().is_none_or(|until| until > now) {
            return;
        }
        match self.stage {
            Stage::Turn | Stage::Sending => {}
            Stage::Pause { .. } => self.stage = Stage::Turn,
            Stage::Answer { .. } if self.question.is_harmless() && self.answer_tries < ANSWER_TRIES => {
                self.stage = Stage::Turn;
            }
            Stage::Answer { .. } => self.end(Err(AskError::NoAnswer)),
        }
    }

    fn pause(&mut self, now: Instant, time: Duration) {
        self.stage = Stage::Pause { until: now + time };
    }

    fn end(&mut self, outcome: Result<Answer, AskError>) {
        self.outcome = Some(outcome);
    }
}
