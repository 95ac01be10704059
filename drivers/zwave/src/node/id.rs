//! Node ids, classic and Long Range.

use std::fmt;

use keyway_lock::LockId;

/// A node id: 1 to 232 for classic nodes, 256 to 4000 for Long Range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u16);

impl NodeId {
    /// The first node of every network: its primary controller.
    pub const FIRST: Self = Self(1);

    /// Checks a number.
    pub fn new(id: u16) -> Option<Self> {
        matches!(id, 1..=232 | 256..=4000).then_some(Self(id))
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }

    /// Whether it needs the 16-bit node id format.
    pub fn is_long_range(self) -> bool {
        self.0 >= 256
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<NodeId> for LockId {
    fn from(id: NodeId) -> Self {
        Self(u64::from(id.0))
    }
}
