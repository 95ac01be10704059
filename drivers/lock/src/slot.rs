//! The places in which a lock keeps codes, and what it says is in them.

use std::fmt;

use crate::Pin;

/// Number of a code slot, as the lock counts them (Z-Wave: User Identifier, from 1; Zigbee: User ID).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotNumber(pub u16);

impl fmt::Display for SlotNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a lock said a slot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotContent {
    /// Available: no code.
    Free,
    /// A code, and the lock showed it.
    Code(Pin),
    /// A code that the lock does not show: asterisks, or characters that no [`Pin`] has.
    Hidden,
    /// The lock says the slot can't be used (reserved, a status nobody defined). Never ours to write.
    Unusable,
}

/// A lock's own word about one slot. Only ever made from a frame the lock sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotReport {
    /// Which slot.
    pub slot: SlotNumber,
    /// What is in it.
    pub content: SlotContent,
}

/// How the lock proved that a code is in it, or gone from it. Never a cache, never our own wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// A fresh read of the slot after the command showed the wanted content, or the lock's checksum over all its codes did.
    ReadBack,
    /// The lock carried out the command under supervision and said SUCCESS, where it hides its codes.
    Supervised,
    /// The lock reported what became of the command by its own event, where it hides its codes and answers like that (User
    /// Credential).
    ProgrammingEvent,
}
