//! Z-Wave: frames of the port, commands of nodes, security, and the whole radio.

use std::time::Duration;

use keyway_lock::{NetworkKey, NetworkRecord, PortState, Radio as _, RecordKey, SecretBytes};
use keyway_zwave::cc::{
    association, battery, clock, configuration, door_lock, door_lock_logging, indicator, manufacturer_specific,
    notification, schedule_entry_lock, time, time_parameters, user_code, user_credential, version, wake_up, zwave_plus,
};
use keyway_zwave::controller::{Setup, ZwaveRadio};
use keyway_zwave::host::frame::{DataFrame, FrameParser, FrameType, Received};
use keyway_zwave::memory;
use keyway_zwave::node::NodeId;
use keyway_zwave::node::info::{NodeInformation, ProtocolInfo};
use keyway_zwave::quirks::Quirks;
use keyway_zwave::security::s0::S0;
use keyway_zwave::security::s2::S2;
use keyway_zwave::security::s2::kex::{Including, KexCommand, Terms};
use keyway_zwave::security::{NetworkKeys, SecurityClass};
use keyway_zwave::serial_api::command::NodeIdWidth;
use keyway_zwave::serial_api::memory::Access;
use keyway_zwave::serial_api::{ApplicationCommand, NetworkCallback, NodeUpdate, TransmitReport};
use keyway_zwave::transport::exchange::Security;
use keyway_zwave::transport::receive::Receiver;
use keyway_zwave::transport::segmentation::{self, Reassembly, SegmentEvent};
use keyway_zwave::transport::supervision::{self, SupervisionCommand};
use keyway_zwave::transport::{crc16, multi_channel, multi_command};
use zeroize::Zeroizing;

use crate::wire::{drain, later, pieces, same, start};

const HOME: u32 = 0xC0FF_EE01;
const OWN: NodeId = NodeId::FIRST;

/// The port: bytes in pieces, and what the frames in them say.
pub fn frames(data: &[u8]) {
    let mut now = start();
    let mut parser = FrameParser::default();
    for piece in pieces(data) {
        parser.push(now, piece);
        while let Some(found) = parser.next(now) {
            if let Received::Frame(frame) = found {
                let mut again = FrameParser::default();
                again.push(now, &frame.encode());
                assert_eq!(again.next(now), Some(Received::Frame(frame.clone())), "a frame is read from its own bytes");
                told(&frame);
            }
        }
        later(&mut now, 1);
    }
}

/// Reads a frame as everything that it could be.
fn told(frame: &DataFrame) {
    let payload = &frame.payload;
    for width in [NodeIdWidth::Bits8, NodeIdWidth::Bits16] {
        let _ = ApplicationCommand::decode(frame, width);
        let _ = NodeUpdate::decode(payload, width);
        let _ = NetworkCallback::decode(frame.function, payload, width);
    }
    let _ = TransmitReport::decode(payload);
    let _ = ProtocolInfo::decode(payload);
    let _ = NodeInformation::decode(payload);
    for access in [Access::Direct, Access::Opened, Access::OpenedWide] {
        let _ = (access.opened(payload), access.was_read(payload), access.was_done(payload));
    }
}

/// Every command class, both ways.
pub fn commands(data: &[u8]) {
    macro_rules! both_ways {
        ($($command:path),* $(,)?) => {
            $(if let Ok(command) = <$command>::decode(data) {
                same(&command, <$command>::decode(&command.encode()));
            })*
        };
    }
    both_ways!(
        battery::BatteryCommand,
        clock::ClockCommand,
        configuration::ConfigurationCommand,
        door_lock::DoorLockCommand,
        door_lock_logging::DoorLockLoggingCommand,
        indicator::IndicatorCommand,
        manufacturer_specific::ManufacturerSpecificCommand,
        notification::NotificationCommand,
        schedule_entry_lock::ScheduleEntryLockCommand,
        time::TimeCommand,
        time_parameters::TimeParametersCommand,
        user_code::UserCodeCommand,
        user_credential::UserCredentialCommand,
        version::VersionCommand,
        wake_up::WakeUpCommand,
        zwave_plus::ZwavePlusCommand,
        KexCommand,
        SupervisionCommand,
    );
    if let Ok(command) = association::AssociationCommand::decode(data) {
        for kind in [association::Kind::Plain, association::Kind::MultiChannel] {
            same(&command, association::AssociationCommand::decode(&command.encode(kind)));
        }
    }
}

/// What is around commands: segments, checksums, end points, several at once, supervision; in each other, and under
/// security.
pub fn transport(data: &[u8]) {
    if let Ok(command) = crc16::decapsulate(data) {
        same(&command, crc16::decapsulate(&crc16::encapsulate(command)));
    }
    if let Ok((source, destination, command)) = multi_channel::decapsulate(data) {
        let bytes = multi_channel::encapsulate(source, destination, command);
        same(&(source, destination, command), multi_channel::decapsulate(&bytes));
    }
    if let Ok(commands) = multi_command::decapsulate(data) {
        same(&commands, multi_command::decapsulate(&multi_command::encapsulate(&commands)));
    }
    let _ = supervision::duration(data.first().copied().unwrap_or(0));
    let mut now = start();
    whole(data);
    let mut reassembly = Reassembly::new();
    let mut receiver = Receiver::default();
    let mut security = security();
    for piece in pieces(data) {
        let [node, frame @ ..] = piece else { continue };
        let Some(source) = NodeId::new((*node).into()) else { continue };
        reassembly.handle(now, source, frame);
        let command = ApplicationCommand { source, multicast: node & 0x80 != 0, payload: frame.to_vec() };
        receiver.handle(now, &mut security, &command);
        later(&mut now, 2);
        reassembly.handle_timeout(now);
        receiver.handle_timeout(now, &mut security);
        let waits = |at: Option<std::time::Instant>| at.is_none_or(|at| at > now);
        assert!(waits(reassembly.timeout()) && waits(receiver.timeout()), "a timeout that has passed is over");
    }
}

/// A datagram that was cut is put together again.
fn whole(data: &[u8]) {
    let [max, session, datagram @ ..] = data else { return };
    let mut reassembly = Reassembly::new();
    let mut found = None;
    for segment in segmentation::split(datagram, session & 0x0F, (*max).into()) {
        for event in reassembly.handle(start(), OWN, &segment) {
            if let SegmentEvent::Datagram(_, bytes) = event {
                found = Some(bytes);
            }
        }
    }
    if let Some(found) = found {
        assert_eq!(found, datagram, "a datagram is put together as it was cut");
    }
}

/// Security 0 and 2, with keys and without: messages of a peer, and the exchange of keys.
pub fn security_messages(data: &[u8]) {
    let mut now = start();
    let (mut s0, mut s2) = (S0::new(OWN, &key(0), [3; 32]), S2::new(OWN, HOME, &keys(), [4; 32]));
    let peers = [2, 3, 300].map(|id| NodeId::new(id).unwrap_or(OWN));
    for peer in peers {
        s2.add_peer(peer, &[SecurityClass::S2AccessControl, SecurityClass::S2Unauthenticated]);
    }
    s0.set_joining(Some(peers[1]));
    let terms = Terms { classes: vec![SecurityClass::S2AccessControl], ask: false, pin: None, label: None };
    let mut including = Including::new(now, terms, keys(), &Zeroizing::new([5; 32]));
    for piece in pieces(data) {
        let [how, frame @ ..] = piece else { continue };
        let peer = peers[usize::from(how & 0x03).min(2)];
        let level = (how & 0x10 != 0).then_some(SecurityClass::Temporary);
        match how & 0x0C {
            0x00 => _ = s0.handle(now, peer, frame),
            0x04 => _ = s2.handle(now, peer, frame, how & 0x10 != 0),
            0x08 => including.handle_command(now, level, frame),
            _ => {
                for part in s0.split(frame, 40) {
                    let _ = s0.encapsulate(now, peer, &part, false);
                }
                let _ = s2.encapsulate(peer, SecurityClass::S2AccessControl, frame);
                including.handle_delivered(now);
                including.handle_kept(now);
            }
        }
        while including.poll().is_some() {}
        later(&mut now, how >> 5);
        including.handle_timeout(now);
    }
}

/// What was kept of a network, as it may come out of a foreign backup, and bytes of any stick behind it.
pub fn radio(data: &[u8]) {
    let mut now = start();
    let (kept, bytes) = data.split_at(data.len() / 2);
    let names = [
        "memory",
        "network",
        "write_over",
        "node/2",
        "keys",
        "awaited",
        "under_way",
        "member/c0ffee01/2",
        "node/2/interview",
    ];
    let record = |(name, value): (&&str, &[u8])| NetworkRecord {
        key: RecordKey((*name).to_owned()),
        value: Some(SecretBytes(Zeroizing::new(value.to_vec()))),
    };
    let records: Vec<NetworkRecord> = names.iter().zip(pieces(kept)).map(record).collect();
    let _ = memory::kept(&records);
    let setup = Setup { keys: keys(), soft_reset: false, nodes: [].into(), quirks: Quirks::built_in() };
    let mut radio = ZwaveRadio::new(setup, records, [1; 32]);
    radio.handle_port(now, PortState::Opened);
    drain(&mut radio, now);
    for piece in pieces(bytes) {
        // Half of them as whole frames, or the checksum would keep most out.
        match piece {
            [function, payload @ ..] if function & 1 == 0 => {
                let frame_type = if function & 2 == 0 { FrameType::Response } else { FrameType::Request };
                let frame = DataFrame { frame_type, function: *function, payload: payload.to_vec() };
                radio.handle_bytes(now, &frame.encode());
            }
            piece => radio.handle_bytes(now, piece),
        }
        drain(&mut radio, now);
        now += Duration::from_millis(700);
        radio.handle_timeout(now);
        drain(&mut radio, now);
    }
}

fn security() -> Security {
    Security::new(OWN, HOME, &keys(), ([1; 32], [2; 32]))
}

fn keys() -> NetworkKeys {
    NetworkKeys::each(|name| Some(key(name as u8)))
}

fn key(number: u8) -> NetworkKey {
    NetworkKey::new([number + 1; 16])
}
