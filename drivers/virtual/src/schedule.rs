//! A lock's own clock, and when its codes open by it.

use std::collections::BTreeMap;
use std::time::Instant;

use keyway_lock::{SlotNumber, SlotWindow, WallClock, WallTime};

/// 2000-01-01T00:00:00Z: what a clock shows that starts without having been told anything.
const FACTORY: WallTime = WallTime(946_684_800_000_000);

/// The clock of a lock: it starts somewhere, is set, is set wrong, and starts anew.
#[derive(Debug, Clone, Copy)]
pub struct LockClock {
    clock: WallClock,
    /// Ahead of what it was set to, in seconds.
    wrong_by: i64,
}

impl LockClock {
    /// One that starts now.
    pub fn new(now: Instant) -> Self {
        let mut clock = WallClock::default();
        clock.set(now, FACTORY);
        Self { clock, wrong_by: 0 }
    }

    /// What it shows.
    pub fn shown(&self, now: Instant) -> WallTime {
        let utc = self.clock.at(now).unwrap_or(FACTORY);
        WallTime(utc.0.saturating_add(self.wrong_by.saturating_mul(1_000_000)))
    }

    /// It is set.
    pub fn set(&mut self, now: Instant, shown: WallTime) {
        self.clock.set(now, shown);
        self.wrong_by = 0;
    }

    /// It goes wrong by so many seconds.
    pub fn go_wrong(&mut self, seconds: i64) {
        self.wrong_by = self.wrong_by.saturating_add(seconds);
    }
}

/// The windows of the codes of a lock.
#[derive(Debug, Clone, Default)]
pub struct Schedules(BTreeMap<SlotNumber, Schedule>);

/// Those of one code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    /// By their number, from 1.
    pub windows: BTreeMap<u8, SlotWindow>,
    /// They are in force; else the code opens at any time.
    pub enabled: bool,
}

impl Schedules {
    /// Those of a slot.
    pub fn of(&self, slot: SlotNumber) -> Option<&Schedule> {
        self.0.get(&slot)
    }

    /// Writes a window, from when on they are in force, or erases it.
    pub fn set(&mut self, slot: SlotNumber, number: u8, window: Option<SlotWindow>) {
        let schedule = self.0.entry(slot).or_default();
        match window {
            Some(window) => {
                schedule.windows.insert(number, window);
                schedule.enabled = true;
            }
            None => _ = schedule.windows.remove(&number),
        }
    }

    /// They are in force from now on, or not.
    pub fn set_enabled(&mut self, slot: SlotNumber, enabled: bool) {
        self.0.entry(slot).or_default().enabled = enabled;
    }

    /// The slot has none any more.
    pub fn forget(&mut self, slot: SlotNumber) {
        self.0.remove(&slot);
    }

    /// No slot has one any more.
    pub fn forget_all(&mut self) {
        self.0.clear();
    }

    /// Whether the code in a slot opens when the lock's clock shows this.
    pub fn opens(&self, slot: SlotNumber, shown: WallTime) -> bool {
        self.0.get(&slot).is_none_or(|schedule| {
            let none = !schedule.enabled || schedule.windows.is_empty();
            none || schedule.windows.values().any(|window| window.contains(shown))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyway_lock::Minute;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn a_clock_starts_in_the_past_and_is_set_and_goes_wrong() {
        let now = Instant::now();
        let mut clock = LockClock::new(now);
        assert_eq!(clock.shown(now + Duration::from_secs(5)), WallTime(FACTORY.0 + 5_000_000));
        clock.set(now, WallTime(7_000_000));
        clock.go_wrong(-3);
        assert_eq!(clock.shown(now + Duration::from_secs(1)), WallTime(5_000_000));
    }

    #[test]
    fn a_code_with_windows_opens_in_one_of_them_while_they_are_in_force() {
        let (mut schedules, slot) = (Schedules::default(), SlotNumber(3));
        let at = |minute: i64| Minute(minute).start();
        assert!(schedules.opens(slot, at(0)));
        schedules.set(slot, 1, Some(SlotWindow { from: Minute(1), until: Minute(2) }));
        assert_eq!([0, 1, 2].map(|minute| schedules.opens(slot, at(minute))), [false, true, false]);
        schedules.set_enabled(slot, false);
        assert!(schedules.opens(slot, at(2)));
        schedules.set_enabled(slot, true);
        schedules.set(slot, 1, None);
        assert!(schedules.opens(slot, at(2)));
    }
}
