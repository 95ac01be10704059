//! Locks as the hub knows them.

use keyway_lock::{BatteryDetails, InterviewProgress, LinkReport, LockId, LockInfo};
use serde_json::{Map, Value};

use super::{DeviceId, Timestamp};

/// Which protocol a device speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RadioKind {
    /// Z-Wave.
    Zwave,
    /// Zigbee.
    Zigbee,
}

impl RadioKind {
    /// The number by which people know a device in its network; `None`: this radio has none.
    pub fn node(self, lock: LockId) -> Option<u64> {
        (self == Self::Zwave).then_some(lock.0)
    }

    /// The address that a device has for life, as it is printed on it; `None`: this radio has none.
    pub fn ieee_address(self, lock: LockId) -> Option<String> {
        let octets = lock.0.to_be_bytes().map(|octet| format!("{octet:02x}"));
        (self == Self::Zigbee).then(|| octets.join(":"))
    }
}

/// Where a device is: stable over restarts, sticks found under another path, and re-reading the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RadioAddress {
    /// Protocol.
    pub kind: RadioKind,
    /// Network identity as [`keyway_lock::StickInfo::network`] names it.
    pub network: String,
    /// The lock in that network.
    pub lock: LockId,
}

/// Why a lock is not in its network any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It was reset to factory settings by a hand at it.
    Reset,
    /// It was taken out.
    TakenOut,
}

/// What changes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceState {
    /// The lock answered when last spoken to.
    pub online: bool,
    /// Bolt thrown.
    pub locked: Option<bool>,
    /// Door open.
    pub door_open: Option<bool>,
    /// 0 to 100.
    pub battery_percent: Option<u8>,
    /// The lock warns of its battery.
    pub battery_low: bool,
    /// What more the battery tells.
    pub battery_details: Option<BatteryDetails>,
    /// The bolt is stuck.
    pub jammed: bool,
    /// When the lock was last heard.
    pub last_seen: Option<Timestamp>,
    /// Why it is not in its network any more, if it is not and that was told.
    pub gone: Option<Gone>,
}

impl DeviceState {
    /// Seam's word for the battery's level; `None`: it was never told.
    pub fn battery_status(&self) -> Option<&'static str> {
        Some(match self.battery_percent? {
            _ if self.battery_low => "critical",
            0..=10 => "critical",
            11..=25 => "low",
            26..=75 => "good",
            _ => "full",
        })
    }
}

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Id.
    pub device_id: DeviceId,
    /// The configured name, or one made from its model.
    pub name: String,
    /// The host's own name for it, over the other.
    pub nickname: Option<String>,
    /// Whatever the host wants kept with it.
    pub custom_metadata: Map<String, Value>,
    /// False: the hub listens to it and tells what happens, but writes nothing to it.
    pub is_managed: bool,
    /// False: it was taken out of the configuration, or its stick was, and can't be spoken to.
    pub is_configured: bool,
    /// Where it is.
    pub address: RadioAddress,
    /// Who it is and what it can do; `None` until its interview is done.
    pub info: Option<LockInfo>,
    /// How far it is being asked for that.
    pub interview: InterviewProgress,
    /// How well it is reached, as last told.
    pub link: Option<LinkReport>,
    /// What changes by itself.
    pub state: DeviceState,
    /// When the hub first knew of it.
    pub created_at: Timestamp,
}

impl Device {
    /// The name to show: the host's own, else the configured one.
    pub fn display_name(&self) -> &str {
        self.nickname.as_deref().unwrap_or(&self.name)
    }

    /// Whether codes can be put into it.
    pub fn takes_codes(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.capabilities.slot_count > 0)
    }
}
