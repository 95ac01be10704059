//! Identify (0x0003): a device shows which one it is (ZCL 3.5).

use super::Frame;

/// Cluster id.
pub const CLUSTER: u16 = 0x0003;

/// IdentifyTime, seconds that are left.
pub const IDENTIFY_TIME: u16 = 0x0000;

/// Identify.
pub const IDENTIFY: u8 = 0x00;

/// Show yourself for so many seconds.
pub fn identify(sequence: u8, seconds: u16) -> Frame {
    Frame::to_server(sequence, IDENTIFY, seconds.to_le_bytes().to_vec())
}
