//! Schedule Entry Lock, version 3: one user's windows.

use keyway_lock::SlotNumber;
use keyway_zwave::cc::schedule_entry_lock::{ScheduleEntryLockCommand, YearDay};

pub(super) use keyway_zwave::cc::schedule_entry_lock::CLASS;

use super::{Lock, Reaction};
use crate::door::DoorEvent;

pub(super) fn handle(lock: &mut Lock, command: &[u8]) -> Option<Reaction> {
    let command = ScheduleEntryLockCommand::decode(command).ok()?;
    let answer = |report: ScheduleEntryLockCommand| Some(Reaction::Answer(report.encode()));
    match command {
        ScheduleEntryLockCommand::SupportedGet => answer(ScheduleEntryLockCommand::SupportedReport {
            week_day: 0,
            year_day: lock.setup.year_day_slots,
            daily_repeating: 0,
        }),
        ScheduleEntryLockCommand::EnableSet { user, enabled } => {
            let Some(slot) = slot_of(lock, user, 1) else { return Some(Reaction::Refused) };
            lock.schedules.set_enabled(slot, enabled);
            Some(Reaction::Done)
        }
        ScheduleEntryLockCommand::YearDaySet(YearDay { user, slot: number, window }) => {
            let slot = slot_of(lock, user, number).filter(|_| !lock.setup.oddities.refuses_schedules);
            let Some(slot) = slot else { return Some(Reaction::Refused) };
            lock.schedules.set(slot, number, window);
            Some(Reaction::Done)
        }
        ScheduleEntryLockCommand::YearDayGet { user, slot: number } => {
            let schedule = lock.schedules.of(SlotNumber(user.into()));
            let window = schedule.and_then(|schedule| schedule.windows.get(&number)).copied();
            answer(ScheduleEntryLockCommand::YearDayReport(YearDay { user, slot: number, window }))
        }
        ScheduleEntryLockCommand::OffsetGet => answer(ScheduleEntryLockCommand::OffsetReport(lock.offset)),
        ScheduleEntryLockCommand::OffsetSet(offset) => {
            lock.offset = offset;
            Some(Reaction::Done)
        }
        ScheduleEntryLockCommand::YearDayReport(_)
        | ScheduleEntryLockCommand::SupportedReport { .. }
        | ScheduleEntryLockCommand::OffsetReport(_) => None,
    }
}

/// Only a user with a code can have a schedule.
fn slot_of(lock: &Lock, user: u8, number: u8) -> Option<SlotNumber> {
    let slot = SlotNumber(user.into());
    let known = lock.door.codes().contains_key(&slot) && (1..=lock.setup.year_day_slots).contains(&number);
    known.then_some(slot)
}

/// What becomes of the schedules when something happened to the codes.
pub(super) fn follow(lock: &mut Lock, event: DoorEvent) {
    match event {
        DoorEvent::CodeDeleted(slot, _) if !lock.setup.oddities.leaves_schedules => lock.schedules.forget(slot),
        DoorEvent::CodeAdded(slot, _) if lock.setup.oddities.set_drops_schedule => lock.schedules.forget(slot),
        DoorEvent::AllCodesDeleted(_) => lock.schedules.forget_all(),
        _ => {}
    }
}
