//! A lock's own clock, as its Time cluster has it (ZCL revision 8, section 3.12): seconds since the year 2000 began.

use std::time::Instant;

use super::zcl::Value;

/// No time is known.
const NO_TIME: u32 = u32::MAX;
/// Seconds from 1970 to 2000.
const EPOCH: i64 = 946_684_800;

/// One that runs once it was set.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    /// UTC, and when it was that.
    set: Option<(Instant, u32)>,
    /// Seconds that local time is ahead.
    zone: i32,
}

impl Clock {
    pub(super) fn set(&mut self, now: Instant, utc: u32) {
        self.set = Some((now, utc));
    }

    pub(super) fn set_zone(&mut self, zone: i32) {
        self.zone = zone;
    }

    /// It goes wrong by so many seconds.
    pub(super) fn go_wrong(&mut self, seconds: i64) {
        if let Some((_, utc)) = &mut self.set {
            *utc = u32::try_from(i64::from(*utc).saturating_add(seconds)).unwrap_or(0);
        }
    }

    /// Its batteries were taken out.
    pub(super) fn stop(&mut self) {
        self.set = None;
    }

    pub(super) fn utc(&self, now: Instant) -> Option<u32> {
        let (at, utc) = self.set?;
        let since = now.saturating_duration_since(at).as_secs();
        Some(utc.saturating_add(u32::try_from(since).unwrap_or(u32::MAX)))
    }

    pub(super) fn local(&self, now: Instant) -> Option<u32> {
        Some(self.utc(now)?.wrapping_add_signed(self.zone))
    }

    /// UTC in seconds since 1970.
    pub(super) fn unix(&self, now: Instant) -> Option<i64> {
        self.utc(now).map(|utc| i64::from(utc) + EPOCH)
    }

    pub(super) fn attributes(&self, now: Instant) -> Vec<(u16, Value)> {
        vec![
            (0x0000, Value::utc(self.utc(now).unwrap_or(NO_TIME))),
            // Whether it was set over the network.
            (0x0001, Value::map8(if self.set.is_some() { 2 } else { 0 })),
            (0x0002, Value::i32(self.zone)),
            (0x0007, Value::u32(self.local(now).unwrap_or(NO_TIME))),
        ]
    }
}

/// A moment of a lock's local time in seconds since 1970.
pub(super) fn to_unix(local: u32) -> i64 {
    i64::from(local) + EPOCH
}
