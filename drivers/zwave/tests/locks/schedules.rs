//! Locks that keep a code to its window by themselves, and their clocks.

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, LockInfo, Minute, RadioEvent, Refusal, SlotWindow, WallTime,
};
use keyway_virtual::zwave::{Action, LockSetup, Oddities, Outcome};
use keyway_zwave::cc::schedule_entry_lock::{Offset, ScheduleEntryLockCommand};
use keyway_zwave::security::SecurityClass;

use super::world::{World, building, node};
use super::{SLOT, held, lock, pin, set};

/// 2026-11-25T16:29:01Z.
pub(super) const NOW: i64 = 1_795_624_141;
pub(super) const PIN: &str = "4711";
/// Stands in for it first.
pub(super) const STAND_IN: &str = "8462";

pub(super) fn minutes_from_now(from: i64, until: i64) -> SlotWindow {
    let minute = |minutes: i64| Minute::of(WallTime::from_seconds(NOW + minutes * 60));
    SlotWindow { from: minute(from), until: minute(until) }
}

pub(super) fn timed(window: SlotWindow) -> LockCommand {
    LockCommand::SetTimedCode { slot: SLOT, pin: pin(PIN), window, stand_ins: [pin(STAND_IN), pin("9173")] }
}

fn scheduler(oddities: Oddities) -> LockSetup {
    LockSetup { year_day_slots: 1, oddities, ..lock(2, &[SecurityClass::S2AccessControl]) }
}

/// Node 2 keeps windows, and its clock is right.
fn world(lock: LockSetup) -> World {
    let mut world = World::new(building(vec![lock])).ready();
    world.tell_time(NOW);
    assert_eq!(world.command(2, LockCommand::CheckClock).0, Ok(CommandOutput::ClockChecked(true)));
    world
}

fn window_of(world: &World) -> Option<SlotWindow> {
    let schedule = world.stick.schedule(node(2), SLOT).filter(|schedule| schedule.enabled);
    schedule.and_then(|schedule| schedule.windows.get(&1).copied())
}

fn opens(world: &World, digits: &str) -> bool {
    world.opens(2, digits)
}

fn window_slots(world: &World) -> u16 {
    let of = |(_, event): &(Duration, RadioEvent)| match event {
        RadioEvent::LockInterviewed(_, LockInfo { capabilities, .. }) => Some(capabilities.window_slots),
        _ => None,
    };
    world.events.iter().rev().find_map(of).unwrap()
}

/// Asks, and looks at every step whether the PIN would open.
fn command_while_it_never_opens(world: &mut World, command: LockCommand) -> Result<CommandOutput, CommandError> {
    let asked = world.ask(2, command);
    let mut steps = 0;
    loop {
        if let Some(answer) = world.answer(asked) {
            return answer;
        }
        world.pass(Duration::from_millis(5));
        assert!(!opens(world, PIN), "the PIN opens without its window");
        steps += 1;
        assert!(steps < 20_000, "it was not answered within 100 seconds");
    }
}

#[test]
fn a_code_opens_in_its_window_only_and_at_no_time_before() {
    let mut world = world(scheduler(Oddities::default()));
    let window = minutes_from_now(30, 60);
    let set = command_while_it_never_opens(&mut world, timed(window));
    assert_eq!(set, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert_eq!((held(&world, 2).as_deref(), window_of(&world)), (Some(PIN), Some(window)));
    world.pass(Duration::from_secs(29 * 60));
    assert!(!opens(&world, PIN));
    world.pass(Duration::from_secs(60));
    assert!(opens(&world, PIN));
    assert_eq!(world.act(2, Action::Keypad(PIN.to_owned())), Outcome::Keypad(Some(SLOT)));
    world.pass(Duration::from_secs(30 * 60));
    assert!(!opens(&world, PIN));
}

#[test]
fn what_is_there_already_is_only_looked_at() {
    let mut world = world(scheduler(Oddities::default()));
    let window = minutes_from_now(0, 60);
    world.command(2, timed(window)).0.unwrap();
    let before = world.frames(2);
    assert_eq!(world.command(2, timed(window)).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert_eq!(world.frames(2).from_hub - before.from_hub, 2, "the code and its schedule are read");
}

#[test]
fn another_window_is_written_over_the_old_one_and_the_code_stays() {
    let mut world = world(scheduler(Oddities::default()));
    world.command(2, timed(minutes_from_now(30, 60))).0.unwrap();
    let later = minutes_from_now(90, 120);
    let set = command_while_it_never_opens(&mut world, timed(later));
    assert_eq!(set, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert_eq!((held(&world, 2).as_deref(), window_of(&world)), (Some(PIN), Some(later)));
}

#[test]
fn a_stand_in_that_was_left_behind_by_a_crash_is_replaced() {
    let mut world = world(scheduler(Oddities::default()));
    world.command(2, set("9173")).0.unwrap();
    let window = minutes_from_now(30, 60);
    assert_eq!(command_while_it_never_opens(&mut world, timed(window)), Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert_eq!((held(&world, 2).as_deref(), window_of(&world)), (Some(PIN), Some(window)));
    assert!(!opens(&world, "9173") && !opens(&world, "8462"));
}

#[test]
fn somebody_elses_code_is_not_touched() {
    let mut world = world(scheduler(Oddities::default()));
    world.act(2, Action::ByHand { slot: SLOT, code: Some(pin("5555")) });
    assert_eq!(world.command(2, timed(minutes_from_now(30, 60))).0, Err(CommandError::Unproven));
    assert_eq!((held(&world, 2).as_deref(), window_of(&world)), (Some("5555"), None));
}

#[test]
fn a_lock_that_drops_the_schedule_with_the_code_is_found_out_with_pins_that_nobody_knows() {
    for oddities in [
        Oddities { set_drops_schedule: true, ..Oddities::default() },
        Oddities { refuses_schedules: true, ..Oddities::default() },
    ] {
        let mut world = world(scheduler(oddities));
        assert_eq!(window_slots(&world), 30);
        let set = command_while_it_never_opens(&mut world, timed(minutes_from_now(30, 60)));
        assert_eq!(set, Err(Refusal::WindowNotKept.into()));
        assert_eq!(held(&world, 2), None, "what was tried is taken out");
        assert_eq!(window_slots(&world), 0);
        world.restart_hub(3);
        assert_eq!(window_slots(&world), 0, "it is kept");
    }
}

#[test]
fn a_lock_that_hides_its_codes_keeps_windows_too() {
    let mut world = world(LockSetup { masked: true, ..scheduler(Oddities::default()) });
    let window = minutes_from_now(30, 60);
    let set = command_while_it_never_opens(&mut world, timed(window));
    assert_eq!(set, Ok(CommandOutput::CodeSet(Evidence::Supervised)));
    assert_eq!((held(&world, 2).as_deref(), window_of(&world)), (Some(PIN), Some(window)));
    let again = command_while_it_never_opens(&mut world, timed(window));
    assert_eq!(again, Ok(CommandOutput::CodeSet(Evidence::Supervised)));
    let deaf = LockSetup { supervision: false, masked: true, ..scheduler(Oddities::default()) };
    let mut world = World::new(building(vec![deaf])).ready();
    world.command(2, super::set("4712")).0.unwrap();
    assert_eq!(window_slots(&world), 0, "one that can't tell how a set went is proven by emptying the slot first");
}

#[test]
fn what_a_lock_tells_of_a_pin_that_stands_in_is_no_proof_of_the_guests() {
    for every in 2..=9 {
        for (supervised_reports, step) in (0..every).flat_map(|step| [(false, step), (true, step)]) {
            let mut world = world(LockSetup { masked: true, supervised_reports, ..scheduler(Oddities::default()) });
            world.act(2, Action::DropEvery(every));
            for _ in 0..step {
                let _ = world.command(2, LockCommand::ReadSlot(SLOT));
            }
            for round in 0..3 {
                let window = minutes_from_now(30, 60);
                if command_while_it_never_opens(&mut world, timed(window)).is_ok() {
                    let lock = (held(&world, 2), window_of(&world));
                    assert_eq!(lock, (Some(PIN.to_owned()), Some(window)), "every {every}th, {step} before, {round}");
                }
                let _ = world.command(2, LockCommand::ClearCode(SLOT));
            }
        }
    }
}

#[test]
fn a_code_without_a_window_opens_whatever_schedule_its_slot_had() {
    for oddities in [Oddities::default(), Oddities { leaves_schedules: true, ..Oddities::default() }] {
        let mut world = world(scheduler(oddities));
        world.command(2, timed(minutes_from_now(30, 60))).0.unwrap();
        assert_eq!(world.command(2, set(PIN)).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
        assert!(opens(&world, PIN));
        world.command(2, timed(minutes_from_now(30, 60))).0.unwrap();
        assert_eq!(
            world.command(2, LockCommand::ClearCode(SLOT)).0,
            Ok(CommandOutput::CodeCleared(Evidence::ReadBack))
        );
        world.act(2, Action::ByHand { slot: SLOT, code: Some(pin("5555")) });
        assert!(opens(&world, "5555"), "somebody's own code there is not kept to our window");
    }
}

#[test]
fn a_clock_that_was_reset_is_set_right_and_one_that_can_not_be_is_told() {
    let mut world = world(scheduler(Oddities::default()));
    world.pass(Duration::from_secs(60));
    for wrong in [Action::Restart, Action::MoveClock(-20), Action::MoveClock(5)] {
        world.act(2, wrong);
        assert_eq!(world.command(2, LockCommand::CheckClock).0, Ok(CommandOutput::ClockChecked(true)));
        let behind = NOW + 60 - world.clock(2);
        assert!((-30..=5).contains(&behind), "{behind}");
    }
    let offset = ScheduleEntryLockCommand::OffsetSet(Offset { standard: 60, daylight_saving: 60 });
    world.act(2, Action::AnotherHub(offset.encode()));
    assert_eq!(world.command(2, LockCommand::CheckClock).0, Ok(CommandOutput::ClockChecked(true)));

    let stands = scheduler(Oddities { clock_stands: true, ..Oddities::default() });
    let mut world = World::new(building(vec![stands])).ready();
    assert_eq!(world.command(2, LockCommand::CheckClock).0, Err(CommandError::Busy), "nobody knows the time");
    world.tell_time(NOW);
    assert_eq!(world.command(2, LockCommand::CheckClock).0, Ok(CommandOutput::ClockChecked(false)));
}

#[test]
fn a_lock_is_given_the_time_while_it_is_awake_anyway_and_at_once_when_the_clock_was_moved() {
    let mut world = World::new(building(vec![scheduler(Oddities::default())])).ready();
    world.pass(Duration::from_secs(60));
    world.tell_time(NOW);
    world.pass(Duration::from_secs(3600));
    assert!(world.clock(2) < NOW, "it is not woken for that");
    world.command(2, LockCommand::ReadStatus).0.unwrap();
    world.pass(Duration::from_secs(5));
    assert!((world.clock(2) - NOW - 3605).abs() < 10);
    world.tell_time(NOW + 90_000);
    world.pass(Duration::from_secs(5));
    assert!((world.clock(2) - NOW - 90_005).abs() < 10);
}

#[test]
fn a_lock_that_asks_for_the_time_is_answered() {
    for security in [&[SecurityClass::S2AccessControl][..], &[SecurityClass::S0], &[]] {
        let mut world = World::new(building(vec![lock(2, security)])).ready();
        world.act(2, Action::AskTime);
        world.pass(Duration::from_secs(5));
        assert!(world.clock(2) < NOW, "before the time is known, nobody is");
        world.tell_time(NOW);
        world.act(2, Action::AskTime);
        world.pass(Duration::from_secs(5));
        assert!((world.clock(2) - NOW - 5).abs() < 3);
    }
}
