//! Orders of the host about routes.

use keyway_lock::wire::{Reader, WireError};
use keyway_zwave::serial_api::function;

use super::{Controller, Effect, NetworkOrder, respond};
use crate::zwave::routes::NEIGHBORS_FAILED;

impl Controller {
    /// Only a search for neighbours has no response.
    pub(super) fn route_order(&self, function: u8, reader: &mut Reader<'_>) -> Result<Vec<Effect>, WireError> {
        let node = self.node_id(reader)?.filter(|node| self.known.nodes.contains_key(node) && !node.is_long_range());
        if function == function::ASSIGN_RETURN_ROUTE {
            self.node_id(reader)?;
        }
        let callback = reader.u8("callback id")?;
        Ok(match node {
            None if function == function::REQUEST_NODE_NEIGHBOR_UPDATE => {
                vec![Effect::Tell(Self::plain_callback(function, &[callback, NEIGHBORS_FAILED]))]
            }
            None => vec![respond(function, vec![0])],
            Some(node) if function == function::REQUEST_NODE_NEIGHBOR_UPDATE => {
                vec![Effect::Network(NetworkOrder::FindNeighbors(callback, node))]
            }
            Some(node) => {
                let order = NetworkOrder::ChangeRoutes(function, callback, node);
                vec![respond(function, vec![1]), Effect::Network(order)]
            }
        })
    }
}
