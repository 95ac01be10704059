//! How many codes a lock with User Code has room for, and of what they are made. Nothing of it is asked of one whose codes
//! are the PINs of its users.

use super::stage::{InterviewAsk, LEARNED, Stage};
use crate::cc::configuration::{self, ConfigurationCommand};
use crate::cc::user_code::{self, UserCodeCapabilities, UserCodeCommand};

pub(super) const USERS_NUMBER: Stage = Stage {
    name: "number of code slots",
    ask: |record, _| {
        if !record.supports(user_code::CLASS) || record.users.is_some() || record.speaks_credentials() {
            return Vec::new();
        }
        let example = UserCodeCommand::UsersNumberReport(0).encode();
        vec![InterviewAsk::kind_of_report(UserCodeCommand::UsersNumberGet.encode(), &example)]
    },
    learn: |record, _, heard| match UserCodeCommand::decode(heard.report()?).ok()? {
        UserCodeCommand::UsersNumberReport(users) => {
            record.users = Some(users);
            LEARNED
        }
        _ => None,
    },
};

pub(super) const KEYPAD: Stage = Stage {
    name: "digits of its keypad",
    ask: |record, _| {
        let several = record.multiple_set.is_some() && record.multiple_report.is_some();
        let known = several && record.digits.is_some() && record.checksum.is_some();
        let known = known && record.settings.keypad_modes.is_some();
        let able = record.supports(user_code::CLASS) && record.version_of(user_code::CLASS) >= 2;
        if !able || known || record.speaks_credentials() {
            return Vec::new();
        }
        let example = UserCodeCommand::CapabilitiesReport(UserCodeCapabilities::default()).encode();
        vec![InterviewAsk::kind_of_report(UserCodeCommand::CapabilitiesGet.encode(), &example)]
    },
    learn: |record, _, heard| match UserCodeCommand::decode(heard.report()?).ok()? {
        UserCodeCommand::CapabilitiesReport(capabilities) => {
            record.checksum = Some(capabilities.checksum);
            record.multiple_set = Some(capabilities.multiple_set);
            record.multiple_report = Some(capabilities.multiple_report);
            record.settings.learn_capabilities(&capabilities);
            // No digits at all is no keypad anybody could use: not believed.
            record.digits = Some(capabilities.digits()).filter(|digits| !digits.is_empty());
            LEARNED
        }
        _ => None,
    },
};

/// Only of models that are known to have a parameter for it.
pub(super) const CODE_LENGTH: Stage = Stage {
    name: "length of its codes",
    ask: |record, _| match record.quirk.code_length_parameter {
        Some(parameter) if record.supports(configuration::CLASS) && record.code_length.is_none() => {
            let report = [configuration::CLASS, configuration::REPORT, parameter];
            vec![InterviewAsk::report(ConfigurationCommand::Get(parameter).encode(), report)]
        }
        _ => Vec::new(),
    },
    learn: |record, _, heard| match ConfigurationCommand::decode(heard.report()?).ok()? {
        // No code is that short or long: not believed.
        ConfigurationCommand::Report { value, .. } => match value[..] {
            [.., length] if (4..=10).contains(&length) => {
                record.code_length = Some(length);
                LEARNED
            }
            _ => None,
        },
        ConfigurationCommand::Get(_) | ConfigurationCommand::Set { .. } => None,
    },
};
