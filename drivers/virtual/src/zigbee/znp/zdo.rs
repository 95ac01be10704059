//! ZDO: what goes between Zigbee Device Objects, and the network (Z-Stack Monitor and Test API, section 3.12).
//!
//! A request is written as it goes over the air, but for its sequence number, behind the address of its receiver. So is an
//! answer, behind that of its sender, unless it is one of a few that are written otherwise.

use std::time::{Duration, Instant};

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::znp::mt::Command;

use super::super::frame::{Frame, ZDO};
use super::super::lock::zdo::{request, status as zdo_status};
use super::super::network::{Heard, Network};
use super::super::put::Put;
use super::commissioning::{Due, FORMATION};
use super::{Body, Znp, address, status, subsystem};

const STATUS_ERROR_RSP: u8 = 0xC3;
const END_DEVICE_ANNCE_IND: Command = Command(subsystem::ZDO, 0xC1);
const MSG_CB_INCOMING: Command = Command(subsystem::ZDO, 0xFF);

mod id {
    pub(super) const NWK_ADDR_REQ: u8 = 0x00;
    pub(super) const IEEE_ADDR_REQ: u8 = 0x01;
    pub(super) const NODE_DESC_REQ: u8 = 0x02;
    pub(super) const MATCH_DESC_REQ: u8 = 0x06;
    pub(super) const END_DEVICE_ANNCE: u8 = 0x0A;
    pub(super) const BIND_REQ: u8 = 0x21;
    pub(super) const UNBIND_REQ: u8 = 0x22;
    pub(super) const MGMT_NWK_DISC_REQ: u8 = 0x30;
    pub(super) const MGMT_DIRECT_JOIN_REQ: u8 = 0x35;
    pub(super) const MGMT_PERMIT_JOIN_REQ: u8 = 0x36;
    pub(super) const MGMT_NWK_UPDATE_REQ: u8 = 0x37;
    pub(super) const MSG_CB_REGISTER: u8 = 0x3E;
    pub(super) const MSG_CB_REMOVE: u8 = 0x3F;
    pub(super) const STARTUP_FROM_APP: u8 = 0x40;
    pub(super) const SEC_DEVICE_REMOVE: u8 = 0x44;
    pub(super) const EXT_ROUTE_DISC: u8 = 0x45;
    pub(super) const EXT_ROUTE_CHECK: u8 = 0x46;
    pub(super) const EXT_REMOVE_GROUP: u8 = 0x47;
    pub(super) const EXT_FIND_GROUP: u8 = 0x4A;
    pub(super) const EXT_ADD_GROUP: u8 = 0x4B;
    pub(super) const EXT_NWK_INFO: u8 = 0x50;
    pub(super) const EXT_SEC_APS_REMOVE_REQ: u8 = 0x51;
}

/// Requests of ZDO that only a stick deals with.
const NWK_UPDATE: u16 = 0x0038;
const ROUTES: u16 = 0x0032;
/// Broadcasts: to all whose receiver is on, and to routers; any above the first is one.
const RX_ON: Nwk = Nwk(0xFFFD);
const ROUTERS: u16 = 0xFFFC;
/// An address mode.
const BROADCAST: u8 = 0x0F;
/// The longest scan; what is above means something else.
const LONGEST_SCAN: u8 = 5;
/// So loud is the quietest and the loudest that its radio tells apart, in dBm.
const QUIETEST: i32 = -95;
const LOUDEST: i32 = -10;
/// Why there is no way to a device (`RTG_*`).
const NO_ENTRY: u8 = 4;
/// Bytes of the name of a group, with its length.
const GROUP_NAME: usize = 16;

impl Znp {
    pub(super) fn on_zdo(
        &mut self,
        now: Instant,
        network: &mut Network,
        id: u8,
        reader: &mut Reader<'_>,
    ) -> Result<Body, WireError> {
        Ok(Some(match id {
            id::NWK_ADDR_REQ => self.ask(now, network, RX_ON, request::NWK_ADDRESS, reader.rest()),
            id::IEEE_ADDR_REQ => {
                let body = reader.rest();
                let whom = Nwk(Reader::new(body).u16_le("address")?);
                self.ask(now, network, whom, request::IEEE_ADDRESS, body)
            }
            id::NODE_DESC_REQ..=id::MATCH_DESC_REQ | id::MGMT_NWK_DISC_REQ..=id::MGMT_DIRECT_JOIN_REQ => {
                let whom = Nwk(reader.u16_le("destination")?);
                self.ask(now, network, whom, id.into(), reader.rest())
            }
            id::BIND_REQ | id::UNBIND_REQ => {
                const LONG: u8 = 0x03;
                let whom = Nwk(reader.u16_le("destination")?);
                let head = reader.bytes("source, endpoint and cluster", 11)?.to_vec();
                let body = match reader.u8("mode")? {
                    LONG => head.u8(LONG).bytes(reader.bytes("destination and endpoint", 9)?),
                    mode => head.u8(mode).bytes(reader.bytes("group", 2)?),
                };
                self.ask(now, network, whom, id.into(), &body)
            }
            id::END_DEVICE_ANNCE => self.ask(now, network, RX_ON, request::DEVICE_ANNOUNCE, reader.rest()),
            id::MGMT_PERMIT_JOIN_REQ => {
                let (mode, whom) = (reader.u8("address mode")?, reader.u16_le("destination")?);
                let (seconds, _) = (reader.u8("duration")?, reader.u8("significance")?);
                self.permit(now, network, mode == BROADCAST, whom, seconds)
            }
            id::MGMT_NWK_UPDATE_REQ => {
                let (whom, _) = (Nwk(reader.u16_le("destination")?), reader.u8("address mode")?);
                let channels = reader.bytes("channels", 4)?.to_vec();
                let (duration, count) = (reader.u8("scan duration")?, reader.u8("scan count")?);
                let update_id = network.held.as_ref().map_or(0, |held| held.update_id).wrapping_add(1);
                let more = if duration <= LONGEST_SCAN { count } else { update_id };
                self.ask(now, network, whom, NWK_UPDATE, &channels.u8(duration).u8(more))
            }
            id::MSG_CB_REGISTER => {
                self.registered.insert(reader.u16_le("cluster")?);
                vec![status::SUCCESS]
            }
            id::MSG_CB_REMOVE => {
                let was_there = self.registered.remove(&reader.u16_le("cluster")?);
                vec![if was_there { status::SUCCESS } else { status::FAILURE }]
            }
            // However long it is told to wait, it begins at once, and with what a coordinator begins with.
            id::STARTUP_FROM_APP => {
                self.commission(now, network, FORMATION);
                vec![status::SUCCESS]
            }
            id::SEC_DEVICE_REMOVE => {
                self.forget_device(address(reader)?);
                vec![status::SUCCESS]
            }
            id::EXT_SEC_APS_REMOVE_REQ => {
                reader.u16_le("address")?;
                let known = network.remove(now, address(reader)?);
                vec![if known { status::SUCCESS } else { status::FAILURE }]
            }
            id::EXT_ROUTE_DISC => vec![if network.is_up() { status::SUCCESS } else { status::NWK_INVALID_REQUEST }],
            id::EXT_ROUTE_CHECK => {
                let known = network.ieee_of(Nwk(reader.u16_le("destination")?)).is_some();
                vec![if known { status::SUCCESS } else { NO_ENTRY }]
            }
            id::EXT_ADD_GROUP | id::EXT_REMOVE_GROUP | id::EXT_FIND_GROUP => {
                let group = (reader.u8("endpoint")?, reader.u16_le("group")?);
                match id {
                    id::EXT_ADD_GROUP => {
                        self.groups.insert(group);
                        vec![status::SUCCESS]
                    }
                    id::EXT_REMOVE_GROUP => {
                        let was_there = self.groups.remove(&group);
                        vec![if was_there { status::SUCCESS } else { status::FAILURE }]
                    }
                    // Without a name.
                    _ if self.groups.contains(&group) => vec![status::SUCCESS].u16(group.1).bytes(&[0; GROUP_NAME]),
                    _ => vec![status::FAILURE].u16(0).bytes(&[0; GROUP_NAME]),
                }
            }
            id::EXT_NWK_INFO => self.network_info(network),
            _ => return Ok(None),
        }))
    }

    fn network_info(&self, network: &Network) -> Vec<u8> {
        let held = network.held.as_ref().filter(|_| network.is_up());
        let (own, pan) = held.map_or((0xFFFE, 0xFFFF), |held| (Nwk::COORDINATOR.0, held.pan));
        let head = Vec::new().u16(own).u8(self.state as u8).u16(pan).u16(if held.is_some() { 0 } else { 0xFFFE });
        let extended_pan = held.map_or(Ieee(0), |held| held.extended_pan);
        // It has no parent.
        head.bytes(&extended_pan.to_bytes()).bytes(&[0; 8]).u8(held.map_or(0, |held| held.channel))
    }

    /// Sends a request of ZDO, or answers it itself.
    fn ask(&mut self, now: Instant, network: &mut Network, whom: Nwk, cluster: u16, body: &[u8]) -> Vec<u8> {
        if !network.is_up() {
            return vec![status::NWK_INVALID_REQUEST];
        }
        let sequence = self.next_sequence();
        let payload = vec![sequence].bytes(body);
        let frame = Frame { profile: ZDO, cluster, source: 0, destination: 0, payload };
        if whom == Nwk::COORDINATOR || !whom.is_unicast() {
            self.asked_itself(now, network, &frame);
        }
        if whom != Nwk::COORDINATOR {
            self.put_on_the_air(now, network, whom, false, None, frame);
        }
        vec![status::SUCCESS]
    }

    /// Lets devices join: at the stick, and by broadcast at every router.
    fn permit(&mut self, now: Instant, network: &mut Network, to_all: bool, whom: u16, seconds: u8) -> Vec<u8> {
        if !network.is_up() {
            return vec![status::NWK_INVALID_REQUEST];
        }
        let sequence = self.next_sequence();
        let payload = vec![sequence, seconds, 1];
        let frame = Frame { profile: ZDO, cluster: request::PERMIT_JOINING, source: 0, destination: 0, payload };
        if to_all || whom == Nwk::COORDINATOR.0 || whom == ROUTERS {
            self.asked_itself(now, network, &frame);
        }
        if to_all || Nwk(whom).is_unicast() && whom != Nwk::COORDINATOR.0 {
            self.put_on_the_air(now, network, Nwk(whom), false, None, frame);
        }
        vec![status::SUCCESS]
    }

    /// The host has asked its own stick.
    pub(super) fn asked_itself(&mut self, now: Instant, network: &mut Network, frame: &Frame) {
        let Some((sequence, body)) = frame.payload.split_first() else { return };
        let answer = match (frame.cluster, body) {
            (request::PERMIT_JOINING, [seconds, ..]) => {
                network.permit(now, *seconds);
                vec![*sequence, zdo_status::SUCCESS]
            }
            (NWK_UPDATE, [a, b, c, d, duration, ..]) if *duration <= LONGEST_SCAN => {
                let mask = u32::from_le_bytes([*a, *b, *c, *d]);
                let channels = (11..=26).filter(|channel| mask & 1 << channel != 0).count() as u32;
                // So many superframes and one, of 15.36 ms each (IEEE 802.15.4 section 5.1.2.1), for each channel.
                let each = Duration::from_micros(15_360) * ((1 << duration) + 1);
                self.agenda.put(now + each * channels, Due::Scanned { sequence: *sequence, mask });
                return;
            }
            // It moves nowhere.
            (NWK_UPDATE, _) => vec![*sequence, zdo_status::NOT_SUPPORTED],
            // A table without an entry.
            (ROUTES | request::BINDINGS, [start, ..]) => vec![*sequence, zdo_status::SUCCESS, 0, *start, 0],
            _ => match network.own_answer(frame) {
                Some(answer) => answer.payload,
                None => return,
            },
        };
        self.hear(Nwk::COORDINATOR, frame.cluster | request::ANSWER, &answer, false);
    }

    pub(super) fn scanned(&mut self, network: &mut Network, sequence: u8, mask: u32) {
        let energy = |channel: u8| {
            let loud = i32::from(network.energy(channel)).clamp(QUIETEST, LOUDEST) - QUIETEST;
            (loud * 255 / (LOUDEST - QUIETEST)) as u8
        };
        let values: Vec<u8> = (11..=26).filter(|channel| mask & 1 << channel != 0).map(energy).collect();
        let answer = vec![sequence, zdo_status::SUCCESS].u32(mask).u16(0).u16(0).counted(&values);
        self.hear(Nwk::COORDINATOR, NWK_UPDATE | request::ANSWER, &answer, false);
    }

    /// A message of a device's ZDO came in: the stick answers what is asked of it, and hands over all.
    pub(super) fn heard_zdo(&mut self, now: Instant, network: &mut Network, heard: &Heard) {
        let Heard { from, frame, broadcast, .. } = heard;
        self.hear(*from, frame.cluster, &frame.payload, *broadcast);
        if frame.cluster & request::ANSWER == 0
            && let Some(answer) = network.own_answer(frame)
        {
            self.put_on_the_air(now, network, *from, false, None, answer);
        }
    }

    /// Tells the host of a message: in the words of the protocol, and as it came, where that is wanted.
    fn hear(&mut self, from: Nwk, cluster: u16, payload: &[u8], broadcast: bool) {
        const ANSWERS: u8 = 0x80;
        const LONGEST_REFUSAL: usize = 5;
        let Some((sequence, body)) = payload.split_first() else { return };
        let own = Vec::new().u16(from.0);
        match cluster {
            request::DEVICE_ANNOUNCE => self.tell(END_DEVICE_ANNCE_IND, &own.bytes(body)),
            _ if cluster & request::ANSWER == 0 => {}
            _ => {
                let id = cluster.to_le_bytes()[0] | ANSWERS;
                match (cluster & !request::ANSWER, body) {
                    // Who has an address says so, without who asks for it, and with how many children it has in between.
                    (request::NWK_ADDRESS | request::IEEE_ADDRESS, [zdo_status::SUCCESS, address @ ..]) => {
                        let address = &address[..address.len().min(10)];
                        self.tell(Command(subsystem::ZDO, id), &vec![0].bytes(address).bytes(&[0, 0]));
                    }
                    (request::NWK_ADDRESS | request::IEEE_ADDRESS, _) => {}
                    (request::SIMPLE_DESCRIPTOR, [refusal, ..]) if payload.len() <= LONGEST_REFUSAL => {
                        self.tell(Command(subsystem::ZDO, STATUS_ERROR_RSP), &own.u8(*refusal));
                    }
                    _ => self.tell(Command(subsystem::ZDO, id), &own.bytes(body)),
                }
            }
        }
        if self.registered.contains(&cluster) || self.registered.contains(&u16::MAX) {
            let head = Vec::new().u16(from.0).bool(broadcast).u16(cluster).u8(0).u8(*sequence);
            let whom = if broadcast { RX_ON.0 } else { Nwk::COORDINATOR.0 };
            self.tell(MSG_CB_INCOMING, &head.u16(whom).bytes(body));
        }
    }

    fn next_sequence(&mut self) -> u8 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }
}
