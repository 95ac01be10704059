//! Indicator: the lock blinks when it is to show itself.

use keyway_zwave::cc::indicator::{CYCLES, IDENTIFY, IndicatorCommand, ON_TIME, Object, PERIOD};

pub(super) use keyway_zwave::cc::indicator::CLASS;

use super::{Lock, Reaction};

/// What its one indicator can show.
const PROPERTIES: [u8; 3] = [PERIOD, CYCLES, ON_TIME];

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let answer = match IndicatorCommand::decode(command).ok()? {
        IndicatorCommand::Set(objects) => return Some(show(lock, objects)),
        IndicatorCommand::Get(IDENTIFY) => IndicatorCommand::Report(lock.shown.clone()),
        IndicatorCommand::SupportedGet(0 | IDENTIFY) => {
            let mask = PROPERTIES.iter().fold(0, |mask, property| mask | 1 << property);
            IndicatorCommand::SupportedReport { indicator: IDENTIFY, next: 0, properties: vec![mask] }
        }
        IndicatorCommand::SupportedGet(_) => {
            IndicatorCommand::SupportedReport { indicator: 0, next: 0, properties: vec![] }
        }
        IndicatorCommand::Get(_) | IndicatorCommand::Report(_) | IndicatorCommand::SupportedReport { .. } => {
            return None;
        }
    };
    Some(Reaction::Answer(answer.encode()))
}

fn show(lock: &mut Lock, objects: Vec<Object>) -> Reaction {
    if objects.iter().any(|object| object.indicator != IDENTIFY || !PROPERTIES.contains(&object.property)) {
        return Reaction::Refused;
    }
    if objects.iter().any(|object| object.property == CYCLES && object.value > 0) {
        lock.identified += 1;
    }
    lock.shown = objects;
    Reaction::Done
}
