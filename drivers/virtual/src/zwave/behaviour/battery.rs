//! Battery.

use keyway_zwave::cc::battery::{BatteryCommand, REPORT};

pub(super) use keyway_zwave::cc::battery::CLASS;

use super::{Lock, Reaction};
use crate::door::DoorEvent;

/// The version it has.
pub(super) fn version(lock: &Lock) -> u8 {
    if lock.setup.oddities.battery.is_some() { 3 } else { 1 }
}

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    match (BatteryCommand::decode(command).ok()?, lock.setup.oddities.battery) {
        (BatteryCommand::Get, _) => Some(Reaction::Answer(level(lock, lock.door.battery()))),
        (BatteryCommand::HealthGet, Some((.., capacity))) => {
            Some(Reaction::Answer(BatteryCommand::HealthReport(Some(capacity)).encode()))
        }
        _ => None,
    }
}

pub(super) fn report(lock: &Lock, event: DoorEvent) -> Option<Vec<u8>> {
    let DoorEvent::Battery(percent) = event else { return None };
    Some(level(lock, percent))
}

fn level(lock: &Lock, percent: u8) -> Vec<u8> {
    match lock.setup.oddities.battery {
        Some((flags, more, _)) => vec![CLASS, REPORT, percent, flags, more],
        None => BatteryCommand::Report { percent: Some(percent), low: percent == 0, details: None }.encode(),
    }
}
