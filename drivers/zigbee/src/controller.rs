//! The whole driver: owns the layers, hands frames up and commands down. Implements [`Radio`].

mod dialogue;
mod incoming;
mod network;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use keyway_lock::{
    Attended, CommandError, CommandId, LockCommand, LockId, NetworkCommand, NetworkRecord, Output, PersistId,
    PortState, Radio, RadioEvent, StickCommand, StickState, Traffic, WallClock, WallTime,
};
use zeroize::Zeroize;

use crate::address::Ieee;
use crate::coordinator::{Answer, Broadcast, Coordinator, CoordinatorEvent, CoordinatorOutput, Request, Ticket};
use crate::device::removed::Removed;
use crate::device::table::DeviceRecord;
use crate::network::{Network, Then};
use crate::quirks::Quirks;
use crate::transport::queue::Queue;
use crate::zdo::Zdo;

use dialogue::{Dialogue, Told};
use incoming::Strangers;

/// Devices that are known at most: what joins beyond them is passed over.
const MOST_DEVICES: usize = 200;

/// What the driver is told at the start.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// What is peculiar about models of locks.
    pub quirks: Quirks,
    /// No device is let in without its install code: the key that everybody knows opens nothing.
    pub install_codes_only: bool,
}

/// A Zigbee stick and its locks.
pub struct ZigbeeRadio<C> {
    stick: C,
    stick_timeout: Option<Instant>,
    /// The port is open, and the stick answers.
    answers: bool,
    quirks: Arc<Quirks>,
    network: Network,
    queue: Queue,
    devices: Attended<Ieee, Dialogue>,
    removed: Removed,
    /// Who was asked who it is, and who was told again to leave.
    strangers: Strangers,
    turned_away: Strangers,
    clock: WallClock,
    keeping: BTreeMap<PersistId, Then>,
    next_persist: u64,
    next_ticket: u64,
    outputs: VecDeque<Output>,
    traffic: Traffic,
}

impl<C: Coordinator> ZigbeeRadio<C> {
    /// With what the store has kept; `entropy` must be fresh at every start.
    pub fn new(stick: C, setup: Setup, records: &[NetworkRecord], mut entropy: [u8; 32]) -> Self {
        let quirks = Arc::new(setup.quirks);
        let mut devices = Attended::default();
        for (device, record) in records.iter().filter_map(DeviceRecord::from_record) {
            devices.insert(device, Dialogue::new(device, record, Arc::clone(&quirks)));
        }
        let network = Network::new(records, !devices.is_empty(), setup.install_codes_only, entropy);
        entropy.zeroize();
        Self {
            stick,
            stick_timeout: None,
            answers: false,
            quirks,
            network,
            queue: Queue::default(),
            devices,
            removed: Removed::find(records),
            strangers: Strangers::default(),
            turned_away: Strangers::default(),
            clock: WallClock::default(),
            keeping: BTreeMap::new(),
            next_persist: 0,
            next_ticket: 0,
            outputs: VecDeque::new(),
            traffic: Traffic::default(),
        }
    }

    /// Lets everything go on as far as it can.
    fn run(&mut self, now: Instant) {
        loop {
            let mut moved = false;
            while let Some((device, id, answer)) = self.queue.poll_ended() {
                moved = true;
                if let Some(dialogue) = self.devices.get_mut(&device) {
                    dialogue.handle_ended(now, id, answer);
                }
            }
            moved |= self.drain_network(now);
            if let Some(coordinator) = self.network.stick().map(|stick| stick.ieee) {
                self.devices.look(now, |_, dialogue| {
                    dialogue.advance(now, coordinator, self.clock, &mut self.queue);
                    dialogue.timeout(true)
                });
                self.sleep_on();
                moved |= self.feed_stick(now);
            }
            moved |= self.drain_stick(now);
            moved |= self.tell();
            if !moved {
                return;
            }
        }
    }

    fn feed_stick(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while let Some(outgoing) = self.queue.next(now, Ticket(self.next_ticket)) {
            moved = true;
            self.submit(now, Request::Send(outgoing));
        }
        moved
    }

    fn submit(&mut self, now: Instant, request: Request) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.stick.submit(now, ticket, request);
        ticket
    }

    fn drain_stick(&mut self, now: Instant) -> bool {
        let mut moved = false;
        loop {
            match self.stick.poll_output() {
                CoordinatorOutput::Transmit(bytes) => self.outputs.push_back(Output::Transmit(bytes)),
                CoordinatorOutput::Event(event) => {
                    moved = true;
                    self.handle_event(now, event);
                }
                CoordinatorOutput::Timeout(timeout) => {
                    self.stick_timeout = timeout;
                    return moved;
                }
            }
        }
    }

    fn handle_event(&mut self, now: Instant, event: CoordinatorEvent) {
        match event {
            CoordinatorEvent::Identified(info) => {
                self.answers = true;
                self.network.handle_identified(*info);
            }
            CoordinatorEvent::NetworkUp(network) => self.network.handle_up(network),
            CoordinatorEvent::NetworkDown => self.network.handle_down(),
            CoordinatorEvent::Failed(sentence) => {
                self.answers = false;
                self.network.handle_gone();
                self.give_up();
                self.stick_is(StickState::Failed(sentence));
            }
            CoordinatorEvent::Restarted => {
                tracing::warn!("the stick restarted; it is identified again");
                self.network.handle_lost();
                self.stick_is(StickState::Starting);
            }
            CoordinatorEvent::Answered(ticket, mut result) => {
                if let Ok(Answer::Backup(backup)) = &mut result {
                    self.add_known_devices(backup);
                }
                let of_network = self.network.handle_answered(now, ticket, &result, self.clock.at(now));
                if !of_network
                    && let Some((device, delivery)) =
                        self.queue.handle_answered(now, ticket, result.as_ref().map(|_| ()))
                {
                    self.traffic.count_sent(delivery.acknowledged, delivery.repeated);
                    if let Some(dialogue) = self.devices.get_mut(&device) {
                        dialogue.handle_sent(now, delivery);
                    }
                }
            }
            CoordinatorEvent::Received(incoming) => {
                self.traffic.received += 1;
                self.handle_incoming(now, &incoming);
            }
            CoordinatorEvent::DeviceJoined { ieee, nwk, rejoined, .. } => self.device_joined(now, ieee, nwk, rejoined),
            CoordinatorEvent::DeviceLeft { ieee, .. } => self.device_left(now, ieee),
            CoordinatorEvent::RouteFailed { nwk } => tracing::debug!(%nwk, "no way to a device; another is looked for"),
            CoordinatorEvent::RouteRecorded { nwk, ieee, relays } => self.route_recorded(nwk, ieee, &relays),
            CoordinatorEvent::AddressConflict { nwk } => tracing::debug!(%nwk, "two devices have one address"),
        }
    }

    /// The stick is gone, and with it whatever was asked of its devices.
    fn give_up(&mut self) {
        self.queue.clear();
        self.devices.iter_mut().for_each(|(_, dialogue)| dialogue.stick_lost());
    }

    fn persist(&mut self, record: NetworkRecord) -> PersistId {
        self.next_persist += 1;
        let id = PersistId(self.next_persist);
        self.outputs.push_back(Output::Persist(id, record));
        id
    }

    fn stick_is(&mut self, state: StickState) {
        self.outputs.push_back(Output::Event(RadioEvent::Stick(state)));
    }

    /// Hands on what the dialogues have to tell. False: nothing.
    fn tell(&mut self) -> bool {
        let told = self.devices.ask(Dialogue::take_told);
        let any = !told.is_empty();
        told.into_iter().for_each(|(device, told)| self.tell_of(device, told));
        any
    }

    fn tell_of(&mut self, device: Ieee, told: Told) {
        match told {
            Told::Event(event) => self.outputs.push_back(Output::Event(event)),
            Told::Keep(record) => _ = self.persist(record.to_record(device)),
            // Its parent answers for one that sleeps (Zigbee R22 section 2.4.3.1.1).
            Told::Lost if self.network.up().is_some() => self.broadcast(Broadcast::Awake, Zdo::NwkAddrRequest(device)),
            Told::Lost => {}
            Told::Described(is_lock, is_router) => {
                self.network.handle_described(device, is_lock, is_router);
                if is_lock {
                    self.announce(device);
                }
            }
        }
    }

    fn answer(&mut self, id: CommandId, error: CommandError) {
        self.outputs.push_back(Output::Event(RadioEvent::CommandDone(id, Err(error))));
    }
}

impl<C: Coordinator> Radio for ZigbeeRadio<C> {
    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.stick.handle_bytes(now, bytes);
        self.run(now);
    }

    fn handle_port(&mut self, now: Instant, state: PortState) {
        self.answers = false;
        self.network.handle_gone();
        self.give_up();
        match state {
            PortState::Opened => {
                self.stick_is(StickState::Starting);
                self.stick.handle_opened(now);
            }
            PortState::Lost => {
                self.stick_is(StickState::Gone);
                self.stick.handle_lost(now);
            }
        }
        self.run(now);
    }

    fn handle_command(&mut self, now: Instant, id: CommandId, lock: LockId, command: LockCommand) {
        match self.devices.get_mut(&Ieee(lock.0)) {
            Some(dialogue) if self.answers && self.network.is_hopeful() => dialogue.handle_command(now, id, command),
            Some(_) => self.answer(id, CommandError::StickGone),
            None => self.answer(id, CommandError::NotReady),
        }
        self.run(now);
    }

    fn handle_network(&mut self, now: Instant, id: CommandId, command: NetworkCommand) {
        let about = match &command {
            NetworkCommand::RemoveFailed(lock) | NetworkCommand::ReplaceFailed(lock, _) => Some(Ieee(lock.0)),
            _ => None,
        };
        let nwk = about.and_then(|device| self.devices.get(&device)).map(Dialogue::nwk);
        self.network.handle_command(now, id, command, nwk);
        self.run(now);
    }

    fn handle_stick(&mut self, now: Instant, id: CommandId, command: StickCommand) {
        self.network.handle_stick(id, &command);
        self.run(now);
    }

    fn handle_wall_time(&mut self, now: Instant, utc: WallTime) {
        self.clock.set(now, utc);
    }

    /// What was learned of a device only spares the next start an interview; a network is formed once it is kept.
    fn handle_persisted(&mut self, now: Instant, id: PersistId) {
        if let Some(then) = self.keeping.remove(&id) {
            self.network.handle_kept(then);
            self.run(now);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.stick_timeout.is_some_and(|at| at <= now) {
            self.stick.handle_timeout(now);
        }
        self.queue.handle_timeout(now);
        self.network.handle_timeout(now);
        let gone = self.devices.iter().filter(|(_, dialogue)| dialogue.is_gone(now));
        let gone: Vec<Ieee> = gone.map(|(device, _)| device).collect();
        for device in gone {
            self.devices.get_mut(&device).map(Dialogue::handle_gone);
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
        let up = self.network.up().is_some();
        let queue = self.queue.timeout().filter(|_| up);
        let dialogues = match up {
            true => self.devices.next(),
            false => self.devices.iter().filter_map(|(_, dialogue)| dialogue.timeout(false)).min(),
        };
        Output::Timeout(
            dialogues.into_iter().chain(self.stick_timeout).chain(queue).chain(self.network.timeout()).min(),
        )
    }
}
