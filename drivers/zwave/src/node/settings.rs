//! What a node said of its settings: in its interview, after it was told another, or because somebody changed one at it.

use std::collections::{BTreeMap, BTreeSet};

use keyway_lock::{AdminCode, BoltSettings, Keypad, KeypadMode, Settings};
use serde::{Deserialize, Serialize};

use super::table::NodeRecord;
use crate::cc::configuration::{self, ConfigurationCommand};
use crate::cc::door_lock::{self, Configuration, DoorLockCommand, Operation};
use crate::cc::user_code::{self, UserCodeCapabilities, UserCodeCommand};
use crate::quirks::ParameterQuirk;

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
    /// What its bolt can do by itself: options of its door lock capabilities.
    pub bolt_options: Option<u8>,
    /// Its operation types, as the capabilities have them.
    pub operation_types: u8,
    /// What its bolt does by itself: seconds after which it is thrown again (0: it is not), seconds for which the latch is
    /// held, and the options of its configuration.
    pub bolt: Option<(u16, u16, u8)>,
    /// How many records it keeps of who used it; 0: none.
    pub log_size: Option<u8>,
    /// What its parameters are, by number, as far as it was asked.
    pub parameters: BTreeMap<u8, i64>,
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

    /// Whether anything of what its bolt does by itself can be set, but for the auto-relock time.
    pub fn has_bolt_settings(&self) -> bool {
        self.can_be_timed() || self.bolt_options.is_some_and(|options| options & !door_lock::AUTO_RELOCK != 0)
    }

    fn can_be_timed(&self) -> bool {
        const BOTH: u8 = door_lock::CONSTANT | door_lock::TIMED;
        self.operation_types & BOTH == BOTH
    }

    /// Whether its bolt is thrown again when it was drawn back "with timeout".
    pub fn is_timed(&self) -> bool {
        self.bolt.is_some_and(|(seconds, ..)| seconds > 0)
    }

    fn bolt_told(&self) -> BoltSettings {
        let Some((timed, hold, options)) = self.bolt else { return BoltSettings::default() };
        let able = |bit: u8| self.bolt_options.is_some_and(|options| options & bit != 0);
        let option = |can: u8, bit: u8| able(can).then_some(options & bit != 0);
        BoltSettings {
            timed_seconds: self.can_be_timed().then_some(timed),
            hold_and_release_seconds: able(door_lock::HOLD_AND_RELEASE).then_some(hold),
            block_to_block: option(door_lock::CAN_BLOCK_TO_BLOCK, door_lock::BLOCK_TO_BLOCK),
            twist_assist: option(door_lock::CAN_TWIST_ASSIST, door_lock::TWIST_ASSIST),
        }
    }

    fn told(&self, parameters: &[ParameterQuirk]) -> Settings {
        let modes = || self.keypad_modes.iter().flatten().filter_map(|mode| user_code::keypad_mode(*mode)).collect();
        let mode = self.keypad_mode.and_then(user_code::keypad_mode).filter(|_| self.has_keypad_modes());
        let admin_code = self.admin_code_set.filter(|_| self.has_admin_code == Some(true));
        Settings {
            keypad: mode.map(|mode: KeypadMode| Keypad { mode, modes: modes() }),
            admin_code: admin_code.map(|is_set| AdminCode { is_set, can_be_removed: self.can_lose_admin_code }),
            bolt: self.bolt_told(),
            keeps_log: self.log_size.is_some_and(|size| size > 0),
            parameters: parameters
                .iter()
                .map(|known| known.told(self.parameters.get(&known.number).copied()))
                .collect(),
        }
    }
}

impl NodeRecord {
    /// How it is set, and what can be set of it, as the hub is told.
    pub fn settings_told(&self) -> Settings {
        let able = self.supports(configuration::CLASS);
        self.settings.told(if able { &self.quirk.parameters } else { &[] })
    }

    /// Takes in what a report says of a setting, whoever asked for it. True: it is news.
    pub fn learn(&mut self, report: &[u8]) -> bool {
        let (relock, facts) = (self.auto_relock, self.settings.clone());
        match (DoorLockCommand::decode(report), UserCodeCommand::decode(report)) {
            (Ok(DoorLockCommand::ConfigurationReport(Configuration { operation, extras: Some(extras), .. })), _) => {
                if self.has_auto_relock == Some(true) {
                    self.auto_relock = Some(extras.auto_relock);
                }
                let timed = match operation {
                    Operation::Constant => 0,
                    Operation::Timed(seconds) => seconds,
                };
                self.settings.bolt = Some((timed, extras.hold_and_release, extras.options));
            }
            (_, Ok(UserCodeCommand::KeypadModeReport(mode))) => self.settings.keypad_mode = Some(mode),
            (_, Ok(UserCodeCommand::AdminCodeReport(code))) => {
                self.settings.admin_code_set = Some(!code.expose().is_empty());
            }
            _ => {}
        }
        if let Ok(ConfigurationCommand::Report { parameter, value }) = ConfigurationCommand::decode(report)
            && let Some(known) = self.quirk.parameters.iter().find(|known| known.number == parameter)
            && let Some(value) = known.decode(&value)
        {
            self.settings.parameters.insert(parameter, value);
        }
        self.auto_relock != relock || self.settings != facts
    }
}
