//! The devices of the network: what is known of each and kept of it, and the interview that finds it out.

pub mod interview;
pub mod link;
pub mod removed;
pub mod repeated;
pub mod table;
pub mod tunable;
