//! What a lock tells by itself, in the hub's words.

use keyway_lock::{LockEvent, SlotNumber, UnlockSource};

use crate::device::table::DeviceRecord;
use crate::zcl::alarms::{self, Alarm};
use crate::zcl::door_lock::attribute::{
    AUTO_RELOCK_TIME, DOOR_STATE, DoorState, LOCK_STATE, LockState, OPERATING_MODE,
};
use crate::zcl::door_lock::{
    self, FromLock, NO_USER, OperationCode, OperationEvent, ProgrammingCode, ProgrammingEvent, Source, alarm,
};
use crate::zcl::foundation::General;
use crate::zcl::{Direction, Frame, Scope, Value, power};

/// Below this a battery is low.
const LOW_PERCENT: u8 = 10;
/// Some locks name all users by one byte of ones.
const ALL_USERS: u16 = 0x00FF;

/// What a frame that nobody asked for means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unasked {
    /// For the hub.
    pub events: Vec<LockEvent>,
    /// Attributes by cluster that are these now.
    pub learned: Vec<(u16, u16, u64)>,
}

/// Reads a frame from a lock; what can't be read means nothing.
pub fn of_frame(cluster: u16, frame: &Frame, record: &DeviceRecord) -> Unasked {
    if frame.direction != Direction::ToClient || frame.manufacturer.is_some() {
        return Unasked::default();
    }
    let events = |events: Vec<LockEvent>| Unasked { events, ..Unasked::default() };
    match (frame.scope, cluster) {
        (Scope::General, _) => match General::decode(frame.command, &frame.payload) {
            Ok(General::Report(values)) => reports(cluster, &values, record),
            _ => Unasked::default(),
        },
        (Scope::Cluster, door_lock::CLUSTER) => match FromLock::decode(frame.command, &frame.payload) {
            Ok(FromLock::Operation(event)) => events(operation(&event, record).into_iter().collect()),
            Ok(FromLock::Programming(event)) => events(programming(&event, record).into_iter().collect()),
            _ => Unasked::default(),
        },
        (Scope::Cluster, alarms::CLUSTER) if frame.command == alarms::ALARM => match Alarm::decode(&frame.payload) {
            Ok(alarm) => events(alarmed(alarm).into_iter().collect()),
            Err(_) => Unasked::default(),
        },
        (Scope::Cluster, _) => Unasked::default(),
    }
}

fn reports(cluster: u16, values: &[(u16, Value)], record: &DeviceRecord) -> Unasked {
    let mut told = Unasked::default();
    for (id, value) in values {
        let Some(number) = value.as_u64() else { continue };
        if cluster == door_lock::CLUSTER && record.quirk.action_attribute == Some(*id) {
            told.events.extend(acted(number, record));
            continue;
        }
        match (cluster, *id) {
            (door_lock::CLUSTER, LOCK_STATE) => told.events.extend(LockState::of(number).locked().map(LockEvent::Bolt)),
            (door_lock::CLUSTER, DOOR_STATE) => told.events.extend(door(DoorState::of(number))),
            (door_lock::CLUSTER, AUTO_RELOCK_TIME | OPERATING_MODE) => told.learned.push((cluster, *id, number)),
            (power::CLUSTER, power::BATTERY_PERCENTAGE) => {
                // That it has one is known from then on; its level is not kept.
                if !record.has_battery() {
                    told.learned.push((cluster, *id, number));
                }
                let level = u8::try_from(number).ok();
                let percent = level.and_then(|level| power::percent(level, record.quirk.whole_percent));
                if let Some(percent) = percent {
                    let low = percent <= LOW_PERCENT;
                    told.events.push(LockEvent::Battery { percent: Some(percent), low });
                }
            }
            (power::CLUSTER, power::BATTERY_ALARM_STATE) if number & 0x0F != 0 => {
                told.events.push(LockEvent::Battery { percent: None, low: true });
            }
            _ => {}
        }
    }
    told
}

fn door(state: DoorState) -> Vec<LockEvent> {
    match state {
        DoorState::Jammed => vec![LockEvent::Jammed],
        DoorState::ForcedOpen => vec![LockEvent::Tamper, LockEvent::DoorOpen(true)],
        DoorState::Open | DoorState::Closed | DoorState::Undefined => {
            state.is_open().map(LockEvent::DoorOpen).into_iter().collect()
        }
    }
}

/// What was done with the bolt; `None`: nothing that the hub has a word for.
pub(super) fn operation(event: &OperationEvent, record: &DeviceRecord) -> Option<LockEvent> {
    use OperationCode as Code;
    let source = match (event.code, event.source) {
        (Code::AutoLock | Code::ScheduleLock | Code::ScheduleUnlock, _) => UnlockSource::Automatic,
        (Code::KeyLock | Code::KeyUnlock | Code::ManualLock | Code::ManualUnlock, _) => UnlockSource::Manual,
        (_, Source::Keypad) => UnlockSource::Keypad,
        (_, Source::Radio) => UnlockSource::Remote,
        (_, Source::Manual) => UnlockSource::Manual,
        (_, Source::Rfid | Source::Other(_)) => UnlockSource::Unknown,
    };
    let slot = slot(event.user, record).filter(|_| source == UnlockSource::Keypad);
    match event.code {
        Code::Lock | Code::OneTouchLock | Code::KeyLock | Code::AutoLock | Code::ScheduleLock | Code::ManualLock => {
            Some(LockEvent::Locked { source, slot })
        }
        Code::Unlock | Code::KeyUnlock | Code::ScheduleUnlock | Code::ManualUnlock => {
            Some(LockEvent::Unlocked { source, slot })
        }
        Code::LockFailureInvalidCode
        | Code::LockFailureInvalidSchedule
        | Code::UnlockFailureInvalidCode
        | Code::UnlockFailureInvalidSchedule
        | Code::NonAccessUser => Some(LockEvent::InvalidCode),
        Code::Other(_) => None,
    }
}

/// Who moved the bolt, as some locks report it: by what, what, and whose code, from the highest byte down.
fn acted(number: u64, record: &DeviceRecord) -> Option<LockEvent> {
    let [source, action, high, low] = u32::try_from(number).ok()?.to_be_bytes();
    let source = match source {
        0x00 => UnlockSource::Remote,
        0x02 => UnlockSource::Keypad,
        0x0A => UnlockSource::Manual,
        // Fingers, tags, and what the lock does not tell apart.
        _ => UnlockSource::Unknown,
    };
    let slot = slot(u16::from_be_bytes([high, low]), record).filter(|_| source == UnlockSource::Keypad);
    match action {
        0x01 => Some(LockEvent::Locked { source, slot }),
        0x02 => Some(LockEvent::Unlocked { source, slot }),
        _ => None,
    }
}

fn programming(event: &ProgrammingEvent, record: &DeviceRecord) -> Option<LockEvent> {
    let slot = || slot(event.user, record);
    match event.code {
        ProgrammingCode::PinAdded | ProgrammingCode::PinChanged => Some(LockEvent::CodeAdded(slot())),
        ProgrammingCode::PinDeleted if matches!(event.user, NO_USER | ALL_USERS) => Some(LockEvent::AllCodesDeleted),
        ProgrammingCode::PinDeleted => Some(LockEvent::CodeDeleted(slot())),
        // The master's code and tags are not among the slots.
        ProgrammingCode::MasterCodeChanged
        | ProgrammingCode::RfidAdded
        | ProgrammingCode::RfidDeleted
        | ProgrammingCode::Other(_) => None,
    }
}

fn slot(user: u16, record: &DeviceRecord) -> Option<SlotNumber> {
    let capabilities = record.lock_info().capabilities;
    let slot = record.quirk.slot_of_event(user, capabilities.first_slot);
    slot.filter(|slot| capabilities.has_slot(*slot))
}

fn alarmed(told: Alarm) -> Option<LockEvent> {
    match (told.cluster, told.code) {
        (door_lock::CLUSTER, alarm::JAMMED) => Some(LockEvent::Jammed),
        (door_lock::CLUSTER, alarm::RESET) => Some(LockEvent::Reset),
        (door_lock::CLUSTER, alarm::WRONG_CODES) => Some(LockEvent::InvalidCode),
        (door_lock::CLUSTER, alarm::COVER_REMOVED | alarm::FORCED_OPEN) => Some(LockEvent::Tamper),
        (power::CLUSTER, code) if power::is_low_alarm(code) => Some(LockEvent::Battery { percent: None, low: true }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Ieee, Nwk};
    use crate::zcl::DataType;
    use crate::zcl::door_lock::attribute::PIN_USERS;
    use crate::zcl::door_lock::{Code, UserStatus, UserType};

    fn record() -> DeviceRecord {
        let mut record = DeviceRecord::new(Ieee(1), Nwk(1), None);
        record.learn(door_lock::CLUSTER, PIN_USERS, Some(30));
        record
    }

    fn events(cluster: u16, frame: &Frame) -> Vec<LockEvent> {
        of_frame(cluster, frame, &record()).events
    }

    fn operated(source: Source, code: OperationCode, user: u16) -> Vec<LockEvent> {
        let event = OperationEvent { source, code, user, pin: Code::default(), at: u32::MAX };
        events(door_lock::CLUSTER, &FromLock::Operation(event).frame(1))
    }

    fn programmed(code: ProgrammingCode, user: u16) -> Vec<LockEvent> {
        let (kind, status) = (UserType::Unrestricted, UserStatus::Enabled);
        let event =
            ProgrammingEvent { source: Source::Keypad, code, user, pin: Code::default(), kind, status, at: u32::MAX };
        events(door_lock::CLUSTER, &FromLock::Programming(event).frame(1))
    }

    fn reported(cluster: u16, id: u16, kind: DataType, number: u64) -> Vec<LockEvent> {
        let (command, payload) = General::Report(vec![(id, Value::number(kind, number))]).encode();
        events(cluster, &Frame { scope: Scope::General, ..Frame::to_client(1, command, payload) })
    }

    #[test]
    fn who_moved_the_bolt_by_what_is_told() {
        let slot = Some(SlotNumber(3));
        let unlocked = |source, slot| vec![LockEvent::Unlocked { source, slot }];
        let locked = |source| vec![LockEvent::Locked { source, slot: None }];
        assert_eq!(operated(Source::Keypad, OperationCode::Unlock, 3), unlocked(UnlockSource::Keypad, slot));
        assert_eq!(operated(Source::Radio, OperationCode::Unlock, 3), unlocked(UnlockSource::Remote, None));
        assert_eq!(
            operated(Source::Manual, OperationCode::ManualUnlock, NO_USER),
            unlocked(UnlockSource::Manual, None)
        );
        assert_eq!(operated(Source::Keypad, OperationCode::OneTouchLock, NO_USER), locked(UnlockSource::Keypad));
        assert_eq!(operated(Source::Other(255), OperationCode::AutoLock, NO_USER), locked(UnlockSource::Automatic));
        assert_eq!(
            operated(Source::Keypad, OperationCode::UnlockFailureInvalidCode, NO_USER),
            [LockEvent::InvalidCode]
        );
        assert_eq!(operated(Source::Keypad, OperationCode::Other(0), 3), []);
    }

    #[test]
    fn a_lock_that_tells_by_an_attribute_who_opened_is_understood() {
        let mut nimly = record();
        nimly.quirk.action_attribute = Some(0x0100);
        let told = |number| {
            let report = General::Report(vec![(0x0100, Value::number(DataType::BITMAP8, 0))]);
            let (command, mut payload) = report.encode();
            payload.truncate(2);
            payload.push(0x1B);
            payload.extend(u32::to_le_bytes(number));
            let frame = Frame { scope: Scope::General, ..Frame::to_client(1, command, payload) };
            of_frame(door_lock::CLUSTER, &frame, &nimly).events
        };
        let keypad = LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SlotNumber(5)) };
        assert_eq!(told(0x0202_0005), [keypad]);
        assert_eq!(told(0x0A01_0000), [LockEvent::Locked { source: UnlockSource::Manual, slot: None }]);
        // A finger's number is no slot's.
        assert_eq!(told(0x0302_0005), [LockEvent::Unlocked { source: UnlockSource::Unknown, slot: None }]);
    }

    #[test]
    fn hands_at_the_codes_are_told_with_the_slot_or_all_of_them() {
        assert_eq!(programmed(ProgrammingCode::PinAdded, 3), [LockEvent::CodeAdded(Some(SlotNumber(3)))]);
        assert_eq!(programmed(ProgrammingCode::PinDeleted, 3), [LockEvent::CodeDeleted(Some(SlotNumber(3)))]);
        assert_eq!(programmed(ProgrammingCode::PinDeleted, NO_USER), [LockEvent::AllCodesDeleted]);
        assert_eq!(programmed(ProgrammingCode::MasterCodeChanged, 0), []);
    }

    #[test]
    fn bolt_door_and_battery_are_told_as_they_are_reported() {
        let state = |number| reported(door_lock::CLUSTER, LOCK_STATE, DataType::ENUM8, number);
        assert_eq!([state(1), state(2), state(0)], [vec![LockEvent::Bolt(true)], vec![LockEvent::Bolt(false)], vec![]]);
        let door = |number| reported(door_lock::CLUSTER, DOOR_STATE, DataType::ENUM8, number);
        assert_eq!(door(3), [LockEvent::Tamper, LockEvent::DoorOpen(true)]);
        let battery = |number| reported(power::CLUSTER, power::BATTERY_PERCENTAGE, DataType::UINT8, number);
        assert_eq!(battery(174), [LockEvent::Battery { percent: Some(87), low: false }]);
        assert_eq!(battery(255), []);
    }

    #[test]
    fn alarms_of_the_lock_and_its_battery_are_told() {
        let alarm = |code, cluster| events(alarms::CLUSTER, &Alarm { code, cluster }.to_client(1));
        assert_eq!(alarm(alarm::JAMMED, door_lock::CLUSTER), [LockEvent::Jammed]);
        assert_eq!(alarm(alarm::COVER_REMOVED, door_lock::CLUSTER), [LockEvent::Tamper]);
        assert_eq!(alarm(0x10, power::CLUSTER), [LockEvent::Battery { percent: None, low: true }]);
        assert_eq!(alarm(0x00, 0x0402), []);
    }
}
