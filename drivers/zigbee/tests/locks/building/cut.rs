//! Wherever the air is gone in the middle of a command: nothing is told that is not so, and the same again gets there.

use std::time::Duration;

use keyway_lock::{CommandError, CommandOutput, LockCommand};
use keyway_virtual::zigbee::{Action, LockSetup, Shows};

use super::timed::{NOW, STAND_IN, keeping_time, timed};
use super::{World, lock};
use crate::{SLOT, set};

const PIN: &str = "482915";
const FORMER: &str = "700700";
/// More frames than any of the commands takes.
const FRAMES: u32 = 20;

/// Locks that tell what the hub does to their codes.
fn locks(setup: &LockSetup) -> Vec<LockSetup> {
    let setup = LockSetup { programming_events: true, ..setup.clone() };
    [Shows::Digits, Shows::Masked, Shows::Nothing].map(|shows| LockSetup { shows, ..setup.clone() }).into()
}

/// The lock is silent after so many frames, for so long (`None`: until the command has ended).
fn cut(
    world: &mut World,
    command: &LockCommand,
    frames: u32,
    silent: Option<Duration>,
) -> Result<CommandOutput, CommandError> {
    world.act(2, &Action::DropAfter(Some(frames)));
    let asked = world.ask(2, command.clone());
    if let Some(silent) = silent {
        world.pass(silent);
        world.act(2, &Action::DropAfter(None));
    }
    world.until("it has ended", |world| world.answer(asked).is_some());
    world.act(2, &Action::DropAfter(None));
    world.answer(asked).unwrap()
}

/// Does it with every cut there is, from what `before` leaves behind; then again, as the hub does.
fn is_told_as_it_is(setup: &LockSetup, before: Option<&str>, command: &LockCommand, after: Option<&str>) {
    for silent in [Some(Duration::from_millis(700)), Some(Duration::from_secs(3)), None] {
        let mut world = World::with(vec![setup.clone()]);
        world.set_clock(NOW);
        for frames in 0..FRAMES {
            let case = format!("{:?}, {before:?}, silent after {frames} for {silent:?}", setup.shows);
            world.command(2, LockCommand::ClearCode(SLOT)).unwrap();
            if let Some(digits) = before {
                world.command(2, set(digits)).unwrap();
            }
            let told = cut(&mut world, command, frames, silent);
            assert!(frames > 0 || silent.is_some() || told.is_err(), "nothing gets through: {case}");
            match told {
                Ok(_) => assert_eq!(world.held(2).as_deref(), after, "{case}"),
                Err(error) => assert!(!matches!(error, CommandError::Refused(_)), "{error:?}: {case}"),
            }
            let again = (0..3).any(|_| {
                world.pass(Duration::from_secs(10));
                world.command(2, command.clone()).is_ok()
            });
            assert!(again, "{case}");
            assert_eq!(world.held(2).as_deref(), after, "{case}");
        }
    }
}

#[test]
fn a_code_that_goes_in() {
    for lock in locks(&lock(2)) {
        is_told_as_it_is(&lock, None, &set(PIN), Some(PIN));
    }
}

#[test]
fn a_code_that_goes_in_over_another_of_ours() {
    for lock in locks(&lock(2)) {
        is_told_as_it_is(&lock, Some(FORMER), &set(PIN), Some(PIN));
    }
}

#[test]
fn a_code_that_goes_out() {
    for lock in locks(&lock(2)) {
        is_told_as_it_is(&lock, Some(FORMER), &LockCommand::ClearCode(SLOT), None);
    }
}

#[test]
fn a_code_that_its_lock_keeps_to_its_time() {
    for lock in locks(&LockSetup { schedules: 2, ..keeping_time(lock(2)) }) {
        is_told_as_it_is(&lock, None, &timed(PIN), Some(PIN));
        is_told_as_it_is(&lock, Some(STAND_IN), &timed(PIN), Some(PIN));
    }
}

#[test]
fn a_bolt_that_is_turned() {
    let mut world = World::with(vec![lock(2)]);
    for (frames, turn) in (0..FRAMES).flat_map(|frames| [(frames, false), (frames, true)]) {
        let command = if turn { LockCommand::Lock } else { LockCommand::Unlock };
        world.act(2, &Action::Turn { locked: !turn });
        world.pass(Duration::from_secs(10));
        let told = cut(&mut world, &command, frames, None);
        let locked = world.building.stick.door(2).unwrap().locked();
        match told {
            Ok(_) => assert_eq!(locked, Some(turn), "silent after {frames}"),
            Err(error) => assert!(
                matches!(error, CommandError::Unproven | CommandError::Offline),
                "{error:?}, silent after {frames}"
            ),
        }
    }
}
