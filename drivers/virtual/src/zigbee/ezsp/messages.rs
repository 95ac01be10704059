//! Frames for the air, and what became of them.

use std::collections::BTreeMap;
use std::time::Instant;

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::Nwk;

use super::super::frame::{Frame, ZDO};
use super::super::lock::zdo::request;
use super::super::network::{Failure, Heard, Network, To};
use super::super::put::Put;
use super::settings::{counted, policy};
use super::status::Status;
use super::{Body, Ezsp};

mod id {
    pub(super) const MAXIMUM_PAYLOAD: u16 = 0x0033;
    pub(super) const SEND_UNICAST: u16 = 0x0034;
    pub(super) const SEND_BROADCAST: u16 = 0x0036;
    pub(super) const SEND_MULTICAST: u16 = 0x0038;
    pub(super) const SEND_REPLY: u16 = 0x0039;
    pub(super) const MESSAGE_SENT: u16 = 0x003F;
    pub(super) const INCOMING_MESSAGE: u16 = 0x0045;
    pub(super) const INCOMING_SENDER: u16 = 0x0062;
}

/// Kinds of outgoing messages; with broadcasts and multicasts the version has its own commands.
mod outgoing {
    pub(super) const DIRECT: u8 = 0x00;
    pub(super) const VIA_ADDRESS_TABLE: u8 = 0x01;
    pub(super) const MULTICAST: u8 = 0x03;
    pub(super) const BROADCAST: u8 = 0x06;
}

/// Kinds of incoming messages.
const UNICAST: u8 = 0x00;
const BROADCAST: u8 = 0x04;
const BROADCAST_LOOPBACK: u8 = 0x05;
/// Send again until the device has acknowledged.
const RETRY: u16 = 0x0040;
/// The host wants to see what it sent when it is told what became of it.
const WITH_CONTENTS: u8 = 0x41;
/// What fits into one frame that is secured and has no source route.
const MAX_PAYLOAD: u8 = 82;
/// Multicasts go to those whose receiver is on.
const RX_ON: u16 = 0xFFFD;

/// The messages that are under way.
#[derive(Default)]
pub(super) struct Sends {
    sent: BTreeMap<u32, Sent>,
    last: u32,
    aps_sequence: u8,
}

/// What the host will be told again.
struct Sent {
    kind: u8,
    destination: u16,
    aps: Aps,
    tag: u16,
    contents: Vec<u8>,
}

/// `EmberApsFrame`.
#[derive(Debug, Clone, Copy)]
struct Aps {
    profile: u16,
    cluster: u16,
    source: u8,
    destination: u8,
    options: u16,
    group: u16,
    sequence: u8,
}

impl Aps {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            profile: reader.u16_le("profile")?,
            cluster: reader.u16_le("cluster")?,
            source: reader.u8("source endpoint")?,
            destination: reader.u8("destination endpoint")?,
            options: reader.u16_le("options")?,
            group: reader.u16_le("group")?,
            sequence: reader.u8("sequence")?,
        })
    }

    fn write(&self) -> Vec<u8> {
        let head = Vec::new().u16(self.profile).u16(self.cluster).u8(self.source).u8(self.destination);
        head.u16(self.options).u16(self.group).u8(self.sequence)
    }

    fn frame(&self, payload: &[u8]) -> Frame {
        let Self { profile, cluster, source, destination, .. } = *self;
        Frame { profile, cluster, source, destination, payload: payload.to_vec() }
    }
}

impl Ezsp {
    pub(super) fn on_messages(
        &mut self,
        now: Instant,
        network: &mut Network,
        id: u16,
        reader: &mut Reader<'_>,
    ) -> Result<Body, WireError> {
        let words = self.has_words();
        let tag = |reader: &mut Reader<'_>| match words {
            true => reader.u16_le("tag"),
            false => reader.u8("tag").map(u16::from),
        };
        Ok(Some(match id {
            id::MAXIMUM_PAYLOAD => vec![MAX_PAYLOAD],
            id::SEND_UNICAST => {
                let (kind, destination) = (reader.u8("type")?, reader.u16_le("destination")?);
                let aps = Aps::read(reader)?;
                let (tag, contents) = (tag(reader)?, counted(reader)?.to_vec());
                self.send(now, network, Sent { kind, destination, aps, tag, contents })
            }
            id::SEND_BROADCAST => {
                if words {
                    reader.u16_le("alias")?;
                }
                let destination = reader.u16_le("destination")?;
                if words {
                    reader.u8("sequence")?;
                }
                let (aps, _) = (Aps::read(reader)?, reader.u8("radius")?);
                let (tag, contents) = (tag(reader)?, counted(reader)?.to_vec());
                self.send(now, network, Sent { kind: outgoing::BROADCAST, destination, aps, tag, contents })
            }
            id::SEND_MULTICAST => {
                let aps = Aps::read(reader)?;
                // Hops, and until version 13 those of others; then the broadcast address, an alias and its sequence.
                reader.bytes("radius", if words { 6 } else { 2 })?;
                let (tag, contents) = (tag(reader)?, counted(reader)?.to_vec());
                let destination = aps.group;
                self.send(now, network, Sent { kind: outgoing::MULTICAST, destination, aps, tag, contents })
            }
            // An empty frame that acknowledges: the devices here ask for none.
            id::SEND_REPLY => self.status(Status::Ok),
            _ => return Ok(None),
        }))
    }

    fn send(&mut self, now: Instant, network: &mut Network, mut sent: Sent) -> Vec<u8> {
        let to = match sent.kind {
            outgoing::DIRECT => Some(sent.destination),
            outgoing::VIA_ADDRESS_TABLE => self.tables.address(network, sent.destination),
            outgoing::MULTICAST => Some(RX_ON),
            outgoing::BROADCAST => Some(sent.destination),
            _ => None,
        };
        let refusal = match to {
            _ if !network.is_up() => Some(Status::NotJoined),
            _ if sent.contents.len() > MAX_PAYLOAD.into() => Some(Status::MessageTooLong),
            None => Some(Status::BadArgument),
            Some(_) => None,
        };
        let (Some(to), None) = (to, refusal) else {
            return self.status(refusal.unwrap_or(Status::BadArgument)).u8(0);
        };
        self.sends.aps_sequence = self.sends.aps_sequence.wrapping_add(1);
        self.sends.last = self.sends.last.wrapping_add(1).max(1);
        sent.aps.sequence = self.sends.aps_sequence;
        let (tag, aps) = (self.sends.last, sent.aps);
        let frame = aps.frame(&sent.contents);
        self.sends.sent.insert(tag, sent);
        if to == Nwk::COORDINATOR.0 {
            self.told_of_sent(tag, Ok(()));
            self.loop_back(network, &frame);
        } else if Nwk(to).is_unicast() {
            let nwk = Nwk(to);
            let patient = network.ieee_of(nwk).is_some_and(|ieee| self.tables.waits_longer(ieee));
            network.send(now, tag, To::Device { nwk, acknowledged: aps.options & RETRY != 0, patient }, frame);
        } else {
            let own = aps.frame(&frame.payload);
            network.send(now, tag, To::Many(to), frame);
            // A stick hears its own broadcasts.
            if own.profile != ZDO {
                self.tell_incoming(network, BROADCAST_LOOPBACK, Nwk::COORDINATOR, &own, aps.sequence, (255, 0));
            }
        }
        self.status(Status::Ok).u8(aps.sequence)
    }

    /// The host has asked its own stick.
    fn loop_back(&mut self, network: &Network, frame: &Frame) {
        if frame.profile == ZDO
            && let Some(answer) = network.own_answer(frame)
        {
            let sequence = self.sends.aps_sequence;
            self.tell_incoming(network, UNICAST, Nwk::COORDINATOR, &answer, sequence, (255, 0));
        }
    }

    pub(super) fn told_of_sent(&mut self, tag: u32, delivered: Result<(), Failure>) {
        let Some(sent) = self.sends.sent.remove(&tag) else { return };
        let status = if delivered.is_ok() { Status::Ok } else { Status::DeliveryFailed };
        let shown = self.settings.policy(policy::MESSAGE_CONTENTS_IN_CALLBACK) == WITH_CONTENTS;
        let contents = if shown { &sent.contents[..] } else { &[] };
        let head = if self.has_words() { self.status(status) } else { Vec::new() };
        let head = head.u8(sent.kind).u16(sent.destination).bytes(&sent.aps.write());
        let body = if self.has_words() {
            head.u16(sent.tag)
        } else {
            head.u8(sent.tag.to_le_bytes()[0]).bytes(&self.status(status))
        };
        self.callback(id::MESSAGE_SENT, &body.counted(contents));
    }

    /// A frame of a device came in.
    pub(super) fn told_of_heard(&mut self, network: &Network, heard: &Heard) {
        let announced = heard.frame.profile == ZDO && heard.frame.cluster == request::DEVICE_ANNOUNCE;
        if announced && !self.has_words() {
            self.callback(id::INCOMING_SENDER, &heard.ieee.to_bytes());
        }
        let kind = if heard.broadcast { BROADCAST } else { UNICAST };
        self.tell_incoming(network, kind, heard.from, &heard.frame, heard.counter, (heard.lqi, heard.rssi));
    }

    fn tell_incoming(&mut self, network: &Network, kind: u8, from: Nwk, frame: &Frame, sequence: u8, link: (u8, i8)) {
        let (lqi, rssi) = link;
        let Frame { profile, cluster, source, destination, .. } = *frame;
        let aps = Aps { profile, cluster, source, destination, options: 0, group: 0, sequence };
        let body = vec![kind].bytes(&aps.write());
        let rssi = rssi.cast_unsigned();
        let body = if self.has_words() {
            let ieee = network.ieee_of(from).map_or([0xFF; 8], |ieee| ieee.to_bytes());
            // No binding and no entry of the address table, and no time of arrival.
            body.u16(from.0).bytes(&ieee).bytes(&[0xFF, 0xFF, lqi, rssi]).u32(0)
        } else {
            body.bytes(&[lqi, rssi]).u16(from.0).bytes(&[0xFF, 0xFF])
        };
        self.callback(id::INCOMING_MESSAGE, &body.counted(&frame.payload));
    }
}
