//! A lock that no beam wakes is spoken to when it wakes by itself.

use std::time::Duration;

use keyway_lock::{CommandError, CommandId, CommandOutput, Evidence, LockCommand, NetworkCommand, RadioEvent};
use keyway_virtual::zwave::{Action, FreshLock, LockSetup};
use keyway_zwave::security::SecurityClass;

use super::joining::{S2_LOCK, empty, fresh, include, until_interviewed, until_pin};
use super::world::{World, building, node};
use super::{SLOT, held, lock, set};

const INTERVAL: Duration = Duration::from_secs(1800);

fn sleeper(security: &[SecurityClass], seconds: u32) -> LockSetup {
    LockSetup { wake_up: Some(seconds), ..lock(2, security) }
}

/// Interviewed, and asleep.
fn asleep(security: &[SecurityClass]) -> World {
    let mut world = World::new(building(vec![sleeper(security, 1800)])).ready();
    world.pass(Duration::from_secs(20));
    world.events.clear();
    world
}

/// How often it was told to sleep on.
fn farewells(world: &World) -> usize {
    world.stick.commands(node(2)).filter(|logged| logged.command == "wake_up_no_more_information").count()
}

fn answered(world: &World, asked: &[CommandId]) -> bool {
    asked.iter().all(|id| world.answer(*id).is_some())
}

fn is_unreachable(event: &RadioEvent) -> bool {
    matches!(event, RadioEvent::LockReachable(_, false))
}

#[test]
fn what_waits_for_a_lock_goes_out_together_when_it_wakes_and_then_it_is_told_to_sleep_on() {
    for security in [&[SecurityClass::S2AccessControl][..], &[SecurityClass::S0], &[]] {
        let mut world = asleep(security);
        let (before, said) = (world.frames(2), farewells(&world));
        assert!(said > 0, "{security:?}");
        let asked = [world.ask(2, set("4711")), world.ask(2, LockCommand::ReadStatus)];
        world.pass(Duration::from_secs(600));
        assert_eq!((world.frames(2), world.answer(asked[0])), (before, None), "it is not tried in vain");
        world.act(2, Action::WakeUp);
        let woken = world.now;
        world.until("all is answered", |world| answered(world, &asked));
        assert!(world.now - woken < Duration::from_secs(5), "{security:?}");
        assert_eq!(world.answer(asked[0]), Some(Ok(CommandOutput::CodeSet(Evidence::ReadBack))));
        world.pass(Duration::from_secs(60));
        assert_eq!(farewells(&world), said + 1, "{security:?}");
        assert!(!world.told(is_unreachable));
    }
}

#[test]
fn a_lock_for_which_nothing_waits_is_told_to_sleep_on_each_time() {
    let mut world = asleep(&[SecurityClass::S2AccessControl]);
    let said = farewells(&world);
    world.pass(3 * INTERVAL);
    assert_eq!(farewells(&world), said + 3);
}

#[test]
fn an_afterthought_of_the_hub_is_said_while_the_lock_is_awake() {
    let mut world = asleep(&[SecurityClass::S2AccessControl]);
    world.act(2, Action::WakeUp);
    for _ in 0..3 {
        world.pass(Duration::from_millis(700));
        let (read, took) = world.command(2, LockCommand::ReadSlot(SLOT));
        assert!(read.is_ok() && took < Duration::from_secs(1));
    }
}

#[test]
fn a_lock_that_misses_its_wake_up_is_offline_until_it_is_heard() {
    let mut world = asleep(&[SecurityClass::S2AccessControl]);
    world.act(2, Action::Offline(true));
    let (answer, took) = world.command(2, set("4711"));
    assert_eq!(answer, Err(CommandError::Offline));
    assert!(took > INTERVAL - Duration::from_secs(60) && took < INTERVAL + Duration::from_secs(600), "{took:?}");
    assert!(world.told(is_unreachable));
    assert_eq!(world.command(2, set("4711")), (Err(CommandError::Offline), Duration::ZERO));
    world.act(2, Action::Offline(false));
    world.until("it is heard", |world| world.told(|event| matches!(event, RadioEvent::LockReachable(_, true))));
    assert!(world.command(2, set("4711")).0.is_ok());
    assert_eq!(held(&world, 2).as_deref(), Some("4711"));
}

#[test]
fn nobody_is_left_standing_before_a_door_whose_lock_sleeps() {
    let mut world = asleep(&[SecurityClass::S2AccessControl]);
    assert_eq!(world.command(2, LockCommand::Unlock), (Err(CommandError::Offline), Duration::ZERO));
    world.act(2, Action::WakeUp);
    world.pass(Duration::from_millis(100));
    assert!(world.command(2, LockCommand::Unlock).0.is_ok());
}

#[test]
fn a_lock_that_would_wake_every_four_hours_is_told_to_do_so_every_hour() {
    let mut world = World::new(building(vec![sleeper(&[SecurityClass::S2AccessControl], 4 * 3600)]));
    world.open();
    world.pass(Duration::from_secs(60));
    assert!(!world.usable(2), "it sleeps");
    world.act(2, Action::WakeUp);
    world.until("it is interviewed", |world| world.usable(2));
    world.pass(Duration::from_secs(60));
    let said = farewells(&world);
    world.pass(Duration::from_secs(2 * 3600));
    assert_eq!(farewells(&world), said + 2);
    // A hub that begins anew does not know whether it sleeps, and waits for it.
    world.restart_hub(3);
    assert!(world.command(2, set("4711")).0.is_ok());
}

#[test]
fn a_lock_from_its_box_is_asked_all_at_once_while_it_is_awake() {
    let mut world = empty();
    let asked = world.ask_network(include());
    let new = fresh(&S2_LOCK);
    let label = world.unbox(FreshLock { lock: LockSetup { wake_up: Some(4 * 3600), ..new.lock }, ..new });
    until_pin(&mut world, &label);
    world.network(NetworkCommand::Confirm(label.pin())).unwrap();
    world.ended(asked).unwrap();
    let included = world.now;
    until_interviewed(&mut world, 2);
    assert!(world.now - included < Duration::from_secs(20));
    world.pass(Duration::from_secs(5));
    assert_eq!(farewells(&world), 1);
}
