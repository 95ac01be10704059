//! Notification: what the lock tells of its keypad, its bolt, its codes and its battery.

use keyway_lock::SlotNumber;
use keyway_zwave::cc::notification::{ACCESS_CONTROL, NotificationCommand, POWER_MANAGEMENT, Report, access_control};

pub(super) use keyway_zwave::cc::notification::CLASS;

use super::{Lock, Reaction, user_code, user_credential};
use crate::door::{By, DoorEvent, LOW_BATTERY, Turner};

const EVENT_SUPPORTED_GET: u8 = 0x01;
const EVENT_SUPPORTED_REPORT: u8 = 0x02;

/// Access Control: the admin code was changed.
const ADMIN_CODE_CHANGED: u8 = 18;
/// Access Control: keypad temporarily disabled.
const KEYPAD_DISABLED: u8 = 16;
/// Power Management: replace battery soon, now.
const BATTERY_SOON: u8 = 10;
const BATTERY_NOW: u8 = 11;
/// Battery level, in per cent, at and below which "soon" becomes "now".
const EMPTY_BATTERY: u8 = 5;
/// Notification Status of a node that sends by itself.
const ON: u8 = 0xFF;

/// Events of each type, ascending.
const EVENTS: [(u8, &[u8]); 2] = [
    (ACCESS_CONTROL, &[1, 2, 3, 4, 6, 11, 12, 13, 14, 15, 16, 22, 23, 35, 36]),
    (POWER_MANAGEMENT, &[BATTERY_SOON, BATTERY_NOW]),
];

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    if let [_, EVENT_SUPPORTED_GET, asked] = *command {
        let events = EVENTS.iter().find(|(kind, _)| *kind == asked).map_or(&[][..], |(_, events)| events);
        let mask = bit_mask(events);
        let length = u8::try_from(mask.len()).unwrap_or(0);
        return Some(Reaction::Answer([&[CLASS, EVENT_SUPPORTED_REPORT, asked, length][..], &mask].concat()));
    }
    Some(match NotificationCommand::decode(command).ok()? {
        NotificationCommand::SupportedGet => {
            let mask = bit_mask(&[ACCESS_CONTROL, POWER_MANAGEMENT]);
            Reaction::Answer(NotificationCommand::SupportedReport { v1_alarm: false, mask }.encode())
        }
        NotificationCommand::Get { notification_type } => {
            // Everything has been told when it happened: idle.
            let event = Some((notification_type, 0));
            Reaction::Answer(NotificationCommand::Report(Report { event, ..Report::default() }).encode())
        }
        NotificationCommand::Set { notification_type, status } => {
            match status {
                ON => lock.silenced.remove(&notification_type),
                _ => lock.silenced.insert(notification_type),
            };
            Reaction::Done
        }
        NotificationCommand::Report(_) | NotificationCommand::SupportedReport { .. } => return None,
    })
}

pub(super) fn report(lock: &Lock, event: DoorEvent) -> Option<Vec<u8>> {
    // Many locks tell of every code that is programmed, some only of those a person programs.
    let by_credentials = lock.setup.codes_by.has_user_credential();
    // With User Credential its own reports tell of codes.
    let told = |by| !by_credentials && (by == By::Hand || lock.setup.programming_events);
    let of_access = |number, parameters| Some((ACCESS_CONTROL, number, parameters));
    let of_code = |number, slot: SlotNumber| of_access(number, user_code::event_parameter(lock, slot));
    let (kind, number, parameters) = match event {
        DoorEvent::Turned { locked, by } => match (locked, by) {
            (true, Turner::Hand) => of_access(access_control::MANUAL_LOCK, vec![]),
            (false, Turner::Hand) => of_access(access_control::MANUAL_UNLOCK, vec![]),
            (true, Turner::Radio) => of_access(access_control::RF_LOCK, vec![]),
            (false, Turner::Radio) => of_access(access_control::RF_UNLOCK, vec![]),
            (true, Turner::Itself) => of_access(access_control::AUTO_LOCK, vec![]),
            (true, Turner::Keypad(slot)) if by_credentials => {
                of_access(access_control::CREDENTIAL_LOCK, user_credential::usage(lock, slot))
            }
            (false, Turner::Keypad(slot)) if by_credentials => {
                of_access(access_control::CREDENTIAL_UNLOCK, user_credential::usage(lock, slot))
            }
            (true, Turner::Keypad(slot)) => of_code(access_control::KEYPAD_LOCK, slot),
            (false, Turner::Keypad(slot)) => of_code(access_control::KEYPAD_UNLOCK, slot),
            // It only locks by itself.
            (false, Turner::Itself) => None,
        },
        DoorEvent::Jammed => of_access(access_control::JAMMED, vec![]),
        DoorEvent::CodeAdded(slot, by) if told(by) => of_code(access_control::CODE_ADDED, slot),
        DoorEvent::CodeDeleted(slot, by) if told(by) => of_code(access_control::CODE_DELETED, slot),
        DoorEvent::AllCodesDeleted(by) if told(by) => of_access(access_control::ALL_CODES_DELETED, vec![]),
        DoorEvent::CodeAdded(..) | DoorEvent::CodeDeleted(..) | DoorEvent::AllCodesDeleted(_) => None,
        DoorEvent::AdminCode(by) if told(by) => of_access(ADMIN_CODE_CHANGED, vec![]),
        // Its own class tells of the keypad's mode.
        DoorEvent::AdminCode(_) | DoorEvent::KeypadMode(..) => None,
        DoorEvent::DuplicateRefused(_) if by_credentials => None,
        DoorEvent::DuplicateRefused(_) => of_access(access_control::DUPLICATE_CODE, vec![]),
        DoorEvent::WrongCodes => of_access(KEYPAD_DISABLED, vec![]),
        DoorEvent::Opened(true) => of_access(access_control::DOOR_OPEN, vec![]),
        DoorEvent::Opened(false) => of_access(access_control::DOOR_CLOSED, vec![]),
        DoorEvent::Battery(..=EMPTY_BATTERY) => Some((POWER_MANAGEMENT, BATTERY_NOW, vec![])),
        DoorEvent::Battery(..=LOW_BATTERY) => Some((POWER_MANAGEMENT, BATTERY_SOON, vec![])),
        DoorEvent::Battery(_) => None,
    }?;
    if lock.silenced.contains(&kind) {
        return None;
    }
    let report = if lock.setup.oddities.alarm_events {
        let slot = match event {
            DoorEvent::Turned { by: Turner::Keypad(slot), .. }
            | DoorEvent::CodeAdded(slot, _)
            | DoorEvent::CodeDeleted(slot, _) => u8::try_from(slot.0).unwrap_or(u8::MAX),
            _ => 0,
        };
        // The new fields say no more than that something is as it was.
        Report { alarm_type: alarm_type(number)?, alarm_level: slot, event: Some((kind, 0)), parameters: vec![] }
    } else {
        Report { event: Some((kind, number)), parameters, ..Report::default() }
    };
    Some(NotificationCommand::Report(report).encode())
}

/// The old alarm type of an Access Control event, as Kwikset and Yale count them.
fn alarm_type(number: u8) -> Option<u8> {
    Some(match number {
        access_control::KEYPAD_LOCK => 18,
        access_control::KEYPAD_UNLOCK => 19,
        access_control::MANUAL_LOCK => 21,
        access_control::MANUAL_UNLOCK => 22,
        access_control::AUTO_LOCK => 27,
        access_control::RF_LOCK => 24,
        access_control::RF_UNLOCK => 25,
        access_control::JAMMED => 9,
        access_control::ALL_CODES_DELETED => 32,
        access_control::CODE_DELETED => 33,
        access_control::CODE_ADDED => 112,
        access_control::DUPLICATE_CODE => 113,
        _ => return None,
    })
}

fn bit_mask(bits: &[u8]) -> Vec<u8> {
    let mut mask = vec![0; bits.last().map_or(0, |last| usize::from(last / 8) + 1)];
    for bit in bits {
        if let Some(byte) = mask.get_mut(usize::from(bit / 8)) {
            *byte |= 1 << (bit % 8);
        }
    }
    mask
}
