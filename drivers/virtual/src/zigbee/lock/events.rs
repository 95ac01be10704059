//! What happens at the door, told to whoever is bound: operations, programming, alarms, and the lock's own log of them (ZCL
//! revision 8, sections 7.3.2.17.20, 7.3.2.17.21 and 7.3.2.16.4; Alarms: 3.11).

use std::collections::VecDeque;
use std::time::Instant;

use keyway_lock::SlotNumber;

use super::super::frame::cluster;
use super::super::put::Put;
use super::Lock;
use super::users::{user_status, user_type};
use crate::door::{By, DoorEvent, Turner};

/// Records that the lock keeps.
pub(super) const MAX_RECORDS: u16 = 20;
/// No user, or one that is not known.
pub(super) const NO_USER: u16 = 0xFFFF;
/// No time is known.
const NO_TIME: u32 = u32::MAX;

/// What did it: the first number of every event.
pub(super) mod source {
    pub(in super::super) const KEYPAD: u8 = 0;
    pub(in super::super) const RADIO: u8 = 1;
    pub(in super::super) const MANUAL: u8 = 2;
}

/// Operations.
pub(super) mod operation {
    pub(in super::super) const LOCK: u8 = 0x01;
    pub(in super::super) const UNLOCK: u8 = 0x02;
    pub(in super::super) const LOCK_WRONG_PIN: u8 = 0x03;
    pub(in super::super) const UNLOCK_WRONG_PIN: u8 = 0x05;
    pub(in super::super) const UNLOCK_WRONG_TIME: u8 = 0x06;
    pub(in super::super) const AUTO_LOCK: u8 = 0x0A;
    pub(in super::super) const MANUAL_LOCK: u8 = 0x0D;
    pub(in super::super) const MANUAL_UNLOCK: u8 = 0x0E;
    pub(in super::super) const NON_ACCESS: u8 = 0x0F;
}

/// Programming.
mod programming {
    pub(super) const PIN_ADDED: u8 = 0x02;
    pub(super) const PIN_DELETED: u8 = 0x03;
    pub(super) const PIN_CHANGED: u8 = 0x04;
}

/// Alarms of Door Lock (section 7.3.2.18).
mod alarm {
    pub(super) const JAMMED: u8 = 0x00;
    pub(super) const WRONG_CODES: u8 = 0x04;
}

const OPERATION_EVENT: u8 = 0x20;
const PROGRAMMING_EVENT: u8 = 0x21;
const ALARM: u8 = 0x00;

/// An event as the lock keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) id: u16,
    pub(super) time: u32,
    /// 0: operation, 1: programming.
    pub(super) kind: u8,
    pub(super) source: u8,
    pub(super) code: u8,
    pub(super) user: u16,
}

/// The log.
#[derive(Debug, Default)]
pub(super) struct Log {
    records: VecDeque<Record>,
    last: u16,
}

impl Log {
    fn push(&mut self, record: Record) {
        if self.records.len() >= usize::from(MAX_RECORDS) {
            self.records.pop_front();
        }
        // Its place in the table, which is written round and round.
        self.last = self.last % MAX_RECORDS + 1;
        self.records.push_back(Record { id: self.last, ..record });
    }

    /// Record 0 is the newest.
    pub(super) fn get(&self, id: u16) -> Option<&Record> {
        match id {
            0 => self.records.back(),
            id => self.records.iter().find(|record| record.id == id),
        }
    }
}

impl Lock {
    /// Tells of what happened at the door.
    pub(super) fn tell_events(&mut self, now: Instant) {
        while let Some(event) = self.door.poll_event() {
            match event {
                DoorEvent::Turned { locked, by } => self.tell_turned(now, locked, by),
                DoorEvent::Jammed => self.tell_alarm(alarm::JAMMED),
                DoorEvent::WrongCodes => self.tell_alarm(alarm::WRONG_CODES),
                DoorEvent::CodeAdded(slot, by) => {
                    let user = self.numbers.user(slot);
                    let changed = !self.with_code.insert(user);
                    let code = if changed { programming::PIN_CHANGED } else { programming::PIN_ADDED };
                    self.tell_programming(now, by, code, user, Some(slot));
                }
                DoorEvent::CodeDeleted(slot, by) => {
                    let user = self.numbers.user(slot);
                    self.with_code.remove(&user);
                    self.tell_programming(now, by, programming::PIN_DELETED, user, None);
                }
                DoorEvent::AllCodesDeleted(by) => {
                    self.with_code.clear();
                    self.tell_programming(now, by, programming::PIN_DELETED, NO_USER, None);
                }
                // Attributes tell of these.
                DoorEvent::Opened(_) | DoorEvent::Battery(_) | DoorEvent::KeypadMode(..) => {}
                // The answer to the hub has said it; at the keypad the lock beeps.
                DoorEvent::DuplicateRefused(_) => {}
                // No lock here has a code that is nobody's.
                DoorEvent::AdminCode(_) => {}
            }
        }
    }

    fn tell_turned(&mut self, now: Instant, locked: bool, by: Turner) {
        let of = |lock, unlock| if locked { lock } else { unlock };
        let (source, code, user) = match by {
            Turner::Hand => (source::MANUAL, of(operation::MANUAL_LOCK, operation::MANUAL_UNLOCK), NO_USER),
            Turner::Radio => {
                let user = self.radio_user.take().unwrap_or(NO_USER);
                (source::RADIO, of(operation::LOCK, operation::UNLOCK), user)
            }
            Turner::Keypad(slot) => (source::KEYPAD, of(operation::LOCK, operation::UNLOCK), self.numbers.user(slot)),
            Turner::Itself => (source::MANUAL, operation::AUTO_LOCK, NO_USER),
        };
        self.tell_operation(now, source, code, user);
        if !locked {
            self.relock_later(now);
        }
    }

    /// An operation, or one that was refused.
    pub(super) fn tell_operation(&mut self, now: Instant, source: u8, code: u8, user: u16) {
        let time = self.local_time(now).unwrap_or(NO_TIME);
        self.log.push(Record { id: 0, time, kind: 0, source, code, user });
        // Masks 1 to 3: keypad, radio, manual.
        if self.is_told(usize::from(source) + 1, code) {
            let body = vec![source, code].u16(user).counted(&[]).u32(time).counted(&[]);
            self.tell(cluster::DOOR_LOCK, true, OPERATION_EVENT, &body);
        }
    }

    fn tell_programming(&mut self, now: Instant, by: By, code: u8, user: u16, slot: Option<SlotNumber>) {
        let source = if by == By::Hand { source::KEYPAD } else { source::RADIO };
        let time = self.local_time(now).unwrap_or(NO_TIME);
        self.log.push(Record { id: 0, time, kind: 1, source, code, user });
        let silent = by == By::Radio && !self.setup.programming_events;
        // Masks 5 and 6: keypad, radio.
        if silent || !self.is_told(usize::from(source) + 5, code) {
            return;
        }
        let held = slot.and_then(|slot| self.door.codes().get(&slot));
        let digits = held.filter(|_| self.shows_digits()).map(|code| code.pin.expose()).unwrap_or_default();
        let (kind, status) = match held {
            Some(_) => (self.users.kind(user), user_status::ENABLED),
            None => (user_type::UNKNOWN, user_status::AVAILABLE),
        };
        let body = vec![source, code].u16(user).counted(digits.as_bytes()).u8(kind).u8(status).u32(time).counted(&[]);
        self.tell(cluster::DOOR_LOCK, true, PROGRAMMING_EVENT, &body);
    }

    fn tell_alarm(&mut self, code: u8) {
        if self.is_told(0, code) {
            let body = vec![code].u16(cluster::DOOR_LOCK);
            self.tell(cluster::ALARMS, true, ALARM, &body);
        }
    }

    fn is_told(&self, mask: usize, code: u8) -> bool {
        self.settings.masks.0.get(mask).is_some_and(|mask| mask & 1u16.checked_shl(code.into()).unwrap_or(0) != 0)
    }
}
