//! UTIL: what the stick knows of itself and of its children (Z-Stack Monitor and Test API, section 3.10).

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::{Ieee, Nwk};

use super::super::network::{Network, Post};
use super::super::put::Put;
use super::{Body, Znp, address, status};

mod id {
    pub(super) const GET_DEVICE_INFO: u8 = 0x00;
    pub(super) const CALLBACK_SUB: u8 = 0x06;
    pub(super) const LED_CONTROL: u8 = 0x0A;
    pub(super) const ADDRMGR_EXT_ADDR_LOOKUP: u8 = 0x40;
    pub(super) const ADDRMGR_NWK_ADDR_LOOKUP: u8 = 0x41;
    pub(super) const ASSOC_COUNT: u8 = 0x48;
    pub(super) const ASSOC_FIND_DEVICE: u8 = 0x49;
    pub(super) const ASSOC_GET_WITH_ADDRESS: u8 = 0x4A;
}

/// A coordinator, that could be a router or an end device.
const DEVICE_TYPES: u8 = 0x07;
/// No address in the network.
const NO_NODE: u16 = 0xFFFE;
/// What a child is: one that sleeps, or one that listens.
const CHILD_RFD: u8 = 1;
const CHILD_RFD_RX_IDLE: u8 = 2;
/// Bytes of what is known of a child, as the compiler for 32-bit chips lays it out.
const CHILD: usize = 36;

impl Znp {
    pub(super) fn on_util(&self, network: &Network, id: u8, reader: &mut Reader<'_>) -> Result<Body, WireError> {
        Ok(Some(match id {
            id::GET_DEVICE_INFO => {
                let own = if network.is_up() { Nwk::COORDINATOR.0 } else { NO_NODE };
                let head = vec![status::SUCCESS].bytes(&network.own.to_bytes()).u16(own).u8(DEVICE_TYPES);
                let children: Vec<Nwk> = network.children().map(|(nwk, _)| nwk).collect();
                let head = head.u8(self.state as u8).u8(u8::try_from(children.len()).unwrap_or(u8::MAX));
                children.iter().fold(head, |body, nwk| body.u16(nwk.0))
            }
            // It tells everything anyway, and has no lamp.
            id::CALLBACK_SUB | id::LED_CONTROL => vec![status::SUCCESS],
            id::ADDRMGR_EXT_ADDR_LOOKUP => {
                let nwk = network.nwk_of(address(reader)?);
                Vec::new().u16(nwk.map_or(NO_NODE, |nwk| nwk.0))
            }
            id::ADDRMGR_NWK_ADDR_LOOKUP => {
                let ieee = network.ieee_of(Nwk(reader.u16_le("address")?));
                ieee.unwrap_or(Ieee(0)).to_bytes().to_vec()
            }
            id::ASSOC_COUNT => {
                let (first, last) = (reader.u8("first relation")?, reader.u8("last relation")?);
                let count = network.children().filter(|(_, post)| (first..=last).contains(&relation(post))).count();
                Vec::new().u16(u16::try_from(count).unwrap_or(u16::MAX))
            }
            id::ASSOC_FIND_DEVICE => child(network.children().nth(reader.u8("index")?.into())),
            id::ASSOC_GET_WITH_ADDRESS => {
                let (ieee, nwk) = (address(reader)?, Nwk(reader.u16_le("address")?));
                let is_it = |(own, post): &(Nwk, &Post)| match ieee.is_real() {
                    true => post.lock.setup().ieee == ieee,
                    false => *own == nwk,
                };
                child(network.children().find(is_it))
            }
            _ => return Ok(None),
        }))
    }
}

fn relation(post: &Post) -> u8 {
    if post.lock.is_sleepy() { CHILD_RFD } else { CHILD_RFD_RX_IDLE }
}

/// Its address and what it is; the rest nobody has measured.
fn child(child: Option<(Nwk, &Post)>) -> Vec<u8> {
    let mut bytes = match child {
        Some((nwk, post)) => Vec::new().u16(nwk.0).u16(0).u8(relation(post)).bytes(&[0; 5]).u8(200),
        None => Vec::new().u16(NO_NODE),
    };
    bytes.resize(CHILD, if child.is_some() { 0 } else { 0xFF });
    bytes
}
