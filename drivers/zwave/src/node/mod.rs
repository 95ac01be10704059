//! Nodes of the network: their ids, what they are, what is known of them.

pub mod id;
pub mod info;
pub mod link;
mod lock_info;
pub mod settings;
pub mod table;

pub use id::NodeId;
