//! The whole driver: owns the layers, hands bytes up and commands down. Implements [`Radio`].

mod dialogue;
mod network;
mod stick;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use keyway_lock::{
    Attended, CommandError, CommandId, LockCommand, LockEvent, LockId, NetworkCommand, NetworkRecord, Output,
    PersistId, PortState, Radio, RadioEvent, RecordKey, SecretBytes, StickCommand, StickState, Traffic, WallClock,
    WallTime,
};
use zeroize::Zeroizing;

use crate::cc::wake_up;
use crate::clock;
use crate::inclusion::Network;
use crate::memory::Keeper;
use crate::node::NodeId;
use crate::node::table::NodeRecord;
use crate::quirks::Quirks;
use crate::security::s2::drbg::CtrDrbg;
use crate::security::{NetworkKeys, SecurityClass};
use crate::serial_api::callback::{NodeUpdate, TransmitStatus};
use crate::serial_api::session::{Completed, Session, SessionEvent, SessionOutput, Ticket};
use crate::serial_api::startup::Stick;
use crate::transport::exchange::{Answer, Security};
use crate::transport::queue::{Ended, Outgoing, Queue};
use crate::transport::receive::{Incoming, Receiver};
use crate::transport::sessions::SessionIds;

use dialogue::{Dialogue, Told};
use network::Errands;

/// What the driver is told at the start.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The network's keys, as far as they are given; the others are made here at the first start.
    pub keys: NetworkKeys,
    /// Restart the stick each time its port is opened.
    pub soft_reset: bool,
    /// The locks to drive that another program added, with the classes they were granted then.
    pub nodes: BTreeMap<NodeId, Vec<SecurityClass>>,
    /// What is peculiar about models of locks.
    pub quirks: Quirks,
}

/// The security state, and for which network it is.
struct Secured {
    home_id: u32,
    own: NodeId,
    security: Security,
}

/// A Z-Wave stick and its locks.
pub struct ZwaveRadio {
    random: CtrDrbg,
    clock: WallClock,
    /// What the store had at the start, for the locks of whatever network the stick turns out to have.
    records: Vec<NetworkRecord>,
    /// The locks that are driven whatever the network says.
    given: BTreeMap<NodeId, Vec<SecurityClass>>,
    quirks: Arc<Quirks>,
    network: Network,
    errands: Errands,
    keeper: Keeper,
    /// The keeper's command that the stick has, and the record that it waits for.
    keeper_ticket: Option<Ticket>,
    keeping: Option<PersistId>,
    session: Session,
    session_timeout: Option<Instant>,
    secured: Option<Secured>,
    receiver: Receiver,
    queue: Queue,
    locks: Attended<NodeId, Dialogue>,
    sessions: BTreeMap<NodeId, SessionIds>,
    /// Whose session ids the store is asked to keep as used up.
    reserving: BTreeMap<PersistId, NodeId>,
    next_persist: u64,
    outputs: VecDeque<Output>,
    traffic: Traffic,
}

impl ZwaveRadio {
    /// With what the store has kept; `entropy` must be fresh at every start.
    pub fn new(setup: Setup, records: Vec<NetworkRecord>, entropy: [u8; 32]) -> Self {
        let mut random = CtrDrbg::new(&Zeroizing::new(entropy), &[0; 32]);
        let keeper = Keeper::new(&records);
        let network = Network::new(setup.keys, &setup.nodes, &records, random.generate());
        let given = setup.nodes;
        let mut radio = Self {
            random,
            clock: WallClock::default(),
            records,
            given: BTreeMap::new(),
            quirks: Arc::new(setup.quirks),
            network,
            errands: Errands::default(),
            keeper,
            keeper_ticket: None,
            keeping: None,
            session: Session::new(setup.soft_reset),
            session_timeout: None,
            secured: None,
            receiver: Receiver::default(),
            queue: Queue::default(),
            locks: Attended::default(),
            sessions: BTreeMap::new(),
            reserving: BTreeMap::new(),
            next_persist: 0,
            outputs: VecDeque::new(),
            traffic: Traffic::default(),
        };
        for (node, granted) in &given {
            radio.drive(*node, granted.clone());
        }
        radio.given = given;
        radio
    }

    /// Lets everything go on as far as it can.
    fn run(&mut self, now: Instant) {
        loop {
            let mut moved = false;
            while let Some((node, id, ended)) = self.queue.poll_ended() {
                moved = true;
                let Some(ended) = self.network_asked(now, id, ended) else { continue };
                let doubted = matches!(ended, Ended::Node(Ok(Answer::Supervised(_))))
                    && !self.sessions.get_mut(&node).is_some_and(SessionIds::handle_answered);
                if let Some(lock) = self.locks.get_mut(&node) {
                    lock.handle_ended(now, id, ended, doubted);
                }
            }
            moved |= self.drain_network(now);
            moved |= self.drain_keeper(now);
            self.reserve_sessions();
            if let Some(stick) = self.session.stick() {
                self.locks.look(now, |node, lock| {
                    lock.advance(now, stick, &mut self.queue, self.sessions.get_mut(&node)?);
                    lock.timeout()
                });
            }
            moved |= self.feed_stick(now);
            moved |= self.drain_session(now);
            moved |= self.tell(now);
            if !moved {
                return;
            }
        }
    }

    fn reserve_sessions(&mut self) {
        for node in self.locks.touched() {
            self.sessions.entry(node).or_insert_with(|| {
                let record = self.records.iter().find(|record| record.key == sessions_key(node));
                let kept = record.and_then(|record| record.value.as_ref()?.0.first().copied());
                let [any] = self.random.generate();
                SessionIds::new(kept.unwrap_or(any))
            });
        }
        let wanted = |(node, ids): (&NodeId, &mut SessionIds)| ids.reserve().map(|last| (*node, last));
        let wanted: Vec<(NodeId, u8)> = self.sessions.iter_mut().filter_map(wanted).collect();
        for (node, last) in wanted {
            let value = Some(SecretBytes(Zeroizing::new(vec![last])));
            let id = self.persist(NetworkRecord { key: sessions_key(node), value });
            self.reserving.insert(id, node);
        }
    }

    fn persist(&mut self, record: NetworkRecord) -> PersistId {
        self.next_persist += 1;
        let id = PersistId(self.next_persist);
        self.outputs.push_back(Output::Persist(id, record));
        id
    }

    fn feed_stick(&mut self, now: Instant) -> bool {
        if self.keeper.is_working() {
            return self.session.is_idle() && self.keeper_ticket.is_none() && self.feed_keeper(now);
        }
        if self.session.is_idle() && (self.order(now) || self.network.is_exclusive()) {
            return false;
        }
        let Some(secured) = self.secured.as_mut().filter(|_| self.session.is_idle()) else { return false };
        let max = self.session.stick().map_or(0, |stick| stick.max_payload);
        // Nothing for the stick, but a question may have ended for want of a key.
        let Some(outgoing) = self.queue.next(now, &mut secured.security, max) else { return self.queue.has_ended() };
        let ticket = match outgoing {
            Outgoing::Frame(node, bytes) => self.session.send_data(now, node, &Zeroizing::new(bytes)),
            Outgoing::Command(command) => self.session.submit(now, command),
        };
        self.queue.given(now, ticket);
        true
    }

    fn drain_session(&mut self, now: Instant) -> bool {
        let mut moved = false;
        loop {
            match self.session.poll_output() {
                SessionOutput::Transmit(bytes) => self.outputs.push_back(Output::Transmit(bytes)),
                SessionOutput::Event(event) => {
                    moved = true;
                    self.handle_session(now, event);
                }
                SessionOutput::Timeout(timeout) => {
                    self.session_timeout = timeout;
                    return moved;
                }
            }
        }
    }

    fn handle_session(&mut self, now: Instant, event: SessionEvent) {
        match event {
            SessionEvent::Identified(stick) => self.identified(now, &stick),
            SessionEvent::Unresponsive(reason) => {
                self.stick_lost();
                self.stick(StickState::Failed(reason));
            }
            SessionEvent::Restarted => {
                tracing::warn!("the stick restarted by itself; it is identified again");
                self.keeper_ticket = None;
                self.keeper.handle_lost();
                self.network_lost();
                self.stick(StickState::Starting);
            }
            SessionEvent::Completed(ticket, result) if self.keeper_answered(now, ticket, &result) => {}
            SessionEvent::Completed(ticket, result) if self.ordered(now, ticket, &result) => {}
            SessionEvent::Completed(ticket, result) => {
                let sent = match &result {
                    Ok(Completed::Sent(report)) => Some(report.clone()),
                    _ => None,
                };
                if let Some(report) = &sent {
                    let repeated = report.attempts.is_some_and(|attempts| attempts > 1);
                    self.traffic.count_sent(report.status == TransmitStatus::Ok, repeated);
                }
                let node = self.queue.handle_completed(now, ticket, result);
                if let (Some(report), Some(lock)) = (sent, node.and_then(|node| self.locks.get_mut(&node))) {
                    lock.handle_sent(now, &report);
                }
            }
            SessionEvent::Received(command) => {
                self.traffic.received += 1;
                let Some(secured) = &mut self.secured else { return };
                let spoken_to = [self.network.joining(), self.network.sought()].contains(&Some(command.source));
                if !self.locks.contains(&command.source) && !spoken_to {
                    tracing::debug!(node = %command.source, "a command of a node that is not driven is passed over");
                    return;
                }
                self.queue.handle_heard(now, command.source);
                let incoming = self.receiver.handle(now, &mut secured.security, &command);
                self.handle_incoming(now, incoming);
            }
            SessionEvent::Update(NodeUpdate::WantsToJoin { home_id, long_range }) => {
                self.network.handle_wants_to_join(home_id, long_range);
            }
            // A lock that shows itself is there; what it supports is asked in its interview.
            SessionEvent::Update(NodeUpdate::Information(node, _)) => {
                if let Some(lock) = self.locks.get_mut(&node) {
                    self.queue.handle_heard(now, node);
                    lock.heard(now);
                }
            }
            SessionEvent::Update(_) => {}
            SessionEvent::Network(callback) => self.network.handle_callback(now, &callback),
        }
    }

    fn identified(&mut self, now: Instant, stick: &Stick) {
        let Some(own) = stick.own_node else { return };
        if let Some(foreign) = self.keeper.handle_identified(stick) {
            return self.left_alone(foreign);
        }
        let known = self.secured.as_ref().is_some_and(|known| known.home_id == stick.home_id && known.own == own);
        self.drive_members(stick.home_id);
        if !known {
            let entropy = (self.random.generate(), self.random.generate());
            let mut security = Security::new(own, stick.home_id, self.network.keys(), entropy);
            for (node, lock) in self.locks.iter() {
                security.s2.add_peer(node, lock.granted());
            }
            self.secured = Some(Secured { home_id: stick.home_id, own, security });
        }
        self.stick(StickState::Ready(stick.info()));
        self.network.handle_identified(stick);
        self.drain_network(now);
        for (node, lock) in self.locks.iter_mut() {
            if !lock.begin(now, stick) {
                self.queue.forget(node, &self.errands.asked);
            }
        }
    }

    /// The stick is gone, and with it whatever was asked of it or its locks.
    fn give_up(&mut self) {
        self.network_lost();
        self.queue.clear();
        self.locks.iter_mut().for_each(|(_, lock)| lock.stick_lost());
    }

    fn handle_incoming(&mut self, now: Instant, incoming: Vec<Incoming>) {
        for incoming in incoming {
            match incoming {
                Incoming::Reply { node, level, command } => self.queue.reply(node, level, command),
                Incoming::Nonce(node) => self.queue.handle_nonce(node),
                Incoming::OutOfSync(node) => {
                    if !self.queue.handle_out_of_sync(node) && self.network.joining() == Some(node) {
                        self.network.handle_unread(now);
                    }
                }
                Incoming::WrongKey(_) => self.network.handle_wrong_key(now),
                Incoming::Command { node, level, command } if self.network.joining() == Some(node) => {
                    self.network.handle_node(now, level, &command);
                }
                Incoming::Command { node, level, command } => {
                    if self.queue.handle_command(now, node, level, &command) {
                        continue;
                    }
                    if command[..] == wake_up::NOTIFICATION {
                        self.queue.handle_woken(now, node);
                    }
                    if let Some(time) = clock::answer(&command, self.clock.at(now)) {
                        self.queue.reply(node, level, time);
                    }
                    if let Some(lock) = self.locks.get_mut(&node) {
                        lock.handle_unasked(now, level, &command);
                    }
                }
            }
        }
    }

    fn stick(&mut self, state: StickState) {
        self.outputs.push_back(Output::Event(RadioEvent::Stick(state)));
    }

    /// Hands on what the dialogues have to tell. True: something more is to be done about that.
    fn tell(&mut self, now: Instant) -> bool {
        let mut reset = Vec::new();
        for (node, told) in self.locks.ask(Dialogue::take_told) {
            if matches!(told, Told::Event(RadioEvent::Lock(_, LockEvent::Reset))) {
                reset.push(node);
            }
            self.tell_of(node, told);
        }
        for node in &reset {
            self.network.handle_reset(now, *node);
        }
        !reset.is_empty()
    }

    fn tell_of(&mut self, node: NodeId, told: Told) {
        match told {
            Told::Event(event) => self.outputs.push_back(Output::Event(event)),
            Told::Keep(record) => _ = self.persist(record.to_record(NodeRecord::key(node))),
            Told::KeepDraft(found) => {
                let key = NodeRecord::draft_key(node);
                let forgotten = NetworkRecord { key: key.clone(), value: None };
                self.persist(found.map_or(forgotten, |found| found.to_record(key)));
            }
        }
    }
}

impl Radio for ZwaveRadio {
    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.session.handle_bytes(now, bytes);
        self.run(now);
    }

    fn handle_port(&mut self, now: Instant, state: PortState) {
        self.stick_lost();
        match state {
            PortState::Opened => {
                self.stick(StickState::Starting);
                self.session.handle_opened(now);
            }
            PortState::Lost => {
                self.stick(StickState::Gone);
                self.session.handle_lost();
            }
        }
        self.run(now);
    }

    fn handle_command(&mut self, now: Instant, id: CommandId, lock: LockId, command: LockCommand) {
        let node = u16::try_from(lock.0).ok().and_then(NodeId::new);
        let asleep = node.is_some_and(|node| self.queue.is_asleep(node));
        match node.and_then(|node| self.locks.get_mut(&node)) {
            Some(lock) if self.session.stick().is_some() && !self.keeper.is_working() => {
                lock.handle_command(now, id, command, asleep)
            }
            Some(_) => self.answer(id, CommandError::StickGone),
            None => self.answer(id, CommandError::NotReady),
        }
        self.run(now);
    }

    fn handle_network(&mut self, now: Instant, id: CommandId, command: NetworkCommand) {
        match self.withheld() {
            Some(error) => {
                self.outputs.push_back(Output::Event(RadioEvent::NetworkDone(id, Err(error.into()))));
            }
            None => self.network.handle_command(now, id, command),
        }
        self.run(now);
    }

    fn handle_stick(&mut self, now: Instant, id: CommandId, command: StickCommand) {
        self.take_up(now, id, &command);
        self.run(now);
    }

    fn handle_wall_time(&mut self, now: Instant, utc: WallTime) {
        self.clock.set(now, utc);
        self.locks.iter_mut().for_each(|(_, lock)| lock.handle_wall_time(now, self.clock));
        self.run(now);
    }

    /// What was learned of a lock only spares the next start an interview; session ids are held back until they are kept,
    /// and so is what the network began.
    fn handle_persisted(&mut self, now: Instant, id: PersistId) {
        if self.keeping.take_if(|keeping| *keeping == id).is_some() {
            self.keeper.handle_kept(now);
            self.run(now);
        } else if self.network_kept(now, id) {
            self.run(now);
        } else if let Some(node) = self.reserving.remove(&id) {
            self.sessions.get_mut(&node).map(SessionIds::handle_kept);
            // It may have waited for one.
            self.locks.touch(&node);
            self.run(now);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        self.queue.handle_timeout(now);
        if !self.queue.is_quiet() {
            self.network.handle_others(now);
        }
        self.network.handle_timeout(now);
        self.keeper.handle_timeout(now);
        if self.queue.must_abort(now) {
            tracing::debug!("a send takes too long while others wait: it is given up");
            self.session.abort(now);
        }
        if let Some(secured) = &mut self.secured {
            let incoming = self.receiver.handle_timeout(now, &mut secured.security);
            self.handle_incoming(now, incoming);
        }
        self.run(now);
    }

    fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn poll_output(&mut self) -> Output {
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        // While the stick is not known, no lock can go on.
        let locks = self.session.stick().and_then(|_| self.locks.next());
        let timeouts = [self.session_timeout, self.queue.timeout(), self.receiver.timeout(), self.network.timeout()];
        let timeouts = timeouts.into_iter().chain([self.keeper.timeout(), locks]);
        Output::Timeout(timeouts.flatten().min())
    }
}

/// Under which name the last Supervision session id of a node is kept.
fn sessions_key(node: NodeId) -> RecordKey {
    RecordKey(format!("node/{node}/supervision"))
}

impl ZwaveRadio {
    fn answer(&mut self, id: CommandId, error: CommandError) {
        self.outputs.push_back(Output::Event(RadioEvent::CommandDone(id, Err(error))));
    }
}
