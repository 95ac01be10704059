//! The time, for nodes that ask their controller for it.
//!
//! # UTC, on the lock as well
//! Everywhere that Z-Wave says "local time" (Time, Clock, schedules of locks), nodes of this network are given UTC: an
//! offset of nothing, and no daylight saving. A lock has no calendar of time zones. It knows at most one offset and the next
//! change of it, which somebody would have to renew twice a year; a hub that is dead in that night would move every window
//! by an hour, and in the hour that comes twice a window could not even be written down. In UTC every moment has one name,
//! and none moves. It also is right for locks that take the time of Time Parameters, which is UTC by its specification, for
//! their local time.
//!
//! The price: a clock face on a lock, and what it writes into its own log, is in UTC.

use keyway_lock::WallTime;

use crate::cc::clock::ClockCommand;
use crate::cc::time::TimeCommand;
use crate::cc::time_parameters::TimeParametersCommand;
use crate::cc::{clock, time, time_parameters};

/// The answer to a node that asks what time it is; `None`: that was not asked. While the time is not known nobody is
/// answered: a node that must ask again is better off than one that believes what is wrong.
pub(crate) fn answer(command: &[u8], utc: Option<WallTime>) -> Option<Vec<u8>> {
    let civil = utc?.civil();
    match *command.first()? {
        time::CLASS => match TimeCommand::decode(command).ok()? {
            TimeCommand::TimeGet => Some(TimeCommand::time_of(&civil).encode()),
            TimeCommand::DateGet => Some(TimeCommand::date_of(&civil).encode()),
            TimeCommand::OffsetGet => Some(TimeCommand::NoOffset.encode()),
            TimeCommand::TimeReport { .. } | TimeCommand::DateReport { .. } | TimeCommand::NoOffset => None,
        },
        time_parameters::CLASS => match TimeParametersCommand::decode(command).ok()? {
            TimeParametersCommand::Get => Some(TimeParametersCommand::Report(utc).encode()),
            TimeParametersCommand::Set(_) | TimeParametersCommand::Report(_) => None,
        },
        clock::CLASS => match ClockCommand::decode(command).ok()? {
            ClockCommand::Get => Some(ClockCommand::Report((&civil).into()).encode()),
            ClockCommand::Set(_) | ClockCommand::Report(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_the_time_is_told_utc_and_who_tells_it_is_not_answered() {
        let now = Some(WallTime::from_seconds(1_795_624_141));
        let asked = |command: &[u8]| answer(command, now);
        assert_eq!(asked(&[0x8A, 0x01]), Some(vec![0x8A, 0x02, 16, 29, 1]));
        assert_eq!(asked(&[0x8A, 0x03]), Some(vec![0x8A, 0x04, 0x07, 0xEA, 11, 25]));
        assert_eq!(asked(&[0x8A, 0x06]), Some(vec![0x8A, 0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(asked(&[0x8B, 0x02]), Some(vec![0x8B, 0x03, 0x07, 0xEA, 11, 25, 16, 29, 1]));
        assert_eq!(asked(&[0x81, 0x05]), Some(vec![0x81, 0x06, 0x70, 29]));
        for told in [&[0x8A, 0x02, 16, 29, 1][..], &[0x81, 0x06, 0x70, 29], &[0x80, 0x02], &[]] {
            assert_eq!(asked(told), None);
        }
        assert_eq!(answer(&[0x8A, 0x01], None), None);
    }
}
