//! Codes that the lock itself keeps to a window, by its own clock.

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, Minute, RadioEvent, Refusal, SlotContent, SlotReport,
    SlotWindow, WallTime,
};
use keyway_virtual::zigbee::{Action, LockSetup, Outcome, ScheduleOddity, Shows};

use super::{World, lock};
use crate::{SLOT, pin, proven, set};

/// 2026-11-25T16:30:00Z.
pub(super) const NOW: i64 = 1_795_624_200;
/// Stands in for a PIN first.
pub(super) const STAND_IN: &str = "77019283";
const OPENED: Outcome = Outcome::Keypad(Some(5));
const SHUT: Outcome = Outcome::Keypad(None);

/// From an hour from now on, for an hour.
fn window() -> SlotWindow {
    let minute = |hours: i64| Minute::of(WallTime::from_seconds(NOW + hours * 3600));
    SlotWindow { from: minute(1), until: minute(2) }
}

pub(super) fn timed(digits: &str) -> LockCommand {
    let stand_ins = [pin(STAND_IN), pin("60518294")];
    LockCommand::SetTimedCode { slot: SLOT, pin: pin(digits), window: window(), stand_ins }
}

pub(super) fn keeping_time(setup: LockSetup) -> LockSetup {
    LockSetup { shows_clock: true, ..setup }
}

impl World {
    fn in_time(setup: LockSetup) -> Self {
        let mut world = Self::with(vec![setup]);
        world.set_clock(NOW);
        let checked = world.command(2, LockCommand::CheckClock);
        assert_eq!(checked, Ok(CommandOutput::ClockChecked(true)));
        world
    }

    fn types(&mut self, digits: &str) -> Outcome {
        self.act(2, &Action::Keypad(digits.to_owned()))
    }

    /// Has a code put in with its window, while somebody types it all the time: it never opens.
    fn put_in(&mut self, digits: &str) -> Result<CommandOutput, CommandError> {
        let asked = self.ask(2, timed(digits));
        while self.answer(asked).is_none() {
            assert_eq!(self.types(digits), SHUT, "it opens without its window");
            self.pass(Duration::from_millis(40));
        }
        self.answer(asked).unwrap()
    }

    fn window_slots(&self) -> Option<u16> {
        self.events.iter().rev().find_map(|event| match event {
            RadioEvent::LockInterviewed(_, info) => Some(info.capabilities.window_slots),
            _ => None,
        })
    }

    fn opens_at(&mut self, digits: &str, minutes: [i64; 4]) -> [Outcome; 4] {
        let mut before = 0;
        minutes.map(|minute| {
            self.act(2, &Action::MoveClock((minute - before) * 60));
            before = minute;
            self.types(digits)
        })
    }
}

#[test]
fn a_code_with_a_window_opens_in_it_and_at_no_other_time_not_even_while_it_is_put_in() {
    for setup in [
        lock(2),
        LockSetup { shows: Shows::Masked, ..lock(2) },
        LockSetup { oddity: ScheduleOddity::IgnoresType, ..lock(2) },
        LockSetup { oddity: ScheduleOddity::WantsScheduleFirst, ..lock(2) },
        LockSetup { oddity: ScheduleOddity::OpensWithout, ..lock(2) },
        LockSetup { schedules: 1, poll: None, ..lock(2) },
    ] {
        let (oddity, shows) = (setup.oddity, setup.shows);
        let mut world = World::in_time(keeping_time(setup));
        let evidence = if shows == Shows::Masked { Evidence::Supervised } else { Evidence::ReadBack };
        assert_eq!(world.put_in("0042"), proven(evidence), "{oddity:?} {shows:?}");
        assert_eq!(world.opens_at("0042", [0, 58, 63, 121]), [SHUT, SHUT, OPENED, SHUT], "{oddity:?} {shows:?}");
    }
}

#[test]
fn what_is_so_already_is_not_written_again() {
    let mut world = World::in_time(keeping_time(lock(2)));
    assert_eq!(world.put_in("0042"), proven(Evidence::ReadBack));
    let before = world.building.stick.frames(2).unwrap().from_hub;
    assert_eq!(world.put_in("0042"), proven(Evidence::ReadBack));
    assert_eq!(world.building.stick.frames(2).unwrap().from_hub - before, 2, "the code and its schedule");
}

#[test]
fn a_lock_that_forgets_a_schedule_with_the_code_is_found_out_and_never_gets_a_code_ahead_again() {
    let mut world = World::in_time(keeping_time(LockSetup { oddity: ScheduleOddity::Forgets, ..lock(2) }));
    let refused = Err(CommandError::Refused(Refusal::WindowNotKept));
    assert_eq!(world.put_in("0042"), refused);
    let free = Ok(CommandOutput::Slot(SlotReport { slot: SLOT, content: SlotContent::Free }));
    assert_eq!(world.command(2, LockCommand::ReadSlot(SLOT)), free);
    assert_eq!(world.window_slots(), Some(0));
    assert_eq!(world.put_in("0042"), refused);
    // It is as good as any other lock.
    assert_eq!(world.command(2, set("0042")), proven(Evidence::ReadBack));
    assert_eq!(world.types("0042"), OPENED);
}

#[test]
fn a_code_without_a_window_opens_at_any_time_whatever_window_was_there() {
    for oddity in [ScheduleOddity::None, ScheduleOddity::IgnoresType] {
        let mut world = World::in_time(keeping_time(LockSetup { oddity, ..lock(2) }));
        assert_eq!(world.put_in("0042"), proven(Evidence::ReadBack));
        assert_eq!(world.command(2, set("0042")), proven(Evidence::ReadBack));
        assert_eq!(world.types("0042"), OPENED, "{oddity:?}");
        assert!(world.command(2, LockCommand::ClearCode(SLOT)).is_ok());
        assert_eq!(world.put_in("0043"), proven(Evidence::ReadBack));
        assert_eq!(world.opens_at("0043", [0, 58, 63, 121]), [SHUT, SHUT, OPENED, SHUT], "{oddity:?}");
    }
}

#[test]
fn a_clock_that_went_wrong_is_set_right_and_one_that_is_not_shown_is_trusted_with_nothing() {
    let mut world = World::in_time(keeping_time(LockSetup { asks_time: false, ..lock(2) }));
    for action in [Action::MoveClock(-3600), Action::Restart, Action::MoveClock(60)] {
        world.act(2, &action);
        assert_eq!(world.command(2, LockCommand::CheckClock), Ok(CommandOutput::ClockChecked(true)), "{action:?}");
    }
    let mut world = World::with(vec![lock(2)]);
    world.set_clock(NOW);
    let refused = world.command(2, LockCommand::CheckClock);
    assert!(matches!(refused, Err(CommandError::Refused(Refusal::NotSupported(_)))), "{refused:?}");
    assert_eq!(world.put_in("0042"), Err(CommandError::Refused(Refusal::WindowNotKept)));
}

#[test]
fn whatever_breaks_off_no_code_is_left_that_opens_without_its_window() {
    for lost_after in 0..14 {
        let mut world = World::in_time(keeping_time(lock(2)));
        let asked = world.ask(2, timed("0042"));
        for _ in 0..lost_after {
            world.pass(Duration::from_millis(150));
        }
        world.act(2, &Action::Offline(true));
        world.until("it has ended", |world| world.answer(asked).is_some());
        assert_eq!(world.types("0042"), SHUT, "{lost_after}");
        world.act(2, &Action::Offline(false));
        assert_eq!(world.put_in("0042"), proven(Evidence::ReadBack), "{lost_after}");
    }
}
