//! A network that another program began: its keys are taken over, and its locks are found and driven. What can't be reached
//! is named, and no key that is in use is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keyway_lock::{
    CommandOutput, Evidence, KeyClass, KeyName, NetworkCommand, NetworkError, NetworkOutcome, RadioEvent,
};
use keyway_virtual::zwave::{Action, LockSetup, demo_setup};
use keyway_zwave::security::{NetworkKey, SecurityClass};

use super::joining::{add, with_a_lock};
use super::set;
use super::world::{World, building, node};

const AC: SecurityClass = SecurityClass::S2AccessControl;

/// The keys of the building, by name.
fn keys(names: &[KeyName]) -> BTreeMap<KeyName, NetworkKey> {
    let all = demo_setup().keys;
    names.iter().filter_map(|name| Some((*name, all.named(*name)?.clone()))).collect()
}

fn lock(id: u16, security: &[SecurityClass]) -> LockSetup {
    LockSetup { programming_events: false, ..LockSetup::new(node(id), "Old", security) }
}

fn opened(locks: Vec<LockSetup>) -> World {
    let mut world = World::ignorant(building(locks));
    world.open();
    world.pass(Duration::from_secs(5));
    world
}

fn stranger(world: &World, id: u16) -> Option<String> {
    world.events.iter().rev().find_map(|(_, event)| match event {
        RadioEvent::Stranger(lock, reason) if *lock == node(id).into() => Some(reason.clone()),
        _ => None,
    })
}

fn joined_with(world: &World, id: u16) -> Option<BTreeSet<KeyClass>> {
    world.events.iter().find_map(|(_, event)| match event {
        RadioEvent::LockJoined(lock, joined) if *lock == node(id).into() => Some(joined.classes.clone()),
        _ => None,
    })
}

#[test]
fn a_lock_whose_keys_are_not_known_is_named_and_left_alone() {
    let world = opened(vec![lock(2, &[AC])]);
    assert!(stranger(&world, 2).unwrap().contains("import that program's"));
    assert!(world.stick.commands(node(2)).next().is_none(), "no frame is wasted on it");
    assert!(!world.usable(2));
}

#[test]
fn with_its_keys_each_lock_is_found_and_driven_under_the_class_that_it_was_granted() {
    let locks = vec![
        lock(2, &[AC]),
        lock(3, &[SecurityClass::S2Authenticated]),
        lock(4, &[SecurityClass::S0]),
        lock(300, &[AC]),
    ];
    let mut world = opened(locks);
    let taken = keys(&KeyName::ALL);
    let names = taken.keys().copied().collect();
    assert_eq!(world.network(NetworkCommand::TakeKeys(taken)), Ok(NetworkOutcome::KeysTaken(names)));
    world.until("all are driven", |world| [2, 3, 4, 300].iter().all(|id| world.usable(*id)));
    let granted = [
        (2, KeyClass::S2AccessControl),
        (3, KeyClass::S2Authenticated),
        (4, KeyClass::S0),
        (300, KeyClass::S2AccessControl),
    ];
    for (id, class) in granted {
        assert_eq!(joined_with(&world, id), Some(BTreeSet::from([class])), "node {id}");
        assert!(matches!(world.command(id, set("0042")).0, Ok(CommandOutput::CodeSet(_))), "node {id}");
    }
    // Keys and locks are known after a restart, and nothing is asked again.
    world.restart_hub(9);
    world.until("all are driven", |world| [2, 3, 4, 300].iter().all(|id| world.usable(*id)));
    assert_eq!(world.command(2, set("0043")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
}

#[test]
fn keys_that_are_given_from_outside_find_locks_too() {
    let mut world = opened(vec![lock(2, &[AC])]);
    world.give_keys(demo_setup().keys);
    world.restart_hub(9);
    assert_eq!(joined_with(&world, 2), Some(BTreeSet::from([KeyClass::S2AccessControl])));
}

#[test]
fn a_key_that_fits_no_lock_leaves_it_named() {
    let mut world = opened(vec![lock(2, &[AC])]);
    let wrong = BTreeMap::from([(KeyName::S2AccessControl, NetworkKey::new([9; 16]))]);
    world.network(NetworkCommand::TakeKeys(wrong)).unwrap();
    world.events.clear();
    world.until("it was asked", |world| stranger(world, 2).is_some());
    assert!(!world.usable(2) && joined_with(&world, 2).is_none());
    // The right one replaces it: nothing was added with the wrong one.
    world.network(NetworkCommand::TakeKeys(keys(&[KeyName::S2AccessControl]))).unwrap();
    world.until("it is driven", |world| world.usable(2));
}

#[test]
fn a_lock_that_is_out_of_reach_is_asked_again_later() {
    let mut world = opened(vec![lock(2, &[AC])]);
    world.act(2, Action::Offline(true));
    world.network(NetworkCommand::TakeKeys(keys(&KeyName::ALL))).unwrap();
    world.events.clear();
    world.until("it is named", |world| stranger(world, 2).is_some_and(|reason| reason.contains("does not answer")));
    world.act(2, Action::Offline(false));
    world.pass(Duration::from_secs(660));
    world.until("it is driven", |world| world.usable(2));
}

#[test]
fn a_key_that_locks_were_added_with_here_is_not_exchanged_for_another() {
    let mut world = with_a_lock();
    // The world gives its keys from outside: those go before.
    let other = |name| BTreeMap::from([(name, NetworkKey::new([9; 16]))]);
    let error = |name| Err(NetworkError::KeyConfigured(name).into());
    assert_eq!(world.network(NetworkCommand::TakeKeys(other(KeyName::S2AccessControl))), error("s2_access_control"));
    let mut world = opened(Vec::new());
    add(&mut world);
    let taken = world.network(NetworkCommand::TakeKeys(other(KeyName::S2AccessControl)));
    assert_eq!(taken, Err(NetworkError::KeyInUse("s2_access_control").into()));
    // Another class is another matter, and the lock goes on.
    world.network(NetworkCommand::TakeKeys(other(KeyName::S2Unauthenticated))).unwrap();
    world.until("it is driven", |world| world.usable(2));
    assert_eq!(world.command(2, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
}

#[test]
fn what_is_no_lock_and_what_is_driven_already_is_not_asked() {
    let mut world = World::new(building(vec![lock(2, &[AC])])).ready();
    let asked = world.stick.commands(node(2)).count();
    world.network(NetworkCommand::TakeKeys(keys(&[KeyName::S2AccessControl]))).unwrap();
    world.pass(Duration::from_secs(30));
    assert!(stranger(&world, 2).is_none());
    assert!(world.stick.commands(node(2)).count() <= asked + 1);
}
