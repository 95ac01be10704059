//! Getting a command class to a node: queues and the encapsulations that are not security.

pub mod crc16;
pub mod multi_channel;
pub mod multi_command;
pub mod queue;
pub mod segmentation;
pub mod supervision;
