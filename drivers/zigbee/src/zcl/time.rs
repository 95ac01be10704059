//! Time (0x000A): what time it is. Locks ask the coordinator for it (ZCL 3.12).

use keyway_lock::WallTime;

use super::{DataType, Status, Value};

/// Cluster id.
pub const CLUSTER: u16 = 0x000A;

/// Time: seconds since the year 2000 began, in UTC.
pub const TIME: u16 = 0x0000;
/// TimeStatus: flags.
pub const TIME_STATUS: u16 = 0x0001;
/// TimeZone: seconds that the zone's standard time is ahead of UTC.
pub const TIME_ZONE: u16 = 0x0002;
/// DstStart, in UTC.
pub const DST_START: u16 = 0x0003;
/// DstEnd, in UTC.
pub const DST_END: u16 = 0x0004;
/// DstShift: seconds that summer time is ahead of standard time.
pub const DST_SHIFT: u16 = 0x0005;
/// StandardTime: in the zone, without summer time.
pub const STANDARD_TIME: u16 = 0x0006;
/// LocalTime: in the zone, with summer time.
pub const LOCAL_TIME: u16 = 0x0007;
/// LastSetTime.
pub const LAST_SET_TIME: u16 = 0x0008;
/// ValidUntilTime.
pub const VALID_UNTIL_TIME: u16 = 0x0009;

/// TimeStatus: this is the master clock, which sets others; its zone is known too.
const MASTER: u64 = 0x01;
const MASTER_ZONE: u64 = 0x04;

/// Seconds from 1970 to 2000, both in UTC.
pub const EPOCH: u64 = 946_684_800;

/// The wall clock as locks count: seconds since the year 2000 began. `None`: none that fits four bytes.
pub fn seconds(utc: WallTime) -> Option<u32> {
    let since_2000 = u64::try_from(utc.seconds()).ok()?.checked_sub(EPOCH)?;
    u32::try_from(since_2000).ok()
}

/// The time as the coordinator tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Seconds since the year 2000 began, in UTC.
    pub utc: u32,
    /// Seconds that local time is ahead of UTC now.
    pub offset: i32,
}

impl Clock {
    /// The attributes that there are, with their types.
    pub fn attributes() -> Vec<(u16, DataType)> {
        let any = Self { utc: 0, offset: 0 };
        (TIME..=VALID_UNTIL_TIME).filter_map(|id| Some((id, any.attribute(id).ok()?.kind()))).collect()
    }

    /// What an attribute is, for a reader of it.
    ///
    /// Summer time is told as a part of the zone: a lock then needs no rule of its own, and asks again in time.
    ///
    /// # Errors
    /// [`Status::UNSUPPORTED_ATTRIBUTE`].
    pub fn attribute(&self, id: u16) -> Result<Value, Status> {
        let local = u64::from(self.utc.saturating_add_signed(self.offset));
        Ok(match id {
            TIME | LAST_SET_TIME => Value::number(DataType::UTC, self.utc.into()),
            TIME_STATUS => Value::number(DataType::BITMAP8, MASTER | MASTER_ZONE),
            // The low four bytes of a negative number are that number in four bytes.
            TIME_ZONE => Value::number(DataType::INT32, i64::from(self.offset).cast_unsigned()),
            DST_SHIFT => Value::number(DataType::INT32, 0),
            DST_START | DST_END => Value::number(DataType::UINT32, 0xFFFF_FFFF),
            STANDARD_TIME | LOCAL_TIME => Value::number(DataType::UINT32, local),
            VALID_UNTIL_TIME => Value::number(DataType::UTC, u64::from(self.utc) + 24 * 3600),
            _ => return Err(Status::UNSUPPORTED_ATTRIBUTE),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_told_in_utc_and_in_the_zone() {
        let clock = Clock { utc: 1000, offset: -300 };
        let told = |id| clock.attribute(id).map(|value| value.raw());
        assert_eq!(told(TIME), Ok(Some(1000)));
        assert_eq!(told(LOCAL_TIME), Ok(Some(700)));
        assert_eq!(told(TIME_ZONE), Ok(Some(u64::from((-300_i32).cast_unsigned()))));
        assert_eq!(told(0x1234), Err(Status::UNSUPPORTED_ATTRIBUTE));
    }
}
