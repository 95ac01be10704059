//! The Zigbee Device Objects (ZDO): what a device is, where it is, what it is bound to, and how it leaves (Zigbee R22
//! section 2.4). Profile 0, endpoint 0; each command is a cluster, and its answer the same with the highest bit set.

pub mod descriptor;
mod management;
mod message;

pub use descriptor::{Capability, LogicalType, NodeDescriptor, PowerDescriptor, SimpleDescriptor};
pub use management::{Binding, BindingTarget, Neighbour, Route, Table};
pub use message::{Message, Zdo};

use std::fmt;

use keyway_lock::wire::WireError;

/// The profile.
pub const PROFILE: u16 = 0x0000;
/// The endpoint.
pub const ENDPOINT: u8 = 0;
/// The bit that makes an answer's cluster of its question's.
pub const RESPONSE: u16 = 0x8000;

/// Cluster ids of the requests.
pub mod cluster {
    /// NWK_addr_req.
    pub const NWK_ADDR: u16 = 0x0000;
    /// IEEE_addr_req.
    pub const IEEE_ADDR: u16 = 0x0001;
    /// Node_Desc_req.
    pub const NODE_DESC: u16 = 0x0002;
    /// Power_Desc_req.
    pub const POWER_DESC: u16 = 0x0003;
    /// Simple_Desc_req.
    pub const SIMPLE_DESC: u16 = 0x0004;
    /// Active_EP_req.
    pub const ACTIVE_EP: u16 = 0x0005;
    /// Match_Desc_req.
    pub const MATCH_DESC: u16 = 0x0006;
    /// Device_annce.
    pub const DEVICE_ANNCE: u16 = 0x0013;
    /// Bind_req.
    pub const BIND: u16 = 0x0021;
    /// Unbind_req.
    pub const UNBIND: u16 = 0x0022;
    /// Mgmt_Lqi_req.
    pub const MGMT_LQI: u16 = 0x0031;
    /// Mgmt_Rtg_req.
    pub const MGMT_RTG: u16 = 0x0032;
    /// Mgmt_Bind_req.
    pub const MGMT_BIND: u16 = 0x0033;
    /// Mgmt_Leave_req.
    pub const MGMT_LEAVE: u16 = 0x0034;
    /// Mgmt_Permit_Joining_req.
    pub const MGMT_PERMIT_JOINING: u16 = 0x0036;
}

/// How a device says that it did something, or why not (Zigbee R22 section 2.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ZdoStatus(pub u8);

impl ZdoStatus {
    /// Done.
    pub const SUCCESS: Self = Self(0x00);
    /// No such device.
    pub const DEVICE_NOT_FOUND: Self = Self(0x81);
    /// No such endpoint.
    pub const NOT_ACTIVE: Self = Self(0x83);
    /// The device does not know the command.
    pub const NOT_SUPPORTED: Self = Self(0x84);
    /// The table is full.
    pub const TABLE_FULL: Self = Self(0x8D);

    /// Whether it was done.
    pub fn is_success(self) -> bool {
        self == Self::SUCCESS
    }
}

impl fmt::Display for ZdoStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

/// Why bytes are not what they were read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ZdoError {
    /// A cluster that is not spoken here.
    #[error("ZDO cluster {0:#06x} is not spoken here")]
    UnknownCluster(u16),
    /// Too short, or an impossible value.
    #[error(transparent)]
    Wire(#[from] WireError),
}
