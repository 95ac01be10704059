//! Whose turn it is on the stick: one frame at a time, answers to waiting nodes first, then fairly by airtime, so that a
//! node that does not answer, or tells something again and again, delays the others by no more than its share.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use keyway_lock::Replies;
use zeroize::Zeroizing;

use super::exchange::{Answer, AskError, Awaits, Exchange, Question, Security};
use super::waking::{Sleep, Waking};
use crate::cc::wake_up;
use crate::node::NodeId;
use crate::security::SecurityClass;
use crate::serial_api::callback::TransmitStatus;
use crate::serial_api::command::Command;
use crate::serial_api::session::{Completed, SendFailure, Ticket};

/// Answers under Security 0 that wait in a node's line at most: each is an exchange of its own there.
const MOST_ANSWERS: usize = 4;

/// Airtime of one frame after which the stick is told to give up, if other nodes wait for it: an explorer frame to a node
/// that is gone can keep it for a minute.
const LONGEST_TURN: Duration = Duration::from_secs(6);
/// Airtime more than others have had that a node has to make up for at most, when it joins them: a door that was turned all
/// day while nobody else wanted the stick must not wait for that now.
const LONGEST_DEBT: Duration = LONGEST_TURN;

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
    /// Given up: the node sleeps, and has missed its wake-up.
    Missed,
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
    waking: Waking,
    /// What tells it to sleep on.
    farewell: Option<AskId>,
}

impl Line {
    /// Whether it has a frame for the stick, and the node listens.
    fn wants_turn(&self) -> bool {
        !self.waking.is_asleep() && self.waits_for_turn()
    }

    fn waits_for_turn(&self) -> bool {
        match self.tasks.front() {
            Some((_, Task::Exchange(exchange))) => exchange.wants_turn(),
            Some((_, Task::Stick(_, outcome))) => outcome.is_none(),
            Some((_, Task::Missed)) | None => false,
        }
    }

    /// When what waits is given up, since the node has missed its wake-up.
    fn gives_up(&self) -> Option<Instant> {
        self.waking.gives_up().filter(|_| self.waits_for_turn())
    }

    fn give_up(&mut self) {
        for (_, task) in &mut self.tasks {
            match task {
                Task::Exchange(exchange) => exchange.give_up(),
                Task::Stick(..) => *task = Task::Missed,
                Task::Missed => {}
            }
        }
    }

    /// When the node is told to sleep on.
    fn farewell(&self) -> Option<Instant> {
        self.waking.farewell().filter(|_| self.tasks.is_empty())
    }

    /// What would tell it to sleep on is not on the air yet, and something else is to be said first.
    fn put_off_farewell(&mut self) {
        let first = self.tasks.front().map(|(id, _)| *id);
        if first.is_some() && first == self.farewell && self.waits_for_turn() {
            self.tasks.pop_front();
            self.farewell = None;
            self.waking.put_off_farewell();
        }
    }
}

/// An answer to a node that waits for it.
struct Reply {
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
    replies: Replies<NodeId, Reply>,
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

    /// Tells how a node sleeps that no beam wakes; `None`: it listens always, or a beam wakes it.
    pub fn set_sleep(&mut self, now: Instant, node: NodeId, sleep: Option<Sleep>) {
        let line = self.lines.entry(node).or_default();
        line.waking.set_sleep(now, sleep);
        // What is asked of one that has missed its wake-up already has ended at once.
        if line.gives_up().is_some_and(|at| at <= now) {
            line.give_up();
        }
    }

    /// A frame of the node came in: it is awake.
    pub fn handle_heard(&mut self, now: Instant, node: NodeId) {
        self.lines.entry(node).or_default().waking.handle_heard(now);
    }

    /// The node says that it is awake, or was just added: it listens until it is told to sleep on.
    pub fn handle_woken(&mut self, now: Instant, node: NodeId) {
        let line = self.lines.entry(node).or_default();
        line.put_off_farewell();
        line.waking.handle_woken(now);
    }

    /// Whether the node sleeps, and no beam would wake it.
    pub fn is_asleep(&self, node: NodeId) -> bool {
        self.lines.get(&node).is_some_and(|line| line.waking.is_asleep())
    }

    /// Tells whether the stick itself is to be given something: then a frame on the air has no more than its turn.
    pub fn set_pressed(&mut self, pressed: bool) {
        self.pressed = pressed;
    }

    /// Asks the stick about a node.
    pub fn ask_stick(&mut self, node: NodeId, command: Command) -> AskId {
        self.push(node, Task::Stick(command, None))
    }

    /// Answers a node, ahead of everything else; but not a second time before something else had its turn.
    pub fn reply(&mut self, node: NodeId, level: Option<SecurityClass>, bytes: Vec<u8>) {
        let bytes = Zeroizing::new(bytes);
        let taken = match level {
            // Under Security 0 an answer needs a nonce of the node first: an exchange of its own.
            Some(SecurityClass::S0) => self.reply_in_line(node, bytes),
            _ => self.replies.push(node, Reply { level, bytes }),
        };
        if !taken {
            tracing::debug!(%node, "too many answers wait for the stick: one is left out");
        }
    }

    fn reply_in_line(&mut self, node: NodeId, command: Zeroizing<Vec<u8>>) -> bool {
        let room = self.lines.get(&node).is_none_or(|line| line.tasks.len() < MOST_ANSWERS);
        if room {
            self.ask(node, Question { command, level: Some(SecurityClass::S0), awaits: Awaits::Delivery });
        }
        room
    }

    fn push(&mut self, node: NodeId, task: Task) -> AskId {
        self.next_id += 1;
        let id = AskId(self.next_id);
        let least = self.lines.values().filter(|line| !line.tasks.is_empty()).map(|line| line.used).min();
        let line = self.lines.entry(node).or_default();
        line.put_off_farewell();
        if line.tasks.is_empty() {
            // Who was idle has saved nothing up.
            let least = least.unwrap_or_default();
            line.used = line.used.clamp(least, least + LONGEST_DEBT);
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
        let others = self.whose_turn(now).is_some();
        while let Some((node, reply)) = self.replies.next(others) {
            let bytes = match reply.level {
                None => Some(reply.bytes.to_vec()),
                Some(class) => security.s2.encapsulate(node, class, &reply.bytes).ok(),
            };
            if let Some(bytes) = bytes {
                self.given = Some((node, true));
                return Some(Outgoing::Frame(node, bytes));
            }
        }
        self.replies.handle_turn();
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
                Some((_, Task::Missed)) | None => return None,
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
        if !self.lines.get(&node).is_some_and(|line| line.beamed || line.waking.is_sleeper()) {
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

    /// An answer was all that was to be said to the node, and others wait; or the stick stays with another.
    fn is_wanted_elsewhere(&self, node: NodeId) -> bool {
        let nothing_more = self.lines.get(&node).is_none_or(|line| line.tasks.is_empty());
        self.others_wait(node) && (nothing_more || self.hold.as_ref().is_some_and(|hold| hold.node != node))
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
        if arrived(&result) && !(on_air.unowned && self.is_wanted_elsewhere(on_air.node)) {
            self.stay(now, on_air.node);
        }
        let Some(line) = self.lines.get_mut(&on_air.node) else { return Some(on_air.node) };
        let answered = match &result {
            Ok(Completed::Sent(report)) => report.status == TransmitStatus::Ok,
            Ok(Completed::Update(_)) => true,
            Ok(_) | Err(_) => false,
        };
        if answered {
            line.waking.handle_heard(now);
        }
        line.used += now.saturating_duration_since(on_air.since);
        match line.tasks.front_mut() {
            _ if on_air.unowned => {}
            Some((_, Task::Exchange(exchange))) => exchange.handle_sent(now, &result),
            Some((_, Task::Stick(_, outcome))) => *outcome = Some(result),
            Some((_, Task::Missed)) | None => {}
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
            line.waking.handle_timeout(now);
            if line.gives_up().is_some_and(|at| at <= now) {
                line.give_up();
            }
            if let Some((_, Task::Exchange(exchange))) = line.tasks.front_mut() {
                exchange.handle_timeout(now);
            }
        }
        let over = |(node, line): (&NodeId, &Line)| line.farewell().filter(|at| *at <= now).map(|_| *node);
        let over: Vec<NodeId> = self.lines.iter().filter_map(over).collect();
        over.into_iter().for_each(|node| self.say_farewell(node));
    }

    /// Nothing more is to be said to a node that is awake.
    fn say_farewell(&mut self, node: NodeId) {
        let level = self.lines.get_mut(&node).and_then(|line| line.waking.take_farewell());
        let command = Zeroizing::new(wake_up::NO_MORE_INFORMATION.to_vec());
        let id = self.ask(node, Question { command, level, awaits: Awaits::Delivery });
        self.lines.entry(node).or_default().farewell = Some(id);
    }

    /// When [`Queue::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        let first = |line: &Line| {
            let exchange = match line.tasks.front() {
                Some((_, Task::Exchange(exchange))) => exchange.timeout(),
                _ => None,
            };
            [exchange, line.waking.timeout(), line.gives_up(), line.farewell()].into_iter().flatten().min()
        };
        let hold = self.hold.as_ref().filter(|hold| !hold.over && self.others_wait(hold.node));
        let hold = hold.map(|hold| self.hold_ends(hold));
        self.lines.values().filter_map(first).chain(self.turn_ends()).chain(hold).min()
    }

    /// When the frame on the air has had its turn; `None` while nobody waits for its end.
    fn turn_ends(&self) -> Option<Instant> {
        let on_air = self.on_air.as_ref().filter(|on_air| !on_air.aborted)?;
        // The node has answered it, and the stick has lost its own word that it was sent.
        let done = on_air.unowned && self.lines.get(&on_air.node).is_some_and(Line::wants_turn);
        let waits = done || self.others_wait(on_air.node) || !self.replies.is_empty() || self.pressed;
        waits.then(|| on_air.since + LONGEST_TURN)
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
            Some((_, Task::Missed)) => true,
            None => false,
        })
    }

    /// The next task that has ended.
    pub fn poll_ended(&mut self) -> Option<(NodeId, AskId, Ended)> {
        for (node, line) in &mut self.lines {
            let ended = match line.tasks.front() {
                Some((id, Task::Exchange(exchange))) => exchange.outcome().map(|outcome| (*id, Ended::Node(outcome))),
                Some((id, Task::Stick(_, Some(outcome)))) => Some((*id, Ended::Stick(outcome.clone()))),
                Some((id, Task::Missed)) => Some((*id, Ended::Node(Err(AskError::Offline { maybe_done: false })))),
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
                let silent = matches!(ended, Ended::Node(Err(AskError::Offline { .. })));
                let farewell = line.farewell.take_if(|farewell| *farewell == id).is_some();
                if silent || farewell {
                    line.waking.fall_asleep();
                }
                if farewell {
                    continue;
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
        self.replies.forget(node);
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
mod tests;
