//! Tables of a stick that its host fills and reads: addresses, multicasts, bindings, source routes.

use std::collections::{BTreeMap, BTreeSet};

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::{Ieee, Nwk};

use super::super::network::Network;
use super::super::put::Put;
use super::settings::configuration;
use super::status::Status;
use super::{Body, Ezsp};

mod id {
    pub(super) const SET_CONCENTRATOR: u16 = 0x0010;
    pub(super) const CLEAR_BINDINGS: u16 = 0x002A;
    pub(super) const SET_BINDING: u16 = 0x002B;
    pub(super) const GET_BINDING: u16 = 0x002C;
    pub(super) const DELETE_BINDING: u16 = 0x002D;
    pub(super) const MANY_TO_ONE: u16 = 0x0041;
    pub(super) const SOURCE_ROUTE_DISCOVERY: u16 = 0x005A;
    pub(super) const SET_ADDRESS: u16 = 0x005C;
    pub(super) const SET_ADDRESS_NODE: u16 = 0x005D;
    pub(super) const GET_ADDRESS: u16 = 0x005E;
    pub(super) const GET_ADDRESS_NODE: u16 = 0x005F;
    pub(super) const NODE_BY_EUI64: u16 = 0x0060;
    pub(super) const EUI64_BY_NODE: u16 = 0x0061;
    pub(super) const GET_MULTICAST: u16 = 0x0063;
    pub(super) const SET_MULTICAST: u16 = 0x0064;
    pub(super) const GET_NEIGHBOUR: u16 = 0x0079;
    pub(super) const NEIGHBOUR_COUNT: u16 = 0x007A;
    pub(super) const GET_ROUTE: u16 = 0x007B;
    pub(super) const SET_EXTENDED_TIMEOUT: u16 = 0x007E;
    pub(super) const GET_EXTENDED_TIMEOUT: u16 = 0x007F;
    pub(super) const REPLACE_ADDRESS: u16 = 0x0082;
    pub(super) const SET_SOURCE_ROUTE: u16 = 0x00AE;
}

/// In an address table: no node.
const NO_NODE: u16 = 0xFFFF;
/// Seconds until the next many-to-one route request.
const NEXT_ROUTE_REQUEST: u32 = 10;
const MULTICAST: usize = 3 + 1;
const BINDING: usize = 14;

/// The tables.
#[derive(Default)]
pub(super) struct Tables {
    addresses: BTreeMap<u8, (Ieee, u16)>,
    multicasts: BTreeMap<u8, Vec<u8>>,
    bindings: BTreeMap<u8, Vec<u8>>,
    /// Devices that sleep, for which the stick waits longer.
    extended: BTreeSet<Ieee>,
}

impl Tables {
    /// The present address of an entry.
    pub(super) fn address(&self, network: &Network, index: u16) -> Option<u16> {
        let (ieee, nwk) = self.addresses.get(&u8::try_from(index).ok()?)?;
        network.nwk_of(*ieee).map(|nwk| nwk.0).or(Some(*nwk).filter(|nwk| *nwk != NO_NODE))
    }

    pub(super) fn waits_longer(&self, ieee: Ieee) -> bool {
        self.extended.contains(&ieee)
    }

    fn set_extended(&mut self, ieee: Ieee, extended: bool) {
        if extended {
            self.extended.insert(ieee);
        } else {
            self.extended.remove(&ieee);
        }
    }
}

impl Ezsp {
    pub(super) fn on_tables(
        &mut self,
        network: &mut Network,
        id: u16,
        reader: &mut Reader<'_>,
    ) -> Result<Body, WireError> {
        let words = self.has_words();
        Ok(Some(match id {
            id::SET_CONCENTRATOR => {
                network.concentrates = reader.u8("on")? != 0;
                self.status(Status::Ok)
            }
            id::SOURCE_ROUTE_DISCOVERY => {
                reader.u8("mode")?;
                Vec::new().u32(NEXT_ROUTE_REQUEST)
            }
            id::MANY_TO_ONE => self.status(if network.is_up() { Status::Ok } else { Status::NotJoined }),
            id::SET_SOURCE_ROUTE => self.status(Status::Ok),
            id::NODE_BY_EUI64 => {
                let ieee = Ieee::from_bytes(reader.array("address")?);
                let nwk = network.nwk_of(ieee).or_else(|| {
                    let entry = self.tables.addresses.values().find(|(of, _)| *of == ieee);
                    entry.map(|(_, nwk)| Nwk(*nwk)).filter(|nwk| nwk.0 != NO_NODE)
                });
                let head = match (words, nwk) {
                    (true, Some(_)) => self.status(Status::Ok),
                    (true, None) => self.status(Status::NotFound),
                    (false, _) => Vec::new(),
                };
                head.u16(nwk.map_or(NO_NODE, |nwk| nwk.0))
            }
            id::EUI64_BY_NODE => {
                let ieee = network.ieee_of(Nwk(reader.u16_le("node")?));
                let status = self.status(if ieee.is_some() { Status::Ok } else { Status::NotFound });
                status.bytes(&ieee.unwrap_or(Ieee(0)).to_bytes())
            }
            id::SET_EXTENDED_TIMEOUT => {
                let (ieee, extended) = (Ieee::from_bytes(reader.array("address")?), reader.u8("extended")? != 0);
                self.tables.set_extended(ieee, extended);
                if words { self.status(Status::Ok) } else { Vec::new() }
            }
            id::GET_EXTENDED_TIMEOUT => {
                let extended = self.tables.waits_longer(Ieee::from_bytes(reader.array("address")?));
                match words {
                    true => self.status(if extended { Status::Ok } else { Status::Fail }),
                    false => vec![extended.into()],
                }
            }
            id::REPLACE_ADDRESS => self.replace_address(reader)?,
            id::SET_ADDRESS => {
                let (index, ieee) = (reader.u8("index")?, Ieee::from_bytes(reader.array("address")?));
                let nwk = if words { reader.u16_le("node")? } else { NO_NODE };
                self.put_address(index, ieee, nwk)
            }
            id::SET_ADDRESS_NODE if !words => {
                let (index, nwk) = (reader.u8("index")?, reader.u16_le("node")?);
                if let Some((_, held)) = self.tables.addresses.get_mut(&index) {
                    *held = nwk;
                }
                Vec::new()
            }
            id::GET_ADDRESS => {
                let index = reader.u8("index")?;
                let (ieee, nwk) = self.tables.addresses.get(&index).copied().unwrap_or((Ieee::NONE, NO_NODE));
                match (words, index < self.address_slots()) {
                    (true, there) => self
                        .status(if there { Status::Ok } else { Status::IndexOutOfRange })
                        .u16(nwk)
                        .bytes(&ieee.to_bytes()),
                    (false, _) => ieee.to_bytes().to_vec(),
                }
            }
            id::GET_ADDRESS_NODE if !words => {
                let entry = self.tables.addresses.get(&reader.u8("index")?);
                Vec::new().u16(entry.map_or(NO_NODE, |(_, nwk)| *nwk))
            }
            id::SET_MULTICAST => {
                let (index, entry) = (reader.u8("index")?, reader.rest().to_vec());
                self.tables.multicasts.insert(index, entry);
                self.status(Status::Ok)
            }
            id::GET_MULTICAST => {
                let entry = self.tables.multicasts.get(&reader.u8("index")?);
                self.status(Status::Ok).bytes(entry.map_or(&[0; MULTICAST][..], |entry| &entry[..]))
            }
            id::CLEAR_BINDINGS => {
                self.tables.bindings.clear();
                self.status(Status::Ok)
            }
            id::SET_BINDING => {
                let (index, entry) = (reader.u8("index")?, reader.bytes("binding", BINDING)?.to_vec());
                self.tables.bindings.insert(index, entry);
                self.status(Status::Ok)
            }
            id::GET_BINDING => {
                let entry = self.tables.bindings.get(&reader.u8("index")?);
                self.status(Status::Ok).bytes(entry.map_or(&[0; BINDING][..], |entry| &entry[..]))
            }
            id::DELETE_BINDING => {
                self.tables.bindings.remove(&reader.u8("index")?);
                self.status(Status::Ok)
            }
            // Routers are neighbours, and there is none that the stick talks with.
            id::NEIGHBOUR_COUNT => vec![0],
            id::GET_NEIGHBOUR => self.status(Status::Fail).bytes(&[0; 14]),
            id::GET_ROUTE => self.status(Status::IndexOutOfRange).u16(NO_NODE).u16(NO_NODE).bytes(&[3, 0, 0, 0]),
            _ => return Ok(None),
        }))
    }

    fn replace_address(&mut self, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let (index, ieee) = (reader.u8("index")?, Ieee::from_bytes(reader.array("address")?));
        let (nwk, extended) = (reader.u16_le("node")?, reader.u8("extended")? != 0);
        let (old, old_nwk) = self.tables.addresses.get(&index).copied().unwrap_or((Ieee::NONE, NO_NODE));
        let old_extended = self.tables.waits_longer(old);
        let status = self.put_address(index, ieee, nwk);
        self.tables.set_extended(old, false);
        self.tables.set_extended(ieee, extended);
        Ok(status.bytes(&old.to_bytes()).u16(old_nwk).bool(old_extended))
    }

    fn put_address(&mut self, index: u8, ieee: Ieee, nwk: u16) -> Vec<u8> {
        if index >= self.address_slots() {
            return self.status(Status::IndexOutOfRange);
        }
        if ieee.is_real() {
            self.tables.addresses.insert(index, (ieee, nwk));
        } else {
            self.tables.addresses.remove(&index);
        }
        self.status(Status::Ok)
    }

    fn address_slots(&self) -> u8 {
        u8::try_from(self.settings.configured(configuration::ADDRESS_TABLE_SIZE)).unwrap_or(u8::MAX)
    }
}
