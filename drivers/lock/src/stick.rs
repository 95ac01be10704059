//! The stick itself: what the hub asks of it beside its network's devices.

use crate::SecretBytes;

/// What the hub asks of a stick. A driver answers each with exactly one [`crate::RadioEvent::NetworkDone`], when it has
/// ended; one at a time, and not while a device is being added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StickCommand {
    /// Read its memory, and keep it among the records, for the day on which the stick is lost. Locks wait meanwhile.
    KeepMemory,
    /// Write the memory that is kept to the stick: from then on it has the network that it was kept of. Whatever the stick
    /// knew is lost.
    RestoreMemory {
        /// The identity of its present network, as [`crate::StickInfo::network`] has it.
        over: String,
        /// The address of the stick that is lost may be burnt into this one, which can be done once and never undone, if it
        /// takes it in no other way. Without that word such a stick is left as it is.
        burn_address: bool,
    },
    /// Write a network that another program has backed up to the stick, and work with it and its devices. Whatever the stick
    /// knew is lost. Zigbee only: Z-Wave has no such format.
    TakeOver {
        /// The backup, in the open format of coordinator backups. Holds keys.
        backup: SecretBytes,
        /// The identity of its present network, as [`crate::StickInfo::network`] has it.
        over: String,
        /// As of [`StickCommand::RestoreMemory`].
        burn_address: bool,
    },
    /// A stick that is another one than before ([`crate::StickState::Foreign`]) is to be worked with, and its network with
    /// it.
    Adopt {
        /// The identity of its network, as [`crate::StickInfo::network`] has it.
        network: String,
    },
    /// Restart its firmware. Its network stays.
    Restart,
    /// Set the region of the world whose frequencies it uses; it restarts.
    SetRegion {
        /// As [`crate::StickInfo::region`] has it.
        region: String,
    },
}
