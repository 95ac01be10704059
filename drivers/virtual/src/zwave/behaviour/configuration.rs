//! Configuration: the one parameter by which some locks say how long each code is.

use keyway_zwave::cc::configuration::ConfigurationCommand;

pub(super) use keyway_zwave::cc::configuration::CLASS;

use super::{Lock, Reaction};

/// The parameter.
const CODE_LENGTH: u8 = 16;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    match (ConfigurationCommand::decode(command).ok()?, lock.setup.oddities.code_length) {
        (ConfigurationCommand::Get(CODE_LENGTH), Some(length)) => {
            let report = ConfigurationCommand::Report { parameter: CODE_LENGTH, value: vec![length] };
            Some(Reaction::Answer(report.encode()))
        }
        _ => None,
    }
}
