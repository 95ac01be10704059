//! Door Lock.

use std::time::{Duration, Instant};

use keyway_zwave::cc::door_lock::{
    AUTO_RELOCK, Configuration, DoorLockCommand, Extras, Mode, Operation, OperationReport,
};

pub(super) use keyway_zwave::cc::door_lock::CLASS;

use super::{Lock, Reaction};
use crate::door::{DoorEvent, Turner};

const OPERATION_SET: u8 = 0x01;

/// Parts the lock has: door sensor and bolt.
const COMPONENTS: u8 = 0x03;
/// Options: it has a hold and release time, which is always so many seconds.
const HOLD_AND_RELEASE: u8 = 0x04;
const LATCH_RELEASED: u16 = 3;
/// Door Condition: door closed, bolt drawn back.
const CLOSED: u8 = 0x01;
const BOLT_UNLOCKED: u8 = 0x02;

/// Whether a command turns the bolt.
pub(super) fn is_operation(command: &[u8]) -> bool {
    command.starts_with(&[CLASS, OPERATION_SET])
}

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    Some(match DoorLockCommand::decode(command).ok()? {
        DoorLockCommand::OperationSet(mode @ (Mode::Secured | Mode::Unsecured(0))) => {
            match lock.door.turn(mode == Mode::Secured, Turner::Radio) {
                Ok(()) => Reaction::Done,
                Err(_) => Reaction::Refused,
            }
        }
        DoorLockCommand::OperationSet(_) => Reaction::Refused,
        DoorLockCommand::OperationGet => Reaction::Answer(operation(lock)),
        DoorLockCommand::CapabilitiesGet => Reaction::Answer(
            DoorLockCommand::CapabilitiesReport { components: COMPONENTS, options: options(lock) }.encode(),
        ),
        DoorLockCommand::ConfigurationGet => {
            Reaction::Answer(DoorLockCommand::ConfigurationReport(configuration(lock)).encode())
        }
        DoorLockCommand::ConfigurationSet(wanted) => configure(lock, &wanted),
        DoorLockCommand::OperationReport(_)
        | DoorLockCommand::ConfigurationReport(_)
        | DoorLockCommand::CapabilitiesReport { .. } => return None,
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

fn options(lock: &Lock) -> u8 {
    if lock.setup.auto_relock { AUTO_RELOCK | HOLD_AND_RELEASE } else { 0 }
}

fn configuration(lock: &Lock) -> Configuration {
    let hold_and_release = if lock.setup.auto_relock { LATCH_RELEASED } else { 0 };
    let extras = Extras { auto_relock: lock.relock_after, hold_and_release, options: 0 };
    Configuration { operation: Operation::Constant, handles: 0, extras: Some(extras) }
}

/// Only the auto-relock time can be another.
fn configure(lock: &mut Lock, wanted: &Configuration) -> Reaction {
    let Some(extras) = wanted.extras.filter(|_| lock.setup.auto_relock) else { return Reaction::Refused };
    let before = std::mem::replace(&mut lock.relock_after, extras.auto_relock);
    if *wanted == configuration(lock) {
        return Reaction::Done;
    }
    lock.relock_after = before;
    Reaction::Refused
}

/// Something happened at the door: when it is going to lock by itself, if it will.
pub(super) fn relock_at(lock: &Lock, now: Instant, event: DoorEvent) -> Option<Instant> {
    match event {
        DoorEvent::Turned { locked: false, .. } if lock.relock_after > 0 => {
            Some(now + Duration::from_secs(lock.relock_after.into()))
        }
        DoorEvent::Turned { .. } => None,
        _ => lock.relock_at,
    }
}
