//! The driver and a stick in software, to which anything may happen.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyway_lock::{
    CommandId, Include, LockCommand, LockId, LogStart, Minute, NetworkCommand, Output, PersistId, Pin, PortState,
    Radio, RadioEvent, SlotNumber, SlotWindow, StickCommand, WallTime,
};
use keyway_virtual::faults::Garble;
use keyway_virtual::stick::{Stick, VirtualOutput};
use keyway_virtual::zigbee::{
    Action, Adapter, LockSetup, Outcome, ScheduleOddity, StickSetup, VirtualStick, demo_setup,
};
use keyway_zigbee::controller::{Setup, ZigbeeRadio};
use keyway_zigbee::coordinator::Coordinator;
use keyway_zigbee::ezsp::EzspCoordinator;
use keyway_zigbee::key::Key;
use keyway_zigbee::quirks::Quirks;
use keyway_zigbee::znp::ZnpCoordinator;

/// A timeout may be due at once a few times, while work is taken up; not for ever.
const ROUNDS: usize = 100;

/// Something that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// So many milliseconds pass.
    Pass(u32),
    /// Bytes come from the port.
    Bytes(Vec<u8>),
    /// The hub asks something of a lock.
    Ask { node: u16, what: u8, slot: u16 },
    /// The hub asks something of the network.
    Network { what: u8, node: u16 },
    /// The hub asks something of the stick.
    Stick(u8),
    /// The port is opened, or lost.
    Port(bool),
    /// The stick takes nothing.
    Deaf(bool),
    /// The store keeps nothing for a while.
    SlowStore(bool),
    /// Every so many bytes one is spoilt.
    Garble(u64),
    /// Something happens to a lock.
    Act { node: u16, what: u8 },
    /// The stick restarts.
    Reset,
    /// Its firmware fails.
    Fail,
}

pub(crate) struct Bench {
    now: Instant,
    radio: ZigbeeRadio<Box<dyn Coordinator>>,
    stick: VirtualStick,
    open: bool,
    deaf: bool,
    wire: Garble,
    slow_store: bool,
    to_keep: Vec<PersistId>,
    asked: BTreeMap<CommandId, u32>,
    network: String,
}

/// 2026-11-25T16:30:00Z.
const NOW: i64 = 1_795_624_200;
/// The slot of codes with a window.
const SLOT: SlotNumber = SlotNumber(5);

fn timed_pin(slot: SlotNumber) -> Pin {
    Pin::new(&format!("{:04}", 8000 + slot.0)).unwrap()
}

/// Some years from now on, for an hour.
fn window() -> SlotWindow {
    let minute = |hours: i64| Minute::of(WallTime::from_seconds(NOW + hours * 3600));
    SlotWindow { from: minute(30_000), until: minute(30_001) }
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    pub(crate) fn new(adapter: Adapter) -> Self {
        let now = Instant::now();
        // All keep windows by their clocks; a user of theirs who should have one and has none may always come in.
        let oddity = ScheduleOddity::OpensWithout;
        let lock = |node, seeks| LockSetup {
            joined: false,
            seeks,
            shows_clock: true,
            schedules: 2,
            oddity,
            ..LockSetup::new(node, "Door")
        };
        // The first joins by itself as soon as it can.
        let forgetful = LockSetup { oddity: ScheduleOddity::Forgets, ..lock(4, false) };
        let locks = vec![lock(2, true), LockSetup { poll: None, ..lock(3, false) }, forgetful];
        let setup = StickSetup { adapter, locks, ..demo_setup() };
        let spare = Key::new([9; 16]);
        let coordinator: Box<dyn Coordinator> = match adapter {
            Adapter::Ezsp => Box::new(EzspCoordinator::new(spare)),
            Adapter::Znp => Box::new(ZnpCoordinator::new(spare)),
        };
        let quirks = Quirks::built_in();
        Self {
            now,
            radio: ZigbeeRadio::new(coordinator, Setup { quirks, install_codes_only: false }, &[], [1; 32]),
            stick: VirtualStick::new(now, &setup, [7; 32]),
            open: false,
            deaf: false,
            wire: Garble::default(),
            slow_store: false,
            to_keep: Vec::new(),
            asked: BTreeMap::new(),
            network: String::new(),
        }
    }

    pub(crate) fn open(&mut self) {
        self.radio.handle_wall_time(self.now, WallTime::from_seconds(NOW));
        self.take(&Step::Port(true));
    }

    /// A code whose window is years away never opens.
    pub(crate) fn opens_early(&mut self) -> bool {
        (2..5).any(|node| {
            let typed = Action::Keypad(timed_pin(SLOT).expose().to_owned());
            matches!(self.stick.act(self.now, node, &typed), Some(Outcome::Keypad(Some(_))))
        })
    }

    /// All faults are over, and time goes by.
    pub(crate) fn calm_down(&mut self) {
        self.take(&Step::Deaf(false));
        self.take(&Step::SlowStore(false));
        self.take(&Step::Garble(0));
        for node in 2..5 {
            for what in [0, 2, 4] {
                self.take(&Step::Act { node, what });
            }
        }
        // Longer than anything takes for which somebody at a door does not do what he is asked for.
        self.take(&Step::Pass(1_200_000));
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.asked.values().filter(|answers| **answers == 0).count()
    }

    /// How many bytes the driver holds.
    pub(crate) fn held(self, memory: impl Fn() -> usize) -> usize {
        let Self { radio, .. } = self;
        let before = memory();
        drop(radio);
        before.saturating_sub(memory())
    }

    pub(crate) fn take(&mut self, step: &Step) {
        match step {
            Step::Pass(ms) => self.pass(Duration::from_millis((*ms).into())),
            Step::Bytes(bytes) => self.come(bytes),
            Step::Ask { node, what, slot } => self.ask(*node, *what, SlotNumber(*slot)),
            Step::Network { what, node } => self.ask_network(*what, *node),
            Step::Stick(what) => self.ask_stick(*what),
            Step::Port(open) => self.port(*open),
            Step::Deaf(deaf) => self.deaf = *deaf,
            Step::SlowStore(slow) => {
                self.slow_store = *slow;
                self.keep();
            }
            Step::Garble(every) => self.wire = Garble::every(*every),
            Step::Act { node, what } => self.act(*node, *what),
            Step::Reset => self.stick.reset(self.now),
            Step::Fail => self.stick.fail(self.now),
        }
        self.settle();
    }

    /// Bytes come from the port, if it is open.
    fn come(&mut self, bytes: &[u8]) {
        if self.open {
            self.radio.handle_bytes(self.now, bytes);
        }
    }

    fn next_id(&mut self) -> CommandId {
        let id = CommandId(self.asked.len() as u64);
        self.asked.insert(id, 0);
        id
    }

    fn ask(&mut self, node: u16, what: u8, slot: SlotNumber) {
        let pin = || Pin::new(&format!("{:04}", 7000 + slot.0)).unwrap();
        let command = match what {
            0 => LockCommand::ReadSlot(slot),
            1 | 2 => LockCommand::SetCode { slot, pin: pin() },
            3 => LockCommand::ClearCode(slot),
            4 => LockCommand::Lock,
            5 => LockCommand::Unlock,
            6 => LockCommand::ReadStatus,
            7 => LockCommand::Identify,
            8 => LockCommand::Ping,
            9 => LockCommand::Interview,
            10 => LockCommand::CheckClock,
            11 => LockCommand::ReadLog(LogStart::Behind(None)),
            12 => LockCommand::SetParameter { name: "volume".to_owned(), value: slot.0.into() },
            _ => LockCommand::SetTimedCode {
                slot: SLOT,
                pin: timed_pin(SLOT),
                window: window(),
                stand_ins: ["6611", "6612"].map(|pin| Pin::new(pin).unwrap()),
            },
        };
        let id = self.next_id();
        self.radio.handle_command(self.now, id, lock(node), command);
    }

    fn ask_network(&mut self, what: u8, node: u16) {
        let command = match what {
            0..=2 => NetworkCommand::Include(Include::default()),
            3 => NetworkCommand::Exclude,
            4 => NetworkCommand::ReplaceFailed(lock(node), Include::default()),
            5 => NetworkCommand::RemoveFailed(lock(node)),
            6 => NetworkCommand::Cancel,
            _ => NetworkCommand::Reset { network: self.network.clone() },
        };
        let id = self.next_id();
        self.radio.handle_network(self.now, id, command);
    }

    fn ask_stick(&mut self, what: u8) {
        let command = match what {
            0 => StickCommand::Restart,
            1 => StickCommand::KeepMemory,
            2 => StickCommand::RestoreMemory { over: self.network.clone(), burn_address: false },
            _ => StickCommand::Adopt { network: self.network.clone() },
        };
        let id = self.next_id();
        self.radio.handle_stick(self.now, id, command);
    }

    fn port(&mut self, open: bool) {
        self.open = open;
        if open {
            self.stick.handle_opened(self.now);
            self.radio.handle_port(self.now, PortState::Opened);
        } else {
            self.stick.handle_closed(self.now);
            self.radio.handle_port(self.now, PortState::Lost);
        }
    }

    fn act(&mut self, node: u16, what: u8) {
        let action = match what {
            0 => Action::Offline(false),
            1 => Action::Offline(true),
            2 => Action::Asleep(false),
            3 => Action::Asleep(true),
            4 => Action::DropEvery(0),
            5 => Action::DropEvery(3),
            6 => Action::Join,
            7 => Action::Rejoin { secured: node == 2 },
            8 => Action::Leave,
            9 => Action::Keypad("7005".to_owned()),
            10 => Action::MoveClock(-100_000),
            11 => Action::Restart,
            _ => Action::Mask(true),
        };
        let _ = self.stick.act(self.now, node, &action);
    }

    fn keep(&mut self) {
        while !self.slow_store
            && let Some(id) = self.to_keep.pop()
        {
            self.radio.handle_persisted(self.now, id);
            self.settle();
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let (radio, stick) = self.settle();
            let Some(next) = [radio, stick].into_iter().flatten().min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if stick.is_some_and(|at| at <= self.now) {
                self.stick.handle_timeout(self.now);
            }
            let mut due = radio;
            for _ in 0..ROUNDS {
                if due.is_some_and(|at| at <= self.now) {
                    self.radio.handle_timeout(self.now);
                    (due, _) = self.settle();
                }
            }
            assert!(due.is_none_or(|at| at > self.now), "a timeout that has passed comes again and again");
        }
        self.now = end;
    }

    /// Moves bytes to and fro until both are quiet: when either wants to go on.
    fn settle(&mut self) -> (Option<Instant>, Option<Instant>) {
        loop {
            let (moved, radio) = self.drain_radio();
            let (answered, stick) = self.drain_stick();
            if !moved && !answered {
                return (radio, stick);
            }
        }
    }

    fn drain_radio(&mut self) -> (bool, Option<Instant>) {
        let mut moved = false;
        loop {
            match self.radio.poll_output() {
                Output::Transmit(mut bytes) => {
                    moved = true;
                    self.wire.apply(&mut bytes);
                    if self.open && !self.deaf {
                        self.stick.handle_bytes(self.now, &bytes);
                    }
                }
                Output::Event(RadioEvent::CommandDone(id, _) | RadioEvent::NetworkDone(id, _)) => {
                    let answers = self.asked.get_mut(&id).unwrap();
                    *answers += 1;
                    assert_eq!(*answers, 1, "{id:?} is answered twice");
                }
                Output::Event(RadioEvent::Stick(keyway_lock::StickState::Ready(info))) => self.network = info.network,
                Output::Event(_) => {}
                Output::Persist(id, _) => {
                    moved = true;
                    self.to_keep.push(id);
                    if !self.slow_store {
                        self.to_keep.pop();
                        self.radio.handle_persisted(self.now, id);
                    }
                }
                Output::Timeout(at) => return (moved, at),
            }
        }
    }

    fn drain_stick(&mut self) -> (bool, Option<Instant>) {
        let mut moved = false;
        loop {
            match self.stick.poll_output() {
                VirtualOutput::Transmit(mut bytes) => {
                    moved = true;
                    self.wire.apply(&mut bytes);
                    self.come(&bytes);
                }
                VirtualOutput::Timeout(at) => return (moved, at),
            }
        }
    }
}

fn lock(node: u16) -> LockId {
    LockId(0x000D_6F00_0A0B_0C00 + u64::from(node))
}
