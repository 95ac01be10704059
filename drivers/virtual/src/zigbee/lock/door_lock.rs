//! The commands of the Door Lock cluster (ZCL revision 8, section 7.3.2.16).

use std::time::{Duration, Instant};

use keyway_lock::wire::{Reader, WireError};
use keyway_lock::{Pin, SlotNumber};

use super::super::put::Put;
use super::super::setup::{ScheduleOddity, Shows};
use super::events::{NO_USER, operation, source};
use super::users::{Holiday, WeekDay, YearDay, user_status, user_type, whose};
use super::zcl::status;
use super::{Due, Lock};
use crate::door::{By, Code, DoorError};

/// Commands of the hub.
pub(super) mod command {
    pub(in super::super) const LOCK: u8 = 0x00;
    pub(in super::super) const UNLOCK: u8 = 0x01;
    pub(in super::super) const TOGGLE: u8 = 0x02;
    pub(in super::super) const UNLOCK_FOR: u8 = 0x03;
    pub(in super::super) const GET_LOG: u8 = 0x04;
    pub(in super::super) const SET_PIN: u8 = 0x05;
    pub(in super::super) const GET_PIN: u8 = 0x06;
    pub(in super::super) const CLEAR_PIN: u8 = 0x07;
    pub(in super::super) const CLEAR_ALL_PINS: u8 = 0x08;
    pub(in super::super) const SET_STATUS: u8 = 0x09;
    pub(in super::super) const GET_STATUS: u8 = 0x0A;
    pub(in super::super) const SET_WEEK_DAY: u8 = 0x0B;
    pub(in super::super) const GET_WEEK_DAY: u8 = 0x0C;
    pub(in super::super) const CLEAR_WEEK_DAY: u8 = 0x0D;
    pub(in super::super) const SET_YEAR_DAY: u8 = 0x0E;
    pub(in super::super) const GET_YEAR_DAY: u8 = 0x0F;
    pub(in super::super) const CLEAR_YEAR_DAY: u8 = 0x10;
    pub(in super::super) const SET_HOLIDAY: u8 = 0x11;
    pub(in super::super) const GET_HOLIDAY: u8 = 0x12;
    pub(in super::super) const CLEAR_HOLIDAY: u8 = 0x13;
    pub(in super::super) const SET_TYPE: u8 = 0x14;
    pub(in super::super) const GET_TYPE: u8 = 0x15;
    /// All that a lock of this kind knows.
    pub(in super::super) const ALL: [u8; 22] =
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21];
}

/// Answers to Set PIN Code (section 7.3.2.17.6).
mod set_pin {
    pub(super) const SUCCESS: u8 = 0;
    pub(super) const FAILURE: u8 = 1;
    pub(super) const DUPLICATE: u8 = 3;
}

/// What a command brought: the body of its response, or a status for a default response.
pub(super) type Answer = Result<Vec<u8>, u8>;

impl Lock {
    pub(super) fn door_lock(&mut self, now: Instant, command: u8, body: &[u8]) -> Answer {
        self.carry_out(now, command, &mut Reader::new(body)).unwrap_or(Err(status::MALFORMED))
    }

    fn carry_out(&mut self, now: Instant, command: u8, reader: &mut Reader<'_>) -> Result<Answer, WireError> {
        let passed = |done: bool| Ok(Ok(vec![u8::from(!done)]));
        if self.setup.schedules == 0 && (command::SET_WEEK_DAY..=command::CLEAR_HOLIDAY).contains(&command) {
            return Ok(Err(status::UNSUPPORTED_COMMAND));
        }
        match command {
            command::LOCK | command::UNLOCK | command::TOGGLE | command::UNLOCK_FOR => self.turn(now, command, reader),
            command::GET_LOG => Ok(self.get_log(reader.u16_le("record")?)),
            command::SET_PIN => self.set_pin(reader),
            command::GET_PIN => self.get_pin(reader.u16_le("user")?),
            command::CLEAR_PIN => {
                let user = reader.u16_le("user")?;
                let Some(slot) = self.numbers.slot(user) else { return Ok(Err(status::INVALID_FIELD)) };
                let answer = self.faults.status.is_none() && self.door.clear_code(slot, By::Radio).is_ok();
                if answer {
                    self.users.forget(user);
                }
                passed(answer)
            }
            command::CLEAR_ALL_PINS => {
                let answer = self.door.clear_all_codes(By::Radio).is_ok();
                if answer {
                    self.users.forget_all();
                }
                passed(answer)
            }
            command::SET_STATUS => {
                let (user, status) = (reader.u16_le("user")?, reader.u8("status")?);
                let slot = self.numbers.slot(user).filter(|slot| self.door.codes().contains_key(slot));
                let known = matches!(status, user_status::ENABLED | user_status::DISABLED);
                if let Some(slot) = slot.filter(|_| known) {
                    self.door.set_enabled(slot, status == user_status::ENABLED);
                }
                passed(slot.is_some() && known)
            }
            command::GET_STATUS => {
                let user = reader.u16_le("user")?;
                Ok(Ok(Vec::new().u16(user).u8(self.user_status(user))))
            }
            command::SET_TYPE => {
                let (user, kind) = (reader.u16_le("user")?, reader.u8("type")?);
                let fits = self.numbers.slot(user).is_some() && kind <= user_type::NON_ACCESS;
                if fits {
                    self.users.set_kind(user, kind);
                }
                passed(fits)
            }
            command::GET_TYPE => {
                let user = reader.u16_le("user")?;
                Ok(Ok(Vec::new().u16(user).u8(self.users.kind(user))))
            }
            command::SET_WEEK_DAY..=command::CLEAR_HOLIDAY => self.schedule(command, reader),
            _ => Ok(Err(status::UNSUPPORTED_COMMAND)),
        }
    }

    /// Section 7.3.2.16.1 and following. The answer comes at once; the bolt takes its time.
    fn turn(&mut self, now: Instant, command: u8, reader: &mut Reader<'_>) -> Result<Answer, WireError> {
        let timeout = if command == command::UNLOCK_FOR { Some(reader.u16_le("timeout")?) } else { None };
        let lock = match command {
            command::LOCK => true,
            command::TOGGLE => self.door.locked() == Some(false),
            _ => false,
        };
        let digits = String::from_utf8_lossy(counted(reader).unwrap_or_default()).into_owned();
        let user = whose(&self.door, self.numbers, &digits).filter(|(_, enabled)| *enabled).map(|(user, _)| user);
        if self.settings.requires_pin && user.is_none() {
            let wrong = if lock { operation::LOCK_WRONG_PIN } else { operation::UNLOCK_WRONG_PIN };
            self.tell_operation(now, source::RADIO, wrong, NO_USER);
            return Ok(Ok(vec![status::FAILURE]));
        }
        self.due.put(now + self.setup.motor, Due::Bolt { locked: lock, user });
        if let Some(seconds) = timeout.filter(|_| !lock) {
            let relocked = now + self.setup.motor + Duration::from_secs(seconds.into());
            self.due.put(relocked, Due::Relock);
        }
        Ok(Ok(vec![status::SUCCESS]))
    }

    fn get_log(&self, id: u16) -> Answer {
        let Some(record) = self.log.get(id) else { return Err(status::NOT_FOUND) };
        let head = Vec::new().u16(record.id).u32(record.time).u8(record.kind).u8(record.source).u8(record.code);
        Ok(head.u16(record.user).counted(&[]))
    }

    /// Section 7.3.2.16.6.
    fn set_pin(&mut self, reader: &mut Reader<'_>) -> Result<Answer, WireError> {
        let (user, status, kind) = (reader.u16_le("user")?, reader.u8("status")?, reader.u8("type")?);
        let digits = String::from_utf8_lossy(counted(reader)?).into_owned();
        let Some(slot) = self.numbers.slot(user) else { return Ok(Err(status::INVALID_FIELD)) };
        if let Some(answer) = self.faults.status {
            return Ok(Ok(vec![answer]));
        }
        let Ok(pin) = Pin::new(&digits) else { return Ok(Ok(vec![set_pin::FAILURE])) };
        let kind = if kind == user_type::UNKNOWN { user_type::UNRESTRICTED } else { kind };
        if self.setup.oddity == ScheduleOddity::WantsScheduleFirst && !self.users.has_what_it_wants(user, kind) {
            return Ok(Ok(vec![set_pin::FAILURE]));
        }
        let code = Code { pin, enabled: status == user_status::ENABLED };
        Ok(Ok(vec![match self.door.set_code(slot, code, By::Radio) {
            Ok(()) => {
                match self.setup.oddity {
                    ScheduleOddity::IgnoresType => {}
                    ScheduleOddity::Forgets => {
                        self.users.forget(user);
                        self.users.set_kind(user, kind);
                    }
                    _ => self.users.set_kind(user, kind),
                }
                set_pin::SUCCESS
            }
            Err(DoorError::Duplicate(_)) => set_pin::DUPLICATE,
            Err(_) => set_pin::FAILURE,
        }]))
    }

    /// Section 7.3.2.17.7.
    fn get_pin(&self, user: u16) -> Result<Answer, WireError> {
        if self.setup.shows == Shows::Refuses {
            return Ok(Err(status::UNSUPPORTED_COMMAND));
        }
        let Some(slot) = self.numbers.slot(user) else { return Ok(Err(status::INVALID_FIELD)) };
        let head = Vec::new().u16(user).u8(self.user_status(user));
        let Some(code) = self.door.codes().get(&slot) else { return Ok(Ok(head.u8(user_type::UNKNOWN).counted(&[]))) };
        let digits = code.pin.expose().as_bytes();
        let shown = match (self.setup.shows, self.shows_digits()) {
            (Shows::Nothing, _) => Vec::new(),
            (_, true) => digits.to_vec(),
            (_, false) => vec![0xFF; digits.len()],
        };
        Ok(Ok(head.u8(self.users.kind(user)).counted(&shown)))
    }

    fn user_status(&self, user: u16) -> u8 {
        let code = self.numbers.slot(user).and_then(|slot: SlotNumber| self.door.codes().get(&slot));
        match code {
            None => user_status::AVAILABLE,
            Some(code) if code.enabled => user_status::ENABLED,
            Some(_) => user_status::DISABLED,
        }
    }

    /// Sections 7.3.2.16.10 to 7.3.2.16.18.
    fn schedule(&mut self, command: u8, reader: &mut Reader<'_>) -> Result<Answer, WireError> {
        let id = reader.u8("schedule")?;
        let holiday = command >= command::SET_HOLIDAY;
        let user = if holiday { self.numbers.first } else { reader.u16_le("user")? };
        let there = self.numbers.has_schedule(user, id);
        let head = || if holiday { vec![id] } else { vec![id].u16(user) };
        let done = |fits: bool| Ok(Ok(vec![u8::from(!(fits && there))]));
        let missing = || if there { status::NOT_FOUND } else { status::INVALID_FIELD };
        match command {
            command::SET_WEEK_DAY => {
                let days = reader.u8("days")?;
                let start = (reader.u8("start hour")?, reader.u8("start minute")?);
                let end = (reader.u8("end hour")?, reader.u8("end minute")?);
                let fits = days < 0x80 && start < end && end.0 < 24 && start.1 < 60 && end.1 < 60;
                if fits && there {
                    self.users.week_days.insert((user, id), WeekDay { days, start, end });
                }
                done(fits)
            }
            command::GET_WEEK_DAY => Ok(Ok(match self.users.week_days.get(&(user, id)) {
                Some(WeekDay { days, start, end }) => {
                    head().u8(status::SUCCESS).u8(*days).bytes(&[start.0, start.1, end.0, end.1])
                }
                None => head().u8(missing()),
            })),
            command::CLEAR_WEEK_DAY => {
                self.users.week_days.remove(&(user, id));
                done(true)
            }
            command::SET_YEAR_DAY => {
                let span = span(reader)?;
                if span.start < span.end && there {
                    self.users.year_days.insert((user, id), span);
                }
                done(span.start < span.end)
            }
            command::GET_YEAR_DAY => Ok(Ok(match self.users.year_days.get(&(user, id)) {
                Some(span) => head().u8(status::SUCCESS).u32(span.start).u32(span.end),
                None => head().u8(missing()),
            })),
            command::CLEAR_YEAR_DAY => {
                self.users.year_days.remove(&(user, id));
                done(true)
            }
            command::SET_HOLIDAY => {
                let (span, mode) = (span(reader)?, reader.u8("mode")?);
                if span.start < span.end && there {
                    self.users.holidays.insert(id, Holiday { span, mode });
                }
                done(span.start < span.end)
            }
            command::GET_HOLIDAY => Ok(Ok(match self.users.holidays.get(&id) {
                Some(Holiday { span, mode }) => head().u8(status::SUCCESS).u32(span.start).u32(span.end).u8(*mode),
                None => head().u8(missing()),
            })),
            _ => {
                self.users.holidays.remove(&id);
                done(true)
            }
        }
    }

    /// The bolt was told to move, some time ago.
    pub(super) fn bolt(&mut self, locked: bool, user: Option<u16>) {
        self.radio_user = user;
        // That it is jammed the door itself says.
        let _ = self.door.turn(locked, crate::door::Turner::Radio);
    }

    pub(super) fn relock_later(&mut self, now: Instant) {
        if self.settings.auto_relock != 0 {
            self.due.put(now + Duration::from_secs(self.settings.auto_relock.into()), Due::Relock);
        }
    }
}

fn counted<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let count = reader.u8("length")?;
    reader.bytes("text", count.into())
}

fn span(reader: &mut Reader<'_>) -> Result<YearDay, WireError> {
    let mut time = |field| reader.array(field).map(u32::from_le_bytes);
    Ok(YearDay { start: time("start")?, end: time("end")? })
}

/// What a command is called, and the user it is about, for the tests and people who look on.
pub(super) fn name(command: u8, body: &[u8]) -> (String, Option<u16>) {
    let user = |at: usize| Some(u16::from_le_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let (name, user) = match command {
        command::LOCK => ("lock_door", None),
        command::UNLOCK => ("unlock_door", None),
        command::TOGGLE => ("toggle", None),
        command::UNLOCK_FOR => ("unlock_with_timeout", None),
        command::GET_LOG => ("get_log_record", None),
        command::SET_PIN => ("set_pin_code", user(0)),
        command::GET_PIN => ("get_pin_code", user(0)),
        command::CLEAR_PIN => ("clear_pin_code", user(0)),
        command::CLEAR_ALL_PINS => ("clear_all_pin_codes", None),
        command::SET_STATUS => ("set_user_status", user(0)),
        command::GET_STATUS => ("get_user_status", user(0)),
        command::SET_TYPE => ("set_user_type", user(0)),
        command::GET_TYPE => ("get_user_type", user(0)),
        command::SET_WEEK_DAY => ("set_week_day_schedule", user(1)),
        command::GET_WEEK_DAY => ("get_week_day_schedule", user(1)),
        command::CLEAR_WEEK_DAY => ("clear_week_day_schedule", user(1)),
        command::SET_YEAR_DAY => ("set_year_day_schedule", user(1)),
        command::GET_YEAR_DAY => ("get_year_day_schedule", user(1)),
        command::CLEAR_YEAR_DAY => ("clear_year_day_schedule", user(1)),
        command::SET_HOLIDAY => ("set_holiday_schedule", None),
        command::GET_HOLIDAY => ("get_holiday_schedule", None),
        command::CLEAR_HOLIDAY => ("clear_holiday_schedule", None),
        other => return (format!("door_lock_command_{other}"), None),
    };
    (name.to_owned(), user)
}
