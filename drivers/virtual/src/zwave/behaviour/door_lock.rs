//! Door Lock.

use std::time::{Duration, Instant};

use keyway_zwave::cc::door_lock::{
    AUTO_RELOCK, CAN_BLOCK_TO_BLOCK, CAN_TWIST_ASSIST, CONSTANT, Configuration, DoorLockCommand, Extras,
    HOLD_AND_RELEASE, Mode, Operation, OperationReport, TIMED,
};

pub(super) use keyway_zwave::cc::door_lock::CLASS;

use super::{Lock, Reaction};
use crate::door::{DoorEvent, Turner};

const OPERATION_SET: u8 = 0x01;

/// Parts the lock has: door sensor and bolt.
const COMPONENTS: u8 = 0x03;
/// Seconds for which the latch is held back, unless it is told otherwise.
pub(super) const LATCH_RELEASED: u16 = 3;
/// Door Condition: door closed, bolt drawn back.
const CLOSED: u8 = 0x01;
const BOLT_UNLOCKED: u8 = 0x02;

/// Whether a command turns the bolt.
pub(super) fn is_operation(command: &[u8]) -> bool {
    command.starts_with(&[CLASS, OPERATION_SET])
}

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    Some(match DoorLockCommand::decode(command).ok()? {
        DoorLockCommand::OperationSet(mode) if is_known(lock, mode) => {
            match lock.door.turn(mode == Mode::Secured, Turner::Radio) {
                Ok(()) => Reaction::Done,
                Err(_) => Reaction::Refused,
            }
        }
        DoorLockCommand::OperationSet(_) => Reaction::Refused,
        DoorLockCommand::OperationGet => Reaction::Answer(operation(lock)),
        DoorLockCommand::CapabilitiesGet => Reaction::Answer(
            DoorLockCommand::CapabilitiesReport {
                operation_types: if lock.setup.auto_relock { CONSTANT | TIMED } else { CONSTANT },
                components: COMPONENTS,
                options: options(lock),
            }
            .encode(),
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

/// "With timeout" has a meaning only where there is one.
fn is_known(lock: &Lock, mode: Mode) -> bool {
    let timed = matches!(lock.bolt.operation, Operation::Timed(_));
    matches!(mode, Mode::Secured | Mode::Unsecured(0)) || (timed && mode == Mode::WITH_TIMEOUT)
}

fn options(lock: &Lock) -> u8 {
    let all = AUTO_RELOCK | HOLD_AND_RELEASE | CAN_BLOCK_TO_BLOCK | CAN_TWIST_ASSIST;
    if lock.setup.auto_relock { all } else { 0 }
}

/// What its bolt does by itself, at first.
pub(super) fn at_first(auto_relock: bool) -> Configuration {
    let hold_and_release = if auto_relock { LATCH_RELEASED } else { 0 };
    let extras = Some(Extras { auto_relock: 0, hold_and_release, options: 0 });
    Configuration { operation: Operation::Constant, handles: 0, extras }
}

fn configuration(lock: &Lock) -> Configuration {
    lock.bolt
}

/// All but the handles can be another.
fn configure(lock: &mut Lock, wanted: &Configuration) -> Reaction {
    let able = lock.setup.auto_relock && wanted.extras.is_some() && wanted.handles == lock.bolt.handles;
    if !able {
        return Reaction::Refused;
    }
    lock.bolt = *wanted;
    Reaction::Done
}

fn relock_after(lock: &Lock) -> Option<u16> {
    let timed = match lock.bolt.operation {
        Operation::Constant => None,
        Operation::Timed(seconds) => Some(seconds),
    };
    let relock = lock.bolt.extras.map(|extras| extras.auto_relock).filter(|seconds| *seconds > 0);
    timed.into_iter().chain(relock).min()
}

/// Something happened at the door: when it is going to lock by itself, if it will.
pub(super) fn relock_at(lock: &Lock, now: Instant, event: DoorEvent) -> Option<Instant> {
    match event {
        DoorEvent::Turned { locked: false, .. } => {
            relock_after(lock).map(|seconds| now + Duration::from_secs(seconds.into()))
        }
        DoorEvent::Turned { .. } => None,
        _ => lock.relock_at,
    }
}
