//! What a lock was told, for the tests and people who look on. No digits of any code are in it.

use std::collections::VecDeque;

use keyway_zwave::security::SecurityClass;
use serde::Serialize;

/// Commands that are remembered.
const MAX_COMMANDS: usize = 200;

/// A command of the hub, as the lock understood it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedCommand {
    /// Its name, such as `user_code_set`; `class_63_command_77` for one that is not known here.
    pub command: String,
    /// The slot it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<u16>,
    /// The security class it came under; none: in the clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<&'static str>,
    /// It came under Supervision.
    pub supervised: bool,
    /// When, in milliseconds since the stick was made.
    pub at_ms: u64,
}

/// The last commands.
#[derive(Debug, Default)]
pub(super) struct CommandLog(VecDeque<LoggedCommand>);

impl CommandLog {
    pub(super) fn push(&mut self, at_ms: u64, class: Option<SecurityClass>, supervised: bool, command: &[u8]) {
        if self.0.len() >= MAX_COMMANDS {
            self.0.pop_front();
        }
        let (command, slot) = describe(command);
        self.0.push_back(LoggedCommand { command, slot, security: class.map(security), supervised, at_ms });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &LoggedCommand> {
        self.0.iter()
    }
}

fn security(class: SecurityClass) -> &'static str {
    match class {
        SecurityClass::Temporary => "temporary",
        SecurityClass::S0 => "s0",
        SecurityClass::S2Unauthenticated => "s2_unauthenticated",
        SecurityClass::S2Authenticated => "s2_authenticated",
        SecurityClass::S2AccessControl => "s2_access_control",
    }
}

fn describe(command: &[u8]) -> (String, Option<u16>) {
    let short = || command.get(2).map(|slot| u16::from(*slot));
    let long = |at| Some(u16::from_be_bytes([*command.get(at)?, *command.get(at + 1)?]));
    let (name, slot) = match command {
        [0x4C, 0x01, ..] => ("door_lock_logging_records_supported_get", None),
        [0x4C, 0x03, ..] => ("door_lock_logging_record_get", None),
        [0x62, 0x01, 0xFF, ..] => ("door_lock_secure", None),
        [0x62, 0x01, ..] => ("door_lock_unsecure", None),
        [0x62, 0x02, ..] => ("door_lock_get", None),
        [0x62, 0x04, ..] => ("door_lock_configuration_set", None),
        [0x62, 0x05, ..] => ("door_lock_configuration_get", None),
        [0x62, 0x07, ..] => ("door_lock_capabilities_get", None),
        [0x63, 0x01, _, 0x00, ..] => ("user_code_clear", short()),
        [0x63, 0x01, ..] => ("user_code_set", short()),
        [0x63, 0x02, ..] => ("user_code_get", short()),
        [0x63, 0x04, ..] => ("user_code_users_number_get", None),
        [0x63, 0x06, ..] => ("user_code_capabilities_get", None),
        [0x63, 0x08, ..] => ("user_code_keypad_mode_set", None),
        [0x63, 0x09, ..] => ("user_code_keypad_mode_get", None),
        [0x63, 0x0B, 1, _, _, 0x00, ..] => ("user_code_clear", long(3)),
        [0x63, 0x0B, ..] => ("user_code_set", long(3)),
        [0x63, 0x0C, ..] => ("user_code_get", long(2)),
        [0x63, 0x0E, ..] => ("user_code_admin_code_set", None),
        [0x63, 0x0F, ..] => ("user_code_admin_code_get", None),
        [0x63, 0x11, ..] => ("user_code_checksum_get", None),
        [0x70, 0x04, ..] => ("configuration_set", None),
        [0x70, 0x05, ..] => ("configuration_get", None),
        [0x71, 0x01, ..] => ("notification_event_supported_get", None),
        [0x71, 0x04, ..] => ("notification_get", None),
        [0x71, 0x06, ..] => ("notification_set", None),
        [0x71, 0x07, ..] => ("notification_supported_get", None),
        [0x72, 0x04, ..] => ("manufacturer_specific_get", None),
        [0x72, 0x06, ..] => ("manufacturer_specific_device_specific_get", None),
        [0x80, 0x02, ..] => ("battery_get", None),
        [0x83, 0x01, ..] => ("user_credential_user_capabilities_get", None),
        [0x83, 0x03, ..] => ("user_credential_credential_capabilities_get", None),
        [0x83, 0x05, 2, ..] => ("user_credential_user_delete", long(3)),
        [0x83, 0x05, ..] => ("user_credential_user_set", long(3)),
        [0x83, 0x06, ..] => ("user_credential_user_get", long(2)),
        [0x83, 0x0A, _, _, _, _, _, 2, ..] => ("user_credential_credential_delete", long(5)),
        [0x83, 0x0A, ..] => ("user_credential_credential_set", long(5)),
        [0x83, 0x0B, ..] => ("user_credential_credential_get", long(5)),
        [0x83, 0x12, ..] => ("user_credential_association_set", long(3)),
        [0x83, 0x14, ..] => ("user_credential_all_users_checksum_get", None),
        [0x83, 0x16, ..] => ("user_credential_user_checksum_get", long(2)),
        [0x83, 0x18, ..] => ("user_credential_credential_checksum_get", None),
        [0x84, 0x04, ..] => ("wake_up_interval_set", None),
        [0x84, 0x05, ..] => ("wake_up_interval_get", None),
        [0x84, 0x08, ..] => ("wake_up_no_more_information", None),
        [0x84, 0x09, ..] => ("wake_up_interval_capabilities_get", None),
        [0x85, 0x01, ..] => ("association_set", None),
        [0x85, 0x02, ..] => ("association_get", None),
        [0x86, 0x11, ..] => ("version_get", None),
        [0x86, 0x13, ..] => ("version_command_class_get", None),
        [0x5E, 0x01, ..] => ("zwave_plus_info_get", None),
        [0x98, 0x02, ..] => ("security_0_commands_supported_get", None),
        [0x9F, 0x0D, ..] => ("security_2_commands_supported_get", None),
        [class, id, ..] => return (format!("class_{class:02x}_command_{id:02x}"), None),
        [class] => return (format!("class_{class:02x}"), None),
        [] => ("nothing", None),
    };
    (name.to_owned(), slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_with_its_slot_and_without_its_digits() {
        let mut log = CommandLog::default();
        let set = [0x63, 0x01, 5, 1, b'8', b'6', b'4', b'2'];
        log.push(7, Some(SecurityClass::S2AccessControl), true, &set);
        log.push(8, None, false, &[0x63, 0x0B, 1, 1, 44, 0, 0]);
        log.push(9, None, false, &[0x77, 0x01]);
        let lines: Vec<_> = log.iter().map(|line| (line.command.as_str(), line.slot)).collect();
        assert_eq!(lines, [("user_code_set", Some(5)), ("user_code_clear", Some(300)), ("class_77_command_01", None)]);
        let shown = serde_json::to_string(log.iter().next().unwrap()).unwrap();
        assert!(!shown.contains("8642"), "{shown}");
    }

    #[test]
    fn only_the_last_ones_are_kept() {
        let mut log = CommandLog::default();
        (0..250).for_each(|at| log.push(at, None, false, &[0x80, 0x02]));
        assert_eq!((log.iter().count(), log.iter().next().map(|line| line.at_ms)), (200, Some(50)));
    }
}
