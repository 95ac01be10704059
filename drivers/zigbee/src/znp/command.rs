//! What is asked and told (Z-Stack Monitor and Test API): commands, and the bytes of those that are used here, for either end.

use keyway_lock::SecretBytes;
use keyway_lock::wire::{Reader, WireError};
use zeroize::Zeroizing;

use super::mt::Command;
use crate::address::{Ieee, Nwk};
use crate::coordinator::Incoming;

/// RPC error: the stick does not know what was asked.
pub const RPC_ERROR: Command = Command(0x00, 0x00);

/// Restart.
pub const SYS_RESET: Command = Command(0x01, 0x00);
/// Are you there?
pub const SYS_PING: Command = Command(0x01, 0x01);
/// Which version?
pub const SYS_VERSION: Command = Command(0x01, 0x02);
/// Make an item.
pub const SYS_NV_INIT: Command = Command(0x01, 0x07);
/// Read an item.
pub const SYS_NV_READ: Command = Command(0x01, 0x08);
/// Write an item.
pub const SYS_NV_WRITE: Command = Command(0x01, 0x09);
/// Remove an item.
pub const SYS_NV_DELETE: Command = Command(0x01, 0x12);
/// How long is an item?
pub const SYS_NV_LENGTH: Command = Command(0x01, 0x13);
/// Read a line of a table.
pub const SYS_TABLE_READ: Command = Command(0x01, 0x33);
/// Write a line of a table.
pub const SYS_TABLE_WRITE: Command = Command(0x01, 0x34);
/// The stick has started.
pub const SYS_RESET_IND: Command = Command(0x01, 0x80);

/// Add an endpoint.
pub const AF_REGISTER: Command = Command(0x04, 0x00);
/// Send a frame.
pub const AF_DATA_REQUEST_EXT: Command = Command(0x04, 0x02);
/// A frame was sent.
pub const AF_DATA_CONFIRM: Command = Command(0x04, 0x80);
/// A frame came in.
pub const AF_INCOMING: Command = Command(0x04, 0x81);
/// A long frame came in.
pub const AF_INCOMING_EXT: Command = Command(0x04, 0x82);

/// Let devices join.
pub const ZDO_PERMIT_JOIN: Command = Command(0x05, 0x36);
/// Listen to channels, or change them.
pub const ZDO_NWK_UPDATE: Command = Command(0x05, 0x37);
/// Hand over all ZDO messages.
pub const ZDO_MSG_CB_REGISTER: Command = Command(0x05, 0x3E);
/// Take the network up.
pub const ZDO_STARTUP: Command = Command(0x05, 0x40);
/// Where is the network?
pub const ZDO_EXT_NWK_INFO: Command = Command(0x05, 0x50);
/// What a device heard on each channel.
pub const ZDO_NWK_UPDATE_NOTIFY: Command = Command(0x05, 0xB8);
/// The state of the network changed.
pub const ZDO_STATE_CHANGE: Command = Command(0x05, 0xC0);
/// A device told over which others its frames come.
pub const ZDO_SOURCE_ROUTE: Command = Command(0x05, 0xC4);
/// A device left.
pub const ZDO_LEAVE: Command = Command(0x05, 0xC9);
/// The trust centre met a device.
pub const ZDO_TC_DEVICE: Command = Command(0x05, 0xCA);
/// A ZDO message came in.
pub const ZDO_MSG_CB_INCOMING: Command = Command(0x05, 0xFF);

/// Who are you?
pub const UTIL_GET_DEVICE_INFO: Command = Command(0x07, 0x00);
/// Which address for life has a network address?
pub const UTIL_ADDRESS_OF: Command = Command(0x07, 0x41);

/// A device may join with a key of its own.
pub const CNF_ADD_INSTALL_CODE: Command = Command(0x0F, 0x04);
/// APP_CNF_BDB_SET_JOINUSESINSTALLCODEKEY: whether only those may join that have one.
pub const CNF_ONLY_INSTALL_CODES: Command = Command(0x0F, 0x06);
/// Form a network.
pub const CNF_START_COMMISSIONING: Command = Command(0x0F, 0x05);
/// The channels to form on.
pub const CNF_SET_CHANNEL: Command = Command(0x0F, 0x08);
/// Whether devices must ask for a link key of their own.
pub const CNF_REQUIRE_KEY_EXCHANGE: Command = Command(0x0F, 0x09);

/// The state in which the stick is the coordinator of its network (`DEV_ZB_COORD`).
pub const STATE_COORDINATOR: u8 = 9;

/// Address modes.
const SHORT: u8 = 0x02;
const LONG: u8 = 0x03;
const BROADCAST: u8 = 0x0F;

/// A frame to send: the data of AF_DATA_REQUEST_EXT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataRequest<'a> {
    /// Where to.
    pub to: To,
    /// Endpoint of theirs.
    pub destination_endpoint: u8,
    /// Endpoint of ours.
    pub source_endpoint: u8,
    /// Cluster.
    pub cluster: u16,
    /// Repeated when the frame was sent.
    pub transaction: u8,
    /// Ask for an APS acknowledgement.
    pub aps_ack: bool,
    /// The frame.
    pub payload: &'a [u8],
}

/// Where a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// To a device.
    Nwk(Nwk),
    /// To a device by its address for life.
    Ieee(Ieee),
    /// To many.
    Broadcast(u16),
}

impl DataRequest<'_> {
    const ACK: u8 = 0x10;
    /// Route discoveries are left to the network layer, which rations them (as zigpy has it).
    const QUIET_ROUTING: u8 = 0x20;
    const RADIUS: u8 = 30;

    /// Its data.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (mode, address) = match self.to {
            To::Nwk(nwk) => (SHORT, Ieee(nwk.0.into())),
            To::Ieee(ieee) => (LONG, ieee),
            To::Broadcast(address) => (BROADCAST, Ieee(address.into())),
        };
        let ack = if self.aps_ack { Self::ACK } else { 0 };
        let mut bytes = vec![mode];
        bytes.extend(address.to_bytes());
        bytes.extend([self.destination_endpoint, 0x00, 0x00, self.source_endpoint]);
        bytes.extend(self.cluster.to_le_bytes());
        bytes.extend([self.transaction, ack | Self::QUIET_ROUTING, Self::RADIUS]);
        bytes.extend((self.payload.len() as u16).to_le_bytes());
        bytes.extend(self.payload);
        bytes
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`WireError`] naming the field.
    pub fn read(bytes: &[u8]) -> Result<DataRequest<'_>, WireError> {
        let mut reader = Reader::new(bytes);
        let mode = reader.u8("address mode")?;
        let address = Ieee::from_bytes(reader.array("destination")?);
        let to = match mode {
            LONG => To::Ieee(address),
            BROADCAST => To::Broadcast(address.0 as u16),
            _ => To::Nwk(Nwk(address.0 as u16)),
        };
        let destination_endpoint = reader.u8("destination endpoint")?;
        reader.u16_le("PAN id")?;
        let source_endpoint = reader.u8("source endpoint")?;
        let cluster = reader.u16_le("cluster")?;
        let transaction = reader.u8("transaction")?;
        let aps_ack = reader.u8("options")? & Self::ACK != 0;
        reader.u8("radius")?;
        let length = usize::from(reader.u16_le("length")?);
        let payload = reader.bytes("payload", length)?;
        Ok(DataRequest { to, destination_endpoint, source_endpoint, cluster, transaction, aps_ack, payload })
    }
}

/// A frame that came in: the data of AF_INCOMING_MSG. The profile is not in it: that of our endpoint.
///
/// # Errors
/// [`WireError`] naming the field.
pub fn read_incoming(data: &[u8], profile: u16) -> Result<Incoming, WireError> {
    let mut reader = Reader::new(data);
    reader.u16_le("group")?;
    let cluster = reader.u16_le("cluster")?;
    let source = Nwk(reader.u16_le("source")?);
    let (source_endpoint, destination_endpoint) = (reader.u8("source endpoint")?, reader.u8("destination endpoint")?);
    let (was_broadcast, lqi) = (reader.u8("broadcast")? != 0, reader.u8("LQI")?);
    // Security, timestamp, transaction.
    reader.bytes("timestamp", 6)?;
    let length = usize::from(reader.u8("length")?);
    let payload = payload(reader.bytes("payload", length)?);
    let (rssi, source_ieee) = (None, None);
    Ok(Incoming {
        source,
        source_ieee,
        profile,
        cluster,
        source_endpoint,
        destination_endpoint,
        lqi,
        rssi,
        was_broadcast,
        payload,
    })
}

/// A long frame that came in: the data of AF_INCOMING_MSG_EXT.
///
/// # Errors
/// [`WireError`] naming the field.
pub fn read_incoming_ext(data: &[u8], profile: u16) -> Result<Incoming, WireError> {
    let mut reader = Reader::new(data);
    reader.u16_le("group")?;
    let cluster = reader.u16_le("cluster")?;
    let mode = reader.u8("address mode")?;
    let address = Ieee::from_bytes(reader.array("source")?);
    let source_endpoint = reader.u8("source endpoint")?;
    reader.u16_le("PAN id")?;
    let destination_endpoint = reader.u8("destination endpoint")?;
    let (was_broadcast, lqi) = (reader.u8("broadcast")? != 0, reader.u8("LQI")?);
    reader.bytes("timestamp", 6)?;
    let length = usize::from(reader.u16_le("length")?);
    let payload = payload(reader.bytes("payload", length)?);
    Ok(Incoming {
        source: Nwk(address.0 as u16),
        source_ieee: (mode == LONG).then_some(address),
        profile,
        cluster,
        source_endpoint,
        destination_endpoint,
        lqi,
        rssi: None,
        was_broadcast,
        payload,
    })
}

/// A ZDO message that came in: the data of ZDO_MSG_CB_INCOMING, with its sequence number put back in front.
///
/// # Errors
/// [`WireError`] naming the field.
pub fn read_zdo(data: &[u8]) -> Result<Incoming, WireError> {
    let mut reader = Reader::new(data);
    let source = Nwk(reader.u16_le("source")?);
    let was_broadcast = reader.u8("broadcast")? != 0;
    let cluster = reader.u16_le("cluster")?;
    reader.u8("security")?;
    let sequence = reader.u8("sequence")?;
    reader.u16_le("MAC destination")?;
    Ok(Incoming {
        source,
        source_ieee: None,
        profile: 0x0000,
        cluster,
        source_endpoint: 0,
        destination_endpoint: 0,
        lqi: 0xFF,
        rssi: None,
        was_broadcast,
        payload: payload(&[&[sequence], reader.rest()].concat()),
    })
}

fn payload(bytes: &[u8]) -> SecretBytes {
    SecretBytes(Zeroizing::new(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As zigpy-znp encodes them; see `tests/golden/znp.py`.
    const ZIGPY: &str = include_str!("../../tests/golden/znp.txt");

    fn vector(name: &str) -> Vec<u8> {
        let line = ZIGPY.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).expect(name);
        (0..line.len() / 2).map(|at| u8::from_str_radix(&line[at * 2..at * 2 + 2], 16).unwrap()).collect()
    }

    /// The data of a frame that zigpy-znp made.
    fn data(name: &str) -> Vec<u8> {
        let frame = vector(name);
        frame[4..frame.len() - 1].to_vec()
    }

    #[test]
    fn frames_for_the_air_are_written_as_zigpy_does() {
        let request = DataRequest {
            to: To::Nwk(Nwk(0x1234)),
            destination_endpoint: 2,
            source_endpoint: 1,
            cluster: 0x0101,
            transaction: 7,
            aps_ack: true,
            payload: &[0x01, 0x02, 0x03],
        };
        assert_eq!(request.to_bytes(), data("data_request_nwk"));
        assert_eq!(DataRequest::read(&data("data_request_nwk")), Ok(request.clone()));
        let ieee = DataRequest { to: To::Ieee(Ieee(0x000D_6F00_0A0B_0C01)), aps_ack: false, ..request.clone() };
        assert_eq!(ieee.to_bytes(), data("data_request_ieee"));
        let all = DataRequest { to: To::Broadcast(0xFFFD), ..request };
        assert_eq!(all.to_bytes(), data("data_request_broadcast"));
    }

    #[test]
    fn frames_from_the_air_are_read_as_zigpy_writes_them() {
        let incoming = read_incoming(&data("incoming"), 0x0104).unwrap();
        assert_eq!((incoming.source, incoming.cluster, incoming.lqi), (Nwk(0x1234), 0x0101, 99));
        assert_eq!((incoming.source_endpoint, incoming.destination_endpoint), (2, 1));
        assert_eq!(*incoming.payload.0, [0x09, 0x05, 0x20]);
        let long = read_incoming_ext(&data("incoming_ext"), 0x0104).unwrap();
        assert_eq!((long.source, long.cluster, long.lqi), (Nwk(0x1234), 0x0101, 99));
        assert_eq!(*long.payload.0, [0x09, 0x05, 0x20]);
        let zdo = read_zdo(&data("zdo")).unwrap();
        assert_eq!((zdo.source, zdo.cluster, zdo.profile), (Nwk(0x1234), 0x8002, 0));
        assert_eq!(*zdo.payload.0, [0x2A, 0x00, 0x34, 0x12]);
    }

    #[test]
    fn a_short_message_names_the_field() {
        let error = read_zdo(&[0x34, 0x12, 0x00]).unwrap_err();
        assert_eq!(error.to_string(), "cluster at offset 3 needs 2 byte(s), 0 left");
        assert!(read_incoming(&data("incoming")[..19], 0).is_err());
    }
}
