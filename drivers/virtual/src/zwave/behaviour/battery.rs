//! Battery.

use keyway_zwave::cc::battery::BatteryCommand;

pub(super) use keyway_zwave::cc::battery::CLASS;

use super::{Lock, Reaction};
use crate::door::DoorEvent;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let BatteryCommand::Get = BatteryCommand::decode(command).ok()? else { return None };
    Some(Reaction::Answer(level(lock.door.battery())))
}

pub(super) fn report(event: DoorEvent) -> Option<Vec<u8>> {
    let DoorEvent::Battery(percent) = event else { return None };
    Some(level(percent))
}

fn level(percent: u8) -> Vec<u8> {
    BatteryCommand::Report { percent: Some(percent), low: percent == 0 }.encode()
}
