//! Notification (0x71), versions 1 (then named Alarm) to 8 (Z-Wave Management Command Class Specification, "Notification
//! Command Class"; events in the Notification type list).

use keyway_lock::wire::Reader;
use keyway_lock::{LockEvent, SlotNumber, UnlockSource};

use super::{CcError, command_of, user_code, user_credential};

/// Class id.
pub const CLASS: u8 = 0x71;
/// Highest version spoken here.
pub const VERSION: u8 = 8;

const GET: u8 = 0x04;
const REPORT: u8 = 0x05;
const SET: u8 = 0x06;
const SUPPORTED_GET: u8 = 0x07;
const SUPPORTED_REPORT: u8 = 0x08;

/// Notification type Access Control.
pub const ACCESS_CONTROL: u8 = 0x06;
/// Notification type Home Security.
pub const HOME_SECURITY: u8 = 0x07;
/// Notification type Power Management.
pub const POWER_MANAGEMENT: u8 = 0x08;

/// Event "unknown", of any type.
const UNKNOWN_EVENT: u8 = 0xFE;
/// User Code commands that stand as a parameter.
const USER_CODE_REPORT: u8 = 0x03;
const EXTENDED_USER_CODE_REPORT: u8 = 0x0D;

/// Events of type Access Control.
pub mod access_control {
    /// Manual lock operation.
    pub const MANUAL_LOCK: u8 = 1;
    /// Manual unlock operation.
    pub const MANUAL_UNLOCK: u8 = 2;
    /// RF lock operation.
    pub const RF_LOCK: u8 = 3;
    /// RF unlock operation.
    pub const RF_UNLOCK: u8 = 4;
    /// Keypad lock operation; parameter: who.
    pub const KEYPAD_LOCK: u8 = 5;
    /// Keypad unlock operation; parameter: who.
    pub const KEYPAD_UNLOCK: u8 = 6;
    /// Auto lock locked operation.
    pub const AUTO_LOCK: u8 = 9;
    /// Lock jammed.
    pub const JAMMED: u8 = 11;
    /// All user codes deleted.
    pub const ALL_CODES_DELETED: u8 = 12;
    /// Single user code deleted; parameter: which.
    pub const CODE_DELETED: u8 = 13;
    /// New user code added; parameter: which.
    pub const CODE_ADDED: u8 = 14;
    /// New user code not added, due to a duplicate.
    pub const DUPLICATE_CODE: u8 = 15;
    /// Window or door is open.
    pub const DOOR_OPEN: u8 = 22;
    /// Window or door is closed.
    pub const DOOR_CLOSED: u8 = 23;
    /// Credential lock/close operation; parameter: Credential Usage Data.
    pub const CREDENTIAL_LOCK: u8 = 35;
    /// Credential unlock/open operation; parameter: Credential Usage Data.
    pub const CREDENTIAL_UNLOCK: u8 = 36;
    /// Invalid credential used.
    pub const INVALID_CREDENTIAL: u8 = 50;
}

/// A report. Version 1 fields stay meaningful only where the later ones are absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Version 1 alarm type.
    pub alarm_type: u8,
    /// Version 1 alarm level.
    pub alarm_level: u8,
    /// Notification type and event; `None`: a version 1 report.
    pub event: Option<(u8, u8)>,
    /// The event's parameters.
    pub parameters: Vec<u8>,
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotificationCommand {
    /// How does a type stand?
    Get {
        /// Notification type.
        notification_type: u8,
    },
    /// Something happened.
    Report(Report),
    /// Turns unasked reports of a type on or off.
    Set {
        /// Notification type.
        notification_type: u8,
        /// 0xFF on, 0x00 off.
        status: u8,
    },
    /// Which types are there?
    SupportedGet,
    /// These: bit n of the mask is type n.
    SupportedReport {
        /// Also sends version 1 alarms.
        v1_alarm: bool,
        /// Types.
        mask: Vec<u8>,
    },
}

impl NotificationCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Get { notification_type } => vec![CLASS, GET, 0, *notification_type, 0],
            Self::Report(report) => {
                let head = [CLASS, REPORT, report.alarm_type, report.alarm_level];
                let (notification_type, event) = match report.event {
                    Some(event) => event,
                    None if report.parameters.is_empty() => return head.to_vec(),
                    None => (0, 0),
                };
                let length = u8::try_from(report.parameters.len()).unwrap_or(0) & 0x1F;
                [&head[..], &[0, 0xFF, notification_type, event, length], &report.parameters].concat()
            }
            Self::Set { notification_type, status } => vec![CLASS, SET, *notification_type, *status],
            Self::SupportedGet => vec![CLASS, SUPPORTED_GET],
            Self::SupportedReport { v1_alarm, mask } => {
                let head = u8::from(*v1_alarm) << 7 | (u8::try_from(mask.len()).unwrap_or(0) & 0x1F);
                [&[CLASS, SUPPORTED_REPORT, head][..], mask].concat()
            }
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        Ok(match command {
            GET => {
                reader.u8("alarm type")?;
                Self::Get { notification_type: reader.u8("notification type").unwrap_or(0) }
            }
            REPORT => Self::Report(Report::decode(&mut reader)?),
            SET => Self::Set {
                notification_type: reader.u8("notification type")?,
                status: reader.u8("notification status")?,
            },
            SUPPORTED_GET => Self::SupportedGet,
            SUPPORTED_REPORT => {
                let head = reader.u8("number of bit masks")?;
                let mask = reader.bytes("bit mask", usize::from(head & 0x1F))?.to_vec();
                Self::SupportedReport { v1_alarm: head & 0x80 != 0, mask }
            }
            _ => return Err(CcError::unknown(payload)),
        })
    }
}

impl Report {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CcError> {
        let mut report =
            Self { alarm_type: reader.u8("alarm type")?, alarm_level: reader.u8("alarm level")?, ..Self::default() };
        if reader.bytes("reserved and notification status", 2).is_err() {
            return Ok(report);
        }
        let notification_type = reader.u8("notification type")?;
        let event = reader.u8("notification event")?;
        report.event = (notification_type != 0).then_some((notification_type, event));
        if let Ok(length) = reader.u8("event parameters length") {
            // Some locks count more than they send.
            let length = usize::from(length & 0x1F).min(reader.left());
            report.parameters = reader.bytes("event parameters", length)?.to_vec();
        }
        Ok(report)
    }

    /// What this means for a lock; empty for what does not concern one. `alarms`: the version 1 fields are to be believed
    /// where they say something.
    pub fn lock_events(&self, alarms: bool) -> Vec<LockEvent> {
        if let Some(event) = self.alarm().filter(|_| alarms) {
            return vec![event];
        }
        match self.event {
            // What it is stands in the version 1 fields only.
            Some((_, UNKNOWN_EVENT)) => self.alarm().into_iter().collect(),
            Some((ACCESS_CONTROL, event)) => self.access_control(event).into_iter().collect(),
            // Tampering: cover removed, moved, broken glass, impact.
            Some((HOME_SECURITY, 3 | 5 | 6 | 9 | 10 | 11)) => vec![LockEvent::Tamper],
            Some((HOME_SECURITY, 4)) => vec![LockEvent::InvalidCode],
            Some((POWER_MANAGEMENT, 10 | 11)) => vec![LockEvent::Battery { percent: None, low: true }],
            Some(_) => Vec::new(),
            None => self.alarm().into_iter().collect(),
        }
    }

    fn access_control(&self, event: u8) -> Option<LockEvent> {
        use UnlockSource::{Automatic, Keypad, Manual, Remote, Unknown};
        let locked = |source, slot| LockEvent::Locked { source, slot };
        let unlocked = |source, slot| LockEvent::Unlocked { source, slot };
        Some(match event {
            access_control::MANUAL_LOCK => locked(Manual, None),
            access_control::MANUAL_UNLOCK => unlocked(Manual, None),
            access_control::RF_LOCK => locked(Remote, None),
            access_control::RF_UNLOCK => unlocked(Remote, None),
            access_control::KEYPAD_LOCK => locked(Keypad, self.user()),
            access_control::KEYPAD_UNLOCK => unlocked(Keypad, self.user()),
            access_control::AUTO_LOCK => locked(Automatic, None),
            // Not fully locked: by hand, by radio, by itself; jammed.
            7 | 8 | 10 | access_control::JAMMED => LockEvent::Jammed,
            access_control::ALL_CODES_DELETED => LockEvent::AllCodesDeleted,
            access_control::CODE_DELETED => LockEvent::CodeDeleted(self.user()),
            access_control::CODE_ADDED => LockEvent::CodeAdded(self.user()),
            access_control::DUPLICATE_CODE => LockEvent::DuplicateCode(self.user()),
            // Keypad temporarily disabled; code past its limit; unlock or lock by radio with an invalid code.
            16 | 19..=21 => LockEvent::InvalidCode,
            // The master code was changed.
            18 => LockEvent::CodeAdded(Some(SlotNumber(0))),
            access_control::CREDENTIAL_LOCK => match self.pin_slot() {
                Some(slot) => locked(Keypad, Some(slot)),
                None => locked(Unknown, None),
            },
            access_control::CREDENTIAL_UNLOCK => match self.pin_slot() {
                Some(slot) => unlocked(Keypad, Some(slot)),
                None => unlocked(Unknown, None),
            },
            access_control::INVALID_CREDENTIAL => LockEvent::InvalidCode,
            access_control::DOOR_OPEN => LockEvent::DoorOpen(true),
            access_control::DOOR_CLOSED => LockEvent::DoorOpen(false),
            // Lock and unlock by a source the list names later (button, credential…).
            25 | 33 => locked(Unknown, self.user()),
            26 | 34 => unlocked(Unknown, self.user()),
            _ => return None,
        })
    }

    /// Who it was. Locks put here a whole User Code Report, an Extended one, or the bare identifier.
    fn user(&self) -> Option<SlotNumber> {
        match self.parameters[..] {
            // Some locks cut it behind the identifier.
            [user_code::CLASS, USER_CODE_REPORT, user, ..] => Some(SlotNumber(user.into())),
            [user_code::CLASS, EXTENDED_USER_CODE_REPORT, _, high, low, ..] => {
                Some(SlotNumber(u16::from_be_bytes([high, low])))
            }
            [user] => Some(SlotNumber(user.into())),
            [high, low] => Some(SlotNumber(u16::from_be_bytes([high, low]))),
            // The beginning of a Credential Report: user, type, slot.
            [_, _, user_credential::PIN_CODE, high, low] => Some(SlotNumber(u16::from_be_bytes([high, low]))),
            [] if self.alarm_type != 0 => Some(SlotNumber(self.alarm_level.into())),
            _ => None,
        }
    }

    /// The slot of the PIN that was used: Credential Usage Data are the user, how many credentials, and type and slot of
    /// each. `None`: no PIN was.
    fn pin_slot(&self) -> Option<SlotNumber> {
        let used = self.parameters.get(3..)?.chunks_exact(3);
        used.filter_map(|used| match *used {
            [user_credential::PIN_CODE, high, low] => Some(SlotNumber(u16::from_be_bytes([high, low]))),
            _ => None,
        })
        .next()
    }

    /// Version 1 alarms, whose types each maker chose; these are common to the locks that have only them.
    fn alarm(&self) -> Option<LockEvent> {
        use UnlockSource::{Automatic, Keypad, Manual, Remote};
        let slot = Some(SlotNumber(self.alarm_level.into()));
        let locked = |source, slot| LockEvent::Locked { source, slot };
        let unlocked = |source, slot| LockEvent::Unlocked { source, slot };
        Some(match self.alarm_type {
            9 | 17 | 23 | 26 => LockEvent::Jammed,
            18 => locked(Keypad, slot),
            19 => unlocked(Keypad, slot),
            21 => locked(Manual, None),
            22 => unlocked(Manual, None),
            24 => locked(Remote, None),
            25 => unlocked(Remote, None),
            27 => locked(Automatic, None),
            32 => LockEvent::AllCodesDeleted,
            33 => LockEvent::CodeDeleted(slot),
            // Door position switch, of Yale: open, closed, propped.
            43 => match self.alarm_level {
                0 => LockEvent::DoorOpen(true),
                1 => LockEvent::DoorOpen(false),
                _ => LockEvent::DoorLeftOpen,
            },
            112 => LockEvent::CodeAdded(slot),
            113 => LockEvent::DuplicateCode(slot),
            161 if self.alarm_level == 2 => LockEvent::Tamper,
            161 => LockEvent::InvalidCode,
            167..=169 => LockEvent::Battery { percent: None, low: true },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_without_an_event_are_written_as_they_were_read() {
        let report = Report { alarm_type: 36, alarm_level: 61, event: None, parameters: vec![1, 2] };
        let report = NotificationCommand::Report(report);
        assert_eq!(NotificationCommand::decode(&report.encode()), Ok(report));
    }

    fn events(bytes: &[u8]) -> Vec<LockEvent> {
        match NotificationCommand::decode(bytes) {
            Ok(NotificationCommand::Report(report)) => report.lock_events(false),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_keypad_unlock_names_the_user_in_every_style_seen() {
        let expected = [LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SlotNumber(5)) }];
        for parameters in [
            &[8, 0x63, 0x03, 5, 1, 0, 0, 0, 0][..],
            &[3, 0x63, 0x03, 5],
            &[1, 5],
            &[2, 0, 5],
            &[9, 0x63, 0x0D, 1, 0, 5, 1, 0, 0, 0],
        ] {
            let bytes = [&[0x71, 0x05, 0, 0, 0, 0xFF, 6, 6][..], parameters].concat();
            assert_eq!(events(&bytes), expected, "{parameters:?}");
        }
        assert_eq!(events(&[0x71, 0x05, 19, 5]), expected);
    }

    #[test]
    fn a_credential_that_was_used_is_told_by_the_slot_of_its_pin() {
        let used = |number, parameters: &[u8]| {
            let length = u8::try_from(parameters.len()).unwrap();
            events(&[&[0x71, 0x05, 0, 0, 0, 0xFF, 6, number, length][..], parameters].concat())
        };
        let slot = Some(SlotNumber(300));
        assert_eq!(used(36, &[0, 5, 1, 1, 1, 44]), [LockEvent::Unlocked { source: UnlockSource::Keypad, slot }]);
        assert_eq!(used(35, &[0, 5, 2, 9, 0, 1, 1, 1, 44]), [LockEvent::Locked { source: UnlockSource::Keypad, slot }]);
        let finger = LockEvent::Unlocked { source: UnlockSource::Unknown, slot: None };
        assert_eq!(used(36, &[0, 5, 1, 9, 0, 1]), [finger]);
        assert_eq!(used(14, &[0, 5, 1, 1, 44]), [LockEvent::CodeAdded(slot)]);
        assert_eq!(used(50, &[]), [LockEvent::InvalidCode]);
    }

    #[test]
    fn user_99_is_not_taken_for_the_class_that_has_this_number() {
        let expected = [LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SlotNumber(99)) }];
        assert_eq!(events(&[0x71, 0x05, 0, 0, 0, 0xFF, 6, 6, 1, 99]), expected);
    }

    #[test]
    fn an_unknown_event_means_what_its_version_1_fields_say() {
        let expected = [LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SlotNumber(5)) }];
        assert_eq!(events(&[0x71, 0x05, 19, 5, 0, 0xFF, 6, 0xFE, 0]), expected);
        assert_eq!(events(&[0x71, 0x05, 0, 0, 0, 0xFF, 6, 0xFE, 0]), []);
    }

    #[test]
    fn where_the_old_alarms_are_to_be_believed_they_count_before_the_event() {
        let bytes = [0x71, 0x05, 19, 7, 0, 0xFF, 6, 6, 1, 5];
        let Ok(NotificationCommand::Report(report)) = NotificationCommand::decode(&bytes) else { panic!() };
        let slot = |alarms| match report.lock_events(alarms)[..] {
            [LockEvent::Unlocked { slot, .. }] => slot,
            _ => None,
        };
        assert_eq!((slot(true), slot(false)), (Some(SlotNumber(7)), Some(SlotNumber(5))));
        let silent = Report { alarm_type: 0, ..report.clone() };
        assert_eq!(silent.lock_events(true), report.lock_events(false));
    }

    #[test]
    fn codes_jams_tampering_doors_and_duplicates_are_told_apart() {
        let event = |kind, number| events(&[0x71, 0x05, 0, 0, 0, 0xFF, kind, number, 0]);
        assert_eq!(event(6, 11), [LockEvent::Jammed]);
        assert_eq!(event(6, 12), [LockEvent::AllCodesDeleted]);
        assert_eq!(event(6, 13), [LockEvent::CodeDeleted(None)]);
        assert_eq!(event(6, 15), [LockEvent::DuplicateCode(None)]);
        assert_eq!(event(6, 22), [LockEvent::DoorOpen(true)]);
        assert_eq!(event(7, 3), [LockEvent::Tamper]);
        assert_eq!(event(8, 11), [LockEvent::Battery { percent: None, low: true }]);
        assert_eq!(event(5, 1), []);
    }

    #[test]
    fn the_old_alarm_of_a_door_tells_open_closed_and_left_open() {
        let told = |level| events(&[0x71, 0x05, 43, level]);
        assert_eq!(told(0), [LockEvent::DoorOpen(true)]);
        assert_eq!(told(1), [LockEvent::DoorOpen(false)]);
        assert_eq!(told(2), [LockEvent::DoorLeftOpen]);
    }
}
