use super::super::fields::Field as F;
use super::*;
use crate::ash::frame::Frame;
use crate::ash::stuffing::{FrameParser, Received, encode};

/// A stick's end, as far as a test needs it: bytes in, EZSP payloads out, and the other way round.
struct Stick {
    parser: FrameParser,
    exchange: crate::ash::exchange::Exchange,
}

impl Stick {
    fn connected(session: &mut Session, now: Instant) -> Self {
        session.reset(now);
        let mut stick = Self { parser: FrameParser::default(), exchange: crate::ash::exchange::Exchange::new(1) };
        stick.heard(session, now);
        session.handle_bytes(now, &encode(&Frame::ResetAck { version: 2, code: 0x0B }));
        stick
    }

    /// The payloads that the session sent.
    fn heard(&mut self, session: &mut Session, now: Instant) -> Vec<Vec<u8>> {
        let mut heard = Vec::new();
        while let Some(bytes) = session.bytes.pop_front() {
            for byte in bytes {
                if let Some(Received::Frame(frame)) = self.parser.push(byte) {
                    heard.extend(self.exchange.handle_frame(now, frame).map(|payload| payload.to_vec()));
                }
            }
        }
        heard
    }

    fn say(&mut self, session: &mut Session, now: Instant, payload: &[u8]) {
        self.exchange.send(Zeroizing::new(payload.to_vec()));
        while let Some(frame) = self.exchange.next_frame(now) {
            session.handle_bytes(now, &encode(&frame));
        }
        self.heard(session, now);
    }
}

#[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
fn start() -> Instant {
    Instant::now()
}

fn events(session: &mut Session) -> Vec<SessionEvent> {
    std::iter::from_fn(|| session.outputs.pop_front()).collect()
}

fn working(now: Instant) -> (Session, Stick) {
    let mut session = Session::default();
    let mut stick = Stick::connected(&mut session, now);
    assert_eq!(stick.heard(&mut session, now), [[0x00, 0x00, 0x00, 0x08]]);
    // As recorded by zigbee-herdsman of a stick of version 13.
    session.handle_bytes(now, &encode(&stick_frame(&mut stick, now, &[0x00, 0x80, 0x00, 0x0D, 0x02, 0x10, 0x74])));
    assert_eq!(stick.heard(&mut session, now), [[0x01, 0x00, 0x01, 0x00, 0x00, 0x0D]]);
    stick.say(&mut session, now, &[0x01, 0x80, 0x01, 0x00, 0x00, 0x0D, 0x02, 0x10, 0x74]);
    assert_eq!(events(&mut session), [SessionEvent::Connected { version: 13 }]);
    (session, stick)
}

fn stick_frame(stick: &mut Stick, now: Instant, payload: &[u8]) -> Frame {
    stick.exchange.send(Zeroizing::new(payload.to_vec()));
    std::iter::from_fn(|| stick.exchange.next_frame(now)).last().unwrap()
}

#[test]
fn the_version_is_asked_for_in_the_old_form_and_agreed_on_in_the_new_one() {
    let (session, _) = working(start());
    assert_eq!(session.version(), Some(13));
}

#[test]
fn firmware_that_is_too_old_is_named() {
    let now = start();
    let mut session = Session::default();
    let mut stick = Stick::connected(&mut session, now);
    stick.say(&mut session, now, &[0x00, 0x80, 0x00, 0x07, 0x02, 0x60, 0x67]);
    let failure = SessionFailure::TooOld(7);
    assert_eq!(failure.to_string(), "its firmware speaks EZSP version 7; version 8 or later is needed");
    assert_eq!(events(&mut session), [SessionEvent::Failed(failure)]);
}

#[test]
fn one_command_is_under_way_and_the_next_one_waits_for_its_answer() {
    let now = start();
    let (mut session, mut stick) = working(now);
    let first = session.submit(now, Command::GetEui64, Fields::new());
    let second = session.submit(now, Command::NetworkState, Fields::new());
    assert_eq!(stick.heard(&mut session, now), [[0x02, 0x00, 0x01, 0x26, 0x00]]);
    // A callback in between is no answer.
    stick.say(&mut session, now, &[0x02, 0x90, 0x01, 0x19, 0x00, 0x90]);
    stick.exchange.send(Zeroizing::new(vec![0x02, 0x80, 0x01, 0x26, 0x00, 1, 2, 3, 4, 5, 6, 7, 8]));
    let frame = stick.exchange.next_frame(now).unwrap();
    session.handle_bytes(now, &encode(&frame));
    assert_eq!(stick.heard(&mut session, now), [[0x03, 0x00, 0x01, 0x18, 0x00]]);
    stick.say(&mut session, now, &[0x03, 0x80, 0x01, 0x18, 0x00, 0x02]);
    let up = Fields::new().with_status(Status::NETWORK_UP);
    let eui64 = Fields::new().with(F::Ieee, 0x0807_0605_0403_0201_u64);
    assert_eq!(
        events(&mut session),
        [
            SessionEvent::Callback(Command::StackStatusHandler, up),
            SessionEvent::Answered(first, Ok(eui64)),
            SessionEvent::Answered(second, Ok(Fields::new().with(F::State, 2_u8))),
        ]
    );
}

#[test]
fn a_command_that_the_stick_or_its_version_has_not_ends_with_an_error() {
    let now = start();
    let (mut session, mut stick) = working(now);
    let first = session.submit(now, Command::GetKey, Fields::new());
    let second = session.submit(now, Command::Nop, Fields::new());
    stick.heard(&mut session, now);
    stick.say(&mut session, now, &[0x02, 0x80, 0x01, 0x58, 0x00, 0x37]);
    let invalid = Err(CallError::Invalid(Status(0x8000_0037)));
    assert_eq!(
        events(&mut session),
        [SessionEvent::Answered(first, Err(CallError::NotInVersion)), SessionEvent::Answered(second, invalid)]
    );
}

#[test]
fn a_stick_that_acknowledges_and_does_not_answer_hangs() {
    let now = start();
    let (mut session, mut stick) = working(now);
    session.submit(now, Command::Nop, Fields::new());
    stick.heard(&mut session, now);
    let ack = stick.exchange.next_frame(now).unwrap();
    session.handle_bytes(now, &encode(&ack));
    session.handle_timeout(now + ANSWER_TIMEOUT);
    assert_eq!(events(&mut session), [SessionEvent::Failed(SessionFailure::Hung)]);
}
