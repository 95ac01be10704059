use std::collections::VecDeque;

use keyway_lock::SecretBytes;
use keyway_lock::wire::Reader;
use zeroize::Zeroizing;

use super::super::frame::{Form, Head, Purpose as Head_};
use super::super::ids::{policy, value};
use super::super::status::Status;
use super::super::table::{Layout, Side};
use super::*;
use crate::ash::exchange::Exchange;
use crate::ash::frame::Frame;
use crate::ash::stuffing::{FrameParser, Received, encode};
use crate::backup::{KnownDevice, LinkKey, NetworkBackup};
use crate::coordinator::{
    Broadcast, Coordinator, CoordinatorEvent, CoordinatorOutput, NetworkParameters, Outgoing, Ticket,
};
use crate::engine::{BUSY_PAUSE, TRY_AGAIN, WATCHDOG};
use crate::stranger::Stranger;

const VERSION: u8 = 14;
const OWN: Ieee = Ieee(0x0012_4B00_1CAA_BBCC);
const LOCK: Ieee = Ieee(0x000D_6F00_0A0B_0C01);

#[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
fn start() -> Instant {
    Instant::now()
}

/// A stick that answers OK to whatever it is asked, but for what a test wants otherwise.
struct Bench {
    coordinator: EzspCoordinator,
    now: Instant,
    parser: FrameParser,
    exchange: Exchange,
    agreed: bool,
    answers: BTreeMap<Command, VecDeque<Fields>>,
    asked: Vec<(Command, Fields)>,
    events: Vec<CoordinatorEvent>,
    is_dead: bool,
    restarts: u32,
    next_ticket: u64,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            coordinator: EzspCoordinator::new(Key::new([0x55; 16])),
            now: start(),
            parser: FrameParser::default(),
            exchange: Exchange::new(1),
            agreed: false,
            answers: BTreeMap::new(),
            asked: Vec::new(),
            events: Vec::new(),
            is_dead: false,
            restarts: 0,
            next_ticket: 0,
        };
        bench.answer(Command::GetEui64, Fields::new().with_ieee(F::Ieee, OWN));
        bench
    }

    /// A stick with a network, that is worked with.
    fn working() -> Self {
        let mut bench = Self::new();
        bench.holds_network();
        bench.open();
        assert!(matches!(bench.events.as_slice(), [CoordinatorEvent::Identified(_)]));
        assert_eq!(bench.ask(Request::Resume), Ok(Answer::Done));
        bench.events.clear();
        bench.asked.clear();
        bench
    }

    fn holds_network(&mut self) {
        let network = Fields::new()
            .with(F::NodeType, 1_u8)
            .with(F::Pan, 0x1A2B_u16)
            .with(F::ExtendedPan, 0xDDDD_DDDD_1122_3344_u64)
            .with(F::Channel, 15_u8);
        self.answer(Command::GetNetworkParameters, network);
    }

    /// The stick answers so from now on; given again, the next time so, and so on.
    fn answer(&mut self, command: Command, fields: Fields) {
        self.answers.entry(command).or_default().push_back(fields);
    }

    fn open(&mut self) {
        let now = self.now;
        self.coordinator.handle_opened(now);
        self.run();
    }

    fn submit(&mut self, request: Request) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.coordinator.submit(self.now, ticket, request);
        self.run();
        ticket
    }

    fn ask(&mut self, request: Request) -> Result<Answer, CoordinatorError> {
        let ticket = self.submit(request);
        self.answered(ticket).expect("answered")
    }

    fn answered(&self, ticket: Ticket) -> Option<Result<Answer, CoordinatorError>> {
        let mut answers = self.events.iter().filter_map(|event| match event {
            CoordinatorEvent::Answered(answered, result) if *answered == ticket => Some(result.clone()),
            _ => None,
        });
        let answer = answers.next();
        assert_eq!(answers.next(), None, "answered twice");
        answer
    }

    fn commands(&self) -> Vec<Command> {
        self.asked.iter().map(|(command, _)| *command).collect()
    }

    fn asked_of(&self, command: Command) -> Vec<&Fields> {
        self.asked.iter().filter(|(asked, _)| *asked == command).map(|(_, fields)| fields).collect()
    }

    /// Lets time pass, with all that is due in it.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let CoordinatorOutput::Timeout(due) = self.run() else { panic!("not drained") };
            let Some(due) = due.filter(|due| *due <= end) else { break };
            assert!(due >= self.now, "a timeout in the past");
            self.now = due;
            self.coordinator.handle_timeout(due);
        }
        self.now = end;
    }

    fn run(&mut self) -> CoordinatorOutput {
        loop {
            match self.coordinator.poll_output() {
                CoordinatorOutput::Transmit(bytes) => self.hear(&bytes),
                CoordinatorOutput::Event(event) => self.events.push(event),
                timeout @ CoordinatorOutput::Timeout(_) => match self.exchange.next_frame(self.now) {
                    Some(frame) if !self.is_dead => self.coordinator.handle_bytes(self.now, &encode(&frame)),
                    _ => return timeout,
                },
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match self.parser.push(*byte) {
                Some(Received::Frame(Frame::Reset)) if !self.is_dead => {
                    (self.exchange, self.agreed) = (Exchange::new(1), false);
                    self.restarts += 1;
                    self.coordinator.handle_bytes(self.now, &encode(&Frame::ResetAck { version: 2, code: 0x0B }));
                }
                Some(Received::Frame(frame)) if !self.is_dead => {
                    if let Some(payload) = self.exchange.handle_frame(self.now, frame) {
                        self.handle(&payload);
                    }
                }
                _ => {}
            }
        }
    }

    fn handle(&mut self, payload: &[u8]) {
        let form = if payload.get(2) == Some(&0x01) { Form::Extended } else { Form::Legacy };
        let mut reader = Reader::new(payload);
        let head = Head::read(form, &mut reader).unwrap();
        let layout = Layout::by_id(VERSION, head.id).unwrap();
        let fields = layout.decode(VERSION, Side::Request, &mut reader).unwrap();
        let answer = if layout.command == Command::Version {
            Fields::new().with(F::ProtocolVersion, VERSION)
        } else {
            self.asked.push((layout.command, fields));
            match self.answers.get_mut(&layout.command) {
                Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
                Some(answers) => answers.front().cloned().unwrap(),
                None => Fields::new(),
            }
        };
        let is_ok = answer.status().is_ok();
        self.say(form, Head { purpose: Head_::Answer, ..head }, layout, &answer);
        match layout.command {
            Command::NetworkInit | Command::FormNetwork if is_ok => self.tell_stack(Status::NETWORK_UP),
            Command::LeaveNetwork if is_ok => self.tell_stack(Status::NETWORK_DOWN),
            _ => {}
        }
    }

    fn say(&mut self, form: Form, head: Head, layout: &Layout, fields: &Fields) {
        let mut payload = head.to_bytes(form);
        payload.extend(layout.encode(VERSION, Side::Answer, fields));
        self.exchange.send(Zeroizing::new(payload));
    }

    fn tell(&mut self, command: Command, fields: Fields) {
        let layout = Layout::of(VERSION, command).unwrap();
        let head = Head { sequence: 0, purpose: Head_::Callback, overflow: false, id: layout.id };
        self.say(Form::Extended, head, layout, &fields);
    }

    fn tell_stack(&mut self, status: Status) {
        self.tell(Command::StackStatusHandler, Fields::new().with_status(status));
    }

    /// The message that went out last was sent.
    fn sent(&mut self, status: Status) {
        let tag = self.asked_of(Command::SendUnicast).last().unwrap().number(F::Tag);
        self.tell(Command::MessageSentHandler, Fields::new().with(F::Tag, tag).with_status(status));
        self.run();
    }
}

fn frame(destination: Destination, is_sleepy: bool) -> Request {
    Request::Send(Outgoing {
        destination,
        profile: 0x0104,
        cluster: 0x0101,
        source_endpoint: 1,
        destination_endpoint: 1,
        aps_ack: true,
        is_sleepy,
        payload: SecretBytes(Zeroizing::new(vec![0x01, 0x02, 0x03])),
    })
}

fn network() -> NetworkParameters {
    let extended_pan = Ieee(0xDDDD_DDDD_1122_3344);
    NetworkParameters { pan: 0x1A2B, extended_pan, channel: 15, network_key: Key::new([0x07; 16]) }
}

#[test]
fn a_stick_without_a_network_is_identified_and_has_none_to_resume() {
    let mut bench = Bench::new();
    bench.answer(Command::NetworkInit, Fields::new().with_status(Status::NOT_JOINED));
    bench.answer(Command::GetNetworkParameters, Fields::new().with_status(Status::NOT_JOINED));
    bench.answer(Command::GetValue, Fields::new().with_bytes(F::Value, &[0x10, 0x00, 7, 4, 3, 0, 0xAA]));
    bench.answer(Command::GetMfgToken, Fields::new().with_bytes(F::Value, b"Nabu Casa\0\xFF\xFF"));
    bench.answer(Command::GetMfgToken, Fields::new().with_bytes(F::Value, b"SkyConnect v1.0\xFF"));
    bench.open();
    let info = CoordinatorInfo {
        family: Family::Ezsp,
        model: "Nabu Casa SkyConnect v1.0".to_owned(),
        firmware: "7.4.3.0 build 16".to_owned(),
        protocol: VERSION,
        ieee: OWN,
        network: None,
    };
    assert_eq!(bench.events, [CoordinatorEvent::Identified(Box::new(info))]);
    assert_eq!(bench.ask(Request::Resume), Err(CoordinatorError::NoNetwork));
}

#[test]
fn packet_buffers_are_set_after_all_tables_and_the_network_is_taken_up_after_all_settings() {
    let mut bench = Bench::new();
    bench.open();
    let commands = bench.commands();
    let last = |command: Command| commands.iter().rposition(|asked| *asked == command).unwrap();
    let buffers =
        bench.asked.iter().position(|(_, fields)| fields.number(F::Id) == 1 && fields.number(F::Value) == 0xFF);
    assert_eq!(buffers, Some(last(Command::SetConfigurationValue)));
    assert!(last(Command::SetConfigurationValue) < last(Command::SetPolicy));
    assert!(last(Command::AddEndpoint) < last(Command::NetworkInit));
}

#[test]
fn nothing_of_the_network_is_told_before_it_is_resumed() {
    let mut bench = Bench::new();
    bench.holds_network();
    bench.open();
    bench.tell(Command::IdConflictHandler, Fields::new().with(F::Nwk, 0x1234_u16));
    bench.run();
    assert_eq!(bench.events.len(), 1);
    assert_eq!(bench.ask(Request::Resume), Ok(Answer::Done));
    assert!(matches!(bench.events[1], CoordinatorEvent::NetworkUp(network) if network.pan == 0x1A2B));
    bench.tell(Command::IdConflictHandler, Fields::new().with(F::Nwk, 0x1234_u16));
    bench.run();
    assert_eq!(bench.events.last(), Some(&CoordinatorEvent::AddressConflict { nwk: Nwk(0x1234) }));
}

#[test]
fn a_network_is_formed_with_the_caller_s_keys_once_the_old_one_is_left() {
    let mut bench = Bench::working();
    let form = Request::Form { network: network(), link_key_seed: Key::new([0x03; 16]) };
    assert_eq!(bench.ask(form), Ok(Answer::Done));
    let commands = bench.commands();
    let at = |command| commands.iter().position(|asked| *asked == command).unwrap();
    assert!(at(Command::LeaveNetwork) < at(Command::SetInitialSecurityState));
    assert!(at(Command::SetInitialSecurityState) < at(Command::FormNetwork));
    let security = bench.asked_of(Command::SetInitialSecurityState)[0];
    assert_eq!(security.bytes(F::NetworkKey), [0x07; 16]);
    assert_eq!(security.bytes(F::Key), [0x03; 16]);
    assert_eq!(security.u16(F::Bitmask), 0x0B84);
    let formed = bench.asked_of(Command::FormNetwork)[0];
    assert_eq!((formed.u16(F::Pan), formed.u8(F::Channel)), (0x1A2B, 15));
}

#[test]
fn a_frame_is_done_when_the_stick_says_it_arrived_and_not_delivered_when_it_says_so() {
    let mut bench = Bench::working();
    for (status, result) in
        [(Status::OK, Ok(Answer::Done)), (Status::DELIVERY_FAILED, Err(CoordinatorError::NotDelivered))]
    {
        let ticket = bench.submit(frame(Destination::Nwk(Nwk(0x1234)), false));
        assert_eq!(bench.answered(ticket), None);
        bench.sent(status);
        assert_eq!(bench.answered(ticket), Some(result));
    }
    assert_eq!(bench.asked_of(Command::SendUnicast)[0].u16(F::Options), 0x1140);
}

#[test]
fn a_frame_that_the_stick_never_tells_of_is_not_delivered() {
    let mut bench = Bench::working();
    let ticket = bench.submit(frame(Destination::Nwk(Nwk(0x1234)), false));
    bench.wait(Duration::from_secs(61));
    assert_eq!(bench.answered(ticket), Some(Err(CoordinatorError::NotDelivered)));
}

#[test]
fn a_broadcast_is_done_when_it_is_on_the_air() {
    let mut bench = Bench::working();
    assert_eq!(bench.ask(frame(Destination::Broadcast(Broadcast::Awake), false)), Ok(Answer::Done));
    assert_eq!(bench.asked_of(Command::SendBroadcast)[0].u16(F::Destination), 0xFFFD);
}

#[test]
fn a_busy_stick_gets_the_frame_again_a_moment_later() {
    let mut bench = Bench::working();
    bench.answer(Command::SendUnicast, Fields::new().with_status(Status::TOO_MANY_MESSAGES));
    bench.answer(Command::SendUnicast, Fields::new());
    let ticket = bench.submit(frame(Destination::Nwk(Nwk(0x1234)), false));
    bench.wait(BUSY_PAUSE);
    assert_eq!(bench.asked_of(Command::SendUnicast).len(), 2);
    bench.sent(Status::OK);
    assert_eq!(bench.answered(ticket), Some(Ok(Answer::Done)));
}

#[test]
fn a_stick_that_stays_busy_is_said_to_be_busy() {
    let mut bench = Bench::working();
    bench.answer(Command::SendUnicast, Fields::new().with_status(Status::TOO_MANY_MESSAGES));
    let ticket = bench.submit(frame(Destination::Nwk(Nwk(0x1234)), false));
    bench.wait(BUSY_PAUSE * 5);
    assert_eq!(bench.answered(ticket), Some(Err(CoordinatorError::Busy)));
}

#[test]
fn of_a_sleeping_device_the_stick_is_told_once() {
    let mut bench = Bench::working();
    bench.answer(Command::LookupNodeIdByEui64, Fields::new().with(F::Nwk, 0x4321_u16));
    for _ in 0..2 {
        bench.submit(frame(Destination::Ieee(LOCK), true));
        bench.sent(Status::OK);
    }
    let timeouts = bench.asked_of(Command::SetExtendedTimeout);
    assert_eq!(timeouts.len(), 1);
    assert_eq!((timeouts[0].ieee(F::Ieee), timeouts[0].u8(F::ExtendedTimeout)), (LOCK, 1));
    assert_eq!(bench.asked_of(Command::SendUnicast)[1].u16(F::Destination), 0x4321);
}

#[test]
fn a_sleeping_device_that_the_stick_does_not_know_gets_a_line_in_its_address_table() {
    let mut bench = Bench::working();
    let join = Fields::new().with(F::Nwk, 0x4321_u16).with_ieee(F::Ieee, LOCK).with(F::Kind, 1_u8);
    bench.tell(Command::TrustCenterJoinHandler, join);
    bench.run();
    bench.answer(Command::LookupNodeIdByEui64, Fields::new().with_status(Status::NOT_FOUND));
    bench.submit(frame(Destination::Nwk(Nwk(0x4321)), true));
    let line = bench.asked_of(Command::ReplaceAddressTableEntry)[0];
    assert_eq!((line.ieee(F::Ieee), line.u16(F::Nwk), line.u8(F::ExtendedTimeout)), (LOCK, 0x4321, 1));
}

#[test]
fn a_device_whose_address_the_stick_does_not_know_is_named() {
    let mut bench = Bench::working();
    bench.answer(Command::LookupNodeIdByEui64, Fields::new().with_status(Status::NOT_FOUND));
    let error = CoordinatorError::UnknownDevice(LOCK);
    assert_eq!(error.to_string(), "the stick does not know where 00:0d:6f:00:0a:0b:0c:01 is");
    assert_eq!(bench.ask(frame(Destination::Ieee(LOCK), false)), Err(error));
}

#[test]
fn a_network_that_is_open_closes_by_itself() {
    let mut bench = Bench::working();
    assert_eq!(bench.ask(Request::PermitJoin { seconds: 60, own_keys_only: false }), Ok(Answer::Done));
    let key = bench.asked_of(Command::ImportTransientKey)[0];
    assert_eq!((key.ieee(F::Ieee), key.bytes(F::Key)), (Ieee::NONE, b"ZigBeeAlliance09".as_slice()));
    assert_eq!(bench.asked_of(Command::SetPolicy)[0].u8(F::Decision), policy::JOINS_AND_REJOINS);
    bench.wait(Duration::from_secs(61));
    assert_eq!(bench.asked_of(Command::SetPolicy)[1].u8(F::Decision), policy::REJOINS_ONLY);
    assert_eq!(bench.asked_of(Command::PermitJoining)[1].u8(F::Duration), 0);
}

#[test]
fn joins_rejoins_refusals_and_leaves_are_told_apart() {
    let mut bench = Bench::working();
    let device = Fields::new().with(F::Nwk, 0x4321_u16).with_ieee(F::Ieee, LOCK);
    for (kind, decision) in [(1_u8, 0_u8), (0, 3), (1, 2), (2, 3)] {
        bench.tell(Command::TrustCenterJoinHandler, device.clone().with(F::Kind, kind).with(F::Decision, decision));
        bench.run();
    }
    let (ieee, nwk, parent) = (LOCK, Nwk(0x4321), Some(Nwk(0)));
    assert_eq!(
        bench.events,
        [
            CoordinatorEvent::DeviceJoined { ieee, nwk, parent, rejoined: false, secured: false },
            CoordinatorEvent::DeviceJoined { ieee, nwk, parent, rejoined: true, secured: true },
            CoordinatorEvent::DeviceLeft { ieee, nwk },
        ]
    );
}

#[test]
fn what_was_under_way_when_the_stick_restarts_is_said_to_be_unknown() {
    let mut bench = Bench::working();
    let ticket = bench.submit(frame(Destination::Nwk(Nwk(0x1234)), false));
    bench.coordinator.handle_bytes(bench.now, &encode(&Frame::Error { version: 2, code: 0x06 }));
    bench.run();
    assert_eq!(bench.answered(ticket), Some(Err(CoordinatorError::Restarted)));
    let kinds: Vec<_> = bench.events.iter().skip(1).take(3).collect();
    assert!(
        matches!(
            kinds[..],
            [CoordinatorEvent::NetworkDown, CoordinatorEvent::Restarted, CoordinatorEvent::Identified(_)]
        ),
        "{kinds:?}"
    );
}

#[test]
fn a_stick_that_falls_silent_is_noticed() {
    let mut bench = Bench::working();
    bench.is_dead = true;
    bench.wait(WATCHDOG + Duration::from_secs(60));
    let silence = Stranger::Silence.sentence(Some(Family::Ezsp)).to_owned();
    assert!(bench.events.contains(&CoordinatorEvent::Restarted));
    assert!(bench.events.contains(&CoordinatorEvent::Failed(silence)), "{:?}", bench.events);
    bench.is_dead = false;
    bench.wait(Duration::from_secs(30));
    assert!(matches!(bench.events.last(), Some(CoordinatorEvent::Identified(_))));
}

#[test]
fn a_stick_in_its_bootloader_is_named_as_such_and_tried_again() {
    let mut bench = Bench::new();
    bench.is_dead = true;
    bench.open();
    bench.wait(Duration::from_secs(10));
    bench.coordinator.handle_bytes(bench.now, b"\r\nGecko Bootloader v1.12.00\r\nBL > ");
    bench.wait(Duration::from_secs(2));
    assert_eq!(
        bench.events,
        [CoordinatorEvent::Failed(Stranger::GeckoBootloader.sentence(Some(Family::Ezsp)).to_owned())]
    );
    bench.is_dead = false;
    bench.wait(TRY_AGAIN);
    assert!(matches!(bench.events.last(), Some(CoordinatorEvent::Identified(_))));
}

#[test]
fn the_backup_has_the_keys_the_counter_and_the_devices_with_keys_of_their_own() {
    let mut bench = Bench::working();
    bench.answer(Command::GetCurrentSecurityState, Fields::new().with(F::Bitmask, 0x0094_u16));
    bench.answer(Command::ExportKey, Fields::new().with_bytes(F::Key, &[0x07; 16]));
    bench.answer(Command::ExportKey, Fields::new().with_bytes(F::Key, &[0x03; 16]));
    bench.answer(Command::GetNetworkKeyInfo, Fields::new().with(F::Sequence, 2_u8).with(F::Counter, 0x1000_u16));
    bench.answer(Command::GetConfigurationValue, Fields::new().with(F::Value, 2_u8));
    let key = Fields::new().with_ieee(F::Ieee, LOCK).with_bytes(F::Key, &[0x09; 16]).with(F::OutgoingCounter, 5_u8);
    bench.answer(Command::ExportLinkKeyByIndex, key);
    bench.answer(Command::ExportLinkKeyByIndex, Fields::new().with_status(Status::NOT_FOUND));
    bench.answer(Command::LookupNodeIdByEui64, Fields::new().with(F::Nwk, 0x4321_u16));
    let link_key = Some(LinkKey { key: Key::new([0x09; 16]), sent: 5, received: 0 });
    let backup = NetworkBackup {
        coordinator: OWN,
        network: network(),
        update_id: 0,
        key_sequence: 2,
        frame_counter: 0x1000,
        link_key_seed: Some(crate::backup::LinkKeySeed { family: Family::Ezsp, seed: Key::new([0x03; 16]) }),
        devices: vec![KnownDevice { ieee: LOCK, nwk: Some(Nwk(0x4321)), is_child: false, link_key }],
    };
    assert_eq!(bench.ask(Request::ReadBackup), Ok(Answer::Backup(Box::new(backup))));
}

#[test]
fn a_network_is_restored_with_its_address_its_keys_and_counters_that_nobody_has_seen() {
    let mut bench = Bench::working();
    let coordinator = Ieee(0x0012_4B00_0102_0304);
    bench.answers.remove(&Command::GetEui64);
    bench.answer(Command::GetEui64, Fields::new().with_ieee(F::Ieee, coordinator));
    bench.answer(Command::GetTokenData, Fields::new().with_bytes(F::Value, &OWN.to_bytes()));
    bench.answer(Command::GetTokenData, Fields::new().with_bytes(F::Value, &[0x00, 0xF8, 0xFF, 0x07, 0, 0, 0, 0]));
    let link_key = Some(LinkKey { key: Key::new([0x09; 16]), sent: 5, received: 0 });
    let backup = NetworkBackup {
        coordinator,
        network: network(),
        update_id: 4,
        key_sequence: 2,
        frame_counter: 0x1000,
        link_key_seed: None,
        devices: vec![KnownDevice { ieee: LOCK, nwk: None, is_child: false, link_key }],
    };
    let restarts = bench.restarts;
    assert_eq!(bench.ask(Request::WriteBackup { backup: Box::new(backup), burn_address: false }), Ok(Answer::Done));
    assert_eq!(bench.restarts, restarts + 2);
    let tokens = bench.asked_of(Command::SetTokenData);
    assert_eq!((tokens[0].u32(F::Token), tokens[0].bytes(F::Value)), (0xE12A, coordinator.to_bytes().as_slice()));
    assert_eq!(
        (tokens[1].u32(F::Token), tokens[1].bytes(F::Value)),
        (0x1_E125, [0x00, 0xF8, 0xFF, 0x07, 0, 0, 4, 0].as_slice())
    );
    let counter = |fields: &&&Fields| fields.u8(F::Id) == value::NWK_FRAME_COUNTER;
    let values = bench.asked_of(Command::SetValue);
    assert_eq!(values.iter().find(counter).unwrap().bytes(F::Value), (0x1000_u32 + 1_000_000).to_le_bytes());
    let security = bench.asked_of(Command::SetInitialSecurityState)[0];
    assert_eq!((security.u16(F::Bitmask), security.u8(F::Sequence)), (0x1B84, 2));
    assert_eq!(security.bytes(F::Key), [0x55; 16]);
    assert_eq!(bench.asked_of(Command::ImportLinkKey)[0].bytes(F::Key), [0x09; 16]);
}

#[test]
fn an_address_that_stays_for_ever_is_burnt_in_only_by_the_owners_word_and_nothing_is_lost_without_it() {
    for burn_address in [false, true] {
        let mut bench = Bench::working();
        let coordinator = Ieee(0x0012_4B00_0102_0304);
        for _ in 0..2 {
            bench.answer(Command::GetTokenData, Fields::new().with_status(Status::NOT_FOUND));
        }
        bench.answers.remove(&Command::GetMfgToken);
        bench.answer(Command::GetMfgToken, Fields::new().with_bytes(F::Value, &[0xFF; 8]));
        let backup = Box::new(NetworkBackup {
            coordinator,
            network: network(),
            update_id: 0,
            key_sequence: 0,
            frame_counter: 0,
            link_key_seed: None,
            devices: Vec::new(),
        });
        let before = bench.asked_of(Command::LeaveNetwork).len();
        let written = bench.ask(Request::WriteBackup { backup, burn_address });
        assert_eq!(written == Err(CoordinatorError::OnlyOnce), !burn_address);
        assert_eq!(bench.asked_of(Command::SetMfgToken).len(), usize::from(burn_address));
        assert_eq!(bench.asked_of(Command::LeaveNetwork).len() - before, usize::from(burn_address));
    }
}
