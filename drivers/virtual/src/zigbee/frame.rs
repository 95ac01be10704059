//! What goes over the air above the network layer.

/// A frame between two endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Profile: 0x0000 ZDO, 0x0104 Zigbee Home Automation.
    pub(super) profile: u16,
    pub(super) cluster: u16,
    /// Endpoint of the sender.
    pub(super) source: u8,
    /// Endpoint of the receiver.
    pub(super) destination: u8,
    /// ZDO or ZCL, from its first byte on.
    pub(super) payload: Vec<u8>,
}

/// Profile of Zigbee Device Objects.
pub(super) const ZDO: u16 = 0x0000;
/// Profile of Zigbee Home Automation, and of Zigbee 3.0.
pub(super) const HOME_AUTOMATION: u16 = 0x0104;

/// Clusters of a lock (ZCL revision 8).
pub(super) mod cluster {
    pub(in super::super) const BASIC: u16 = 0x0000;
    pub(in super::super) const POWER: u16 = 0x0001;
    pub(in super::super) const IDENTIFY: u16 = 0x0003;
    pub(in super::super) const ALARMS: u16 = 0x0009;
    pub(in super::super) const TIME: u16 = 0x000A;
    pub(in super::super) const POLL_CONTROL: u16 = 0x0020;
    pub(in super::super) const DOOR_LOCK: u16 = 0x0101;
}
