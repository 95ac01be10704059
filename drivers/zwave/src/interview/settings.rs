//! How it is set.

use super::stage::{InterviewAsk, LEARNED, Stage};
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
