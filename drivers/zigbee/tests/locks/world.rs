//! The driver and a building with a stick in one loop on simulated time: a minute passes in no time, and a seed replays.

use std::time::{Duration, Instant};

use keyway_lock::{
    CommandError, CommandId, CommandOutput, LockCommand, LockEvent, LockId, NetworkCommand, NetworkFailure,
    NetworkOutcome, NetworkRecord, NetworkStep, Output, PortState, Radio, RadioEvent, StickCommand, StickState,
    WallTime,
};
use keyway_zigbee::controller::{Setup, ZigbeeRadio};
use keyway_zigbee::coordinator::Coordinator;
use keyway_zigbee::quirks::Quirks;

/// A stick with locks around it.
pub(crate) trait Building {
    /// What the driver sees of it.
    type Stick: Coordinator;

    fn coordinator(&self) -> Self::Stick;
    fn handle_opened(&mut self, _now: Instant) {}
    fn handle_closed(&mut self, _now: Instant) {}
    fn handle_bytes(&mut self, _now: Instant, _bytes: &[u8]) {}
    fn handle_timeout(&mut self, _now: Instant) {}
    /// What it sends, and when it is to be woken.
    fn drain(&mut self, _now: Instant) -> (Vec<u8>, Option<Instant>) {
        (Vec::new(), None)
    }
}

pub(crate) struct World<B: Building> {
    pub(crate) now: Instant,
    pub(crate) building: B,
    radio: ZigbeeRadio<B::Stick>,
    next_command: u64,
    pub(crate) events: Vec<RadioEvent>,
    pub(crate) records: Vec<NetworkRecord>,
    /// Records are kept only when the test says so.
    pub(crate) slow_store: bool,
    /// What the hub's process is told when it begins.
    pub(crate) setup: Setup,
}

/// The lock with this number.
pub(crate) fn id(number: u16) -> LockId {
    LockId(0x000D_6F00_0A0B_0C00 + u64::from(number))
}

impl<B: Building> World<B> {
    pub(crate) fn new(now: Instant, building: B) -> Self {
        let setup = Setup { quirks: Quirks::built_in(), install_codes_only: false };
        Self {
            now,
            radio: ZigbeeRadio::new(building.coordinator(), setup.clone(), &[], [1; 32]),
            building,
            next_command: 0,
            events: Vec::new(),
            records: Vec::new(),
            slow_store: false,
            setup,
        }
    }

    pub(crate) fn open(&mut self) {
        self.building.handle_opened(self.now);
        self.radio.handle_port(self.now, PortState::Opened);
        self.settle();
    }

    pub(crate) fn close(&mut self) {
        self.building.handle_closed(self.now);
        self.radio.handle_port(self.now, PortState::Lost);
        self.settle();
    }

    pub(crate) fn until_ready(&mut self) {
        self.until("the stick is ready", |world| {
            world.told(|event| matches!(event, RadioEvent::Stick(StickState::Ready(_))))
        });
    }

    /// The hub's process ends and begins anew, with what the store has kept.
    pub(crate) fn restart_hub(&mut self) {
        self.radio = ZigbeeRadio::new(self.building.coordinator(), self.setup.clone(), &self.records, [2; 32]);
        self.events.clear();
        self.open();
    }

    pub(crate) fn set_clock(&mut self, seconds: i64) {
        self.radio.handle_wall_time(self.now, WallTime::from_seconds(seconds));
    }

    pub(crate) fn is_interviewed(&self, number: u16) -> bool {
        self.told(|event| matches!(event, RadioEvent::LockInterviewed(lock, info) if *lock == id(number) && info.missing.is_empty()))
    }

    pub(crate) fn told(&self, what: impl Fn(&RadioEvent) -> bool) -> bool {
        self.events.iter().any(what)
    }

    pub(crate) fn lock_events(&self, number: u16) -> Vec<LockEvent> {
        let of = |event: &RadioEvent| match event {
            RadioEvent::Lock(lock, event) if *lock == id(number) => Some(event.clone()),
            _ => None,
        };
        self.events.iter().filter_map(of).collect()
    }

    pub(crate) fn ask(&mut self, number: u16, command: LockCommand) -> CommandId {
        self.next_command += 1;
        let command_id = CommandId(self.next_command);
        self.radio.handle_command(self.now, command_id, id(number), command);
        self.settle();
        command_id
    }

    pub(crate) fn answer(&self, id: CommandId) -> Option<Result<CommandOutput, CommandError>> {
        self.events.iter().find_map(|event| match event {
            RadioEvent::CommandDone(done, result) if *done == id => Some(result.clone()),
            _ => None,
        })
    }

    pub(crate) fn command(&mut self, number: u16, command: LockCommand) -> Result<CommandOutput, CommandError> {
        let asked = self.ask(number, command);
        self.until("the command is answered", |world| world.answer(asked).is_some());
        self.answer(asked).unwrap()
    }

    pub(crate) fn ask_network(&mut self, command: NetworkCommand) -> CommandId {
        self.next_command += 1;
        let command_id = CommandId(self.next_command);
        self.radio.handle_network(self.now, command_id, command);
        self.settle();
        command_id
    }

    pub(crate) fn network_answer(&self, id: CommandId) -> Option<Result<NetworkOutcome, NetworkFailure>> {
        self.events.iter().find_map(|event| match event {
            RadioEvent::NetworkDone(done, result) if *done == id => Some(result.clone()),
            _ => None,
        })
    }

    pub(crate) fn ended(&mut self, asked: CommandId) -> Result<NetworkOutcome, NetworkFailure> {
        self.until("it has ended", |world| world.network_answer(asked).is_some());
        self.network_answer(asked).unwrap()
    }

    pub(crate) fn network(&mut self, command: NetworkCommand) -> Result<NetworkOutcome, NetworkFailure> {
        let asked = self.ask_network(command);
        self.ended(asked)
    }

    pub(crate) fn stick_command(&mut self, command: StickCommand) -> Result<NetworkOutcome, NetworkFailure> {
        self.next_command += 1;
        let command_id = CommandId(self.next_command);
        self.radio.handle_stick(self.now, command_id, command);
        self.settle();
        self.ended(command_id)
    }

    pub(crate) fn steps(&self) -> Vec<NetworkStep> {
        let step = |event: &RadioEvent| match event {
            RadioEvent::Network(step) => Some(step.clone()),
            _ => None,
        };
        self.events.iter().filter_map(step).collect()
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until it is so; two hours at most.
    pub(crate) fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(7200);
        while !so(self) {
            assert!(
                self.step(end),
                "it never came about that {what}; last: {:#?}",
                self.events.iter().rev().take(5).collect::<Vec<_>>()
            );
        }
    }

    fn step(&mut self, end: Instant) -> bool {
        // The test may have done something to the stick.
        self.radio.handle_bytes(self.now, &[]);
        let [radio, building] = self.settle();
        let Some(next) = [radio, building].into_iter().flatten().min().filter(|next| *next <= end) else {
            return false;
        };
        self.now = self.now.max(next);
        if building.is_some_and(|at| at <= self.now) {
            self.building.handle_timeout(self.now);
        }
        if radio.is_some_and(|at| at <= self.now) {
            self.radio.handle_timeout(self.now);
        }
        self.settle();
        true
    }

    /// Moves bytes to and fro until both are quiet: when each is to be woken.
    pub(crate) fn settle(&mut self) -> [Option<Instant>; 2] {
        loop {
            let (radio, sent) = self.drain_radio();
            let (bytes, building) = self.building.drain(self.now);
            if !bytes.is_empty() {
                self.radio.handle_bytes(self.now, &bytes);
            }
            if !sent && bytes.is_empty() {
                return [radio, building];
            }
        }
    }

    /// When the driver is to be woken, and whether it sent something.
    fn drain_radio(&mut self) -> (Option<Instant>, bool) {
        let mut sent = false;
        loop {
            match self.radio.poll_output() {
                Output::Transmit(bytes) => {
                    sent = true;
                    self.building.handle_bytes(self.now, &bytes);
                }
                Output::Event(event) => self.events.push(event),
                Output::Persist(id, record) => {
                    self.records.retain(|kept| kept.key != record.key);
                    self.records.push(record);
                    if !self.slow_store {
                        self.radio.handle_persisted(self.now, id);
                    }
                }
                Output::Timeout(at) => return (at, sent),
            }
        }
    }
}
