//! Getting a command class to a node and its answer back: queues, exchanges, and the encapsulations that are not security.

pub mod crc16;
pub mod exchange;
pub mod multi_channel;
pub mod multi_command;
pub mod queue;
pub mod receive;
pub mod segmentation;
pub mod sessions;
pub mod supervision;
pub mod waking;
