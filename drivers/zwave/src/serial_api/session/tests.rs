//! The session against a stick that is played by hand, frame by frame.

use super::*;
use crate::host::frame::{ACK, CAN, NAK};
use crate::serial_api::callback::TransmitStatus;
use crate::serial_api::command::NodeIdWidth;
use crate::serial_api::function::setup;

/// What a stick lists, and answers to each function while it is identified.
struct Played {
    functions: Vec<u8>,
    node_id_width: NodeIdWidth,
    /// Answers to functions, with the beginning of what is asked, that are not as usual; `None`: silence.
    odd: Vec<(u8, Vec<u8>, Option<Vec<u8>>)>,
}

impl Played {
    fn classic() -> Self {
        use function::*;
        let functions = vec![
            GET_INIT_DATA,
            SET_APPLICATION_NODE_INFORMATION,
            GET_CONTROLLER_CAPABILITIES,
            GET_CAPABILITIES,
            SEND_DATA,
            GET_LIBRARY_VERSION,
            SEND_DATA_ABORT,
            MEMORY_GET_ID,
        ];
        Self { functions, node_id_width: NodeIdWidth::Bits8, odd: Vec::new() }
    }

    fn oddly(mut self, function: u8, asked: &[u8], answer: Option<&[u8]>) -> Self {
        self.odd.push((function, asked.to_vec(), answer.map(<[u8]>::to_vec)));
        self
    }

    fn bridge() -> Self {
        let mut stick = Self::classic();
        stick.functions.retain(|function| *function != function::SEND_DATA);
        stick.functions.extend([function::SETUP, function::SEND_DATA_BRIDGE, function::GET_LONG_RANGE_NODES]);
        stick.node_id_width = NodeIdWidth::Bits16;
        stick
    }

    /// The response to a command of the identification; `None`: it is only acknowledged.
    fn response(&self, function: u8, payload: &[u8]) -> Option<Vec<u8>> {
        let odd = self.odd.iter().find(|(odd, asked, _)| *odd == function && payload.starts_with(asked));
        if let Some((_, _, answer)) = odd {
            return answer.clone();
        }
        Some(match (function, payload) {
            (function::GET_CAPABILITIES, _) => {
                let mut mask = [0; 32];
                for bit in self.functions.iter().map(|function| usize::from(function - 1)) {
                    mask[bit / 8] |= 1 << (bit % 8);
                }
                [&[1, 2, 0, 0x86, 0, 1, 0, 0x5A][..], &mask].concat()
            }
            (function::SETUP, [setup::GET_SUPPORTED_COMMANDS]) => {
                vec![setup::GET_SUPPORTED_COMMANDS, setup::SET_NODE_ID_TYPE | setup::GET_MAXIMUM_PAYLOAD_SIZE]
            }
            (function::SETUP, [setup::GET_MAXIMUM_PAYLOAD_SIZE]) => vec![setup::GET_MAXIMUM_PAYLOAD_SIZE, 46],
            (function::SETUP, [setup::SET_NODE_ID_TYPE, 2]) => vec![setup::SET_NODE_ID_TYPE, 1],
            (function::GET_LIBRARY_VERSION, _) => b"Z-Wave 7.19\0\x01".to_vec(),
            (function::MEMORY_GET_ID, _) => match self.node_id_width {
                NodeIdWidth::Bits8 => vec![0xC0, 0xFF, 0xEE, 0x01, 1],
                NodeIdWidth::Bits16 => vec![0xC0, 0xFF, 0xEE, 0x01, 0, 1],
            },
            (function::GET_INIT_DATA, _) => vec![9, 0, 1, 0b0001_0011, 7, 0],
            (function::GET_CONTROLLER_CAPABILITIES, _) => vec![0x1C],
            (function::GET_LONG_RANGE_NODES, [0]) => vec![0, 0, 1, 0b0000_0010],
            _ => return None,
        })
    }
}

struct Bench {
    session: Session,
    now: Instant,
    timeout: Option<Instant>,
    sent: Vec<DataFrame>,
    events: Vec<SessionEvent>,
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn new() -> Self {
        let mut bench = Self {
            session: Session::new(false),
            now: Instant::now(),
            timeout: None,
            sent: Vec::new(),
            events: Vec::new(),
        };
        bench.session.handle_opened(bench.now);
        bench.drain();
        bench.wait();
        bench
    }

    fn identified(stick: &Played) -> Self {
        let mut bench = Self::new();
        bench.identify(stick);
        bench
    }

    /// Plays the stick until it is identified.
    fn identify(&mut self, stick: &Played) {
        for _ in 0..10 {
            while let Some(frame) = self.sent.pop() {
                self.receive(&[ACK]);
                if let Some(payload) = stick.response(frame.function, &frame.payload) {
                    self.respond(frame.function, &payload);
                }
            }
            if self.session.stick().is_some() {
                return;
            }
            self.wait();
        }
        panic!("not identified");
    }

    /// How often the stick was said not to work.
    fn failures(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, SessionEvent::Unresponsive(_))).count()
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.session.handle_bytes(self.now, bytes);
        self.drain();
    }

    fn frame(&mut self, frame_type: FrameType, function: u8, payload: &[u8]) {
        self.receive(&DataFrame { frame_type, function, payload: payload.to_vec() }.encode());
    }

    fn respond(&mut self, function: u8, payload: &[u8]) {
        self.frame(FrameType::Response, function, payload);
    }

    fn request(&mut self, function: u8, payload: &[u8]) {
        self.frame(FrameType::Request, function, payload);
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                SessionOutput::Transmit(bytes) => {
                    if let [0x01, _, 0x00, function, payload @ .., _] = &bytes[..] {
                        let (frame_type, function, payload) = (FrameType::Request, *function, payload.to_vec());
                        self.sent.push(DataFrame { frame_type, function, payload });
                    }
                }
                SessionOutput::Event(event) => self.events.push(event),
                SessionOutput::Timeout(timeout) => {
                    self.timeout = timeout;
                    return;
                }
            }
        }
    }

    /// Lets time pass to the next timeout.
    fn wait(&mut self) {
        self.now = self.timeout.expect("something is waited for");
        self.session.handle_timeout(self.now);
        self.drain();
    }

    fn send(&mut self, node: u16) -> Ticket {
        let ticket = self.session.send_data(self.now, NodeId::new(node).unwrap(), &[0x62, 0x02]);
        self.drain();
        ticket
    }

    fn completed(&self, ticket: Ticket) -> Option<&Result<Completed, SendFailure>> {
        self.events.iter().find_map(|event| match event {
            SessionEvent::Completed(done, result) if *done == ticket => Some(result),
            _ => None,
        })
    }
}

#[test]
fn a_classic_stick_is_identified_and_asked_nothing_it_does_not_list() {
    let bench = Bench::identified(&Played::classic());
    let stick = bench.session.stick().unwrap();
    assert_eq!((stick.home_id, stick.own_node.map(NodeId::get)), (0xC0FF_EE01, Some(1)));
    assert_eq!(stick.nodes.iter().map(|node| node.get()).collect::<Vec<_>>(), [1, 2, 5]);
    assert_eq!((stick.node_id_width, stick.library_version.as_str()), (NodeIdWidth::Bits8, "Z-Wave 7.19"));
}

#[test]
fn a_bridge_controller_with_long_range_is_spoken_to_with_wide_node_ids() {
    let mut bench = Bench::identified(&Played::bridge());
    assert!(bench.session.stick().unwrap().nodes.contains(&NodeId::new(257).unwrap()));
    bench.send(257);
    let sent = bench.sent.pop().unwrap();
    assert_eq!(sent.function, function::SEND_DATA_BRIDGE);
    assert_eq!(sent.payload[..7], [0, 1, 1, 1, 2, 0x62, 0x02]);
    bench.receive(&[ACK]);
    bench.request(function::BRIDGE_APPLICATION_COMMAND_HANDLER, &[0, 0, 1, 1, 1, 2, 0x62, 0x03, 0, 0xB0]);
    assert!(matches!(bench.events.last(), Some(SessionEvent::Received(command)) if command.source.get() == 257));
}

#[test]
fn one_command_is_outstanding_and_the_next_waits_for_its_callback() {
    let mut bench = Bench::identified(&Played::classic());
    let (first, second) = (bench.send(2), bench.send(5));
    assert_eq!(bench.sent.len(), 1);
    let callback = *bench.sent.pop().unwrap().payload.last().unwrap();
    bench.receive(&[ACK]);
    bench.respond(function::SEND_DATA, &[1]);
    assert!(bench.sent.is_empty());
    bench.request(function::SEND_DATA, &[callback, 0x00, 0, 3]);
    assert!(matches!(bench.completed(first), Some(Ok(Completed::Sent(report))) if report.status == TransmitStatus::Ok));
    assert_eq!(bench.sent.pop().unwrap().payload[0], 5);
    assert!(bench.completed(second).is_none());
}

#[test]
fn a_callback_that_comes_before_its_response_or_with_another_id_is_not_mistaken() {
    let mut bench = Bench::identified(&Played::classic());
    let ticket = bench.send(2);
    let callback = *bench.sent.pop().unwrap().payload.last().unwrap();
    bench.receive(&[ACK]);
    bench.request(function::SEND_DATA, &[callback.wrapping_add(7), 0x00]);
    assert!(bench.completed(ticket).is_none());
    bench.request(function::SEND_DATA, &[callback, 0x01]);
    assert!(
        matches!(bench.completed(ticket), Some(Ok(Completed::Sent(report))) if report.status == TransmitStatus::NoAck)
    );
}

#[test]
fn a_refused_send_an_undelivered_one_and_a_lost_answer_are_different_facts() {
    let mut bench = Bench::identified(&Played::classic());
    let refused = bench.send(2);
    bench.receive(&[ACK]);
    bench.respond(function::SEND_DATA, &[0]);
    assert_eq!(bench.completed(refused), Some(&Err(SendFailure::Refused)));

    let undelivered = bench.send(2);
    for _ in 0..4 {
        bench.receive(&[CAN]);
        if bench.completed(undelivered).is_none() {
            bench.wait();
        }
    }
    assert_eq!(bench.completed(undelivered), Some(&Err(SendFailure::Link(LinkFailure::Can))));

    let lost = bench.send(2);
    bench.receive(&[ACK]);
    bench.respond(function::SEND_DATA, &[1]);
    bench.sent.clear();
    bench.wait();
    assert_eq!(bench.completed(lost), Some(&Err(SendFailure::AnswerLost)));
    assert_eq!(bench.sent.pop().unwrap().function, function::SEND_DATA_ABORT);
}

#[test]
fn a_stick_that_takes_commands_and_answers_none_is_restarted() {
    let mut bench = Bench::identified(&Played::classic());
    let mut sent = Vec::new();
    while !sent.contains(&function::SOFT_RESET) {
        let ticket = bench.send(2);
        while bench.completed(ticket).is_none() {
            bench.receive(&[ACK]);
            bench.wait();
        }
        bench.receive(&[ACK]);
        sent.extend(bench.sent.drain(..).map(|frame| frame.function));
        assert!(sent.len() < 10, "{sent:02x?}");
    }
    assert!(matches!(bench.events.last(), Some(SessionEvent::Unresponsive(_))));
    bench.request(function::STARTED, &[0, 0, 0, 0, 0]);
    bench.identify(&Played::classic());
}

#[test]
fn a_send_that_is_aborted_ends_with_its_callback() {
    let mut bench = Bench::identified(&Played::classic());
    let ticket = bench.send(2);
    let callback = *bench.sent.pop().unwrap().payload.last().unwrap();
    bench.receive(&[ACK]);
    bench.respond(function::SEND_DATA, &[1]);
    bench.session.abort(bench.now);
    bench.drain();
    assert_eq!(bench.sent.pop().unwrap().function, function::SEND_DATA_ABORT);
    bench.receive(&[ACK]);
    bench.request(function::SEND_DATA, &[callback, 0x02]);
    assert!(
        matches!(bench.completed(ticket), Some(Ok(Completed::Sent(report))) if report.status == TransmitStatus::Fail)
    );
}

#[test]
fn a_stick_that_restarts_fails_what_was_under_way_and_is_identified_again() {
    let mut bench = Bench::identified(&Played::classic());
    let (first, second) = (bench.send(2), bench.send(5));
    bench.receive(&[ACK]);
    bench.sent.clear();
    bench.request(function::STARTED, &[0, 0, 0, 0, 0]);
    assert_eq!(bench.completed(first), Some(&Err(SendFailure::Restarted)));
    assert_eq!(bench.completed(second), Some(&Err(SendFailure::Restarted)));
    assert!(bench.events.contains(&SessionEvent::Restarted));
    assert!(bench.session.stick().is_none());
    bench.identify(&Played::classic());
}

#[test]
fn a_port_with_something_else_behind_it_is_named_and_tried_again() {
    let mut bench = Bench::new();
    for _ in 0..40 {
        bench.wait();
    }
    assert!(bench.failures() >= 2, "{:?}", bench.events);
    bench.sent.drain(..bench.sent.len() - 1);
    bench.identify(&Played::classic());
}

#[test]
fn what_the_stick_repeats_to_a_new_host_is_not_lost() {
    let mut bench = Bench::new();
    bench.request(function::APPLICATION_COMMAND_HANDLER, &[0, 5, 3, 0x80, 0x03, 87]);
    bench.identify(&Played::classic());
    assert!(matches!(bench.events.last(), Some(SessionEvent::Received(command)) if command.source.get() == 5));
}

#[test]
fn a_nak_brings_the_frame_again_with_the_same_callback() {
    let mut bench = Bench::identified(&Played::classic());
    bench.send(2);
    let first = bench.sent.pop().unwrap();
    bench.receive(&[NAK]);
    bench.wait();
    assert_eq!(bench.sent.pop(), Some(first));
}

#[test]
fn a_setting_that_the_stick_refuses_is_left_as_it_is() {
    let mut stick = Played::bridge()
        .oddly(function::SETUP, &[setup::SET_NODE_ID_TYPE], Some(&[0x00, setup::SET_NODE_ID_TYPE]))
        .oddly(function::SETUP, &[setup::GET_MAXIMUM_PAYLOAD_SIZE], Some(&[0x00, setup::GET_MAXIMUM_PAYLOAD_SIZE]));
    stick.node_id_width = NodeIdWidth::Bits8;
    let bench = Bench::identified(&stick);
    let stick = bench.session.stick().unwrap();
    assert_eq!((stick.node_id_width, stick.max_payload), (NodeIdWidth::Bits8, 46));
}

#[test]
fn a_late_answer_to_another_setting_is_not_taken_for_the_one_that_is_awaited() {
    let mut bench = Bench::new();
    let stick = Played::bridge();
    while bench.sent.last().is_none_or(|frame| !frame.payload.starts_with(&[setup::GET_MAXIMUM_PAYLOAD_SIZE])) {
        let frame = bench.sent.pop().unwrap();
        bench.receive(&[ACK]);
        bench.respond(frame.function, &stick.response(frame.function, &frame.payload).unwrap());
    }
    bench.respond(function::SETUP, &[setup::SET_NODE_ID_TYPE, 1]);
    bench.identify(&stick);
    assert_eq!(bench.session.stick().unwrap().max_payload, 46);
}

#[test]
fn what_the_stick_lists_and_does_not_answer_or_answers_in_no_sensible_way_is_left_out() {
    for answer in [None, Some(&[][..])] {
        let bench = Bench::identified(&Played::classic().oddly(function::GET_CONTROLLER_CAPABILITIES, &[], answer));
        assert_eq!((bench.failures(), bench.session.stick().unwrap().controller_capabilities), (0, 0));
    }
}

#[test]
fn a_stick_that_does_not_say_who_it_is_is_named_and_tried_again() {
    let mut bench = Bench::new();
    let stick = Played::classic().oddly(function::MEMORY_GET_ID, &[], None);
    while bench.failures() < 2 {
        match bench.sent.pop() {
            Some(frame) => {
                bench.receive(&[ACK]);
                if let Some(payload) = stick.response(frame.function, &frame.payload) {
                    bench.respond(frame.function, &payload);
                }
            }
            None => bench.wait(),
        }
    }
    while bench.sent.is_empty() {
        bench.wait();
    }
    bench.identify(&Played::classic());
}

#[test]
fn a_stick_that_can_read_nothing_is_named_from_the_beginning_and_later_too() {
    let refuse = |bench: &mut Bench| {
        for _ in 0..200 {
            if bench.sent.pop().is_some() {
                bench.receive(&[NAK]);
            } else {
                bench.wait();
            }
        }
    };
    let mut bench = Bench::new();
    refuse(&mut bench);
    assert!(bench.failures() >= 1);

    let mut bench = Bench::identified(&Played::classic());
    let sends: Vec<Ticket> = (0..10).map(|_| bench.send(2)).collect();
    refuse(&mut bench);
    assert!(bench.failures() >= 1);
    assert!(sends.iter().all(|ticket| bench.completed(*ticket).is_some()));
}

#[test]
fn a_stick_that_could_not_read_a_few_frames_over_a_bad_line_is_left_alone() {
    let mut bench = Bench::identified(&Played::classic());
    for _ in 0..5 {
        let ticket = bench.send(2);
        while bench.completed(ticket).is_none() {
            if bench.sent.pop().is_some() {
                bench.receive(&[NAK]);
            } else {
                bench.wait();
            }
        }
    }
    assert_eq!(bench.failures(), 0);
}

#[test]
fn node_information_of_another_node_does_not_answer_for_the_one_that_was_asked() {
    let mut bench = Bench::identified(&Played::classic());
    let ticket =
        bench.session.submit(bench.now, Command::request_node_info(NodeId::new(5).unwrap(), NodeIdWidth::Bits8));
    bench.drain();
    bench.receive(&[ACK]);
    bench.respond(function::REQUEST_NODE_INFO, &[1]);
    bench.request(function::APPLICATION_UPDATE, &[0x84, 2, 4, 4, 0x40, 3, 0x20]);
    assert_eq!(bench.completed(ticket), None);
    bench.request(function::APPLICATION_UPDATE, &[0x84, 5, 4, 4, 0x40, 3, 0x63]);
    assert!(matches!(
        bench.completed(ticket),
        Some(Ok(Completed::Update(NodeUpdate::Information(node, _)))) if node.get() == 5
    ));
}

#[test]
fn a_stick_that_accepts_sends_and_never_calls_back_for_them_is_restarted() {
    let mut bench = Bench::identified(&Played::classic());
    while bench.failures() == 0 {
        let ticket = bench.send(2);
        while bench.completed(ticket).is_none() {
            bench.receive(&[ACK]);
            bench.respond(function::SEND_DATA, &[1]);
            bench.request(function::SEND_DATA, &[0xEE, 0x01]);
            bench.wait();
        }
        bench.receive(&[ACK]);
        assert!(bench.sent.len() < 10);
    }
    assert_eq!(bench.sent.pop().unwrap().function, function::SOFT_RESET);
}
