//! The stick and its locks as a host sees them: real bytes in and out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_lock::{Pin, SlotNumber};
use keyway_zwave::host::frame::{ACK, DataFrame, FrameParser, FrameType, Received};
use keyway_zwave::node::NodeId;
use keyway_zwave::security::SecurityClass;
use keyway_zwave::security::s0::{S0, S0Event};
use keyway_zwave::security::s2::{S2, S2Event};
use keyway_zwave::transport::segmentation::{Reassembly, SegmentEvent};
use keyway_zwave::transport::{crc16, multi_command};

use super::*;

#[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
pub(super) fn start() -> Instant {
    Instant::now()
}

fn node(id: u16) -> NodeId {
    NodeId::new(id).unwrap()
}

/// Three locks: node 2 with S2 Access Control, node 3 with Security 0 and User Code version 1, node 4 in the clear.
fn setup() -> StickSetup {
    let lock = |id, classes: &[SecurityClass]| LockSetup {
        flirs: false,
        supervised_reports: false,
        motor: Duration::ZERO,
        ..LockSetup::new(node(id), "Door", classes)
    };
    let locks = vec![
        lock(2, &[SecurityClass::S2AccessControl, SecurityClass::S2Unauthenticated]),
        LockSetup { user_code_version: 1, ..lock(3, &[SecurityClass::S0]) },
        lock(4, &[]),
    ];
    StickSetup { locks, ..demo_setup() }
}

pub(super) fn stick() -> VirtualStick {
    VirtualStick::new(start(), setup(), [7; 32])
}

/// A host that acknowledges everything and speaks S0 and S2 as the hub of the network.
struct Host {
    now: Instant,
    stick: VirtualStick,
    parser: FrameParser,
    frames: VecDeque<DataFrame>,
    s2: S2,
    s0: S0,
    callback: u8,
}

impl Host {
    fn new(setup: StickSetup) -> Self {
        let now = start();
        let mut stick = VirtualStick::new(now, setup.clone(), [7; 32]);
        stick.handle_opened(now);
        let mut s2 = S2::new(setup.own, setup.home_id, &setup.keys, [9; 32]);
        for lock in &setup.locks {
            s2.add_peer(lock.node, &lock.security);
        }
        let s0 = S0::new(setup.own, setup.keys.s0.as_ref().unwrap(), [8; 32]);
        Self { now, stick, parser: FrameParser::default(), frames: VecDeque::new(), s2, s0, callback: 0 }
    }

    /// Lets the stick run until nothing is left to do, or this long.
    fn run(&mut self, long: Duration) {
        let end = self.now + long;
        loop {
            match self.stick.poll_output() {
                VirtualOutput::Transmit(bytes) => {
                    self.parser.push(self.now, &bytes);
                    while let Some(received) = self.parser.next(self.now) {
                        if let Received::Frame(frame) = received {
                            self.frames.push_back(frame);
                            self.stick.handle_bytes(self.now, &[ACK]);
                        }
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

    fn command(&mut self, function: u8, payload: &[u8]) {
        let frame = DataFrame { frame_type: FrameType::Request, function, payload: payload.to_vec() };
        self.stick.handle_bytes(self.now, &frame.encode());
    }

    /// Sends a frame to a node and gives back how the send ended.
    fn send(&mut self, id: u8, data: &[u8]) -> u8 {
        self.callback += 1;
        let length = u8::try_from(data.len()).unwrap();
        let payload = [&[id, length][..], data, &[0x25, self.callback]].concat();
        self.command(0x13, &payload);
        for _ in 0..100 {
            self.run(Duration::from_millis(50));
            let callback = self.frames.iter().position(|f| f.function == 0x13 && f.frame_type == FrameType::Request);
            if let Some(at) = callback {
                return self.frames.remove(at).unwrap().payload[1];
            }
        }
        panic!("no callback");
    }

    /// The frames that came from nodes, as they are on the air.
    fn received(&mut self) -> Vec<(u16, Vec<u8>)> {
        let frames = std::mem::take(&mut self.frames).into_iter();
        let handler = frames.filter(|frame| frame.function == 0x04);
        handler.map(|f| (f.payload[1].into(), f.payload[3..3 + usize::from(f.payload[2])].to_vec())).collect()
    }

    /// The commands that come from nodes within this time, decrypted; nonces are given where they are asked for.
    fn hear(&mut self, long: Duration) -> Vec<(Option<SecurityClass>, Vec<u8>)> {
        let end = self.now + long;
        let mut heard = Vec::new();
        let mut reassembly = Reassembly::new();
        while self.now < end {
            self.run(Duration::from_millis(20));
            for (id, frame) in self.received() {
                let mut frames = vec![frame];
                if frames[0][0] == 0x55 {
                    let events = reassembly.handle(self.now, node(id), &frames.remove(0));
                    for event in events {
                        match event {
                            SegmentEvent::Reply(_, reply) => drop(self.send(u8::try_from(id).unwrap(), &reply)),
                            SegmentEvent::Datagram(_, datagram) => frames.push(datagram),
                        }
                    }
                }
                for frame in frames {
                    heard.extend(self.decrypt(id, &frame));
                }
            }
        }
        heard
    }

    fn decrypt(&mut self, id: u16, frame: &[u8]) -> Option<(Option<SecurityClass>, Vec<u8>)> {
        let to = u8::try_from(id).unwrap();
        match frame[0] {
            0x9F => match self.s2.handle(self.now, node(id), frame, false).pop()? {
                S2Event::Command { class, command } => return Some((Some(class), command.to_vec())),
                S2Event::Reply(reply) => drop(self.send(to, &reply)),
                _ => {}
            },
            0x98 => match self.s0.handle(self.now, node(id), frame).pop()? {
                S0Event::Command(command) => return Some((Some(SecurityClass::S0), command.to_vec())),
                S0Event::Reply(reply) => drop(self.send(to, &reply)),
                _ => {}
            },
            _ => return Some((None, frame.to_vec())),
        }
        None
    }

    /// Sends a command to node 2 under S2 Access Control, in step with it.
    fn send_s2(&mut self, command: &[u8]) {
        self.send_s2_under(SecurityClass::S2AccessControl, command);
    }

    fn send_s2_under(&mut self, class: SecurityClass, command: &[u8]) {
        let frame = self.s2.encapsulate(node(2), class, command).or_else(|_| {
            let ask = self.s2.nonce_get(node(2));
            assert_eq!(self.send(2, &ask), 0);
            self.hear(Duration::from_millis(100));
            self.s2.encapsulate(node(2), class, command)
        });
        assert_eq!(self.send(2, &frame.unwrap()), 0);
    }

    /// Sends a command to node 3 under S0.
    fn send_s0(&mut self, command: &[u8]) {
        let parts = self.s0.split(command, 46);
        for (index, part) in parts.iter().enumerate() {
            assert_eq!(self.send(3, &S0::nonce_get()), 0);
            self.hear(Duration::from_millis(100));
            let more = index + 1 < parts.len();
            let frame = self.s0.encapsulate(self.now, node(3), part, more).unwrap();
            assert_eq!(self.send(3, &frame), 0);
        }
    }

    fn code(&self, id: u16, slot: u16) -> Option<&str> {
        let code = self.stick.door(node(id)).unwrap().codes().get(&SlotNumber(slot))?;
        Some(code.pin.expose())
    }
}

const SECOND: Duration = Duration::from_secs(1);
const ACCESS_CONTROL: Option<SecurityClass> = Some(SecurityClass::S2AccessControl);

#[test]
fn the_stick_answers_a_version_request_byte_by_byte() {
    let (now, mut stick) = (start(), stick());
    stick.handle_opened(now);
    for byte in [0x01, 0x03, 0x00, 0x15, 0xE9] {
        stick.handle_bytes(now, &[byte]);
    }
    assert_eq!(stick.poll_output(), VirtualOutput::Transmit(vec![0x06]));
    let VirtualOutput::Transmit(version) = stick.poll_output() else { panic!() };
    assert_eq!(version[..4], [0x01, 0x10, 0x01, 0x15]);
    assert_eq!(version[4..17], *b"Z-Wave 7.18\0\x01");
}

#[test]
fn a_node_in_the_clear_takes_shows_and_loses_a_code() {
    let mut host = Host::new(setup());
    assert_eq!(host.send(4, &[0x63, 0x01, 5, 1, b'0', b'0', b'4', b'2']), 0);
    assert_eq!(host.code(4, 5), Some("0042"));
    assert_eq!(host.hear(SECOND).len(), 1, "the programming event");
    host.send(4, &[0x63, 0x02, 5]);
    assert_eq!(host.hear(SECOND), [(None, vec![0x63, 0x03, 5, 1, b'0', b'0', b'4', b'2'])]);
    host.send(4, &[0x63, 0x01, 5, 0, 0, 0, 0, 0]);
    assert_eq!(host.code(4, 5), None);
}

#[test]
fn a_supervised_set_under_s2_changes_the_slot_and_is_answered_once() {
    let mut setup = setup();
    setup.locks[0].programming_events = false;
    let mut host = Host::new(setup);
    host.send_s2(&[0x80, 0x02]);
    host.hear(SECOND);
    let before = host.stick.frames(node(2)).unwrap();
    host.send_s2(&[0x6C, 0x01, 0x07, 8, 0x63, 0x01, 5, 1, b'4', b'7', b'1', b'1']);
    assert_eq!(host.hear(SECOND), [(ACCESS_CONTROL, vec![0x6C, 0x02, 0x07, 0xFF, 0])]);
    assert_eq!(host.code(2, 5), Some("4711"));
    let after = host.stick.frames(node(2)).unwrap();
    assert_eq!((after.from_hub - before.from_hub, after.to_hub - before.to_hub), (1, 1));
    let last = host.stick.commands(node(2)).last().unwrap();
    assert_eq!((last.command.as_str(), last.slot, last.supervised), ("user_code_set", Some(5), true));
}

#[test]
fn the_same_supervision_session_again_is_answered_but_not_carried_out() {
    let mut host = Host::new(setup());
    let set = [0x6C, 0x01, 0x07, 8, 0x63, 0x01, 5, 1, b'4', b'7', b'1', b'1'];
    host.send_s2(&set);
    host.hear(SECOND);
    let by_hand = Action::ByHand { slot: SlotNumber(5), code: None };
    host.stick.act(host.now, node(2), &by_hand);
    host.hear(SECOND);
    host.send_s2(&set);
    assert_eq!(host.hear(SECOND), [(ACCESS_CONTROL, vec![0x6C, 0x02, 0x07, 0xFF, 0])]);
    assert_eq!(host.code(2, 5), None);
}

#[test]
fn a_duplicate_is_refused_and_told() {
    let mut host = Host::new(setup());
    host.send_s2(&[0x6C, 0x01, 0x01, 8, 0x63, 0x01, 5, 1, b'4', b'7', b'1', b'1']);
    host.hear(SECOND);
    host.send_s2(&[0x6C, 0x01, 0x02, 8, 0x63, 0x01, 6, 1, b'4', b'7', b'1', b'1']);
    let heard: Vec<_> = host.hear(SECOND).into_iter().map(|(_, command)| command).collect();
    assert!(heard.contains(&vec![0x6C, 0x02, 0x02, 0x02, 0]), "{heard:?}");
    assert!(heard.contains(&vec![0x71, 0x05, 0, 0, 0, 0xFF, 6, 15, 0]), "{heard:?}");
    assert_eq!(host.code(2, 6), None);
}

#[test]
fn a_lock_that_works_says_so_and_tells_when_it_is_done() {
    let mut host = Host::new(setup());
    host.stick.act(host.now, node(2), &Action::Working(Duration::from_millis(1500)));
    host.send_s2(&[0x6C, 0x01, 0x83, 3, 0x62, 0x01, 0x00]);
    let working = host.hear(Duration::from_millis(500));
    assert_eq!(working, [(ACCESS_CONTROL, vec![0x6C, 0x02, 0x83, 0x01, 2])]);
    assert_eq!(host.stick.door(node(2)).unwrap().locked(), Some(true));
    let done = host.hear(2 * SECOND);
    assert!(done.contains(&(ACCESS_CONTROL, vec![0x6C, 0x02, 0x03, 0xFF, 0])), "{done:?}");
    assert_eq!(host.stick.door(node(2)).unwrap().locked(), Some(false));
}

#[test]
fn what_needs_security_is_not_done_in_the_clear() {
    let mut host = Host::new(setup());
    for id in [2, 3] {
        assert_eq!(host.send(id, &[0x63, 0x01, 5, 1, b'4', b'7', b'1', b'1']), 0);
        host.send(id, &[0x63, 0x02, 5]);
        assert_eq!(host.hear(SECOND), []);
        assert_eq!(host.code(id.into(), 5), None);
        host.send(id, &[0x6C, 0x01, 0x01, 8, 0x63, 0x01, 5, 1, b'4', b'7', b'1', b'1']);
        assert_eq!(host.hear(SECOND), [(None, vec![0x6C, 0x02, 0x01, 0x00, 0])], "no support");
    }
}

#[test]
fn commands_supported_are_told_under_the_highest_class_only() {
    let mut host = Host::new(setup());
    host.send_s2(&[0x9F, 0x0D]);
    let (class, report) = host.hear(SECOND).remove(0);
    assert_eq!((class, &report[..2]), (ACCESS_CONTROL, &[0x9F, 0x0E][..]));
    assert!(report[2..].contains(&0x62) && report[2..].contains(&0x63) && !report[2..].contains(&0x5E));
    let low = SecurityClass::S2Unauthenticated;
    host.send_s2_under(low, &[0x9F, 0x0D]);
    assert_eq!(host.hear(SECOND), [(Some(low), vec![0x9F, 0x0E])]);
    host.send_s2_under(low, &[0x63, 0x02, 1]);
    assert_eq!(host.hear(SECOND), []);
}

#[test]
fn a_code_at_the_keypad_is_reported_under_the_highest_class_with_a_nonce_asked_for_first() {
    let mut host = Host::new(setup());
    for id in [2, 3, 4] {
        let code = Some(Pin::new("4711").unwrap());
        host.stick.act(host.now, node(id), &Action::ByHand { slot: SlotNumber(9), code });
        let heard = host.hear(SECOND);
        let highest = [ACCESS_CONTROL, Some(SecurityClass::S0), None][usize::from(id) - 2];
        assert_eq!(heard.len(), 1, "{id}: {heard:?}");
        assert_eq!(heard[0].0, highest);
        assert_eq!(heard[0].1[..9], [0x71, 0x05, 0, 0, 0, 0xFF, 6, 14, 8]);
        let opened = host.stick.act(host.now, node(id), &Action::Keypad("4711".to_owned()));
        assert_eq!(opened, Some(Outcome::Keypad(Some(SlotNumber(9)))));
        let heard = host.hear(SECOND);
        let unlocked = vec![0x71, 0x05, 0, 0, 0, 0xFF, 6, 6, 8, 0x63, 0x03, 9, 1, 0, 0, 0, 0];
        assert!(heard.contains(&(highest, unlocked)), "{id}: {heard:?}");
    }
}

#[test]
fn security_0_takes_a_set_with_a_nonce_and_splits_what_is_long() {
    let mut host = Host::new(setup());
    host.send_s0(&[0x63, 0x01, 5, 1, b'1', b'2', b'3', b'4', b'5', b'6', b'7', b'8']);
    assert_eq!(host.code(3, 5), Some("12345678"));
    host.hear(SECOND);
    // 36 bytes are more than one frame under S0 holds.
    let many: Vec<&[u8]> = vec![&[0x63, 0x02, 5]; 8];
    host.send_s0(&multi_command::encapsulate(&many));
    let heard = host.hear(2 * SECOND);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(multi_command::decapsulate(&heard[0].1).unwrap().len(), 8);
}

#[test]
fn encapsulations_are_answered_as_they_were_asked() {
    let mut host = Host::new(setup());
    host.send(4, &crc16::encapsulate(&[0x80, 0x02]));
    assert_eq!(host.hear(SECOND), [(None, crc16::encapsulate(&[0x80, 0x03, 100]))]);
    host.send(4, &multi_command::encapsulate(&[&[0x80, 0x02], &[0x86, 0x13, 0x63]]));
    let both = multi_command::encapsulate(&[&[0x80, 0x03, 100], &[0x86, 0x14, 0x63, 2]]);
    assert_eq!(host.hear(SECOND), [(None, both)]);
}

#[test]
fn an_answer_too_long_for_a_frame_comes_in_segments() {
    let mut host = Host::new(setup());
    let many: Vec<&[u8]> = vec![&[0x63, 0x02, 5]; 8];
    host.send(4, &multi_command::encapsulate(&many));
    let heard = host.hear(2 * SECOND);
    assert_eq!(multi_command::decapsulate(&heard[0].1).unwrap().len(), 8);
}

#[test]
fn a_node_out_of_reach_is_not_acknowledged_and_is_back_afterwards() {
    let mut host = Host::new(setup());
    host.stick.act(host.now, node(4), &Action::Offline(true));
    let begun = host.now;
    assert_eq!(host.send(4, &[0x80, 0x02]), 1);
    assert!(host.now - begun >= NO_ACK_AFTER);
    host.stick.act(host.now, node(4), &Action::Offline(false));
    assert_eq!(host.send(4, &[0x80, 0x02]), 0);
    assert_eq!(host.send(9, &[0x80, 0x02]), 1, "nobody there");
}

#[test]
fn a_sleeping_lock_is_woken_by_a_beam_and_stays_awake_for_a_while() {
    let mut setup = setup();
    setup.locks[2].flirs = true;
    let mut host = Host::new(setup);
    host.run(10 * SECOND);
    let timed = |host: &mut Host| {
        let begun = host.now;
        host.send(4, &[0x80, 0x02]);
        host.now - begun
    };
    assert!(timed(&mut host) >= BEAM);
    assert!(timed(&mut host) < BEAM);
    host.run(10 * SECOND);
    assert!(timed(&mut host) >= BEAM);
    host.stick.act(host.now, node(4), &Action::Awake(true));
    host.run(10 * SECOND);
    assert!(timed(&mut host) < BEAM, "it is kept awake");
    host.stick.act(host.now, node(4), &Action::Awake(false));
    host.run(10 * SECOND);
    assert!(timed(&mut host) >= BEAM);
}

#[test]
fn a_lock_that_lost_its_nonces_asks_for_one_and_the_command_gets_there() {
    let mut host = Host::new(setup());
    host.send_s2(&[0x80, 0x02]);
    assert_eq!(host.hear(SECOND), [(ACCESS_CONTROL, vec![0x80, 0x03, 100])]);
    host.stick.act(host.now, node(2), &Action::Restart);
    let frame = host.s2.encapsulate(node(2), SecurityClass::S2AccessControl, &[0x80, 0x02]).unwrap();
    host.send(2, &frame);
    host.run(SECOND);
    let (_, report) = host.received().remove(0);
    assert_eq!(report[..2], [0x9F, 0x02]);
    assert_eq!(host.s2.handle(host.now, node(2), &report, false), [S2Event::OutOfSync]);
    host.send_s2(&[0x80, 0x02]);
    assert_eq!(host.hear(SECOND), [(ACCESS_CONTROL, vec![0x80, 0x03, 100])]);
}

#[test]
fn a_supervised_report_comes_again_until_it_is_confirmed() {
    let mut setup = setup();
    setup.locks[0].supervised_reports = true;
    let mut host = Host::new(setup);
    host.stick.act(host.now, node(2), &Action::Battery(50));
    let supervised = vec![0x6C, 0x01, 0, 3, 0x80, 0x03, 50];
    assert_eq!(host.hear(SECOND), [(ACCESS_CONTROL, supervised.clone())]);
    assert_eq!(host.hear(3 * SECOND), [(ACCESS_CONTROL, supervised)]);
    host.send_s2(&[0x6C, 0x02, 0, 0xFF, 0]);
    assert_eq!(host.hear(10 * SECOND), []);
}

#[test]
fn a_masking_lock_shows_asterisks_and_a_rejecting_one_fails() {
    let mut host = Host::new(setup());
    host.send_s2(&[0x6C, 0x01, 0x01, 8, 0x63, 0x01, 5, 1, b'4', b'7', b'1', b'1']);
    host.stick.act(host.now, node(2), &Action::Mask(true));
    host.hear(SECOND);
    host.send_s2(&[0x63, 0x02, 5]);
    assert_eq!(host.hear(SECOND), [(ACCESS_CONTROL, vec![0x63, 0x03, 5, 1, b'*', b'*', b'*', b'*'])]);
    host.stick.act(host.now, node(2), &Action::Reject(true));
    host.send_s2(&[0x6C, 0x01, 0x02, 8, 0x63, 0x01, 5, 0, 0, 0, 0, 0]);
    assert_eq!(host.hear(SECOND), [(ACCESS_CONTROL, vec![0x6C, 0x02, 0x02, 0x02, 0])]);
    assert_eq!(host.code(2, 5), Some("4711"));
}

#[test]
fn a_lock_without_the_hub_in_its_lifeline_reports_nothing_until_it_is_put_there() {
    let mut setup = setup();
    setup.locks[2].lifeline = false;
    let mut host = Host::new(setup);
    host.stick.act(host.now, node(4), &Action::Turn { locked: false });
    assert_eq!(host.hear(SECOND), []);
    host.send(4, &[0x85, 0x01, 1, 1]);
    host.send(4, &[0x85, 0x02, 1]);
    assert_eq!(host.hear(SECOND), [(None, vec![0x85, 0x03, 1, 5, 0, 1])]);
    host.stick.act(host.now, node(4), &Action::Turn { locked: true });
    let manual = vec![0x71, 0x05, 0, 0, 0, 0xFF, 6, 1, 0];
    assert!(host.hear(SECOND).contains(&(None, manual)));
}

#[test]
fn the_second_version_of_user_code_has_its_commands_and_the_first_does_not() {
    let mut host = Host::new(setup());
    host.send(4, &[0x63, 0x0B, 1, 0, 7, 1, 4, b'1', b'2', b'3', b'4']);
    host.hear(SECOND);
    host.send(4, &[0x63, 0x0C, 0, 7, 0]);
    let report = vec![0x63, 0x0D, 1, 0, 7, 1, 4, b'1', b'2', b'3', b'4', 0, 0];
    assert_eq!(host.hear(SECOND), [(None, report)]);
    host.send(4, &[0x63, 0x11]);
    let [high, low] = crc16::crc_ccitt(&[0, 7, 1, b'1', b'2', b'3', b'4']).to_be_bytes();
    assert_eq!(host.hear(SECOND), [(None, vec![0x63, 0x12, high, low])]);
    host.send_s0(&[0x63, 0x0C, 0, 7, 0]);
    assert_eq!(host.hear(SECOND), []);
    host.send_s0(&[0x63, 0x04]);
    assert_eq!(host.hear(SECOND), [(Some(SecurityClass::S0), vec![0x63, 0x05, 30])]);
}

#[test]
fn a_soft_reset_is_acknowledged_and_ends_in_started_and_nothing_is_heard_meanwhile() {
    let mut host = Host::new(setup());
    host.command(0x08, &[]);
    assert_eq!(host.stick.poll_output(), VirtualOutput::Transmit(vec![ACK]));
    host.command(0x15, &[]);
    host.run(SECOND);
    let functions: Vec<_> = host.frames.iter().map(|frame| frame.function).collect();
    assert_eq!(functions, [0x0A]);
    assert_eq!(host.send(4, &[0x80, 0x02]), 0);
}

#[test]
fn a_send_can_be_aborted() {
    let mut host = Host::new(setup());
    host.stick.act(host.now, node(4), &Action::Latency(5 * SECOND));
    host.command(0x13, &[4, 2, 0x80, 0x02, 0x25, 9]);
    host.run(SECOND);
    host.command(0x16, &[]);
    host.run(SECOND);
    let callback = host.frames.back().unwrap();
    assert_eq!((callback.function, &callback.payload[..2]), (0x13, &[9, 2][..]));
    assert_eq!(host.hear(10 * SECOND), []);
}

#[test]
fn a_node_tells_what_it_is_when_asked() {
    let mut host = Host::new(setup());
    host.command(0x60, &[2]);
    host.run(SECOND);
    let update = host.frames.pop_back().unwrap();
    assert_eq!((update.function, &update.payload[..2]), (0x49, &[0x84, 2][..]));
    assert_eq!(update.payload[3..6], [0x04, 0x40, 0x03]);
    assert!(update.payload[6..].contains(&0x9F) && !update.payload[6..].contains(&0x63));
    host.stick.act(host.now, node(2), &Action::Offline(true));
    host.command(0x60, &[2]);
    host.run(5 * SECOND);
    assert_eq!(host.frames.pop_back().unwrap().payload[0], 0x81);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = |seed: u8| {
        let (now, mut sent) = (start(), Vec::new());
        let mut stick = VirtualStick::new(now, setup(), [seed; 32]);
        stick.handle_opened(now);
        let ask =
            DataFrame { frame_type: FrameType::Request, function: 0x13, payload: vec![3, 2, 0x98, 0x40, 0x25, 1] };
        stick.handle_bytes(now, &ask.encode());
        for _ in 0..20 {
            match stick.poll_output() {
                VirtualOutput::Transmit(bytes) => {
                    sent.push(bytes);
                    stick.handle_bytes(now, &[ACK]);
                }
                VirtualOutput::Timeout(Some(at)) => stick.handle_timeout(at),
                VirtualOutput::Timeout(None) => break,
            }
        }
        sent
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}
