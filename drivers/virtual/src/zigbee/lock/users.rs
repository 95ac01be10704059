//! Who may come in, as a Zigbee lock keeps it: users with PINs, and the schedules of those who have one (ZCL revision 8,
//! section 7.3).

use std::collections::BTreeMap;

use keyway_lock::SlotNumber;

use crate::door::{Code, Door};

/// User statuses (section 7.3.2.16.6).
pub(super) mod user_status {
    pub(in super::super) const AVAILABLE: u8 = 0;
    pub(in super::super) const ENABLED: u8 = 1;
    pub(in super::super) const DISABLED: u8 = 3;
}

/// User types (section 7.3.2.16.6).
pub(super) mod user_type {
    pub(in super::super) const UNRESTRICTED: u8 = 0;
    pub(in super::super) const YEAR_DAY: u8 = 1;
    pub(in super::super) const WEEK_DAY: u8 = 2;
    pub(in super::super) const NON_ACCESS: u8 = 4;
    pub(in super::super) const UNKNOWN: u8 = 0xFF;
}

const MINUTE: u32 = 60;
const DAY: u32 = 24 * 60 * MINUTE;

/// Hours of some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WeekDay {
    /// Bit 0 is Sunday.
    pub(super) days: u8,
    /// Hour and minute.
    pub(super) start: (u8, u8),
    /// Hour and minute.
    pub(super) end: (u8, u8),
}

/// A span of local time, in seconds since 2000-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct YearDay {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A span in which the lock works otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holiday {
    pub(super) span: YearDay,
    /// Operating mode (section 7.3.2.12.6).
    pub(super) mode: u8,
}

/// How the users are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    /// Number of the first user.
    pub(super) first: u16,
    /// How many there are.
    pub(super) count: u16,
    /// Schedules of each kind that a user may have, and holidays of the lock.
    pub(super) schedules: u8,
}

/// What the lock knows of its users besides their codes, which are in the door.
#[derive(Debug, Default)]
pub(super) struct Users {
    types: BTreeMap<u16, u8>,
    pub(super) week_days: BTreeMap<(u16, u8), WeekDay>,
    pub(super) year_days: BTreeMap<(u16, u8), YearDay>,
    pub(super) holidays: BTreeMap<u8, Holiday>,
}

impl Numbers {
    /// The slot of the door that has this user's code.
    pub(super) fn slot(&self, user: u16) -> Option<SlotNumber> {
        let index = user.checked_sub(self.first).filter(|index| *index < self.count)?;
        Some(SlotNumber(index + 1))
    }

    /// The user whose code is in this slot of the door.
    pub(super) fn user(&self, slot: SlotNumber) -> u16 {
        slot.0.saturating_sub(1).saturating_add(self.first)
    }

    /// Whether there may be such a schedule.
    pub(super) fn has_schedule(&self, user: u16, id: u8) -> bool {
        self.slot(user).is_some() && id < self.schedules
    }
}

impl Users {
    /// What a user is.
    pub(super) fn kind(&self, user: u16) -> u8 {
        self.types.get(&user).copied().unwrap_or(user_type::UNRESTRICTED)
    }

    pub(super) fn set_kind(&mut self, user: u16, kind: u8) {
        self.types.insert(user, kind);
    }

    /// A user is gone, and what was kept of it.
    pub(super) fn forget(&mut self, user: u16) {
        self.types.remove(&user);
        self.week_days.retain(|(of, _), _| *of != user);
        self.year_days.retain(|(of, _), _| *of != user);
    }

    pub(super) fn forget_all(&mut self) {
        *self = Self { holidays: std::mem::take(&mut self.holidays), ..Self::default() };
    }

    /// Whether a user has a schedule, if it is to be of a type that wants one.
    pub(super) fn has_what_it_wants(&self, user: u16, kind: u8) -> bool {
        match kind {
            user_type::YEAR_DAY => of(&self.year_days, user).next().is_some(),
            user_type::WEEK_DAY => of(&self.week_days, user).next().is_some(),
            _ => true,
        }
    }

    /// The spans in which a year day user may come in; none for another.
    pub(super) fn windows(&self, user: u16) -> impl Iterator<Item = &YearDay> {
        of(&self.year_days, user).filter(move |_| self.kind(user) == user_type::YEAR_DAY)
    }

    /// Whether a user may come in now, at this local time in seconds since 2000-01-01; a lock that does not know the time
    /// lets nobody in who may come only at times.
    pub(super) fn may_enter(&self, user: u16, local: Option<u32>) -> bool {
        match self.kind(user) {
            user_type::YEAR_DAY => {
                local.is_some_and(|now| of(&self.year_days, user).any(|span| (span.start..=span.end).contains(&now)))
            }
            user_type::WEEK_DAY => local.is_some_and(|now| of(&self.week_days, user).any(|hours| hours.holds(now))),
            _ => true,
        }
    }
}

fn of<T>(schedules: &BTreeMap<(u16, u8), T>, user: u16) -> impl Iterator<Item = &T> {
    schedules.range((user, 0)..=(user, u8::MAX)).map(|(_, schedule)| schedule)
}

impl WeekDay {
    fn holds(&self, local: u32) -> bool {
        // 2000-01-01 was a Saturday.
        let weekday = (local / DAY + 6) % 7;
        let minutes = local % DAY / MINUTE;
        let of_day = |(hour, minute): (u8, u8)| u32::from(hour) * 60 + u32::from(minute);
        self.days & 1 << weekday != 0 && (of_day(self.start)..=of_day(self.end)).contains(&minutes)
    }
}

/// The user whose code these digits are, if there is one.
pub(super) fn whose(door: &Door, numbers: Numbers, digits: &str) -> Option<(u16, bool)> {
    let has = |(_, code): &(&SlotNumber, &Code)| code.pin.expose() == digits;
    door.codes().iter().find(has).map(|(slot, code)| (numbers.user(*slot), code.enabled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_comes_in_only_when_a_schedule_of_its_kind_holds() {
        let mut users = Users::default();
        users.set_kind(3, user_type::YEAR_DAY);
        users.year_days.insert((3, 0), YearDay { start: 1000, end: 2000 });
        assert!(users.may_enter(3, Some(1500)) && !users.may_enter(3, Some(2001)) && !users.may_enter(3, None));
        users.set_kind(4, user_type::WEEK_DAY);
        // Mondays from 9 to 17; 2000-01-03 was the first Monday.
        users.week_days.insert((4, 0), WeekDay { days: 0b10, start: (9, 0), end: (17, 0) });
        let at = |day: u32, hour: u32| Some(day * DAY + hour * 3600);
        assert!(users.may_enter(4, at(2, 9)) && !users.may_enter(4, at(2, 18)) && !users.may_enter(4, at(3, 9)));
        users.forget(4);
        assert!(users.may_enter(4, None) && users.week_days.is_empty());
    }

    #[test]
    fn users_are_counted_from_the_locks_own_first_number() {
        let numbers = Numbers { first: 0, count: 30, schedules: 2 };
        assert_eq!(
            (numbers.slot(0), numbers.slot(29), numbers.slot(30)),
            (Some(SlotNumber(1)), Some(SlotNumber(30)), None)
        );
        let from_one = Numbers { first: 1, ..numbers };
        assert_eq!((from_one.slot(0), from_one.slot(1), from_one.user(SlotNumber(1))), (None, Some(SlotNumber(1)), 1));
    }
}
