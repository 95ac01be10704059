//! AF: endpoints, frames for the air and from it (Z-Stack Monitor and Test API, section 3.2).

use std::collections::BTreeMap;
use std::time::Instant;

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::znp::mt::Command;

use super::super::frame::{Frame, ZDO};
use super::super::network::{Failure, Heard, Network, OwnEndpoint, To};
use super::super::put::Put;
use super::{Body, Znp, status, subsystem};

const DATA_CONFIRM: Command = Command(subsystem::AF, 0x80);
const INCOMING_MSG: Command = Command(subsystem::AF, 0x81);

mod id {
    pub(super) const REGISTER: u8 = 0x00;
    pub(super) const DATA_REQUEST: u8 = 0x01;
    pub(super) const DATA_REQUEST_EXT: u8 = 0x02;
    pub(super) const DATA_REQUEST_SRC_RTG: u8 = 0x03;
    pub(super) const DELETE: u8 = 0x04;
}

/// Address modes.
mod mode {
    pub(super) const GROUP: u8 = 0x01;
    pub(super) const SHORT: u8 = 0x02;
    pub(super) const LONG: u8 = 0x03;
    pub(super) const BROADCAST: u8 = 0x0F;
}

/// Send again until the device has acknowledged.
const ACK_REQUEST: u8 = 0x10;
/// Groups are spoken to by a broadcast to those whose receiver is on.
const RX_ON: u16 = 0xFFFD;
/// The endpoint of Zigbee Device Objects, which is always there.
const ZDO_ENDPOINT: u8 = 0;
/// Most bytes of a frame that goes in one piece.
const MAX_PAYLOAD: usize = 80;

/// The frames that are under way.
#[derive(Default)]
pub(super) struct Sends {
    sent: BTreeMap<u32, Sent>,
    last: u32,
}

/// Whom a frame was for, and what the host will be told of it.
struct Sent {
    to: Option<Nwk>,
    acknowledged: bool,
    /// Endpoint and transaction; `None`: nothing.
    confirm: Option<(u8, u8)>,
}

/// What a host wants sent.
struct Request<'a> {
    mode: u8,
    address: Ieee,
    destination: u8,
    source: u8,
    cluster: u16,
    transaction: u8,
    options: u8,
    payload: &'a [u8],
}

impl Znp {
    pub(super) fn on_af(
        &mut self,
        now: Instant,
        network: &mut Network,
        id: u8,
        reader: &mut Reader<'_>,
    ) -> Result<Body, WireError> {
        Ok(Some(match id {
            id::REGISTER => {
                let own = endpoint(reader)?;
                let is_taken = network.endpoints.iter().any(|other| other.endpoint == own.endpoint);
                if own.endpoint == ZDO_ENDPOINT {
                    vec![status::INVALID_PARAMETER]
                } else if is_taken {
                    vec![status::APS_DUPLICATE_ENTRY]
                } else {
                    network.endpoints.push(own);
                    vec![status::SUCCESS]
                }
            }
            id::DELETE => {
                let (endpoint, before) = (reader.u8("endpoint")?, network.endpoints.len());
                network.endpoints.retain(|own| own.endpoint != endpoint);
                vec![if network.endpoints.len() < before { status::SUCCESS } else { status::FAILURE }]
            }
            id::DATA_REQUEST | id::DATA_REQUEST_SRC_RTG => {
                let request = short_request(id == id::DATA_REQUEST_SRC_RTG, reader)?;
                vec![self.send(now, network, &request)]
            }
            id::DATA_REQUEST_EXT => {
                let (request, pan) = long_request(reader)?;
                // Into other networks it does not send.
                vec![if pan == 0 { self.send(now, network, &request) } else { status::INVALID_PARAMETER }]
            }
            _ => return Ok(None),
        }))
    }

    fn send(&mut self, now: Instant, network: &mut Network, request: &Request<'_>) -> u8 {
        let short = Nwk(request.address.0 as u16);
        let to = match request.mode {
            mode::SHORT | mode::BROADCAST => short,
            mode::GROUP => Nwk(RX_ON),
            mode::LONG => match network.nwk_of(request.address) {
                Some(nwk) => nwk,
                None => return status::INVALID_PARAMETER,
            },
            _ => return status::INVALID_PARAMETER,
        };
        let own = network.endpoints.iter().find(|own| own.endpoint == request.source);
        let profile = match (request.source, own) {
            (ZDO_ENDPOINT, _) => ZDO,
            (_, Some(own)) => own.profile,
            (_, None) => return status::INVALID_PARAMETER,
        };
        if !network.is_up() {
            return status::NWK_INVALID_REQUEST;
        }
        if request.payload.len() > MAX_PAYLOAD {
            return status::INVALID_PARAMETER;
        }
        let Request { destination, source, cluster, transaction, .. } = *request;
        let frame = Frame { profile, cluster, source, destination, payload: request.payload.to_vec() };
        // Neither what goes to ZDO nor a broadcast is confirmed, but what goes to a group is.
        let is_silent = destination == ZDO_ENDPOINT || (!to.is_unicast() && request.mode != mode::GROUP);
        let confirm = (!is_silent).then_some((source, transaction));
        if to == Nwk::COORDINATOR {
            if profile == ZDO {
                self.asked_itself(now, network, &frame);
            }
            if let Some((endpoint, transaction)) = confirm {
                self.tell(DATA_CONFIRM, &[status::SUCCESS, endpoint, transaction]);
            }
        } else {
            self.put_on_the_air(now, network, to, request.options & ACK_REQUEST != 0, confirm, frame);
        }
        status::SUCCESS
    }

    /// Sends a frame; what becomes of it is told by this endpoint and transaction, or not.
    pub(super) fn put_on_the_air(
        &mut self,
        now: Instant,
        network: &mut Network,
        to: Nwk,
        acknowledged: bool,
        confirm: Option<(u8, u8)>,
        frame: Frame,
    ) {
        self.sends.last = self.sends.last.wrapping_add(1).max(1);
        let tag = self.sends.last;
        let unicast = to.is_unicast().then_some(to);
        self.sends.sent.insert(tag, Sent { to: unicast, acknowledged, confirm });
        // A parent keeps a frame for as long for every child that sleeps.
        let to = unicast.map_or(To::Many(to.0), |nwk| To::Device { nwk, acknowledged, patient: true });
        network.send(now, tag, to, frame);
    }

    pub(super) fn told_of_sent(&mut self, network: &Network, tag: u32, delivered: Result<(), Failure>) {
        let Some(sent) = self.sends.sent.remove(&tag) else { return };
        let Some((endpoint, transaction)) = sent.confirm else { return };
        let sleeps = || {
            let post = sent.to.and_then(|nwk| network.ieee_of(nwk)).and_then(|ieee| network.post(ieee));
            post.is_some_and(|post| post.lock.is_sleepy() && !post.lock.setup().behind_router)
        };
        let status = match delivered {
            Ok(()) => status::SUCCESS,
            Err(Failure::NoRoute) => status::NWK_NO_ROUTE,
            Err(Failure::NoAck) if sleeps() => status::MAC_TRANSACTION_EXPIRED,
            Err(Failure::NoAck) if sent.acknowledged => status::APS_NO_ACK,
            Err(Failure::NoAck) => status::MAC_NO_ACK,
        };
        self.tell(DATA_CONFIRM, &[status, endpoint, transaction]);
    }

    /// A frame of a device came in.
    pub(super) fn told_of_heard(&mut self, network: &Network, heard: &Heard) {
        let Heard { from, frame, counter, lqi, broadcast, .. } = heard;
        // Of what profile an endpoint is nobody looks at any more.
        if !network.endpoints.iter().any(|own| own.endpoint == frame.destination) {
            return;
        }
        let head = Vec::new().u16(0).u16(frame.cluster).u16(from.0).u8(frame.source).u8(frame.destination);
        // Not secured above the network layer; the time of arrival.
        let head = head.bool(*broadcast).u8(*lqi).u8(0).u32(0).u8(*counter).counted(&frame.payload);
        // Who handed it over, and how many hops it had left.
        self.tell(INCOMING_MSG, &head.u16(from.0).u8(29));
    }
}

/// Of AF_REGISTER.
fn endpoint(reader: &mut Reader<'_>) -> Result<OwnEndpoint, WireError> {
    fn clusters(reader: &mut Reader<'_>) -> Result<Vec<u16>, WireError> {
        let count = reader.u8("number of clusters")?;
        (0..count).map(|_| reader.u16_le("cluster")).collect()
    }
    let endpoint = reader.u8("endpoint")?;
    let (profile, device) = (reader.u16_le("profile")?, reader.u16_le("device")?);
    let (version, _) = (reader.u8("version")?, reader.u8("latency")?);
    Ok(OwnEndpoint { endpoint, profile, device, version, servers: clusters(reader)?, clients: clusters(reader)? })
}

/// Of AF_DATA_REQUEST, with the way it is to take or without.
fn short_request<'a>(has_route: bool, reader: &mut Reader<'a>) -> Result<Request<'a>, WireError> {
    let address = Nwk(reader.u16_le("destination")?);
    let (destination, source) = (reader.u8("destination endpoint")?, reader.u8("source endpoint")?);
    let (cluster, transaction) = (reader.u16_le("cluster")?, reader.u8("transaction")?);
    let (options, _) = (reader.u8("options")?, reader.u8("radius")?);
    if has_route {
        let relays = usize::from(reader.u8("number of relays")?);
        reader.bytes("relays", relays * 2)?;
    }
    let length = usize::from(reader.u8("length")?);
    let payload = reader.bytes("data", length)?;
    let address = Ieee(address.0.into());
    Ok(Request { mode: mode::SHORT, address, destination, source, cluster, transaction, options, payload })
}

/// Of AF_DATA_REQUEST_EXT; and the network it is for, 0 being its own.
fn long_request<'a>(reader: &mut Reader<'a>) -> Result<(Request<'a>, u16), WireError> {
    let mode = reader.u8("address mode")?;
    let address = Ieee::from_bytes(reader.array("destination")?);
    let (destination, pan) = (reader.u8("destination endpoint")?, reader.u16_le("PAN id")?);
    let (source, cluster) = (reader.u8("source endpoint")?, reader.u16_le("cluster")?);
    let (transaction, options) = (reader.u8("transaction")?, reader.u8("options")?);
    reader.u8("radius")?;
    let length = usize::from(reader.u16_le("length")?);
    let payload = reader.bytes("data", length)?;
    Ok((Request { mode, address, destination, source, cluster, transaction, options, payload }, pan))
}
