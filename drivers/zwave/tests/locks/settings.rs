//! What a lock does by itself, and is told to do.

use std::time::Duration;

use keyway_lock::{
    AutoLock, CommandError, CommandOutput, LockCommand, LockEvent, LockInfo, RadioEvent, Refusal, UnlockSource,
};
use keyway_virtual::zwave::{Action, LockSetup};
use keyway_zwave::cc::door_lock::{Configuration, DoorLockCommand, Extras, Operation};
use keyway_zwave::security::SecurityClass;

use super::world::{World, building, node};
use super::{lock, three_locks};

fn after_a_minute() -> AutoLock {
    AutoLock::from_seconds(60)
}

fn auto_lock(world: &World, id: u16) -> Option<AutoLock> {
    let of = |(_, event): &(Duration, RadioEvent)| match event {
        RadioEvent::LockInterviewed(lock, LockInfo { auto_lock, .. }) if *lock == node(id).into() => Some(*auto_lock),
        _ => None,
    };
    world.events.iter().rev().find_map(of).unwrap()
}

#[test]
fn a_lock_is_told_to_lock_by_itself_and_says_that_it_will() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        assert_eq!(auto_lock(&world, id), Some(AutoLock::Off));
        // The lock refuses a change of anything else in its configuration.
        let set = world.command(id, LockCommand::SetAutoLock(after_a_minute())).0;
        assert_eq!(set, Ok(CommandOutput::AutoLockSet(after_a_minute())));
        assert_eq!(auto_lock(&world, id), Some(after_a_minute()));
        world.act(id, Action::Turn { locked: false });
        world.pass(Duration::from_secs(59));
        assert_eq!(world.stick.door(node(id)).unwrap().locked(), Some(false));
        world.pass(Duration::from_secs(3));
        assert_eq!(world.stick.door(node(id)).unwrap().locked(), Some(true));
        let locked = LockEvent::Locked { source: UnlockSource::Automatic, slot: None };
        assert!(world.lock_events(id).contains(&locked));
    }
    world.restart_hub(3);
    assert_eq!(auto_lock(&world, 2), Some(after_a_minute()), "it is kept");
}

#[test]
fn what_is_so_already_is_not_written() {
    let mut world = three_locks();
    let before = world.frames(2);
    let set = world.command(2, LockCommand::SetAutoLock(AutoLock::Off)).0;
    assert_eq!(set, Ok(CommandOutput::AutoLockSet(AutoLock::Off)));
    assert_eq!(world.frames(2).from_hub - before.from_hub, 1, "one question");
}

#[test]
fn what_somebody_changed_at_the_lock_is_heard() {
    let mut world = World::new(building(vec![lock(4, &[])])).ready();
    let extras = Some(Extras { auto_relock: 60, hold_and_release: 3, options: 0 });
    let configuration = Configuration { operation: Operation::Constant, handles: 0, extras };
    world.make_up(4, &DoorLockCommand::ConfigurationReport(configuration).encode());
    assert_eq!(auto_lock(&world, 4), Some(after_a_minute()));
}

#[test]
fn a_lock_that_can_not_lock_by_itself_is_not_asked_to() {
    let plain = LockSetup { auto_relock: false, ..lock(2, &[SecurityClass::S2AccessControl]) };
    let mut world = World::new(building(vec![plain])).ready();
    assert_eq!(auto_lock(&world, 2), None);
    let before = world.frames(2);
    let refused = world.command(2, LockCommand::SetAutoLock(after_a_minute())).0;
    assert!(matches!(refused, Err(CommandError::Refused(Refusal::NotSupported(_)))));
    assert_eq!(world.frames(2), before);
}

#[test]
fn a_lock_shows_itself_and_says_so() {
    let silent = LockSetup { supervision: false, ..lock(5, &[SecurityClass::S2AccessControl]) };
    let mut world =
        World::new(building(vec![lock(2, &[SecurityClass::S2AccessControl]), lock(4, &[]), silent])).ready();
    for id in [2, 4, 5] {
        assert_eq!(world.command(id, LockCommand::Identify).0, Ok(CommandOutput::Identified));
        assert_eq!(world.stick.identified(node(id)), Some(1));
    }
}
