//! Version.

use keyway_zwave::cc::version::VersionCommand;

pub(super) use keyway_zwave::cc::version::CLASS;

use super::{Lock, Reaction};

/// Library type "routing end node".
const ROUTING_END_NODE: u8 = 3;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let answer = match VersionCommand::decode(command).ok()? {
        VersionCommand::Get => {
            let report = VersionCommand::Report { library: ROUTING_END_NODE, protocol: (7, 18), firmware: (1, 2) };
            // Version 2: hardware version, no further firmware targets.
            [&report.encode()[..], &[1, 0]].concat()
        }
        VersionCommand::CommandClassGet(class) => {
            let version = lock.classes().into_iter().find(|(own, _)| *own == class).map_or(0, |(_, version)| version);
            VersionCommand::CommandClassReport { class, version }.encode()
        }
        VersionCommand::Report { .. } | VersionCommand::CommandClassReport { .. } => return None,
    };
    Some(Reaction::Answer(answer))
}
