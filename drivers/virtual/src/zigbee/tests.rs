//! The stick and its locks as a host sees them: real bytes in and out.

use std::collections::VecDeque;
use std::time::Duration;

use keyway_zigbee::ash::frame::FrameNumber;
use keyway_zigbee::ash::stuffing::encode;
use keyway_zigbee::ash::{Frame, FrameParser, Received};
use keyway_zigbee::key::Key;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::ezsp::RESTART;
use super::put::Put;
use super::*;

#[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
pub(super) fn start() -> Instant {
    Instant::now()
}

/// A host that acknowledges whatever comes.
struct Host {
    now: Instant,
    stick: VirtualStick,
    parser: FrameParser,
    number: FrameNumber,
    expected: FrameNumber,
    sequence: u8,
    /// Payloads that came: command and body.
    heard: VecDeque<(u16, Vec<u8>)>,
    started: usize,
}

const TRANSIENT_KEY: u16 = 0x0111;
const SET_POLICY: u16 = 0x0055;
const PERMIT: u16 = 0x0022;
const STACK_STATUS: u16 = 0x0019;
const CHILD_JOIN: u16 = 0x0023;
const TRUST_CENTER_JOIN: u16 = 0x0024;
const SENT: u16 = 0x003F;
const INCOMING: u16 = 0x0045;
const SEND: u16 = 0x0034;

impl Host {
    fn new(setup: &StickSetup) -> Self {
        let now = start();
        let mut stick = VirtualStick::new(now, setup, [7; 32]);
        stick.handle_opened(now);
        let mut host = Self {
            now,
            stick,
            parser: FrameParser::default(),
            number: FrameNumber::default(),
            expected: FrameNumber::default(),
            sequence: 0,
            heard: VecDeque::new(),
            started: 0,
        };
        host.reset();
        host
    }

    /// One that has agreed on the version, formed a network, and let joining be by the well-known key.
    fn formed(setup: &StickSetup) -> Self {
        let mut host = Self::new(setup);
        host.agree(setup.version);
        let state = Vec::new().u16(0x1304).bytes(&[5; 16]).bytes(&[6; 16]).u8(0).bytes(&[0; 8]);
        assert_eq!(host.ask(0x0068, &state), [0]);
        let network = vec![0xDD; 8].u16(0x1234).u8(8).u8(15).u8(0).u16(0).u8(0).u32(0x07FF_F800);
        assert_eq!(host.ask(0x001E, &network), [0]);
        assert_eq!(host.wait_for(STACK_STATUS), [0x90], "the network is up");
        host
    }

    fn open(&mut self, policy: u8) {
        assert_eq!(self.ask(SET_POLICY, &[0, policy]), [0]);
        let everybody = vec![0xFF; 8].bytes(b"ZigBeeAlliance09").u8(0);
        assert_eq!(self.ask(TRANSIENT_KEY, &everybody), [0; 4]);
        assert_eq!(self.ask(PERMIT, &[60]), [0]);
        self.heard.clear();
    }

    fn reset(&mut self) {
        (self.number, self.expected, self.sequence) = (FrameNumber::default(), FrameNumber::default(), 0);
        self.heard.clear();
        self.write(&Frame::Reset);
        let before = self.started;
        self.run(RESTART);
        assert_eq!(self.started, before + 1);
    }

    fn agree(&mut self, version: u8) {
        self.write_payload(vec![0, 0, 0, version]);
        self.run(Duration::ZERO);
        let told = self.heard.pop_front().unwrap();
        assert_eq!((told.0, told.1[0]), (0, version));
    }

    /// Asks, and takes the answer.
    fn ask(&mut self, command: u16, body: &[u8]) -> Vec<u8> {
        self.sequence += 1;
        self.write_payload(vec![self.sequence, 0, 1].u16(command).bytes(body));
        self.run(Duration::ZERO);
        let at = self.heard.iter().position(|(id, _)| *id == command || *id == 0x0058).expect("an answer");
        self.heard.remove(at).unwrap().1
    }

    /// The next callback of this kind.
    fn wait_for(&mut self, callback: u16) -> Vec<u8> {
        for _ in 0..200 {
            if let Some(at) = self.heard.iter().position(|(id, _)| *id == callback) {
                return self.heard.remove(at).unwrap().1;
            }
            self.run(Duration::from_millis(100));
        }
        panic!("callback {callback:#06x} did not come; heard {:?}", self.heard)
    }

    fn write_payload(&mut self, payload: Vec<u8>) {
        let (number, ack, payload) = (self.number, self.expected, Zeroizing::new(payload));
        self.number = self.number.plus(1);
        self.write(&Frame::Data { number, retransmitted: false, ack, payload });
    }

    fn write(&mut self, frame: &Frame) {
        self.stick.handle_bytes(self.now, &encode(frame));
    }

    /// Lets time pass.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            match self.stick.poll_output() {
                VirtualOutput::Transmit(bytes) => bytes.iter().for_each(|byte| self.read(*byte)),
                VirtualOutput::Timeout(Some(at)) if at <= end => {
                    self.now = at.max(self.now);
                    self.stick.handle_timeout(self.now);
                }
                VirtualOutput::Timeout(_) => break,
            }
        }
        self.now = end;
    }

    fn read(&mut self, byte: u8) {
        match self.parser.push(byte) {
            Some(Received::Frame(Frame::ResetAck { .. })) => self.started += 1,
            Some(Received::Frame(Frame::Data { number, payload, .. })) if number == self.expected => {
                self.expected = self.expected.plus(1);
                let body = match &payload[..] {
                    [_, _, 1, low, high, body @ ..] => (u16::from_le_bytes([*low, *high]), body.to_vec()),
                    [_, _, id, body @ ..] => (u16::from(*id), body.to_vec()),
                    _ => panic!("no payload"),
                };
                self.heard.push_back(body);
                self.write(&Frame::Ack { ack: self.expected, not_ready: false });
            }
            _ => {}
        }
    }

    fn control(&mut self, request: Value) -> Value {
        self.stick.handle_control(self.now, &request.to_string()).answer
    }

    /// Sends a command of Door Lock to the lock at this address.
    fn door_lock(&mut self, nwk: u16, command: u8, body: &[u8]) {
        let contents = vec![0x01, 0x42, command].bytes(body);
        let aps = Vec::new().u16(0x0104).u16(0x0101).u8(1).u8(1).u16(0x0140).u16(0).u8(0);
        let message = vec![0].u16(nwk).bytes(&aps).u8(9).counted(&contents);
        assert_eq!(self.ask(SEND, &message)[0], 0);
    }

    /// The body of the next answer of a lock.
    fn answer(&mut self) -> Vec<u8> {
        let incoming = self.wait_for(INCOMING);
        incoming[19 + 3..].to_vec()
    }

    /// The lock joins; its address.
    fn join(&mut self, node: u16) -> u16 {
        assert_eq!(self.control(json!({"node": node, "join": true})), json!({"ok": true}));
        let joined = self.wait_for(TRUST_CENTER_JOIN);
        assert_eq!(joined[10..12], [1, 0], "an unsecured join, under a preconfigured key");
        let announced = self.wait_for(INCOMING);
        assert_eq!(announced[3..5], [0x13, 0]);
        u16::from_le_bytes([joined[0], joined[1]])
    }
}

fn fresh(version: u8, locks: Vec<LockSetup>) -> StickSetup {
    let quick = |lock| LockSetup { joined: false, motor: Duration::ZERO, asks_time: false, ..lock };
    let locks = locks.into_iter().map(quick).collect();
    StickSetup { version, locks, ..demo_setup() }
}

fn one() -> StickSetup {
    fresh(13, vec![LockSetup::new(2, "Front door")])
}

#[test]
fn until_the_version_is_agreed_on_nothing_else_is_answered() {
    let mut host = Host::new(&one());
    assert_eq!(host.ask(0x0018, &[]), [0x30]);
    host.agree(13);
    assert_eq!(host.ask(0x0018, &[]), [0], "no network");
    assert_eq!(host.ask(0x7777, &[]), [0x31], "no such command");
    assert_eq!(host.ask(SET_POLICY, &[0]), [0x33], "truncated");
}

#[test]
fn a_lock_joins_while_the_network_is_open_and_not_before() {
    let mut host = Host::formed(&one());
    let refused = json!({"ok": false, "error": "there is no network to do that in"});
    assert_eq!(host.control(json!({"node": 2, "join": true})), refused);
    host.open(1);
    let nwk = host.join(2);
    assert_eq!(host.heard[0].0, CHILD_JOIN);
    let state = host.control(json!({"get": "state"}));
    assert_eq!((&state["locks"][0]["joined"], &state["locks"][0]["nwk"]), (&json!(true), &json!(nwk)));
    assert_eq!(host.wait_for(0x009B)[8], 0x06, "it asked for a link key of its own");
    assert_eq!(host.wait_for(0x009B)[8], 0x34, "and has proven that it has it");
}

#[test]
fn a_lock_with_an_install_code_reads_no_key_under_another_and_one_without_is_turned_away_where_codes_are_asked_for() {
    let key = Key::new([9; 16]);
    let coded = LockSetup { install_code_key: Some(key.clone()), ..LockSetup::new(3, "Shed") };
    let setup = fresh(13, vec![LockSetup::new(2, "Front door"), coded]);
    let mut host = Host::formed(&setup);
    host.open(1);
    host.control(json!({"node": 3, "join": true}));
    assert_eq!(host.wait_for(TRUST_CENTER_JOIN)[10..12], [1, 0], "the trust centre can't know");
    host.run(Duration::from_secs(5));
    assert_eq!(host.control(json!({"get": "state"}))["locks"][1]["joined"], json!(false));
    // Joins by install codes only.
    host.open(0x11);
    let own = setup.locks[1].ieee.to_bytes().to_vec().bytes(key.expose()).u8(0);
    assert_eq!(host.ask(TRANSIENT_KEY, &own), [0; 4]);
    host.join(3);
    host.control(json!({"node": 2, "join": true}));
    assert_eq!(host.wait_for(TRUST_CENTER_JOIN)[10..12], [1, 2], "denied");
}

#[test]
fn a_frame_waits_for_a_lock_that_sleeps_and_is_given_up_when_it_does_not_come() {
    let mut host = Host::formed(&one());
    host.open(1);
    let nwk = host.join(2);
    host.door_lock(nwk, 0x05, &[3, 0, 1, 0, 4, b'4', b'7', b'1', b'1']);
    assert_eq!(host.wait_for(SENT)[15], 0);
    assert_eq!(host.answer(), [0], "it has the code");
    assert_eq!(host.control(json!({"node": 2, "keypad": "4711"}))["slot"], json!(3));
    host.control(json!({"node": 2, "fault": {"asleep": true}}));
    host.door_lock(nwk, 0x06, &[3, 0]);
    assert_eq!(host.wait_for(SENT)[15], 0x66, "delivery failed");
    host.control(json!({"node": 2, "fault": {"asleep": false}}));
    host.door_lock(nwk, 0x06, &[3, 0]);
    assert_eq!(host.answer(), [3, 0, 1, 0, 4, b'4', b'7', b'1', b'1']);
}

#[test]
fn the_network_outlives_a_restart_of_the_stick() {
    let mut host = Host::formed(&one());
    host.open(1);
    let nwk = host.join(2);
    host.reset();
    host.agree(13);
    assert_eq!(host.ask(0x0018, &[]), [0]);
    assert_eq!(host.ask(0x0017, &[0, 0]), [0], "it is taken up again");
    assert_eq!(host.wait_for(STACK_STATUS), [0x90]);
    host.door_lock(nwk, 0x06, &[3, 0]);
    assert_eq!(host.answer()[2], 0, "the lock answers");
}

#[test]
fn a_lock_takes_no_frame_whose_counter_has_gone_back() {
    let mut host = Host::formed(&one());
    host.open(1);
    let nwk = host.join(2);
    host.door_lock(nwk, 0x06, &[3, 0]);
    host.answer();
    host.stick.network.held.as_mut().unwrap().counter = 0;
    host.door_lock(nwk, 0x06, &[3, 0]);
    host.run(Duration::from_secs(5));
    let incoming = host.heard.iter().filter(|(id, body)| *id == INCOMING && body[3..5] == [1, 1]).count();
    assert_eq!(incoming, 0);
}

#[test]
fn another_stick_in_its_place_has_no_network_and_the_locks_stay_in_theirs() {
    let mut host = Host::formed(&one());
    host.open(1);
    host.join(2);
    let swapped = host.control(json!({"stick": {"swap": {"ieee": "00:12:4b:00:00:00:00:99", "version": 14}}}));
    assert_eq!(swapped, json!({"ok": true}));
    host.reset();
    host.agree(14);
    assert_eq!(host.ask(0x0017, &[0, 0]), [0x17, 0, 0, 0], "not joined");
    let state = host.control(json!({"get": "state"}));
    assert_eq!((&state["network"], &state["locks"][0]["joined"]), (&json!(null), &json!(true)));
    assert!(host.control(json!({"stick": {"swap": {"ieee": "x"}}}))["error"].as_str().unwrap().contains("swap.ieee"));
}

#[test]
fn a_stick_that_fails_says_so_until_it_is_reset() {
    let mut host = Host::formed(&one());
    host.control(json!({"stick": {"fail": true}}));
    host.write_payload(vec![1, 0, 1, 0x18, 0]);
    host.run(Duration::ZERO);
    assert!(host.heard.is_empty());
    host.reset();
    host.agree(13);
}

#[test]
fn since_version_14_statuses_are_words() {
    let mut host = Host::new(&fresh(14, Vec::new()));
    host.agree(14);
    assert_eq!(host.ask(0x0017, &[0, 0]), [0x17, 0, 0, 0], "not joined");
    assert_eq!(host.ask(0x0053, &[0x2A, 3, 0]), [0; 4]);
}

#[test]
fn a_lock_that_loses_its_way_comes_back_under_another_address() {
    let mut host = Host::formed(&one());
    host.open(1);
    let before = host.join(2);
    assert_eq!(host.control(json!({"node": 2, "rejoin": "secured"})), json!({"ok": true}));
    let told = host.wait_for(TRUST_CENTER_JOIN);
    let after = u16::from_le_bytes([told[0], told[1]]);
    assert!(after != before && told[10] == 0, "a secured rejoin");
    host.wait_for(INCOMING);
    host.door_lock(before, 0x06, &[3, 0]);
    assert_eq!(host.wait_for(SENT)[15], 0x66, "nobody is there any more");
    host.door_lock(after, 0x06, &[3, 0]);
    assert_eq!(host.answer()[2], 0);
    host.control(json!({"node": 2, "leave": true}));
    assert_eq!(host.wait_for(TRUST_CENTER_JOIN)[10], 2, "it has left");
}

#[test]
fn what_can_not_be_done_is_said() {
    let mut host = Host::new(&one());
    let mut refusal = |request: Value| {
        let answer = host.control(request);
        assert_eq!(answer["ok"], json!(false), "{answer}");
        answer["error"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(refusal(json!({"node": 9, "jam": true})), "node 9 is no lock here");
    assert!(refusal(json!({"node": 2, "paint": "red"})).contains("paint"));
    assert!(refusal(json!({"node": 2})).starts_with("nothing to do"));
    assert!(refusal(json!([])).starts_with("expected"));
    assert!(refusal(json!({"unbox": {"node": 2}})).starts_with("node 2 is here already"));
}
