//! The stick's functions (Z-Wave Host API; INS12350): what the host asks is answered from the stick's memory, or becomes an
//! [`Effect`] on the air.

mod routes;

use std::collections::BTreeMap;

use keyway_lock::wire::{Reader, WireError};
use keyway_zwave::host::frame::{DataFrame, FrameType};
use keyway_zwave::node::NodeId;
use keyway_zwave::serial_api::command::NodeIdWidth;
use keyway_zwave::serial_api::function::{self, setup};

use serde::Deserialize;

use super::channel::MAX_FRAME;
use super::memory::{Known, Memory, Series};

/// Who is the static update controller?
const GET_SUC_NODE_ID: u8 = 0x56;
/// Is this node on the list of those that do not answer?
const IS_FAILED_NODE: u8 = 0x62;
/// Transmit option: wants an acknowledgement.
const TRANSMIT_ACK: u8 = 0x01;
/// Why a failed node can't be removed: it is not in the list of nodes.
const NODE_NOT_FOUND: u8 = 0x08;
/// The mode of adding or removing, without its options.
const ADD_MODE: u8 = 0x0F;
/// Bytes of the classic node list.
const NODE_MASK: usize = 29;
/// Nodes in one segment of the Long Range node list.
const LONG_RANGE_SEGMENT: u16 = 1024;
const FIRST_LONG_RANGE: u16 = 256;

/// Device classes of a static controller: basic, generic, specific.
const CONTROLLER: [u8; 3] = [0x02, 0x02, 0x01];
/// Protocol version of the stick's library.
const PROTOCOL: (u8, u8, u8) = (7, 18, 3);

/// What follows from a command of the host.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// A frame for the host.
    Tell(DataFrame),
    /// The same, after a look into the memory.
    TellSlowly(DataFrame),
    /// A send was accepted.
    Send(Send),
    /// The send in flight is given up.
    Abort,
    /// A node is asked for its node information frame.
    AskInformation(NodeId),
    /// The network is to change.
    Network(NetworkOrder),
    /// The stick restarts.
    Restart,
}

/// An order that changes the network; each with the id its callbacks bear, 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NetworkOrder {
    /// Add whichever node asks.
    Add(u8),
    /// Listen for nodes that want to join by themselves.
    Listen,
    /// Add the node that asked under this home id.
    AddHomeId(u8, [u8; 4]),
    /// Stop adding.
    StopAdding(u8),
    /// Remove whichever node asks.
    Remove(u8),
    /// Stop removing.
    StopRemoving(u8),
    /// Take out a node that does not answer.
    RemoveFailed(u8, NodeId),
    /// Put a new node in its place.
    ReplaceFailed(u8, NodeId),
    /// Have a node look for its neighbours.
    FindNeighbors(u8, NodeId),
    /// Give a node ways, or take them from it: by this function.
    ChangeRoutes(u8, u8, NodeId),
    /// Wait for another controller to take the stick out.
    Learn(u8),
    /// Wait for that no longer.
    StopLearning,
    /// Begin a new network.
    Default(u8),
}

/// A send of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Send {
    /// The function it came by.
    pub(super) function: u8,
    /// To which node; `None`: a number that is none.
    pub(super) node: Option<NodeId>,
    pub(super) data: Vec<u8>,
    /// Whether an acknowledgement is wanted.
    pub(super) acknowledged: bool,
    /// 0: no callback is wanted.
    pub(super) callback: u8,
}

/// The way of a frame to a node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Way {
    /// Strength of the acknowledgement in dBm; `None`: as it happens, and strong.
    pub signal: Option<i8>,
    /// The repeaters on the way, four at most.
    pub repeaters: Vec<u8>,
    /// Routes that are tried until it goes through; 0 and 1: the first does.
    pub attempts: u8,
}

/// How a send ended, as its callback says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Ok,
    NoAck,
    Fail,
}

/// The stick.
pub(super) struct Controller {
    known: Known,
    memory: Memory,
    bridge: bool,
    /// The region that it was set to.
    region: Option<u8>,
    /// Its receiver is off.
    pub(super) deaf: bool,
    width: NodeIdWidth,
    transmit_reports: bool,
    /// A send is in flight.
    pub(super) busy: bool,
}

impl Controller {
    pub(super) fn new(known: Known, bridge: bool, series: Series) -> Self {
        Self {
            known,
            memory: Memory::new(series),
            bridge,
            region: None,
            deaf: false,
            width: NodeIdWidth::Bits8,
            transmit_reports: false,
            busy: false,
        }
    }

    /// The network it is in.
    pub(super) fn home_id(&self) -> u32 {
        self.known.home_id
    }

    /// The settings of the Serial API are back as they are after a start, and what was written to its memory is in force.
    pub(super) fn restart(&mut self) {
        if let Some(known) = self.memory.restart() {
            let nothing = Known { home_id: 0, own: NodeId::FIRST, nodes: BTreeMap::new() };
            self.known = known.unwrap_or(nothing);
        }
        self.deaf = false;
        self.width = NodeIdWidth::Bits8;
        self.transmit_reports = false;
        self.busy = false;
    }

    /// Carries out a command. What is cut or not known gets no answer, as with real sticks.
    pub(super) fn handle(&mut self, frame: &DataFrame) -> Vec<Effect> {
        if frame.frame_type != FrameType::Request || !self.functions().contains(&frame.function) {
            return Vec::new();
        }
        self.carry_out(frame.function, &mut Reader::new(&frame.payload)).unwrap_or_default()
    }

    /// The stick has started.
    pub(super) fn started(&self) -> DataFrame {
        // Reset by software, no watchdog, listening; device classes; no command classes; Long Range.
        let [_, generic, specific] = CONTROLLER;
        let long_range = self.speaks_long_range().into();
        request(function::STARTED, vec![0x07, 0x00, 0x01, generic, specific, 0x00, long_range])
    }

    /// A frame of a node came in.
    pub(super) fn received(&self, node: NodeId, command: &[u8], rssi: i8) -> DataFrame {
        let length = u8::try_from(command.len()).unwrap_or(u8::MAX);
        let mut payload = vec![0x00];
        if self.bridge {
            self.width.push(&mut payload, self.known.own);
        }
        self.width.push(&mut payload, node);
        payload.push(length);
        payload.extend_from_slice(command);
        if self.bridge {
            // No multicast mask.
            payload.push(0);
        }
        payload.push(rssi.cast_unsigned());
        let handler = function::BRIDGE_APPLICATION_COMMAND_HANDLER;
        request(if self.bridge { handler } else { function::APPLICATION_COMMAND_HANDLER }, payload)
    }

    /// A send ended, `ticks` of 10 ms after it began.
    pub(super) fn sent(&self, send: &Send, sent: Sent, ticks: u16, way: &Way) -> DataFrame {
        let status = match sent {
            Sent::Ok => 0x00,
            Sent::NoAck => 0x01,
            Sent::Fail => 0x02,
        };
        let mut payload = vec![send.callback, status];
        if self.transmit_reports {
            let long_range = send.node.is_some_and(NodeId::is_long_range);
            let channel = if long_range { 3 } else { 0 };
            let ok = sent == Sent::Ok;
            let rssi = way.signal.filter(|_| ok).map_or(0x7F, i8::cast_unsigned);
            let mut repeaters = [0; 4];
            repeaters.iter_mut().zip(&way.repeaters).for_each(|(place, repeater)| *place = *repeater);
            let [first, second, third, fourth] = repeaters;
            let count = u8::try_from(way.repeaters.len().min(4)).unwrap_or(0);
            payload.extend(ticks.to_be_bytes());
            // Signal of the acknowledgement, none of repeaters; channels; by the last route; the repeaters.
            payload.extend([count, rssi, 0x7F, 0x7F, 0x7F, 0x7F, channel, channel, 0x01, first, second, third, fourth]);
            // 40 kbit/s, attempts, no failed link; transmit powers and noise floors not known.
            payload.extend([0x02, way.attempts.max(1), 0, 0, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F]);
        }
        request(send.function, payload)
    }

    /// A node's node information frame came in; `None`: it did not answer.
    pub(super) fn information(&self, information: Option<(NodeId, &[u8])>) -> DataFrame {
        let mut payload = Vec::new();
        match information {
            Some((node, information)) => {
                payload.push(0x84);
                self.width.push(&mut payload, node);
                payload.push(u8::try_from(information.len()).unwrap_or(u8::MAX));
                payload.extend_from_slice(information);
            }
            None => {
                payload.extend([0x81, 0x00]);
                if self.width == NodeIdWidth::Bits16 {
                    payload.push(0x00);
                }
                payload.push(0x00);
            }
        }
        request(function::APPLICATION_UPDATE, payload)
    }

    /// The functions it has.
    fn functions(&self) -> Vec<u8> {
        let mut functions = vec![
            function::GET_INIT_DATA,
            function::SET_APPLICATION_NODE_INFORMATION,
            function::GET_CONTROLLER_CAPABILITIES,
            function::GET_CAPABILITIES,
            function::SOFT_RESET,
            function::GET_PROTOCOL_VERSION,
            function::STARTED,
            function::SETUP,
            function::GET_LIBRARY_VERSION,
            function::SEND_DATA_ABORT,
            function::MEMORY_GET_ID,
            function::GET_NODE_PROTOCOL_INFO,
            function::APPLICATION_UPDATE,
            GET_SUC_NODE_ID,
            function::REQUEST_NODE_INFO,
            IS_FAILED_NODE,
            function::ADD_NODE_TO_NETWORK,
            function::REMOVE_NODE_FROM_NETWORK,
            function::REMOVE_FAILED_NODE,
            function::REPLACE_FAILED_NODE,
            function::SET_LEARN_MODE,
            function::SET_DEFAULT,
            function::REQUEST_NODE_NEIGHBOR_UPDATE,
            function::DELETE_RETURN_ROUTE,
            function::ASSIGN_RETURN_ROUTE,
            function::ASSIGN_SUC_RETURN_ROUTE,
        ];
        functions.push(function::SET_RECEIVE_MODE);
        functions.extend_from_slice(match self.memory.series {
            Series::Five => {
                &[function::NVM_GET_ID, function::NVM_EXT_READ_LONG_BUFFER, function::NVM_EXT_WRITE_LONG_BUFFER]
            }
            Series::Seven => &[function::NVM_BACKUP_RESTORE],
            Series::Eight => &[function::NVM_BACKUP_RESTORE, function::EXTENDED_NVM_BACKUP_RESTORE],
        });
        functions.extend(self.speaks_long_range().then_some(function::GET_LONG_RANGE_NODES));
        functions.extend(if self.bridge {
            [function::BRIDGE_APPLICATION_COMMAND_HANDLER, function::SEND_DATA_BRIDGE]
        } else {
            [function::APPLICATION_COMMAND_HANDLER, function::SEND_DATA]
        });
        functions
    }

    fn carry_out(&mut self, function: u8, reader: &mut Reader<'_>) -> Result<Vec<Effect>, WireError> {
        let answer = match function {
            function::GET_INIT_DATA => self.init_data(),
            // Primary, SUC and SIS.
            function::GET_CONTROLLER_CAPABILITIES => vec![0x1C],
            function::GET_CAPABILITIES => self.capabilities(),
            function::GET_PROTOCOL_VERSION => {
                let (major, minor, patch) = PROTOCOL;
                [&[0x00, major, minor, patch, 0x00, 0x01][..], &[0; 16]].concat()
            }
            function::GET_LIBRARY_VERSION => {
                let library = if self.bridge { 0x07 } else { 0x01 };
                [format!("Z-Wave {}.{:02}\0", PROTOCOL.0, PROTOCOL.1).as_bytes(), &[library]].concat()
            }
            function::MEMORY_GET_ID => {
                let mut payload = self.known.home_id.to_be_bytes().to_vec();
                self.width.push(&mut payload, self.known.own);
                payload
            }
            function::SET_RECEIVE_MODE => {
                self.deaf = reader.u8("mode")? == 0;
                vec![1]
            }
            function::NVM_GET_ID
            | function::NVM_EXT_READ_LONG_BUFFER
            | function::NVM_EXT_WRITE_LONG_BUFFER
            | function::NVM_BACKUP_RESTORE
            | function::EXTENDED_NVM_BACKUP_RESTORE => {
                let payload = self.memory.carry_out(&self.known, function, reader)?;
                return Ok(vec![Effect::TellSlowly(DataFrame { frame_type: FrameType::Response, function, payload })]);
            }
            GET_SUC_NODE_ID => self.node_id_bytes(self.known.own),
            function::SETUP => return self.setup(reader),
            function::GET_NODE_PROTOCOL_INFO => {
                let node = self.node_id(reader)?;
                node.and_then(|node| self.known.nodes.get(&node)).cloned().unwrap_or(vec![0; 6])
            }
            IS_FAILED_NODE => vec![0],
            function::GET_LONG_RANGE_NODES => self.long_range_nodes(reader.u8("segment")?),
            function::REQUEST_NODE_INFO => {
                let node = self.node_id(reader)?.filter(|node| self.known.nodes.contains_key(node));
                let asked = node.map(Effect::AskInformation);
                return Ok([respond(function, vec![asked.is_some().into()])].into_iter().chain(asked).collect());
            }
            function::SEND_DATA | function::SEND_DATA_BRIDGE => return self.send_data(function, reader),
            function::SEND_DATA_ABORT => return Ok(vec![Effect::Abort]),
            function::SOFT_RESET => return Ok(vec![Effect::Restart]),
            function::ADD_NODE_TO_NETWORK
            | function::REMOVE_NODE_FROM_NETWORK
            | function::REMOVE_FAILED_NODE
            | function::REPLACE_FAILED_NODE
            | function::SET_LEARN_MODE
            | function::SET_DEFAULT => return self.network_order(function, reader),
            function::REQUEST_NODE_NEIGHBOR_UPDATE
            | function::DELETE_RETURN_ROUTE
            | function::ASSIGN_RETURN_ROUTE
            | function::ASSIGN_SUC_RETURN_ROUTE => return self.route_order(function, reader),
            // Taken, and of no consequence here.
            _ => return Ok(Vec::new()),
        };
        Ok(vec![respond(function, answer)])
    }

    fn network_order(&self, function: u8, reader: &mut Reader<'_>) -> Result<Vec<Effect>, WireError> {
        let about_failed = |reader: &mut Reader<'_>| {
            let node = self.node_id(reader)?.filter(|node| self.known.nodes.contains_key(node));
            Ok::<_, WireError>((node, reader.u8("callback id")?))
        };
        let order = match function {
            function::REMOVE_FAILED_NODE | function::REPLACE_FAILED_NODE => {
                let (node, callback) = about_failed(reader)?;
                let Some(node) = node else { return Ok(vec![respond(function, vec![NODE_NOT_FOUND])]) };
                let order = if function == function::REMOVE_FAILED_NODE {
                    NetworkOrder::RemoveFailed(callback, node)
                } else {
                    NetworkOrder::ReplaceFailed(callback, node)
                };
                return Ok(vec![respond(function, vec![0]), Effect::Network(order)]);
            }
            function::SET_DEFAULT => NetworkOrder::Default(reader.u8("callback id")?),
            _ => {
                let mode = reader.u8("mode")? & ADD_MODE;
                let callback = reader.u8("callback id")?;
                match (function, mode) {
                    (function::ADD_NODE_TO_NETWORK, 0x05) => NetworkOrder::StopAdding(callback),
                    (function::ADD_NODE_TO_NETWORK, 0x08) => {
                        NetworkOrder::AddHomeId(callback, reader.array("home id")?)
                    }
                    (function::ADD_NODE_TO_NETWORK, 0x09) => NetworkOrder::Listen,
                    (function::ADD_NODE_TO_NETWORK, _) => NetworkOrder::Add(callback),
                    (function::SET_LEARN_MODE, 0x00) => NetworkOrder::StopLearning,
                    (function::SET_LEARN_MODE, _) => NetworkOrder::Learn(callback),
                    (_, 0x05) => NetworkOrder::StopRemoving(callback),
                    _ => NetworkOrder::Remove(callback),
                }
            }
        };
        Ok(vec![Effect::Network(order)])
    }

    /// A callback of such an order: a node, and what it is.
    pub(super) fn network_callback(
        &self,
        function: u8,
        callback: u8,
        status: u8,
        node: Option<NodeId>,
        information: &[u8],
    ) -> DataFrame {
        let mut payload = vec![callback, status];
        self.push_node(&mut payload, node);
        payload.push(u8::try_from(information.len()).unwrap_or(u8::MAX));
        payload.extend_from_slice(information);
        request(function, payload)
    }

    /// A callback without a node.
    pub(super) fn plain_callback(function: u8, payload: &[u8]) -> DataFrame {
        request(function, payload.to_vec())
    }

    /// A node wants to join by itself.
    pub(super) fn wants_to_join(&self, home_id: [u8; 4], information: &[u8]) -> DataFrame {
        let mut payload = vec![0x85];
        self.push_node(&mut payload, None);
        payload.push(0);
        payload.extend(home_id);
        payload.push(u8::try_from(information.len()).unwrap_or(u8::MAX));
        payload.extend_from_slice(information);
        request(function::APPLICATION_UPDATE, payload)
    }

    fn push_node(&self, payload: &mut Vec<u8>, node: Option<NodeId>) {
        match node {
            Some(node) => self.width.push(payload, node),
            None if self.width == NodeIdWidth::Bits16 => payload.extend([0, 0]),
            None => payload.push(0),
        }
    }

    /// The nodes it knows, itself apart.
    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.known.nodes.keys().copied()
    }

    /// Remembers a node.
    pub(super) fn add(&mut self, node: NodeId, protocol_info: Vec<u8>) {
        self.known.nodes.insert(node, protocol_info);
    }

    /// Forgets a node.
    pub(super) fn remove(&mut self, node: NodeId) {
        self.known.nodes.remove(&node);
    }

    /// Forgets all, and begins a network with this home id.
    pub(super) fn begin_network(&mut self, home_id: u32) {
        (self.known.home_id, self.known.own) = (home_id, NodeId::FIRST);
        self.known.nodes.clear();
    }

    fn init_data(&self) -> Vec<u8> {
        let mut mask = [0u8; NODE_MASK];
        let nodes = self.known.nodes.keys().chain([&self.known.own]).filter(|node| !node.is_long_range());
        set_bits(&mut mask, nodes.map(|node| node.get() - 1));
        // API version 9; a controller, primary, SIS; the node list; an EFR32 of the 700 series.
        [&[0x09, 0x08, 29][..], &mask, &[0x07, 0x00]].concat()
    }

    fn capabilities(&self) -> Vec<u8> {
        let mut mask = [0u8; 32];
        set_bits(&mut mask, self.functions().into_iter().map(|function| u16::from(function) - 1));
        // Application version 1.2; ids that no maker has.
        [&[1, 2, 0x7F, 0xFE, 0x00, 0x01, 0x00, 0x01][..], &mask].concat()
    }

    fn long_range_nodes(&self, segment: u8) -> Vec<u8> {
        let first = FIRST_LONG_RANGE.saturating_add(u16::from(segment).saturating_mul(LONG_RANGE_SEGMENT));
        let nodes = self.known.nodes.keys().map(|node| node.get());
        let more = nodes.clone().max().is_some_and(|last| last >= first.saturating_add(LONG_RANGE_SEGMENT));
        let bits = nodes.filter_map(|node| node.checked_sub(first)).filter(|bit| *bit < LONG_RANGE_SEGMENT);
        // As long as it has to be.
        let length = bits.clone().max().map_or(0, |last| last / 8 + 1);
        let mut mask = vec![0; length.into()];
        set_bits(&mut mask, bits);
        [&[more.into(), segment, u8::try_from(length).unwrap_or(u8::MAX)][..], &mask].concat()
    }

    /// A stick in a region with Long Range: one that has such nodes.
    fn speaks_long_range(&self) -> bool {
        self.known.nodes.keys().any(|node| node.is_long_range())
    }

    fn setup(&mut self, reader: &mut Reader<'_>) -> Result<Vec<Effect>, WireError> {
        const COMMANDS: [u8; 7] = [
            setup::GET_SUPPORTED_COMMANDS,
            setup::SET_TX_STATUS_REPORT,
            setup::GET_POWERLEVEL,
            setup::GET_MAXIMUM_PAYLOAD_SIZE,
            setup::GET_RF_REGION,
            setup::SET_RF_REGION,
            setup::SET_NODE_ID_TYPE,
        ];
        let command = reader.u8("setup command")?;
        let answer = match command {
            setup::GET_SUPPORTED_COMMANDS => {
                // The short list, then the long one, in which bit n is command n.
                let mut long = [0; 17];
                set_bits(&mut long, COMMANDS.into_iter().map(u16::from));
                [&[COMMANDS.iter().fold(0, |flags, command| flags | command)][..], &long].concat()
            }
            setup::SET_TX_STATUS_REPORT => {
                self.transmit_reports = reader.u8("enable")? != 0;
                vec![1]
            }
            setup::GET_MAXIMUM_PAYLOAD_SIZE => vec![u8::try_from(MAX_FRAME).unwrap_or(u8::MAX)],
            // USA with Long Range, or Europe.
            setup::GET_RF_REGION => {
                vec![self.region.unwrap_or(if self.speaks_long_range() { 0x09 } else { 0x00 })]
            }
            setup::SET_RF_REGION => {
                self.region = Some(reader.u8("region")?);
                vec![1]
            }
            // 0 dBm, and what was measured at that.
            setup::GET_POWERLEVEL => vec![0, 0],
            setup::SET_NODE_ID_TYPE => {
                let wanted = reader.u8("node id type")?;
                self.width = if wanted == 2 { NodeIdWidth::Bits16 } else { NodeIdWidth::Bits8 };
                vec![1]
            }
            // Said to be unsupported.
            _ => return Ok(vec![respond(function::SETUP, vec![0])]),
        };
        Ok(vec![respond(function::SETUP, [&[command][..], &answer].concat())])
    }

    fn send_data(&mut self, function: u8, reader: &mut Reader<'_>) -> Result<Vec<Effect>, WireError> {
        if function == function::SEND_DATA_BRIDGE {
            self.node_id(reader)?;
        }
        let node = self.node_id(reader)?;
        let length = reader.u8("length")?;
        let data = reader.bytes("data", length.into())?.to_vec();
        let acknowledged = reader.u8("transmit options")? & TRANSMIT_ACK != 0;
        if function == function::SEND_DATA_BRIDGE {
            reader.bytes("route", 4)?;
        }
        let callback = reader.u8("callback id")?;
        if self.busy || data.len() > MAX_FRAME {
            return Ok(vec![respond(function, vec![0])]);
        }
        self.busy = true;
        let send = Send { function, node, data, acknowledged, callback };
        Ok(vec![respond(function, vec![1]), Effect::Send(send)])
    }

    fn node_id(&self, reader: &mut Reader<'_>) -> Result<Option<NodeId>, WireError> {
        let id = match self.width {
            NodeIdWidth::Bits8 => reader.u8("node id")?.into(),
            NodeIdWidth::Bits16 => reader.u16_be("node id")?,
        };
        Ok(NodeId::new(id))
    }

    fn node_id_bytes(&self, node: NodeId) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.width.push(&mut bytes, node);
        bytes
    }
}

fn request(function: u8, payload: Vec<u8>) -> DataFrame {
    DataFrame { frame_type: FrameType::Request, function, payload }
}

fn respond(function: u8, payload: Vec<u8>) -> Effect {
    Effect::Tell(DataFrame { frame_type: FrameType::Response, function, payload })
}

/// Sets bits, the lowest of the first byte being 0; those beyond the mask are left out.
fn set_bits(mask: &mut [u8], bits: impl IntoIterator<Item = u16>) {
    for bit in bits {
        if let Some(byte) = mask.get_mut(usize::from(bit / 8)) {
            *byte |= 1 << (bit % 8);
        }
    }
}

#[cfg(test)]
mod tests;
