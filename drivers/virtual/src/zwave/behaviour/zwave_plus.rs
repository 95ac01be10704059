//! Z-Wave Plus Info.

use keyway_zwave::cc::zwave_plus::ZwavePlusCommand;

pub(super) use keyway_zwave::cc::zwave_plus::CLASS;

use super::{Lock, Reaction};

/// Icon "door lock with keypad".
const ICON: u16 = 0x0300;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let ZwavePlusCommand::Get = ZwavePlusCommand::decode(command).ok()? else { return None };
    // An end node that sleeps and reports, one that listens frequently, or one that always listens.
    let role = match lock.setup.wake_up {
        Some(_) => 6,
        None if lock.setup.flirs => 7,
        None => 5,
    };
    let report = ZwavePlusCommand::Report { version: 2, role, node_type: 0, installer_icon: ICON, user_icon: ICON };
    Some(Reaction::Answer(report.encode()))
}
