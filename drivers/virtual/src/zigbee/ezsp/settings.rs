//! Configuration, policies, values, tokens and counters.

use std::collections::BTreeMap;

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::Ieee;

use super::super::network::{Network, OwnEndpoint};
use super::super::put::Put;
use super::status::Status;
use super::{Body, Ezsp};

mod id {
    pub(super) const ADD_ENDPOINT: u16 = 0x0002;
    pub(super) const GET_EXTENDED_VALUE: u16 = 0x0003;
    pub(super) const NOP: u16 = 0x0005;
    pub(super) const GET_MFG_TOKEN: u16 = 0x000B;
    pub(super) const SET_MANUFACTURER_CODE: u16 = 0x0015;
    pub(super) const SET_POWER_DESCRIPTOR: u16 = 0x0016;
    pub(super) const CUSTOM_FRAME: u16 = 0x0047;
    pub(super) const GET_RANDOM_NUMBER: u16 = 0x0049;
    pub(super) const GET_CONFIGURATION: u16 = 0x0052;
    pub(super) const SET_CONFIGURATION: u16 = 0x0053;
    pub(super) const SET_POLICY: u16 = 0x0055;
    pub(super) const GET_POLICY: u16 = 0x0056;
    pub(super) const READ_AND_CLEAR_COUNTERS: u16 = 0x0065;
    pub(super) const ECHO: u16 = 0x0081;
    pub(super) const SET_CCA_MODE: u16 = 0x0095;
    pub(super) const GET_VALUE: u16 = 0x00AA;
    pub(super) const SET_VALUE: u16 = 0x00AB;
    pub(super) const READ_COUNTERS: u16 = 0x00F1;
    pub(super) const GET_TOKEN_COUNT: u16 = 0x0100;
    pub(super) const GET_TOKEN_DATA: u16 = 0x0102;
    pub(super) const SET_TOKEN_DATA: u16 = 0x0103;
    pub(super) const RESET_NODE: u16 = 0x0104;
}

/// Configuration values that somebody depends on.
pub(super) mod configuration {
    pub(in super::super) const ADDRESS_TABLE_SIZE: u8 = 0x05;
    pub(in super::super) const INDIRECT_TRANSMISSION_TIMEOUT: u8 = 0x12;
    pub(in super::super) const KEY_TABLE_SIZE: u8 = 0x1E;
    /// What a firmware has of its own, before a host says otherwise.
    pub(in super::super) const DEFAULTS: [(u8, u16); 27] = [
        (0x01, 255),
        (0x02, 26),
        (0x03, 10),
        (ADDRESS_TABLE_SIZE, 8),
        (0x06, 8),
        (0x07, 16),
        (0x08, 0),
        (0x09, 1),
        (0x0C, 2),
        (0x0D, 5),
        (0x10, 30),
        (0x11, 32),
        (INDIRECT_TRANSMISSION_TIMEOUT, 3000),
        (0x13, 8),
        (0x17, 0),
        (0x19, 0),
        (0x1A, 200),
        (0x1C, 1),
        (KEY_TABLE_SIZE, 12),
        (0x1F, 1600),
        (0x22, 2),
        (0x2A, 0),
        (0x2B, 15),
        (0x2D, 1),
        (0x36, 300),
        (0x38, 300),
        (0x39, 0),
    ];
}

/// Policies that somebody depends on.
pub(super) mod policy {
    pub(in super::super) const TRUST_CENTER: u8 = 0x00;
    pub(in super::super) const MESSAGE_CONTENTS_IN_CALLBACK: u8 = 0x04;
    pub(in super::super) const TC_KEY_REQUEST: u8 = 0x05;
}

mod value {
    pub(super) const FREE_BUFFERS: u8 = 0x03;
    pub(super) const VERSION_INFO: u8 = 0x11;
    pub(super) const NWK_FRAME_COUNTER: u8 = 0x23;
    pub(super) const LAST: u8 = 0x48;
}

/// `EMBER_COUNTER_TYPE_COUNT`.
const COUNTERS: usize = 40;
/// The token of an address that takes the place of the chip's own (`CREATOR_STACK_RESTORED_EUI64`).
const RESTORED_EUI64: u32 = 0xE12A;
/// In a token of an address: none.
const NO_ADDRESS: [u8; 8] = [0xFF; 8];

/// What the host has set.
pub(super) struct Settings {
    configuration: BTreeMap<u8, u16>,
    policies: BTreeMap<u8, u8>,
    values: BTreeMap<u8, Vec<u8>>,
    /// Kept over a restart.
    restored_address: [u8; 8],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            configuration: configuration::DEFAULTS.into(),
            // Nobody may join before the host has said who.
            policies: BTreeMap::new(),
            values: BTreeMap::new(),
            restored_address: NO_ADDRESS,
        }
    }
}

impl Settings {
    /// What of it outlives a restart.
    pub(super) fn restarted(&self) -> Self {
        Self { restored_address: self.restored_address, ..Self::default() }
    }

    /// The address that was written over the chip's own.
    pub(super) fn own_address(&self) -> Option<Ieee> {
        (self.restored_address != NO_ADDRESS).then(|| Ieee::from_bytes(self.restored_address))
    }

    /// Release of the stack: that which came with this version of EZSP.
    pub(super) fn stack_version(&self, version: u8) -> u16 {
        match version {
            8 => 0x6A30,
            9 => 0x7020,
            10 => 0x7130,
            11 => 0x7220,
            12 => 0x7310,
            13 => 0x7430,
            14 => 0x8010,
            16 => 0x8100,
            17 => 0x8200,
            _ => 0x9000,
        }
    }

    pub(super) fn configured(&self, id: u8) -> u16 {
        self.configuration.get(&id).copied().unwrap_or_default()
    }

    pub(super) fn policy(&self, id: u8) -> u8 {
        self.policies.get(&id).copied().unwrap_or_default()
    }
}

impl Ezsp {
    pub(super) fn on_settings(
        &mut self,
        network: &mut Network,
        id: u16,
        reader: &mut Reader<'_>,
    ) -> Result<Body, WireError> {
        Ok(Some(match id {
            id::NOP => Vec::new(),
            id::ECHO => Vec::new().counted(counted(reader)?),
            id::GET_CONFIGURATION => {
                let known = self.settings.configuration.get(&reader.u8("configuration")?).copied();
                self.known(known.is_some()).u16(known.unwrap_or_default())
            }
            id::SET_CONFIGURATION => {
                let (key, value) = (reader.u8("configuration")?, reader.u16_le("value")?);
                self.set_configuration(network, key, value)
            }
            id::SET_POLICY => {
                let (key, decision) = (reader.u8("policy")?, reader.u8("decision")?);
                if key > 0x0C {
                    return Ok(Some(self.status(Status::InvalidId)));
                }
                self.settings.policies.insert(key, decision);
                self.status(Status::Ok)
            }
            id::GET_POLICY => {
                let decision = self.settings.policy(reader.u8("policy")?);
                self.status(Status::Ok).u8(decision)
            }
            id::GET_VALUE => {
                let value = self.value(network, reader.u8("value")?);
                self.known(value.is_some()).counted(&value.unwrap_or_default())
            }
            id::SET_VALUE => {
                let (key, bytes) = (reader.u8("value")?, counted(reader)?);
                self.set_value(network, key, bytes)
            }
            // Flags of an endpoint that was not added, or is enabled.
            id::GET_EXTENDED_VALUE => {
                let (_, endpoint) = (reader.u8("value")?, reader.bytes("characteristics", 4)?);
                let there = endpoint.first().is_some_and(|id| network.endpoints.iter().any(|own| own.endpoint == *id));
                self.known(there).counted(&[there.into(), 0])
            }
            id::ADD_ENDPOINT => self.add_endpoint(network, reader)?,
            id::SET_MANUFACTURER_CODE | id::SET_POWER_DESCRIPTOR => {
                reader.u16_le("value")?;
                if self.has_words() { self.status(Status::Ok) } else { Vec::new() }
            }
            id::GET_MFG_TOKEN => Vec::new().counted(&manufacturing_token(reader.u8("token")?)),
            // Nobody has built extensions into this firmware.
            id::CUSTOM_FRAME => self.status(Status::NotPresent).counted(&[]),
            id::GET_RANDOM_NUMBER => self.status(Status::Ok).bytes(&network.random_bytes::<2>()),
            id::READ_COUNTERS | id::READ_AND_CLEAR_COUNTERS => vec![0; 2 * COUNTERS],
            id::SET_CCA_MODE if self.version >= 9 => {
                reader.u8("mode")?;
                self.status(Status::Ok)
            }
            id::GET_TOKEN_COUNT if self.version >= 18 => Vec::new().u32(1),
            id::GET_TOKEN_COUNT if self.version >= 9 => vec![1],
            id::GET_TOKEN_DATA if self.version >= 9 => match u32::from_le_bytes(reader.array("token")?) {
                // Data of a token have a length of four bytes.
                RESTORED_EUI64 => self.status(Status::Ok).u32(8).bytes(&self.settings.restored_address),
                _ => self.status(Status::NotFound),
            },
            id::SET_TOKEN_DATA if self.version >= 9 => {
                let (token, _) = (u32::from_le_bytes(reader.array("token")?), reader.bytes("index", 4)?);
                let length = u32::from_le_bytes(reader.array("length")?);
                let content = reader.bytes("token data", usize::try_from(length).unwrap_or(usize::MAX))?;
                match (token, <[u8; 8]>::try_from(content)) {
                    (RESTORED_EUI64, Ok(address)) => {
                        self.settings.restored_address = address;
                        self.status(Status::Ok)
                    }
                    _ => self.status(Status::NotFound),
                }
            }
            id::RESET_NODE if self.version >= 9 => {
                self.restart = true;
                Vec::new()
            }
            _ => return Ok(None),
        }))
    }

    fn known(&self, known: bool) -> Vec<u8> {
        self.status(if known { Status::Ok } else { Status::InvalidId })
    }

    fn set_configuration(&mut self, network: &mut Network, key: u8, value: u16) -> Vec<u8> {
        let status = match self.settings.configuration.get_mut(&key) {
            None => Status::InvalidId,
            // Memory is shared out before the network comes up.
            Some(_) if network.is_up() && matches!(key, 0x01..=0x11 | 0x19 | 0x1A | 0x1E | 0x2B) => Status::InvalidCall,
            Some(held) => {
                *held = value;
                Status::Ok
            }
        };
        if key == configuration::INDIRECT_TRANSMISSION_TIMEOUT && status == Status::Ok {
            network.keeps_for = std::time::Duration::from_millis(value.into());
        }
        self.status(status)
    }

    fn value(&self, network: &Network, key: u8) -> Option<Vec<u8>> {
        match key {
            value::FREE_BUFFERS => Some(vec![0xAA]),
            value::VERSION_INFO => {
                let [patch, release] = self.settings.stack_version(self.version).to_le_bytes();
                // Build, major, minor, patch, special, type: general availability.
                Some(vec![0, 0, release >> 4, release & 0x0F, patch >> 4, patch & 0x0F, 0xAA])
            }
            value::NWK_FRAME_COUNTER => {
                let counter = network.held.as_ref().map_or(self.security.first_counter, |held| held.counter);
                Some(counter.to_le_bytes().to_vec())
            }
            key => self.settings.values.get(&key).cloned(),
        }
    }

    fn set_value(&mut self, network: &mut Network, key: u8, bytes: &[u8]) -> Vec<u8> {
        let status = match (key, <[u8; 4]>::try_from(bytes)) {
            (value::NWK_FRAME_COUNTER, _) if network.held.is_some() => Status::InvalidCall,
            (value::NWK_FRAME_COUNTER, Ok(counter)) => {
                self.security.first_counter = u32::from_le_bytes(counter);
                Status::Ok
            }
            (value::NWK_FRAME_COUNTER, Err(_)) => Status::InvalidValue,
            (..=value::LAST, _) => {
                self.settings.values.insert(key, bytes.to_vec());
                Status::Ok
            }
            _ => Status::InvalidId,
        };
        self.status(status)
    }

    fn add_endpoint(&mut self, network: &mut Network, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let endpoint = reader.u8("endpoint")?;
        let (profile, device) = (reader.u16_le("profile")?, reader.u16_le("device")?);
        let version = reader.u8("device version")?;
        let (servers, clients) = (reader.u8("inputs")?, reader.u8("outputs")?);
        let mut list = |count: u8| (0..count).map(|_| reader.u16_le("cluster")).collect::<Result<Vec<_>, _>>();
        let (servers, clients) = (list(servers)?, list(clients)?);
        // Endpoints are part of what a network is told of: they come before it.
        if network.is_up() {
            return Ok(self.status(Status::InvalidCall));
        }
        network.endpoints.retain(|own| own.endpoint != endpoint);
        network.endpoints.push(OwnEndpoint { endpoint, profile, device, version, servers, clients });
        Ok(self.status(Status::Ok))
    }
}

/// Bytes behind their number.
pub(super) fn counted<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let count = reader.u8("length")?;
    reader.bytes("content", count.into())
}

/// What the maker has burnt in: fixed lengths, filled up with ones.
fn manufacturing_token(token: u8) -> Vec<u8> {
    let text = |text: &[u8], length: usize| text.iter().copied().chain(std::iter::repeat(0xFF)).take(length).collect();
    match token {
        0x01 => text(b"Keyway", 16),
        0x02 => text(b"Virtual stick", 16),
        0x0C => NO_ADDRESS.to_vec(),
        _ => text(b"", 2),
    }
}
