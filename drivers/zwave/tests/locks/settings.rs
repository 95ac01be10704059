//! What a lock does by itself, and is told to do.

use std::time::Duration;

use keyway_lock::{
    AdminCode, AutoLock, BoltSettings, CommandError, CommandOutput, KeypadMode, LockCommand, LockEvent, LockInfo,
    RadioEvent, Refusal, UnlockSource,
};
use keyway_virtual::zwave::{Action, LockSetup, Oddities};
use keyway_zwave::cc::door_lock::{Configuration, DoorLockCommand, Extras, Operation};
use keyway_zwave::security::SecurityClass;

use super::world::{World, building, node};
use super::{lock, pin, three_locks};

fn after_a_minute() -> AutoLock {
    AutoLock::from_seconds(60)
}

/// What was told of the lock last.
pub(super) fn info(world: &World, id: u16) -> &LockInfo {
    let told = world.events.iter().rev().find_map(|(_, event)| match event {
        RadioEvent::LockInterviewed(lock, info) if *lock == node(id).into() => Some(info),
        _ => None,
    });
    told.unwrap()
}

fn auto_lock(world: &World, id: u16) -> Option<AutoLock> {
    info(world, id).auto_lock
}

fn keypad(world: &World, id: u16) -> Option<KeypadMode> {
    info(world, id).settings.keypad.as_ref().map(|keypad| keypad.mode)
}

#[test]
fn a_lock_is_told_to_lock_by_itself_and_says_that_it_will() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        assert_eq!(auto_lock(&world, id), Some(AutoLock::Off));
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

#[test]
fn a_keypad_lets_in_whom_it_is_told_to_and_says_so() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        assert_eq!(keypad(&world, id), Some(KeypadMode::Normal));
        let set = world.command(id, LockCommand::SetKeypadMode(KeypadMode::Vacation)).0;
        assert_eq!(set, Ok(CommandOutput::SettingTaken));
        assert_eq!(keypad(&world, id), Some(KeypadMode::Vacation));
        assert_eq!(world.stick.door(node(id)).unwrap().keypad(), KeypadMode::Vacation);
    }
    world.restart_hub(3);
    assert_eq!(keypad(&world, 2), Some(KeypadMode::Vacation), "it is kept");
}

#[test]
fn whom_somebody_at_the_lock_lets_in_is_heard() {
    let mut world = three_locks();
    world.act(2, Action::KeypadMode(KeypadMode::Privacy));
    world.pass(Duration::from_secs(5));
    assert_eq!(keypad(&world, 2), Some(KeypadMode::Privacy));
}

#[test]
fn a_lock_that_takes_no_setting_is_not_said_to_have_it() {
    let mut world = three_locks();
    world.act(2, Action::Reject(true));
    let refused = world.command(2, LockCommand::SetKeypadMode(KeypadMode::Vacation)).0;
    assert_eq!(refused, Err(Refusal::Rejected.into()));
    assert_eq!(keypad(&world, 2), Some(KeypadMode::Normal));
}

#[test]
fn an_admin_code_is_given_and_taken_away_with_proof() {
    let mut world = three_locks();
    let told = |world: &World, id| info(world, id).settings.admin_code;
    for id in [2, 3, 4] {
        assert_eq!(told(&world, id), Some(AdminCode { is_set: false, can_be_removed: true }));
        let set = world.command(id, LockCommand::SetAdminCode(Some(pin("900100")))).0;
        assert_eq!(set, Ok(CommandOutput::SettingTaken));
        assert_eq!(world.stick.door(node(id)).unwrap().admin_code(), Some(&pin("900100")));
        assert!(told(&world, id).unwrap().is_set);
        assert_eq!(world.command(id, LockCommand::SetAdminCode(None)).0, Ok(CommandOutput::SettingTaken));
        assert!(!told(&world, id).unwrap().is_set);
    }
}

#[test]
fn a_hidden_admin_code_is_believed_by_the_supervised_success() {
    let silent = LockSetup { supervision: false, ..lock(5, &[SecurityClass::S2AccessControl]) };
    let mut world = World::new(building(vec![lock(2, &[SecurityClass::S2AccessControl]), silent])).ready();
    for (id, proven) in [(2, Ok(CommandOutput::SettingTaken)), (5, Err(CommandError::Unproven))] {
        world.act(id, Action::Mask(true));
        assert_eq!(world.command(id, LockCommand::SetAdminCode(Some(pin("900100")))).0, proven);
    }
}

#[test]
fn a_lock_with_user_code_version_1_has_neither() {
    let old = LockSetup { user_code_version: 1, ..lock(2, &[SecurityClass::S2AccessControl]) };
    let mut world = World::new(building(vec![old])).ready();
    assert_eq!((keypad(&world, 2), info(&world, 2).settings.admin_code), (None, None));
    let before = world.frames(2);
    for command in [LockCommand::SetKeypadMode(KeypadMode::Vacation), LockCommand::SetAdminCode(None)] {
        let refused = world.command(2, command).0;
        assert!(matches!(refused, Err(CommandError::Refused(Refusal::NotSupported(_)))));
    }
    assert_eq!(world.frames(2), before);
}

/// A Schlage with these parameters.
fn with_parameters() -> World {
    let parameters = [(3, vec![0xFF]), (4, vec![0]), (7, vec![2])].into();
    let oddities =
        Oddities { product: Some((0x3B, 1, 0x469)), code_length: Some(6), parameters, ..Oddities::default() };
    World::new(building(vec![LockSetup { oddities, ..lock(2, &[SecurityClass::S2AccessControl]) }])).ready()
}

fn parameter(world: &World, name: &str) -> (Option<i64>, bool) {
    let known = info(world, 2).settings.parameters.iter().find(|parameter| parameter.name == name).unwrap();
    (known.value, known.closed_to_guests)
}

#[test]
fn a_parameter_is_read_and_set_by_its_name_with_proof() {
    let mut world = with_parameters();
    assert_eq!((parameter(&world, "vacation_mode"), parameter(&world, "beeper")), ((Some(0), false), (None, false)));
    let read = world.command(2, LockCommand::ReadParameter("beeper".to_owned())).0;
    assert_eq!((read, parameter(&world, "beeper").0), (Ok(CommandOutput::SettingTaken), Some(255)));
    let set = |name: &str, value| LockCommand::SetParameter { name: name.to_owned(), value };
    assert_eq!(world.command(2, set("alarm_mode", 1)).0, Ok(CommandOutput::SettingTaken));
    assert_eq!(parameter(&world, "alarm_mode").0, Some(1));
    assert_eq!(world.command(2, set("vacation_mode", 255)).0, Ok(CommandOutput::SettingTaken));
    assert_eq!(parameter(&world, "vacation_mode"), (Some(255), true));
    let before = world.frames(2);
    for refused in [set("beeper", 7), set("user_code_length", 4), LockCommand::ReadParameter("colour".to_owned())] {
        assert!(matches!(world.command(2, refused).0, Err(CommandError::Refused(Refusal::NotSupported(_)))));
    }
    assert_eq!(world.frames(2), before);
    // The lock has no such parameter, whatever is known of its model, and answers nothing.
    assert_eq!(world.command(2, set("auto_lock", 255)).0, Err(CommandError::Unproven));
}

#[test]
fn a_bolt_is_told_how_to_behave_and_nothing_else_in_its_configuration_changes() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        let before = BoltSettings {
            timed_seconds: Some(0),
            hold_and_release_seconds: Some(3),
            block_to_block: Some(false),
            twist_assist: Some(false),
        };
        assert_eq!(info(&world, id).settings.bolt, before);
        world.command(id, LockCommand::SetAutoLock(after_a_minute())).0.unwrap();
        let order = BoltSettings { timed_seconds: Some(20), twist_assist: Some(true), ..BoltSettings::default() };
        assert_eq!(world.command(id, LockCommand::SetBolt(order)).0, Ok(CommandOutput::SettingTaken));
        let after = BoltSettings { timed_seconds: Some(20), twist_assist: Some(true), ..before };
        assert_eq!((info(&world, id).settings.bolt, auto_lock(&world, id)), (after, Some(after_a_minute())));
        assert!(world.command(id, LockCommand::Unlock).0.is_ok());
        world.pass(Duration::from_secs(25));
        assert_eq!(world.stick.door(node(id)).unwrap().locked(), Some(true), "it locked again in its time");
        let constant = BoltSettings { timed_seconds: Some(0), ..BoltSettings::default() };
        assert_eq!(world.command(id, LockCommand::SetBolt(constant)).0, Ok(CommandOutput::SettingTaken));
        assert!(world.command(id, LockCommand::Unlock).0.is_ok());
    }
}

#[test]
fn a_bolt_that_does_nothing_by_itself_is_not_told_to() {
    let plain = LockSetup { auto_relock: false, ..lock(2, &[SecurityClass::S2AccessControl]) };
    let mut world = World::new(building(vec![plain])).ready();
    assert_eq!(info(&world, 2).settings.bolt, BoltSettings::default());
    let before = world.frames(2);
    for order in [
        BoltSettings::default(),
        BoltSettings { timed_seconds: Some(9), ..BoltSettings::default() },
        BoltSettings { twist_assist: Some(true), ..BoltSettings::default() },
    ] {
        let refused = world.command(2, LockCommand::SetBolt(order)).0;
        assert!(matches!(refused, Err(CommandError::Refused(Refusal::NotSupported(_)))));
    }
    assert_eq!(world.frames(2), before);
}
