//! Locks leave: at their button, or because they are gone for good; and networks end.

use std::time::Duration;

use keyway_lock::{
    CommandError, Include, LockCommand, LockEvent, NetworkCommand, NetworkError, NetworkOutcome, NetworkStep,
    RadioEvent, StickState,
};
use keyway_virtual::zwave::Action;
use keyway_zwave::security::SecurityClass;

use super::joining::{empty, fresh};
use super::world::{World, node};
use super::{SLOT, three_locks};

fn left(world: &World, id: u16) -> bool {
    world.told(|event| *event == RadioEvent::LockLeft(node(id).into()))
}

#[test]
fn a_lock_whose_button_is_pressed_is_taken_out() {
    let mut world = three_locks();
    let asked = world.ask_network(NetworkCommand::Exclude);
    world.until_step(&NetworkStep::Ready);
    world.press(3);
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Excluded(Some(node(3).into()))));
    assert!(left(&world, 3) && !world.stick.knows(node(3)));
    assert_eq!(world.command(3, LockCommand::ReadSlot(SLOT)).0, Err(CommandError::NotReady));
    assert!(world.command(2, LockCommand::ReadSlot(SLOT)).0.is_ok());
}

#[test]
fn a_lock_of_another_network_is_taken_out_of_that() {
    let mut world = three_locks();
    let asked = world.ask_network(NetworkCommand::Exclude);
    world.press_foreign();
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Excluded(None)));
    assert!(![2, 3, 4].into_iter().any(|id| left(&world, id)));
}

#[test]
fn a_lock_that_is_gone_for_good_is_taken_out_and_one_that_answers_is_not() {
    let mut world = three_locks();
    let remove = |id: u16| NetworkCommand::RemoveFailed(node(id).into());
    assert_eq!(world.network(remove(2)), Err(NetworkError::StillAnswers.into()));
    world.act(2, Action::Offline(true));
    assert_eq!(world.network(remove(2)), Ok(NetworkOutcome::Excluded(Some(node(2).into()))));
    assert!(left(&world, 2) && !world.stick.knows(node(2)));
    assert_eq!(world.network(remove(2)), Err(NetworkError::NoSuchDevice.into()));
    assert_eq!(world.network(remove(1)), Err(NetworkError::NoSuchDevice.into()), "the stick itself");
}

#[test]
fn a_new_lock_takes_the_place_of_one_that_is_gone() {
    let mut world = three_locks();
    let replace = || NetworkCommand::ReplaceFailed(node(4).into(), Include::default());
    assert_eq!(world.network(replace()), Err(NetworkError::StillAnswers.into()));
    world.act(4, Action::Offline(true));
    let asked = world.ask_network(replace());
    world.until_step(&NetworkStep::Ready);
    let label = world.unbox(fresh(&[SecurityClass::S2AccessControl]));
    world.until_step(&NetworkStep::PinNeeded { label: label.shown() });
    world.network(NetworkCommand::Confirm(label.pin())).unwrap();
    let ended = world.ended(asked);
    assert!(matches!(ended, Ok(NetworkOutcome::Included(lock, _)) if lock == node(4).into()), "{ended:?}");
    world.until("it is interviewed under security", |world| world.command_log(4).contains(&"s2_access_control"));
}

#[test]
fn a_network_is_forgotten_only_by_its_name() {
    let mut world = three_locks();
    let reset = |network: &str| NetworkCommand::Reset { network: network.to_owned() };
    assert_eq!(world.network(reset("c0ffee02")), Err(NetworkError::WrongNetwork.into()));
    world.events.clear();
    assert_eq!(world.network(reset("c0ffee01")), Ok(NetworkOutcome::Reset));
    assert!([2, 3, 4].into_iter().all(|id| left(&world, id)));
    world.until("the new network is told", |world| {
        world.told(|event| matches!(event, RadioEvent::Stick(StickState::Ready(info)) if info.network != "c0ffee01"))
    });
}

#[test]
fn nobody_who_comes_is_told() {
    let mut world = empty();
    assert_eq!(world.network(NetworkCommand::Exclude), Err(NetworkError::NobodyCame.into()));
}

#[test]
fn the_stick_is_taken_out_by_another_controller_and_has_a_network_of_its_own_then() {
    let mut world = three_locks();
    let leave = |network: &str| NetworkCommand::Leave { network: network.to_owned() };
    assert_eq!(world.network(leave("c0ffee02")), Err(NetworkError::WrongNetwork.into()));
    let asked = world.ask_network(leave("c0ffee01"));
    world.until_step(&NetworkStep::Ready);
    assert!(world.command(2, LockCommand::ReadSlot(SLOT)).0.is_ok(), "until then all goes on");
    world.network(NetworkCommand::Cancel).unwrap();
    assert_eq!(world.ended(asked), Err(NetworkError::Cancelled.into()));
    let asked = world.ask_network(leave("c0ffee01"));
    world.until_step(&NetworkStep::Ready);
    world.take_stick_out();
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Reset));
    assert!([2, 3, 4].into_iter().all(|id| left(&world, id)));
    world.until("the new network is told", |world| {
        world.told(|event| matches!(event, RadioEvent::Stick(StickState::Ready(info)) if info.network != "c0ffee01"))
    });
}

#[test]
fn a_stick_that_nobody_takes_out_stays_where_it_is() {
    let mut world = three_locks();
    let leave = NetworkCommand::Leave { network: "c0ffee01".to_owned() };
    assert_eq!(world.network(leave), Err(NetworkError::NobodyCame.into()));
    assert!(world.command(2, LockCommand::ReadSlot(SLOT)).0.is_ok());
}

#[test]
fn a_lock_that_was_reset_by_hand_has_left_once_it_does_not_answer_any_more() {
    let mut world = three_locks();
    world.act(2, Action::Reset);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.lock_events(2), [LockEvent::Reset]);
    assert!(!left(&world, 2), "it may still answer for a moment");
    world.pass(Duration::from_secs(90));
    assert!(left(&world, 2) && !left(&world, 3));
    assert_eq!(world.command(2, LockCommand::ReadSlot(SLOT)).0, Err(CommandError::NotReady));
    assert!(!world.stick.knows(node(2)));
    assert!(world.command(3, LockCommand::ReadSlot(SLOT)).0.is_ok());
    assert!(!world.told(|event| matches!(event, RadioEvent::NetworkDone(..))), "nobody asked for it");
}

#[test]
fn a_reset_that_is_made_up_is_not_believed_or_at_least_takes_no_lock_out() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        world.make_up(id, &[0x5A, 0x01]);
    }
    world.pass(Duration::from_secs(90));
    for id in [2, 3, 4] {
        assert!(!left(&world, id) && world.stick.knows(node(id)));
        assert!(world.command(id, LockCommand::ReadSlot(SLOT)).0.is_ok());
    }
    assert_eq!((world.lock_events(2), world.lock_events(3)), (vec![], vec![]));
}
