//! Commands of the host to the stick.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::function;
use crate::host::frame::{DataFrame, FrameType};
use crate::node::NodeId;

/// Transmit options of every send (host API, ZW_SendData): acknowledge, route automatically, explore.
pub const TRANSMIT_OPTIONS: u8 = 0x01 | 0x04 | 0x20;

/// Width of the node ids in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeIdWidth {
    /// One byte.
    #[default]
    Bits8,
    /// Two bytes, most significant first: needed for Long Range.
    Bits16,
}

impl NodeIdWidth {
    /// Writes a node id. A Long Range id does not fit 8 bits; the stick then answers that there is no such node.
    pub fn push(self, bytes: &mut Vec<u8>, node: NodeId) {
        let [high, low] = node.get().to_be_bytes();
        match self {
            Self::Bits8 => bytes.push(if high == 0 { low } else { 0 }),
            Self::Bits16 => bytes.extend([high, low]),
        }
    }
}

/// What the stick answers to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: done once acknowledged.
    None,
    /// A response frame.
    Response,
    /// A response that accepts, then a callback with this id.
    Callback(u8),
    /// A response that accepts, then an ApplicationUpdate of this node.
    Update(NodeId),
}

/// One command, ready to be framed. `Debug` shows its function only.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Function id.
    pub function: u8,
    /// What follows; may hold a PIN.
    pub payload: Zeroizing<Vec<u8>>,
    /// What comes back.
    pub answer: Answer,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command {:#04x} answered by {:?}", self.function, self.answer)
    }
}

impl Command {
    /// How long a response may take (host API specification: the stick answers at once; zwave hosts allow this much).
    pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
    /// How long the callback of a send may take: the longest route with explorer frames takes about a minute
    /// (INS12350 section 6.4 names 65 s).
    pub const CALLBACK_TIMEOUT: Duration = Duration::from_secs(65);

    /// A question with a response.
    pub fn query(function: u8, payload: &[u8]) -> Self {
        Self { function, payload: Zeroizing::new(payload.to_vec()), answer: Answer::Response }
    }

    /// An order that is only acknowledged.
    pub fn order(function: u8, payload: &[u8]) -> Self {
        Self { function, payload: Zeroizing::new(payload.to_vec()), answer: Answer::None }
    }

    /// What the stick remembers of a node.
    pub fn node_protocol_info(node: NodeId, width: NodeIdWidth) -> Self {
        let mut payload = Vec::new();
        width.push(&mut payload, node);
        Self::query(function::GET_NODE_PROTOCOL_INFO, &payload)
    }

    /// Asks a node for its node information frame.
    pub fn request_node_info(node: NodeId, width: NodeIdWidth) -> Self {
        let mut payload = Vec::new();
        width.push(&mut payload, node);
        Self { answer: Answer::Update(node), ..Self::query(function::REQUEST_NODE_INFO, &payload) }
    }

    /// Sends a command class to a node (host API, ZW_SendData).
    pub fn send_data(node: NodeId, width: NodeIdWidth, data: &[u8], callback: u8) -> Self {
        let mut payload = Zeroizing::new(Vec::with_capacity(data.len() + 5));
        width.push(&mut payload, node);
        payload.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
        payload.extend_from_slice(data);
        payload.extend([TRANSMIT_OPTIONS, callback]);
        Self { function: function::SEND_DATA, payload, answer: Answer::Callback(callback) }
    }

    /// Sends a command class to a node from a bridge controller (host API, ZW_SendData_Bridge); the four zeros are the
    /// route, left to the stick.
    pub fn send_data_bridge(own: NodeId, node: NodeId, width: NodeIdWidth, data: &[u8], callback: u8) -> Self {
        let mut payload = Zeroizing::new(Vec::with_capacity(data.len() + 12));
        width.push(&mut payload, own);
        width.push(&mut payload, node);
        payload.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
        payload.extend_from_slice(data);
        payload.extend([TRANSMIT_OPTIONS, 0, 0, 0, 0, callback]);
        Self { function: function::SEND_DATA_BRIDGE, payload, answer: Answer::Callback(callback) }
    }

    /// The frame.
    pub fn frame(&self) -> DataFrame {
        DataFrame { frame_type: FrameType::Request, function: self.function, payload: self.payload.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_are_laid_out_as_the_host_api_says() {
        let (own, node) = (NodeId::new(1).unwrap(), NodeId::new(5).unwrap());
        let classic = Command::send_data(node, NodeIdWidth::Bits8, &[0x62, 0x02], 7);
        assert_eq!(*classic.payload, [5, 2, 0x62, 0x02, 0x25, 7]);
        let wide = Command::send_data(NodeId::new(257).unwrap(), NodeIdWidth::Bits16, &[0x62, 0x02], 7);
        assert_eq!(*wide.payload, [1, 1, 2, 0x62, 0x02, 0x25, 7]);
        let bridge = Command::send_data_bridge(own, node, NodeIdWidth::Bits8, &[0x62, 0x02], 7);
        assert_eq!(*bridge.payload, [1, 5, 2, 0x62, 0x02, 0x25, 0, 0, 0, 0, 7]);
    }
}
