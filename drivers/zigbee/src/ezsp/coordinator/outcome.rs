//! What a script has brought, once it has ended.

use super::super::fields::{Field as F, Fields};
use super::super::ids::{SECURITY_MANAGER_SINCE, mfg_token};
use super::super::script::Script;
use super::super::table::Command as C;
use crate::address::Ieee;
use crate::backup::{KnownDevice, LinkKey, LinkKeySeed, NetworkBackup};
use crate::coordinator::{
    Answer, ChannelEnergy, CoordinatorError, CoordinatorInfo, Family, NetworkInfo, NetworkParameters, Request,
};
use crate::engine::Desk;

/// EmberNodeType.
const COORDINATOR: u8 = 0x01;
/// EmberCurrentSecurityBitmask: link keys are made from a seed.
const HASHED_LINK_KEY: u16 = 0x0084;

/// What the stick is.
pub(super) fn info(version: u8, script: &Script) -> CoordinatorInfo {
    let token = |id: u8| {
        let mut tokens = script.kept(C::GetMfgToken).filter(|kept| kept.asked.u8(F::Token) == id);
        tokens.next().and_then(|kept| text(kept.fields.bytes(F::Value)))
    };
    let model = match (token(mfg_token::STRING), token(mfg_token::BOARD_NAME)) {
        (Some(maker), Some(board)) => format!("{maker} {board}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => "stick of Silicon Labs".to_owned(),
    };
    CoordinatorInfo {
        family: Family::Ezsp,
        model,
        firmware: firmware(script.answer(C::GetValue).bytes(F::Value)),
        protocol: version,
        ieee: script.answer(C::GetEui64).ieee(F::Ieee),
        network: network_info(&script.answer(C::GetNetworkParameters)),
    }
}

/// The network is up, as the script has seen. False: it is not one of ours.
pub(super) fn network_up(desk: &mut Desk, script: &Script) -> bool {
    let Some(network) = network_info(&script.answer(C::GetNetworkParameters)) else { return false };
    if let (Some(info), Some(address)) = (&mut desk.info, script.kept(C::GetEui64).next()) {
        info.ieee = address.fields.ieee(F::Ieee);
    }
    desk.network_up(network);
    true
}

/// What a request brought.
pub(super) fn of(version: u8, desk: &mut Desk, request: &Request, script: &Script) -> Result<Answer, CoordinatorError> {
    match request {
        Request::Form { .. } | Request::Resume | Request::WriteBackup { .. } if !network_up(desk, script) => {
            return Err(CoordinatorError::NoNetwork);
        }
        Request::WriteBackup { backup, .. } if script.answer(C::GetEui64).ieee(F::Ieee) != backup.coordinator => {
            return Err(CoordinatorError::NoSense("taking the address of another stick"));
        }
        Request::EnergyScan => return Ok(Answer::Energy(energies(script))),
        Request::ReadBackup => return backup(version, desk, script).map(|backup| Answer::Backup(Box::new(backup))),
        Request::LeaveNetwork => desk.network_left(),
        Request::Form { .. }
        | Request::Resume
        | Request::WriteBackup { .. }
        | Request::Send(_)
        | Request::PermitJoin { .. }
        | Request::AddTransientLinkKey { .. }
        | Request::RemoveDevice { .. }
        | Request::Restart => {}
    }
    Ok(Answer::Done)
}

fn backup(version: u8, desk: &Desk, script: &Script) -> Result<NetworkBackup, CoordinatorError> {
    let Some(info) = &desk.info else { return Err(CoordinatorError::StickGone) };
    let parameters = script.answer(C::GetNetworkParameters);
    let network = network_info(&parameters).ok_or(CoordinatorError::NoNetwork)?;
    let is_new = version >= SECURITY_MANAGER_SINCE;
    let command = if is_new { C::ExportKey } else { C::GetKey };
    let mut keys = script.kept(command).map(|kept| &kept.fields);
    let no_key = CoordinatorError::NoSense(command.words());
    let (Some(network_key), Some(link_key)) = (keys.next(), keys.next()) else { return Err(no_key) };
    let (sequence, counter) = if is_new {
        let key_info = script.answer(C::GetNetworkKeyInfo);
        (key_info.u8(F::Sequence), key_info.u32(F::Counter))
    } else {
        (network_key.u8(F::Sequence), network_key.u32(F::OutgoingCounter))
    };
    let hashed = script.answer(C::GetCurrentSecurityState).u16(F::Bitmask) & HASHED_LINK_KEY == HASHED_LINK_KEY;
    let seed = link_key.key(F::Key).filter(|_| hashed);
    Ok(NetworkBackup {
        coordinator: info.ieee,
        network: NetworkParameters {
            pan: network.pan,
            extended_pan: network.extended_pan,
            channel: network.channel,
            network_key: network_key.key(F::Key).ok_or(no_key)?,
        },
        update_id: network.update_id,
        key_sequence: sequence,
        frame_counter: counter,
        link_key_seed: seed.map(|seed| LinkKeySeed { family: Family::Ezsp, seed }),
        devices: devices(script),
    })
}

/// The devices that have link keys of their own.
fn devices(script: &Script) -> Vec<KnownDevice> {
    let keys = script.kept(C::ExportLinkKeyByIndex).chain(script.kept(C::GetKeyTableEntry));
    let device = |fields: &Fields| {
        let ieee = fields.ieee(F::Ieee);
        let mut found = script.kept(C::LookupNodeIdByEui64).filter(|kept| kept.asked.ieee(F::Ieee) == ieee);
        let nwk = found.next().map(|kept| kept.fields.nwk(F::Nwk)).filter(|nwk| nwk.is_unicast());
        let (sent, received) = (fields.u32(F::OutgoingCounter), fields.u32(F::IncomingCounter));
        let link_key = fields.key(F::Key).map(|key| LinkKey { key, sent, received });
        KnownDevice { ieee, nwk, is_child: false, link_key }
    };
    keys.map(|kept| device(&kept.fields)).collect()
}

fn energies(script: &Script) -> Vec<ChannelEnergy> {
    let mut energies: Vec<ChannelEnergy> = Vec::new();
    for kept in script.kept(C::EnergyScanResultHandler) {
        let (channel, dbm) = (kept.fields.u8(F::Channel), kept.fields.u8(F::Rssi).cast_signed());
        // Some firmware tells a channel twice.
        match energies.iter_mut().find(|energy| energy.channel == channel) {
            Some(energy) => energy.dbm = energy.dbm.max(dbm),
            None => energies.push(ChannelEnergy { channel, dbm }),
        }
    }
    energies.sort_unstable_by_key(|energy| energy.channel);
    energies
}

/// The network of an answer to getNetworkParameters, where the stick is a coordinator.
fn network_info(fields: &Fields) -> Option<NetworkInfo> {
    (fields.u8(F::NodeType) == COORDINATOR).then(|| NetworkInfo {
        pan: fields.u16(F::Pan),
        extended_pan: Ieee(fields.number(F::ExtendedPan)),
        channel: fields.u8(F::Channel),
        update_id: fields.u8(F::UpdateId),
    })
}

/// EmberVersion: build, major, minor, patch, special.
fn firmware(bytes: &[u8]) -> String {
    match bytes {
        [low, high, major, minor, patch, special, ..] => {
            format!("{major}.{minor}.{patch}.{special} build {}", u16::from_le_bytes([*low, *high]))
        }
        _ => "unknown".to_owned(),
    }
}

/// A token with text: as long as its place, filled up with 0xFF or 0x00.
fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| matches!(byte, 0x00 | 0xFF)).unwrap_or(bytes.len());
    let text = std::str::from_utf8(&bytes[..end]).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
