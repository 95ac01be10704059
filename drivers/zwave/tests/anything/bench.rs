//! The driver, a virtual stick, and whatever gets between them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keyway_lock::{
    Awaited, CommandId, DeviceLabel, Grant, Include, JoinPin, KeyClass, LockCommand, LockId, NetworkCommand, Output,
    PersistId, Pin, PortState, Radio, RadioEvent, SlotChange, SlotNumber,
};
use keyway_virtual::faults::Garble;
use keyway_virtual::stick::{Stick as _, VirtualOutput};
use keyway_virtual::zwave::{Action, CodesBy, FreshLock, JoinFaults, LockSetup, StickSetup, VirtualStick, demo_setup};
use keyway_zwave::controller::{Setup, ZwaveRadio};
use keyway_zwave::host::frame::{DataFrame, FrameType};
use keyway_zwave::node::NodeId;
use keyway_zwave::quirks::Quirks;
use keyway_zwave::security::SecurityClass;
use keyway_zwave::serial_api::function;

/// How often a timeout may be due at the same instant: what it did can make the next due.
const ROUNDS: u32 = 3;

/// Something that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// So many milliseconds go by.
    Pass(u32),
    /// These bytes come from the port.
    Bytes(Vec<u8>),
    /// This frame comes from the port.
    Frame { response: bool, function: u8, payload: Vec<u8> },
    /// A command in the clear comes in, in this node's name.
    FromNode { node: u8, command: Vec<u8> },
    /// The hub asks.
    Ask { node: u8, what: u8, slot: u16 },
    /// The port is opened, or lost.
    Port(bool),
    /// The stick hears nothing from now on, or hears again.
    Deaf(bool),
    /// The store keeps nothing from now on, or all that it was given.
    SlowStore(bool),
    /// Every so many bytes on the wire have a bit flipped; 0: none.
    Garble(u64),
    /// Something is done to a lock.
    Act { node: u8, what: u8 },
    /// The stick restarts.
    RestartStick,
    /// The hub asks something of the network.
    Network { what: u8, node: u8 },
    /// A lock comes out of its box.
    Unbox { what: u8 },
    /// A lock's button is pressed; 0: that of one in another network.
    Press(u8),
}

/// The label of every lock from a box.
fn key() -> [u8; 32] {
    [5; 32]
}

pub(crate) struct Bench {
    now: Instant,
    radio: ZwaveRadio,
    stick: VirtualStick,
    open: bool,
    deaf: bool,
    wire: Garble,
    slow_store: bool,
    to_keep: Vec<PersistId>,
    /// How often each command was answered.
    asked: BTreeMap<CommandId, u32>,
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    pub(crate) fn new() -> Self {
        let lock = |id, security: &[SecurityClass]| LockSetup::new(NodeId::new(id).unwrap(), "Door", security);
        let open = LockSetup { codes_by: CodesBy::UserCredential, ..lock(4, &[]) };
        let sleeper = LockSetup { wake_up: Some(600), ..lock(6, &[SecurityClass::S2AccessControl]) };
        let locks = vec![lock(2, &[SecurityClass::S2AccessControl]), lock(3, &[SecurityClass::S0]), open, sleeper];
        let building = StickSetup { locks, ..demo_setup() };
        let mut nodes: BTreeMap<_, _> = building.locks.iter().map(|lock| (lock.node, lock.security.clone())).collect();
        // One that the stick does not know.
        nodes.insert(NodeId::new(5).unwrap(), vec![SecurityClass::S2AccessControl]);
        let setup = Setup { keys: building.keys.clone(), soft_reset: false, nodes, quirks: Quirks::built_in() };
        let now = Instant::now();
        Self {
            now,
            radio: ZwaveRadio::new(setup, Vec::new(), [1; 32]),
            stick: VirtualStick::new(now, building, [7; 32]),
            open: false,
            deaf: false,
            wire: Garble::default(),
            slow_store: false,
            to_keep: Vec::new(),
            asked: BTreeMap::new(),
        }
    }

    pub(crate) fn open(&mut self) {
        self.take(&Step::Port(true));
    }

    /// All faults are over, and time goes by.
    pub(crate) fn calm_down(&mut self) {
        self.take(&Step::Deaf(false));
        self.take(&Step::SlowStore(false));
        self.take(&Step::Garble(0));
        for node in 2..5 {
            self.take(&Step::Act { node, what: 0 });
        }
        // Longer than anything takes for which somebody at a door, or a host, does not do what he is asked for.
        // And longer than a lock sleeps that says by mistake that no beam wakes it.
        self.take(&Step::Pass(6_000_000));
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
            Step::Frame { response, function, payload } => {
                let frame_type = if *response { FrameType::Response } else { FrameType::Request };
                self.come(&DataFrame { frame_type, function: *function, payload: payload.clone() }.encode());
            }
            Step::FromNode { node, command } => {
                let length = u8::try_from(command.len()).unwrap();
                let payload = [&[0, 0, *node, length][..], command, &[0xC4]].concat();
                let function = function::APPLICATION_COMMAND_HANDLER;
                self.come(&DataFrame { frame_type: FrameType::Request, function, payload }.encode());
            }
            Step::Ask { node, what, slot } => self.ask(*node, *what, SlotNumber(*slot)),
            Step::Port(open) => self.port(*open),
            Step::Deaf(deaf) => self.deaf = *deaf,
            Step::SlowStore(slow) => {
                self.slow_store = *slow;
                self.keep();
            }
            Step::Garble(every) => self.wire = Garble::every(*every),
            Step::Act { node, what } => self.act(*node, *what),
            Step::RestartStick => self.stick.reset(self.now),
            Step::Network { what, node } => self.ask_network(*what, *node),
            Step::Unbox { what } => self.unbox(*what),
            Step::Press(0) => self.stick.press_foreign(self.now),
            Step::Press(node) => _ = self.stick.press(self.now, NodeId::new((*node).into()).unwrap()),
        }
        self.settle();
    }

    /// Bytes come from the port, if it is open.
    fn come(&mut self, bytes: &[u8]) {
        if self.open {
            self.radio.handle_bytes(self.now, bytes);
        }
    }

    fn ask(&mut self, node: u8, what: u8, slot: SlotNumber) {
        let pin = || Pin::new(&format!("{:04}", 7000 + slot.0)).unwrap();
        let command = match what {
            0 => LockCommand::ReadSlot(slot),
            1 | 2 => LockCommand::SetCode { slot, pin: pin() },
            3 => LockCommand::ClearCode(slot),
            4 => LockCommand::Lock,
            5 => LockCommand::Unlock,
            6 => LockCommand::ReadStatus,
            7 => {
                let change = |at: u16, pin| SlotChange { slot: SlotNumber(slot.0 + at), pin };
                LockCommand::ChangeCodes { changes: vec![change(0, Some(pin())), change(1, None)], others: None }
            }
            _ => LockCommand::Interview,
        };
        let id = CommandId(self.asked.len() as u64);
        self.asked.insert(id, 0);
        self.radio.handle_command(self.now, id, LockId(node.into()), command);
    }

    fn ask_network(&mut self, what: u8, node: u8) {
        let lock = LockId(node.into());
        let label = DeviceLabel::new([node; 16]);
        let all = KeyClass::ALL.into_iter().collect();
        let command = match what {
            0 | 1 => NetworkCommand::Include(Include::default()),
            2 => NetworkCommand::Include(Include { ask: true, ..Include::default() }),
            3 => NetworkCommand::Exclude,
            4 => NetworkCommand::ReplaceFailed(lock, Include { classes: all, ..Include::default() }),
            5 => NetworkCommand::RemoveFailed(lock),
            6 => NetworkCommand::Grant(Grant::Classes(all)),
            7 => NetworkCommand::Grant(Grant::Insecure),
            // The first is the right one.
            8 => NetworkCommand::Confirm(JoinPin::new("20618").unwrap()),
            9 => NetworkCommand::Confirm(JoinPin::new("00001").unwrap()),
            10 => NetworkCommand::Cancel,
            11 => NetworkCommand::Await(Awaited { label, name: None, classes: all }),
            12 => NetworkCommand::Forget(label.shown()),
            13 => NetworkCommand::RebuildRoutes(Some(lock)),
            14 => NetworkCommand::RebuildRoutes(None),
            _ => NetworkCommand::Reset { network: "c0ffee01".to_owned() },
        };
        let id = CommandId(self.asked.len() as u64);
        self.asked.insert(id, 0);
        self.radio.handle_network(self.now, id, command);
    }

    fn unbox(&mut self, what: u8) {
        let s2 = [SecurityClass::S2Authenticated, SecurityClass::S2AccessControl];
        let security = match what {
            0 => &[][..],
            1 => &[SecurityClass::S0],
            _ => &s2,
        };
        let faults = match what {
            2 => JoinFaults { gone_after: Some(3), ..JoinFaults::default() },
            3 => JoinFaults { fail_with: Some(6), ..JoinFaults::default() },
            4 => JoinFaults { client_side_authentication: true, ..JoinFaults::default() },
            _ => JoinFaults::default(),
        };
        let lock = LockSetup::new(NodeId::FIRST, "New", security);
        let fresh = FreshLock { lock, private_key: Some(key()), smart_start: what == 5, faults };
        self.stick.unbox(self.now, fresh);
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

    fn act(&mut self, node: u8, what: u8) {
        let action = match what {
            0 => Action::Offline(false),
            1 => Action::Offline(true),
            2 => Action::Restart,
            3 => Action::DropEvery(3),
            4 => Action::DropEvery(0),
            5 => Action::Working(Duration::from_secs(20)),
            6 => Action::Working(Duration::ZERO),
            _ => Action::Mask(true),
        };
        // It may have been taken out.
        let _ = self.stick.act(self.now, NodeId::new(node.into()).unwrap(), &action);
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
                Output::Event(_) => {}
                Output::Persist(id, _) => {
                    self.to_keep.push(id);
                    self.keep_now();
                    moved = true;
                }
                Output::Timeout(at) => return (moved, at),
            }
        }
    }

    fn keep_now(&mut self) {
        if !self.slow_store
            && let Some(id) = self.to_keep.pop()
        {
            self.radio.handle_persisted(self.now, id);
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
