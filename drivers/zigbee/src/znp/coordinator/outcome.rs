//! What a script has brought, once it has ended.

use keyway_lock::wire::{Reader, WireError};

use super::super::command as c;
use super::super::nv::{AddressLine, Nib, SeededKeyLine, id, seeded_key, table};
use super::super::script::Script;
use crate::address::Ieee;
use crate::backup::{KnownDevice, LinkKey, LinkKeySeed, NetworkBackup};
use crate::coordinator::{
    Answer, ChannelEnergy, CoordinatorError, CoordinatorInfo, Family, NetworkInfo, NetworkParameters, Request,
};
use crate::engine::Desk;
use crate::key::Key;

/// Z-Stack 3.x.0, for CC1352 and CC2652 and their like.
const ZSTACK_3X0: u8 = 1;

/// What a request brought.
pub(super) fn of(desk: &mut Desk, request: &Request, script: &Script) -> Result<Answer, CoordinatorError> {
    match request {
        Request::Form { .. } | Request::Resume => network_up(desk, script)?,
        Request::WriteBackup { backup, .. } => {
            network_up(desk, script)?;
            if desk.info.as_ref().is_none_or(|info| info.ieee != backup.coordinator) {
                return Err(CoordinatorError::NotSupported("taking the address of another stick"));
            }
        }
        Request::EnergyScan => return energies(script.kept(c::ZDO_NWK_UPDATE_NOTIFY)).map(Answer::Energy),
        Request::ReadBackup => return backup(desk, script).map(|backup| Answer::Backup(Box::new(backup))),
        Request::LeaveNetwork => desk.network_left(),
        Request::Send(_)
        | Request::PermitJoin { .. }
        | Request::AddTransientLinkKey { .. }
        | Request::RemoveDevice { .. }
        | Request::Restart => {}
    }
    Ok(Answer::Done)
}

/// The network is up, as the script has seen.
pub(super) fn network_up(desk: &mut Desk, script: &Script) -> Result<(), CoordinatorError> {
    let nib = script.item(id::NIB).and_then(Nib::new).and_then(|nib| nib.network());
    let update_id = nib.map(|nib| nib.update_id).unwrap_or_default();
    // What it works with; older firmware has only its memory to tell by.
    let told = read_network(script.kept(c::ZDO_EXT_NWK_INFO), update_id).ok();
    let network = told.or(nib).ok_or(CoordinatorError::NoSense("telling its network"))?;
    if let Some(info) = &mut desk.info {
        info.ieee = read_address(script.kept(c::UTIL_GET_DEVICE_INFO)).unwrap_or(info.ieee);
    }
    desk.network_up(network);
    Ok(())
}

fn backup(desk: &Desk, script: &Script) -> Result<NetworkBackup, CoordinatorError> {
    let Some(info) = &desk.info else { return Err(CoordinatorError::StickGone) };
    let nib = script.item(id::NIB).and_then(Nib::new).and_then(|nib| nib.network());
    let network = nib.ok_or(CoordinatorError::NoNetwork)?;
    let unreadable = |_: WireError| CoordinatorError::NoSense("reading its memory");
    let mut key = Reader::new(script.item(id::NWK_ACTIVE_KEY_INFO).unwrap_or_default());
    let key_sequence = key.u8("key sequence").map_err(unreadable)?;
    let network_key = Key::new(key.array("network key").map_err(unreadable)?);
    let seed = script.item(id::TCLK_SEED).and_then(|bytes| bytes.try_into().ok()).map(Key::new);
    let devices = devices(script, seed.as_ref()).map_err(unreadable)?;
    Ok(NetworkBackup {
        coordinator: info.ieee,
        network: NetworkParameters {
            pan: network.pan,
            extended_pan: network.extended_pan,
            channel: network.channel,
            network_key,
        },
        update_id: network.update_id,
        key_sequence,
        frame_counter: frame_counter(script, network.extended_pan).map_err(unreadable)?,
        link_key_seed: seed.map(|seed| LinkKeySeed { family: Family::Znp, seed }),
        devices,
    })
}

/// What the stick is, or why it can't be worked with.
pub(super) fn info(script: &Script) -> Result<CoordinatorInfo, String> {
    let unreadable = |error: WireError| format!("the stick can't be worked with: {error}");
    let mut version = Reader::new(script.kept(c::SYS_VERSION));
    let [protocol, product, major, minor, patch] = version.array("version").map_err(unreadable)?;
    let build = version.array("revision").map(u32::from_le_bytes).unwrap_or_default();
    let firmware = format!("Z-Stack {major}.{minor}.{patch} build {build}");
    if product != ZSTACK_3X0 {
        return Err(format!(
            "the stick's firmware ({firmware}) is one of older chips or of Zigbee before 3.0: write Z-Stack 3.x.0 \
             coordinator firmware to it, or use a stick with CC2652 or later"
        ));
    }
    let is_on_network = script.item(id::BDB_NODE_IS_ON_A_NETWORK) == Some(&[1]);
    let network = script.item(id::NIB).and_then(Nib::new).and_then(|nib| nib.network());
    Ok(CoordinatorInfo {
        family: Family::Znp,
        model: "stick of Texas Instruments (CC1352, CC2652 or later)".to_owned(),
        firmware,
        protocol,
        ieee: read_address(script.kept(c::UTIL_GET_DEVICE_INFO)).map_err(unreadable)?,
        network: network.filter(|_| is_on_network),
    })
}

/// Of UTIL_GET_DEVICE_INFO: a status, the address.
fn read_address(data: &[u8]) -> Result<Ieee, WireError> {
    let mut reader = Reader::new(data);
    reader.u8("status")?;
    reader.array("IEEE address").map(Ieee::from_bytes)
}

/// Of ZDO_EXT_NWK_INFO: own address, state, PAN id, parent, extended PAN id, parent's address, channel.
fn read_network(data: &[u8], update_id: u8) -> Result<NetworkInfo, WireError> {
    let mut reader = Reader::new(data);
    reader.bytes("own address and state", 3)?;
    let pan = reader.u16_le("PAN id")?;
    reader.u16_le("parent")?;
    let extended_pan = Ieee::from_bytes(reader.array("extended PAN id")?);
    reader.bytes("parent's IEEE address", 8)?;
    Ok(NetworkInfo { pan, extended_pan, channel: reader.u8("channel")?, update_id })
}

/// Of Mgmt_NWK_Update_notify: source, status, channels, transmissions, failures, and a value for each channel, from 0 (quiet)
/// to 255 (as loud as can be): spread over what its radio hears, -95 to -10 dBm.
fn energies(data: &[u8]) -> Result<Vec<ChannelEnergy>, CoordinatorError> {
    let read = || {
        let mut reader = Reader::new(data);
        reader.bytes("source and status", 3)?;
        let mask = u32::from_le_bytes(reader.array("channels")?);
        reader.bytes("transmissions and failures", 4)?;
        let count = usize::from(reader.u8("count")?);
        Ok((mask, reader.bytes("energies", count)?))
    };
    let (mask, values) = read().map_err(|_: WireError| CoordinatorError::NoSense("listening to channels"))?;
    let channels = (11..=26_u8).filter(|channel| mask & 1 << channel != 0);
    let dbm = |value: u8| (i32::from(value) * 85 / 255 - 95) as i8;
    Ok(channels.zip(values).map(|(channel, value)| ChannelEnergy { channel, dbm: dbm(*value) }).collect())
}

/// The counter of this network, or that of all networks.
fn frame_counter(script: &Script, extended_pan: Ieee) -> Result<u32, WireError> {
    let mut found = None;
    for (_, bytes) in script.lines_of(table::COUNTERS) {
        let mut reader = Reader::new(bytes);
        let counter = u32::from_le_bytes(reader.array("frame counter")?);
        let whose = Ieee::from_bytes(reader.array("extended PAN id")?);
        if whose == extended_pan {
            return Ok(counter);
        }
        if whose == Ieee::NONE {
            found = Some(counter);
        }
    }
    Ok(found.unwrap_or_default())
}

fn devices(script: &Script, seed: Option<&Key>) -> Result<Vec<KnownDevice>, WireError> {
    let mut seeded = Vec::new();
    for (_, bytes) in script.lines_of(table::SEEDED_KEYS) {
        seeded.extend(SeededKeyLine::read(bytes)?);
    }
    let mut devices = Vec::new();
    for (line, bytes) in script.lines_of(table::ADDRESSES) {
        let Some(address) = AddressLine::read(bytes)? else { continue };
        let from_seed = seeded.iter().find(|key| key.ieee == address.ieee).zip(seed).map(|(line, seed)| LinkKey {
            key: seeded_key(seed, line.ieee, line.shift),
            sent: line.sent,
            received: line.received,
        });
        devices.push(KnownDevice {
            ieee: address.ieee,
            nwk: Some(address.nwk).filter(|nwk| nwk.is_unicast() && *nwk != AddressLine::NO_NWK),
            is_child: address.is_child,
            link_key: own_key(script, line)?.or(from_seed),
        });
    }
    Ok(devices)
}

/// The link key that the device of this line of the table of addresses has to itself.
fn own_key(script: &Script, line: u16) -> Result<Option<LinkKey>, WireError> {
    const AUTHENTICATED: u8 = 0x01;
    let mut owners = Reader::new(script.item(id::APS_LINK_KEY_TABLE).unwrap_or(&[0, 0]));
    for _ in 0..owners.u16_le("count")? {
        if owners.left() == 0 {
            break;
        }
        let (address_line, key_line) = (owners.u16_le("address line")?, owners.u16_le("key line")?);
        let state = owners.u8("authentication")?;
        owners.u8("padding")?;
        if address_line == line && state == AUTHENTICATED {
            let Some((_, bytes)) = script.lines_of(table::KEYS).find(|(number, _)| *number == key_line) else { break };
            let mut reader = Reader::new(bytes);
            let key = Key::new(reader.array("link key")?);
            let sent = u32::from_le_bytes(reader.array("sent counter")?);
            let received = u32::from_le_bytes(reader.array("received counter")?);
            return Ok(Some(LinkKey { key, sent, received }));
        }
    }
    Ok(None)
}
