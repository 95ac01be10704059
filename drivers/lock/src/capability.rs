//! What a lock can do, as its interview found out.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use crate::{Pin, Settings, SlotNumber};

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
    /// Slots that are there and never for guests: a master code, a service code.
    pub reserved_slots: BTreeSet<SlotNumber>,
    /// Which of its codes it can't tell apart.
    pub alike: Alike,
    /// What it shows of its codes.
    pub read_back: ReadBack,
    /// It tells a checksum over all its codes.
    pub has_checksum: bool,
    /// So many slots may be changed by one [`crate::LockCommand::ChangeCodes`]; 0 or 1: it takes none.
    pub changes_at_once: u8,
    /// So many slots, from the first on, can have a window outside of which their code does not open, kept by the lock's own
    /// clock, which can be set and read; 0: none can.
    pub window_slots: u16,
    /// Takes the lock command from afar.
    pub can_lock: bool,
    /// Takes the unlock command from afar.
    pub can_unlock: bool,
    /// Tells whether the door is open.
    pub has_door_sensor: bool,
    /// Tells its battery's level.
    pub has_battery: bool,
    /// Shows which one it is when asked to, by blinking or beeping.
    pub can_identify: bool,
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

    /// How many slots there are for guests.
    pub fn guest_slots(&self) -> u16 {
        let reserved = self.reserved_slots.iter().filter(|slot| self.counts(**slot)).count();
        self.slot_count.saturating_sub(u16::try_from(reserved).unwrap_or(u16::MAX))
    }

    /// Whether the lock has a slot of this number, for guests.
    pub fn has_slot(&self, slot: SlotNumber) -> bool {
        self.counts(slot) && !self.reserved_slots.contains(&slot)
    }

    /// Whether the lock has a slot of this number, for guests; the reason if not.
    ///
    /// # Errors
    /// The [`crate::Refusal`] that the lock itself would answer.
    pub fn check_slot(&self, slot: SlotNumber) -> Result<(), crate::Refusal> {
        let first = self.first_slot.0;
        let last = first.saturating_add(self.slot_count).saturating_sub(1);
        if self.has_slot(slot) { Ok(()) } else { Err(crate::Refusal::NoSuchSlot { first, last }) }
    }

    /// Whether a code in this slot can have a window that the lock keeps by itself.
    pub fn keeps_window(&self, slot: SlotNumber) -> bool {
        self.has_slot(slot) && slot.0 - self.first_slot.0 < self.window_slots
    }

    fn counts(&self, slot: SlotNumber) -> bool {
        slot >= self.first_slot && slot.0 - self.first_slot.0 < self.slot_count
    }
}

/// Which codes a lock can't tell apart, though their digits differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alike {
    /// Digits that share a button, such as "12" where 1 and 2 do. A digit in none of them has a button of its own.
    pub buttons: Vec<String>,
    /// Only so many first digits count.
    pub first_digits: Option<u8>,
}

impl Alike {
    /// Whether the keypad could take one PIN for the other: they are alike, or one opens at the last digit of the other.
    pub fn collide(&self, a: &Pin, b: &Pin) -> bool {
        let count = self.first_digits.map_or(usize::MAX, usize::from);
        let pressed = |pin| self.pressed(pin).take(count);
        pressed(a).zip(pressed(b)).all(|(a, b)| a == b)
    }

    /// Each digit as the first one on its button.
    fn pressed<'a>(&'a self, pin: &'a Pin) -> impl Iterator<Item = char> + 'a {
        pin.expose().chars().map(|digit| {
            let button = self.buttons.iter().find(|button| button.contains(digit));
            button.and_then(|button| button.chars().next()).unwrap_or(digit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collide(alike: &Alike, a: &str, b: &str) -> bool {
        let pin = |digits| Pin::new(digits).unwrap();
        assert_eq!(alike.collide(&pin(a), &pin(b)), alike.collide(&pin(b), &pin(a)));
        alike.collide(&pin(a), &pin(b))
    }

    #[test]
    fn a_pin_collides_with_one_that_begins_with_it() {
        let alike = Alike::default();
        assert!(collide(&alike, "1234", "1234") && collide(&alike, "1234", "123456"));
        assert!(!collide(&alike, "1234", "1235") && !collide(&alike, "123456", "123457"));
    }

    #[test]
    fn digits_on_one_button_are_the_same_digit() {
        let alike = Alike { buttons: ["12", "34"].map(str::to_owned).to_vec(), ..Alike::default() };
        assert!(collide(&alike, "1357", "2457"));
        assert!(!collide(&alike, "1357", "1358"));
    }

    #[test]
    fn where_only_the_first_digits_count_the_others_do_not() {
        let alike = Alike { first_digits: Some(4), ..Alike::default() };
        assert!(collide(&alike, "123456", "123499"));
        assert!(!collide(&alike, "123456", "133456"));
    }
}

/// Whether a lock throws its bolt by itself after it was unlocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AutoLock {
    /// It does not.
    Off,
    /// It does, after so many seconds.
    After(NonZeroU16),
}

impl AutoLock {
    /// The seconds as locks write them: 0 is off.
    pub fn from_seconds(seconds: u16) -> Self {
        NonZeroU16::new(seconds).map_or(Self::Off, Self::After)
    }

    /// The seconds as locks write them: 0 is off.
    pub fn seconds(self) -> u16 {
        match self {
            Self::Off => 0,
            Self::After(seconds) => seconds.get(),
        }
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
    /// Serial number, as the maker writes it; `None`: not told.
    pub serial_number: Option<String>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// How it locks by itself, as it last said; `None`: that can't be set from afar.
    pub auto_lock: Option<AutoLock>,
    /// What else it can be told, and what it is told.
    pub settings: Box<Settings>,
    /// Parts of the interview that failed and will be tried again, in plain words; empty when complete.
    pub missing: Vec<String>,
}
