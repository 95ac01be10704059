//! What a command means that the lock sent, and how secured it must be.

use keyway_lock::{LockEvent, SlotContent, SlotNumber};

use crate::cc::battery::{self, BatteryCommand};
use crate::cc::door_lock::{self, DoorLockCommand};
use crate::cc::notification::{self, NotificationCommand};
use crate::cc::user_code::{self, UserCodeCommand};
use crate::cc::user_credential;
use crate::node::table::NodeRecord;
use crate::security::{SecurityClass, s0, s2};

/// Device Reset Locally (CC:005A.01.01).
const RESET_NOTIFICATION: [u8; 2] = [0x5A, 0x01];

/// The security a command of this class has, from the lock or to it: the highest granted, if the lock supports the class
/// under security.
pub(super) fn level_of(record: &NodeRecord, granted: &[SecurityClass], command: &[u8]) -> Option<SecurityClass> {
    const SECURITY: [u8; 2] = [s0::CLASS, s2::CLASS];
    let class = command.first()?;
    let secure = record.secure.contains(class) || SECURITY.contains(class);
    granted.iter().max().copied().filter(|_| secure)
}

/// The security a command must have to be believed. A secured lock says nothing in the clear but what it lists there:
/// anybody could make it up.
pub(super) fn due_level(record: &NodeRecord, granted: &[SecurityClass], command: &[u8]) -> Option<SecurityClass> {
    let class = command.first()?;
    let in_the_clear = record.clear.contains(class) && !record.secure.contains(class);
    granted.iter().max().copied().filter(|_| !in_the_clear)
}

/// What a command means for a lock; what can't be read means nothing.
pub(super) fn events_of(command: &[u8], record: &NodeRecord) -> Vec<LockEvent> {
    match command.first() {
        Some(&notification::CLASS) => match NotificationCommand::decode(command) {
            Ok(NotificationCommand::Report(report)) => {
                let events = report.lock_events(record.quirk.alarm_events);
                events.into_iter().map(|event| by_slot(event, record)).collect()
            }
            _ => Vec::new(),
        },
        Some(&battery::CLASS) => match BatteryCommand::decode(command) {
            Ok(BatteryCommand::Report { percent, low, details }) => {
                let details = details.map(LockEvent::BatteryDetails);
                [LockEvent::Battery { percent, low }].into_iter().chain(details).collect()
            }
            _ => Vec::new(),
        },
        Some(&door_lock::CLASS) => match DoorLockCommand::decode(command) {
            Ok(DoorLockCommand::OperationReport(report)) => {
                let door = (record.door_sensor == Some(true)).then(|| LockEvent::DoorOpen(report.door_open()));
                report.locked().map(LockEvent::Bolt).into_iter().chain(door).collect()
            }
            _ => Vec::new(),
        },
        // Some locks report a slot by themselves when a hand changed it: worth a look.
        Some(&user_code::CLASS) => match UserCodeCommand::decode(command) {
            Ok(UserCodeCommand::Report(code)) if code.content() == SlotContent::Free => {
                vec![LockEvent::CodeDeleted(Some(code.user))]
            }
            Ok(UserCodeCommand::Report(code)) => vec![LockEvent::CodeAdded(Some(code.user))],
            _ => Vec::new(),
        },
        Some(&user_credential::CLASS) => user_credential::event_of(command).into_iter().collect(),
        _ if command.starts_with(&RESET_NOTIFICATION) => vec![LockEvent::Reset],
        _ => Vec::new(),
    }
}

/// Some locks count the users of keypad events in their own way.
fn by_slot(event: LockEvent, record: &NodeRecord) -> LockEvent {
    let slot_of = |user: Option<SlotNumber>| user.and_then(|user| record.quirk.slot_of_event(user));
    match event {
        LockEvent::Unlocked { source, slot } => LockEvent::Unlocked { source, slot: slot_of(slot) },
        LockEvent::Locked { source, slot } => LockEvent::Locked { source, slot: slot_of(slot) },
        other => other,
    }
}
