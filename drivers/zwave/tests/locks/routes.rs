//! Routes are found anew: of one lock, or of all, one after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use keyway_lock::{
    CommandId, LockCommand, LockId, NetworkCommand, NetworkError, NetworkFailure, NetworkOutcome, NetworkStep,
};
use keyway_virtual::zwave::{Action, Way};
use keyway_zwave::security::SecurityClass;

use super::links::told;
use super::world::{World, building, node};
use super::{SLOT, lock, three_locks};

const ALL: NetworkCommand = NetworkCommand::RebuildRoutes(None);

fn of(id: u16) -> NetworkCommand {
    NetworkCommand::RebuildRoutes(Some(node(id).into()))
}

fn rebuilt(id: u16) -> Result<NetworkOutcome, NetworkFailure> {
    Ok(NetworkOutcome::RoutesRebuilt(Some(node(id).into()), BTreeSet::new()))
}

fn all_but(failed: &[u16]) -> Result<NetworkOutcome, NetworkFailure> {
    Ok(NetworkOutcome::RoutesRebuilt(None, failed.iter().map(|id| node(*id).into()).collect()))
}

fn turn(id: u16) -> NetworkStep {
    NetworkStep::RebuildingRoutes(node(id).into())
}

#[test]
fn a_lock_that_was_reached_by_a_detour_is_reached_straight_again() {
    let mut world = three_locks();
    world.act(2, Action::Way(Way { repeaters: vec![17], attempts: 4, ..Way::default() }));
    let way = |world: &mut World| {
        world.pass(Duration::from_secs(700));
        world.command(2, LockCommand::ReadSlot(SLOT)).0.unwrap();
        told(world).last().map(|link| link.repeaters.clone())
    };
    assert_eq!(way(&mut world), Some(vec![LockId(17)]));
    assert_eq!(world.network(of(2)), rebuilt(2));
    assert_eq!(world.steps(), [turn(2)]);
    assert_eq!(way(&mut world), Some(vec![]));
}

#[test]
fn one_that_does_not_answer_is_said_and_does_not_stop_the_others() {
    let mut world = three_locks();
    world.act(3, Action::Offline(true));
    assert_eq!(world.network(of(3)), Err(NetworkError::DeviceGone.into()));
    world.events.clear();
    assert_eq!(world.network(ALL), all_but(&[3]));
    assert_eq!(world.steps(), [turn(2), turn(3), turn(4)]);
    assert_eq!(world.network(of(9)), Err(NetworkError::NoSuchDevice.into()));
}

#[test]
fn a_lock_that_misses_the_first_call_is_called_again() {
    let mut world = three_locks();
    world.act(2, Action::Offline(true));
    let asked = world.ask_network(of(2));
    world.pass(Duration::from_secs(1));
    world.act(2, Action::Offline(false));
    assert_eq!(world.ended(asked), rebuilt(2));
}

#[test]
fn one_that_takes_no_ways_keeps_what_it_has() {
    let mut world = three_locks();
    // The search arrives, and the order after it does not.
    world.act(2, Action::DropEvery(2));
    assert_eq!(world.network(of(2)), Err(NetworkError::DeviceGone.into()));
}

#[test]
fn a_lock_over_long_range_has_no_routes() {
    let mut world = World::new(building(vec![lock(2, &[]), lock(300, &[SecurityClass::S2AccessControl])])).ready();
    let refused = world.network(of(300));
    assert!(matches!(refused, Err(NetworkFailure { error: NetworkError::NotSupported(_), .. })), "{refused:?}");
    assert_eq!(world.network(ALL), all_but(&[]));
    assert_eq!(world.steps(), [turn(2)]);
}

#[test]
fn between_two_locks_others_have_the_stick() {
    let mut world = three_locks();
    let asked = world.ask_network(ALL);
    world.until_step(&turn(2));
    world.act(4, Action::Latency(Duration::from_secs(1)));
    let reads: Vec<CommandId> = (0..8).map(|_| world.ask(4, LockCommand::ReadSlot(SLOT))).collect();
    world.until_step(&turn(3));
    assert!(reads.into_iter().all(|read| world.answer(read).is_some_and(|answer| answer.is_ok())));
    assert_eq!(world.network(of(2)), Err(NetworkError::Busy.into()));
    assert_eq!(world.ended(asked), all_but(&[]));
}

#[test]
fn it_ends_after_the_lock_under_way_when_it_is_cancelled() {
    let mut world = three_locks();
    let asked = world.ask_network(ALL);
    world.until_step(&turn(3));
    world.network(NetworkCommand::Cancel).unwrap();
    assert_eq!(world.ended(asked), Err(NetworkError::Cancelled.into()));
    assert_eq!(world.steps(), [turn(2), turn(3)]);
}
