//! The functions that build a network: adding, removing and replacing nodes, and beginning anew (host API, "Network
//! management"). Each is ordered with a callback id, and then tells its steps under that id.

use keyway_lock::DeviceLabel;
use keyway_lock::wire::{Reader, WireError};
use zeroize::Zeroizing;

use super::callback::{TransmitStatus, raw_node_id};
use super::command::{Answer, Command, NodeIdWidth};
use super::function;
use crate::node::NodeId;
use crate::node::info::NodeInformation;

/// Any node.
const MODE_ANY: u8 = 0x01;
/// Stop adding or removing.
const MODE_STOP: u8 = 0x05;
/// Add the node with these home ids, made from its label (ADD_NODE_HOME_ID).
const MODE_HOME_ID: u8 = 0x08;
/// Listen for nodes that want to join by themselves (ADD_NODE_SMART_START).
const MODE_LISTEN: u8 = 0x09;
/// Normal power.
const NORMAL_POWER: u8 = 0x80;
/// Network-wide: over repeaters too.
const NETWORK_WIDE: u8 = 0x40;
/// Over Long Range.
const LONG_RANGE: u8 = 0x20;
/// Learn no more.
const LEARN_STOP: u8 = 0x00;
/// Learn that this stick is excluded, over repeaters too (network wide exclusion).
const LEARN_EXCLUSION: u8 = 0x03;

impl Command {
    /// Waits for a node that wants to be added: anywhere in the network's reach, or only in the stick's own.
    pub fn add_node(network_wide: bool, callback: u8) -> Self {
        let reach = if network_wide { NETWORK_WIDE } else { 0 };
        Self::order(function::ADD_NODE_TO_NETWORK, &[MODE_ANY | NORMAL_POWER | reach, callback])
    }

    /// Waits for it no longer, or ends its adding.
    pub fn add_node_stop(callback: u8) -> Self {
        Self::order(function::ADD_NODE_TO_NETWORK, &[MODE_STOP, callback])
    }

    /// Listens for nodes that want to join by themselves: they are told as [`super::NodeUpdate::WantsToJoin`].
    pub fn smart_start_listen() -> Self {
        Self::order(function::ADD_NODE_TO_NETWORK, &[MODE_LISTEN | NORMAL_POWER | NETWORK_WIDE, 0])
    }

    /// Adds the node of this label, which wants to join by itself.
    pub fn smart_start_add(label: &DeviceLabel, long_range: bool, callback: u8) -> Self {
        let flag = if long_range { LONG_RANGE } else { NETWORK_WIDE };
        let mut payload = vec![MODE_HOME_ID | NORMAL_POWER | flag, callback];
        payload.extend(joining_home_id(label));
        payload.extend(authentication_home_id(label));
        Self::order(function::ADD_NODE_TO_NETWORK, &payload)
    }

    /// Waits for a node that wants to be removed, from whatever network it is in.
    pub fn remove_node(callback: u8) -> Self {
        Self::order(function::REMOVE_NODE_FROM_NETWORK, &[MODE_ANY | NORMAL_POWER | NETWORK_WIDE, callback])
    }

    /// Waits for it no longer.
    pub fn remove_node_stop(callback: u8) -> Self {
        Self::order(function::REMOVE_NODE_FROM_NETWORK, &[MODE_STOP, callback])
    }

    /// Takes a node out that does not answer.
    pub fn remove_failed_node(node: NodeId, width: NodeIdWidth, callback: u8) -> Self {
        Self::about_node(function::REMOVE_FAILED_NODE, node, width, callback)
    }

    /// Waits for a new node in the place of one that does not answer.
    pub fn replace_failed_node(node: NodeId, width: NodeIdWidth, callback: u8) -> Self {
        Self::about_node(function::REPLACE_FAILED_NODE, node, width, callback)
    }

    /// Whether it only ends what another one began.
    pub fn is_stop(&self) -> bool {
        let stop = match self.function {
            function::ADD_NODE_TO_NETWORK | function::REMOVE_NODE_FROM_NETWORK => MODE_STOP,
            function::SET_LEARN_MODE => LEARN_STOP,
            _ => return false,
        };
        self.payload.first() == Some(&stop)
    }

    fn about_node(function: u8, node: NodeId, width: NodeIdWidth, callback: u8) -> Self {
        let mut payload = Vec::new();
        width.push(&mut payload, node);
        payload.push(callback);
        Self { function, payload: Zeroizing::new(payload), answer: Answer::Response }
    }

    /// Has a node look for its neighbours. No response, only callbacks.
    pub fn request_neighbor_update(node: NodeId, width: NodeIdWidth, callback: u8) -> Self {
        let function = function::REQUEST_NODE_NEIGHBOR_UPDATE;
        Self { answer: Answer::None, ..Self::about_node(function, node, width, callback) }
    }

    /// Takes from a node all ways that it was given.
    pub fn delete_return_route(node: NodeId, width: NodeIdWidth, callback: u8) -> Self {
        Self::about_node(function::DELETE_RETURN_ROUTE, node, width, callback)
    }

    /// Gives a node ways to the controller that the network asks.
    pub fn assign_suc_return_route(node: NodeId, width: NodeIdWidth, callback: u8) -> Self {
        Self::about_node(function::ASSIGN_SUC_RETURN_ROUTE, node, width, callback)
    }

    /// Gives a node ways to another one.
    pub fn assign_return_route(node: NodeId, to: NodeId, width: NodeIdWidth, callback: u8) -> Self {
        let mut payload = Vec::new();
        width.push(&mut payload, node);
        width.push(&mut payload, to);
        payload.push(callback);
        Self::query(function::ASSIGN_RETURN_ROUTE, &payload)
    }

    /// Whether the stick's response says that it begins.
    pub fn is_taken(&self, response: &[u8]) -> bool {
        match self.function {
            function::ASSIGN_RETURN_ROUTE | function::DELETE_RETURN_ROUTE | function::ASSIGN_SUC_RETURN_ROUTE => {
                response.first().is_some_and(|begun| *begun != 0)
            }
            // Flags of what stands against it.
            _ => response.first() == Some(&0),
        }
    }

    /// Waits for another controller to take the stick out of its network.
    pub fn leave_network(callback: u8) -> Self {
        Self::order(function::SET_LEARN_MODE, &[LEARN_EXCLUSION, callback])
    }

    /// Waits for that no longer.
    pub fn leave_network_stop(callback: u8) -> Self {
        Self::order(function::SET_LEARN_MODE, &[LEARN_STOP, callback])
    }

    /// Forgets the network, and begins a new one.
    pub fn set_default(callback: u8) -> Self {
        Self::order(function::SET_DEFAULT, &[callback])
    }
}

/// The home id under which a node asks to join: bytes 9 to 12 of its label, the two highest bits set, the lowest clear.
pub fn joining_home_id(label: &DeviceLabel) -> [u8; 4] {
    let [.., a, b, c, d, _, _, _, _] = *label.expose();
    [a | 0xC0, b, c, d & 0xFE]
}

/// The home id under which it is answered: bytes 13 to 16 of its label, the two highest bits clear, the lowest set.
pub fn authentication_home_id(label: &DeviceLabel) -> [u8; 4] {
    let [.., a, b, c, d] = *label.expose();
    [a & 0x3F, b, c, d | 0x01]
}

/// How far the adding of a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddStatus {
    /// 0x01: the stick listens.
    Ready,
    /// 0x02: a node answered.
    Found,
    /// 0x03, 0x04: it gets this id; what it is, where it said so.
    Adding(NodeId, Option<NodeInformation>),
    /// 0x05: it knows its place; to be stopped now.
    ProtocolDone,
    /// 0x06: done.
    Done,
    /// 0x07: it did not work.
    Failed,
    /// 0x23: this stick may not add nodes.
    NotPrimary,
}

/// How far the removing of a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveStatus {
    /// 0x01: the stick listens.
    Ready,
    /// 0x02: a node answered.
    Found,
    /// 0x03, 0x04: it is being removed; `None`: it is of another network.
    Removing(Option<NodeId>),
    /// 0x06: done; which it was is told again, by some sticks only here.
    Done(Option<NodeId>),
    /// 0x07: it did not work.
    Failed,
    /// 0x23: this stick may not remove nodes.
    NotPrimary,
}

/// How the removing or replacing of a failed node went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedStatus {
    /// 0x00: it answers, so it stays.
    Answers,
    /// 0x01: it is removed.
    Removed,
    /// 0x03: the stick waits for the new node.
    Ready,
    /// 0x04: it is replaced.
    Replaced,
    /// 0x02, 0x05: it did not work.
    Failed,
}

/// How far the stick's own leaving of a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LearnStatus {
    /// 0x01: another controller has begun.
    Started,
    /// 0x06: done.
    Done,
    /// 0x07: it did not work.
    Failed,
    /// Some firmware tells of steps between.
    Between,
}

/// How a node's search for its neighbours goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeighborStatus {
    /// 0x21: it has begun.
    Started,
    /// 0x22: the stick knows the node's neighbours.
    Done,
    /// 0x23: it did not work.
    Failed,
}

/// What the stick tells of such an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkCallback {
    /// Of an adding.
    Add(u8, AddStatus),
    /// Of a removing.
    Remove(u8, RemoveStatus),
    /// Of the removing or replacing of a failed node.
    Failed(u8, FailedStatus),
    /// Of the stick's own leaving.
    Learn(u8, LearnStatus),
    /// Of a search for neighbours.
    Neighbors(u8, NeighborStatus),
    /// Ways were given to a node, or taken from it; whether it acknowledged that.
    Routes(u8, bool),
    /// The network is a new one.
    Default(u8),
}

impl NetworkCallback {
    /// Whether a function tells in this way.
    pub fn is_told_by(function: u8) -> bool {
        matches!(
            function,
            function::ADD_NODE_TO_NETWORK
                | function::REMOVE_NODE_FROM_NETWORK
                | function::REMOVE_FAILED_NODE
                | function::REPLACE_FAILED_NODE
                | function::SET_LEARN_MODE
                | function::SET_DEFAULT
                | function::REQUEST_NODE_NEIGHBOR_UPDATE
                | function::ASSIGN_RETURN_ROUTE
                | function::DELETE_RETURN_ROUTE
                | function::ASSIGN_SUC_RETURN_ROUTE
                | function::DELETE_SUC_RETURN_ROUTE
        )
    }

    /// Reads a callback.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(function: u8, payload: &[u8], width: NodeIdWidth) -> Result<Self, WireError> {
        let mut reader = Reader::new(payload);
        let callback = reader.u8("callback id")?;
        if function == function::SET_DEFAULT {
            return Ok(Self::Default(callback));
        }
        let status = reader.u8("status")?;
        if function == function::SET_LEARN_MODE {
            return Ok(Self::Learn(
                callback,
                match status {
                    0x01 => LearnStatus::Started,
                    0x06 => LearnStatus::Done,
                    0x07 => LearnStatus::Failed,
                    _ => LearnStatus::Between,
                },
            ));
        }
        match function {
            function::REQUEST_NODE_NEIGHBOR_UPDATE => {
                let status = match status {
                    0x21 => NeighborStatus::Started,
                    0x22 => NeighborStatus::Done,
                    _ => NeighborStatus::Failed,
                };
                return Ok(Self::Neighbors(callback, status));
            }
            // Some sticks give the answer to the assigning of a SUC return route as if one had been deleted.
            function::ASSIGN_RETURN_ROUTE
            | function::DELETE_RETURN_ROUTE
            | function::ASSIGN_SUC_RETURN_ROUTE
            | function::DELETE_SUC_RETURN_ROUTE => {
                return Ok(Self::Routes(callback, TransmitStatus::from(status) == TransmitStatus::Ok));
            }
            _ => {}
        }
        // Behind the statuses that need no node some sticks leave it out.
        let node = raw_node_id(&mut reader, width, "node").ok().and_then(NodeId::new);
        match function {
            function::ADD_NODE_TO_NETWORK => {
                let status = match status {
                    0x01 => AddStatus::Ready,
                    0x02 => AddStatus::Found,
                    0x03 | 0x04 => {
                        let node = node.ok_or_else(|| reader.invalid("node", 0_u8))?;
                        let length = reader.u8("length").unwrap_or(0);
                        let bytes = reader.bytes("node information", length.into())?;
                        AddStatus::Adding(node, NodeInformation::decode(bytes).ok())
                    }
                    0x05 => AddStatus::ProtocolDone,
                    0x06 => AddStatus::Done,
                    0x07 => AddStatus::Failed,
                    0x23 => AddStatus::NotPrimary,
                    other => return Err(WireError::Invalid { field: "status", offset: 1, value: other.into() }),
                };
                Ok(Self::Add(callback, status))
            }
            function::REMOVE_NODE_FROM_NETWORK => {
                let status = match status {
                    0x01 => RemoveStatus::Ready,
                    0x02 => RemoveStatus::Found,
                    0x03 | 0x04 => RemoveStatus::Removing(node),
                    0x06 => RemoveStatus::Done(node),
                    0x07 => RemoveStatus::Failed,
                    0x23 => RemoveStatus::NotPrimary,
                    other => return Err(WireError::Invalid { field: "status", offset: 1, value: other.into() }),
                };
                Ok(Self::Remove(callback, status))
            }
            _ => {
                let status = match status {
                    0x00 => FailedStatus::Answers,
                    0x01 => FailedStatus::Removed,
                    0x03 => FailedStatus::Ready,
                    0x04 => FailedStatus::Replaced,
                    _ => FailedStatus::Failed,
                };
                Ok(Self::Failed(callback, status))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> DeviceLabel {
        DeviceLabel::read("18750-33532-29766-19033-09864-05986-15648-21445").unwrap()
    }

    fn node(id: u16) -> NodeId {
        NodeId::new(id).unwrap()
    }

    /// Home ids made with @zwave-js/core 15.29.0: `nwiHomeIdFromDSK`, `authHomeIdFromDSK`.
    #[test]
    fn a_node_is_awaited_under_the_home_ids_of_its_label() {
        let command = Command::smart_start_add(&label(), false, 9);
        assert_eq!(*command.payload, [0xC8, 9, 0xE6, 0x88, 0x17, 0x62, 0x3D, 0x20, 0x53, 0xC5]);
        assert_eq!(*Command::smart_start_listen().payload, [0xC9, 0]);
        assert_eq!(Command::smart_start_add(&label(), true, 9).payload[0], 0xA8);
    }

    #[test]
    fn orders_are_laid_out_as_the_host_api_says() {
        assert_eq!(*Command::add_node(true, 7).payload, [0xC1, 7]);
        assert_eq!(*Command::add_node(false, 7).payload, [0x81, 7]);
        assert_eq!(*Command::leave_network(9).payload, [0x03, 9]);
        assert!(Command::leave_network_stop(0).is_stop() && !Command::leave_network(9).is_stop());
        assert_eq!(*Command::add_node_stop(0).payload, [0x05, 0]);
        assert_eq!(*Command::remove_node(8).payload, [0xC1, 8]);
        assert_eq!(*Command::remove_failed_node(node(5), NodeIdWidth::Bits8, 3).payload, [5, 3]);
        assert_eq!(*Command::replace_failed_node(node(260), NodeIdWidth::Bits16, 3).payload, [1, 4, 3]);
    }

    #[test]
    fn orders_about_routes_name_the_node_then_where_to_then_the_callback() {
        let (wide, narrow) = (NodeIdWidth::Bits16, NodeIdWidth::Bits8);
        let neighbors = Command::request_neighbor_update(node(5), wide, 3);
        assert_eq!((&**neighbors.payload, neighbors.answer), (&[0, 5, 3][..], Answer::None));
        assert_eq!(*Command::delete_return_route(node(5), narrow, 3).payload, [5, 3]);
        assert_eq!(*Command::assign_suc_return_route(node(5), wide, 3).payload, [0, 5, 3]);
        let assign = Command::assign_return_route(node(5), node(1), narrow, 3);
        assert_eq!(*assign.payload, [5, 1, 3]);
        assert!(assign.is_taken(&[1]) && !assign.is_taken(&[0]));
        let failed = Command::remove_failed_node(node(5), narrow, 3);
        assert!(failed.is_taken(&[0]) && !failed.is_taken(&[8]));
    }

    #[test]
    fn it_is_told_how_the_orders_about_routes_end() {
        let decode = |function, payload: &[u8]| NetworkCallback::decode(function, payload, NodeIdWidth::Bits8).unwrap();
        assert_eq!(decode(0x48, &[3, 0x21]), NetworkCallback::Neighbors(3, NeighborStatus::Started));
        assert_eq!(decode(0x48, &[3, 0x22]), NetworkCallback::Neighbors(3, NeighborStatus::Done));
        assert_eq!(decode(0x48, &[3, 0x23]), NetworkCallback::Neighbors(3, NeighborStatus::Failed));
        assert_eq!(decode(0x47, &[3, 0x00]), NetworkCallback::Routes(3, true));
        assert_eq!(decode(0x51, &[3, 0x01]), NetworkCallback::Routes(3, false));
        assert_eq!(decode(0x55, &[3, 0x00]), NetworkCallback::Routes(3, true));
    }

    #[test]
    fn the_steps_of_an_adding_are_read_with_what_the_node_is() {
        let decode = |payload: &[u8]| NetworkCallback::decode(0x4A, payload, NodeIdWidth::Bits8).unwrap();
        let NetworkCallback::Add(7, AddStatus::Adding(id, Some(information))) =
            decode(&[7, 3, 5, 5, 0x04, 0x40, 0x03, 0x9F, 0x55])
        else {
            panic!()
        };
        assert_eq!((id, information.generic_class), (node(5), 0x40));
        assert!(information.supported.contains(&0x9F));
        assert_eq!(decode(&[7, 1]), NetworkCallback::Add(7, AddStatus::Ready));
        assert_eq!(decode(&[7, 6, 5, 0]), NetworkCallback::Add(7, AddStatus::Done));
        let error = NetworkCallback::decode(0x4A, &[7, 3, 5, 9, 4], NodeIdWidth::Bits8).unwrap_err();
        assert_eq!(error.to_string(), "node information at offset 4 needs 9 byte(s), 1 left");
    }

    #[test]
    fn a_node_of_another_network_has_no_number_when_it_is_removed() {
        let decode = |payload: &[u8]| NetworkCallback::decode(0x4B, payload, NodeIdWidth::Bits16).unwrap();
        assert_eq!(decode(&[7, 3, 0, 0, 0]), NetworkCallback::Remove(7, RemoveStatus::Removing(None)));
        assert_eq!(decode(&[7, 6, 1, 4, 0]), NetworkCallback::Remove(7, RemoveStatus::Done(Some(node(260)))));
    }
}
