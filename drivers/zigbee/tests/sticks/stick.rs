//! Sticks that answer OK to everything, unless told otherwise.

use std::collections::VecDeque;
use std::time::Instant;

use keyway_lock::wire::Reader;
use keyway_zigbee::ash::exchange::Exchange;
use keyway_zigbee::ash::frame::Frame as AshFrame;
use keyway_zigbee::ash::stuffing::encode;
use keyway_zigbee::ash::{FrameParser as AshParser, Received};
use keyway_zigbee::ezsp::frame::{Form, Head, Purpose};
use keyway_zigbee::ezsp::table::Side;
use keyway_zigbee::ezsp::{Command as EzspCommand, Field, Fields, Layout, Status};
use keyway_zigbee::znp::command as c;
use keyway_zigbee::znp::mt::{Frame, FrameParser, Kind};
use zeroize::Zeroizing;

/// What both are to the test.
pub(crate) trait Stick {
    /// Bytes of the host.
    fn hear(&mut self, now: Instant, bytes: &[u8]);
    /// Bytes for the host.
    fn say(&mut self, now: Instant) -> Option<Vec<u8>>;
    /// Tells something.
    fn tell(&mut self, which: u8, bytes: &[u8]);
    /// Answers the next request so.
    fn answer(&mut self, bytes: Vec<u8>);
    /// Is silent, or no longer.
    fn silence(&mut self, is_silent: bool);
    /// Restarts by itself: what it sends then.
    fn restart(&mut self) -> Vec<u8>;
    /// Its port was opened anew.
    fn restarted(&mut self);
}

const VERSION: u8 = 14;
/// What a stick of Silicon Labs tells.
const CALLBACKS: [EzspCommand; 12] = [
    EzspCommand::StackStatusHandler,
    EzspCommand::ScanCompleteHandler,
    EzspCommand::EnergyScanResultHandler,
    EzspCommand::ChildJoinHandler,
    EzspCommand::TrustCenterJoinHandler,
    EzspCommand::MessageSentHandler,
    EzspCommand::IncomingMessageHandler,
    EzspCommand::IncomingRouteRecordHandler,
    EzspCommand::IdConflictHandler,
    EzspCommand::IncomingRouteErrorHandler,
    EzspCommand::IncomingNetworkStatusHandler,
    EzspCommand::InvalidCommand,
];

pub(crate) struct EzspStick {
    parser: AshParser,
    exchange: Exchange,
    bytes: VecDeque<Vec<u8>>,
    answers: VecDeque<Vec<u8>>,
    is_silent: bool,
}

impl Default for EzspStick {
    fn default() -> Self {
        Self {
            parser: AshParser::default(),
            exchange: Exchange::new(3),
            bytes: VecDeque::new(),
            answers: VecDeque::new(),
            is_silent: false,
        }
    }
}

impl EzspStick {
    fn handle(&mut self, payload: &[u8]) {
        let form = if payload.get(2) == Some(&1) { Form::Extended } else { Form::Legacy };
        let mut reader = Reader::new(payload);
        let head = Head::read(form, &mut reader).unwrap();
        let Some(layout) = Layout::by_id(VERSION, head.id) else { return };
        let command = layout.command;
        let network = Fields::new().with(Field::NodeType, 1_u8).with(Field::Pan, 1_u8).with(Field::Channel, 15_u8);
        let fields = network.with(Field::ProtocolVersion, VERSION).with(Field::Ieee, 0x1234_5678_u32);
        let fields =
            if command == EzspCommand::GetConfigurationValue { fields.with(Field::Value, 3_u8) } else { fields };
        let good = layout.encode(VERSION, Side::Answer, &fields);
        let body = if command == EzspCommand::Version { good } else { self.answers.pop_front().unwrap_or(good) };
        let head = Head { purpose: Purpose::Answer, ..head };
        self.send([head.to_bytes(form), body].concat());
        let told = match command {
            EzspCommand::NetworkInit | EzspCommand::FormNetwork => Status::NETWORK_UP,
            EzspCommand::LeaveNetwork => Status::NETWORK_DOWN,
            _ => return,
        };
        self.tell(0, &told.0.to_le_bytes());
    }

    fn send(&mut self, payload: Vec<u8>) {
        self.exchange.send(Zeroizing::new(payload));
    }
}

impl Stick for EzspStick {
    fn hear(&mut self, now: Instant, bytes: &[u8]) {
        for byte in bytes {
            match self.parser.push(*byte) {
                Some(Received::Frame(AshFrame::Reset)) => {
                    let bytes = self.restart();
                    self.bytes.push_back(bytes);
                }
                Some(Received::Frame(frame)) => {
                    if let Some(payload) = self.exchange.handle_frame(now, frame) {
                        self.handle(&payload);
                    }
                }
                _ => {}
            }
        }
    }

    fn say(&mut self, now: Instant) -> Option<Vec<u8>> {
        let bytes = self.bytes.pop_front().or_else(|| self.exchange.next_frame(now).map(|frame| encode(&frame)));
        bytes.filter(|_| !self.is_silent)
    }

    fn tell(&mut self, which: u8, bytes: &[u8]) {
        let command = CALLBACKS[usize::from(which) % CALLBACKS.len()];
        let id = Layout::of(VERSION, command).unwrap().id;
        let head = Head { sequence: 0, purpose: Purpose::Callback, overflow: false, id };
        self.send([&head.to_bytes(Form::Extended)[..], bytes].concat());
    }

    fn answer(&mut self, bytes: Vec<u8>) {
        self.answers.push_back(bytes);
    }

    fn silence(&mut self, is_silent: bool) {
        self.is_silent = is_silent;
    }

    fn restart(&mut self) -> Vec<u8> {
        self.restarted();
        if self.is_silent { vec![] } else { encode(&AshFrame::ResetAck { version: 2, code: 0x0B }) }
    }

    fn restarted(&mut self) {
        self.exchange = Exchange::new(3);
        self.bytes.clear();
    }
}

/// What a stick of Texas Instruments tells.
const TOLD: [keyway_zigbee::znp::mt::Command; 10] = [
    c::SYS_RESET_IND,
    c::AF_DATA_CONFIRM,
    c::AF_INCOMING,
    c::AF_INCOMING_EXT,
    c::ZDO_NWK_UPDATE_NOTIFY,
    c::ZDO_STATE_CHANGE,
    c::ZDO_SOURCE_ROUTE,
    c::ZDO_LEAVE,
    c::ZDO_TC_DEVICE,
    c::ZDO_MSG_CB_INCOMING,
];

#[derive(Default)]
pub(crate) struct ZnpStick {
    parser: FrameParser,
    bytes: VecDeque<Vec<u8>>,
    answers: VecDeque<Vec<u8>>,
    is_silent: bool,
}

impl ZnpStick {
    fn handle(&mut self, frame: &Frame) {
        let mut nib = vec![0; 118];
        (nib[1], nib[2 + 24], nib[2 + 36], nib[2 + 65]) = (116, 15, 1, 1);
        let good = match (frame.command, &frame.data[..]) {
            (c::SYS_VERSION, _) => vec![2, 1, 2, 7, 1, 0, 0, 0, 0],
            (c::UTIL_GET_DEVICE_INFO | c::ZDO_EXT_NWK_INFO, _) => vec![0; 24],
            (c::SYS_NV_READ, [0x21, 0, ..]) => nib,
            (c::SYS_NV_READ, [0x3A, 0, ..]) => [&[0, 17][..], &[0; 17]].concat(),
            (c::SYS_NV_READ, _) => vec![0, 1, 1],
            (c::SYS_TABLE_READ, _) => vec![2, 0],
            _ => vec![0],
        };
        let body = self.answers.pop_front().unwrap_or(good);
        if frame.kind == Kind::Request {
            self.bytes.push_back(Frame::new(Kind::Answer, frame.command, &body).to_bytes());
        }
        match frame.command {
            c::SYS_RESET => self.tell(0, &[0; 6]),
            c::ZDO_STARTUP | c::CNF_START_COMMISSIONING => self.tell(5, &[9]),
            _ => {}
        }
    }
}

impl Stick for ZnpStick {
    fn hear(&mut self, now: Instant, bytes: &[u8]) {
        self.parser.push(now, bytes);
        while let Some(frame) = self.parser.next_frame() {
            self.handle(&frame);
        }
    }

    fn say(&mut self, _now: Instant) -> Option<Vec<u8>> {
        self.bytes.pop_front().filter(|_| !self.is_silent)
    }

    fn tell(&mut self, which: u8, bytes: &[u8]) {
        let command = TOLD[usize::from(which) % TOLD.len()];
        self.bytes.push_back(Frame::new(Kind::Tell, command, bytes).to_bytes());
    }

    fn answer(&mut self, bytes: Vec<u8>) {
        self.answers.push_back(bytes);
    }

    fn silence(&mut self, is_silent: bool) {
        self.is_silent = is_silent;
    }

    fn restart(&mut self) -> Vec<u8> {
        self.restarted();
        Frame::new(Kind::Tell, c::SYS_RESET_IND, &[0; 6]).to_bytes()
    }

    fn restarted(&mut self) {
        self.bytes.clear();
    }
}
