//! What a node said of its settings: in its interview, after it was told another, or because somebody changed one at it.

use std::collections::BTreeSet;

use keyway_lock::{AdminCode, Keypad, KeypadMode, Settings};
use serde::{Deserialize, Serialize};

use super::table::NodeRecord;
use crate::cc::door_lock::{Configuration, DoorLockCommand};
use crate::cc::user_code::{self, UserCodeCapabilities, UserCodeCommand};

/// What is known of them. What an earlier release did not ask is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingFacts {
    /// The keypad modes it knows, as numbers of [`user_code::keypad_mode`].
    pub keypad_modes: Option<BTreeSet<u8>>,
    /// The one it has.
    pub keypad_mode: Option<u8>,
    /// Whether it can have an admin code.
    pub has_admin_code: Option<bool>,
    /// Whether that may be taken away.
    pub can_lose_admin_code: bool,
    /// Whether it has one.
    pub admin_code_set: Option<bool>,
}

impl SettingFacts {
    /// What its keypad can do besides taking codes.
    pub fn learn_capabilities(&mut self, told: &UserCodeCapabilities) {
        self.keypad_modes = Some(told.modes().collect());
        self.has_admin_code = Some(told.admin_code);
        self.can_lose_admin_code = told.admin_code_deactivation;
    }

    /// Whether its keypad knows more modes than the one in which codes open.
    pub fn has_keypad_modes(&self) -> bool {
        self.keypad_modes.as_ref().is_some_and(|modes| modes.len() > 1)
    }

    /// What the hub is told.
    pub fn told(&self) -> Settings {
        let modes = || self.keypad_modes.iter().flatten().filter_map(|mode| user_code::keypad_mode(*mode)).collect();
        let mode = self.keypad_mode.and_then(user_code::keypad_mode).filter(|_| self.has_keypad_modes());
        let admin_code = self.admin_code_set.filter(|_| self.has_admin_code == Some(true));
        Settings {
            keypad: mode.map(|mode: KeypadMode| Keypad { mode, modes: modes() }),
            admin_code: admin_code.map(|is_set| AdminCode { is_set, can_be_removed: self.can_lose_admin_code }),
        }
    }
}

impl NodeRecord {
    /// Takes in what a report says of a setting, whoever asked for it. True: it is news.
    pub fn learn(&mut self, report: &[u8]) -> bool {
        let (relock, facts) = (self.auto_relock, self.settings.clone());
        match (DoorLockCommand::decode(report), UserCodeCommand::decode(report)) {
            (Ok(DoorLockCommand::ConfigurationReport(Configuration { extras: Some(extras), .. })), _)
                if self.has_auto_relock == Some(true) =>
            {
                self.auto_relock = Some(extras.auto_relock);
            }
            (_, Ok(UserCodeCommand::KeypadModeReport(mode))) => self.settings.keypad_mode = Some(mode),
            (_, Ok(UserCodeCommand::AdminCodeReport(code))) => {
                self.settings.admin_code_set = Some(!code.expose().is_empty());
            }
            _ => {}
        }
        self.auto_relock != relock || self.settings != facts
    }
}
