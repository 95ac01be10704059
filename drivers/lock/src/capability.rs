//! What a lock can do, as its interview found out.

use crate::{Pin, SlotNumber};

/// What a lock shows of the codes in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadBack {
    /// Not seen yet: no occupied slot has been read.
    #[default]
    Unknown,
    /// The digits themselves.
    Shown,
    /// Whether a slot is taken, but not by which digits.
    Masked,
}

/// What a lock takes and tells. From the interview, corrected by what the lock later shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Slots for codes; slot numbers run from `first_slot` to `first_slot + slot_count - 1`. 0: no keypad.
    pub slot_count: u16,
    /// The first slot's number.
    pub first_slot: SlotNumber,
    /// Shortest PIN, in digits.
    pub min_code_length: u8,
    /// Longest PIN, in digits.
    pub max_code_length: u8,
    /// The digits its keypad has, ascending; usually "0123456789".
    pub digits: String,
    /// What it shows of its codes.
    pub read_back: ReadBack,
    /// Takes the lock command from afar.
    pub can_lock: bool,
    /// Takes the unlock command from afar.
    pub can_unlock: bool,
    /// Tells whether the door is open.
    pub has_door_sensor: bool,
    /// Tells its battery's level.
    pub has_battery: bool,
}

impl Capabilities {
    /// Whether this lock could hold `pin` at all; the reason if not.
    ///
    /// # Errors
    /// The [`crate::Refusal`] that the lock itself would answer.
    pub fn check(&self, pin: &Pin) -> Result<(), crate::Refusal> {
        let length = pin.digits();
        if length < usize::from(self.min_code_length) || length > usize::from(self.max_code_length) {
            return Err(crate::Refusal::UnsupportedLength { min: self.min_code_length, max: self.max_code_length });
        }
        if !pin.expose().chars().all(|c| self.digits.contains(c)) {
            return Err(crate::Refusal::UnsupportedDigit);
        }
        Ok(())
    }

    /// Whether the lock has a slot of this number.
    pub fn has_slot(&self, slot: SlotNumber) -> bool {
        slot >= self.first_slot && slot.0 - self.first_slot.0 < self.slot_count
    }
}

/// Who a lock is and what it can do. Kept in the store; asked again only when told to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockInfo {
    /// Maker's name as far as known, else its number in hexadecimal.
    pub manufacturer: String,
    /// Model's name as far as known, else its numbers in hexadecimal.
    pub model: String,
    /// Firmware version such as "1.8"; empty if not told.
    pub firmware: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Parts of the interview that failed and will be tried again, in plain words; empty when complete.
    pub missing: Vec<String>,
}
