//! One question to one node: from the nonce it may need, over its delivery, to the answer it waits for.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::supervision::{self, Status, SupervisionCommand};
use crate::node::NodeId;
use crate::security::s0::{S0, S0Part};
use crate::security::s2::{self, S2};
use crate::security::{NetworkKeys, SecurityClass};
use crate::serial_api::callback::TransmitStatus;
use crate::serial_api::session::{Completed, SendFailure};

/// How long a nonce report may take once the node has acknowledged the question for it (CC:0098.01.40.11.007 lets the
/// node hold its nonce for 3 s at least, CC:009F.01.01 names no time; sleepy locks take up to a second).
const NONCE_TIMEOUT: Duration = Duration::from_millis(2500);
/// How long a report may take once the node has acknowledged the question, unless its model is known to need longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// A lock that works on a command for an unknown time (duration 0xFE) is given this long.
const UNKNOWN_DURATION: Duration = Duration::from_secs(30);
/// No lock is waited for longer than this.
const LONGEST_DURATION: Duration = Duration::from_secs(120);
/// Questions for a nonce before the node is given up.
const NONCE_TRIES: u8 = 3;
/// Times a question is asked whose report does not come. A set is never repeated blindly: whoever asked reads back.
const REPORT_TRIES: u8 = 2;
/// Times a frame is handed to a node that does not acknowledge; the stick has tried every route each time.
const NO_ACK_TRIES: u8 = 2;
/// Times a frame is handed to a stick that can't send it now.
const STICK_TRIES: u8 = 5;
/// Times a message is encapsulated anew for a node that lost step.
const RESYNC_TRIES: u8 = 3;
/// A report in several is taken to end here: all that is asked for is shorter by far.
const LONGEST_GATHERED: usize = 1024;
/// Encapsulated ahead of a message that, with the nonce of a new SPAN, would be too long for one frame: every S2 node
/// answers it.
const SYNCHRONISING_COMMAND: [u8; 2] = s2::COMMANDS_SUPPORTED_GET;

/// The security state of the network, as all exchanges share it.
pub struct Security {
    /// Security 2.
    pub s2: S2,
    /// Security 0, if its key is known.
    pub s0: Option<S0>,
}

impl Security {
    /// For a controller of a network; `entropy` must never be used twice.
    pub fn new(own: NodeId, home_id: u32, keys: &NetworkKeys, entropy: ([u8; 32], [u8; 32])) -> Self {
        Self {
            s2: S2::new(own, home_id, keys, entropy.0),
            s0: keys.s0.as_ref().map(|key| S0::new(own, key, entropy.1)),
        }
    }

    /// Forgets a node.
    pub fn remove_peer(&mut self, node: NodeId) {
        self.s2.remove_peer(node);
        if let Some(s0) = &mut self.s0 {
            s0.remove_peer(node);
            s0.set_joining(None);
        }
    }
}

/// How the report begins that is awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    bytes: Vec<u8>,
    any: Range<usize>,
    follow: Option<usize>,
}

impl Beginning {
    /// The byte at this index may be any.
    pub fn with_any(self, index: usize) -> Self {
        self.with_anything(index..index + 1)
    }

    /// The bytes at these indices may be any.
    pub fn with_anything(self, any: Range<usize>) -> Self {
        Self { any, ..self }
    }

    /// The byte at this index counts the reports that follow; what each has behind it goes on where the last one ended.
    pub fn with_follow(self, index: usize) -> Self {
        Self { follow: Some(index), ..self }
    }

    fn fits(&self, command: &[u8]) -> bool {
        let same = |(index, (own, there)): (usize, (&u8, &u8))| own == there || self.any.contains(&index);
        command.len() >= self.bytes.len() && self.bytes.iter().zip(command).enumerate().all(same)
    }
}

impl<T: Into<Vec<u8>>> From<T> for Beginning {
    fn from(bytes: T) -> Self {
        Self { bytes: bytes.into(), any: 0..0, follow: None }
    }
}

/// What is awaited from the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaits {
    /// Its acknowledgement.
    Delivery,
    /// Its acknowledgement of a command that does nothing: nothing less shows that it is there.
    Presence,
    /// A command that begins like this.
    Report(Beginning),
    /// How it carried the command out; the command is sent in a Supervision Get of this session.
    Supervision(u8),
}

/// What is sent to a node, and what it should bring.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// The command, from its class id on.
    pub command: Zeroizing<Vec<u8>>,
    /// Under which security; `None`: in the clear.
    pub level: Option<SecurityClass>,
    /// What is awaited.
    pub awaits: Awaits,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = self.command.iter().take(2).map(|byte| format!("{byte:02x}")).collect::<String>();
        write!(f, "class/command {class} ({} bytes) under {:?}", self.command.len(), self.level)
    }
}

/// What a question brought.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// The node acknowledged.
    Delivered,
    /// The report, from its class id on; one that came in several is put together. May hold a PIN.
    Report(Zeroizing<Vec<u8>>),
    /// How the node carried it out: never [`Status::Working`].
    Supervised(Status),
}

/// Why a question brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskError {
    /// The node does not acknowledge. `maybe_done`: the command changes something, and was on the air: it may have
    /// arrived all the same.
    Offline {
        /// See above.
        maybe_done: bool,
    },
    /// The node acknowledged, but the answer did not come.
    NoAnswer,
    /// The stick does not take or send it.
    Stick,
    /// There is no key for the level asked for.
    NoKey,
}

/// Which frame of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    NonceGet,
    Synchronising,
    Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waits for its turn on the stick.
    Turn,
    /// The stick has a frame of it.
    Sending(Part),
    /// Waits for the node's nonce.
    Nonce { until: Instant },
    /// Waits for the answer.
    Answer { until: Instant },
    /// Waits before it tries again.
    Pause { until: Instant },
}

/// A question under way.
pub struct Exchange {
    node: NodeId,
    command: Zeroizing<Vec<u8>>,
    level: Option<SecurityClass>,
    awaits: Awaits,
    patience: Duration,
    stage: Stage,
    /// Security 0: the command in one or two parts, and which is next.
    parts: Vec<S0Part>,
    next_part: usize,
    /// What came while the stick still had the frame.
    nonce_came: bool,
    lost_step: bool,
    /// The command itself was handed to the stick.
    sent: bool,
    /// The reports so far, of which more follow.
    gathered: Zeroizing<Vec<u8>>,
    asked: u8,
    nonce_tries: u8,
    no_acks: u8,
    stick_tries: u8,
    resyncs: u8,
    outcome: Option<Result<Answer, AskError>>,
}

impl Exchange {
    /// Begins; `patience`: how long the answer may take, if not as long as others'. The first frame is to be taken with [`Exchange::frame`].
    pub fn new(node: NodeId, question: Question, patience: Option<Duration>) -> Self {
        let command = match question.awaits {
            Awaits::Supervision(session) => {
                let command = question.command.to_vec();
                Zeroizing::new(SupervisionCommand::Get { session, updates: true, command }.encode())
            }
            Awaits::Delivery | Awaits::Presence | Awaits::Report(_) => question.command,
        };
        Self {
            node,
            command,
            level: question.level,
            awaits: question.awaits,
            patience: patience.unwrap_or(ANSWER_TIMEOUT),
            stage: Stage::Turn,
            parts: Vec::new(),
            next_part: 0,
            nonce_came: false,
            lost_step: false,
            sent: false,
            gathered: Zeroizing::default(),
            asked: 0,
            nonce_tries: 0,
            no_acks: 0,
            stick_tries: 0,
            resyncs: 0,
            outcome: None,
        }
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Result<Answer, AskError>> {
        self.outcome.clone()
    }

    /// Whether it has a frame for the stick.
    pub fn wants_turn(&self) -> bool {
        self.outcome.is_none() && self.stage == Stage::Turn
    }

    /// When [`Exchange::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        match self.stage {
            Stage::Turn | Stage::Sending(_) => None,
            Stage::Nonce { until } | Stage::Answer { until } | Stage::Pause { until } => Some(until),
        }
    }

    /// Its turn: the frame for the stick, made now since nonces age. `None`: it has ended for want of a key.
    pub fn frame(&mut self, now: Instant, security: &mut Security, max: usize) -> Option<Vec<u8>> {
        let frame = match self.level {
            None => Some((Part::Command, self.command.to_vec())),
            Some(SecurityClass::S0) => self.s0_frame(now, security, max),
            Some(class) => self.s2_frame(class, security, max),
        };
        let Some((part, bytes)) = frame else {
            self.end(Err(AskError::NoKey));
            return None;
        };
        if part == Part::Command {
            self.sent = true;
            self.gathered.clear();
        }
        (self.nonce_came, self.lost_step) = (false, false);
        self.stage = Stage::Sending(part);
        Some(bytes)
    }

    fn s2_frame(&self, class: SecurityClass, security: &mut Security, max: usize) -> Option<(Part, Vec<u8>)> {
        // Header and authentication tag (12 bytes), and the SPAN extension (18) that a new SPAN brings along.
        const LONGEST_OVERHEAD: usize = 30;
        let s2 = &mut security.s2;
        s2.highest_class(self.node).filter(|highest| *highest >= class)?;
        if !s2.is_ready(self.node) {
            return Some((Part::NonceGet, s2.nonce_get(self.node)));
        }
        let short = |part, command: &[u8], s2: &mut S2| {
            s2.encapsulate(self.node, class, command).ok().map(|bytes| (part, bytes))
        };
        let fresh = !s2.is_synchronised(self.node);
        let sent = if fresh && self.command.len() + LONGEST_OVERHEAD > max {
            short(Part::Synchronising, &SYNCHRONISING_COMMAND, s2)
        } else {
            short(Part::Command, &self.command, s2)
        };
        // Synchronised under another class than the one asked for: begin anew.
        Some(sent.unwrap_or_else(|| (Part::NonceGet, s2.nonce_get(self.node))))
    }

    fn s0_frame(&mut self, now: Instant, security: &mut Security, max: usize) -> Option<(Part, Vec<u8>)> {
        let s0 = security.s0.as_mut()?;
        if self.parts.is_empty() {
            self.parts = s0.split(&self.command, max);
        }
        let more = self.next_part + 1 < self.parts.len();
        let part = self.parts.get(self.next_part)?;
        match s0.encapsulate(now, self.node, part, more) {
            Ok(bytes) => Some((Part::Command, bytes)),
            Err(_) => Some((Part::NonceGet, S0::nonce_get())),
        }
    }

    /// The stick is done with the frame.
    pub fn handle_sent(&mut self, now: Instant, result: &Result<Completed, SendFailure>) {
        let Stage::Sending(part) = self.stage else { return };
        match result {
            Ok(Completed::Sent(report)) => match report.status {
                TransmitStatus::Ok => self.delivered(now, part),
                TransmitStatus::NoAck | TransmitStatus::NoRoute => self.not_acknowledged(now, part),
                TransmitStatus::Fail | TransmitStatus::NotIdle | TransmitStatus::Other(_) => self.stick_failed(now),
            },
            Ok(_) | Err(SendFailure::AnswerLost) if self.awaits == Awaits::Presence => self.stick_failed(now),
            // Whether it was sent is not known: the node's answer will tell.
            Ok(_) | Err(SendFailure::AnswerLost) => self.delivered(now, part),
            Err(SendFailure::Refused | SendFailure::Link(_) | SendFailure::NoUpdate | SendFailure::Restarted) => {
                self.stick_failed(now);
            }
        }
    }

    fn delivered(&mut self, now: Instant, part: Part) {
        if self.lost_step {
            self.stage = Stage::Turn;
            return;
        }
        match part {
            Part::NonceGet => self.await_nonce(now),
            Part::Synchronising => self.stage = Stage::Turn,
            Part::Command if self.next_part + 1 < self.parts.len() => {
                self.next_part += 1;
                self.await_nonce(now);
            }
            Part::Command => {
                self.asked += 1;
                match self.awaits {
                    Awaits::Delivery | Awaits::Presence => self.end(Ok(Answer::Delivered)),
                    Awaits::Report(_) | Awaits::Supervision(_) => {
                        self.stage = Stage::Answer { until: now + self.patience };
                    }
                }
            }
        }
    }

    fn await_nonce(&mut self, now: Instant) {
        self.stage = if self.nonce_came { Stage::Turn } else { Stage::Nonce { until: now + NONCE_TIMEOUT } };
    }

    fn not_acknowledged(&mut self, now: Instant, part: Part) {
        self.no_acks += 1;
        // An acknowledgement can be lost though the command arrived: a set is not sent twice on that ground.
        let harmless = part != Part::Command || !self.changes();
        if harmless && self.no_acks < NO_ACK_TRIES {
            self.begin_again(now);
        } else {
            self.give_up();
        }
    }

    fn stick_failed(&mut self, now: Instant) {
        self.stick_tries += 1;
        if self.stick_tries < STICK_TRIES {
            self.next_part = 0;
            self.stage = Stage::Pause { until: now + Duration::from_millis(100) * 2_u32.pow(self.stick_tries.into()) };
        } else {
            self.end(Err(AskError::Stick));
        }
    }

    /// The node does not listen any more, and did not when it should have.
    pub fn give_up(&mut self) {
        if self.outcome.is_some() {
            return;
        }
        self.end(Err(AskError::Offline { maybe_done: self.sent && self.changes() }));
    }

    fn changes(&self) -> bool {
        !matches!(self.awaits, Awaits::Report(_) | Awaits::Presence)
    }

    /// A nonce of the node came.
    pub fn handle_nonce(&mut self) {
        match self.stage {
            Stage::Nonce { .. } => self.stage = Stage::Turn,
            Stage::Sending(_) => self.nonce_came = true,
            Stage::Turn | Stage::Answer { .. } | Stage::Pause { .. } => {}
        }
    }

    /// The node could not read the last message: it goes out once more, encapsulated anew.
    pub fn handle_out_of_sync(&mut self) {
        self.resyncs += 1;
        if self.resyncs > RESYNC_TRIES {
            return;
        }
        match self.stage {
            Stage::Sending(Part::Command | Part::Synchronising) => self.lost_step = true,
            Stage::Answer { .. } => self.stage = Stage::Turn,
            Stage::Turn | Stage::Sending(Part::NonceGet) | Stage::Nonce { .. } | Stage::Pause { .. } => {}
        }
    }

    /// A command of the node came in at a level. True: it was what is awaited. An answer under more security than was
    /// asked with is as good.
    pub fn handle_command(&mut self, now: Instant, level: Option<SecurityClass>, command: &[u8]) -> bool {
        if !self.sent || self.outcome.is_some() || level < self.level {
            return false;
        }
        match &self.awaits {
            Awaits::Report(beginning) if beginning.fits(command) => {
                let follow = beginning.follow;
                self.gather(now, follow, command);
                true
            }
            Awaits::Supervision(own) => match SupervisionCommand::decode(command) {
                Ok(SupervisionCommand::Report { session, status, duration, .. }) if session == *own => {
                    match status {
                        Status::Working => {
                            let more =
                                supervision::duration(duration).unwrap_or(UNKNOWN_DURATION).min(LONGEST_DURATION);
                            self.stage = Stage::Answer { until: now + more + self.patience };
                        }
                        Status::NoSupport | Status::Fail | Status::Success => self.end(Ok(Answer::Supervised(status))),
                    }
                    true
                }
                _ => false,
            },
            Awaits::Delivery | Awaits::Presence | Awaits::Report(_) => false,
        }
    }

    fn gather(&mut self, now: Instant, follow: Option<usize>, report: &[u8]) {
        let more = follow.and_then(|index| report.get(index)).is_some_and(|count| *count != 0);
        let new = if self.gathered.is_empty() { 0 } else { follow.map_or(0, |index| index + 1) };
        self.gathered.extend_from_slice(report.get(new..).unwrap_or_default());
        if more && self.gathered.len() < LONGEST_GATHERED {
            self.stage = Stage::Answer { until: now + self.patience };
        } else {
            let whole = std::mem::take(&mut self.gathered);
            self.end(Ok(Answer::Report(whole)));
        }
    }

    /// The instant of [`Exchange::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.outcome.is_some() || self.timeout().is_none_or(|until| until > now) {
            return;
        }
        match self.stage {
            Stage::Turn | Stage::Sending(_) => {}
            Stage::Pause { .. } => self.stage = Stage::Turn,
            Stage::Nonce { .. } => {
                self.nonce_tries += 1;
                if self.nonce_tries < NONCE_TRIES {
                    self.begin_again(now);
                } else {
                    self.end(Err(AskError::NoAnswer));
                }
            }
            Stage::Answer { .. } => {
                if matches!(self.awaits, Awaits::Report(_)) && self.asked < REPORT_TRIES {
                    self.begin_again(now);
                } else {
                    self.end(Err(AskError::NoAnswer));
                }
            }
        }
    }

    fn begin_again(&mut self, now: Instant) {
        self.next_part = 0;
        self.stage = Stage::Pause { until: now + Duration::from_millis(50) };
    }

    fn end(&mut self, outcome: Result<Answer, AskError>) {
        self.outcome = Some(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serial_api::callback::TransmitReport;

    struct Bench {
        now: Instant,
        exchange: Exchange,
    }

    impl Bench {
        /// A question in the clear that has been delivered.
        fn asked(beginning: Beginning) -> Self {
            Self::asked_of(beginning, None)
        }

        #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
        fn asked_of(beginning: Beginning, patience: Option<Duration>) -> Self {
            let node = |id| NodeId::new(id).unwrap();
            let command = Zeroizing::new(vec![0x98, 0x02]);
            let question = Question { command, level: None, awaits: Awaits::Report(beginning) };
            let mut bench = Self { now: Instant::now(), exchange: Exchange::new(node(5), question, patience) };
            let mut security = Security::new(node(1), 1, &NetworkKeys::default(), ([1; 32], [2; 32]));
            bench.exchange.frame(bench.now, &mut security, 46).unwrap();
            let report = TransmitReport {
                callback: 1,
                status: TransmitStatus::Ok,
                ticks: None,
                repeaters: Vec::new(),
                ack_rssi: None,
                attempts: None,
            };
            bench.exchange.handle_sent(bench.now, &Ok(Completed::Sent(report)));
            bench
        }

        /// A report comes in under this level: the whole answer, if that is it.
        fn report(&mut self, level: Option<SecurityClass>, report: &[u8]) -> Option<Vec<u8>> {
            self.exchange.handle_command(self.now, level, report);
            match self.exchange.outcome()? {
                Ok(Answer::Report(report)) => Some(report.to_vec()),
                _ => None,
            }
        }
    }

    #[test]
    fn a_slow_model_is_waited_for_longer() {
        let waits = |patience| {
            let bench = Bench::asked_of([0x98].into(), patience);
            bench.exchange.timeout().unwrap() - bench.now
        };
        assert_eq!((waits(None), waits(Some(Duration::from_secs(10)))), (ANSWER_TIMEOUT, Duration::from_secs(10)));
    }

    #[test]
    fn a_report_that_comes_in_several_is_put_together() {
        let mut bench = Bench::asked(Beginning::from([0x98, 0x03]).with_follow(2));
        assert_eq!(bench.report(None, &[0x98, 0x03, 1, 0x62, 0x63]), None);
        bench.now = bench.exchange.timeout().unwrap() - Duration::from_millis(1);
        assert_eq!(bench.report(None, &[0x98, 0x03, 0, 0x71, 0x80]), Some(vec![0x98, 0x03, 1, 0x62, 0x63, 0x71, 0x80]));
    }

    #[test]
    fn a_report_whose_rest_does_not_come_is_asked_for_again_from_the_beginning() {
        let mut bench = Bench::asked(Beginning::from([0x98, 0x03]).with_follow(2));
        bench.report(None, &[0x98, 0x03, 1, 0x62]);
        while !bench.exchange.wants_turn() {
            bench.now = bench.exchange.timeout().unwrap();
            bench.exchange.handle_timeout(bench.now);
        }
        let mut security = Security::new(NodeId::FIRST, 1, &NetworkKeys::default(), ([1; 32], [2; 32]));
        bench.exchange.frame(bench.now, &mut security, 46).unwrap();
        assert_eq!(bench.report(None, &[0x98, 0x03, 0, 0x63]), Some(vec![0x98, 0x03, 0, 0x63]));
    }

    #[test]
    fn a_node_that_counts_without_end_is_not_listened_to_for_ever() {
        let mut bench = Bench::asked(Beginning::from([0x98, 0x03]).with_follow(2));
        assert!((0..100).any(|_| bench.report(None, &[&[0x98, 0x03, 1][..], &[0x20; 30]].concat()).is_some()));
    }

    #[test]
    fn one_byte_may_be_any_and_the_others_not() {
        let beginning = || Beginning::from([0x63, 0x0D, 1, 0, 5]).with_any(2);
        assert!(Bench::asked(beginning()).report(None, &[0x63, 0x0D, 2, 0, 5, 1]).is_some());
        assert!(Bench::asked(beginning()).report(None, &[0x63, 0x0D, 1, 0, 6, 1]).is_none());
        assert!(Bench::asked(beginning()).report(None, &[0x63, 0x0D, 1]).is_none());
    }

    #[test]
    fn an_answer_under_more_security_than_the_question_is_as_good() {
        let highest = Some(SecurityClass::S2AccessControl);
        assert!(Bench::asked([0x98].into()).report(highest, &[0x98, 0x03]).is_some());
    }
}
