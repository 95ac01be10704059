//! How it is set.

use super::stage::{InterviewAsk, LEARNED, Stage};
use crate::cc::configuration::{self, ConfigurationCommand};
use crate::cc::door_lock_logging::{self, DoorLockLoggingCommand};
use crate::cc::user_code::{CodeBytes, UserCodeCommand};

pub(super) const KEYPAD_MODE: Stage = Stage {
    name: "mode of its keypad",
    ask: |record, _| {
        if !record.settings.has_keypad_modes() || record.settings.keypad_mode.is_some() {
            return Vec::new();
        }
        let example = UserCodeCommand::KeypadModeReport(0).encode();
        vec![InterviewAsk::kind_of_report(UserCodeCommand::KeypadModeGet.encode(), &example)]
    },
    learn: |record, _, heard| {
        record.learn(heard.report()?);
        record.settings.keypad_mode.and(LEARNED)
    },
};

/// Whether there is one; the code itself is passed over.
pub(super) const ADMIN_CODE: Stage = Stage {
    name: "admin code",
    ask: |record, _| {
        if record.settings.has_admin_code != Some(true) || record.settings.admin_code_set.is_some() {
            return Vec::new();
        }
        let example = UserCodeCommand::AdminCodeReport(CodeBytes::default()).encode();
        vec![InterviewAsk::kind_of_report(UserCodeCommand::AdminCodeGet.encode(), &example)]
    },
    learn: |record, _, heard| {
        record.learn(heard.report()?);
        record.settings.admin_code_set.and(LEARNED)
    },
};

pub(super) const LOG: Stage = Stage {
    name: "size of its log",
    ask: |record, _| {
        if !record.supports(door_lock_logging::CLASS) || record.settings.log_size.is_some() {
            return Vec::new();
        }
        let example = DoorLockLoggingCommand::RecordsSupportedReport(0).encode();
        vec![InterviewAsk::kind_of_report(DoorLockLoggingCommand::RecordsSupportedGet.encode(), &example)]
    },
    learn: |record, _, heard| match DoorLockLoggingCommand::decode(heard.report()?).ok()? {
        DoorLockLoggingCommand::RecordsSupportedReport(most) => {
            record.settings.log_size = Some(most);
            LEARNED
        }
        _ => None,
    },
};

/// Of those that are known for its model, the ones by which no guest gets in: the others are asked for when somebody wants to
/// know.
pub(super) const PARAMETERS: Stage = Stage {
    name: "whether it lets guests in",
    ask: |record, _| {
        if !record.supports(configuration::CLASS) {
            return Vec::new();
        }
        let known = |number: &u8| record.settings.parameters.contains_key(number);
        let parameters = record.quirk.parameters.iter().filter(|parameter| !parameter.closed_to_guests.is_empty());
        let numbers = parameters.map(|parameter| parameter.number).filter(|number| !known(number));
        let ask = |number| {
            let report = [configuration::CLASS, configuration::REPORT, number];
            InterviewAsk::report(ConfigurationCommand::Get(number).encode(), report)
        };
        numbers.map(ask).collect()
    },
    learn: |record, _, heard| {
        record.learn(heard.report()?);
        LEARNED
    },
};
