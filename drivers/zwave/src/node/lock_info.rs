//! What the hub is told of a lock: what it can do, by what its interview found.

use keyway_lock::{AutoLock, Capabilities, LockInfo, ReadBack, SlotNumber};

use super::table::NodeRecord;
use crate::cc;
use crate::cc::manufacturer_specific::manufacturer_name;
use crate::security::SecurityClass;

/// Slots that one command of the hub may change, at most: a person at the door waits behind them, for about two seconds.
const MOST_CHANGES: u8 = 12;

impl NodeRecord {
    /// What the hub is told.
    pub fn lock_info(&self) -> LockInfo {
        let (manufacturer, model) = match self.product {
            Some((maker, kind, product)) => (
                manufacturer_name(maker).map_or_else(|| format!("{maker:04x}"), str::to_owned),
                format!("{kind:04x}:{product:04x}"),
            ),
            None => (String::new(), String::new()),
        };
        let pins = self.credential_pins.filter(|_| self.speaks_credentials());
        let lengths = self.code_length.map(|length| (length, length)).or(self.quirk.code_lengths);
        let lengths = lengths.or(pins.map(|pins| (pins.min_length, pins.max_length)));
        // User Code has no field for it: "the User Code field MUST be 4 to 10 characters".
        let (min_code_length, max_code_length) = lengths.unwrap_or((4, 10));
        let (slot_count, has_checksum) = match pins {
            Some(pins) => (self.credential_slots(), pins.checksum),
            None => (self.users.unwrap_or(0), self.checksum == Some(true)),
        };
        LockInfo {
            manufacturer,
            model,
            firmware: self.firmware.map_or_else(String::new, |(version, sub)| format!("{version}.{sub}")),
            serial_number: self.serial_number.clone().filter(|number| !number.is_empty()),
            capabilities: Capabilities {
                slot_count,
                first_slot: SlotNumber(1),
                min_code_length,
                max_code_length,
                reserved_slots: self.quirk.reserved_slots.clone(),
                alike: self.quirk.alike.clone(),
                digits: self.digits.clone().unwrap_or_else(|| "0123456789".to_owned()),
                read_back: match self.hides_codes() {
                    None => ReadBack::Unknown,
                    Some(false) => ReadBack::Shown,
                    Some(true) => ReadBack::Masked,
                },
                has_checksum,
                changes_at_once: self.changes_at_once(),
                window_slots: self.window_slots(),
                can_lock: self.supports(cc::door_lock::CLASS),
                can_unlock: self.supports(cc::door_lock::CLASS),
                has_door_sensor: self.door_sensor == Some(true),
                has_battery: self.supports(cc::battery::CLASS),
                can_identify: self.identifies == Some(true),
            },
            auto_lock: self.auto_relock.filter(|_| self.has_auto_relock == Some(true)).map(AutoLock::from_seconds),
            settings: Box::new(self.settings_told()),
            missing: self.missing.iter().cloned().collect(),
        }
    }

    /// How many slots can have a window that the lock keeps by itself. Its clock must show what time it takes it to be. One
    /// that hides its codes and can't tell how a set went is proven by emptying the slot first, and its schedule with it.
    fn window_slots(&self) -> u16 {
        let provable = self.hides_codes() != Some(true) || self.is_supervised();
        let able = self.has_schedules() && self.supports(cc::time_parameters::CLASS) && provable;
        // The identifier of a schedule's user has one byte.
        let users = self.users.unwrap_or(0).min(u8::MAX.into());
        if able && self.keeps_schedules != Some(false) { users } else { 0 }
    }

    /// How many slots may be changed by one command of the hub. One that tells its old content for a while is given time
    /// after each; under Security 0 not even two codes fit a frame.
    fn changes_at_once(&self) -> u8 {
        let able = self.multiple_set == Some(true) && self.quirk.settle.is_zero();
        // Each code has its schedule, to be seen to by itself.
        let able = able && !self.is_narrow() && !self.speaks_credentials() && !self.has_schedules();
        if able { MOST_CHANGES } else { 0 }
    }

    /// Up to which slot it may tell of several in one answer; `None`: it tells of one.
    pub fn tells_up_to(&self) -> Option<SlotNumber> {
        let able = self.multiple_report == Some(true) && !self.is_narrow();
        self.users.map(SlotNumber).filter(|_| able)
    }

    fn is_narrow(&self) -> bool {
        self.granted.iter().max() == Some(&(SecurityClass::S0 as u8))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::node::table::{PinFacts, UserFacts};

    #[test]
    fn where_a_lock_has_both_classes_its_codes_are_the_pins_of_its_users() {
        let (guests, pins) = (UserFacts { guests: 20, name_length: 10, name_encoding: 0 }, 25);
        let both = NodeRecord {
            clear: BTreeSet::from([cc::user_code::CLASS, cc::user_credential::CLASS]),
            users: Some(250),
            credential_users: Some(guests),
            credential_pins: Some(PinFacts { slots: pins, min_length: 6, max_length: 8, checksum: true }),
            ..NodeRecord::new(&[])
        };
        let capabilities = both.lock_info().capabilities;
        assert_eq!((capabilities.slot_count, capabilities.min_code_length, capabilities.max_code_length), (20, 6, 8));
        assert!(capabilities.has_checksum && both.is_usable());
        let no_pins = PinFacts { slots: 0, min_length: 0, max_length: 0, checksum: false };
        let fingers_only = NodeRecord { credential_pins: Some(no_pins), ..both.clone() };
        assert_eq!(fingers_only.lock_info().capabilities.slot_count, 250);
        assert!(!NodeRecord { credential_pins: None, ..both }.is_usable());
    }

    #[test]
    fn a_lock_without_user_codes_takes_no_codes_and_an_unknown_maker_is_shown_by_number() {
        let record = NodeRecord { product: Some((0xABCD, 1, 2)), ..NodeRecord::new(&[]) };
        let info = record.lock_info();
        assert_eq!((info.manufacturer.as_str(), info.model.as_str()), ("abcd", "0001:0002"));
        assert_eq!(info.capabilities.slot_count, 0);
    }
}
