//! The stick's own Zigbee Device Object, which its firmware serves by itself.

use keyway_lock::wire::Reader;
use keyway_zigbee::address::{Ieee, Nwk};

use super::super::frame::Frame;
use super::super::lock::zdo::{request, status};
use super::super::put::Put;
use super::Network;

/// An endpoint that the host has registered.
#[derive(Debug, Clone)]
pub(in super::super) struct OwnEndpoint {
    pub(in super::super) endpoint: u8,
    pub(in super::super) profile: u16,
    pub(in super::super) device: u16,
    pub(in super::super) version: u8,
    pub(in super::super) servers: Vec<u16>,
    pub(in super::super) clients: Vec<u16>,
}

/// What a coordinator says of itself (Zigbee R22 section 2.3.2.3), as far as sticks differ in it.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct NodeDescriptor {
    pub(in super::super) manufacturer: u16,
    /// Most bytes of one frame of the network layer, and of one message that is sent in pieces.
    pub(in super::super) buffer: u8,
    pub(in super::super) transfer: u16,
    /// Which revision of the standard, and which servers it is.
    pub(in super::super) server: u16,
}

impl Network {
    /// What the stick answers to a request of its host or of a device; `None`: nothing.
    pub(in super::super) fn own_answer(&self, frame: &Frame) -> Option<Frame> {
        let (sequence, body) = frame.payload.split_first()?;
        let body = self.own_body(frame.cluster, &mut Reader::new(body))?;
        let payload = vec![*sequence].bytes(&body);
        Some(Frame { cluster: frame.cluster | request::ANSWER, source: 0, destination: 0, payload, ..*frame })
    }

    fn own_body(&self, asked: u16, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        let ok = || vec![status::SUCCESS].u16(Nwk::COORDINATOR.0);
        let address = match asked {
            request::NWK_ADDRESS => {
                let asked = Ieee::from_bytes(reader.array("address").ok()?);
                return (asked == self.own).then(|| vec![status::SUCCESS].bytes(&self.own.to_bytes()).u16(0));
            }
            request::NEIGHBOURS => return Some(self.neighbours(reader.u8("index").ok()?)),
            request::IEEE_ADDRESS
            | request::NODE_DESCRIPTOR
            | request::POWER_DESCRIPTOR
            | request::SIMPLE_DESCRIPTOR
            | request::ACTIVE_ENDPOINTS => reader.u16_le("address").ok()?,
            _ => return None,
        };
        if address != Nwk::COORDINATOR.0 {
            return None;
        }
        Some(match asked {
            request::IEEE_ADDRESS => vec![status::SUCCESS].bytes(&self.own.to_bytes()).u16(0),
            // A coordinator.
            request::NODE_DESCRIPTOR => {
                let NodeDescriptor { manufacturer, buffer, transfer, server } = self.node;
                let head = ok().bytes(&[0x00, 0x40, 0x8F]).u16(manufacturer).u8(buffer);
                head.u16(transfer).u16(server).u16(transfer).u8(0)
            }
            request::POWER_DESCRIPTOR => ok().u16(0xC110),
            request::ACTIVE_ENDPOINTS => {
                let endpoints: Vec<u8> = self.endpoints.iter().map(|own| own.endpoint).collect();
                ok().counted(&endpoints)
            }
            _ => {
                let endpoint = reader.u8("endpoint").ok()?;
                match self.endpoints.iter().find(|own| own.endpoint == endpoint) {
                    Some(own) => ok().counted(&own.descriptor()),
                    None => vec![status::NOT_ACTIVE].u16(0).u8(0),
                }
            }
        })
    }

    /// The children, two a frame (Zigbee R22 section 2.4.4.3.2).
    fn neighbours(&self, start: u8) -> Vec<u8> {
        let count = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        let all: Vec<_> = self.children().collect();
        let shown: Vec<_> = all.iter().skip(start.into()).take(2).collect();
        let pan = self.held.as_ref().map(|held| held.extended_pan).unwrap_or(Ieee(0));
        let head = vec![status::SUCCESS].u8(count(all.len())).u8(start).u8(count(shown.len()));
        shown.into_iter().fold(head, |table, (nwk, post)| {
            let setup = post.lock.setup();
            let entry = table.bytes(&pan.to_bytes()).bytes(&setup.ieee.to_bytes()).u16(nwk.0);
            // An end device, its receiver on or off when idle, our child.
            let listens = u8::from(!post.lock.is_sleepy());
            entry.u8(0x02 | listens << 2 | 0x01 << 4).u8(0x02).u8(0x01).u8(200)
        })
    }
}

impl OwnEndpoint {
    fn descriptor(&self) -> Vec<u8> {
        let list = |to: Vec<u8>, clusters: &[u16]| {
            let count = u8::try_from(clusters.len()).unwrap_or(u8::MAX);
            clusters.iter().fold(to.u8(count), |to, cluster| to.u16(*cluster))
        };
        let head = vec![self.endpoint].u16(self.profile).u16(self.device).u8(self.version);
        list(list(head, &self.servers), &self.clients)
    }
}
