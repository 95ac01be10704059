//! APP_CNF: commissioning, and the policies of the trust centre (Z-Stack Monitor and Test API, section 3.1).

use std::time::Instant;

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::key::Key;
use keyway_zigbee::network::install_code;

use super::super::network::Network;
use super::{Body, Znp, address, status};

mod id {
    pub(super) const SET_DEFAULT_REMOTE_ENDDEVICE_TIMEOUT: u8 = 0x01;
    pub(super) const SET_ALLOWREJOIN_TC_POLICY: u8 = 0x03;
    pub(super) const BDB_ADD_INSTALLCODE: u8 = 0x04;
    pub(super) const BDB_START_COMMISSIONING: u8 = 0x05;
    pub(super) const BDB_SET_JOINUSESINSTALLCODEKEY: u8 = 0x06;
    pub(super) const BDB_SET_CHANNEL: u8 = 0x08;
    pub(super) const BDB_SET_TC_REQUIRE_KEY_EXCHANGE: u8 = 0x09;
    pub(super) const SET_NWK_FRAME_COUNTER: u8 = 0xFF;
}

/// What is given of an install code: itself with its checksum, or the key that is made from it.
const CODE: u8 = 0x01;
const KEY: u8 = 0x02;
const CODE_LENGTH: usize = 18;

impl Znp {
    pub(super) fn on_app_cnf(
        &mut self,
        now: Instant,
        network: &mut Network,
        id: u8,
        reader: &mut Reader<'_>,
    ) -> Result<Body, WireError> {
        Ok(Some(match id {
            // No lock here stays away until it is given up, or fails to ask for a key of its own.
            id::SET_DEFAULT_REMOTE_ENDDEVICE_TIMEOUT | id::BDB_SET_TC_REQUIRE_KEY_EXCHANGE => {
                reader.u8("value")?;
                vec![status::SUCCESS]
            }
            id::SET_ALLOWREJOIN_TC_POLICY => {
                self.trust.refuses_well_known_rejoins = reader.u8("allowed")? == 0;
                vec![status::SUCCESS]
            }
            id::BDB_ADD_INSTALLCODE => {
                let (format, ieee) = (reader.u8("format")?, address(reader)?);
                let key = match format {
                    CODE => install_code::key_of(reader.bytes("install code", CODE_LENGTH)?),
                    KEY => Some(Key::new(reader.array("key")?)),
                    _ => None,
                };
                vec![match key {
                    Some(key) => {
                        self.trust.install_codes.insert(ieee, key);
                        status::SUCCESS
                    }
                    None => status::INVALID_PARAMETER,
                }]
            }
            id::BDB_START_COMMISSIONING => {
                self.commission(now, network, reader.u8("mode")?);
                vec![status::SUCCESS]
            }
            id::BDB_SET_JOINUSESINSTALLCODEKEY => {
                self.trust.install_codes_only = reader.u8("wanted")? != 0;
                vec![status::SUCCESS]
            }
            id::BDB_SET_CHANNEL => {
                let is_primary = reader.u8("is primary")? != 0;
                let mask = u32::from_le_bytes(reader.array("channels")?);
                let channels = if is_primary { &mut self.channels.primary } else { &mut self.channels.secondary };
                *channels = mask;
                vec![status::SUCCESS]
            }
            id::SET_NWK_FRAME_COUNTER => {
                let counter = u32::from_le_bytes(reader.array("frame counter")?);
                if let Some(held) = &mut network.held {
                    held.counter = counter;
                }
                vec![status::SUCCESS]
            }
            _ => return Ok(None),
        }))
    }
}
