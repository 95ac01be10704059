//! All commands and callbacks that are spoken here, each with its bytes in every version: one line where nothing changed,
//! one more for each version that laid it out anew.
//!
//! Sources: UG100 for version 8; AN1376 and the firmware's own headers for what came later, read beside bellows and
//! zigbee-herdsman. That each line is right in each version is tested with bytes of bellows' encoders.

use keyway_lock::wire::{Reader, WireError};

use super::fields::Item::{All, Fixed, IfOk, One};
use super::fields::Kind::{Bytes, CountedWords, Ieee, Key, LongBytes, Status, U8, U16, U32, WideStatus, Words};
use super::fields::{Field as F, Fields, Item};
use super::frame::EXTENDED_SINCE;

/// The newest version of which the layouts are known. A newer stick is spoken to as if it were this one.
pub const NEWEST: u8 = 19;

/// Declares the commands.
macro_rules! commands {
    ($($name:ident $text:literal,)*) => {
        /// A command of the host or a callback of the stick.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Command {
            $(#[doc = $text] $name,)*
        }

        impl Command {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What it does, in words, for errors.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

commands! {
    Version "telling its version",
    AddEndpoint "adding an endpoint",
    Nop "doing nothing",
    GetMfgToken "reading a manufacturing token",
    SetMfgToken "writing a manufacturing token",
    SetConcentrator "becoming a concentrator",
    SetManufacturerCode "setting the manufacturer code",
    NetworkInit "taking up its network",
    NetworkState "telling the state of the network",
    StackStatusHandler "the state of the network changed",
    StartScan "scanning",
    ScanCompleteHandler "a scan is over",
    FormNetwork "forming a network",
    LeaveNetwork "leaving the network",
    PermitJoining "permitting devices to join",
    ChildJoinHandler "a child joined or left",
    TrustCenterJoinHandler "a device joined or left",
    GetEui64 "telling its EUI64",
    GetNetworkParameters "telling the parameters of the network",
    SendUnicast "sending a unicast",
    SendBroadcast "sending a broadcast",
    MessageSentHandler "a message was sent",
    IncomingMessageHandler "a message came in",
    EnergyScanResultHandler "the energy of a channel",
    GetConfigurationValue "reading a configuration value",
    SetConfigurationValue "setting a configuration value",
    SetPolicy "setting a policy",
    InvalidCommand "a command was invalid",
    IncomingRouteRecordHandler "a route record came in",
    SetSourceRouteDiscoveryMode "setting the mode of source route discovery",
    LookupNodeIdByEui64 "looking up a node id",
    LookupEui64ByNodeId "looking up an EUI64",
    AddOrUpdateKeyTableEntry "writing a link key",
    SetInitialSecurityState "setting the security of the network",
    GetCurrentSecurityState "telling the security of the network",
    GetKey "reading a key",
    ClearTransientLinkKeys "forgetting the transient keys",
    GetKeyTableEntry "reading a link key",
    TokenFactoryReset "forgetting its counters",
    IdConflictHandler "two devices have the same node id",
    SetExtendedTimeout "setting an extended timeout",
    IncomingRouteErrorHandler "a route failed",
    ReplaceAddressTableEntry "writing an address",
    SetRadioPower "setting the radio's power",
    RemoveDevice "removing a device",
    GetValue "reading a value",
    SetValue "setting a value",
    AddTransientLinkKey "adding a transient key",
    ClearKeyTable "forgetting the link keys",
    FindKeyTableEntry "finding a link key",
    EraseKeyTableEntry "forgetting a link key",
    IncomingNetworkStatusHandler "the state of a route changed",
    GetTokenData "reading a token",
    SetTokenData "writing a token",
    ImportLinkKey "writing a link key (security manager)",
    ExportLinkKeyByIndex "reading a link key (security manager)",
    ImportTransientKey "adding a transient key (security manager)",
    ExportKey "reading a key (security manager)",
    GetNetworkKeyInfo "telling about the network key",
}

/// How a command looks in some versions.
#[derive(Debug)]
pub struct Layout {
    /// Which one.
    pub command: Command,
    /// Its frame id.
    pub id: u16,
    since: u8,
    until: u8,
    request: &'static [Item],
    answer: &'static [Item],
}

/// Whose bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The host's command.
    Request,
    /// The stick's answer or callback.
    Answer,
}

impl Layout {
    /// That of a command in a version, where that version has it.
    pub fn of(version: u8, command: Command) -> Option<&'static Self> {
        TABLE.iter().find(|layout| layout.command == command && layout.is_of(version))
    }

    /// That of a frame id in a version.
    pub fn by_id(version: u8, id: u16) -> Option<&'static Self> {
        TABLE.iter().find(|layout| layout.id == id && layout.is_of(version))
    }

    /// The bytes of these fields, behind the head. What is not among them is written as zero.
    pub fn encode(&self, version: u8, side: Side, fields: &Fields) -> Vec<u8> {
        let mut out = Vec::new();
        fields.encode(version, self.items(side), &mut out);
        out
    }

    /// Reads the bytes behind the head.
    ///
    /// # Errors
    /// [`WireError`] naming the field.
    pub fn decode(&self, version: u8, side: Side, reader: &mut Reader<'_>) -> Result<Fields, WireError> {
        Fields::new().decode(version, self.items(side), reader)
    }

    fn items(&self, side: Side) -> &'static [Item] {
        match side {
            Side::Request => self.request,
            Side::Answer => self.answer,
        }
    }

    fn is_of(&self, version: u8) -> bool {
        let version = version.min(NEWEST);
        self.since <= version && version <= self.until
    }
}

const STATUS: &[Item] = &[One(F::Status, Status)];
const WIDE_STATUS: &[Item] = &[One(F::Status, WideStatus)];

/// EmberApsFrame.
const APS: &[Item] = &[
    One(F::Profile, U16),
    One(F::Cluster, U16),
    One(F::SourceEndpoint, U8),
    One(F::DestinationEndpoint, U8),
    One(F::Options, U16),
    One(F::Group, U16),
    One(F::ApsSequence, U8),
];

/// EmberNetworkParameters.
const NETWORK: &[Item] = &[
    One(F::ExtendedPan, Ieee),
    One(F::Pan, U16),
    One(F::Power, U8),
    One(F::Channel, U8),
    One(F::JoinMethod, U8),
    One(F::Manager, U16),
    One(F::UpdateId, U8),
    One(F::ChannelMask, U32),
];

/// EmberKeyStruct, until version 12.
const KEY: &[Item] = &[
    One(F::Bitmask, U16),
    One(F::KeyType, U8),
    One(F::Key, Key),
    One(F::OutgoingCounter, U32),
    One(F::IncomingCounter, U32),
    One(F::Sequence, U8),
    One(F::Ieee, Ieee),
];

/// sl_zb_sec_man_context_t. Version 12 has it too, narrower; there the older commands serve.
const CONTEXT_13: &[Item] = &[One(F::KeyType, U8), One(F::Index, U8), One(F::DerivedKey, U16), All(CONTEXT_END)];
const CONTEXT_END: &[Item] =
    &[One(F::Ieee, Ieee), One(F::NetworkIndex, U8), One(F::Flags, U8), One(F::KeyAlgorithm, U32)];

/// sl_zb_sec_man_aps_key_metadata_t.
const METADATA: &[Item] =
    &[One(F::Bitmask, U16), One(F::OutgoingCounter, U32), One(F::IncomingCounter, U32), One(F::Timeout, U16)];

const UNICAST_8: &[Item] =
    &[One(F::Kind, U8), One(F::Destination, U16), All(APS), One(F::Tag, U8), One(F::Message, Bytes)];
const UNICAST_14: &[Item] =
    &[One(F::Kind, U8), One(F::Destination, U16), All(APS), One(F::Tag, U16), One(F::Message, Bytes)];
const SENT: &[Item] = &[One(F::Status, Status), One(F::Sequence, U8)];

/// A line for every version.
const fn always(command: Command, id: u16, request: &'static [Item], answer: &'static [Item]) -> Layout {
    between(EXTENDED_SINCE, NEWEST, command, id, request, answer)
}

/// A line since a version.
const fn since(since: u8, command: Command, id: u16, request: &'static [Item], answer: &'static [Item]) -> Layout {
    between(since, NEWEST, command, id, request, answer)
}

/// A line until a version, that one with it.
const fn until(until: u8, command: Command, id: u16, request: &'static [Item], answer: &'static [Item]) -> Layout {
    between(EXTENDED_SINCE, until, command, id, request, answer)
}

const fn between(
    since: u8,
    until: u8,
    command: Command,
    id: u16,
    request: &'static [Item],
    answer: &'static [Item],
) -> Layout {
    Layout { command, id, since, until, request, answer }
}

use Command as C;

/// In the order of the frame ids.
static TABLE: &[Layout] = &[
    always(
        C::Version,
        0x0000,
        &[One(F::ProtocolVersion, U8)],
        &[One(F::ProtocolVersion, U8), One(F::StackType, U8), One(F::StackVersion, U16)],
    ),
    always(
        C::AddEndpoint,
        0x0002,
        &[
            One(F::Endpoint, U8),
            One(F::Profile, U16),
            One(F::DeviceId, U16),
            One(F::DeviceVersion, U8),
            One(F::InputCount, U8),
            One(F::OutputCount, U8),
            One(F::Inputs, Words(F::InputCount)),
            One(F::Outputs, Words(F::OutputCount)),
        ],
        STATUS,
    ),
    always(C::Nop, 0x0005, &[], &[]),
    always(C::GetMfgToken, 0x000B, &[One(F::Token, U8)], &[One(F::Value, Bytes)]),
    always(C::SetMfgToken, 0x000C, &[One(F::Token, U8), One(F::Value, Bytes)], STATUS),
    always(
        C::SetConcentrator,
        0x0010,
        &[
            One(F::Enabled, U8),
            One(F::ConcentratorType, U16),
            One(F::MinTime, U16),
            One(F::MaxTime, U16),
            One(F::RouteErrors, U8),
            One(F::DeliveryFailures, U8),
            One(F::MaxHops, U8),
        ],
        STATUS,
    ),
    until(13, C::SetManufacturerCode, 0x0015, &[One(F::Value, U16)], &[]),
    since(14, C::SetManufacturerCode, 0x0015, &[One(F::Value, U16)], STATUS),
    always(C::NetworkInit, 0x0017, &[One(F::Bitmask, U16)], STATUS),
    always(C::NetworkState, 0x0018, &[], &[One(F::State, U8)]),
    always(C::StackStatusHandler, 0x0019, &[], STATUS),
    always(C::StartScan, 0x001A, &[One(F::Kind, U8), One(F::ChannelMask, U32), One(F::Duration, U8)], STATUS),
    always(C::ScanCompleteHandler, 0x001C, &[], &[One(F::Channel, U8), One(F::Status, Status)]),
    always(C::FormNetwork, 0x001E, NETWORK, STATUS),
    until(13, C::LeaveNetwork, 0x0020, &[], STATUS),
    since(14, C::LeaveNetwork, 0x0020, &[One(F::Options, U8)], STATUS),
    always(C::PermitJoining, 0x0022, &[One(F::Duration, U8)], STATUS),
    always(
        C::ChildJoinHandler,
        0x0023,
        &[],
        &[One(F::Index, U8), One(F::Joining, U8), One(F::Nwk, U16), One(F::Ieee, Ieee), One(F::ChildType, U8)],
    ),
    always(
        C::TrustCenterJoinHandler,
        0x0024,
        &[],
        // The status is an EmberDeviceUpdate, of one byte in every version.
        &[One(F::Nwk, U16), One(F::Ieee, Ieee), One(F::Kind, U8), One(F::Decision, U8), One(F::Parent, U16)],
    ),
    always(C::GetEui64, 0x0026, &[], &[One(F::Ieee, Ieee)]),
    always(C::GetNetworkParameters, 0x0028, &[], &[One(F::Status, Status), One(F::NodeType, U8), All(NETWORK)]),
    until(13, C::SendUnicast, 0x0034, UNICAST_8, SENT),
    since(14, C::SendUnicast, 0x0034, UNICAST_14, SENT),
    until(
        13,
        C::SendBroadcast,
        0x0036,
        &[One(F::Destination, U16), All(APS), One(F::Radius, U8), One(F::Tag, U8), One(F::Message, Bytes)],
        SENT,
    ),
    since(
        14,
        C::SendBroadcast,
        0x0036,
        &[
            Fixed(F::Alias, U16, 0xFFFF),
            One(F::Destination, U16),
            One(F::Sequence, U8),
            All(APS),
            One(F::Radius, U8),
            One(F::Tag, U16),
            One(F::Message, Bytes),
        ],
        SENT,
    ),
    until(
        13,
        C::MessageSentHandler,
        0x003F,
        &[],
        &[
            One(F::Kind, U8),
            One(F::Destination, U16),
            All(APS),
            One(F::Tag, U8),
            One(F::Status, Status),
            One(F::Message, Bytes),
        ],
    ),
    since(14, C::MessageSentHandler, 0x003F, &[], &[One(F::Status, Status), All(UNICAST_14)]),
    until(
        13,
        C::IncomingMessageHandler,
        0x0045,
        &[],
        &[
            One(F::Kind, U8),
            All(APS),
            One(F::Lqi, U8),
            One(F::Rssi, U8),
            One(F::Nwk, U16),
            One(F::BindingIndex, U8),
            One(F::AddressIndex, U8),
            One(F::Message, Bytes),
        ],
    ),
    since(
        14,
        C::IncomingMessageHandler,
        0x0045,
        &[],
        &[
            One(F::Kind, U8),
            All(APS),
            One(F::Nwk, U16),
            One(F::Ieee, Ieee),
            One(F::BindingIndex, U8),
            One(F::AddressIndex, U8),
            One(F::Lqi, U8),
            One(F::Rssi, U8),
            One(F::Timestamp, U32),
            One(F::Message, Bytes),
        ],
    ),
    always(C::EnergyScanResultHandler, 0x0048, &[], &[One(F::Channel, U8), One(F::Rssi, U8)]),
    always(C::GetConfigurationValue, 0x0052, &[One(F::Id, U8)], &[One(F::Status, Status), One(F::Value, U16)]),
    always(C::SetConfigurationValue, 0x0053, &[One(F::Id, U8), One(F::Value, U16)], STATUS),
    always(C::SetPolicy, 0x0055, &[One(F::Id, U8), One(F::Decision, U8)], STATUS),
    always(C::InvalidCommand, 0x0058, &[], STATUS),
    always(
        C::IncomingRouteRecordHandler,
        0x0059,
        &[],
        &[One(F::Nwk, U16), One(F::Ieee, Ieee), One(F::Lqi, U8), One(F::Rssi, U8), One(F::Relays, CountedWords)],
    ),
    always(C::SetSourceRouteDiscoveryMode, 0x005A, &[One(F::Mode, U8)], &[One(F::RemainingTime, U32)]),
    until(13, C::LookupNodeIdByEui64, 0x0060, &[One(F::Ieee, Ieee)], &[One(F::Nwk, U16)]),
    since(14, C::LookupNodeIdByEui64, 0x0060, &[One(F::Ieee, Ieee)], &[One(F::Status, Status), One(F::Nwk, U16)]),
    always(C::LookupEui64ByNodeId, 0x0061, &[One(F::Nwk, U16)], &[One(F::Status, Status), One(F::Ieee, Ieee)]),
    until(
        12,
        C::AddOrUpdateKeyTableEntry,
        0x0066,
        &[One(F::Ieee, Ieee), One(F::IsLinkKey, U8), One(F::Key, Key)],
        STATUS,
    ),
    always(
        C::SetInitialSecurityState,
        0x0068,
        &[One(F::Bitmask, U16), One(F::Key, Key), One(F::NetworkKey, Key), One(F::Sequence, U8), One(F::Ieee, Ieee)],
        STATUS,
    ),
    always(
        C::GetCurrentSecurityState,
        0x0069,
        &[],
        &[One(F::Status, Status), One(F::Bitmask, U16), One(F::Ieee, Ieee)],
    ),
    until(12, C::GetKey, 0x006A, &[One(F::KeyType, U8)], &[One(F::Status, Status), All(KEY)]),
    always(C::ClearTransientLinkKeys, 0x006B, &[], &[]),
    until(12, C::GetKeyTableEntry, 0x0071, &[One(F::Index, U8)], &[One(F::Status, Status), All(KEY)]),
    always(C::FindKeyTableEntry, 0x0075, &[One(F::Ieee, Ieee), One(F::IsLinkKey, U8)], &[One(F::Index, U8)]),
    always(C::EraseKeyTableEntry, 0x0076, &[One(F::Index, U8)], STATUS),
    since(13, C::TokenFactoryReset, 0x0077, &[Fixed(F::Flags, U8, 0), Fixed(F::Options, U8, 0)], &[]),
    always(C::IdConflictHandler, 0x007C, &[], &[One(F::Nwk, U16)]),
    until(13, C::SetExtendedTimeout, 0x007E, &[One(F::Ieee, Ieee), One(F::ExtendedTimeout, U8)], &[]),
    since(14, C::SetExtendedTimeout, 0x007E, &[One(F::Ieee, Ieee), One(F::ExtendedTimeout, U8)], STATUS),
    always(C::IncomingRouteErrorHandler, 0x0080, &[], &[One(F::Status, Status), One(F::Target, U16)]),
    always(
        C::ReplaceAddressTableEntry,
        0x0082,
        &[One(F::Index, U8), One(F::Ieee, Ieee), One(F::Nwk, U16), One(F::ExtendedTimeout, U8)],
        &[One(F::Status, Status), One(F::Ieee, Ieee), One(F::Nwk, U16), One(F::ExtendedTimeout, U8)],
    ),
    always(C::SetRadioPower, 0x0099, &[One(F::Power, U8)], STATUS),
    always(
        C::RemoveDevice,
        0x00A8,
        &[One(F::Destination, U16), One(F::DestinationIeee, Ieee), One(F::Ieee, Ieee)],
        STATUS,
    ),
    always(C::GetValue, 0x00AA, &[One(F::Id, U8)], &[One(F::Status, Status), One(F::Value, Bytes)]),
    always(C::SetValue, 0x00AB, &[One(F::Id, U8), One(F::Value, Bytes)], STATUS),
    until(12, C::AddTransientLinkKey, 0x00AF, &[One(F::Ieee, Ieee), One(F::Key, Key)], STATUS),
    always(C::ClearKeyTable, 0x00B1, &[], STATUS),
    always(C::IncomingNetworkStatusHandler, 0x00C4, &[], &[One(F::Error, U8), One(F::Target, U16)]),
    since(
        9,
        C::GetTokenData,
        0x0102,
        &[One(F::Token, U32), One(F::Index, U32)],
        &[One(F::Status, Status), IfOk(&[One(F::Value, LongBytes)])],
    ),
    since(9, C::SetTokenData, 0x0103, &[One(F::Token, U32), One(F::Index, U32), One(F::Value, LongBytes)], STATUS),
    since(13, C::ImportLinkKey, 0x010E, &[One(F::Index, U8), One(F::Ieee, Ieee), One(F::Key, Key)], WIDE_STATUS),
    between(
        13,
        13,
        C::ExportLinkKeyByIndex,
        0x010F,
        &[One(F::Index, U8)],
        &[One(F::Ieee, Ieee), One(F::Key, Key), All(METADATA), One(F::Status, WideStatus)],
    ),
    since(
        14,
        C::ExportLinkKeyByIndex,
        0x010F,
        &[One(F::Index, U8)],
        &[One(F::Status, Status), All(CONTEXT_13), One(F::Key, Key), All(METADATA)],
    ),
    since(13, C::ImportTransientKey, 0x0111, &[One(F::Ieee, Ieee), One(F::Key, Key), One(F::Flags, U8)], WIDE_STATUS),
    between(13, 13, C::ExportKey, 0x0114, CONTEXT_13, &[One(F::Key, Key), One(F::Status, WideStatus)]),
    since(14, C::ExportKey, 0x0114, CONTEXT_13, &[One(F::Status, Status), One(F::Key, Key), All(CONTEXT_13)]),
    since(
        13,
        C::GetNetworkKeyInfo,
        0x0116,
        &[],
        &[
            One(F::Status, WideStatus),
            One(F::HasKey, U8),
            One(F::HasAlternateKey, U8),
            One(F::Sequence, U8),
            One(F::AlternateSequence, U8),
            One(F::Counter, U32),
        ],
    ),
];
