//! Time and Time Parameters: the lock's own clock, and what it asks the hub.

use keyway_lock::{Civil, WallTime};
use keyway_zwave::cc::time::{self, TimeCommand};
use keyway_zwave::cc::time_parameters::{self, TimeParametersCommand};

pub(super) const TIME: u8 = time::CLASS;
pub(super) const PARAMETERS: u8 = time_parameters::CLASS;

use super::{Lock, Reaction};

/// What it asks to know the time.
pub(in crate::zwave) fn questions() -> [Vec<u8>; 2] {
    [TimeCommand::DateGet.encode(), TimeCommand::TimeGet.encode()]
}

pub(super) fn handle_parameters(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let now = lock.now?;
    match TimeParametersCommand::decode(command).ok()? {
        TimeParametersCommand::Get => {
            let shown = WallTime::from_seconds(lock.clock.shown(now).seconds());
            Some(Reaction::Answer(TimeParametersCommand::Report(Some(shown)).encode()))
        }
        TimeParametersCommand::Set(_) if lock.setup.oddities.clock_stands => Some(Reaction::Done),
        TimeParametersCommand::Set(shown) => {
            lock.clock.set(now, shown);
            Some(Reaction::Done)
        }
        TimeParametersCommand::Report(_) => None,
    }
}

/// The hub's answers, the date before the time.
pub(super) fn handle_told(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let now = lock.now?;
    match TimeCommand::decode(command).ok()? {
        TimeCommand::DateReport { year, month, day } => lock.date = Some((year, month, day)),
        TimeCommand::TimeReport { failed: false, hour, minute, second } => {
            let (year, month, day) = lock.date.take()?;
            let civil = Civil { year, month, day, hour, minute, second, weekday: 0 };
            lock.clock.set(now, civil.instant()?);
        }
        _ => return None,
    }
    Some(Reaction::Done)
}
