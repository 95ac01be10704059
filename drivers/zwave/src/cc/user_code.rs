//! User Code (0x63), versions 1 and 2 (Z-Wave Application Command Class Specification, "User Code Command Class").

use std::fmt;

use keyway_lock::wire::{Reader, WireError};
use keyway_lock::{KeypadMode, Pin, SlotContent, SlotNumber};
use zeroize::Zeroizing;

use super::{CcError, command_of};
use crate::transport::crc16::crc_ccitt;

/// Class id.
pub const CLASS: u8 = 0x63;
/// Highest version spoken here.
pub const VERSION: u8 = 2;

const SET: u8 = 0x01;
const GET: u8 = 0x02;
const REPORT: u8 = 0x03;
const USERS_NUMBER_GET: u8 = 0x04;
const USERS_NUMBER_REPORT: u8 = 0x05;
const CAPABILITIES_GET: u8 = 0x06;
const CAPABILITIES_REPORT: u8 = 0x07;
const KEYPAD_MODE_SET: u8 = 0x08;
const KEYPAD_MODE_GET: u8 = 0x09;
const KEYPAD_MODE_REPORT: u8 = 0x0A;
const EXTENDED_SET: u8 = 0x0B;
const EXTENDED_GET: u8 = 0x0C;
const EXTENDED_REPORT: u8 = 0x0D;
const ADMIN_CODE_SET: u8 = 0x0E;
const ADMIN_CODE_GET: u8 = 0x0F;
const ADMIN_CODE_REPORT: u8 = 0x10;
const CHECKSUM_GET: u8 = 0x11;
const CHECKSUM_REPORT: u8 = 0x12;

/// User ID Status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserIdStatus {
    /// 0x00: free.
    Available,
    /// 0x01: occupied (version 1), enabled (version 2).
    Enabled,
    /// 0x02: reserved by the administrator (version 1), disabled (version 2).
    Disabled,
    /// 0x03: messaging.
    Messaging,
    /// 0x04: passage mode.
    Passage,
    /// 0xFE: status not available.
    NotAvailable,
    /// Any other value.
    Other(u8),
}

impl From<u8> for UserIdStatus {
    fn from(value: u8) -> Self {
        match value {
            0x00 => Self::Available,
            0x01 => Self::Enabled,
            0x02 => Self::Disabled,
            0x03 => Self::Messaging,
            0x04 => Self::Passage,
            0xFE => Self::NotAvailable,
            other => Self::Other(other),
        }
    }
}

impl From<UserIdStatus> for u8 {
    fn from(status: UserIdStatus) -> Self {
        match status {
            UserIdStatus::Available => 0x00,
            UserIdStatus::Enabled => 0x01,
            UserIdStatus::Disabled => 0x02,
            UserIdStatus::Messaging => 0x03,
            UserIdStatus::Passage => 0x04,
            UserIdStatus::NotAvailable => 0xFE,
            UserIdStatus::Other(other) => other,
        }
    }
}

/// The characters of a code as they stand in a frame. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CodeBytes(Zeroizing<Vec<u8>>);

impl CodeBytes {
    /// What a lock is sent to empty a slot: four zeros (version 1: "MUST be set to 0x00000000 (4 bytes) when User ID
    /// Status is equal to 0x00").
    pub fn cleared() -> Self {
        Self(Zeroizing::new(vec![0; 4]))
    }

    /// The bytes, for the frame or the virtual lock.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Behind its length, as the admin code has it.
    fn encode_counted(&self, command: u8) -> Vec<u8> {
        let length = u8::try_from(self.0.len()).unwrap_or(0) & 0x0F;
        [&[CLASS, command, length][..], &self.0].concat()
    }

    fn decode_counted(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let length = reader.u8("admin code length")? & 0x0F;
        Ok(Self::new(reader.bytes("admin code", length.into())?))
    }
}

impl From<&Pin> for CodeBytes {
    fn from(pin: &Pin) -> Self {
        Self::new(pin.expose().as_bytes())
    }
}

impl From<&[u8]> for CodeBytes {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

impl fmt::Debug for CodeBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeBytes(redacted)")
    }
}

/// A slot with its code, as Set and Report carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode {
    /// User Identifier; 0 stands for all.
    pub user: SlotNumber,
    /// User ID Status.
    pub status: UserIdStatus,
    /// The code's characters.
    pub code: CodeBytes,
}

impl UserCode {
    /// An enabled code.
    pub fn enabled(user: SlotNumber, pin: &Pin) -> Self {
        Self { user, status: UserIdStatus::Enabled, code: pin.into() }
    }

    /// An emptied slot.
    pub fn cleared(user: SlotNumber) -> Self {
        Self { user, status: UserIdStatus::Available, code: CodeBytes::cleared() }
    }

    /// What this says of the slot. Absurd answers are unknown, not empty: a status that nobody defined is unusable, a
    /// taken slot whose characters are no PIN is hidden. A code that is disabled, or reserved by an administrator, opens
    /// no door, whatever its digits are: no guest's code.
    pub fn content(&self) -> SlotContent {
        match self.status {
            UserIdStatus::Available => SlotContent::Free,
            UserIdStatus::Enabled | UserIdStatus::Messaging | UserIdStatus::Passage => {
                // Some locks fill up a fixed field behind the code.
                let end = self.code.0.iter().rposition(|byte| !matches!(byte, 0x00 | 0xFF)).map_or(0, |last| last + 1);
                let pin = std::str::from_utf8(&self.code.0[..end]).ok().and_then(|text| Pin::new(text).ok());
                pin.map_or(SlotContent::Hidden, SlotContent::Code)
            }
            UserIdStatus::Disabled | UserIdStatus::NotAvailable | UserIdStatus::Other(_) => SlotContent::Unusable,
        }
    }

    fn encode_short(&self, command: u8) -> Vec<u8> {
        let id = u8::try_from(self.user.0).unwrap_or(u8::MAX);
        let mut bytes = vec![CLASS, command, id, self.status.into()];
        bytes.extend_from_slice(self.code.expose());
        bytes
    }

    fn decode_short(parameters: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(parameters);
        let user = SlotNumber(reader.u8("user identifier")?.into());
        let status = reader.u8("user id status")?.into();
        Ok(Self { user, status, code: CodeBytes::new(reader.rest()) })
    }

    fn encode_block(&self, bytes: &mut Vec<u8>) {
        // A cleared code has no characters in the extended form.
        let code = if self.status == UserIdStatus::Available { &[] } else { self.code.expose() };
        bytes.extend(self.user.0.to_be_bytes());
        bytes.extend([self.status.into(), u8::try_from(code.len()).unwrap_or(0) & 0x0F]);
        bytes.extend_from_slice(code);
    }

    fn decode_block(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let user = SlotNumber(reader.u16_be("user identifier")?);
        let status = reader.u8("user id status")?.into();
        let length = reader.u8("user code length")? & 0x0F;
        let code = reader.bytes("user code", length.into())?;
        // What some locks leave standing in a cleared one is no code.
        let code = if status == UserIdStatus::Available { &[] } else { code };
        Ok(Self { user, status, code: CodeBytes::new(code) })
    }
}

/// What a version 2 lock says it can do with codes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserCodeCapabilities {
    /// Has a checksum over all codes.
    pub checksum: bool,
    /// Extended Get may be answered with several codes.
    pub multiple_report: bool,
    /// Extended Set may carry several codes.
    pub multiple_set: bool,
    /// Bit n: User ID Status n is supported.
    pub statuses: Vec<u8>,
    /// Bit n: keypad mode n is supported.
    pub keypad_modes: Vec<u8>,
    /// Bit n: the ASCII character n is on the keypad.
    pub keys: Vec<u8>,
    /// Has an admin code.
    pub admin_code: bool,
    /// Admin code may be taken away.
    pub admin_code_deactivation: bool,
}

impl UserCodeCapabilities {
    /// The decimal digits among the keys, ascending.
    pub fn digits(&self) -> String {
        let has = |c: &char| {
            let code = *c as usize;
            self.keys.get(code / 8).is_some_and(|byte| byte & (1 << (code % 8)) != 0)
        };
        ('0'..='9').filter(has).collect()
    }

    /// The numbers of the keypad modes that it knows and that are defined, ascending.
    pub fn modes(&self) -> impl Iterator<Item = u8> {
        let has = |mode: &u8| self.keypad_modes.first().is_some_and(|bits| bits & 1 << mode != 0);
        KeypadMode::ALL.into_iter().map(number_of).filter(has)
    }

    fn decode(parameters: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(parameters);
        let first = reader.u8("supported user id status length")?;
        let statuses = reader.bytes("supported user id status", usize::from(first & 0x1F))?.to_vec();
        let second = reader.u8("supported keypad modes length")?;
        let keypad_modes = reader.bytes("supported keypad modes", usize::from(second & 0x1F))?.to_vec();
        let third = reader.u8("supported keys length")?;
        let keys = reader.bytes("supported keys", usize::from(third & 0x0F))?.to_vec();
        Ok(Self {
            admin_code: first & 0x80 != 0,
            admin_code_deactivation: first & 0x40 != 0,
            checksum: second & 0x80 != 0,
            multiple_report: second & 0x40 != 0,
            multiple_set: second & 0x20 != 0,
            statuses,
            keypad_modes,
            keys,
        })
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        let length = |list: &[u8]| u8::try_from(list.len()).unwrap_or(0);
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        bytes.push(flag(self.admin_code, 0x80) | flag(self.admin_code_deactivation, 0x40) | length(&self.statuses));
        bytes.extend(&self.statuses);
        let flags = flag(self.checksum, 0x80) | flag(self.multiple_report, 0x40) | flag(self.multiple_set, 0x20);
        bytes.push(flags | length(&self.keypad_modes));
        bytes.extend(&self.keypad_modes);
        bytes.push(length(&self.keys));
        bytes.extend(&self.keys);
    }
}

/// The mode of a number; `None`: nobody defined it.
pub fn keypad_mode(number: u8) -> Option<KeypadMode> {
    KeypadMode::ALL.into_iter().find(|mode| number_of(*mode) == number)
}

/// A keypad mode's number.
pub fn number_of(mode: KeypadMode) -> u8 {
    match mode {
        KeypadMode::Normal => 0x00,
        KeypadMode::Vacation => 0x01,
        KeypadMode::Privacy => 0x02,
        KeypadMode::LockedOut => 0x03,
    }
}

/// The checksum over codes (version 2): CRC-CCITT over identifier, status and characters of each that is not available,
/// by ascending identifier; 0 if there is none.
pub fn checksum(mut codes: Vec<UserCode>) -> u16 {
    codes.retain(|code| code.status != UserIdStatus::Available);
    codes.sort_by_key(|code| code.user);
    if codes.is_empty() {
        return 0;
    }
    let mut bytes = Zeroizing::new(Vec::new());
    for code in &codes {
        bytes.extend(code.user.0.to_be_bytes());
        bytes.push(code.status.into());
        bytes.extend_from_slice(code.code.expose());
    }
    crc_ccitt(&bytes)
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserCodeCommand {
    /// Put a code into a slot, or empty it. Identifiers to 255.
    Set(UserCode),
    /// Ask for a slot. Identifiers to 255.
    Get(SlotNumber),
    /// What a slot holds.
    Report(UserCode),
    /// How many slots are there?
    UsersNumberGet,
    /// So many.
    UsersNumberReport(u16),
    /// What can you do? (version 2)
    CapabilitiesGet,
    /// This. (version 2)
    CapabilitiesReport(UserCodeCapabilities),
    /// Sets the keypad mode (version 2), by its number: see [`keypad_mode`].
    KeypadModeSet(u8),
    /// Which keypad mode? (version 2)
    KeypadModeGet,
    /// This. (version 2)
    KeypadModeReport(u8),
    /// Puts codes into slots (version 2).
    ExtendedSet(Vec<UserCode>),
    /// Asks for a slot; `more`: and for those after it (version 2).
    ExtendedGet {
        /// First slot.
        user: SlotNumber,
        /// As many as fit.
        more: bool,
    },
    /// What slots hold (version 2).
    ExtendedReport {
        /// The slots.
        codes: Vec<UserCode>,
        /// The next slot that is taken; 0: none.
        next: SlotNumber,
    },
    /// Gives the lock an admin code; one without characters takes it away (version 2).
    AdminCodeSet(CodeBytes),
    /// Asks for the admin code (version 2).
    AdminCodeGet,
    /// The admin code; without characters: there is none (version 2).
    AdminCodeReport(CodeBytes),
    /// Asks for the checksum over all codes (version 2).
    ChecksumGet,
    /// The checksum; 0: no codes (version 2).
    ChecksumReport(u16),
}

impl UserCodeCommand {
    /// The whole payload.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Set(code) => code.encode_short(SET),
            Self::Get(user) => vec![CLASS, GET, u8::try_from(user.0).unwrap_or(u8::MAX)],
            Self::Report(code) => code.encode_short(REPORT),
            Self::UsersNumberGet => vec![CLASS, USERS_NUMBER_GET],
            Self::UsersNumberReport(count) => {
                let [high, low] = count.to_be_bytes();
                vec![CLASS, USERS_NUMBER_REPORT, u8::try_from(*count).unwrap_or(u8::MAX), high, low]
            }
            Self::CapabilitiesGet => vec![CLASS, CAPABILITIES_GET],
            Self::CapabilitiesReport(capabilities) => {
                let mut bytes = vec![CLASS, CAPABILITIES_REPORT];
                capabilities.encode(&mut bytes);
                bytes
            }
            Self::KeypadModeSet(mode) => vec![CLASS, KEYPAD_MODE_SET, *mode],
            Self::KeypadModeGet => vec![CLASS, KEYPAD_MODE_GET],
            Self::KeypadModeReport(mode) => vec![CLASS, KEYPAD_MODE_REPORT, *mode],
            Self::ExtendedSet(codes) => {
                let mut bytes = vec![CLASS, EXTENDED_SET, u8::try_from(codes.len()).unwrap_or(0)];
                codes.iter().for_each(|code| code.encode_block(&mut bytes));
                bytes
            }
            Self::ExtendedGet { user, more } => {
                let [high, low] = user.0.to_be_bytes();
                vec![CLASS, EXTENDED_GET, high, low, u8::from(*more)]
            }
            Self::ExtendedReport { codes, next } => {
                let mut bytes = vec![CLASS, EXTENDED_REPORT, u8::try_from(codes.len()).unwrap_or(0)];
                codes.iter().for_each(|code| code.encode_block(&mut bytes));
                bytes.extend(next.0.to_be_bytes());
                bytes
            }
            Self::AdminCodeSet(code) => code.encode_counted(ADMIN_CODE_SET),
            Self::AdminCodeGet => vec![CLASS, ADMIN_CODE_GET],
            Self::AdminCodeReport(code) => code.encode_counted(ADMIN_CODE_REPORT),
            Self::ChecksumGet => vec![CLASS, CHECKSUM_GET],
            Self::ChecksumReport(sum) => {
                let [high, low] = sum.to_be_bytes();
                vec![CLASS, CHECKSUM_REPORT, high, low]
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
            SET => Self::Set(UserCode::decode_short(parameters)?),
            GET => Self::Get(SlotNumber(reader.u8("user identifier")?.into())),
            REPORT => Self::Report(UserCode::decode_short(parameters)?),
            USERS_NUMBER_GET => Self::UsersNumberGet,
            USERS_NUMBER_REPORT => {
                let short = reader.u8("supported users")?;
                // Version 1 ends here.
                Self::UsersNumberReport(reader.u16_be("extended supported users").unwrap_or(short.into()))
            }
            CAPABILITIES_GET => Self::CapabilitiesGet,
            CAPABILITIES_REPORT => Self::CapabilitiesReport(UserCodeCapabilities::decode(parameters)?),
            KEYPAD_MODE_SET => Self::KeypadModeSet(reader.u8("keypad mode")?),
            KEYPAD_MODE_GET => Self::KeypadModeGet,
            KEYPAD_MODE_REPORT => Self::KeypadModeReport(reader.u8("keypad mode")?),
            EXTENDED_SET => {
                let count = reader.u8("number of user codes")?;
                Self::ExtendedSet((0..count).map(|_| UserCode::decode_block(&mut reader)).collect::<Result<_, _>>()?)
            }
            EXTENDED_GET => Self::ExtendedGet {
                user: SlotNumber(reader.u16_be("user identifier")?),
                more: reader.u8("report more").unwrap_or(0) & 1 != 0,
            },
            EXTENDED_REPORT => {
                let count = reader.u8("number of user codes")?;
                let codes = (0..count).map(|_| UserCode::decode_block(&mut reader)).collect::<Result<_, _>>()?;
                Self::ExtendedReport { codes, next: SlotNumber(reader.u16_be("next user identifier")?) }
            }
            ADMIN_CODE_SET => Self::AdminCodeSet(CodeBytes::decode_counted(&mut reader)?),
            ADMIN_CODE_GET => Self::AdminCodeGet,
            ADMIN_CODE_REPORT => Self::AdminCodeReport(CodeBytes::decode_counted(&mut reader)?),
            CHECKSUM_GET => Self::ChecksumGet,
            CHECKSUM_REPORT => Self::ChecksumReport(reader.u16_be("user code checksum")?),
            _ => return Err(CcError::unknown(payload)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(text: &str) -> Pin {
        Pin::new(text).unwrap()
    }

    #[test]
    fn set_get_and_clear_are_laid_out_as_zwave_js_does() {
        let set = UserCodeCommand::Set(UserCode::enabled(SlotNumber(5), &pin("0042")));
        assert_eq!(set.encode(), [0x63, 0x01, 5, 1, b'0', b'0', b'4', b'2']);
        assert_eq!(UserCodeCommand::Get(SlotNumber(5)).encode(), [0x63, 0x02, 5]);
        let clear = UserCodeCommand::Set(UserCode::cleared(SlotNumber(5)));
        assert_eq!(clear.encode(), [0x63, 0x01, 5, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn an_extended_set_carries_sixteen_bit_identifiers() {
        let set = UserCodeCommand::ExtendedSet(vec![UserCode::enabled(SlotNumber(300), &pin("1234"))]);
        assert_eq!(set.encode(), [0x63, 0x0B, 1, 1, 44, 1, 4, b'1', b'2', b'3', b'4']);
        assert_eq!(UserCodeCommand::decode(&set.encode()), Ok(set));
    }

    #[test]
    fn what_stands_in_a_cleared_slot_is_no_code() {
        let left = [0x63, 0x0D, 1, 0, 5, 0, 4, b'4', b'7', b'1', b'1', 0, 0];
        let Ok(UserCodeCommand::ExtendedReport { codes, .. }) = UserCodeCommand::decode(&left) else { panic!() };
        assert_eq!((codes[0].status, codes[0].code.expose()), (UserIdStatus::Available, &[][..]));
    }

    #[test]
    fn what_a_report_says_of_its_slot() {
        let content = |bytes: &[u8]| match UserCodeCommand::decode(&[&[0x63, 0x03, 7], bytes].concat()) {
            Ok(UserCodeCommand::Report(code)) => code.content(),
            other => panic!("{other:?}"),
        };
        assert_eq!(content(&[0, 0, 0, 0, 0]), SlotContent::Free);
        assert_eq!(content(&[0]), SlotContent::Free);
        assert_eq!(content(&[1, b'4', b'7', b'1', b'1']), SlotContent::Code(pin("4711")));
        assert_eq!(content(&[1, b'4', b'7', b'1', b'1', 0, 0, 0]), SlotContent::Code(pin("4711")));
        assert_eq!(content(&[2, b'4', b'7', b'1', b'1']), SlotContent::Unusable);
        assert_eq!(content(&[1, b'*', b'*', b'*', b'*']), SlotContent::Hidden);
        assert_eq!(content(&[1, 0, 0, 0, 0]), SlotContent::Hidden);
        assert_eq!(content(&[1]), SlotContent::Hidden);
        assert_eq!(content(&[0xFE, 0, 0, 0, 0]), SlotContent::Unusable);
        assert_eq!(content(&[0x77, b'4', b'7', b'1', b'1']), SlotContent::Unusable);
    }

    #[test]
    fn capabilities_name_the_digits_of_the_keypad() {
        // Statuses 0 to 4, keypad mode 0, keys 0 to 9; checksum supported.
        let bytes = [0x63, 0x07, 0x01, 0x1F, 0x81, 0x01, 0x08, 0, 0, 0, 0, 0, 0, 0xFF, 0x03];
        let Ok(UserCodeCommand::CapabilitiesReport(capabilities)) = UserCodeCommand::decode(&bytes) else { panic!() };
        assert_eq!(capabilities.digits(), "0123456789");
        assert!(capabilities.checksum && !capabilities.multiple_set);
        assert_eq!(UserCodeCommand::CapabilitiesReport(capabilities).encode(), bytes);
    }

    #[test]
    fn the_checksum_covers_taken_slots_by_number_and_is_0_without_any() {
        let codes = |users: [u16; 2]| users.map(|user| UserCode::enabled(SlotNumber(user), &pin("1234"))).to_vec();
        let bytes = [&[0, 2, 1][..], b"1234", &[1, 44, 1], b"1234"].concat();
        assert_eq!(checksum(codes([300, 2])), crc_ccitt(&bytes));
        assert_eq!(checksum([codes([2, 300]), vec![UserCode::cleared(SlotNumber(3))]].concat()), crc_ccitt(&bytes));
        assert_eq!(checksum(vec![UserCode::cleared(SlotNumber(3))]), 0);
    }

    #[test]
    fn an_admin_code_stands_behind_its_length_and_none_has_none() {
        let set = UserCodeCommand::AdminCodeSet(CodeBytes::from(&pin("0042")));
        assert_eq!(set.encode(), [0x63, 0x0E, 4, b'0', b'0', b'4', b'2']);
        assert_eq!(UserCodeCommand::decode(&set.encode()), Ok(set.clone()));
        assert!(!format!("{set:?}").contains("0042"));
        let none = UserCodeCommand::AdminCodeReport(CodeBytes::default());
        assert_eq!((none.encode(), UserCodeCommand::decode(&[0x63, 0x10, 0])), (vec![0x63, 0x10, 0], Ok(none)));
        assert!(UserCodeCommand::decode(&[0x63, 0x10, 4, b'1']).is_err());
    }

    #[test]
    fn users_number_is_read_in_both_versions() {
        assert_eq!(UserCodeCommand::decode(&[0x63, 0x05, 30]), Ok(UserCodeCommand::UsersNumberReport(30)));
        assert_eq!(UserCodeCommand::decode(&[0x63, 0x05, 255, 1, 44]), Ok(UserCodeCommand::UsersNumberReport(300)));
    }

    #[test]
    fn a_cut_report_is_an_error_and_no_debug_output_shows_a_code() {
        assert!(matches!(UserCodeCommand::decode(&[0x63, 0x03, 7]), Err(CcError::Wire(_))));
        let set = UserCodeCommand::Set(UserCode::enabled(SlotNumber(5), &pin("8642")));
        let shown = format!("{set:?}");
        assert!(!shown.contains("8642") && !shown.contains("56, 54"), "{shown}");
    }
}
