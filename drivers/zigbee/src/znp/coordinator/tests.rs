use std::collections::VecDeque;
use std::time::Duration;

use keyway_lock::SecretBytes;
use zeroize::Zeroizing;

use super::super::command as c;
use super::super::mt::{Frame, FrameParser, Kind};
use super::super::nv::{id, table};
use super::*;
use crate::backup::{KnownDevice, LinkKey, LinkKeySeed, NetworkBackup};
use crate::coordinator::{
    Broadcast, Coordinator, CoordinatorEvent, CoordinatorOutput, Destination, NetworkInfo, NetworkParameters, Outgoing,
    Ticket,
};
use crate::engine::{BUSY_PAUSE, TRY_AGAIN, WATCHDOG};
use crate::stranger::Stranger;

const OWN: Ieee = Ieee(0x0012_4B00_1CAA_BBCC);
const LOCK: Ieee = Ieee(0x000D_6F00_0A0B_0C01);

#[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
fn start() -> Instant {
    Instant::now()
}

/// A stick with a memory, which answers OK to what it does not look into.
struct Bench {
    coordinator: ZnpCoordinator,
    now: Instant,
    parser: FrameParser,
    items: BTreeMap<u16, Vec<u8>>,
    tables: BTreeMap<(u16, u16), Vec<u8>>,
    product: u8,
    send_status: Vec<u8>,
    asked: Vec<(Command, Vec<u8>)>,
    told: VecDeque<(Command, Vec<u8>)>,
    events: Vec<CoordinatorEvent>,
    is_dead: bool,
    /// The next answer to this request comes out otherwise, with a checksum that is right: spoilt where it does not show.
    spoilt: Option<(Command, Vec<u8>)>,
    /// So many requests of this kind are not answered.
    unheard: Option<(Command, u32)>,
    next_ticket: u64,
}

impl Bench {
    fn new() -> Self {
        Self {
            coordinator: ZnpCoordinator::new(Key::new([0x55; 16])),
            now: start(),
            parser: FrameParser::default(),
            items: BTreeMap::from([(id::EXTADDR, OWN.to_bytes().to_vec())]),
            tables: BTreeMap::new(),
            product: 1,
            send_status: Vec::new(),
            asked: Vec::new(),
            told: VecDeque::new(),
            events: Vec::new(),
            is_dead: false,
            spoilt: None,
            unheard: None,
            next_ticket: 0,
        }
    }

    fn working() -> Self {
        let mut bench = Self::new();
        bench.form();
        bench.open();
        assert_eq!(bench.ask(Request::Resume), Ok(Answer::Done));
        bench.events.clear();
        bench.asked.clear();
        bench
    }

    /// What forming leaves in the memory: the network that was asked for there.
    fn form(&mut self) {
        let mut nib = vec![0; 116];
        (nib[24], nib[65]) = (15, 1);
        nib[36..38].copy_from_slice(self.items.get(&id::PANID).map_or(&[0x2B, 0x1A][..], |pan| pan));
        let extended_pan = self.items.get(&id::EXTENDED_PAN_ID).cloned().unwrap_or(vec![1, 2, 3, 4, 5, 6, 7, 8]);
        nib[57..65].copy_from_slice(&extended_pan);
        self.items.insert(id::NIB, nib);
        self.items.insert(id::BDB_NODE_IS_ON_A_NETWORK, vec![1]);
    }

    fn open(&mut self) {
        self.coordinator.handle_opened(self.now);
        self.run();
    }

    fn submit(&mut self, request: Request) -> Ticket {
        self.next_ticket += 1;
        self.coordinator.submit(self.now, Ticket(self.next_ticket), request);
        self.run();
        Ticket(self.next_ticket)
    }

    fn ask(&mut self, request: Request) -> Result<Answer, CoordinatorError> {
        let ticket = self.submit(request);
        self.wait(Duration::from_secs(5));
        self.answered(ticket).expect("answered")
    }

    fn answered(&self, ticket: Ticket) -> Option<Result<Answer, CoordinatorError>> {
        self.events.iter().find_map(|event| match event {
            CoordinatorEvent::Answered(answered, result) if *answered == ticket => Some(result.clone()),
            _ => None,
        })
    }

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
                CoordinatorOutput::Transmit(bytes) if self.is_dead => drop(bytes),
                CoordinatorOutput::Transmit(bytes) => {
                    self.parser.push(self.now, &bytes);
                    while let Some(frame) = self.parser.next_frame() {
                        self.hear(&frame);
                    }
                }
                CoordinatorOutput::Event(event) => self.events.push(event),
                timeout @ CoordinatorOutput::Timeout(_) => match self.told.pop_front() {
                    Some((command, data)) => self.say(Kind::Tell, command, &data),
                    None => return timeout,
                },
            }
        }
    }

    fn say(&mut self, kind: Kind, command: Command, data: &[u8]) {
        let bytes = Frame::new(kind, command, data).to_bytes();
        self.coordinator.handle_bytes(self.now, &bytes);
    }

    fn tell(&mut self, command: Command, data: &[u8]) {
        self.say(Kind::Tell, command, data);
        self.run();
    }

    fn hear(&mut self, frame: &Frame) {
        let data = frame.data.to_vec();
        let word = |at: usize| u16::from_le_bytes([data[at], data[at + 1]]);
        let read = |bytes: Option<&Vec<u8>>| match bytes {
            Some(bytes) => [&[0, bytes.len() as u8][..], bytes].concat(),
            None => vec![2, 0],
        };
        let mut answer = vec![0];
        match frame.command {
            c::SYS_RESET => {
                if self.items.get(&id::STARTUP_OPTION) == Some(&vec![3]) {
                    self.items.retain(|id, _| *id == id::EXTADDR);
                }
                self.told.push_back((c::SYS_RESET_IND, vec![0, 2, 1, 2, 7, 1]));
            }
            c::SYS_VERSION => answer = vec![2, self.product, 2, 7, 1, 0x4B, 0x24, 0x34, 0x01],
            c::UTIL_GET_DEVICE_INFO => answer = [&[0][..], &self.items[&id::EXTADDR], &[0, 0, 7, 9, 0]].concat(),
            c::SYS_NV_READ => answer = read(self.items.get(&word(0))),
            c::SYS_NV_INIT if self.items.contains_key(&word(0)) => {}
            c::SYS_NV_INIT => {
                self.items.insert(word(0), data[5..].to_vec());
                answer = vec![9];
            }
            c::SYS_NV_WRITE => drop(self.items.insert(word(0), data[4..].to_vec())),
            c::SYS_NV_DELETE => drop(self.items.remove(&word(0))),
            c::SYS_TABLE_READ => answer = read(self.tables.get(&(word(1), word(3)))),
            c::SYS_TABLE_WRITE => drop(self.tables.insert((word(1), word(3)), data[8..].to_vec())),
            c::CNF_START_COMMISSIONING => {
                self.form();
                self.told.push_back((c::ZDO_STATE_CHANGE, vec![9]));
            }
            c::ZDO_STARTUP => self.told.push_back((c::ZDO_STATE_CHANGE, vec![9])),
            c::ZDO_EXT_NWK_INFO => {
                let nib = &self.items[&id::NIB];
                answer = [&[0, 0, 9][..], &nib[36..38], &[0, 0], &nib[57..65], &[0; 8], &nib[24..25]].concat();
            }
            c::AF_DATA_REQUEST_EXT => answer = vec![self.send_status.pop().unwrap_or_default()],
            _ => {}
        }
        if let Some((_, spoilt)) = self.spoilt.take_if(|(command, _)| *command == frame.command) {
            answer = spoilt;
        }
        let unheard = self.unheard.as_mut().filter(|(command, left)| *command == frame.command && *left > 0);
        let is_heard = unheard.map(|(_, left)| *left -= 1).is_none();
        self.asked.push((frame.command, data));
        if frame.kind == Kind::Request && is_heard {
            self.say(Kind::Answer, frame.command, &answer);
        }
    }

    fn asked_of(&self, command: Command) -> Vec<&Vec<u8>> {
        self.asked.iter().filter(|(asked, _)| *asked == command).map(|(_, data)| data).collect()
    }

    /// The frame that went out last was sent.
    fn confirm(&mut self, status: u8) {
        let last = self.asked_of(c::AF_DATA_REQUEST_EXT).last().unwrap().to_vec();
        let request = c::DataRequest::read(&last).unwrap();
        self.tell(c::AF_DATA_CONFIRM, &[status, 1, request.transaction]);
    }
}

fn frame(destination: Destination, profile: u16) -> Request {
    Request::Send(Outgoing {
        destination,
        profile,
        cluster: 0x0101,
        source_endpoint: 1,
        destination_endpoint: 1,
        aps_ack: true,
        is_sleepy: true,
        payload: SecretBytes(Zeroizing::new(vec![0x01, 0x02, 0x03])),
    })
}

fn network() -> NetworkParameters {
    let extended_pan = Ieee(0xDDDD_DDDD_1122_3344);
    NetworkParameters { pan: 0x1A2B, extended_pan, channel: 15, network_key: Key::new([0x07; 16]) }
}

#[test]
fn a_stick_without_a_network_is_identified_and_one_is_formed() {
    let mut bench = Bench::new();
    bench.open();
    let info = CoordinatorInfo {
        family: Family::Znp,
        model: "stick of Texas Instruments (CC1352, CC2652 or later)".to_owned(),
        firmware: "Z-Stack 2.7.1 build 20194379".to_owned(),
        protocol: 2,
        ieee: OWN,
        network: None,
    };
    assert_eq!(bench.events, [CoordinatorEvent::Identified(Box::new(info))]);
    assert_eq!(bench.ask(Request::Resume), Err(CoordinatorError::NoNetwork));
    let form = Request::Form { network: network(), link_key_seed: Key::new([0x03; 16]) };
    assert_eq!(bench.ask(form), Ok(Answer::Done));
    let up = NetworkInfo { pan: 0x1A2B, extended_pan: Ieee(0xDDDD_DDDD_1122_3344), channel: 15, update_id: 0 };
    assert!(bench.events.contains(&CoordinatorEvent::NetworkUp(up)));
    assert_eq!(bench.items[&id::PRECFGKEY], [0x07; 16]);
    assert_eq!(bench.items[&id::TCLK_SEED], [0x03; 16]);
    assert_eq!(bench.items[&id::ZDO_DIRECT_CB], [1]);
    assert_eq!(bench.items[&id::HAS_CONFIGURED], [0x55]);
}

#[test]
fn what_a_stick_says_of_itself_once_is_not_believed() {
    for spoilt in [
        // Another's address.
        (c::UTIL_GET_DEVICE_INFO, [&[0][..], &LOCK.to_bytes(), &[0, 0, 7, 9, 0]].concat()),
        (c::SYS_VERSION, vec![2, 0, 2, 7, 1, 0x4B, 0x24, 0x34, 0x01]),
    ] {
        let mut bench = Bench::new();
        bench.form();
        bench.spoilt = Some(spoilt.clone());
        bench.open();
        bench.wait(TRY_AGAIN);
        let identified: Vec<_> = bench
            .events
            .iter()
            .filter_map(|event| match event {
                CoordinatorEvent::Identified(info) => Some((info.ieee, info.network.is_some())),
                _ => None,
            })
            .collect();
        assert_eq!(identified, [(OWN, true)], "{spoilt:?}");
    }
}

#[test]
fn what_a_stick_does_not_answer_is_not_taken_for_what_it_does_not_have() {
    let mut bench = Bench::working();
    bench.unheard = Some((c::SYS_TABLE_READ, 2));
    let ticket = bench.submit(Request::ReadBackup);
    bench.wait(Duration::from_secs(30));
    assert_eq!(bench.answered(ticket), Some(Err(CoordinatorError::NoSense("reading its memory"))));
}

#[test]
fn the_firmware_of_older_chips_is_named() {
    let mut bench = Bench::new();
    bench.product = 0;
    bench.open();
    let [CoordinatorEvent::Failed(sentence)] = &bench.events[..] else { panic!("{:?}", bench.events) };
    assert!(sentence.starts_with("the stick's firmware (Z-Stack 2.7.1 build 20194379) is one of older chips"));
}

#[test]
fn a_frame_is_done_when_the_stick_says_so_and_zdo_messages_and_broadcasts_when_they_are_on_the_air() {
    let mut bench = Bench::working();
    for (status, result) in [(0, Ok(Answer::Done)), (0xE9, Err(CoordinatorError::NotDelivered))] {
        let ticket = bench.submit(frame(Destination::Nwk(Nwk(0x1234)), 0x0104));
        assert_eq!(bench.answered(ticket), None);
        bench.confirm(status);
        assert_eq!(bench.answered(ticket), Some(result));
    }
    for request in
        [frame(Destination::Nwk(Nwk(0x1234)), 0x0000), frame(Destination::Broadcast(Broadcast::Awake), 0x0104)]
    {
        assert_eq!(bench.ask(request), Ok(Answer::Done));
    }
}

#[test]
fn a_busy_stick_gets_the_frame_again_and_one_that_never_tells_of_it_did_not_deliver_it() {
    let mut bench = Bench::working();
    bench.send_status = vec![0x10];
    let ticket = bench.submit(frame(Destination::Ieee(LOCK), 0x0104));
    bench.wait(BUSY_PAUSE);
    assert_eq!(bench.asked_of(c::AF_DATA_REQUEST_EXT).len(), 2);
    bench.wait(Duration::from_secs(45));
    assert_eq!(bench.answered(ticket), Some(Err(CoordinatorError::NotDelivered)));
}

#[test]
fn joining_is_permitted_by_the_stick_s_own_command_also_when_a_zdo_message_says_so() {
    let mut bench = Bench::working();
    assert_eq!(bench.ask(Request::PermitJoin { seconds: 60, own_keys_only: false }), Ok(Answer::Done));
    let permit = Outgoing {
        destination: Destination::Broadcast(Broadcast::Routers),
        profile: 0,
        cluster: 0x0036,
        source_endpoint: 0,
        destination_endpoint: 0,
        aps_ack: false,
        is_sleepy: false,
        payload: SecretBytes(Zeroizing::new(vec![0x2A, 60, 1])),
    };
    assert_eq!(bench.ask(Request::Send(permit)), Ok(Answer::Done));
    assert_eq!(bench.asked_of(c::ZDO_PERMIT_JOIN), [&vec![2, 0, 0, 60, 1], &vec![0x0F, 0xFC, 0xFF, 60, 1]]);
    assert!(bench.asked_of(c::AF_DATA_REQUEST_EXT).is_empty());
}

#[test]
fn joins_leaves_and_routes_are_told_and_frames_bear_the_address_for_life() {
    let mut bench = Bench::working();
    let (ieee, nwk) = (LOCK, Nwk(0x1234));
    let device = [&[0x34, 0x12][..], &LOCK.to_bytes()].concat();
    bench.tell(c::ZDO_TC_DEVICE, &[&device[..], &[0, 0]].concat());
    bench.tell(c::ZDO_SOURCE_ROUTE, &[0x34, 0x12, 1, 0x78, 0x56]);
    bench.tell(c::ZDO_MSG_CB_INCOMING, &[0x34, 0x12, 0, 0x13, 0x00, 0, 0x2A, 0, 0, 0x01]);
    bench.tell(c::ZDO_LEAVE, &[&device[..], &[0, 0, 1]].concat());
    bench.tell(c::ZDO_LEAVE, &[&device[..], &[0, 0, 0]].concat());
    let [joined, route, CoordinatorEvent::Received(incoming), left] = &bench.events[..] else {
        panic!("{:?}", bench.events)
    };
    let parent = Some(Nwk(0));
    assert_eq!(*joined, CoordinatorEvent::DeviceJoined { ieee, nwk, parent, rejoined: false, secured: false });
    assert_eq!(*route, CoordinatorEvent::RouteRecorded { nwk, ieee: Some(ieee), relays: vec![Nwk(0x5678)] });
    assert_eq!((incoming.source_ieee, incoming.cluster), (Some(LOCK), 0x0013));
    assert_eq!(*left, CoordinatorEvent::DeviceLeft { ieee, nwk });
}

#[test]
fn what_was_under_way_when_the_stick_restarts_is_said_to_be_unknown() {
    let mut bench = Bench::working();
    let ticket = bench.submit(frame(Destination::Nwk(Nwk(0x1234)), 0x0104));
    bench.tell(c::SYS_RESET_IND, &[2, 2, 1, 2, 7, 1]);
    assert_eq!(bench.answered(ticket), Some(Err(CoordinatorError::Restarted)));
    assert!(bench.events.contains(&CoordinatorEvent::NetworkDown));
    assert!(matches!(bench.events.last(), Some(CoordinatorEvent::Identified(info)) if info.network.is_some()));
}

#[test]
fn a_stick_that_falls_silent_is_noticed_and_one_of_another_maker_is_named() {
    let mut bench = Bench::working();
    bench.is_dead = true;
    bench.wait(WATCHDOG * 4);
    assert!(bench.events.contains(&CoordinatorEvent::Restarted), "{:?}", bench.events);
    assert!(bench.events.contains(&CoordinatorEvent::Failed(Stranger::Silence.sentence(Some(Family::Znp)).to_owned())));
    bench.events.clear();
    // Its pauses and questions come in turns; this one answers both.
    for _ in 0..60 {
        bench.wait(Duration::from_secs(1));
        bench.coordinator.handle_bytes(bench.now, &[0x1A, 0xC1, 0x02, 0x0B, 0x0A, 0x52, 0x7E]);
    }
    assert!(
        bench.events.contains(&CoordinatorEvent::Failed(Stranger::Ezsp.sentence(Some(Family::Znp)).to_owned())),
        "{:?}",
        bench.events
    );
}

#[test]
fn a_network_that_is_written_to_a_stick_is_read_from_it_as_the_same_with_its_counters_moved_forward() {
    let mut bench = Bench::working();
    let seed = Key::new(*b"0123456789abcdef");
    let device = |ieee, nwk, key| KnownDevice {
        ieee,
        nwk,
        is_child: false,
        link_key: Some(LinkKey { key, sent: 5, received: 9 }),
    };
    let seeded = super::super::nv::seeded_key(&seed, LOCK, 3);
    let backup = NetworkBackup {
        coordinator: Ieee(0x0012_4B00_0102_0304),
        network: network(),
        update_id: 4,
        key_sequence: 2,
        frame_counter: 0x1000,
        link_key_seed: Some(LinkKeySeed { family: Family::Znp, seed }),
        devices: vec![
            device(LOCK, Some(Nwk(0x1234)), seeded),
            device(Ieee(0x0BAD_0000_0000_0001), None, Key::well_known()),
        ],
    };
    assert_eq!(
        bench.ask(Request::WriteBackup { backup: Box::new(backup.clone()), burn_address: false }),
        Ok(Answer::Done)
    );
    let counters = &bench.tables[&(table::COUNTERS, 0)];
    assert_eq!(counters[..4], (0x1000_u32 + 1_000_000).to_le_bytes());
    let Ok(Answer::Backup(read)) = bench.ask(Request::ReadBackup) else { panic!("{:?}", bench.events) };
    assert_eq!(*read, backup.moved_forward());
}
