//! A lock, as a driver tells of it.

use keyway_lock::{Alike, Capabilities, LockInfo, ReadBack, Settings, SlotNumber};

/// A lock with so many slots, from 1 on, for PINs of 4 to 8 digits, which it shows; with a battery and a bolt, and nothing
/// else. A test changes of it what it is about.
pub fn lock_info(slot_count: u16) -> LockInfo {
    LockInfo {
        manufacturer: "Maker".to_owned(),
        model: "Model".to_owned(),
        firmware: "1.0".to_owned(),
        serial_number: None,
        capabilities: Capabilities {
            slot_count,
            first_slot: SlotNumber(1),
            min_code_length: 4,
            max_code_length: 8,
            digits: "0123456789".to_owned(),
            reserved_slots: Default::default(),
            alike: Alike::default(),
            has_checksum: false,
            changes_at_once: 0,
            window_slots: 0,
            read_back: ReadBack::Shown,
            can_lock: true,
            can_unlock: true,
            has_door_sensor: false,
            has_battery: true,
            can_identify: true,
        },
        auto_lock: None,
        settings: Box::new(Settings::default()),
        missing: Vec::new(),
    }
}
