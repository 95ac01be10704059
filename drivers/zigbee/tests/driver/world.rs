//! The driver and a fake stick in one loop on simulated time.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::time::{Duration, Instant};

use keyway_lock::{
    CommandError, CommandId, CommandOutput, LockCommand, LockEvent, LockId, NetworkCommand, NetworkFailure,
    NetworkOutcome, NetworkRecord, NetworkStep, Output, PortState, Radio, RadioEvent, StickCommand, StickState,
    WallTime,
};
use keyway_zigbee::controller::{Setup, ZigbeeRadio};
use keyway_zigbee::quirks::Quirks;

use super::fake::{FakeStick, Stick};
use super::lock::FakeLock;

pub(crate) struct World {
    pub(crate) now: Instant,
    stick: Stick,
    radio: ZigbeeRadio<Stick>,
    next_command: u64,
    pub(crate) events: Vec<RadioEvent>,
    pub(crate) records: Vec<NetworkRecord>,
    /// Records are kept only when the test says so.
    pub(crate) slow_store: bool,
}

fn setup() -> Setup {
    Setup { quirks: Quirks::built_in() }
}

pub(crate) fn id(number: u16) -> LockId {
    LockId(FakeLock::new(number).ieee.0)
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    pub(crate) fn new(locks: Vec<FakeLock>) -> Self {
        let stick = Stick(Rc::new(RefCell::new(FakeStick::new(locks))));
        Self {
            now: Instant::now(),
            radio: ZigbeeRadio::new(stick.clone(), setup(), &[], [1; 32]),
            stick,
            next_command: 0,
            events: Vec::new(),
            records: Vec::new(),
            slow_store: false,
        }
    }

    /// A network with these locks in it, each interviewed.
    pub(crate) fn with(numbers: &[u16]) -> Self {
        let mut world = Self::new(Vec::new());
        world.open();
        world.until_ready();
        for number in numbers {
            world.include(FakeLock::new(*number));
        }
        for number in numbers {
            world.until("it is interviewed", |world| world.is_interviewed(*number));
        }
        world.events.clear();
        world
    }

    pub(crate) fn include(&mut self, lock: FakeLock) {
        let asked = self.ask_network(NetworkCommand::Include(keyway_lock::Include::default()));
        self.until("the network is open", |world| {
            world.told(|event| *event == RadioEvent::Network(NetworkStep::Ready))
        });
        let now = self.now;
        self.stick().join(now, lock);
        assert!(matches!(self.ended(asked), Ok(NetworkOutcome::Included(..))));
        self.events.retain(|event| *event != RadioEvent::Network(NetworkStep::Ready));
    }

    pub(crate) fn stick(&self) -> RefMut<'_, FakeStick> {
        self.stick.0.borrow_mut()
    }

    pub(crate) fn lock(&self, index: usize) -> RefMut<'_, FakeLock> {
        RefMut::map(self.stick(), |stick| stick.lock(index))
    }

    pub(crate) fn open(&mut self) {
        self.radio.handle_port(self.now, PortState::Opened);
        self.settle();
    }

    pub(crate) fn close(&mut self) {
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
        self.radio = ZigbeeRadio::new(self.stick.clone(), setup(), &self.records, [2; 32]);
        self.events.clear();
        self.open();
    }

    pub(crate) fn restart_stick(&mut self) {
        let now = self.now;
        self.stick().restart(now);
        self.radio.handle_bytes(now, &[]);
        self.settle();
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
        let Some(next) = self.settle().filter(|next| *next <= end) else { return false };
        self.now = self.now.max(next);
        self.radio.handle_timeout(self.now);
        self.settle();
        true
    }

    pub(crate) fn settle(&mut self) -> Option<Instant> {
        loop {
            match self.radio.poll_output() {
                Output::Transmit(_) => {}
                Output::Event(event) => self.events.push(event),
                Output::Persist(id, record) => {
                    self.records.retain(|kept| kept.key != record.key);
                    self.records.push(record);
                    if !self.slow_store {
                        self.radio.handle_persisted(self.now, id);
                    }
                }
                Output::Timeout(at) => return at,
            }
        }
    }
}
