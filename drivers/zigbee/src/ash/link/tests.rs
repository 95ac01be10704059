use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::exchange::{T_RX_ACK_INIT, T_RX_ACK_MAX};
use super::super::frame::FrameNumber;
use super::super::stuffing::{SUBSTITUTE, XOFF, XON};
use super::*;

const RST: [u8; 5] = [0x1A, 0xC0, 0x38, 0xBC, 0x7E];
const RSTACK: [u8; 7] = [0x1A, 0xC1, 0x02, 0x0B, 0x0A, 0x52, 0x7E];

#[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
fn start() -> Instant {
    Instant::now()
}

fn drain(link: &mut Link) -> Vec<LinkOutput> {
    std::iter::from_fn(|| link.poll()).collect()
}

fn connected(now: Instant) -> Link {
    let mut link = Link::default();
    link.reset(now);
    assert_eq!(drain(&mut link), [LinkOutput::Transmit(RST.to_vec())]);
    link.handle_bytes(now, &RSTACK);
    assert_eq!(drain(&mut link), [LinkOutput::Connected]);
    link
}

fn payload(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

fn data(number: u8, retransmitted: bool, ack: u8, bytes: &[u8]) -> Frame {
    let (number, ack) = (FrameNumber::new(number), FrameNumber::new(ack));
    Frame::Data { number, retransmitted, ack, payload: payload(bytes) }
}

fn ack(number: u8) -> Frame {
    Frame::Ack { ack: FrameNumber::new(number), not_ready: false }
}

fn nak(number: u8) -> Frame {
    Frame::Nak { ack: FrameNumber::new(number), not_ready: false }
}

/// The frames sent since the last call.
fn sent(link: &mut Link) -> Vec<Frame> {
    let mut parser = FrameParser::default();
    let mut frames = Vec::new();
    for output in drain(link) {
        let LinkOutput::Transmit(bytes) = output else { panic!("{output:?}") };
        for byte in bytes {
            match parser.push(byte) {
                Some(Received::Frame(frame)) => frames.push(frame),
                None => {}
                other => panic!("{other:?}"),
            }
        }
    }
    frames
}

#[test]
fn a_silent_stick_is_reset_three_times_and_what_it_said_is_told() {
    let begin = start();
    let mut link = Link::default();
    link.reset(begin);
    link.handle_bytes(begin, b"BL > ");
    let mut now = begin;
    let mut resets = 0;
    loop {
        for output in drain(&mut link) {
            match output {
                LinkOutput::Transmit(bytes) => {
                    assert_eq!(bytes, RST);
                    resets += 1;
                }
                LinkOutput::Failed(failure) => {
                    assert_eq!(failure, LinkFailure::NoAnswer(b"BL > ".to_vec()));
                    assert_eq!((resets, now - begin), (3, T_RSTACK_MAX * 3));
                    assert_eq!(link.timeout(), None);
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
        now = link.timeout().unwrap();
        link.handle_timeout(now);
    }
}

#[test]
fn frames_of_before_the_reset_are_passed_over() {
    let now = start();
    let mut link = Link::default();
    link.reset(now);
    drain(&mut link);
    let old = [encode(&data(3, false, 1, b"old")), encode(&Frame::Error { version: 2, code: 0x51 })].concat();
    link.handle_bytes(now, &old);
    assert_eq!(drain(&mut link), []);
    link.handle_bytes(now, &RSTACK);
    assert_eq!(drain(&mut link), [LinkOutput::Connected]);
}

#[test]
fn an_error_and_a_restart_end_the_connection_with_their_codes() {
    let now = start();
    for (frame, failure, sentence) in [
        (
            Frame::Error { version: 2, code: 0x51 },
            LinkFailure::GaveUp(0x51),
            "it gave up: it was not acknowledged too often (0x51)",
        ),
        (Frame::ResetAck { version: 2, code: 0x03 }, LinkFailure::Restarted(0x03), "it restarted: watchdog (0x03)"),
    ] {
        let mut link = connected(now);
        link.handle_bytes(now, &encode(&frame));
        assert_eq!(failure.to_string(), sentence);
        assert_eq!(drain(&mut link), [LinkOutput::Failed(failure)]);
    }
}

#[test]
fn a_payload_that_comes_in_is_acknowledged_at_once_and_one_that_comes_again_only_acknowledged() {
    let now = start();
    let mut link = connected(now);
    link.handle_bytes(now, &encode(&data(0, false, 0, b"one")));
    assert_eq!(drain(&mut link), [LinkOutput::Received(payload(b"one")), LinkOutput::Transmit(encode(&ack(1)))]);
    link.handle_bytes(now, &encode(&data(0, true, 0, b"one")));
    assert_eq!(drain(&mut link), [LinkOutput::Transmit(encode(&ack(1)))]);
}

#[test]
fn one_nak_asks_for_what_was_lost_and_what_follows_is_passed_over_until_it_comes() {
    let now = start();
    let mut link = connected(now);
    link.handle_bytes(now, &[0x05, SUBSTITUTE, 0x7E]);
    assert_eq!(sent(&mut link), [nak(0)]);
    link.handle_bytes(now, &encode(&data(1, false, 0, b"two")));
    assert_eq!(drain(&mut link), []);
    link.handle_bytes(now, &[encode(&data(0, true, 0, b"one")), encode(&data(1, true, 0, b"two"))].concat());
    assert_eq!(
        drain(&mut link),
        [
            LinkOutput::Received(payload(b"one")),
            LinkOutput::Received(payload(b"two")),
            LinkOutput::Transmit(encode(&ack(2)))
        ]
    );
}

#[test]
fn nak_brings_all_from_there_on_again_and_no_more_than_the_window_is_under_way() {
    let now = start();
    let mut link = connected(now);
    for one in [b"aaa", b"bbb", b"ccc", b"ddd"] {
        link.send(now, payload(one));
    }
    assert_eq!(sent(&mut link), [data(0, false, 0, b"aaa"), data(1, false, 0, b"bbb"), data(2, false, 0, b"ccc")]);
    link.handle_bytes(now, &encode(&nak(1)));
    assert_eq!(sent(&mut link), [data(1, true, 0, b"bbb"), data(2, true, 0, b"ccc"), data(3, false, 0, b"ddd")]);
    link.handle_bytes(now, &encode(&ack(4)));
    assert_eq!((drain(&mut link), link.timeout()), (vec![], None));
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_passed_over() {
    let now = start();
    let mut link = connected(now);
    link.send(now, payload(b"aaa"));
    drain(&mut link);
    link.handle_bytes(now, &encode(&ack(3)));
    assert!(link.timeout().is_some());
    link.handle_bytes(now, &encode(&data(0, false, 5, b"one")));
    assert_eq!(sent(&mut link), [nak(0)]);
}

#[test]
fn the_wait_for_an_acknowledgement_follows_how_fast_the_stick_is() {
    let mut now = start();
    let mut link = connected(now);
    let mut wait = |link: &mut Link, number: u8, took: Duration| {
        link.send(now, payload(b"aaa"));
        let wait = link.timeout().unwrap() - now;
        now += took;
        link.handle_bytes(now, &encode(&ack(number + 1)));
        drain(link);
        wait.as_millis()
    };
    // 7/8 of the last wait and half of what was measured; never less than 400 ms.
    assert_eq!(wait(&mut link, 0, Duration::from_millis(20)), 1600);
    assert_eq!(wait(&mut link, 1, Duration::from_millis(1000)), 1410);
    assert_eq!(wait(&mut link, 2, Duration::from_millis(20)), 1733);
    for number in 3..20 {
        wait(&mut link, number, Duration::from_millis(5));
    }
    assert_eq!(wait(&mut link, 20, Duration::from_millis(5)), 400);
}

#[test]
fn a_stick_that_stops_to_acknowledge_gets_the_frame_five_times_and_is_then_given_up() {
    let begin = start();
    let mut link = connected(begin);
    link.send(begin, payload(b"aaa"));
    let mut now = begin;
    let mut at = Vec::new();
    loop {
        for output in drain(&mut link) {
            match output {
                LinkOutput::Transmit(_) => at.push((now - begin).as_millis()),
                LinkOutput::Failed(failure) => {
                    assert_eq!(failure, LinkFailure::TimedOut);
                    assert_eq!(at, [0, 1600, 4800, 8000, 11200]);
                    assert_eq!(now - begin, T_RX_ACK_INIT + T_RX_ACK_MAX * 4);
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
        now = link.timeout().unwrap();
        link.handle_timeout(now);
    }
}

#[test]
fn nothing_is_sent_between_xoff_and_xon_nor_for_ever_if_xon_is_lost() {
    let now = start();
    let mut link = connected(now);
    link.handle_bytes(now, &[XOFF]);
    link.send(now, payload(b"aaa"));
    assert_eq!(drain(&mut link), []);
    link.handle_bytes(now, &[XON]);
    assert_eq!(sent(&mut link), [data(0, false, 0, b"aaa")]);
    link.handle_bytes(now, &[&[XOFF][..], &encode(&ack(1))].concat());
    link.send(now, payload(b"bbb"));
    let later = link.timeout().unwrap();
    link.handle_timeout(later);
    assert_eq!(sent(&mut link), [data(1, false, 0, b"bbb")]);
}

/// A stick's end, of the same exchange, at the other end of a line that spoils bytes.
struct Stick {
    parser: FrameParser,
    exchange: Exchange,
    heard: Vec<Vec<u8>>,
    is_dead: bool,
}

impl Stick {
    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        for byte in bytes {
            match self.parser.push(*byte) {
                Some(Received::Frame(frame)) => {
                    self.heard.extend(self.exchange.handle_frame(now, frame).map(|payload| payload.to_vec()));
                }
                Some(Received::Garbled { of_data: true, .. }) => self.exchange.handle_garbled(),
                _ => {}
            }
        }
    }
}

/// What a line does to a byte.
#[derive(Debug, Clone, Copy)]
enum Harm {
    Lose,
    Flip(u8),
    Insert(u8),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![Just(Harm::Lose), (1..=255_u8).prop_map(Harm::Flip), (1..=255_u8).prop_map(Harm::Insert)]
}

/// One direction of a line that spoils bytes.
#[derive(Default)]
struct Line {
    /// What the other end makes of it.
    parser: FrameParser,
    sent: Vec<Frame>,
}

impl Line {
    /// Carries a frame; `harms` says at which of all bytes that are carried something happens. The checksum has 16 bits and
    /// sees most of it; what it would not see is lost as a whole.
    fn carry(&mut self, bytes: &[u8], carried: &mut usize, harms: &BTreeMap<usize, Harm>) -> Vec<u8> {
        let mut out = Vec::new();
        for byte in bytes {
            match harms.get(carried) {
                None => out.push(*byte),
                Some(Harm::Lose) => {}
                Some(Harm::Flip(mask)) => out.push(byte ^ mask),
                Some(Harm::Insert(noise)) => out.extend([*noise, *byte]),
            }
            *carried += 1;
        }
        self.sent.extend(frames(&mut FrameParser::default(), bytes));
        let mut parser = self.parser.clone();
        if frames(&mut parser, &out).iter().any(|frame| !self.sent.contains(frame)) {
            return Vec::new();
        }
        self.parser = parser;
        out
    }
}

fn frames(parser: &mut FrameParser, bytes: &[u8]) -> Vec<Frame> {
    let found = bytes.iter().filter_map(|byte| parser.push(*byte));
    found.filter_map(|found| if let Received::Frame(frame) = found { Some(frame) } else { None }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_the_line_spoils_each_payload_comes_once_and_in_order_or_the_link_is_declared_failed(
        from_host in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 3..30), 0..20),
        from_stick in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 3..30), 0..20),
        harms in proptest::collection::btree_map(0..1500_usize, harm(), 0..60),
    ) {
        let mut now = start();
        let mut link = connected(now);
        let exchange = Exchange::new(5);
        let mut stick = Stick { parser: FrameParser::default(), exchange, heard: vec![], is_dead: false };
        let (mut carried, mut heard, mut failed) = (0, Vec::new(), false);
        let (mut to_stick, mut to_host) = (Line::default(), Line::default());
        from_host.iter().for_each(|bytes| link.send(now, payload(bytes)));
        from_stick.iter().for_each(|bytes| stick.exchange.send(payload(bytes)));
        for _ in 0..10_000 {
            let mut moved = false;
            while let Some(output) = link.poll() {
                moved = true;
                match output {
                    LinkOutput::Transmit(bytes) => {
                        stick.handle_bytes(now, &to_stick.carry(&bytes, &mut carried, &harms));
                    }
                    LinkOutput::Received(payload) => heard.push(payload.to_vec()),
                    LinkOutput::Failed(_) => failed = true,
                    LinkOutput::Connected => prop_assert!(false, "connected twice"),
                }
            }
            while !stick.is_dead && let Some(frame) = stick.exchange.next_frame(now) {
                moved = true;
                now += Duration::from_millis(1);
                link.handle_bytes(now, &to_host.carry(&encode(&frame), &mut carried, &harms));
            }
            if moved {
                continue;
            }
            let due = [link.timeout(), stick.exchange.timeout()].into_iter().flatten().min();
            let Some(due) = due.filter(|_| !failed) else { break };
            now = now.max(due);
            link.handle_timeout(now);
            if stick.exchange.handle_timeout(now).is_err() {
                stick.is_dead = true;
                link.handle_bytes(now, &[CANCEL]);
                link.handle_bytes(now, &encode(&Frame::Error { version: 2, code: 0x51 }));
            }
        }
        prop_assert!(from_stick.starts_with(&heard), "the host heard {heard:?}");
        prop_assert!(from_host.starts_with(&stick.heard), "the stick heard {:?}", stick.heard);
        if !failed {
            prop_assert_eq!(&heard, &from_stick);
            prop_assert_eq!(&stick.heard, &from_host);
        }
    }

    #[test]
    fn whatever_comes_in_nothing_panics_and_a_reset_mends_it(noise: Vec<u8>, more: Vec<u8>) {
        let now = start();
        let mut link = connected(now);
        link.send(now, payload(b"aaa"));
        link.handle_bytes(now, &noise);
        link.handle_timeout(now + T_RX_ACK_MAX);
        link.reset(now);
        link.handle_bytes(now, &more);
        link.handle_bytes(now, &RSTACK);
        let outputs = drain(&mut link);
        prop_assert_eq!(outputs.last(), Some(&LinkOutput::Connected));
    }
}
