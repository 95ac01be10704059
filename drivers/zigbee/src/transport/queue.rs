//! Who has the air next.
//!
//! Each device has a line of questions, of which the first is under way. Several devices are spoken to at once, as many as
//! a stick has room for. Who has had the least of the air is next; devices that do not answer get no more than a part of it
//! (the stick tries for many seconds), so that one bad lock is one bad lock. A device that sleeps for longer than its parent
//! keeps messages is spoken to when it has come in.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use keyway_lock::Replies;

use super::exchange::{Exchange, PATIENCE};
use super::question::{Answer, AskError, Question};
use super::ration::Ration;
use crate::address::{Ieee, Nwk};
use crate::coordinator::{CoordinatorError, Incoming, Outgoing, Ticket};
use crate::device::link::Delivery;

/// Frames that a stick is given at once.
const MOST_ON_AIR: usize = 6;
/// Of them, to devices that did not answer last.
const MOST_TO_THE_LOST: usize = 2;
/// Broadcasts that wait at most.
const MOST_BROADCASTS: usize = 32;
/// Time on the air more than others have had that a device has to make up for at most, when it joins them: a door that was
/// turned all day while nobody else wanted the stick must not wait for that now.
const LONGEST_DEBT: Duration = Duration::from_secs(6);
/// How long a device that sleeps deeply is taken to be awake after it was heard.
const AWAKE: Duration = Duration::from_secs(3);
/// How long it may miss its own hour.
const LATE: Duration = Duration::from_secs(60);

/// Names something that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskId(u64);

/// Where a device is and how it is to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its network address.
    pub nwk: Nwk,
    /// It fetches its frames from its parent.
    pub is_sleepy: bool,
    /// It sleeps for longer than its parent keeps them, and comes in after so long.
    pub comes_in: Option<Duration>,
    /// How long it may take to answer, if not as long as others.
    pub patience: Option<Duration>,
}

struct Task {
    id: AskId,
    exchange: Exchange,
    since: Instant,
}

/// One device's questions.
struct Line {
    place: Place,
    tasks: VecDeque<Task>,
    /// Time on the air it has had, counted from when it last joined the others.
    used: Duration,
    /// It did not acknowledge last.
    lost: bool,
    /// Of one that sleeps deeply.
    awake_until: Option<Instant>,
    /// It was told to stay awake, and is told to sleep when there is nothing more.
    kept_awake: bool,
}

impl Line {
    fn is_awake(&self, now: Instant) -> bool {
        self.place.comes_in.is_none() || self.awake_until.is_some_and(|until| until > now)
    }

    fn wants_turn(&self, now: Instant) -> bool {
        let first = self.tasks.front().filter(|task| task.exchange.wants_turn());
        first.is_some_and(|task| task.exchange.has_begun() || self.is_awake(now))
    }

    /// Until when its first question waits for it to come in.
    fn gives_up(&self) -> Option<Instant> {
        let first = self.tasks.front().filter(|task| task.exchange.wants_turn() && !task.exchange.has_begun())?;
        Some(first.since + self.place.comes_in? + LATE)
    }
}

struct OnAir {
    /// Whose; `None`: an answer of ours, or a broadcast.
    device: Option<Ieee>,
    /// The question it is of, for as long as that is the first.
    id: Option<AskId>,
    since: Instant,
}

/// All lines before one stick.
#[derive(Default)]
pub struct Queue {
    lines: BTreeMap<Ieee, Line>,
    replies: Replies<Nwk, Outgoing>,
    broadcasts: VecDeque<Outgoing>,
    ration: Ration,
    on_air: BTreeMap<Ticket, OnAir>,
    sequence: u8,
    next_id: u64,
}

impl Queue {
    /// Tells where a device is. Nothing is asked of one before that.
    pub fn set_place(&mut self, device: Ieee, place: Place) {
        let new = || Line {
            place,
            tasks: VecDeque::new(),
            used: Duration::ZERO,
            lost: false,
            awake_until: None,
            kept_awake: false,
        };
        self.lines.entry(device).or_insert_with(new).place = place;
    }

    /// Asks a device.
    pub fn ask(&mut self, now: Instant, device: Ieee, question: Question) -> AskId {
        self.next_id += 1;
        let id = AskId(self.next_id);
        let least = self.lines.values().filter(|line| !line.tasks.is_empty()).map(|line| line.used).min();
        if let Some(line) = self.lines.get_mut(&device) {
            if line.tasks.is_empty() {
                // Who was idle has saved nothing up.
                let least = least.unwrap_or_default();
                line.used = line.used.clamp(least, least + LONGEST_DEBT);
            }
            let exchange = Exchange::new(question, line.place.patience.unwrap_or(PATIENCE));
            line.tasks.push_back(Task { id, exchange, since: now });
        }
        id
    }

    /// Answers a device, ahead of everything else; but not a second time before something else had its turn. Nobody waits
    /// for its end.
    pub fn reply(&mut self, to: Nwk, outgoing: Outgoing) {
        if !self.replies.push(to, outgoing) {
            tracing::debug!(%to, "too many answers wait for the stick: one is left out");
        }
    }

    /// Asks everybody, as soon as the ration allows.
    pub fn broadcast(&mut self, outgoing: Outgoing) {
        if self.broadcasts.len() < MOST_BROADCASTS {
            self.broadcasts.push_back(outgoing);
        }
    }

    /// A sequence number for something that nobody answers.
    pub fn sequence(&mut self) -> u8 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Whether something waits for a device, or is under way.
    pub fn has_tasks(&self, device: Ieee) -> bool {
        self.lines.get(&device).is_some_and(|line| !line.tasks.is_empty())
    }

    /// What the stick is to be given next under this ticket.
    pub fn next(&mut self, now: Instant, ticket: Ticket) -> Option<Outgoing> {
        if self.on_air.len() >= MOST_ON_AIR {
            return None;
        }
        let unowned = OnAir { device: None, id: None, since: now };
        let others = self.whose_turn(now);
        if let Some((_, reply)) = self.replies.next(others.is_some()) {
            self.on_air.insert(ticket, unowned);
            return Some(reply);
        }
        self.replies.handle_turn();
        if !self.broadcasts.is_empty() && self.ration.take(now) {
            self.on_air.insert(ticket, unowned);
            return self.broadcasts.pop_front();
        }
        let device = others?;
        let sequence = self.sequence();
        let line = self.lines.get_mut(&device)?;
        let task = line.tasks.front_mut()?;
        let frame = task.exchange.frame(line.place.nwk, line.place.is_sleepy, sequence);
        self.on_air.insert(ticket, OnAir { device: Some(device), id: Some(task.id), since: now });
        Some(frame)
    }

    fn whose_turn(&self, now: Instant) -> Option<Ieee> {
        let is_lost = |device: &Ieee| self.lines.get(device).is_some_and(|line| line.lost);
        let to_the_lost =
            self.on_air.values().filter_map(|on_air| on_air.device.as_ref()).filter(|d| is_lost(d)).count();
        let waiting = self.lines.iter().filter(|(_, line)| line.wants_turn(now));
        let waiting = waiting.filter(|(_, line)| !line.lost || to_the_lost < MOST_TO_THE_LOST);
        waiting.min_by_key(|(_, line)| line.used).map(|(device, _)| *device)
    }

    /// The stick is done with a ticket: what became of the frame, if it was a question and that is known.
    pub fn handle_answered(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: Result<(), &CoordinatorError>,
    ) -> Option<(Ieee, Delivery)> {
        let on_air = self.on_air.remove(&ticket)?;
        let device = on_air.device?;
        let line = self.lines.get_mut(&device)?;
        let took = now.saturating_duration_since(on_air.since);
        line.used += took;
        match result {
            Ok(()) => line.lost = false,
            Err(CoordinatorError::NotDelivered) => line.lost = true,
            Err(_) => {}
        }
        let task = line.tasks.front_mut().filter(|task| Some(task.id) == on_air.id);
        let repeated = task.as_ref().is_some_and(|task| task.exchange.is_repeated());
        if let Some(task) = task {
            task.exchange.handle_sent(now, result);
        }
        let known = matches!(result, Ok(()) | Err(CoordinatorError::NotDelivered));
        known.then_some((device, Delivery { acknowledged: result.is_ok(), repeated, took }))
    }

    /// Something came in from a device: it is awake. True: somebody had asked for it.
    pub fn handle_message(&mut self, now: Instant, device: Ieee, incoming: &Incoming) -> bool {
        let Some(line) = self.lines.get_mut(&device) else { return false };
        line.lost = false;
        line.awake_until = line.awake_until.max(Some(now + AWAKE));
        line.tasks.front_mut().is_some_and(|task| task.exchange.handle_message(incoming))
    }

    /// A device that came in was told to stay awake for so long.
    pub fn keep_awake(&mut self, now: Instant, device: Ieee, time: Duration) {
        if let Some(line) = self.lines.get_mut(&device) {
            (line.awake_until, line.kept_awake) = (Some(now + time), true);
        }
    }

    /// The next device that was kept awake and for which there is nothing more; where it is.
    pub fn poll_idle(&mut self) -> Option<(Ieee, Place)> {
        let (device, line) = self.lines.iter_mut().find(|(_, line)| line.kept_awake && line.tasks.is_empty())?;
        (line.kept_awake, line.awake_until) = (false, None);
        Some((*device, line.place))
    }

    /// The instant of [`Queue::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        for line in self.lines.values_mut() {
            let gives_up = line.gives_up().is_some_and(|at| at <= now);
            if let Some(task) = line.tasks.front_mut() {
                task.exchange.handle_timeout(now);
                if gives_up {
                    task.exchange.give_up();
                }
            }
        }
    }

    /// When [`Queue::handle_timeout`] is due, or [`Queue::next`] may have something again.
    pub fn timeout(&self) -> Option<Instant> {
        let of_line = |line: &Line| {
            let exchange = line.tasks.front().and_then(|task| task.exchange.timeout());
            exchange.into_iter().chain(line.gives_up()).min()
        };
        let waits = !self.broadcasts.is_empty() && self.on_air.len() < MOST_ON_AIR;
        let ration = self.ration.next().filter(|_| waits);
        self.lines.values().filter_map(of_line).chain(ration).min()
    }

    /// The next question that has ended.
    pub fn poll_ended(&mut self) -> Option<(Ieee, AskId, Result<Answer, AskError>)> {
        for (device, line) in &mut self.lines {
            let ended = line.tasks.front().and_then(|task| Some((task.id, task.exchange.outcome()?.clone())));
            if let Some((id, outcome)) = ended {
                line.tasks.pop_front();
                return Some((*device, id, outcome));
            }
        }
        None
    }

    /// A device is asked no more what it was; whoever asked knows.
    pub fn clear_line(&mut self, device: Ieee) {
        if let Some(line) = self.lines.get_mut(&device) {
            line.tasks.clear();
        }
    }

    /// A device is gone for good.
    pub fn forget(&mut self, device: Ieee) {
        self.lines.remove(&device);
    }

    /// The stick is gone: all that was asked is over, and whoever asked knows.
    pub fn clear(&mut self) {
        self.lines.values_mut().for_each(|line| line.tasks.clear());
        self.replies.clear();
        self.broadcasts.clear();
        self.on_air.clear();
    }
}

#[cfg(test)]
mod tests {
    use keyway_lock::SecretBytes;
    use zeroize::Zeroizing;

    use super::*;
    use crate::coordinator::Destination;
    use crate::transport::question::ZdoAsk;

    const BABBLING: u16 = 3;

    struct Bench {
        now: Instant,
        queue: Queue,
        tickets: u64,
    }

    impl Bench {
        #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
        fn new() -> Self {
            let mut queue = Queue::default();
            for nwk in [2, BABBLING] {
                let place = Place { nwk: Nwk(nwk), is_sleepy: false, comes_in: None, patience: None };
                queue.set_place(Ieee(nwk.into()), place);
            }
            Self { now: Instant::now(), queue, tickets: 0 }
        }

        fn ask(&mut self, nwk: u16) {
            self.queue.ask(self.now, Ieee(nwk.into()), Question::Zdo(ZdoAsk::NodeDescriptor));
        }

        fn answer(&mut self) {
            let reply = Outgoing {
                destination: Destination::Nwk(Nwk(BABBLING)),
                profile: 0,
                cluster: 0,
                source_endpoint: 1,
                destination_endpoint: 1,
                aps_ack: false,
                is_sleepy: false,
                payload: SecretBytes(Zeroizing::new(Vec::new())),
            };
            self.queue.reply(Nwk(BABBLING), reply);
        }

        /// The next frame goes out, and the stick is done with it after so long: whose it was.
        fn turn(&mut self, takes: Duration) -> Option<u16> {
            self.tickets += 1;
            let Destination::Nwk(to) = self.queue.next(self.now, Ticket(self.tickets))?.destination else {
                return None;
            };
            self.now += takes;
            self.queue.handle_answered(self.now, Ticket(self.tickets), Ok(()));
            self.queue.clear_line(Ieee(to.0.into()));
            Some(to.0)
        }
    }

    #[test]
    fn a_babbling_device_takes_no_more_than_every_other_turn_from_who_waits() {
        let mut bench = Bench::new();
        let mut turns = Vec::new();
        for _ in 0..20 {
            bench.answer();
            bench.ask(2);
            turns.extend(bench.turn(Duration::from_millis(30)));
        }
        assert_eq!(turns.iter().filter(|turn| **turn == 2).count(), 10, "{turns:?}");
    }

    #[test]
    fn a_device_that_had_the_air_while_nobody_else_wanted_it_owes_little() {
        let mut bench = Bench::new();
        for _ in 0..1000 {
            bench.ask(BABBLING);
            bench.turn(Duration::from_secs(1));
        }
        let mut waited = 0;
        loop {
            bench.ask(2);
            bench.ask(BABBLING);
            match bench.turn(Duration::from_secs(1)) {
                Some(BABBLING) => break,
                _ => waited += 1,
            }
        }
        assert!(waited <= 7, "{waited} turns of a second");
    }
}
