//! The stick and its locks as a host of ZNP sees them: real bytes in and out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_zigbee::znp::mt::{Command, Frame, FrameParser, Kind};
use serde_json::{Value, json};

use super::super::put::Put;
use super::super::tests::start;
use super::super::{Adapter, LockSetup, Memory, StickSetup, VirtualStick, demo_setup};
use crate::stick::{Stick, VirtualOutput};

const PING: Command = Command(0x01, 0x01);
const RESET: Command = Command(0x01, 0x00);
const RESET_IND: Command = Command(0x01, 0x80);
const NV_INIT: Command = Command(0x01, 0x07);
const NV_READ: Command = Command(0x01, 0x08);
const NV_WRITE: Command = Command(0x01, 0x09);
const NV_DELETE: Command = Command(0x01, 0x12);
const LINE_READ: Command = Command(0x01, 0x33);
const REGISTER: Command = Command(0x04, 0x00);
const DATA: Command = Command(0x04, 0x01);
const CONFIRM: Command = Command(0x04, 0x80);
const INCOMING: Command = Command(0x04, 0x81);
const NODE_DESC: Command = Command(0x05, 0x02);
const NODE_DESC_RSP: Command = Command(0x05, 0x82);
const PERMIT: Command = Command(0x05, 0x36);
const PERMIT_RSP: Command = Command(0x05, 0xB6);
const SCAN: Command = Command(0x05, 0x37);
const SCAN_RSP: Command = Command(0x05, 0xB8);
const REGISTER_CB: Command = Command(0x05, 0x3E);
const STARTUP: Command = Command(0x05, 0x40);
const NETWORK: Command = Command(0x05, 0x50);
const STATE: Command = Command(0x05, 0xC0);
const ANNOUNCED: Command = Command(0x05, 0xC1);
const LEFT: Command = Command(0x05, 0xC9);
const JOINED: Command = Command(0x05, 0xCA);
const AS_IT_CAME: Command = Command(0x05, 0xFF);
const DEVICE_INFO: Command = Command(0x07, 0x00);
const ADD_CODE: Command = Command(0x0F, 0x04);
const COMMISSION: Command = Command(0x0F, 0x05);
const CODES_ONLY: Command = Command(0x0F, 0x06);
const CHANNEL: Command = Command(0x0F, 0x08);
const NOTIFIED: Command = Command(0x0F, 0x80);

const NIB: u16 = 0x0021;
const COUNTERS: u16 = 0x0007;
const SEEDED_KEYS: u16 = 0x0004;

struct Host {
    now: Instant,
    stick: VirtualStick,
    parser: FrameParser,
    told: VecDeque<Frame>,
}

impl Host {
    fn new(setup: &StickSetup) -> Self {
        let now = start();
        let stick = VirtualStick::new(now, setup, [7; 32]);
        Self { now, stick, parser: FrameParser::default(), told: VecDeque::new() }
    }

    /// One that has formed a network on channel 15.
    fn formed(setup: &StickSetup) -> Self {
        let mut host = Self::new(setup);
        for (item, value) in [(0x0083, &[0x34, 0x12][..]), (0x0047, &[0xDD; 8]), (0x0062, &[5; 16])] {
            assert_eq!(host.write(item, value), 0);
        }
        assert_eq!(host.ask(CHANNEL, &vec![1].u32(1 << 15)), [0]);
        assert_eq!(host.ask(COMMISSION, &[4]), [0]);
        host.wait_until(STATE, |state| state == [9]);
        let ha = vec![1].u16(0x0104).u16(7).bytes(&[0, 0, 0, 0]);
        assert_eq!(host.ask(REGISTER, &ha), [0]);
        host.run(Duration::from_secs(1));
        host.told.clear();
        host
    }

    fn say(&mut self, kind: Kind, command: Command, data: &[u8]) {
        self.stick.handle_bytes(self.now, &Frame::new(kind, command, data).to_bytes());
        self.run(Duration::ZERO);
    }

    /// Asks, and takes the answer.
    fn ask(&mut self, command: Command, data: &[u8]) -> Vec<u8> {
        self.say(Kind::Request, command, data);
        let at = self.told.iter().position(|frame| frame.kind == Kind::Answer).expect("an answer");
        let answer = self.told.remove(at).unwrap();
        let is_refusal = answer.command == Command(0, 0);
        assert!(is_refusal || answer.command == command, "{answer:?}");
        answer.data.to_vec()
    }

    fn write(&mut self, item: u16, value: &[u8]) -> u8 {
        self.ask(NV_WRITE, &Vec::new().u16(item).u8(0).counted(value))[0]
    }

    fn read(&mut self, item: u16) -> Vec<u8> {
        self.ask(NV_READ, &Vec::new().u16(item).u8(0))
    }

    fn line(&mut self, table: u16, line: u16, length: u8) -> Vec<u8> {
        self.ask(LINE_READ, &vec![1].u16(table).u16(line).u16(0).u8(length))
    }

    /// The next of what the stick tells of this kind.
    fn wait_for(&mut self, command: Command) -> Vec<u8> {
        self.wait_until(command, |_| true)
    }

    fn wait_until(&mut self, command: Command, is_it: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        for _ in 0..400 {
            if let Some(at) = self.told.iter().position(|frame| frame.command == command && is_it(&frame.data)) {
                return self.told.remove(at).unwrap().data.to_vec();
            }
            self.run(Duration::from_millis(50));
        }
        panic!("{command:?} was not told; what was: {:?}", self.told)
    }

    /// Lets time pass.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            match self.stick.poll_output() {
                VirtualOutput::Transmit(bytes) => {
                    self.parser.push(self.now, &bytes);
                    while let Some(frame) = self.parser.next_frame() {
                        self.told.push_back(frame);
                    }
                }
                VirtualOutput::Timeout(Some(at)) if at <= end => {
                    self.now = at.max(self.now);
                    self.stick.handle_timeout(self.now);
                }
                VirtualOutput::Timeout(_) => break,
            }
        }
        self.now = end;
    }

    fn reset(&mut self) -> Vec<u8> {
        self.say(Kind::Tell, RESET, &[1]);
        self.wait_for(RESET_IND)
    }

    fn control(&mut self, request: Value) -> Value {
        self.stick.handle_control(self.now, &request.to_string()).answer
    }

    fn open(&mut self) {
        assert_eq!(self.ask(PERMIT, &[2, 0, 0, 60, 1]), [0]);
        assert_eq!(self.wait_for(PERMIT_RSP), [0, 0, 0]);
    }

    /// The lock joins; its address.
    fn join(&mut self, node: u16) -> u16 {
        assert_eq!(self.control(json!({"node": node, "join": true})), json!({"ok": true}));
        let joined = self.wait_for(JOINED);
        assert_eq!((joined.len(), &joined[10..]), (12, &[0, 0][..]), "its parent is the stick");
        assert_eq!(self.wait_for(ANNOUNCED)[2..12], joined[..10]);
        self.run(Duration::from_secs(1));
        u16::from_le_bytes([joined[0], joined[1]])
    }

    /// Sends a command of Door Lock, of this transaction.
    fn door_lock(&mut self, nwk: u16, transaction: u8, command: u8, body: &[u8]) {
        let contents = vec![0x01, 0x42, command].bytes(body);
        let request = Vec::new().u16(nwk).u8(1).u8(1).u16(0x0101).u8(transaction).u8(0x10).u8(30);
        assert_eq!(self.ask(DATA, &request.counted(&contents)), [0]);
    }

    /// The body of the next answer of a lock.
    fn answer(&mut self) -> Vec<u8> {
        let incoming = self.wait_until(INCOMING, |data| data[2..4] == [0x01, 0x01]);
        let length = usize::from(incoming[16]);
        assert_eq!(incoming.len(), 17 + length + 3, "behind the frame comes who handed it over");
        incoming[17 + 3..17 + length].to_vec()
    }
}

fn fresh(locks: Vec<LockSetup>) -> StickSetup {
    let quick = |lock| LockSetup { joined: false, motor: Duration::ZERO, asks_time: false, ..lock };
    StickSetup { adapter: Adapter::Znp, locks: locks.into_iter().map(quick).collect(), ..demo_setup() }
}

fn one() -> StickSetup {
    fresh(vec![LockSetup::new(2, "Front door")])
}

#[test]
fn it_says_what_it_is_and_refuses_what_it_does_not_know() {
    let mut host = Host::new(&one());
    assert_eq!(host.ask(PING, &[]), [0x59, 0x06]);
    assert_eq!(host.ask(Command(0x01, 0x02), &[])[..5], [2, 1, 2, 7, 1]);
    assert_eq!(host.ask(Command(0x01, 0x7F), &[]), [2, 0x21, 0x7F], "no such command");
    assert_eq!(host.ask(Command(0x02, 0x01), &[]), [1, 0x22, 0x01], "no such subsystem");
    assert_eq!(host.ask(NV_READ, &[0x21]), [4, 0x21, 0x08], "too short");
    let info = host.ask(DEVICE_INFO, &[]);
    assert_eq!(info[9..14], [0xFE, 0xFF, 7, 0, 0], "no address, and it waits to be told");
}

#[test]
fn an_item_is_made_once_read_in_pieces_and_deleted_by_its_length_only() {
    let mut host = Host::new(&one());
    assert_eq!(host.read(0x0060), [2, 0], "there is none");
    assert_eq!(host.write(0x0060, &[0x55]), 2);
    assert_eq!(host.ask(NV_INIT, &Vec::new().u16(0x0060).u16(3).counted(&[0x55])), [9]);
    assert_eq!(host.ask(NV_INIT, &Vec::new().u16(0x0060).u16(3).counted(&[0x77])), [0], "it is there already");
    assert_eq!(host.read(0x0060), [0, 3, 0x55, 0xFF, 0xFF]);
    assert_eq!(host.ask(NV_READ, &Vec::new().u16(0x0060).u8(2)), [0, 1, 0xFF]);
    assert_eq!(host.write(0x0060, &[1, 2, 3, 4]), 2, "too long");
    assert_eq!(host.ask(NV_DELETE, &Vec::new().u16(0x0060).u16(2)), [0x0C]);
    assert_eq!(host.ask(NV_DELETE, &Vec::new().u16(0x0060).u16(3)), [0]);
    assert_eq!(host.ask(NV_DELETE, &Vec::new().u16(0x0060).u16(3)), [9]);
    assert_eq!(host.line(COUNTERS, 99, 12), [10, 0], "no such line");
}

#[test]
fn a_network_is_formed_where_the_memory_says_and_stands_there_a_little_later() {
    let mut host = Host::new(&one());
    host.write(0x0083, &[0x34, 0x12]);
    host.write(0x0047, &[0xDD; 8]);
    host.ask(CHANNEL, &vec![1].u32(1 << 15));
    host.ask(COMMISSION, &[4]);
    assert_eq!(host.wait_for(STATE), [8]);
    assert_eq!(host.wait_for(NOTIFIED), [1, 2, 0]);
    host.wait_until(STATE, |state| state == [9]);
    assert_eq!(host.wait_for(NOTIFIED), [0, 2, 0]);
    assert_eq!(host.read(NIB), [2, 0]);
    host.run(Duration::from_secs(1));
    let nib = host.read(NIB);
    assert_eq!((nib.len(), nib[2 + 24], &nib[2 + 36..2 + 38]), (118, 15, &[0x34, 0x12][..]));
    let network = host.ask(NETWORK, &[]);
    assert_eq!((network.len(), &network[..5], network[23]), (24, &[0, 0, 9, 0x34, 0x12][..], 15));
    assert_eq!(host.read(0x0055), [0, 1, 1]);
}

#[test]
fn without_a_channel_no_network_is_formed() {
    let mut host = Host::new(&one());
    host.ask(CHANNEL, &vec![1].u32(0));
    host.ask(COMMISSION, &[4]);
    assert_eq!(host.wait_for(NOTIFIED), [8, 2, 0]);
}

#[test]
fn a_lock_joins_gets_a_key_made_from_the_seed_and_is_forgotten_when_it_leaves() {
    let mut host = Host::formed(&one());
    let refused = json!({"ok": false, "error": "there is no network to do that in"});
    assert_eq!(host.control(json!({"node": 2, "join": true})), refused);
    host.open();
    let nwk = host.join(2);
    let line = host.line(SEEDED_KEYS, 0, 20);
    assert_eq!(line[18], 2, "the lock has proven that it has the key");
    let address = host.line(1, 0, 12);
    assert_eq!((address[2], &address[4..6]), (3, &nwk.to_le_bytes()[..]), "a child with a key");
    host.control(json!({"node": 2, "leave": true}));
    assert_eq!(host.wait_for(LEFT)[10..], [0, 0, 0]);
    assert_eq!(host.line(1, 0, 12)[2..], [0xFF; 12]);
    assert_eq!(host.line(SEEDED_KEYS, 0, 20)[18], 0xFF);
}

#[test]
fn where_codes_are_asked_for_only_a_device_with_one_gets_in() {
    let key = keyway_zigbee::key::Key::new([9; 16]);
    let coded = LockSetup { install_code_key: Some(key.clone()), ..LockSetup::new(3, "Shed") };
    let setup = fresh(vec![LockSetup::new(2, "Front door"), coded]);
    let mut host = Host::formed(&setup);
    assert_eq!(host.ask(CODES_ONLY, &[1]), [0]);
    let own = setup.locks[1].ieee.to_bytes();
    assert_eq!(host.ask(ADD_CODE, &vec![2].bytes(&own).bytes(key.expose())), [0]);
    assert_eq!(host.ask(ADD_CODE, &vec![1].bytes(&own).bytes(&[0; 18])), [2], "a wrong checksum");
    host.open();
    host.join(3);
    host.control(json!({"node": 2, "join": true}));
    host.run(Duration::from_secs(5));
    assert_eq!(host.control(json!({"get": "state"}))["locks"][0]["joined"], json!(false));
}

#[test]
fn a_pin_is_set_and_read_and_what_became_of_each_frame_is_told() {
    let mut host = Host::formed(&one());
    host.open();
    let nwk = host.join(2);
    host.door_lock(nwk, 9, 0x05, &[3, 0, 1, 0, 4, b'4', b'7', b'1', b'1']);
    assert_eq!(host.wait_for(CONFIRM), [0, 1, 9]);
    assert_eq!(host.answer(), [0]);
    host.door_lock(nwk, 10, 0x06, &[3, 0]);
    assert_eq!(host.answer(), [3, 0, 1, 0, 4, b'4', b'7', b'1', b'1']);
    host.control(json!({"node": 2, "fault": {"asleep": true}}));
    host.door_lock(nwk, 11, 0x06, &[3, 0]);
    assert_eq!(host.wait_until(CONFIRM, |data| data[2] == 11), [0xF0, 1, 11], "its time is over");
    host.door_lock(0x7777, 12, 0x06, &[3, 0]);
    assert_eq!(host.wait_until(CONFIRM, |data| data[2] == 12), [0xCD, 1, 12], "no way there");
    let unknown_endpoint = Vec::new().u16(nwk).u8(1).u8(77).u16(0x0101).u8(13).u8(0).u8(30).counted(&[1]);
    assert_eq!(host.ask(DATA, &unknown_endpoint), [2]);
}

#[test]
fn answers_of_a_device_s_zdo_come_in_the_words_of_the_protocol_and_as_they_came_where_that_is_wanted() {
    let mut host = Host::formed(&one());
    host.open();
    let nwk = host.join(2).to_le_bytes();
    host.ask(NODE_DESC, &[nwk, nwk].concat());
    let described = host.wait_for(NODE_DESC_RSP);
    assert_eq!(described[..5], [nwk[0], nwk[1], 0, nwk[0], nwk[1]]);
    assert!(host.told.iter().all(|frame| frame.command != AS_IT_CAME));
    assert_eq!(host.ask(REGISTER_CB, &[0xFF, 0xFF]), [0]);
    host.ask(NODE_DESC, &[nwk, nwk].concat());
    let came = host.wait_for(AS_IT_CAME);
    assert_eq!((&came[..2], &came[3..5], &came[9..]), (&nwk[..], &[0x02, 0x80][..], &described[2..]));
}

#[test]
fn channels_are_listened_to() {
    let mut host = Host::formed(&one());
    assert_eq!(host.ask(SCAN, &vec![0, 0, 2].u32(0x07FF_F800).bytes(&[2, 1, 0, 0])), [0]);
    let heard = host.wait_for(SCAN_RSP);
    assert_eq!((&heard[..3], heard[11], heard.len()), (&[0, 0, 0][..], 16, 12 + 16));
    assert!(heard[12] > heard[12 + 9], "Wi-Fi is louder than channel 20: {heard:?}");
}

#[test]
fn the_network_outlives_a_restart_with_its_counter_ahead_of_what_was_sent() {
    let mut host = Host::formed(&one());
    host.open();
    let nwk = host.join(2);
    let sent = host.stick.network.held.as_ref().unwrap().counter;
    assert_eq!(host.reset(), [1, 2, 1, 2, 7, 1]);
    assert_eq!(host.ask(DATA, &Vec::new().u16(nwk).u8(1).u8(1).u16(0x0101).u8(1).u8(0).u8(30).counted(&[1])), [2]);
    assert_eq!(host.ask(STARTUP, &[100, 0]), [0]);
    assert_eq!(host.wait_for(STATE), [9]);
    assert_eq!(host.wait_for(NOTIFIED), [0x0D, 0, 4], "restored");
    assert_eq!(host.wait_for(NOTIFIED), [8, 2, 0], "and so none is formed");
    assert!(host.stick.network.held.as_ref().unwrap().counter > sent);
    host.ask(REGISTER, &vec![1].u16(0x0104).u16(7).bytes(&[0, 0, 0, 0]));
    host.door_lock(nwk, 1, 0x06, &[3, 0]);
    assert_eq!(host.answer()[2], 0, "the lock answers");
}

#[test]
fn what_a_stick_has_kept_makes_another_one_the_same() {
    let mut host = Host::formed(&one());
    host.open();
    let nwk = host.join(2);
    let kept = host.stick.take_memory().unwrap();
    let joined = LockSetup { joined: true, ..LockSetup::new(2, "Front door") };
    let setup = StickSetup { memory: Some(Memory::from_json(&kept).unwrap()), locks: vec![joined], ..one() };
    let mut other = Host::new(&setup);
    other.ask(STARTUP, &[100, 0]);
    other.wait_until(STATE, |state| state == [9]);
    assert_eq!(other.ask(NETWORK, &[])[3..5], [0x34, 0x12]);
    assert_eq!(other.line(1, 0, 12)[4..6], nwk.to_le_bytes());
}

#[test]
fn a_stick_that_hangs_says_nothing_until_its_watchdog_restarts_it() {
    let mut host = Host::formed(&one());
    host.control(json!({"stick": {"fail": true}}));
    host.told.clear();
    host.say(Kind::Request, PING, &[]);
    assert!(host.told.is_empty());
    assert_eq!(host.wait_for(RESET_IND)[0], 2);
    assert_eq!(host.ask(PING, &[]), [0x59, 0x06]);
}

#[test]
fn a_frame_that_is_spoilt_is_passed_over_in_silence() {
    let mut host = Host::new(&one());
    let mut bytes = Frame::new(Kind::Request, PING, &[]).to_bytes();
    bytes[4] ^= 1;
    host.stick.handle_bytes(host.now, &bytes);
    host.run(Duration::from_secs(1));
    assert!(host.told.is_empty());
    assert_eq!(host.ask(PING, &[]), [0x59, 0x06]);
}
