//! What is asked of a stick, as scripts.

use super::fields::{Field as F, Fields};
use super::ids::{self, config, key_type, mfg_token, nv3, policy, security, value};
use super::script::{Awaited, Line, OwnAddress, Script, Then};
use super::status::Status;
use super::table::Command as C;
use crate::address::Ieee;
use crate::backup::NetworkBackup;
use crate::coordinator::{Broadcast, Destination, NetworkParameters, Outgoing};
use crate::key::Key;

/// Our endpoint.
const ENDPOINT: u8 = 1;
const HOME_AUTOMATION: u16 = 0x0104;
/// Home Automation: combined interface.
const DEVICE_ID: u16 = 0x0007;
/// Clusters we serve: Basic, Identify, Time.
const INPUTS: [u16; 3] = [0x0000, 0x0003, 0x000A];
/// Clusters we use: Basic, Power Configuration, Identify, Alarms, Time, Poll Control, Door Lock.
const OUTPUTS: [u16; 7] = [0x0000, 0x0001, 0x0003, 0x0009, 0x000A, 0x0020, 0x0101];

/// Transmit power in dBm: what all sticks can and the European Union allows.
const TX_POWER: u8 = 8;
/// Channels 11 to 26.
pub(super) const ALL_CHANNELS: u32 = 0x07FF_F800;
/// 2^n + 1 periods of 15.36 ms on each channel.
const SCAN_DURATION: u8 = 4;
/// Lines of the address table that are asked for.
pub(super) const ADDRESSES: u16 = 16;

/// Values that must be so, in the order in which they are set; with whether more is welcome.
const CONFIGURATION: [(u8, u16, bool); 16] = [
    (config::STACK_PROFILE, 2, false),
    (config::SECURITY_LEVEL, 5, false),
    (config::SUPPORTED_NETWORKS, 1, false),
    (config::TRUST_CENTER_ADDRESS_CACHE_SIZE, 2, true),
    (config::ADDRESS_TABLE_SIZE, ADDRESSES, true),
    (config::KEY_TABLE_SIZE, 32, true),
    (config::SOURCE_ROUTE_TABLE_SIZE, 100, true),
    (config::MAX_END_DEVICE_CHILDREN, 32, true),
    (config::MAX_HOPS, 30, false),
    // Zigbee PRO: 7.68 s.
    (config::INDIRECT_TRANSMISSION_TIMEOUT, 7680, false),
    // Four hours.
    (config::END_DEVICE_POLL_TIMEOUT, 8, false),
    (config::TRANSIENT_KEY_TIMEOUT_S, 300, false),
    (config::TC_REJOINS_USING_WELL_KNOWN_KEY_TIMEOUT_S, 90, false),
    (config::PAN_ID_CONFLICT_REPORT_THRESHOLD, 2, false),
    // The host hears the requests that the stack answers, and answers those that the stack does not know.
    (config::APPLICATION_ZDO_FLAGS, 0x03, false),
    (config::PACKET_BUFFER_COUNT, 0xFF, false),
];

const POLICIES: [(u8, u8); 5] = [
    (policy::TRUST_CENTER, policy::REJOINS_ONLY),
    (policy::BINDING_MODIFICATION, policy::VALID_BINDINGS),
    (policy::MESSAGE_CONTENTS_IN_CALLBACK, policy::TAG_ONLY),
    (policy::TC_KEY_REQUEST, policy::SEND_CURRENT_KEY),
    (policy::APP_KEY_REQUEST, policy::DENY_APP_KEYS),
];

fn line(command: C, fields: Fields, then: Then) -> Line {
    Line { command, fields, then }
}

/// What must be set after each restart, before there is a network.
fn configuration() -> impl Iterator<Item = Line> {
    let values = CONFIGURATION.into_iter().map(|(id, wanted, more)| {
        let fields = Fields::new().with(F::Id, id);
        if more {
            line(C::GetConfigurationValue, fields, Then::Grow(wanted))
        } else {
            line(C::SetConfigurationValue, fields.with(F::Value, wanted), Then::Ignore)
        }
    });
    let policies = POLICIES.into_iter().map(|(id, decision)| set_policy(id, decision));
    let endpoint = Fields::new()
        .with(F::Endpoint, ENDPOINT)
        .with(F::Profile, HOME_AUTOMATION)
        .with(F::DeviceId, DEVICE_ID)
        .with(F::InputCount, INPUTS.len() as u8)
        .with(F::OutputCount, OUTPUTS.len() as u8)
        .with_words(F::Inputs, &INPUTS)
        .with_words(F::Outputs, &OUTPUTS);
    values
        .chain([
            set_value(value::TRANSIENT_DEVICE_TIMEOUT, &10_000_u16.to_le_bytes()),
            set_value(value::FORCE_TX_AFTER_FAILED_CCA_ATTEMPTS, &[1]),
        ])
        .chain(policies)
        .chain([line(C::AddEndpoint, endpoint, Then::Require)])
}

/// Many-to-one routes to the stick, source routes from it, and where the network is now.
fn network_is_up() -> [Line; 3] {
    const HIGH_RAM: u16 = 0xFFF9;
    const ON: u8 = 1;
    let concentrator = Fields::new()
        .with(F::Enabled, 1_u8)
        .with(F::ConcentratorType, HIGH_RAM)
        .with(F::MinTime, 10_u8)
        .with(F::MaxTime, 60_u8)
        .with(F::RouteErrors, 3_u8)
        .with(F::DeliveryFailures, 1_u8);
    [
        line(C::SetConcentrator, concentrator, Then::Ignore),
        line(C::SetSourceRouteDiscoveryMode, Fields::new().with(F::Mode, ON), Then::Ignore),
        line(C::GetNetworkParameters, Fields::new(), Then::Keep),
    ]
}

fn set_policy(id: u8, decision: u8) -> Line {
    line(C::SetPolicy, Fields::new().with(F::Id, id).with(F::Decision, decision), Then::Ignore)
}

fn set_value(id: u8, bytes: &[u8]) -> Line {
    line(C::SetValue, Fields::new().with(F::Id, id).with_bytes(F::Value, bytes), Then::Ignore)
}

/// What the stick is, and its network, which is taken up: only then does it say which one it is.
pub(super) fn identify() -> Script {
    let token = |id: u8| Fields::new().with(F::Token, id);
    Script::default()
        .line(C::GetValue, Fields::new().with(F::Id, value::VERSION_INFO), Then::KeepIfOk)
        .line(C::GetMfgToken, token(mfg_token::STRING), Then::KeepIfOk)
        .line(C::GetMfgToken, token(mfg_token::BOARD_NAME), Then::KeepIfOk)
        .line(C::GetEui64, Fields::new(), Then::Keep)
        .lines(configuration())
        .line(C::NetworkInit, Fields::new(), Then::UntilIfOk(Awaited::stack(Status::NETWORK_UP)))
        .line(C::GetNetworkParameters, Fields::new(), Then::KeepIfOk)
}

/// The network that was taken up is worked with.
pub(super) fn resume() -> Script {
    Script::default().lines(network_is_up())
}

/// Where the network is.
pub(super) fn look() -> Script {
    Script::default().line(C::GetNetworkParameters, Fields::new(), Then::Keep)
}

/// Whether the stick is still there.
pub(super) fn ping() -> Script {
    Script::default().line(C::Nop, Fields::new(), Then::Ignore)
}

pub(super) fn leave() -> Script {
    Script::default().line(C::LeaveNetwork, Fields::new(), Then::Until(Awaited::stack(Status::NETWORK_DOWN)))
}

pub(super) fn forget_network() -> [Line; 3] {
    [
        line(C::LeaveNetwork, Fields::new(), Then::UntilIfOk(Awaited::stack(Status::NETWORK_DOWN))),
        line(C::TokenFactoryReset, Fields::new(), Then::Ignore),
        line(C::ClearKeyTable, Fields::new(), Then::Ignore),
    ]
}

pub(super) fn form(network: &NetworkParameters, link_key_seed: &Key) -> Script {
    Script::default()
        .lines(forget_network())
        .line(C::SetInitialSecurityState, initial_security(network, link_key_seed, 0, 0), Then::Require)
        .lines(found(network, 0))
        .lines(network_is_up())
}

fn initial_security(network: &NetworkParameters, link_key_seed: &Key, sequence: u8, more: u16) -> Fields {
    let bitmask = security::GLOBAL_LINK_KEY
        | security::HASHED_LINK_KEY
        | security::HAVE_PRECONFIGURED_KEY
        | security::HAVE_NETWORK_KEY
        | security::REQUIRE_ENCRYPTED_KEY
        | more;
    Fields::new()
        .with(F::Bitmask, bitmask)
        .with_key(F::Key, link_key_seed)
        .with_key(F::NetworkKey, &network.network_key)
        .with(F::Sequence, sequence)
}

fn found(network: &NetworkParameters, update_id: u8) -> [Line; 3] {
    let fields = Fields::new()
        .with_ieee(F::ExtendedPan, network.extended_pan)
        .with(F::Pan, network.pan)
        .with(F::Power, TX_POWER)
        .with(F::Channel, network.channel)
        .with(F::UpdateId, update_id)
        .with(F::ChannelMask, ALL_CHANNELS);
    [
        set_value(value::EXTENDED_SECURITY_BITMASK, &security::EXTENDED.to_le_bytes()),
        line(C::FormNetwork, fields, Then::Until(Awaited::stack(Status::NETWORK_UP))),
        set_value(value::STACK_TOKEN_WRITING, &[1]),
    ]
}

/// How busy each channel is.
pub(super) fn energy_scan() -> Script {
    let fields = Fields::new().with(F::ChannelMask, ALL_CHANNELS).with(F::Duration, SCAN_DURATION);
    Script::default().line(C::StartScan, fields, Then::Until(Awaited::scan()))
}

pub(super) fn permit_join(version: u8, seconds: u8, own_keys_only: bool) -> Script {
    let duration = Fields::new().with(F::Duration, seconds);
    if seconds == 0 {
        return Script::default()
            .line(C::PermitJoining, duration, Then::Require)
            .line(C::ClearTransientLinkKeys, Fields::new(), Then::Ignore)
            .lines([set_policy(policy::TRUST_CENTER, policy::REJOINS_ONLY)]);
    }
    if own_keys_only {
        return Script::default().lines([set_policy(policy::TRUST_CENTER, policy::OWN_KEYS_AND_REJOINS)]).line(
            C::PermitJoining,
            duration,
            Then::Require,
        );
    }
    Script::default()
        .lines([transient_key(version, Ieee::NONE, &Key::well_known())])
        .lines([set_policy(policy::TRUST_CENTER, policy::JOINS_AND_REJOINS)])
        .line(C::PermitJoining, duration, Then::Require)
}

pub(super) fn add_transient_key(version: u8, ieee: Ieee, key: &Key) -> Script {
    Script::default().lines([transient_key(version, ieee, key)])
}

fn transient_key(version: u8, ieee: Ieee, key: &Key) -> Line {
    let is_new = version >= ids::SECURITY_MANAGER_SINCE;
    let command = if is_new { C::ImportTransientKey } else { C::AddTransientLinkKey };
    line(command, Fields::new().with_ieee(F::Ieee, ieee).with_key(F::Key, key), Then::Require)
}

pub(super) fn remove_device(ieee: Ieee, nwk: u16) -> Script {
    let fields = Fields::new().with(F::Destination, nwk).with_ieee(F::DestinationIeee, ieee).with_ieee(F::Ieee, ieee);
    let key = Fields::new().with_ieee(F::Ieee, ieee).with(F::IsLinkKey, 1_u8);
    Script::default().line(C::RemoveDevice, fields, Then::Require).line(C::FindKeyTableEntry, key, Then::EraseKey)
}

/// A frame for the air; `address_line` is the line of the address table for a sleeping device that the stick does not know.
pub(super) fn send(outgoing: &Outgoing, sleepy: Option<Ieee>, tag: u8, address_line: u8) -> Script {
    const RETRY: u16 = 0x0040;
    const ENABLE_ROUTE_DISCOVERY: u16 = 0x0100;
    const ENABLE_ADDRESS_DISCOVERY: u16 = 0x1000;
    let options = ENABLE_ROUTE_DISCOVERY | ENABLE_ADDRESS_DISCOVERY | if outgoing.aps_ack { RETRY } else { 0 };
    let frame = Fields::new()
        .with(F::Profile, outgoing.profile)
        .with(F::Cluster, outgoing.cluster)
        .with(F::SourceEndpoint, outgoing.source_endpoint)
        .with(F::DestinationEndpoint, outgoing.destination_endpoint)
        .with(F::Tag, tag)
        .with_bytes(F::Message, &outgoing.payload.0);
    let (mut script, nwk) = match outgoing.destination {
        Destination::Broadcast(whom) => {
            return Script::default().line(C::SendBroadcast, broadcast(frame, whom), Then::Require);
        }
        Destination::Nwk(nwk) => (Script::default(), nwk.0),
        Destination::Ieee(ieee) => {
            let lookup = Fields::new().with_ieee(F::Ieee, ieee);
            (Script::default().line(C::LookupNodeIdByEui64, lookup, Then::Destination(ieee)), 0)
        }
    };
    if let Some(ieee) = sleepy {
        let lookup = Fields::new().with_ieee(F::Ieee, ieee).with(F::Nwk, nwk);
        script = script.line(C::LookupNodeIdByEui64, lookup, Then::ExtendedTimeout(address_line));
    }
    let frame = frame.with(F::Destination, nwk).with(F::Options, options);
    script.line(C::SendUnicast, frame, Then::Until(Awaited::sent(tag)))
}

fn broadcast(frame: Fields, whom: Broadcast) -> Fields {
    frame.with(F::Destination, whom.address())
}

/// All that makes the stick its network's coordinator.
pub(super) fn read_backup(version: u8) -> Script {
    let script = look().line(C::GetCurrentSecurityState, Fields::new(), Then::Keep);
    let size = Fields::new().with(F::Id, config::KEY_TABLE_SIZE);
    let kind = |kind: u8| Fields::new().with(F::KeyType, kind);
    if version >= ids::SECURITY_MANAGER_SINCE {
        script
            .line(C::ExportKey, kind(key_type::NETWORK), Then::Keep)
            .line(C::ExportKey, kind(key_type::TRUST_CENTER_LINK), Then::Keep)
            .line(C::GetNetworkKeyInfo, Fields::new(), Then::Keep)
            .line(C::GetConfigurationValue, size, Then::LinkKeys(C::ExportLinkKeyByIndex))
    } else {
        script
            .line(C::GetKey, kind(key_type::LEGACY_NETWORK), Then::Keep)
            .line(C::GetKey, kind(key_type::LEGACY_TRUST_CENTER_LINK), Then::Keep)
            .line(C::GetConfigurationValue, size, Then::LinkKeys(C::GetKeyTableEntry))
    }
}

/// The stick becomes the coordinator of that network. Whether it can take its address is found out before anything is
/// changed. It restarts twice: after the address was written, which it reads when it starts, and at the end, since it reads
/// the update id then only.
pub(super) fn write_backup(
    version: u8,
    own: Ieee,
    backup: &NetworkBackup,
    link_key_seed: &Key,
    burn_address: bool,
) -> Script {
    let script = if own == backup.coordinator {
        Script::default().lines(forget_network())
    } else {
        let [token, ..] = nv3::RESTORED_EUI64;
        let address = OwnAddress { ieee: backup.coordinator, burn: burn_address };
        let then = Then::OwnAddress(address, &nv3::RESTORED_EUI64[1..]);
        Script::default().line(C::GetTokenData, Fields::new().with(F::Token, token), then)
    };
    let counter = backup.frame_counter.to_le_bytes();
    let network = &backup.network;
    let security = security::NO_FRAME_COUNTER_RESET;
    let security = initial_security(network, link_key_seed, backup.key_sequence, security);
    script
        .restart()
        .lines(configuration())
        .line(
            C::SetValue,
            Fields::new().with(F::Id, value::NWK_FRAME_COUNTER).with_bytes(F::Value, &counter),
            Then::Require,
        )
        // Whether the counter of the link keys was kept in the backup is not known: that of the network is ahead of it.
        .lines([set_value(value::APS_FRAME_COUNTER, &counter)])
        .line(C::SetInitialSecurityState, security, Then::Require)
        .lines(link_keys(version, backup))
        .lines(found(network, backup.update_id))
        .line(C::GetTokenData, Fields::new().with(F::Token, nv3::NETWORK_MANAGEMENT), Then::UpdateId(backup.update_id))
        .restart()
        .lines(configuration())
        .line(C::NetworkInit, Fields::new(), Then::Until(Awaited::stack(Status::NETWORK_UP)))
        .line(C::GetEui64, Fields::new(), Then::Keep)
        .lines(network_is_up())
}

fn link_keys(version: u8, backup: &NetworkBackup) -> Vec<Line> {
    let is_new = version >= ids::SECURITY_MANAGER_SINCE;
    let command = if is_new { C::ImportLinkKey } else { C::AddOrUpdateKeyTableEntry };
    let keys = backup.devices.iter().filter_map(|device| Some((device.ieee, device.link_key.as_ref()?)));
    let lines = (0_u8..).zip(keys).map(|(index, (ieee, link_key))| {
        let fields = Fields::new().with(F::Index, index).with_ieee(F::Ieee, ieee).with(F::IsLinkKey, 1_u8);
        line(command, fields.with_key(F::Key, &link_key.key), Then::Ignore)
    });
    lines.collect()
}
