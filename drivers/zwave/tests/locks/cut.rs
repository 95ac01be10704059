//! Wherever the air is gone in the middle of a command: nothing is told that is not so, and the same again gets there.

use std::time::Duration;

use keyway_lock::{CommandError, CommandOutput, LockCommand, SlotChange, SlotContent, SlotNumber, SlotReport};
use keyway_virtual::zwave::{Action, CodesBy, LockSetup};
use keyway_zwave::security::SecurityClass;

use super::schedules::{NOW, PIN, STAND_IN, minutes_from_now, timed};
use super::world::{World, building, node};
use super::{SLOT, held, pin, set};

const FORMER: &str = "700700";
/// More frames than any of the commands takes.
const FRAMES: u32 = 24;

/// A lock that tells what the hub does to its codes, and asks for an answer to that.
fn lock(security: &[SecurityClass]) -> LockSetup {
    LockSetup { programming_events: true, supervised_reports: true, ..LockSetup::new(node(2), "Door", security) }
}

fn locks() -> Vec<LockSetup> {
    let s2 = [SecurityClass::S2AccessControl];
    vec![
        lock(&s2),
        LockSetup { masked: true, ..lock(&s2) },
        LockSetup { masked: true, supervision: false, supervised_reports: false, ..lock(&s2) },
        LockSetup { masked: true, user_code_version: 1, ..lock(&[SecurityClass::S0]) },
        lock(&[]),
        LockSetup { codes_by: CodesBy::UserCredential, ..lock(&s2) },
        LockSetup { codes_by: CodesBy::UserCredential, masked: true, ..lock(&s2) },
    ]
}

fn locks_that_keep_times() -> Vec<LockSetup> {
    let s2 = [SecurityClass::S2AccessControl];
    [false, true].map(|masked| LockSetup { masked, year_day_slots: 1, ..lock(&s2) }).into()
}

/// The lock is silent after so many frames, for so long (`None`: until the command has ended).
fn cut(
    world: &mut World,
    command: &LockCommand,
    frames: u32,
    silent: Option<Duration>,
) -> Result<CommandOutput, CommandError> {
    world.act(2, Action::DropAfter(Some(frames)));
    let asked = world.ask(2, command.clone());
    if let Some(silent) = silent {
        world.pass(silent);
        world.act(2, Action::DropAfter(None));
    }
    world.until("it has ended", |world| world.answer(asked).is_some());
    world.act(2, Action::DropAfter(None));
    world.answer(asked).unwrap()
}

/// Does it with every cut there is, from what `before` leaves behind; then again, as the hub does.
fn is_told_as_it_is(setup: &LockSetup, before: Option<&str>, command: &LockCommand, after: Option<&str>) {
    for silent in [Some(Duration::from_millis(700)), Some(Duration::from_secs(3)), None] {
        let mut world = World::new(building(vec![setup.clone()])).ready();
        world.tell_time(NOW);
        for frames in 0..FRAMES {
            let case = format!("{setup:?}, {before:?}, silent after {frames} for {silent:?}");
            world.command(2, LockCommand::ClearCode(SLOT)).0.unwrap();
            if let Some(digits) = before {
                world.command(2, set(digits)).0.unwrap();
            }
            let told = cut(&mut world, command, frames, silent);
            assert!(frames > 0 || silent.is_some() || told.is_err(), "nothing gets through: {case}");
            match told {
                Ok(_) => assert_eq!(held(&world, 2).as_deref(), after, "{case}"),
                Err(error) => {
                    assert!(matches!(error, CommandError::Unproven | CommandError::Offline), "{error:?}: {case}")
                }
            }
            let again = (0..3).any(|_| {
                world.pass(Duration::from_secs(10));
                world.command(2, command.clone()).0.is_ok()
            });
            assert!(again, "{case}");
            assert_eq!(held(&world, 2).as_deref(), after, "{case}");
        }
    }
}

#[test]
fn a_code_that_goes_in() {
    for lock in locks() {
        is_told_as_it_is(&lock, None, &set(PIN), Some(PIN));
    }
}

#[test]
fn a_code_that_goes_in_over_another_of_ours() {
    for lock in locks() {
        is_told_as_it_is(&lock, Some(FORMER), &set(PIN), Some(PIN));
    }
}

#[test]
fn a_code_that_goes_out() {
    for lock in locks() {
        is_told_as_it_is(&lock, Some(FORMER), &LockCommand::ClearCode(SLOT), None);
    }
}

#[test]
fn a_code_that_its_lock_keeps_to_its_time() {
    for lock in locks_that_keep_times() {
        let timed = timed(minutes_from_now(0, 600));
        is_told_as_it_is(&lock, None, &timed, Some(PIN));
        is_told_as_it_is(&lock, Some(STAND_IN), &timed, Some(PIN));
    }
}

#[test]
fn a_bolt_that_is_turned() {
    for security in [&[SecurityClass::S2AccessControl][..], &[SecurityClass::S0], &[]] {
        for supervision in [true, false] {
            let setup = LockSetup { supervision, supervised_reports: supervision, ..lock(security) };
            let mut world = World::new(building(vec![setup])).ready();
            for (frames, turn) in (0..FRAMES).flat_map(|frames| [(frames, false), (frames, true)]) {
                let command = if turn { LockCommand::Lock } else { LockCommand::Unlock };
                world.act(2, Action::Turn { locked: !turn });
                world.pass(Duration::from_secs(10));
                let told = cut(&mut world, &command, frames, None);
                let locked = world.stick.door(node(2)).unwrap().locked();
                match told {
                    Ok(_) => assert_eq!(locked, Some(turn), "{security:?}, silent after {frames}"),
                    Err(error) => assert!(
                        matches!(error, CommandError::Unproven | CommandError::Offline),
                        "{error:?}, {security:?}, silent after {frames}"
                    ),
                }
            }
        }
    }
}

#[test]
fn codes_that_are_changed_together() {
    let s2 = [SecurityClass::S2AccessControl];
    let (from, to) = ([None, Some("700701"), Some("700702")], [Some("482911"), Some("482912"), None]);
    for (masked, frames) in (0..FRAMES).flat_map(|frames| [(false, frames), (true, frames)]) {
        let mut world = World::new(building(vec![LockSetup { masked, ..lock(&s2) }])).ready();
        let codes = |digits: [Option<&str>; 3]| {
            let change =
                |(slot, digits): (u16, Option<&str>)| SlotChange { slot: SlotNumber(slot), pin: digits.map(pin) };
            let free = |slot| SlotReport { slot: SlotNumber(slot), content: SlotContent::Free };
            let changes = (1..).zip(digits).map(change).collect();
            LockCommand::ChangeCodes { changes, others: (!masked).then(|| (4..=30).map(free).collect()) }
        };
        let results = |answer| match answer {
            Ok(CommandOutput::CodesChanged(results)) => results,
            Ok(other) => panic!("{other:?}"),
            Err(error) => vec![Err(error); 3],
        };
        assert!(results(world.command(2, codes(from)).0).iter().all(Result::is_ok));
        for (result, place) in results(cut(&mut world, &codes(to), frames, None)).into_iter().zip(0..) {
            let slot = SlotNumber(u16::try_from(place + 1).unwrap());
            let held = world.stick.door(node(2)).unwrap().codes().get(&slot).map(|code| code.pin.expose().to_owned());
            match result {
                Ok(_) => assert_eq!(held.as_deref(), to[place], "slot {slot}, silent after {frames}"),
                Err(error) => assert!(!matches!(error, CommandError::Refused(_)), "{error:?}, silent after {frames}"),
            }
        }
        let again = (0..3).any(|_| results(world.command(2, codes(to)).0).iter().all(Result::is_ok));
        assert!(again, "silent after {frames}");
    }
}
