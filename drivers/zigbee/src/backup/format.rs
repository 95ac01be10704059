//! The open coordinator backup format, in which a network moves between Keyway, zigpy (ZHA) and Zigbee2MQTT
//! (github.com/zigpy/open-coordinator-backup, version 1).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{KnownDevice, LinkKey, LinkKeySeed, NetworkBackup};
use crate::address::{Ieee, Nwk};
use crate::coordinator::{Family, NetworkParameters};
use crate::key::Key;

const FORMAT: &str = "zigpy/open-coordinator-backup";
const VERSION: u32 = 1;
/// Zigbee security level 5 (encryption, integrity code of 32 bits): that of every network in the field.
const SECURITY_LEVEL: u8 = 5;
/// Zigbee2MQTT takes a backup for a stick of Silicon Labs only with a version of EZSP in it, of at least this.
const EZSP_VERSION: u8 = 12;
const ALL_DEVICES_ONCE: &str = "each device once";

/// Why a text is not a backup. Never carries a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// It is not JSON, or lacks a field; the text says which, and where.
    #[error("this is not a coordinator backup: {0}")]
    NotABackup(String),
    /// A field holds what it can't.
    #[error("{field} has to be {expected}")]
    Field {
        /// Its path, such as `network_key.key`.
        field: String,
        /// What it has to be.
        expected: &'static str,
    },
}

impl BackupError {
    fn field(field: impl Into<String>, expected: &'static str) -> Self {
        Self::Field { field: field.into(), expected }
    }
}

/// A text that is wiped.
struct SecretText(Zeroizing<String>);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    metadata: Metadata,
    #[serde(default)]
    stack_specific: Option<StackSpecific>,
    coordinator_ieee: String,
    pan_id: String,
    extended_pan_id: String,
    #[serde(default)]
    nwk_update_id: u8,
    security_level: u8,
    channel: u8,
    #[serde(default)]
    channel_mask: Vec<u8>,
    network_key: NetworkKey,
    #[serde(default)]
    devices: Vec<Device>,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: String,
    version: u32,
    source: String,
    #[serde(default)]
    internal: Internal,
}

#[derive(Serialize, Deserialize, Default)]
struct Internal {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    creation_time: Option<String>,
    /// As Zigbee2MQTT calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(default, rename = "ezspVersion", skip_serializing_if = "Option::is_none")]
    ezsp_version: Option<u8>,
}

#[derive(Serialize, Deserialize, Default)]
struct StackSpecific {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ezsp: Option<EzspSpecific>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zstack: Option<ZstackSpecific>,
}

#[derive(Serialize, Deserialize)]
struct EzspSpecific {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hashed_tclk: Option<SecretText>,
}

#[derive(Serialize, Deserialize)]
struct ZstackSpecific {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tclk_seed: Option<SecretText>,
}

#[derive(Serialize, Deserialize)]
struct NetworkKey {
    key: SecretText,
    sequence_number: u8,
    frame_counter: u32,
}

#[derive(Serialize, Deserialize)]
struct Device {
    #[serde(default)]
    nwk_address: Option<String>,
    ieee_address: String,
    /// zigpy and Zigbee2MQTT take a device of which it is not said for a child.
    #[serde(default = "yes")]
    is_child: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link_key: Option<DeviceKey>,
}

fn yes() -> bool {
    true
}

#[derive(Serialize, Deserialize)]
struct DeviceKey {
    key: SecretText,
    #[serde(default)]
    rx_counter: u32,
    #[serde(default)]
    tx_counter: u32,
}

impl NetworkBackup {
    /// Reads a backup of zigpy, of Zigbee2MQTT (`coordinator_backup.json`) or of Keyway.
    ///
    /// # Errors
    /// [`BackupError`] naming the field.
    pub fn from_json(text: &str) -> Result<Self, BackupError> {
        let file: File = serde_json::from_str(text).map_err(|error| not_a_backup(&error))?;
        file.check()?;
        let mut devices: Vec<KnownDevice> = Vec::with_capacity(file.devices.len());
        for (index, device) in file.devices.iter().enumerate() {
            let path = format!("devices[{index}]");
            let device = device.read(&path)?;
            let device = KnownDevice { ieee: file.in_order(device.ieee), ..device };
            if devices.iter().any(|other| other.ieee == device.ieee) {
                return Err(BackupError::field(format!("{path}.ieee_address"), ALL_DEVICES_ONCE));
            }
            devices.push(device);
        }
        Ok(Self {
            coordinator: file.in_order(ieee("coordinator_ieee", &file.coordinator_ieee)?),
            network: NetworkParameters {
                pan: pan(&file.pan_id)?,
                extended_pan: file.in_order(ieee("extended_pan_id", &file.extended_pan_id)?),
                channel: file.channel,
                network_key: key("network_key.key", &file.network_key.key)?,
            },
            update_id: file.nwk_update_id,
            key_sequence: file.network_key.sequence_number,
            frame_counter: file.network_key.frame_counter,
            link_key_seed: file.seed()?,
            devices,
        })
    }

    /// Writes it, for Keyway, zigpy and Zigbee2MQTT. `created`: the time, as RFC 3339 has it. The text holds the keys.
    ///
    /// # Errors
    /// None that is known: what is written can be written.
    pub fn to_json(&self, created: &str) -> Result<Zeroizing<String>, BackupError> {
        let is_ezsp = self.seed_of(Family::Ezsp).is_some();
        let file = File {
            metadata: Metadata {
                format: FORMAT.to_owned(),
                version: VERSION,
                source: format!("keyway@{}", env!("CARGO_PKG_VERSION")),
                internal: Internal {
                    creation_time: Some(created.to_owned()),
                    date: None,
                    ezsp_version: is_ezsp.then_some(EZSP_VERSION),
                },
            },
            stack_specific: Some(StackSpecific {
                ezsp: self.seed_of(Family::Ezsp).map(|seed| EzspSpecific { hashed_tclk: Some(secret(seed)) }),
                zstack: self.seed_of(Family::Znp).map(|seed| ZstackSpecific { tclk_seed: Some(secret(seed)) }),
            }),
            coordinator_ieee: format!("{:016x}", self.coordinator.0),
            pan_id: format!("{:04x}", self.network.pan),
            extended_pan_id: format!("{:016x}", self.network.extended_pan.0),
            nwk_update_id: self.update_id,
            security_level: SECURITY_LEVEL,
            channel: self.network.channel,
            channel_mask: vec![self.network.channel],
            network_key: NetworkKey {
                key: secret(&self.network.network_key),
                sequence_number: self.key_sequence,
                frame_counter: self.frame_counter,
            },
            devices: self.devices.iter().map(Device::of).collect(),
        };
        let text = serde_json::to_string_pretty(&file).map_err(|error| not_a_backup(&error))?;
        Ok(Zeroizing::new(text))
    }
}

impl File {
    fn check(&self) -> Result<(), BackupError> {
        if self.metadata.format != FORMAT {
            return Err(BackupError::field("metadata.format", FORMAT));
        }
        if self.metadata.version != VERSION {
            return Err(BackupError::field("metadata.version", "1"));
        }
        if self.security_level != SECURITY_LEVEL {
            return Err(BackupError::field("security_level", "5"));
        }
        if !(11..=26).contains(&self.channel) {
            return Err(BackupError::field("channel", "11 to 26"));
        }
        Ok(())
    }

    /// An address or the extended PAN id. zigbee-herdsman's driver for Silicon Labs writes all of them in the order of the
    /// bytes on the wire; all others have the highest first.
    fn in_order(&self, id: Ieee) -> Ieee {
        let is_ezsp = self.stack_specific.as_ref().is_some_and(|stack| stack.ezsp.is_some());
        let reversed = is_ezsp && self.metadata.source.starts_with("zigbee-herdsman@");
        if reversed { Ieee(id.0.swap_bytes()) } else { id }
    }

    fn seed(&self) -> Result<Option<LinkKeySeed>, BackupError> {
        let Some(stack) = &self.stack_specific else { return Ok(None) };
        let ezsp = stack.ezsp.as_ref().and_then(|ezsp| ezsp.hashed_tclk.as_ref());
        let znp = stack.zstack.as_ref().and_then(|znp| znp.tclk_seed.as_ref());
        Ok(match (ezsp, znp) {
            (Some(text), _) => {
                Some(LinkKeySeed { family: Family::Ezsp, seed: key("stack_specific.ezsp.hashed_tclk", text)? })
            }
            (None, Some(text)) => {
                Some(LinkKeySeed { family: Family::Znp, seed: key("stack_specific.zstack.tclk_seed", text)? })
            }
            (None, None) => None,
        })
    }
}

impl Device {
    fn read(&self, path: &str) -> Result<KnownDevice, BackupError> {
        let link_key = self.link_key.as_ref().map(|link_key| {
            let key = key(format!("{path}.link_key.key"), &link_key.key)?;
            Ok(LinkKey { key, sent: link_key.tx_counter, received: link_key.rx_counter })
        });
        let nwk = self.nwk_address.as_deref().map(|text| {
            let nwk = short(text).map(Nwk).filter(|nwk| nwk.is_unicast());
            nwk.ok_or_else(|| BackupError::field(format!("{path}.nwk_address"), "up to 4 hexadecimal digits, or null"))
        });
        Ok(KnownDevice {
            ieee: ieee(format!("{path}.ieee_address"), &self.ieee_address)?,
            nwk: nwk.transpose()?,
            is_child: self.is_child,
            link_key: link_key.transpose()?,
        })
    }

    fn of(device: &KnownDevice) -> Self {
        Self {
            nwk_address: device.nwk.map(|nwk| format!("{:04x}", nwk.0)),
            ieee_address: format!("{:016x}", device.ieee.0),
            is_child: device.is_child,
            link_key: device.link_key.as_ref().map(|link_key| DeviceKey {
                key: secret(&link_key.key),
                rx_counter: link_key.received,
                tx_counter: link_key.sent,
            }),
        }
    }
}

/// What is wrong, and where; never what stands there, which may be a key.
fn not_a_backup(error: &serde_json::Error) -> BackupError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    BackupError::NotABackup(match error.classify() {
        serde_json::error::Category::Data if text.starts_with("missing field") => text,
        serde_json::error::Category::Data => {
            format!("something is of the wrong kind at line {line} column {column}")
        }
        _ => format!("no JSON at line {line} column {column}"),
    })
}

fn ieee(field: impl Into<String>, text: &str) -> Result<Ieee, BackupError> {
    let ieee = text.parse::<Ieee>().ok().filter(|ieee| ieee.is_real());
    ieee.ok_or_else(|| BackupError::field(field, "16 hexadecimal digits, not all 0 or F"))
}

fn pan(text: &str) -> Result<u16, BackupError> {
    let pan = short(text).filter(|pan| (0x0001..=0xFFFE).contains(pan));
    pan.ok_or_else(|| BackupError::field("pan_id", "up to 4 hexadecimal digits, 0001 to fffe"))
}

/// A number of up to four hexadecimal digits: Zigbee2MQTT leaves out leading zeros.
fn short(text: &str) -> Option<u16> {
    let well_formed = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(text, 16).ok().filter(|_| well_formed)
}

fn key(field: impl Into<String>, text: &SecretText) -> Result<Key, BackupError> {
    let digits = text.0.as_bytes();
    let mut bytes = Zeroizing::new([0; Key::LEN]);
    let well_formed = digits.len() == Key::LEN * 2;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) if well_formed => *byte = high << 4 | low,
            _ => return Err(BackupError::field(field, "32 hexadecimal digits")),
        }
    }
    if well_formed { Ok(Key::new(*bytes)) } else { Err(BackupError::field(field, "32 hexadecimal digits")) }
}

fn digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

fn secret(key: &Key) -> SecretText {
    let mut text = Zeroizing::new(String::with_capacity(Key::LEN * 2));
    for byte in key.expose() {
        text.extend([byte >> 4, byte & 0x0F].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
    }
    SecretText(text)
}

#[cfg(test)]
mod tests;
