//! Whose turn it is on the stick: one frame at a time, answers to waiting nodes first, then fairly by airtime, so that a
//! node that does not answer delays the others by no more than its share.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::exchange::{Answer, AskError, Exchange, Question, Security};
use crate::node::NodeId;
use crate::security::SecurityClass;
use crate::serial_api::callback::TransmitStatus;
use crate::serial_api::command::Command;
use crate::serial_api::session::{Completed, SendFailure, Ticket};

/// Answers that wait for the stick at most: a node that babbles must not fill the memory.
const MOST_REPLIES: usize = 32;

/// Airtime of one frame after which the stick is told to give up, if other nodes wait for it: an explorer frame to a node
/// that is gone can keep it for a minute.
const LONGEST_TURN: Duration = Duration::from_secs(6);

/// How long the stick stays with a lock that a beam has woken, for its answer and the next question: waking it again takes
/// a second of everybody's air, and battery.
const LINGER: Duration = Duration::from_millis(500);
/// The same when nothing more is to be said to it: the hub may have an afterthought, once the answer is on its disk, and
/// the cards that hubs have for a disk are slow.
const LINGER_IDLE: Duration = Duration::from_millis(400);
/// And how long in all, while others wait.
const LONGEST_HOLD: Duration = Duration::from_secs(4);

/// Names something that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskId(u64);

/// How something that was asked has ended.
pub enum Ended {
    /// A question to a node.
    Node(Result<Answer, AskError>),
    /// A command to the stick.
    Stick(Result<Completed, SendFailure>),
}

/// What the stick is to be given.
pub enum Outgoing {
    /// A frame for a node.
    Frame(NodeId, Vec<u8>),
    /// A command to the stick itself.
    Command(Command),
}

enum Task {
    Exchange(Box<Exchange>),
    /// A command to the stick about the node, and what it brought.
    Stick(Command, Option<Result<Completed, SendFailure>>),
}

/// One node's tasks; the first is under way.
#[derive(Default)]
struct Line {
    tasks: VecDeque<(AskId, Task)>,
    /// Airtime it has had, counted from when it last joined the others.
    used: Duration,
    /// It sleeps, and is woken by a beam.
    beamed: bool,
    /// How long it may take to answer, if not as long as others.
    patience: Option<Duration>,
}

impl Line {
    /// Whether it has a frame for the stick.
    fn wants_turn(&self) -> bool {
        match self.tasks.front() {
            Some((_, Task::Exchange(exchange))) => exchange.wants_turn(),
            Some((_, Task::Stick(_, outcome))) => outcome.is_none(),
            None => false,
        }
    }
}

/// An answer to a node that waits for it.
struct Reply {
    node: NodeId,
    level: Option<SecurityClass>,
    bytes: Zeroizing<Vec<u8>>,
}

struct OnAir {
    ticket: Ticket,
    node: NodeId,
    since: Instant,
    /// The stick was told to give it up.
    aborted: bool,
    /// No exchange waits for its end: an answer of ours, or what was asked has its answer already.
    unowned: bool,
}

/// The stick stays with a node that is awake.
struct Hold {
    node: NodeId,
    since: Instant,
    until: Instant,
    /// Until when, if nothing waits in its line.
    idle_until: Instant,
    /// That has come. Kept until another node had its turn, so that the hold does not begin anew before that.
    over: bool,
}

/// All lines before one stick.
#[derive(Default)]
pub struct Queue {
    replies: VecDeque<Reply>,
    lines: BTreeMap<NodeId, Line>,
    /// What [`Queue::next`] gave last, until its ticket is known; then until it has ended.
    given: Option<(NodeId, bool)>,
    on_air: Option<OnAir>,
    hold: Option<Hold>,
    /// The stick itself is to be given something.
    pressed: bool,
    next_id: u64,
}

impl Queue {
    /// Asks a node.
    pub fn ask(&mut self, node: NodeId, question: Question) -> AskId {
        let patience = self.lines.get(&node).and_then(|line| line.patience);
        self.push(node, Task::Exchange(Box::new(Exchange::new(node, question, patience))))
    }

    /// Tells how long a node may take to answer; `None`: as long as others.
    pub fn set_patience(&mut self, node: NodeId, patience: Option<Duration>) {
        self.lines.entry(node).or_default().patience = patience;
    }

    /// Tells that a node sleeps, and is woken by a beam; or that it does not.
    pub fn set_beamed(&mut self, node: NodeId, beamed: bool) {
        self.lines.entry(node).or_default().beamed = beamed;
    }

    /// Tells whether the stick itself is to be given something: then a frame on the air has no more than its turn.
    pub fn set_pressed(&mut self, pressed: bool) {
        self.pressed = pressed;
    }

    /// Asks the stick about a node.
    pub fn ask_stick(&mut self, node: NodeId, command: Command) -> AskId {
        self.push(node, Task::Stick(command, None))
    }

    /// Answers a node, ahead of everything else.
    pub fn reply(&mut self, node: NodeId, level: Option<SecurityClass>, bytes: Vec<u8>) {
        if self.replies.len() < MOST_REPLIES {
            self.replies.push_back(Reply { node, level, bytes: Zeroizing::new(bytes) });
        } else {
            tracing::warn!(%node, "too many answers wait for the stick: one is left out");
        }
    }

    fn push(&mut self, node: NodeId, task: Task) -> AskId {
        self.next_id += 1;
        let id = AskId(self.next_id);
        let least = self.lines.values().filter(|line| !line.tasks.is_empty()).map(|line| line.used).min();
        let line = self.lines.entry(node).or_default();
        if line.tasks.is_empty() {
            // Who was idle has saved nothing up.
            line.used = line.used.max(least.unwrap_or_default());
        }
        line.tasks.push_back((id, task));
        id
    }

    /// Whether the stick is free for the next frame.
    pub fn is_free(&self) -> bool {
        self.on_air.is_none()
    }

    /// Whether nothing is asked of any node.
    pub fn is_quiet(&self) -> bool {
        self.replies.is_empty() && self.lines.values().all(|line| line.tasks.is_empty())
    }

    /// What the stick is to be given next, if it is free; [`Queue::given`] must follow.
    pub fn next(&mut self, now: Instant, security: &mut Security, max: usize) -> Option<Outgoing> {
        if !self.is_free() {
            return None;
        }
        while let Some(reply) = self.replies.pop_front() {
            let bytes = match reply.level {
                None => Some(reply.bytes.to_vec()),
                Some(SecurityClass::S0) => {
                    // Under Security 0 an answer needs a nonce of the node first: an exchange of its own.
                    let (command, level) = (reply.bytes, reply.level);
                    self.ask(reply.node, Question { command, level, awaits: super::exchange::Awaits::Delivery });
                    None
                }
                Some(class) => security.s2.encapsulate(reply.node, class, &reply.bytes).ok(),
            };
            if let Some(bytes) = bytes {
                self.given = Some((reply.node, true));
                return Some(Outgoing::Frame(reply.node, bytes));
            }
        }
        loop {
            let node = self.whose_turn(now)?;
            self.hold.take_if(|hold| hold.node != node);
            let line = self.lines.get_mut(&node)?;
            match line.tasks.front_mut() {
                Some((_, Task::Exchange(exchange))) => {
                    // None: it has ended; look again.
                    if let Some(bytes) = exchange.frame(now, security, max) {
                        self.given = Some((node, false));
                        return Some(Outgoing::Frame(node, bytes));
                    }
                }
                Some((_, Task::Stick(command, _))) => {
                    self.given = Some((node, false));
                    return Some(Outgoing::Command(command.clone()));
                }
                None => return None,
            }
        }
    }

    fn whose_turn(&self, now: Instant) -> Option<NodeId> {
        if let Some(hold) = self.hold.as_ref().filter(|hold| now < self.hold_ends(hold)) {
            let wants = self.lines.get(&hold.node).is_some_and(Line::wants_turn);
            return wants.then_some(hold.node);
        }
        let waiting = self.lines.iter().filter(|(_, line)| line.wants_turn());
        waiting.min_by_key(|(_, line)| line.used).map(|(node, _)| *node)
    }

    /// The node is awake: the stick stays with it for a moment, and not for ever while others wait.
    fn stay(&mut self, now: Instant, node: NodeId) {
        if !self.lines.get(&node).is_some_and(|line| line.beamed) {
            return;
        }
        let others = self.others_wait(node);
        let since = match &self.hold {
            Some(hold) if hold.node == node && others && hold.since + LONGEST_HOLD <= now => return,
            Some(hold) if hold.node == node && others => hold.since,
            _ => now,
        };
        let end = |linger| (now + linger).min(since + LONGEST_HOLD);
        self.hold = Some(Hold { node, since, until: end(LINGER), idle_until: end(LINGER_IDLE), over: false });
    }

    fn hold_ends(&self, hold: &Hold) -> Instant {
        let idle = self.lines.get(&hold.node).is_none_or(|line| line.tasks.is_empty());
        if idle { hold.idle_until } else { hold.until }
    }

    fn others_wait(&self, node: NodeId) -> bool {
        self.lines.iter().any(|(other, line)| *other != node && line.wants_turn())
    }

    /// The session took it under this ticket.
    pub fn given(&mut self, now: Instant, ticket: Ticket) {
        if let Some((node, unowned)) = self.given.take() {
            self.on_air = Some(OnAir { ticket, node, since: now, aborted: false, unowned });
        }
    }

    /// A ticket has ended: with whom it had to do.
    pub fn handle_completed(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: Result<Completed, SendFailure>,
    ) -> Option<NodeId> {
        let on_air = self.on_air.take_if(|on_air| on_air.ticket == ticket)?;
        let arrived = |result: &Result<Completed, SendFailure>| match result {
            Ok(Completed::Sent(report)) => report.status == TransmitStatus::Ok,
            Ok(_) => true,
            Err(_) => false,
        };
        if arrived(&result) {
            self.stay(now, on_air.node);
        }
        let Some(line) = self.lines.get_mut(&on_air.node) else { return Some(on_air.node) };
        line.used += now.saturating_duration_since(on_air.since);
        match line.tasks.front_mut() {
            _ if on_air.unowned => {}
            Some((_, Task::Exchange(exchange))) => exchange.handle_sent(now, &result),
            Some((_, Task::Stick(_, outcome))) => *outcome = Some(result),
            None => {}
        }
        Some(on_air.node)
    }

    /// A nonce of the node came.
    pub fn handle_nonce(&mut self, node: NodeId) {
        if let Some(exchange) = self.exchange(node) {
            exchange.handle_nonce();
        }
    }

    /// The node could not read what was sent last. False: what that was has ended.
    pub fn handle_out_of_sync(&mut self, node: NodeId) -> bool {
        let exchange = self.exchange(node);
        exchange.map(Exchange::handle_out_of_sync).is_some()
    }

    /// A command of the node came in. True: somebody had asked for it.
    pub fn handle_command(&mut self, now: Instant, node: NodeId, level: Option<SecurityClass>, command: &[u8]) -> bool {
        let answered = self.exchange(node).is_some_and(|exchange| exchange.handle_command(now, level, command));
        if answered {
            self.stay(now, node);
        }
        answered
    }

    fn exchange(&mut self, node: NodeId) -> Option<&mut Exchange> {
        match self.lines.get_mut(&node)?.tasks.front_mut() {
            Some((_, Task::Exchange(exchange))) => Some(exchange),
            _ => None,
        }
    }

    /// The instant of [`Queue::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let over = self.hold.as_ref().is_some_and(|hold| self.hold_ends(hold) <= now);
        if let Some(hold) = &mut self.hold {
            hold.over = over;
        }
        for line in self.lines.values_mut() {
            if let Some((_, Task::Exchange(exchange))) = line.tasks.front_mut() {
                exchange.handle_timeout(now);
            }
        }
    }

    /// When [`Queue::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        let first = |line: &Line| match line.tasks.front() {
            Some((_, Task::Exchange(exchange))) => exchange.timeout(),
            _ => None,
        };
        let hold = self.hold.as_ref().filter(|hold| !hold.over && self.others_wait(hold.node));
        let hold = hold.map(|hold| self.hold_ends(hold));
        self.lines.values().filter_map(first).chain(self.turn_ends()).chain(hold).min()
    }

    /// When the frame on the air has had its turn; `None` while nobody else waits.
    fn turn_ends(&self) -> Option<Instant> {
        let on_air = self.on_air.as_ref().filter(|on_air| !on_air.aborted)?;
        (self.others_wait(on_air.node) || !self.replies.is_empty() || self.pressed).then(|| on_air.since + LONGEST_TURN)
    }

    /// Whether the stick is to be told to give up the frame on the air; true once a frame.
    pub fn must_abort(&mut self, now: Instant) -> bool {
        let over = self.turn_ends().is_some_and(|end| end <= now);
        if let Some(on_air) = self.on_air.as_mut().filter(|_| over) {
            on_air.aborted = true;
        }
        over
    }

    /// Whether [`Queue::poll_ended`] has something.
    pub fn has_ended(&self) -> bool {
        self.lines.values().any(|line| match line.tasks.front() {
            Some((_, Task::Exchange(exchange))) => exchange.outcome().is_some(),
            Some((_, Task::Stick(_, outcome))) => outcome.is_some(),
            None => false,
        })
    }

    /// The next task that has ended.
    pub fn poll_ended(&mut self) -> Option<(NodeId, AskId, Ended)> {
        for (node, line) in &mut self.lines {
            let ended = match line.tasks.front() {
                Some((id, Task::Exchange(exchange))) => exchange.outcome().map(|outcome| (*id, Ended::Node(outcome))),
                Some((id, Task::Stick(_, Some(outcome)))) => Some((*id, Ended::Stick(outcome.clone()))),
                _ => None,
            };
            if let Some((id, ended)) = ended {
                line.tasks.pop_front();
                // What the stick still has of it belongs to nobody.
                if let Some(on_air) = &mut self.on_air
                    && on_air.node == *node
                {
                    on_air.unowned = true;
                }
                return Some((*node, id, ended));
            }
        }
        None
    }

    /// A node is not asked any more what it was, but for these questions, which go on to their end; whoever asked the
    /// others knows.
    pub fn forget(&mut self, node: NodeId, but: &[AskId]) {
        if let Some(line) = self.lines.get_mut(&node) {
            let goes_on = |id: &AskId| but.contains(id);
            let front_ends = line.tasks.front().is_some_and(|(id, _)| !goes_on(id));
            line.tasks.retain(|(id, _)| goes_on(id));
            if line.tasks.is_empty() {
                self.lines.remove(&node);
            }
            if let Some(on_air) = self.on_air.as_mut().filter(|on_air| front_ends && on_air.node == node) {
                on_air.unowned = true;
            }
        }
        self.replies.retain(|reply| reply.node != node);
        self.hold.take_if(|hold| hold.node == node);
    }

    /// The stick is gone, and with it everything that was asked; whoever asked knows.
    pub fn clear(&mut self) {
        self.replies.clear();
        self.lines.clear();
        self.hold = None;
        self.given = None;
        self.on_air = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::NetworkKeys;
    use crate::serial_api::callback::TransmitReport;
    use crate::transport::exchange::Awaits;

    struct Bench {
        now: Instant,
        queue: Queue,
        security: Security,
        tickets: u64,
    }

    fn node(id: u16) -> NodeId {
        NodeId::new(id).unwrap()
    }

    impl Bench {
        #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
        fn new() -> Self {
            let security = Security::new(node(1), 1, &NetworkKeys::default(), ([1; 32], [2; 32]));
            Self { now: Instant::now(), queue: Queue::default(), security, tickets: 0 }
        }

        fn ask(&mut self, id: u16) {
            let command = Zeroizing::new(vec![0x62, 0x02]);
            self.queue.ask(node(id), Question { command, level: None, awaits: Awaits::Delivery });
        }

        /// The next frame goes out and is acknowledged after so long: to whom it went.
        fn turn(&mut self, takes: Duration) -> Option<u16> {
            let Some(Outgoing::Frame(to, _)) = self.queue.next(self.now, &mut self.security, 46) else { return None };
            self.tickets += 1;
            self.queue.given(self.now, Ticket(self.tickets));
            self.now += takes;
            let report = TransmitReport {
                callback: 1,
                status: TransmitStatus::Ok,
                ticks: None,
                repeaters: Vec::new(),
                ack_rssi: None,
                attempts: None,
            };
            self.queue.handle_completed(self.now, Ticket(self.tickets), Ok(Completed::Sent(report)));
            while self.queue.poll_ended().is_some() {}
            Some(to.get())
        }
    }

    #[test]
    fn a_node_that_takes_long_gets_fewer_turns_and_the_others_the_rest() {
        let mut bench = Bench::new();
        let mut turns = Vec::new();
        for _ in 0..12 {
            // Both always have something to ask.
            bench.ask(2);
            bench.ask(3);
            let slow = bench.queue.lines[&node(2)].used <= bench.queue.lines[&node(3)].used;
            turns.extend(bench.turn(Duration::from_millis(if slow { 500 } else { 50 })));
        }
        let of = |id| turns.iter().filter(|turn| **turn == id).count();
        assert!(of(2) >= 1 && of(3) >= 9, "{turns:?}");
    }

    #[test]
    fn who_was_idle_has_saved_nothing_up() {
        let mut bench = Bench::new();
        for _ in 0..10 {
            bench.ask(2);
            bench.turn(Duration::from_secs(1));
        }
        bench.ask(2);
        for _ in 0..10 {
            bench.ask(3);
        }
        let turns: Vec<u16> = (0..4).filter_map(|_| bench.turn(Duration::from_secs(1))).collect();
        assert!(turns[..2].contains(&2), "{turns:?}");
    }

    #[test]
    fn a_lock_that_a_beam_woke_is_stayed_with_but_not_for_ever() {
        let mut bench = Bench::new();
        bench.queue.set_beamed(node(2), true);
        let mut turns = Vec::new();
        for _ in 0..100 {
            // Node 2 has always the next question ready, node 3 waits.
            bench.ask(2);
            bench.ask(3);
            turns.extend(bench.turn(Duration::from_millis(100)));
        }
        let longest = turns.chunk_by(|a, b| a == b).filter(|run| run[0] == 2).map(<[u16]>::len).max();
        assert!(longest.is_some_and(|longest| (10..=42).contains(&longest)), "{turns:?}");
        assert!(turns.iter().filter(|turn| **turn == 3).count() >= 2, "{turns:?}");
    }

    #[test]
    fn a_lock_to_which_all_is_said_is_soon_left() {
        let mut bench = Bench::new();
        bench.queue.set_beamed(node(2), true);
        bench.ask(2);
        assert_eq!(bench.turn(Duration::from_millis(50)), Some(2));
        bench.ask(3);
        assert_eq!(bench.turn(Duration::ZERO), None, "an afterthought may come");
        assert_eq!(bench.queue.timeout(), Some(bench.now + LINGER_IDLE));
        bench.now += LINGER_IDLE;
        assert_eq!(bench.turn(Duration::ZERO), Some(3));
    }

    #[test]
    fn a_send_that_takes_long_is_given_up_for_what_the_stick_itself_is_wanted_for() {
        let mut bench = Bench::new();
        bench.ask(2);
        assert!(bench.queue.next(bench.now, &mut bench.security, 46).is_some());
        bench.queue.given(bench.now, Ticket(1));
        assert_eq!(bench.queue.timeout(), None, "nobody else waits");
        bench.queue.set_pressed(true);
        assert_eq!(bench.queue.timeout(), Some(bench.now + LONGEST_TURN));
        assert!(!bench.queue.must_abort(bench.now) && bench.queue.must_abort(bench.now + LONGEST_TURN));
    }

    #[test]
    fn answers_to_waiting_nodes_go_first() {
        let mut bench = Bench::new();
        bench.ask(2);
        bench.queue.reply(node(3), None, vec![0x98, 0x80]);
        assert_eq!(bench.turn(Duration::ZERO), Some(3));
        assert_eq!(bench.turn(Duration::ZERO), Some(2));
    }

    #[test]
    fn a_babbling_node_does_not_fill_the_memory() {
        let mut bench = Bench::new();
        for _ in 0..1000 {
            bench.queue.reply(node(3), None, vec![0x98, 0x80]);
        }
        assert_eq!(std::iter::from_fn(|| bench.turn(Duration::ZERO)).count(), MOST_REPLIES);
    }
}
