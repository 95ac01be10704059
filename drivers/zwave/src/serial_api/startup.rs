//! Identification: what the stick is and can do. Nothing is assumed; what it does not list is not asked.

use std::collections::BTreeSet;

use keyway_lock::StickInfo;
use keyway_lock::wire::{Reader, WireError};

use super::command::{Command, NodeIdWidth};
use super::function::{self, setup};
use super::region;
use crate::node::NodeId;

/// Command classes the hub lists in its own node information frame; the last is Time, which locks look for before they ask.
const OWN_COMMAND_CLASSES: [u8; 12] = [0x5E, 0x55, 0x98, 0x9F, 0x56, 0x6C, 0x85, 0x59, 0x86, 0x72, 0x5A, 0x8A];

/// What identification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stick {
    /// Home id of its network.
    pub home_id: u32,
    /// Its own node id; `None` before identification ends.
    pub own_node: Option<NodeId>,
    /// Library version as it names it, such as "Z-Wave 7.18".
    pub library_version: String,
    /// Version of the Z-Wave protocol in it: major, minor, revision; where told.
    pub protocol_version: Option<(u8, u8, u8)>,
    /// Firmware version of the Serial API application.
    pub firmware: (u8, u8),
    /// Manufacturer, product type, product.
    pub product: (u16, u16, u16),
    /// Chip type and version, where told.
    pub chip: Option<(u8, u8)>,
    /// Function ids it has.
    pub functions: BTreeSet<u8>,
    /// Sub-commands of Serial API setup it has.
    pub setup_commands: BTreeSet<u8>,
    /// Nodes of its network, itself included.
    pub nodes: BTreeSet<NodeId>,
    /// Width of node ids in its frames.
    pub node_id_width: NodeIdWidth,
    /// Most bytes of a command in one send.
    pub max_payload: usize,
    /// Region of its radio (Serial API setup, RF region values), where told.
    pub rf_region: Option<u8>,
    /// The power it sends with, in tenths of a dBm, where told.
    pub power: Option<i16>,
    /// GetControllerCapabilities flags.
    pub controller_capabilities: u8,
}

impl Stick {
    /// Most bytes in one classic singlecast, routing included, unless the stick says otherwise.
    const DEFAULT_MAX_PAYLOAD: usize = 46;

    /// Whether the stick has a function.
    pub fn has(&self, function: u8) -> bool {
        self.functions.contains(&function)
    }

    /// What the hub is told of it.
    pub fn info(&self) -> StickInfo {
        let (version, revision) = self.firmware;
        let protocol = self.protocol_version.map(|(major, minor, patch)| format!(", protocol {major}.{minor}.{patch}"));
        let protocol = protocol.unwrap_or_default();
        let (maker, kind, product) = self.product;
        StickInfo {
            network: format!("{:08x}", self.home_id),
            firmware: format!("{} (Serial API {version}.{revision}{protocol})", self.library_version),
            model: format!("{maker:04x}:{kind:04x}:{product:04x}"),
            region: self.rf_region.map(region::name_of),
            power: self.power,
        }
    }

    /// The shortest send the stick has.
    pub fn send_data(&self, node: NodeId, data: &[u8], callback: u8) -> Command {
        match self.own_node {
            Some(own) if !self.has(function::SEND_DATA) && self.has(function::SEND_DATA_BRIDGE) => {
                Command::send_data_bridge(own, node, self.node_id_width, data, callback)
            }
            _ => Command::send_data(node, self.node_id_width, data, callback),
        }
    }
}

/// The steps, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Capabilities,
    SetupCommands,
    NodeIdType,
    LibraryVersion,
    ProtocolVersion,
    Id,
    TxStatusReport,
    MaximumPayload,
    RfRegion,
    Power,
    Power16,
    InitData,
    ControllerCapabilities,
    LongRangeNodes(u8),
    NodeInformation,
    Done,
}

impl Step {
    /// Without its answer a stick can't be worked with; all others are left out if they bring none.
    fn is_needed(self) -> bool {
        matches!(self, Self::Capabilities | Self::Id | Self::InitData)
    }

    /// The sub-command of Serial API setup it asks.
    fn setup_command(self) -> Option<u8> {
        match self {
            Self::SetupCommands => Some(setup::GET_SUPPORTED_COMMANDS),
            Self::NodeIdType => Some(setup::SET_NODE_ID_TYPE),
            Self::TxStatusReport => Some(setup::SET_TX_STATUS_REPORT),
            Self::MaximumPayload => Some(setup::GET_MAXIMUM_PAYLOAD_SIZE),
            Self::RfRegion => Some(setup::GET_RF_REGION),
            Self::Power => Some(setup::GET_POWERLEVEL),
            Self::Power16 => Some(setup::GET_POWERLEVEL_16),
            _ => None,
        }
    }
}

/// What an answer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// The present command's: on to the next.
    Step,
    /// Another one's, late: the present command's is still awaited.
    Other,
}

/// Walks through the steps; each answer is handed in before the next command is asked for.
#[derive(Debug)]
pub(super) struct Startup {
    step: Step,
    /// Times the present step brought nothing.
    tries: u8,
    stick: Stick,
}

impl Startup {
    /// Times a command is asked that brings no answer: then it is left out, or the stick is given up.
    const TRIES: u8 = 3;

    pub(super) fn new() -> Self {
        let stick = Stick { max_payload: Stick::DEFAULT_MAX_PAYLOAD, ..Stick::default() };
        Self { step: Step::Capabilities, tries: 0, stick }
    }

    /// The command of the present step, the same each time it is asked; `None`: all is known.
    pub(super) fn command(&mut self) -> Option<Command> {
        loop {
            let command = match self.step {
                Step::Capabilities => Some(Command::query(function::GET_CAPABILITIES, &[])),
                Step::SetupCommands => self.if_has(function::SETUP, &[setup::GET_SUPPORTED_COMMANDS]),
                Step::NodeIdType => self.if_setup(setup::SET_NODE_ID_TYPE, &[2]),
                Step::LibraryVersion => self.if_has(function::GET_LIBRARY_VERSION, &[]),
                Step::ProtocolVersion => self.if_has(function::GET_PROTOCOL_VERSION, &[]),
                Step::Id => Some(Command::query(function::MEMORY_GET_ID, &[])),
                Step::TxStatusReport => self.if_setup(setup::SET_TX_STATUS_REPORT, &[0xFF]),
                Step::MaximumPayload => self.if_setup(setup::GET_MAXIMUM_PAYLOAD_SIZE, &[]),
                Step::RfRegion => self.if_setup(setup::GET_RF_REGION, &[]),
                // The wider one where there are both: the power does not always fit the other.
                Step::Power if self.stick.setup_commands.contains(&setup::GET_POWERLEVEL_16) => None,
                Step::Power => self.if_setup(setup::GET_POWERLEVEL, &[]),
                Step::Power16 => self.if_setup(setup::GET_POWERLEVEL_16, &[]),
                Step::InitData => Some(Command::query(function::GET_INIT_DATA, &[])),
                Step::ControllerCapabilities => self.if_has(function::GET_CONTROLLER_CAPABILITIES, &[]),
                Step::LongRangeNodes(segment) => self.if_has(function::GET_LONG_RANGE_NODES, &[segment]),
                Step::NodeInformation => self.own_node_information(),
                Step::Done => return None,
            };
            if command.is_some() {
                return command;
            }
            self.advance();
        }
    }

    /// The order of the last step was acknowledged.
    pub(super) fn handle_acknowledged(&mut self) {
        self.advance();
    }

    /// The present command did not get through, or brought no answer: it is asked again, then left out. False: without
    /// its answer it can't go on.
    pub(super) fn handle_unanswered(&mut self) -> bool {
        self.tries += 1;
        if self.tries >= Self::TRIES {
            if self.step.is_needed() {
                return false;
            }
            tracing::warn!(step = ?self.step, "the stick lists a function and does not answer it: left out");
            self.advance();
        }
        true
    }

    /// The response to the present command. What the stick will not do, or answers in a way that can't be read, is left
    /// out.
    ///
    /// # Errors
    /// [`WireError`] for an answer that can't be done without; the step stays.
    pub(super) fn handle_response(&mut self, payload: &[u8]) -> Result<Answered, WireError> {
        if let Some(asked) = self.step.setup_command() {
            match payload.first() {
                // "Not supported", with the sub-command behind.
                Some(0) => {
                    self.advance();
                    return Ok(Answered::Step);
                }
                Some(answered) if *answered != asked => return Ok(Answered::Other),
                _ => {}
            }
        }
        let step = self.step;
        match self.learn(payload) {
            Ok(()) => {}
            Err(error) if step.is_needed() => return Err(error),
            Err(error) => tracing::warn!(?step, %error, "the stick's answer can't be read: left out"),
        }
        if self.step == step {
            self.advance();
        }
        Ok(Answered::Step)
    }

    fn learn(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let mut reader = Reader::new(payload);
        let stick = &mut self.stick;
        match self.step {
            Step::Capabilities => {
                stick.firmware = (reader.u8("firmware version")?, reader.u8("firmware revision")?);
                let mut number = |field| reader.u16_be(field);
                stick.product = (number("manufacturer id")?, number("product type")?, number("product id")?);
                stick.functions = bits(reader.rest(), 1).filter_map(|bit| u8::try_from(bit).ok()).collect();
            }
            Step::SetupCommands => {
                reader.u8("setup command")?;
                let flags = reader.u8("supported setup commands")?;
                stick.setup_commands = (0..8).map(|bit| 1 << bit).filter(|command| flags & command != 0).collect();
                // The long list, where there is one, is off by one before version 7.19.1 of the library: its first bit
                // then stands for no command, and else for this one.
                let first = u16::from(reader.peek().is_some_and(|byte| byte & 1 != 0));
                stick.setup_commands.extend(bits(reader.rest(), first).filter_map(|bit| u8::try_from(bit).ok()));
            }
            Step::LibraryVersion => {
                let text = reader.rest().split(|byte| *byte == 0).next().unwrap_or_default();
                stick.library_version = String::from_utf8_lossy(text).into_owned();
            }
            Step::ProtocolVersion => {
                reader.u8("protocol type")?;
                let [major, minor, revision] = reader.array("protocol version")?;
                stick.protocol_version = Some((major, minor, revision));
            }
            Step::Id => {
                stick.home_id = reader.u32_be("home id")?;
                // The width it was asked for, or was left in by another host, shows here: it is believed by its deeds. A
                // controller is never a Long Range node.
                let first = reader.u8("node id")?;
                let (width, own) = match reader.peek() {
                    Some(second) if first == 0 => (NodeIdWidth::Bits16, second),
                    _ => (NodeIdWidth::Bits8, first),
                };
                stick.node_id_width = width;
                stick.own_node = Some(NodeId::new(own.into()).ok_or_else(|| reader.invalid("node id", own))?);
            }
            Step::MaximumPayload => {
                reader.u8("setup command")?;
                stick.max_payload = usize::from(reader.u8("maximum payload size")?).max(16);
            }
            Step::RfRegion => {
                reader.u8("setup command")?;
                stick.rf_region = Some(reader.u8("RF region")?);
            }
            Step::Power => {
                reader.u8("setup command")?;
                stick.power = Some(reader.u8("power")?.cast_signed().into());
            }
            Step::Power16 => {
                reader.u8("setup command")?;
                stick.power = Some(reader.u16_be("power")?.cast_signed());
            }
            Step::InitData => {
                reader.bytes("API version and capabilities", 2)?;
                let length = usize::from(reader.u8("node bitmask length")?);
                let mask = reader.bytes("node bitmask", length)?;
                stick.nodes.extend(bits(mask, 1).filter_map(NodeId::new));
                stick.chip = reader.array::<2>("chip").ok().map(|[kind, version]| (kind, version));
            }
            Step::ControllerCapabilities => stick.controller_capabilities = reader.u8("controller capabilities")?,
            Step::LongRangeNodes(segment) => {
                let more = reader.u8("more nodes")? != 0;
                let offset = u16::from(reader.u8("bitmask offset")?) * 1024 + 256;
                let length = usize::from(reader.u8("bitmask length")?);
                let mask = reader.bytes("node bitmask", length)?;
                stick.nodes.extend(bits(mask, offset).filter_map(NodeId::new));
                if more && segment < u8::MAX {
                    (self.step, self.tries) = (Step::LongRangeNodes(segment + 1), 0);
                }
            }
            Step::NodeIdType | Step::TxStatusReport | Step::NodeInformation | Step::Done => {}
        }
        Ok(())
    }

    pub(super) fn into_stick(self) -> Stick {
        self.stick
    }

    fn advance(&mut self) {
        self.tries = 0;
        self.step = match self.step {
            Step::Capabilities => Step::SetupCommands,
            Step::SetupCommands => Step::NodeIdType,
            Step::NodeIdType => Step::LibraryVersion,
            Step::LibraryVersion => Step::ProtocolVersion,
            Step::ProtocolVersion => Step::Id,
            Step::Id => Step::TxStatusReport,
            Step::TxStatusReport => Step::MaximumPayload,
            Step::MaximumPayload => Step::RfRegion,
            Step::RfRegion => Step::Power,
            Step::Power => Step::Power16,
            Step::Power16 => Step::InitData,
            Step::InitData => Step::ControllerCapabilities,
            Step::ControllerCapabilities => Step::LongRangeNodes(0),
            Step::LongRangeNodes(_) => Step::NodeInformation,
            Step::NodeInformation | Step::Done => Step::Done,
        }
    }

    fn if_has(&self, function: u8, payload: &[u8]) -> Option<Command> {
        self.stick.has(function).then(|| Command::query(function, payload))
    }

    fn if_setup(&self, command: u8, payload: &[u8]) -> Option<Command> {
        let has = self.stick.setup_commands.contains(&command);
        has.then(|| Command::query(function::SETUP, &[&[command], payload].concat()))
    }

    /// The hub as a listening static controller, so that nodes which ask know what it understands.
    fn own_node_information(&self) -> Option<Command> {
        const LISTENING: u8 = 0x01;
        const GENERIC_STATIC_CONTROLLER: u8 = 0x02;
        const SPECIFIC_PC_CONTROLLER: u8 = 0x01;
        let head = [LISTENING, GENERIC_STATIC_CONTROLLER, SPECIFIC_PC_CONTROLLER, OWN_COMMAND_CLASSES.len() as u8];
        let payload = [&head[..], &OWN_COMMAND_CLASSES].concat();
        let function = function::SET_APPLICATION_NODE_INFORMATION;
        self.stick.has(function).then(|| Command::order(function, &payload))
    }
}

/// Numbers of the bits that are set, the lowest bit of the first byte being `first`.
fn bits(mask: &[u8], first: u16) -> impl Iterator<Item = u16> {
    let set = |(index, byte): (u16, &u8)| {
        let byte = *byte;
        (0..8).filter(move |bit| byte & (1 << bit) != 0).map(move |bit| (index, bit))
    };
    (0..).zip(mask).flat_map(set).map(move |(index, bit)| first + index * 8 + bit)
}
