//! The link between host and stick: frames, acknowledgement, retransmission (INS12350).

pub mod frame;
pub mod link;
