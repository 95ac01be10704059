//! The driver and a virtual stick in one loop on simulated time: a minute passes in no time, and a seed replays.

use std::time::{Duration, Instant};

use keyway_lock::{
    CommandError, CommandId, CommandOutput, DeviceLabel, LockCommand, LockEvent, NetworkCommand, NetworkFailure,
    NetworkOutcome, NetworkRecord, NetworkStep, Output, PortState, Radio, RadioEvent, StickCommand, StickState,
    WallTime,
};
use keyway_virtual::faults::Garble;
use keyway_virtual::stick::{Stick as _, VirtualOutput};
use keyway_virtual::zwave::{
    Action, FrameCounts, FreshLock, LockSetup, Outcome, Series, StickSetup, VirtualStick, demo_setup,
};
use keyway_zwave::controller::{Setup, ZwaveRadio};
use keyway_zwave::host::frame::{DataFrame, FrameType};
use keyway_zwave::node::NodeId;
use keyway_zwave::quirks::Quirks;
use keyway_zwave::security::NetworkKeys;
use keyway_zwave::serial_api::function;

pub(crate) struct World {
    pub(crate) now: Instant,
    start: Instant,
    pub(crate) stick: VirtualStick,
    radio: ZwaveRadio,
    /// What the wire does to the bytes, in both directions together.
    wire: Garble,
    /// The stick takes nothing that is sent to it.
    deaf: bool,
    next_command: u64,
    /// Everything the driver told, with its time since the start.
    pub(crate) events: Vec<(Duration, RadioEvent)>,
    pub(crate) records: Vec<NetworkRecord>,
    setup: Setup,
}

pub(crate) fn node(id: u16) -> NodeId {
    NodeId::new(id).unwrap()
}

/// The demo's keys and these locks.
pub(crate) fn building(locks: Vec<LockSetup>) -> StickSetup {
    StickSetup { locks, ..demo_setup() }
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    pub(crate) fn new(building: StickSetup) -> Self {
        let start = Instant::now();
        let nodes = building.locks.iter().map(|lock| (lock.node, lock.security.clone())).collect();
        let setup = Setup { keys: building.keys.clone(), soft_reset: false, nodes, quirks: Quirks::built_in() };
        Self {
            now: start,
            start,
            stick: VirtualStick::new(start, building, [7; 32]),
            radio: ZwaveRadio::new(setup.clone(), Vec::new(), [1; 32]),
            wire: Garble::default(),
            deaf: false,
            next_command: 0,
            events: Vec::new(),
            records: Vec::new(),
            setup,
        }
    }

    /// A hub that knows nothing of the building: neither its keys nor its locks.
    pub(crate) fn ignorant(building: StickSetup) -> Self {
        let mut world = Self::new(building);
        world.setup.keys = NetworkKeys::default();
        world.setup.nodes.clear();
        world.radio = ZwaveRadio::new(world.setup.clone(), Vec::new(), [1; 32]);
        world
    }

    /// Keys that are given from outside, from the next start on.
    pub(crate) fn give_keys(&mut self, keys: NetworkKeys) {
        self.setup.keys = keys;
    }

    /// What is known of models, in place of what is built in; before anything else.
    pub(crate) fn quirks(&mut self, text: &str) {
        self.setup.quirks = Quirks::parse(text).unwrap();
        self.radio = ZwaveRadio::new(self.setup.clone(), Vec::new(), [1; 32]);
    }

    /// From the next start on, what is built in is known.
    pub(crate) fn built_in_quirks(&mut self) {
        self.setup.quirks = Quirks::built_in();
    }

    /// Opens the port and waits until every lock is interviewed.
    pub(crate) fn ready(mut self) -> Self {
        self.open();
        let locks = self.setup.nodes.len();
        self.until("every lock is interviewed", |world| world.interviewed() >= locks);
        self
    }

    pub(crate) fn open(&mut self) {
        self.stick.handle_opened(self.now);
        self.radio.handle_port(self.now, PortState::Opened);
        self.settle();
    }

    pub(crate) fn close(&mut self) {
        self.stick.handle_closed(self.now);
        self.radio.handle_port(self.now, PortState::Lost);
        self.settle();
    }

    pub(crate) fn garble(&mut self, wire: Garble) {
        self.wire = wire;
    }

    /// The hub's process ends and begins anew, with what the store has kept.
    pub(crate) fn restart_hub(&mut self, entropy: u8) {
        self.radio = ZwaveRadio::new(self.setup.clone(), self.records.clone(), [entropy; 32]);
        self.events.clear();
        self.open();
        self.until("the stick is identified", |world| {
            world.told(|event| matches!(event, RadioEvent::LockInterviewed(..)))
        });
    }

    /// The same, and the network's keys are lost.
    pub(crate) fn restart_hub_without_keys(&mut self) {
        self.setup.keys = NetworkKeys::default();
        self.restart_hub(9);
    }

    /// Whether a lock was said to take commands.
    pub(crate) fn usable(&self, id: u16) -> bool {
        self.told(|event| matches!(event, RadioEvent::LockInterviewed(lock, _) if *lock == node(id).into()))
    }

    fn interviewed(&self) -> usize {
        self.setup
            .nodes
            .keys()
            .filter(|id| {
                self.told(|event| {
                    matches!(event, RadioEvent::LockInterviewed(lock, info) if *lock == (**id).into() && info.missing.is_empty())
                })
            })
            .count()
    }

    pub(crate) fn told(&self, what: impl Fn(&RadioEvent) -> bool) -> bool {
        self.events.iter().any(|(_, event)| what(event))
    }

    /// What a lock told by itself.
    pub(crate) fn lock_events(&self, id: u16) -> Vec<LockEvent> {
        let of = |(_, event): &(Duration, RadioEvent)| match event {
            RadioEvent::Lock(lock, event) if *lock == node(id).into() => Some(event.clone()),
            _ => None,
        };
        self.events.iter().filter_map(of).collect()
    }

    /// Asks, without waiting.
    pub(crate) fn ask(&mut self, id: u16, command: LockCommand) -> CommandId {
        self.next_command += 1;
        let command_id = CommandId(self.next_command);
        self.radio.handle_command(self.now, command_id, node(id).into(), command);
        self.settle();
        command_id
    }

    pub(crate) fn answer(&self, id: CommandId) -> Option<Result<CommandOutput, CommandError>> {
        self.events.iter().find_map(|(_, event)| match event {
            RadioEvent::CommandDone(done, result) if *done == id => Some(result.clone()),
            _ => None,
        })
    }

    /// Asks, and waits for the answer: the answer and how long it took.
    pub(crate) fn command(&mut self, id: u16, command: LockCommand) -> (Result<CommandOutput, CommandError>, Duration) {
        let begun = self.now;
        let asked = self.ask(id, command);
        self.until("the command is answered", |world| world.answer(asked).is_some());
        (self.answer(asked).unwrap(), self.now - begun)
    }

    /// The hub's process ends and begins anew; it has come as far as the stick.
    pub(crate) fn reopen_hub(&mut self, entropy: u8) {
        self.radio = ZwaveRadio::new(self.setup.clone(), self.records.clone(), [entropy; 32]);
        self.events.clear();
        self.open();
        self.until("the stick is ready", |world| {
            world.told(|event| matches!(event, RadioEvent::Stick(StickState::Ready(_))))
        });
    }

    /// Under which security a lock got its commands.
    pub(crate) fn command_log(&self, id: u16) -> Vec<&'static str> {
        self.stick.commands(node(id)).filter_map(|command| command.security).collect()
    }

    /// Asks something of the network, without waiting.
    pub(crate) fn ask_network(&mut self, command: NetworkCommand) -> CommandId {
        self.next_command += 1;
        let command_id = CommandId(self.next_command);
        self.radio.handle_network(self.now, command_id, command);
        self.settle();
        command_id
    }

    pub(crate) fn network_answer(&self, id: CommandId) -> Option<Result<NetworkOutcome, NetworkFailure>> {
        self.events.iter().find_map(|(_, event)| match event {
            RadioEvent::NetworkDone(done, result) if *done == id => Some(result.clone()),
            _ => None,
        })
    }

    /// Asks something of the stick itself, without waiting.
    pub(crate) fn ask_stick(&mut self, command: StickCommand) -> CommandId {
        self.next_command += 1;
        let command_id = CommandId(self.next_command);
        self.radio.handle_stick(self.now, command_id, command);
        self.settle();
        command_id
    }

    /// Asks something of the stick itself, and waits for the answer.
    pub(crate) fn stick_command(&mut self, command: StickCommand) -> Result<NetworkOutcome, NetworkFailure> {
        let asked = self.ask_stick(command);
        self.ended(asked)
    }

    /// Another stick is plugged in, with an empty network; the locks stay.
    pub(crate) fn swap_stick(&mut self, home_id: u32, series: Series) {
        self.stick.swap(self.now, home_id, series);
        self.pass(Duration::from_secs(2));
    }

    /// The network that the stick has now.
    pub(crate) fn network_of_stick(&self) -> String {
        format!("{:08x}", self.stick.setup().home_id)
    }

    /// The hub's process begins anew, and finds another stick.
    pub(crate) fn reopen_hub_foreign(&mut self, entropy: u8) {
        self.radio = ZwaveRadio::new(self.setup.clone(), self.records.clone(), [entropy; 32]);
        self.events.clear();
        self.open();
        self.until("the stick is known", |world| {
            world.told(|event| matches!(event, RadioEvent::Stick(StickState::Foreign { .. })))
        });
    }

    /// Asks something of the network, and waits for the answer.
    pub(crate) fn network(&mut self, command: NetworkCommand) -> Result<NetworkOutcome, NetworkFailure> {
        let asked = self.ask_network(command);
        self.ended(asked)
    }

    /// Waits for the answer to what was asked of the network.
    pub(crate) fn ended(&mut self, asked: CommandId) -> Result<NetworkOutcome, NetworkFailure> {
        self.until("it has ended", |world| world.network_answer(asked).is_some());
        self.network_answer(asked).unwrap()
    }

    /// The steps told so far.
    pub(crate) fn steps(&self) -> Vec<NetworkStep> {
        let step = |(_, event): &(Duration, RadioEvent)| match event {
            RadioEvent::Network(step) => Some(step.clone()),
            _ => None,
        };
        self.events.iter().filter_map(step).collect()
    }

    pub(crate) fn until_step(&mut self, step: &NetworkStep) {
        self.until("a step is told", |world| world.steps().contains(step));
    }

    pub(crate) fn unbox(&mut self, fresh: FreshLock) -> DeviceLabel {
        let label = self.stick.unbox(self.now, fresh);
        self.settle();
        label
    }

    pub(crate) fn press(&mut self, id: u16) {
        assert!(self.stick.press(self.now, node(id)));
        self.settle();
    }

    pub(crate) fn press_foreign(&mut self) {
        self.stick.press_foreign(self.now);
        self.settle();
    }

    pub(crate) fn take_stick_out(&mut self) {
        assert!(self.stick.take_stick_out(self.now));
        self.settle();
    }

    pub(crate) fn act(&mut self, id: u16, action: Action) -> Outcome {
        let outcome = self.stick.act(self.now, node(id), &action).unwrap();
        self.settle();
        outcome
    }

    pub(crate) fn reset_stick(&mut self) {
        self.stick.reset(self.now);
        self.settle();
    }

    /// Behind the same port there is another stick now, which says that it has started.
    pub(crate) fn exchange_stick(&mut self, building: StickSetup) {
        self.stick = VirtualStick::new(self.now, building, [8; 32]);
        self.stick.handle_opened(self.now);
        self.reset_stick();
    }

    /// Somebody within reach sends a command in the clear in this lock's name.
    pub(crate) fn make_up(&mut self, id: u16, command: &[u8]) {
        let length = u8::try_from(command.len()).unwrap();
        let payload = [&[0][..], &id.to_be_bytes(), &[length], command, &[0xC4]].concat();
        let function = function::APPLICATION_COMMAND_HANDLER;
        let frame = DataFrame { frame_type: FrameType::Request, function, payload };
        self.radio.handle_bytes(self.now, &frame.encode());
        self.settle();
    }

    /// The hub's clock comes to be trusted, or is moved: it is this many seconds now.
    pub(crate) fn tell_time(&mut self, seconds: i64) {
        self.radio.handle_wall_time(self.now, WallTime::from_seconds(seconds));
        self.settle();
    }

    /// Whether a code would open a door now.
    pub(crate) fn opens(&self, id: u16, digits: &str) -> bool {
        self.stick.opened_by(self.now, node(id), digits).is_some()
    }

    /// What the clock of a lock shows, in seconds.
    pub(crate) fn clock(&self, id: u16) -> i64 {
        self.stick.clock(self.now, node(id)).unwrap().seconds()
    }

    pub(crate) fn deafen_stick(&mut self) {
        self.deaf = true;
    }

    pub(crate) fn frames(&self, id: u16) -> FrameCounts {
        self.stick.frames(node(id)).unwrap()
    }

    /// Lets time pass.
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

    /// To the next instant at which something is due, `end` at most. False: nothing is due until then.
    fn step(&mut self, end: Instant) -> bool {
        let [radio, stick] = self.settle();
        let Some(next) = [radio, stick].into_iter().flatten().min().filter(|next| *next <= end) else { return false };
        self.now = self.now.max(next);
        if stick.is_some_and(|at| at <= self.now) {
            self.stick.handle_timeout(self.now);
        }
        if radio.is_some_and(|at| at <= self.now) {
            self.radio.handle_timeout(self.now);
        }
        self.settle();
        true
    }

    /// Moves bytes to and fro until both are quiet: when each is to be woken.
    fn settle(&mut self) -> [Option<Instant>; 2] {
        loop {
            let (radio, sent) = self.drain_radio();
            let (stick, told) = self.drain_stick();
            if !sent && !told {
                return [radio, stick];
            }
        }
    }

    /// When the driver is to be woken, and whether it sent something.
    fn drain_radio(&mut self) -> (Option<Instant>, bool) {
        let mut sent = false;
        loop {
            match self.radio.poll_output() {
                Output::Transmit(mut bytes) => {
                    sent = true;
                    self.wire.apply(&mut bytes);
                    if !self.deaf {
                        self.stick.handle_bytes(self.now, &bytes);
                    }
                }
                Output::Event(event) => self.events.push((self.now - self.start, event)),
                Output::Persist(id, record) => {
                    self.records.retain(|kept| kept.key != record.key);
                    self.records.push(record);
                    self.radio.handle_persisted(self.now, id);
                }
                Output::Timeout(at) => return (at, sent),
            }
        }
    }

    /// When the stick is to be woken, and whether it told something.
    fn drain_stick(&mut self) -> (Option<Instant>, bool) {
        let mut told = false;
        loop {
            match self.stick.poll_output() {
                VirtualOutput::Transmit(mut bytes) => {
                    told = true;
                    self.wire.apply(&mut bytes);
                    self.radio.handle_bytes(self.now, &bytes);
                }
                VirtualOutput::Timeout(at) => return (at, told),
            }
        }
    }
}
