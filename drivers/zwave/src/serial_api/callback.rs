//! What the stick tells by itself or calls back with.

use std::fmt;

use keyway_lock::wire::{Reader, WireError};

use super::command::NodeIdWidth;
use super::function;
use crate::host::frame::DataFrame;
use crate::node::NodeId;
use crate::node::info::NodeInformation;

/// A command class that came in from a node. `Debug` shows its class and command only.
#[derive(Clone, PartialEq, Eq)]
pub struct ApplicationCommand {
    /// From which node.
    pub source: NodeId,
    /// Not addressed to us alone (receive status: broadcast or multicast).
    pub multicast: bool,
    /// From the command class id on.
    pub payload: Vec<u8>,
}

impl fmt::Debug for ApplicationCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = self.payload.iter().take(2).map(|byte| format!("{byte:02x}")).collect::<String>();
        write!(f, "node {} class/command {class} ({} bytes)", self.source, self.payload.len())
    }
}

impl ApplicationCommand {
    /// Reads the frame of either handler (host API, ApplicationCommandHandler and its bridge variant).
    ///
    /// # Errors
    /// [`WireError`] for a frame that is too short or names an impossible node.
    pub fn decode(frame: &DataFrame, width: NodeIdWidth) -> Result<Self, WireError> {
        let mut reader = Reader::new(&frame.payload);
        let status = reader.u8("receive status")?;
        if frame.function == function::BRIDGE_APPLICATION_COMMAND_HANDLER {
            raw_node_id(&mut reader, width, "destination")?;
        }
        let source = node_id(&mut reader, width, "source")?;
        let length = reader.u8("length")?;
        let payload = reader.bytes("command", usize::from(length))?.to_vec();
        Ok(Self { source, multicast: status & 0x0C != 0, payload })
    }
}

/// How a send ended (host API, transmit status).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransmitStatus {
    /// 0x00: acknowledged. 0x05 ("verified"): acknowledged, and shown to have been decrypted.
    Ok,
    /// 0x01: no acknowledgement: the node is out of reach or asleep.
    NoAck,
    /// 0x02: could not be sent; the network is busy.
    Fail,
    /// 0x03: a route is being sought; try again.
    NotIdle,
    /// 0x04: no route.
    NoRoute,
    /// Another value.
    Other(u8),
}

impl From<u8> for TransmitStatus {
    fn from(status: u8) -> Self {
        match status {
            0x00 | 0x05 => Self::Ok,
            0x01 => Self::NoAck,
            0x02 => Self::Fail,
            0x03 => Self::NotIdle,
            0x04 => Self::NoRoute,
            other => Self::Other(other),
        }
    }
}

/// The callback of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransmitReport {
    /// Which send.
    pub callback: u8,
    /// How it ended.
    pub status: TransmitStatus,
    /// How long it took, in units of 10 ms, where the stick reports that.
    pub ticks: Option<u16>,
    /// The repeaters that it went over, from the stick on; none also where the stick does not report that.
    pub repeaters: Vec<NodeId>,
    /// Signal strength of the acknowledgement in dBm, where the stick reports that.
    pub ack_rssi: Option<i8>,
    /// How many routes were tried until it went through or was given up, where the stick reports that.
    pub attempts: Option<u8>,
}

impl TransmitReport {
    /// Reads the callback of SendData and SendDataBridge.
    ///
    /// # Errors
    /// [`WireError::Short`]. A missing or cut report behind the status is no error.
    pub fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(payload);
        let callback = reader.u8("callback id")?;
        let status = reader.u8("transmit status")?.into();
        let ticks = reader.u16_be("transmit ticks").ok();
        let count = reader.u8("number of repeaters").unwrap_or(0);
        // 0x7D to 0x7F stand for below sensitivity, saturated and not available.
        let ack_rssi = reader.u8("ack RSSI").ok().map(u8::cast_signed).filter(|dbm| *dbm < 0x7D);
        // What repeaters measured, both channels, how the route was found.
        let route = reader.bytes("signals, channels and scheme", 7).and_then(|_| reader.bytes("repeaters", 4));
        let repeaters = route.unwrap_or_default().iter().take(count.into());
        let repeaters = repeaters.filter_map(|node| NodeId::new((*node).into())).collect();
        let attempts = reader.bytes("beam and speed", 1).and_then(|_| reader.u8("attempts")).ok();
        Ok(Self { callback, status, ticks, repeaters, ack_rssi, attempts })
    }
}

/// What an ApplicationUpdate tells (host API, ZW_ApplicationControllerUpdate).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeUpdate {
    /// 0x84: a node sent its node information frame.
    Information(NodeId, NodeInformation),
    /// 0x81: the node that was asked for it did not answer.
    RequestFailed,
    /// 0x85, 0x87: a node wants to join by itself, under this home id; 0x87: over Long Range.
    WantsToJoin {
        /// See [`super::network::joining_home_id`].
        home_id: [u8; 4],
        /// Over Long Range.
        long_range: bool,
    },
    /// Something else that does not concern this hub.
    Other(u8),
}

impl NodeUpdate {
    /// Reads the frame.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(payload: &[u8], width: NodeIdWidth) -> Result<Self, WireError> {
        let mut reader = Reader::new(payload);
        match reader.u8("event")? {
            0x84 => {
                let node = node_id(&mut reader, width, "node")?;
                let length = reader.u8("length")?;
                let bytes = reader.bytes("node information", usize::from(length))?;
                Ok(Self::Information(node, NodeInformation::decode(bytes)?))
            }
            0x81 => Ok(Self::RequestFailed),
            event @ (0x85 | 0x87) => {
                raw_node_id(&mut reader, width, "node")?;
                reader.u8("receive status")?;
                Ok(Self::WantsToJoin { home_id: reader.array("home id")?, long_range: event == 0x87 })
            }
            other => Ok(Self::Other(other)),
        }
    }
}

/// A node id that may be none.
pub(super) fn raw_node_id(reader: &mut Reader<'_>, width: NodeIdWidth, field: &'static str) -> Result<u16, WireError> {
    match width {
        NodeIdWidth::Bits8 => reader.u8(field).map(u16::from),
        NodeIdWidth::Bits16 => reader.u16_be(field),
    }
}

fn node_id(reader: &mut Reader<'_>, width: NodeIdWidth, field: &'static str) -> Result<NodeId, WireError> {
    let raw = raw_node_id(reader, width, field)?;
    NodeId::new(raw).ok_or_else(|| reader.invalid(field, raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::frame::FrameType;

    fn frame(function: u8, payload: &[u8]) -> DataFrame {
        DataFrame { frame_type: FrameType::Request, function, payload: payload.to_vec() }
    }

    #[test]
    fn commands_come_in_over_either_handler_and_either_width() {
        let classic = frame(function::APPLICATION_COMMAND_HANDLER, &[0, 5, 2, 0x62, 0x03, 0xB0]);
        let command = ApplicationCommand::decode(&classic, NodeIdWidth::Bits8).unwrap();
        assert_eq!((command.source.get(), &command.payload[..]), (5, &[0x62, 0x03][..]));
        let bridge = frame(function::BRIDGE_APPLICATION_COMMAND_HANDLER, &[0, 0, 1, 1, 4, 2, 0x62, 0x03, 0, 0xB0]);
        let command = ApplicationCommand::decode(&bridge, NodeIdWidth::Bits16).unwrap();
        assert_eq!((command.source.get(), &command.payload[..]), (260, &[0x62, 0x03][..]));
    }

    #[test]
    fn a_cut_frame_is_an_error_that_names_the_field() {
        let cut = frame(function::APPLICATION_COMMAND_HANDLER, &[0, 5, 9, 0x62]);
        let error = ApplicationCommand::decode(&cut, NodeIdWidth::Bits8).unwrap_err();
        assert_eq!(error.to_string(), "command at offset 3 needs 9 byte(s), 1 left");
    }

    #[test]
    fn a_node_that_wants_to_join_is_told_by_its_home_id() {
        let update = NodeUpdate::decode(&[0x85, 0, 0, 0xE6, 0x88, 0x17, 0x62, 3, 4, 0x40, 3], NodeIdWidth::Bits8);
        let home_id = [0xE6, 0x88, 0x17, 0x62];
        assert_eq!(update, Ok(NodeUpdate::WantsToJoin { home_id, long_range: false }));
    }

    #[test]
    fn a_transmit_report_is_read_whole_or_cut() {
        let head = [7, 0, 0x00, 0x0C, 2, 0xC4];
        let report = TransmitReport::decode(&head).unwrap();
        assert_eq!((report.ticks, report.repeaters.len(), report.ack_rssi), (Some(12), 0, Some(-60)));
        let whole = [&head[..], &[0xBA, 0xB5, 0x7F, 0x7F, 0, 0, 0x03, 17, 9, 0, 0, 0x42, 3, 0, 0]].concat();
        let report = TransmitReport::decode(&whole).unwrap();
        let repeaters = [17, 9].map(|node| NodeId::new(node).unwrap());
        assert_eq!((&report.repeaters[..], report.attempts), (&repeaters[..], Some(3)));
        let short = TransmitReport::decode(&[7, 1]).unwrap();
        assert_eq!((short.status, short.ticks), (TransmitStatus::NoAck, None));
    }

    #[test]
    fn a_verified_delivery_is_a_delivery() {
        assert_eq!(TransmitReport::decode(&[7, 5]).unwrap().status, TransmitStatus::Ok);
        assert_eq!(TransmitReport::decode(&[7, 6]).unwrap().status, TransmitStatus::Other(6));
    }
}
