//! All that makes a stick the coordinator of a network: what moves a network from one stick to another, and from one
//! program to another in the open coordinator backup format.

mod format;

use crate::address::{Ieee, Nwk};
use crate::coordinator::{Family, NetworkParameters};
use crate::key::Key;

pub use format::BackupError;

/// A network as a stick holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkBackup {
    /// The coordinator's address: devices know their trust centre by it.
    pub coordinator: Ieee,
    /// Where the network is and how it is locked.
    pub network: NetworkParameters,
    /// How often the network has changed its channel or PAN id.
    pub update_id: u8,
    /// Which of its network keys this is.
    pub key_sequence: u8,
    /// The last frame counter sent under the network key. One that goes back makes the network deaf.
    pub frame_counter: u32,
    /// What the stick makes the devices' own link keys from.
    pub link_key_seed: Option<LinkKeySeed>,
    /// The devices the stick knows.
    pub devices: Vec<KnownDevice>,
}

/// Sticks need not keep a link key of each device: they make it from the device's address and a seed, each maker in its own
/// way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkKeySeed {
    /// Whose way.
    pub family: Family,
    /// The seed.
    pub seed: Key,
}

/// A device in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// Its address for life.
    pub ieee: Ieee,
    /// Its address in the network, where the stick knows it.
    pub nwk: Option<Nwk>,
    /// Whether it is an end device that the stick is the parent of.
    pub is_child: bool,
    /// The key between it and the trust centre, where that is its own.
    pub link_key: Option<LinkKey>,
}

/// A link key with its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkKey {
    /// The key.
    pub key: Key,
    /// The last frame counter sent under it.
    pub sent: u32,
    /// The last frame counter received under it.
    pub received: u32,
}

/// How far frame counters are moved forward when a network is restored: what the stick sent since the backup was made is
/// not known, and devices are deaf to a counter that they have seen. A network of locks sends less in a year. zigpy moves by
/// 10 000 and zigbee-herdsman by 2500, which is too little for a backup of last summer; two thousand restores are left until a
/// counter is worn out (Zigbee R22 section 4.3.1.2: at 0x80000000 the key is to be changed).
const MOVED_FORWARD: u32 = 1_000_000;

impl NetworkBackup {
    /// With frame counters that nobody has seen.
    #[must_use]
    pub fn moved_forward(&self) -> Self {
        let mut moved = self.clone();
        moved.frame_counter = moved.frame_counter.saturating_add(MOVED_FORWARD);
        for link_key in moved.devices.iter_mut().filter_map(|device| device.link_key.as_mut()) {
            link_key.sent = link_key.sent.saturating_add(MOVED_FORWARD);
        }
        moved
    }

    /// The seed, where it is one that sticks of this maker use.
    pub fn seed_of(&self, family: Family) -> Option<&Key> {
        self.link_key_seed.as_ref().filter(|seed| seed.family == family).map(|seed| &seed.seed)
    }
}
