//! What is asked of a lock (ZCL 7.3.2.16).

use keyway_lock::SlotNumber;
use keyway_lock::wire::Reader;

use super::schedule::{Holiday, WeekDay, YearDay};
use super::{Code, UserCode, UserStatus, UserType};
use crate::zcl::{Frame, ZclError};

/// A command to a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToLock {
    /// Throw the bolt; with a PIN where the lock wants one.
    Lock(Option<Code>),
    /// Draw it back.
    Unlock(Option<Code>),
    /// Do the other.
    Toggle(Option<Code>),
    /// Draw it back, and throw it again after so many seconds.
    UnlockWithTimeout(u16, Option<Code>),
    /// What is in your log at this place? 0: the newest.
    GetLogRecord(u16),
    /// Take this PIN.
    SetPin(UserCode),
    /// What is this user's PIN?
    GetPin(SlotNumber),
    /// Forget this user's PIN.
    ClearPin(SlotNumber),
    /// Forget every PIN.
    ClearAllPins,
    /// From now on this user's code opens, or does not.
    SetUserStatus(SlotNumber, UserStatus),
    /// Does it?
    GetUserStatus(SlotNumber),
    /// The user may come in then; schedule, user, when.
    SetWeekDay(u8, SlotNumber, WeekDay),
    /// When may he?
    GetWeekDay(u8, SlotNumber),
    /// Forget that schedule.
    ClearWeekDay(u8, SlotNumber),
    /// The user may come in then; schedule, user, when.
    SetYearDay(u8, SlotNumber, YearDay),
    /// When may he?
    GetYearDay(u8, SlotNumber),
    /// Forget that schedule.
    ClearYearDay(u8, SlotNumber),
    /// Work in this way then.
    SetHoliday(u8, Holiday),
    /// How do you?
    GetHoliday(u8),
    /// Forget that.
    ClearHoliday(u8),
    /// The user is of this kind from now on.
    SetUserType(SlotNumber, UserType),
    /// Of which kind is he?
    GetUserType(SlotNumber),
    /// Take this tag.
    SetRfid(UserCode),
    /// What is this user's tag?
    GetRfid(SlotNumber),
    /// Forget this user's tag.
    ClearRfid(SlotNumber),
    /// Forget every tag.
    ClearAllRfids,
}

impl ToLock {
    /// Command id; the answer has the same.
    pub fn id(&self) -> u8 {
        match self {
            Self::Lock(_) => 0x00,
            Self::Unlock(_) => 0x01,
            Self::Toggle(_) => 0x02,
            Self::UnlockWithTimeout(..) => 0x03,
            Self::GetLogRecord(_) => 0x04,
            Self::SetPin(_) => 0x05,
            Self::GetPin(_) => 0x06,
            Self::ClearPin(_) => 0x07,
            Self::ClearAllPins => 0x08,
            Self::SetUserStatus(..) => 0x09,
            Self::GetUserStatus(_) => 0x0A,
            Self::SetWeekDay(..) => 0x0B,
            Self::GetWeekDay(..) => 0x0C,
            Self::ClearWeekDay(..) => 0x0D,
            Self::SetYearDay(..) => 0x0E,
            Self::GetYearDay(..) => 0x0F,
            Self::ClearYearDay(..) => 0x10,
            Self::SetHoliday(..) => 0x11,
            Self::GetHoliday(_) => 0x12,
            Self::ClearHoliday(_) => 0x13,
            Self::SetUserType(..) => 0x14,
            Self::GetUserType(_) => 0x15,
            Self::SetRfid(_) => 0x16,
            Self::GetRfid(_) => 0x17,
            Self::ClearRfid(_) => 0x18,
            Self::ClearAllRfids => 0x19,
        }
    }

    /// As a frame.
    pub fn frame(&self, sequence: u8) -> Frame {
        let mut out = Vec::new();
        match self {
            Self::Lock(code) | Self::Unlock(code) | Self::Toggle(code) => {
                code.iter().for_each(|code| code.encode(&mut out));
            }
            Self::UnlockWithTimeout(seconds, code) => {
                out.extend(seconds.to_le_bytes());
                code.iter().for_each(|code| code.encode(&mut out));
            }
            Self::GetLogRecord(index) => out.extend(index.to_le_bytes()),
            Self::SetPin(code) | Self::SetRfid(code) => code.encode(&mut out),
            Self::GetPin(user)
            | Self::ClearPin(user)
            | Self::GetUserStatus(user)
            | Self::GetUserType(user)
            | Self::GetRfid(user)
            | Self::ClearRfid(user) => out.extend(user.0.to_le_bytes()),
            Self::ClearAllPins | Self::ClearAllRfids => {}
            Self::SetUserStatus(user, status) => {
                out.extend(user.0.to_le_bytes());
                out.push((*status).into());
            }
            Self::SetUserType(user, kind) => {
                out.extend(user.0.to_le_bytes());
                out.push((*kind).into());
            }
            Self::SetWeekDay(schedule, user, when) => {
                place(&mut out, *schedule, *user);
                when.encode(&mut out);
            }
            Self::SetYearDay(schedule, user, when) => {
                place(&mut out, *schedule, *user);
                when.encode(&mut out);
            }
            Self::GetWeekDay(schedule, user)
            | Self::ClearWeekDay(schedule, user)
            | Self::GetYearDay(schedule, user)
            | Self::ClearYearDay(schedule, user) => place(&mut out, *schedule, *user),
            Self::SetHoliday(schedule, holiday) => {
                out.push(*schedule);
                holiday.encode(&mut out);
            }
            Self::GetHoliday(schedule) | Self::ClearHoliday(schedule) => out.push(*schedule),
        }
        Frame::to_server(sequence, self.id(), out)
    }

    /// Reads a frame's command and payload.
    ///
    /// # Errors
    /// [`ZclError`].
    pub fn decode(id: u8, payload: &[u8]) -> Result<Self, ZclError> {
        let reader = &mut Reader::new(payload);
        let user = |reader: &mut Reader<'_>| reader.u16_le("user").map(SlotNumber);
        let schedule = |reader: &mut Reader<'_>| reader.u8("schedule");
        Ok(match id {
            0x00 => Self::Lock(Code::decode_if_there(reader)?),
            0x01 => Self::Unlock(Code::decode_if_there(reader)?),
            0x02 => Self::Toggle(Code::decode_if_there(reader)?),
            0x03 => Self::UnlockWithTimeout(reader.u16_le("timeout")?, Code::decode_if_there(reader)?),
            0x04 => Self::GetLogRecord(reader.u16_le("log index")?),
            0x05 => Self::SetPin(UserCode::decode(reader)?),
            0x06 => Self::GetPin(user(reader)?),
            0x07 => Self::ClearPin(user(reader)?),
            0x08 => Self::ClearAllPins,
            0x09 => Self::SetUserStatus(user(reader)?, reader.u8("user status")?.into()),
            0x0A => Self::GetUserStatus(user(reader)?),
            0x0B => Self::SetWeekDay(schedule(reader)?, user(reader)?, WeekDay::decode(reader)?),
            0x0C => Self::GetWeekDay(schedule(reader)?, user(reader)?),
            0x0D => Self::ClearWeekDay(schedule(reader)?, user(reader)?),
            0x0E => Self::SetYearDay(schedule(reader)?, user(reader)?, YearDay::decode(reader)?),
            0x0F => Self::GetYearDay(schedule(reader)?, user(reader)?),
            0x10 => Self::ClearYearDay(schedule(reader)?, user(reader)?),
            0x11 => Self::SetHoliday(schedule(reader)?, Holiday::decode(reader)?),
            0x12 => Self::GetHoliday(schedule(reader)?),
            0x13 => Self::ClearHoliday(schedule(reader)?),
            0x14 => Self::SetUserType(user(reader)?, reader.u8("user type")?.into()),
            0x15 => Self::GetUserType(user(reader)?),
            0x16 => Self::SetRfid(UserCode::decode(reader)?),
            0x17 => Self::GetRfid(user(reader)?),
            0x18 => Self::ClearRfid(user(reader)?),
            0x19 => Self::ClearAllRfids,
            _ => return Err(ZclError::UnknownCommand(id)),
        })
    }
}

fn place(out: &mut Vec<u8>, schedule: u8, user: SlotNumber) {
    out.push(schedule);
    out.extend(user.0.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: SlotNumber = SlotNumber(0x0103);

    fn payload(command: &ToLock) -> Vec<u8> {
        let frame = command.frame(1);
        assert_eq!(ToLock::decode(frame.command, &frame.payload).as_ref(), Ok(command));
        frame.payload.to_vec()
    }

    #[test]
    fn a_pin_is_set_with_its_user_status_and_type() {
        let (status, kind) = (UserStatus::Enabled, UserType::Unrestricted);
        let set = ToLock::SetPin(UserCode { user: SlotNumber(3), status, kind, code: Code::new(b"0042") });
        assert_eq!(payload(&set), [3, 0, 1, 0, 4, b'0', b'0', b'4', b'2']);
        assert!(!format!("{set:?}").contains("42"));
        assert_eq!(set.frame(1).encode()[..3], [0x01, 1, 0x05]);
    }

    #[test]
    fn a_pin_is_sent_with_a_bolt_command_only_where_there_is_one() {
        assert!(payload(&ToLock::Lock(None)).is_empty());
        assert_eq!(payload(&ToLock::Unlock(Some(Code::new(b"4711")))), [4, b'4', b'7', b'1', b'1']);
        assert_eq!(payload(&ToLock::UnlockWithTimeout(300, Some(Code::default()))), [0x2C, 1, 0]);
    }

    #[test]
    fn every_command_is_read_as_it_was_written() {
        let week_day = WeekDay { days: 0x7F, start: (8, 0), end: (17, 30) };
        let year_day = YearDay { start: 1, end: 0x0102_0304 };
        assert_eq!(payload(&ToLock::SetWeekDay(2, USER, week_day)), [2, 3, 1, 0x7F, 8, 0, 17, 30]);
        assert_eq!(payload(&ToLock::SetYearDay(0, USER, year_day)), [0, 3, 1, 1, 0, 0, 0, 4, 3, 2, 1]);
        for command in [
            ToLock::Toggle(None),
            ToLock::GetLogRecord(0),
            ToLock::GetPin(USER),
            ToLock::ClearPin(USER),
            ToLock::ClearAllPins,
            ToLock::SetUserStatus(USER, UserStatus::Disabled),
            ToLock::GetUserStatus(USER),
            ToLock::GetWeekDay(1, USER),
            ToLock::ClearWeekDay(1, USER),
            ToLock::GetYearDay(1, USER),
            ToLock::ClearYearDay(1, USER),
            ToLock::SetHoliday(1, Holiday { span: year_day, mode: 1 }),
            ToLock::GetHoliday(1),
            ToLock::ClearHoliday(1),
            ToLock::SetUserType(USER, UserType::WeekDay),
            ToLock::GetUserType(USER),
            ToLock::GetRfid(USER),
            ToLock::ClearRfid(USER),
            ToLock::ClearAllRfids,
        ] {
            payload(&command);
        }
        for id in 0x00..=0x20 {
            // Whatever the bytes, nothing but a value or an error comes of it.
            for length in 0..12 {
                let _ = ToLock::decode(id, &vec![0xFE; length]);
            }
        }
        assert_eq!(ToLock::decode(0x1A, &[]), Err(ZclError::UnknownCommand(0x1A)));
    }
}
