//! Configuration: the parameter by which some locks say how long each code is, and those that the setup names.

use keyway_zwave::cc::configuration::ConfigurationCommand;

pub(super) use keyway_zwave::cc::configuration::CLASS;

use super::{Lock, Reaction};

/// The parameter that says how long each code is.
const CODE_LENGTH: u8 = 16;

/// Whether no guest's code opens, which those have as well: off, unless the setup says otherwise.
const VACATION: u8 = 4;

/// Whether it has any parameter.
pub(super) fn is_there(lock: &Lock) -> bool {
    lock.setup.oddities.code_length.is_some() || !lock.setup.oddities.parameters.is_empty()
}

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    Some(match ConfigurationCommand::decode(command).ok()? {
        ConfigurationCommand::Get(parameter) => {
            let known = lock.setup.oddities.parameters.get(&parameter).cloned();
            let value = match (known, lock.setup.oddities.code_length, parameter) {
                (Some(value), ..) => value,
                (None, Some(length), CODE_LENGTH) => vec![length],
                (None, Some(_), VACATION) => vec![0],
                _ => return None,
            };
            Reaction::Answer(ConfigurationCommand::Report { parameter, value }.encode())
        }
        ConfigurationCommand::Set { parameter, value } => match lock.setup.oddities.parameters.get_mut(&parameter) {
            Some(held) if held.len() == value.len() && !lock.door.is_rejecting() => {
                *held = value;
                Reaction::Done
            }
            Some(_) | None => Reaction::Refused,
        },
        ConfigurationCommand::Report { .. } => return None,
    })
}
