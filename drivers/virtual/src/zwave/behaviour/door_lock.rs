//! Door Lock.

use keyway_zwave::cc::door_lock::{DoorLockCommand, Mode, OperationReport};

pub(super) use keyway_zwave::cc::door_lock::CLASS;

use super::{Lock, Reaction};
use crate::door::{DoorEvent, Turner};

const OPERATION_SET: u8 = 0x01;
const CONFIGURATION_GET: u8 = 0x05;
const CONFIGURATION_REPORT: u8 = 0x06;

/// Parts the lock has: door sensor and bolt.
const COMPONENTS: u8 = 0x03;
/// Door Condition: door closed, bolt drawn back.
const CLOSED: u8 = 0x01;
const BOLT_UNLOCKED: u8 = 0x02;

/// Whether a command turns the bolt.
pub(super) fn is_operation(command: &[u8]) -> bool {
    command.starts_with(&[CLASS, OPERATION_SET])
}

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    if command == [CLASS, CONFIGURATION_GET] {
        // Constant operation, no handles that could be disabled, no timeout; no auto-relock, hold and release or blocks.
        return Some(Reaction::Answer(vec![CLASS, CONFIGURATION_REPORT, 1, 0, 0xFE, 0xFE, 0, 0, 0, 0, 0]));
    }
    Some(match DoorLockCommand::decode(command).ok()? {
        DoorLockCommand::OperationSet(mode @ (Mode::Secured | Mode::Unsecured(0))) => {
            match lock.door.turn(mode == Mode::Secured, Turner::Radio) {
                Ok(()) => Reaction::Done,
                Err(_) => Reaction::Refused,
            }
        }
        DoorLockCommand::OperationSet(_) => Reaction::Refused,
        DoorLockCommand::OperationGet => Reaction::Answer(operation(lock)),
        DoorLockCommand::CapabilitiesGet => {
            Reaction::Answer(DoorLockCommand::CapabilitiesReport { components: COMPONENTS }.encode())
        }
        DoorLockCommand::OperationReport(_) | DoorLockCommand::CapabilitiesReport { .. } => return None,
    })
}

pub(super) fn report(lock: &Lock, event: DoorEvent) -> Option<Vec<u8>> {
    matches!(event, DoorEvent::Turned { .. } | DoorEvent::Jammed | DoorEvent::Opened(_)).then(|| operation(lock))
}

fn operation(lock: &Lock) -> Vec<u8> {
    let (mode, bolt) = match lock.door.locked() {
        Some(true) => (Mode::Secured, 0),
        Some(false) => (Mode::Unsecured(0), BOLT_UNLOCKED),
        None => (Mode::Unknown, BOLT_UNLOCKED),
    };
    let door_condition = bolt | if lock.door.is_open() { 0 } else { CLOSED };
    let report = OperationReport { mode, handles: 0, door_condition, target: Some(mode), duration: Some(0) };
    DoorLockCommand::OperationReport(report).encode()
}
