//! What a device knows of the network: its neighbours, routes and bindings (Zigbee R22 section 2.4.4.3). Tables come in
//! pieces: each answer says how long the whole is and where its piece begins.

use keyway_lock::wire::Reader;

use super::ZdoError;
use crate::address::{Ieee, Nwk};

/// A piece of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<T> {
    /// Entries of the whole.
    pub total: u8,
    /// Where this piece begins, from 0.
    pub start: u8,
    /// The piece.
    pub entries: Vec<T>,
}

impl<T> Table<T> {
    /// Where the next piece begins, if there is one.
    pub fn next(&self) -> Option<u8> {
        let count = u8::try_from(self.entries.len()).ok()?;
        let next = self.start.checked_add(count)?;
        (count > 0 && next < self.total).then_some(next)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>, one: impl Fn(&T, &mut Vec<u8>)) {
        out.extend([self.total, self.start, u8::try_from(self.entries.len()).unwrap_or(u8::MAX)]);
        self.entries.iter().for_each(|entry| one(entry, out));
    }

    pub(super) fn decode(
        reader: &mut Reader<'_>,
        one: impl Fn(&mut Reader<'_>) -> Result<T, ZdoError>,
    ) -> Result<Self, ZdoError> {
        let (total, start) = (reader.u8("number of entries")?, reader.u8("first entry")?);
        let count = reader.u8("entries in this piece")?;
        let entries = (0..count).map(|_| one(reader)).collect::<Result<_, _>>()?;
        Ok(Self { total, start, entries })
    }
}

/// A device within reach of another (Mgmt_Lqi_rsp).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// The other network's or this one's long name.
    pub extended_pan: Ieee,
    /// The neighbour.
    pub ieee: Ieee,
    /// Its network address.
    pub nwk: Nwk,
    /// What kind of device it is (bits 0 to 1), whether its receiver is on (2 to 3), and what it is to the other (4 to 6:
    /// 0 parent, 1 child, 2 sibling).
    pub flags: u8,
    /// Hops from the coordinator.
    pub depth: u8,
    /// Link quality from it, 0 to 255.
    pub lqi: u8,
}

impl Neighbour {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.extended_pan.to_bytes());
        out.extend(self.ieee.to_bytes());
        out.extend(self.nwk.0.to_le_bytes());
        out.extend([self.flags, 0x02, self.depth, self.lqi]);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZdoError> {
        let extended_pan = Ieee::from_bytes(reader.array("extended PAN id")?);
        let ieee = Ieee::from_bytes(reader.array("IEEE address")?);
        let nwk = Nwk(reader.u16_le("network address")?);
        let flags = reader.u8("device type and relationship")?;
        reader.u8("permit joining")?;
        Ok(Self { extended_pan, ieee, nwk, flags, depth: reader.u8("depth")?, lqi: reader.u8("LQI")? })
    }
}

/// A way to a device (Mgmt_Rtg_rsp).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// To whom.
    pub destination: Nwk,
    /// Status (bits 0 to 2: 0 active) and flags.
    pub flags: u8,
    /// Over whom.
    pub next_hop: Nwk,
}

impl Route {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.destination.0.to_le_bytes());
        out.push(self.flags);
        out.extend(self.next_hop.0.to_le_bytes());
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZdoError> {
        let destination = Nwk(reader.u16_le("destination")?);
        Ok(Self { destination, flags: reader.u8("route status")?, next_hop: Nwk(reader.u16_le("next hop")?) })
    }
}

/// Where a device sends what a cluster of its has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Whose cluster.
    pub source: Ieee,
    /// On which endpoint.
    pub endpoint: u8,
    /// Which cluster.
    pub cluster: u16,
    /// Where to.
    pub target: BindingTarget,
}

/// The other end of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingTarget {
    /// A group.
    Group(u16),
    /// An endpoint of a device.
    Device(Ieee, u8),
}

impl Binding {
    const GROUP: u8 = 0x01;
    const DEVICE: u8 = 0x03;

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.source.to_bytes());
        out.push(self.endpoint);
        out.extend(self.cluster.to_le_bytes());
        match self.target {
            BindingTarget::Group(group) => {
                out.push(Self::GROUP);
                out.extend(group.to_le_bytes());
            }
            BindingTarget::Device(ieee, endpoint) => {
                out.push(Self::DEVICE);
                out.extend(ieee.to_bytes());
                out.push(endpoint);
            }
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZdoError> {
        let source = Ieee::from_bytes(reader.array("source address")?);
        let endpoint = reader.u8("source endpoint")?;
        let cluster = reader.u16_le("cluster")?;
        let target = match reader.u8("address mode")? {
            Self::GROUP => BindingTarget::Group(reader.u16_le("group")?),
            Self::DEVICE => {
                let ieee = Ieee::from_bytes(reader.array("destination address")?);
                BindingTarget::Device(ieee, reader.u8("destination endpoint")?)
            }
            other => return Err(reader.invalid("address mode", other).into()),
        };
        Ok(Self { source, endpoint, cluster, target })
    }
}
