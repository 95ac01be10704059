//! When a user may come in (ZCL 7.3.2.16.12 to 7.3.2.16.20). Times are the lock's local ones, in seconds since the year
//! 2000 began there.

use keyway_lock::wire::Reader;

use crate::zcl::ZclError;

/// Certain hours of certain days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeekDay {
    /// Flags from Sunday (bit 0) to Saturday (bit 6).
    pub days: u8,
    /// 0 to 23, and 0 to 59.
    pub start: (u8, u8),
    /// The same; later than the start.
    pub end: (u8, u8),
}

impl WeekDay {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend([self.days, self.start.0, self.start.1, self.end.0, self.end.1]);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        let days = reader.u8("days")?;
        let start = (reader.u8("start hour")?, reader.u8("start minute")?);
        Ok(Self { days, start, end: (reader.u8("end hour")?, reader.u8("end minute")?) })
    }
}

/// From one instant to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YearDay {
    /// The first second.
    pub start: u32,
    /// The last; later than the first.
    pub end: u32,
}

impl YearDay {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.start.to_le_bytes());
        out.extend(self.end.to_le_bytes());
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        let start = u32::from_le_bytes(reader.array("local start time")?);
        Ok(Self { start, end: u32::from_le_bytes(reader.array("local end time")?) })
    }
}

/// From one instant to another the whole lock works in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holiday {
    /// When.
    pub span: YearDay,
    /// The operating mode meanwhile.
    pub mode: u8,
}

impl Holiday {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.span.encode(out);
        out.push(self.mode);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        Ok(Self { span: YearDay::decode(reader)?, mode: reader.u8("operating mode")? })
    }
}
