//! Z-Wave Plus Info.

use keyway_zwave::cc::zwave_plus::ZwavePlusCommand;

pub(super) use keyway_zwave::cc::zwave_plus::CLASS;

use super::{Lock, Reaction};

/// Icon "door lock with keypad".
const ICON: u16 = 0x0300;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let ZwavePlusCommand::Get = ZwavePlusCommand::decode(command).ok()? else { return None };
    // A frequently listening end node, or one that always listens.
    let role = if lock.setup.flirs { 7 } else { 5 };
    let report = ZwavePlusCommand::Report { version: 2, role, node_type: 0, installer_icon: ICON, user_icon: ICON };
    Some(Reaction::Answer(report.encode()))
}
