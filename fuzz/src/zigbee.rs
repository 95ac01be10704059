//! Zigbee: both families of sticks, what devices say, network backups, and the whole radio.

use std::time::Duration;

use keyway_lock::wire::Reader;
use keyway_lock::{NetworkRecord, PortState, Radio as _, RecordKey, SecretBytes};
use keyway_zigbee::ash;
use keyway_zigbee::backup::NetworkBackup;
use keyway_zigbee::controller::{Setup, ZigbeeRadio};
use keyway_zigbee::coordinator::Coordinator;
use keyway_zigbee::ezsp::frame::{Form, Head};
use keyway_zigbee::ezsp::table::Side;
use keyway_zigbee::ezsp::{EzspCoordinator, Layout};
use keyway_zigbee::key::Key;
use keyway_zigbee::quirks::Quirks;
use keyway_zigbee::stranger::Stranger;
use keyway_zigbee::zcl::door_lock::{FromLock, ToLock};
use keyway_zigbee::zcl::foundation::General;
use keyway_zigbee::zcl::reporting::{Configured, Reporting};
use keyway_zigbee::zcl::{Frame, Value, alarms, poll_control};
use keyway_zigbee::zdo::Message;
use keyway_zigbee::znp::command::{self, DataRequest};
use keyway_zigbee::znp::nv::{AddressLine, Nib, SeededKeyLine};
use keyway_zigbee::znp::{ZnpCoordinator, mt};
use zeroize::Zeroizing;

use crate::wire::{drain, pieces, same, start};

/// Versions of EZSP, from the first that is spoken to one that does not exist yet.
const VERSIONS: [u8; 9] = [4, 5, 7, 8, 9, 13, 14, 16, 20];

/// ASH: bytes in pieces, and each frame both ways.
pub fn ash_frames(data: &[u8]) {
    if let Ok(frame) = ash::Frame::read(data) {
        same(&frame, ash::Frame::read(&frame.to_bytes()));
    }
    let mut parser = ash::FrameParser::default();
    for byte in data {
        if let Some(ash::Received::Frame(frame)) = parser.push(*byte) {
            let mut again = ash::FrameParser::default();
            let found = ash::stuffing::encode(&frame).into_iter().filter_map(|byte| again.push(byte)).next();
            assert_eq!(found, Some(ash::Received::Frame(frame)), "a frame is read from its own bytes");
        }
    }
    let mut now = start();
    let mut link = ash::Link::default();
    link.reset(now);
    for piece in pieces(data) {
        link.handle_bytes(now, piece);
        link.send(now, Zeroizing::new(vec![7; 5]));
        now += Duration::from_millis(900);
        link.handle_timeout(now);
        while link.poll().is_some() {}
    }
    let _ = Stranger::of(data);
}

/// Every command of EZSP in every version, both ways.
pub fn ezsp_frames(data: &[u8]) {
    let [which, low, high, rest @ ..] = data else { return };
    for form in [Form::Legacy, Form::Extended] {
        let mut reader = Reader::new(rest);
        if let Ok(head) = Head::read(form, &mut reader) {
            same(&head, Head::read(form, &mut Reader::new(&head.to_bytes(form))));
        }
    }
    let version = VERSIONS[usize::from(*which >> 1) % VERSIONS.len()];
    let side = if which & 1 == 0 { Side::Request } else { Side::Answer };
    let Some(layout) = Layout::by_id(version, u16::from_le_bytes([*low, *high])) else { return };
    if let Ok(fields) = layout.decode(version, side, &mut Reader::new(rest)) {
        // Not compared with what was read: some fields can have one value only, and old sticks have fewer statuses.
        let bytes = layout.encode(version, side, &fields);
        let again = layout.decode(version, side, &mut Reader::new(&bytes));
        same(&bytes, again.map(|fields| layout.encode(version, side, &fields)));
    }
}

/// MT frames of ZNP, and what is in them; lines of its memory.
pub fn znp_frames(data: &[u8]) {
    let mut now = start();
    let mut parser = mt::FrameParser::default();
    for piece in pieces(data) {
        parser.push(now, piece);
        while let Some(frame) = parser.next_frame() {
            let mut again = mt::FrameParser::default();
            again.push(now, &frame.to_bytes());
            assert_eq!(again.next_frame(), Some(frame), "a frame is read from its own bytes");
        }
        now += Duration::from_millis(100);
    }
    let _ = (command::read_incoming(data, 0x0104), command::read_incoming_ext(data, 0x0104), command::read_zdo(data));
    if let Ok(request) = DataRequest::read(data) {
        same(&request, DataRequest::read(&request.to_bytes()));
    }
    if let Ok(Some(line)) = AddressLine::read(data) {
        same(&Some(line), AddressLine::read(&line.to_bytes()));
    }
    if let Ok(Some(line)) = SeededKeyLine::read(data) {
        same(&Some(line), SeededKeyLine::read(&line.to_bytes()));
    }
    if let Some(nib) = Nib::new(data) {
        let _ = nib.network();
    }
}

/// ZDO, both ways.
pub fn zdo_messages(data: &[u8]) {
    let [low, high, rest @ ..] = data else { return };
    let id = u16::from_le_bytes([*low, *high]);
    if let Ok(message) = Message::decode(id, rest) {
        same(&message, Message::decode(id, &message.encode()));
    }
}

/// ZCL: frames, the foundation's commands, values of every type, door locks, both ways.
pub fn zcl_frames(data: &[u8]) {
    if let Ok(frame) = Frame::decode(data) {
        same(&frame, Frame::decode(&frame.encode()));
    }
    let [id, payload @ ..] = data else { return };
    if let Ok(general) = General::decode(*id, payload) {
        let (id, payload) = general.encode();
        same(&general, General::decode(id, &payload));
    }
    if let Ok(command) = ToLock::decode(*id, payload) {
        let frame = command.frame(0);
        same(&command, ToLock::decode(frame.command, &frame.payload));
    }
    if let Ok(command) = FromLock::decode(*id, payload) {
        let frame = command.frame(0);
        same(&command, FromLock::decode(frame.command, &frame.payload));
    }
    macro_rules! both_ways {
        ($($part:ty),*) => {
            $(if let Ok(part) = <$part>::decode(&mut Reader::new(data)) {
                let mut out = Vec::new();
                part.encode(&mut out);
                same(&part, <$part>::decode(&mut Reader::new(&out)));
            })*
        };
    }
    both_ways!(Value, Reporting, Configured);
    let _ = (alarms::Alarm::decode(data), poll_control::CheckInResponse::decode(data));
}

/// A coordinator's backup: what is read is written so that it is read again.
pub fn network_backups(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(backup) = NetworkBackup::from_json(text)
        && let Ok(json) = backup.to_json("2026-11-25T12:00:00Z")
    {
        same(&backup, NetworkBackup::from_json(&json));
    }
}

/// What was kept of a network, as it may come out of a foreign backup, and bytes of any stick behind it.
pub fn ezsp_radio(data: &[u8]) {
    radio(EzspCoordinator::new(Key::new([9; 16])), data, |payload| {
        let number = ash::frame::FrameNumber::new(0);
        let payload = Zeroizing::new(payload.to_vec());
        ash::stuffing::encode(&ash::Frame::Data { number, retransmitted: false, ack: number, payload })
    });
}

/// The same with the other family of sticks.
pub fn znp_radio(data: &[u8]) {
    radio(ZnpCoordinator::new(Key::new([9; 16])), data, |payload| {
        let [kind, subsystem, id, rest @ ..] = payload else { return Vec::new() };
        let kind = if kind & 1 == 0 { mt::Kind::Answer } else { mt::Kind::Tell };
        mt::Frame::new(kind, mt::Command(subsystem & 0x1F, *id), rest).to_bytes()
    });
}

/// `framed` puts what a fuzzer would not come upon around a piece.
fn radio<C: Coordinator>(stick: C, data: &[u8], framed: impl Fn(&[u8]) -> Vec<u8>) {
    let mut now = start();
    let (kept, bytes) = data.split_at(data.len() / 2);
    let names = ["network", "memory", "device/00:0d:6f:00:0a:0b:0c:01", "removed"];
    let record = |(name, value): (&&str, &[u8])| NetworkRecord {
        key: RecordKey((*name).to_owned()),
        value: Some(SecretBytes(Zeroizing::new(value.to_vec()))),
    };
    let records: Vec<NetworkRecord> = names.iter().zip(pieces(kept)).map(record).collect();
    let mut radio =
        ZigbeeRadio::new(stick, Setup { quirks: Quirks::built_in(), ..Setup::default() }, &records, [1; 32]);
    radio.handle_port(now, PortState::Opened);
    drain(&mut radio, now);
    for piece in pieces(bytes) {
        match piece {
            [first, payload @ ..] if first & 1 == 0 => radio.handle_bytes(now, &framed(payload)),
            piece => radio.handle_bytes(now, piece),
        }
        drain(&mut radio, now);
        now += Duration::from_millis(700);
        radio.handle_timeout(now);
        drain(&mut radio, now);
    }
}
