//! What a lock answers, and what it tells by itself (ZCL 7.3.2.17).

use keyway_lock::SlotNumber;
use keyway_lock::wire::Reader;

use super::event::{OperationEvent, ProgrammingEvent};
use super::schedule::{Holiday, WeekDay, YearDay};
use super::{Code, UserCode, UserStatus, UserType};
use crate::zcl::foundation::General;
use crate::zcl::{Frame, Scope, Status, ZclError};

/// From the lock: Operation Event Notification.
const OPERATION: u8 = 0x20;
/// From the lock: Programming Event Notification.
const PROGRAMMING: u8 = 0x21;

/// How setting a PIN or a tag went (ZCL 7.3.2.17.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetCodeStatus {
    /// Taken.
    Success,
    /// Not taken, without a reason.
    Failure,
    /// No place left.
    MemoryFull,
    /// Another user has it.
    Duplicate,
    /// As a general status says.
    Other(Status),
}

impl From<Status> for SetCodeStatus {
    fn from(status: Status) -> Self {
        match status.0 {
            0x00 => Self::Success,
            0x01 => Self::Failure,
            0x02 => Self::MemoryFull,
            0x03 => Self::Duplicate,
            _ => Self::Other(status),
        }
    }
}

impl From<SetCodeStatus> for Status {
    fn from(status: SetCodeStatus) -> Self {
        match status {
            SetCodeStatus::Success => Self(0x00),
            SetCodeStatus::Failure => Self(0x01),
            SetCodeStatus::MemoryFull => Self(0x02),
            SetCodeStatus::Duplicate => Self(0x03),
            SetCodeStatus::Other(other) => other,
        }
    }
}

/// An entry of a lock's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Its number.
    pub entry: u16,
    /// Seconds since the year 2000 began, local; [`u32::MAX`]: not known.
    pub at: u32,
    /// 0 operation, 1 programming, 2 alarm.
    pub kind: u8,
    /// As in the events' notifications.
    pub source: u8,
    /// The event's or the alarm's code.
    pub code: u8,
    /// Who; [`super::NO_USER`]: nobody in particular.
    pub user: u16,
    /// With which PIN, where the lock shows it.
    pub pin: Code,
}

/// A command from a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromLock {
    /// How a command went whose answer is no more than that; which, by its id.
    Done(u8, Status),
    /// See [`LogRecord`].
    LogRecord(LogRecord),
    /// A user's PIN.
    Pin(UserCode),
    /// Whether a user's code opens.
    UserStatus(SlotNumber, UserStatus),
    /// A schedule of a user: its number, whose it is, and when he may come in, or why there is none.
    WeekDay(u8, SlotNumber, Result<WeekDay, Status>),
    /// The same.
    YearDay(u8, SlotNumber, Result<YearDay, Status>),
    /// How the lock works on a holiday.
    Holiday(u8, Result<Holiday, Status>),
    /// Of which kind a user is.
    UserType(SlotNumber, UserType),
    /// A user's tag.
    Rfid(UserCode),
    /// The bolt was moved, or somebody tried.
    Operation(OperationEvent),
    /// Somebody changed a code.
    Programming(ProgrammingEvent),
}

impl FromLock {
    /// As a frame. A notification wants a default response.
    pub fn frame(&self, sequence: u8) -> Frame {
        let mut out = Vec::new();
        let id = match self {
            Self::Done(id, status) => {
                out.push(status.0);
                *id
            }
            Self::LogRecord(record) => {
                out.extend(record.entry.to_le_bytes());
                out.extend(record.at.to_le_bytes());
                out.extend([record.kind, record.source, record.code]);
                out.extend(record.user.to_le_bytes());
                record.pin.encode(&mut out);
                0x04
            }
            Self::Pin(code) => {
                code.encode(&mut out);
                0x06
            }
            Self::UserStatus(user, status) => {
                out.extend(user.0.to_le_bytes());
                out.push((*status).into());
                0x0A
            }
            Self::WeekDay(schedule, user, when) => {
                place(&mut out, *schedule, Some(*user), when, WeekDay::encode);
                0x0C
            }
            Self::YearDay(schedule, user, when) => {
                place(&mut out, *schedule, Some(*user), when, YearDay::encode);
                0x0F
            }
            Self::Holiday(schedule, holiday) => {
                place(&mut out, *schedule, None, holiday, Holiday::encode);
                0x12
            }
            Self::UserType(user, kind) => {
                out.extend(user.0.to_le_bytes());
                out.push((*kind).into());
                0x15
            }
            Self::Rfid(code) => {
                code.encode(&mut out);
                0x17
            }
            Self::Operation(event) => {
                event.encode(&mut out);
                OPERATION
            }
            Self::Programming(event) => {
                event.encode(&mut out);
                PROGRAMMING
            }
        };
        let disable_default_response = id < OPERATION;
        Frame { disable_default_response, ..Frame::to_client(sequence, id, out) }
    }

    /// Reads an answer: what the lock tells, or the status that is all it says. `None`: it can't be read.
    pub fn read(frame: &Frame) -> Option<Result<Self, Status>> {
        match frame.scope {
            Scope::Cluster => match Self::decode(frame.command, &frame.payload).ok()? {
                Self::Done(_, status) => Some(Err(status)),
                told => Some(Ok(told)),
            },
            Scope::General => match General::decode(frame.command, &frame.payload).ok()? {
                General::DefaultResponse { status, .. } => Some(Err(status)),
                _ => None,
            },
        }
    }

    /// Reads a frame's command and payload.
    ///
    /// # Errors
    /// [`ZclError`].
    pub fn decode(id: u8, payload: &[u8]) -> Result<Self, ZclError> {
        let reader = &mut Reader::new(payload);
        let user = |reader: &mut Reader<'_>| reader.u16_le("user").map(SlotNumber);
        Ok(match id {
            0x04 => Self::LogRecord(LogRecord {
                entry: reader.u16_le("log entry")?,
                at: u32::from_le_bytes(reader.array("timestamp")?),
                kind: reader.u8("event type")?,
                source: reader.u8("source")?,
                code: reader.u8("event")?,
                user: reader.u16_le("user")?,
                pin: Code::decode_if_there(reader)?.unwrap_or_default(),
            }),
            0x06 => Self::Pin(UserCode::decode(reader)?),
            0x0A => Self::UserStatus(user(reader)?, reader.u8("user status")?.into()),
            0x0C => Self::WeekDay(reader.u8("schedule")?, user(reader)?, found(reader, WeekDay::decode)?),
            0x0F => Self::YearDay(reader.u8("schedule")?, user(reader)?, found(reader, YearDay::decode)?),
            0x12 => Self::Holiday(reader.u8("schedule")?, found(reader, Holiday::decode)?),
            0x15 => Self::UserType(user(reader)?, reader.u8("user type")?.into()),
            0x17 => Self::Rfid(UserCode::decode(reader)?),
            OPERATION => Self::Operation(OperationEvent::decode(reader)?),
            PROGRAMMING => Self::Programming(ProgrammingEvent::decode(reader)?),
            0x00..=0x19 => Self::Done(id, Status(reader.u8("status")?)),
            _ => return Err(ZclError::UnknownCommand(id)),
        })
    }
}

fn place<T>(
    out: &mut Vec<u8>,
    schedule: u8,
    user: Option<SlotNumber>,
    what: &Result<T, Status>,
    encode: impl Fn(&T, &mut Vec<u8>),
) {
    out.push(schedule);
    out.extend(user.iter().flat_map(|user| user.0.to_le_bytes()));
    match what {
        Ok(what) => {
            out.push(Status::SUCCESS.0);
            encode(what, out);
        }
        Err(status) => out.push(status.0),
    }
}

fn found<T>(
    reader: &mut Reader<'_>,
    decode: impl Fn(&mut Reader<'_>) -> Result<T, ZclError>,
) -> Result<Result<T, Status>, ZclError> {
    let status = Status(reader.u8("status")?);
    Ok(if status.is_success() { Ok(decode(reader)?) } else { Err(status) })
}

#[cfg(test)]
mod tests {
    use keyway_lock::Pin;

    use super::*;

    const USER: SlotNumber = SlotNumber(3);

    fn payload(command: &FromLock) -> Vec<u8> {
        let frame = command.frame(1);
        assert_eq!(FromLock::decode(frame.command, &frame.payload).as_ref(), Ok(command));
        frame.payload.to_vec()
    }

    #[test]
    fn a_place_that_is_free_is_told_with_or_without_a_code() {
        let (status, kind) = (UserStatus::Available, UserType::NotSupported);
        let free = FromLock::Pin(UserCode { user: USER, status, kind, code: Code::default() });
        assert_eq!(payload(&free), [3, 0, 0, 0xFF, 0]);
        for short in [&[3, 0, 0][..], &[3, 0, 0, 0xFF], &[3, 0, 0, 0xFF, 0xFF]] {
            assert_eq!(FromLock::decode(0x06, short).as_ref(), Ok(&free));
        }
    }

    #[test]
    fn a_code_is_a_pin_only_where_the_lock_shows_its_digits() {
        assert_eq!(Code::new(b"0042").pin(), Pin::new("0042").ok());
        assert_eq!([&b"****"[..], b"", &[0xFF, 0xFF]].map(|shown| Code::new(shown).pin()), [None, None, None]);
    }

    #[test]
    fn every_answer_is_read_as_it_was_written() {
        let year_day = YearDay { start: 1, end: 2 };
        assert_eq!(payload(&FromLock::Done(0x05, SetCodeStatus::Duplicate.into())), [3]);
        assert_eq!(payload(&FromLock::YearDay(1, USER, Err(Status::NOT_FOUND))), [1, 3, 0, 0x8B]);
        assert_eq!(payload(&FromLock::YearDay(1, USER, Ok(year_day))), [1, 3, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
        let record = LogRecord { entry: 1, at: u32::MAX, kind: 0, source: 0, code: 2, user: 3, pin: Code::new(b"1") };
        for answer in [
            FromLock::LogRecord(record),
            FromLock::UserStatus(USER, UserStatus::Disabled),
            FromLock::WeekDay(1, USER, Ok(WeekDay { days: 1, start: (0, 0), end: (23, 59) })),
            FromLock::Holiday(1, Ok(Holiday { span: year_day, mode: 2 })),
            FromLock::UserType(USER, UserType::Master),
        ] {
            payload(&answer);
        }
        for id in 0x00..=0x22 {
            for length in 0..20 {
                let _ = FromLock::decode(id, &vec![0xFE; length]);
            }
        }
    }
}
