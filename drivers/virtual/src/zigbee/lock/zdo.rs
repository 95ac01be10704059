//! A lock's Zigbee Device Object: what it tells of itself, and its bindings (Zigbee R22 section 2.4).

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::{Ieee, Nwk};

use super::super::frame::{Frame, HOME_AUTOMATION, ZDO, cluster};
use super::super::put::Put;

/// Clusters of ZDO requests; an answer has the highest bit set.
pub(in super::super) mod request {
    pub(in super::super::super) const NWK_ADDRESS: u16 = 0x0000;
    pub(in super::super::super) const IEEE_ADDRESS: u16 = 0x0001;
    pub(in super::super::super) const NODE_DESCRIPTOR: u16 = 0x0002;
    pub(in super::super::super) const POWER_DESCRIPTOR: u16 = 0x0003;
    pub(in super::super::super) const SIMPLE_DESCRIPTOR: u16 = 0x0004;
    pub(in super::super::super) const ACTIVE_ENDPOINTS: u16 = 0x0005;
    pub(in super::super::super) const MATCH_DESCRIPTOR: u16 = 0x0006;
    pub(in super::super::super) const DEVICE_ANNOUNCE: u16 = 0x0013;
    pub(in super::super::super) const BIND: u16 = 0x0021;
    pub(in super::super::super) const UNBIND: u16 = 0x0022;
    pub(in super::super::super) const NEIGHBOURS: u16 = 0x0031;
    pub(in super::super::super) const BINDINGS: u16 = 0x0033;
    pub(in super::super::super) const LEAVE: u16 = 0x0034;
    pub(in super::super::super) const PERMIT_JOINING: u16 = 0x0036;
    pub(in super::super::super) const ANSWER: u16 = 0x8000;
}

/// Statuses of ZDO (Zigbee R22 section 2.4.5).
pub(in super::super) mod status {
    pub(in super::super::super) const SUCCESS: u8 = 0x00;
    pub(in super::super::super) const INVALID: u8 = 0x80;
    pub(in super::super::super) const NOT_FOUND: u8 = 0x81;
    pub(in super::super::super) const NOT_ACTIVE: u8 = 0x83;
    pub(in super::super::super) const NOT_SUPPORTED: u8 = 0x84;
    pub(in super::super::super) const NO_ENTRY: u8 = 0x88;
}

/// The only endpoint of a lock.
pub(in super::super) const ENDPOINT: u8 = 1;
/// Device type Door Lock.
const DOOR_LOCK: u16 = 0x000A;
const MAX_BINDINGS: usize = 12;

/// Where what happens in a cluster goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) cluster: u16,
    pub(super) to: Ieee,
    pub(super) endpoint: u8,
}

/// Who the lock is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) ieee: Ieee,
    pub(super) nwk: Nwk,
    pub(super) sleepy: bool,
    pub(super) manufacturer_code: u16,
    /// Server and client clusters.
    pub(super) clusters: (&'static [u16], &'static [u16]),
}

/// What a request brought.
pub(super) struct Answered {
    pub(super) frame: Option<Frame>,
    /// It was told to leave, and whether to come back at once.
    pub(super) leave: Option<bool>,
}

impl Identity {
    /// MAC capabilities: mains power and an open receiver, or neither; allocates no address (section 2.3.2.3.6).
    pub(super) fn capabilities(&self) -> u8 {
        if self.sleepy { 0x80 } else { 0x8C }
    }

    /// The device announcement (section 2.4.3.1.11).
    pub(super) fn announce(&self, sequence: u8) -> Frame {
        let body = vec![sequence].u16(self.nwk.0).bytes(&self.ieee.to_bytes()).u8(self.capabilities());
        Frame { profile: ZDO, cluster: request::DEVICE_ANNOUNCE, source: 0, destination: 0, payload: body }
    }

    /// Answers a request. `broadcast`: it was for many, and only what concerns the lock is answered.
    pub(super) fn answer(&self, bindings: &mut Vec<Binding>, frame: &Frame, broadcast: bool) -> Answered {
        let nothing = Answered { frame: None, leave: None };
        let Some((sequence, body)) = frame.payload.split_first() else { return nothing };
        let mut leave = None;
        let answer = match self.body(bindings, frame.cluster, &mut Reader::new(body), broadcast, &mut leave) {
            Ok(Some(answer)) => answer,
            Ok(None) => return nothing,
            Err(_) => vec![status::INVALID],
        };
        let payload = vec![*sequence].bytes(&answer);
        let frame = Frame { cluster: frame.cluster | request::ANSWER, source: 0, destination: 0, payload, ..*frame };
        Answered { frame: Some(frame), leave }
    }

    fn body(
        &self,
        bindings: &mut Vec<Binding>,
        request: u16,
        reader: &mut Reader<'_>,
        broadcast: bool,
        leave: &mut Option<bool>,
    ) -> Result<Option<Vec<u8>>, WireError> {
        let ok = || vec![status::SUCCESS].u16(self.nwk.0);
        let elsewhere = |status| vec![status].u16(self.nwk.0);
        Ok(Some(match request {
            request::NWK_ADDRESS | request::IEEE_ADDRESS => {
                let asked_of_us = match request {
                    request::NWK_ADDRESS => Ieee::from_bytes(reader.array("address")?) == self.ieee,
                    _ => reader.u16_le("address")? == self.nwk.0,
                };
                match (asked_of_us, broadcast) {
                    (true, _) => vec![status::SUCCESS].bytes(&self.ieee.to_bytes()).u16(self.nwk.0),
                    (false, true) => return Ok(None),
                    (false, false) => vec![status::NOT_FOUND].bytes(&self.ieee.to_bytes()).u16(self.nwk.0),
                }
            }
            request::PERMIT_JOINING | request::DEVICE_ANNOUNCE => return Ok(None),
            _ if broadcast && request != request::MATCH_DESCRIPTOR => return Ok(None),
            request::NODE_DESCRIPTOR if reader.u16_le("address")? == self.nwk.0 => ok().bytes(&self.node_descriptor()),
            request::POWER_DESCRIPTOR if reader.u16_le("address")? == self.nwk.0 => {
                // On a battery that is full, synchronized with its receiver or not.
                ok().u16(0xC440 | u16::from(self.sleepy))
            }
            request::ACTIVE_ENDPOINTS if reader.u16_le("address")? == self.nwk.0 => ok().counted(&[ENDPOINT]),
            request::SIMPLE_DESCRIPTOR if reader.u16_le("address")? == self.nwk.0 => match reader.u8("endpoint")? {
                ENDPOINT => ok().counted(&self.simple_descriptor()),
                _ => elsewhere(status::NOT_ACTIVE).u8(0),
            },
            request::MATCH_DESCRIPTOR => {
                let address = reader.u16_le("address")?;
                let profile = reader.u16_le("profile")?;
                let servers = clusters(reader)?;
                let clients = clusters(reader)?;
                let has = |ours: &[u16], asked: Vec<u16>| asked.iter().any(|cluster| ours.contains(cluster));
                let matches = profile == HOME_AUTOMATION
                    && (has(self.clusters.0, servers) || has(self.clusters.1, clients))
                    && (address == self.nwk.0 || broadcast);
                if broadcast && !matches {
                    return Ok(None);
                }
                ok().counted(if matches { &[ENDPOINT] } else { &[] })
            }
            request::BIND | request::UNBIND => vec![self.bind(bindings, request == request::BIND, reader)?],
            request::BINDINGS => bindings_table(self.ieee, bindings, reader.u8("index")?),
            request::LEAVE => {
                let who = Ieee::from_bytes(reader.array("device")?);
                if who != self.ieee && who.0 != 0 {
                    return Ok(Some(vec![status::NOT_SUPPORTED]));
                }
                *leave = Some(reader.u8("flags")? & 0x80 != 0);
                vec![status::SUCCESS]
            }
            request::NODE_DESCRIPTOR | request::POWER_DESCRIPTOR | request::ACTIVE_ENDPOINTS => {
                elsewhere(status::INVALID)
            }
            request::SIMPLE_DESCRIPTOR => elsewhere(status::INVALID).u8(0),
            answer if answer & request::ANSWER != 0 => return Ok(None),
            _ => vec![status::NOT_SUPPORTED],
        }))
    }

    /// End device, 2.4 GHz, stack revision 22 (section 2.3.2.3).
    fn node_descriptor(&self) -> Vec<u8> {
        vec![0x02, 0x40, self.capabilities()].u16(self.manufacturer_code).u8(82).u16(82).u16(22 << 9).u16(82).u8(0)
    }

    /// Section 2.3.2.5.
    fn simple_descriptor(&self) -> Vec<u8> {
        let list = |to: Vec<u8>, clusters: &[u16]| {
            let count = u8::try_from(clusters.len()).unwrap_or(u8::MAX);
            clusters.iter().fold(to.u8(count), |to, cluster| to.u16(*cluster))
        };
        let head = vec![ENDPOINT].u16(HOME_AUTOMATION).u16(DOOR_LOCK).u8(1);
        list(list(head, self.clusters.0), self.clusters.1)
    }

    fn bind(&self, bindings: &mut Vec<Binding>, add: bool, reader: &mut Reader<'_>) -> Result<u8, WireError> {
        let source = Ieee::from_bytes(reader.array("source")?);
        let endpoint = reader.u8("source endpoint")?;
        let cluster = reader.u16_le("cluster")?;
        // A group (mode 1) has an address of two bytes; no lock has been seen that binds to one.
        if reader.u8("mode")? != 0x03 || source != self.ieee || endpoint != ENDPOINT {
            return Ok(status::NOT_SUPPORTED);
        }
        let to = Ieee::from_bytes(reader.array("destination")?);
        let binding = Binding { cluster, to, endpoint: reader.u8("destination endpoint")? };
        let at = bindings.iter().position(|held| *held == binding);
        match (add, at) {
            (true, None) if bindings.len() >= MAX_BINDINGS => return Ok(0x8C),
            (true, None) => bindings.push(binding),
            (false, Some(at)) => drop(bindings.remove(at)),
            (true, Some(_)) => {}
            (false, None) => return Ok(status::NO_ENTRY),
        }
        Ok(status::SUCCESS)
    }
}

fn clusters(reader: &mut Reader<'_>) -> Result<Vec<u16>, WireError> {
    let count = reader.u8("number of clusters")?;
    (0..count).map(|_| reader.u16_le("cluster")).collect()
}

/// The bindings from an index on, as many as a frame holds (section 2.4.4.3.4).
fn bindings_table(ieee: Ieee, bindings: &[Binding], start: u8) -> Vec<u8> {
    let shown = bindings.iter().skip(start.into()).take(3);
    let count = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
    let head = vec![status::SUCCESS].u8(count(bindings.len())).u8(start).u8(count(shown.clone().count()));
    shown.fold(head, |table, binding| {
        let entry = table.bytes(&ieee.to_bytes()).u8(ENDPOINT).u16(binding.cluster).u8(3);
        entry.bytes(&binding.to.to_bytes()).u8(binding.endpoint)
    })
}

/// The clusters of a lock: its servers and its clients.
pub(super) const CLUSTERS: (&[u16], &[u16]) = (
    &[cluster::BASIC, cluster::POWER, cluster::IDENTIFY, cluster::ALARMS, cluster::POLL_CONTROL, cluster::DOOR_LOCK],
    &[cluster::TIME],
);
/// Of one that shows its clock.
pub(super) const CLUSTERS_WITH_CLOCK: (&[u16], &[u16]) = (
    &[
        cluster::BASIC,
        cluster::POWER,
        cluster::IDENTIFY,
        cluster::ALARMS,
        cluster::TIME,
        cluster::POLL_CONTROL,
        cluster::DOOR_LOCK,
    ],
    &[cluster::TIME],
);

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: Identity = Identity {
        ieee: Ieee(0x000D_6F00_0A0B_0C01),
        nwk: Nwk(0x1234),
        sleepy: true,
        manufacturer_code: 0x101D,
        clusters: CLUSTERS,
    };

    fn ask(bindings: &mut Vec<Binding>, cluster: u16, body: &[u8]) -> Vec<u8> {
        let payload = vec![7].bytes(body);
        let frame = Frame { profile: ZDO, cluster, source: 0, destination: 0, payload };
        LOCK.answer(bindings, &frame, false).frame.unwrap().payload
    }

    #[test]
    fn a_lock_tells_its_endpoint_and_what_is_on_it() {
        assert_eq!(ask(&mut Vec::new(), request::ACTIVE_ENDPOINTS, &[0x34, 0x12]), [7, 0, 0x34, 0x12, 1, 1]);
        let simple = ask(&mut Vec::new(), request::SIMPLE_DESCRIPTOR, &[0x34, 0x12, 1]);
        assert_eq!(simple[..13], [7, 0, 0x34, 0x12, 22, 1, 0x04, 0x01, 0x0A, 0x00, 1, 6, 0]);
        assert_eq!(simple.len(), 5 + 22);
        assert_eq!(ask(&mut Vec::new(), request::SIMPLE_DESCRIPTOR, &[0x34, 0x12, 9])[1], status::NOT_ACTIVE);
        assert_eq!(ask(&mut Vec::new(), request::ACTIVE_ENDPOINTS, &[0x35, 0x12])[1], status::INVALID);
        assert_eq!(ask(&mut Vec::new(), request::ACTIVE_ENDPOINTS, &[0x35])[1], status::INVALID);
    }

    #[test]
    fn a_binding_is_kept_once_and_is_listed_until_it_is_taken_out() {
        let mut bindings = Vec::new();
        let body = LOCK.ieee.to_bytes().to_vec().u8(1).u16(0x0101).u8(3).bytes(&[8; 8]).u8(1);
        assert_eq!(ask(&mut bindings, request::BIND, &body), [7, 0]);
        assert_eq!(ask(&mut bindings, request::BIND, &body), [7, 0]);
        let listed = ask(&mut bindings, request::BINDINGS, &[0]);
        assert_eq!((bindings.len(), &listed[..5]), (1, &[7, 0, 1, 0, 1][..]));
        assert_eq!(listed[5..], body);
        assert_eq!(ask(&mut bindings, request::UNBIND, &body), [7, 0]);
        assert_eq!(ask(&mut bindings, request::UNBIND, &body), [7, status::NO_ENTRY]);
    }
}
