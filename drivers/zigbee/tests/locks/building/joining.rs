//! Who is let in, and who is taken out.

use std::time::Duration;

use keyway_lock::{Include, InstallCode, NetworkCommand, NetworkError, NetworkOutcome, NetworkStep, RadioEvent};
use keyway_virtual::zigbee::{Action, LockSetup};
use keyway_zigbee::key::Key;

use super::{World, lock};
use crate::set;
use crate::world::id;

#[test]
fn a_lock_joins_with_the_well_known_key_and_is_interviewed() {
    let mut world = World::around(vec![lock(2)]);
    assert_eq!(world.include(2), Ok(NetworkOutcome::Included(id(2), [].into())));
    world.until("it is interviewed", |world| world.is_interviewed(2));
    assert!(world.command(2, set("0042")).is_ok());
}

#[test]
fn a_lock_with_an_install_code_joins_with_its_own_key_and_not_without() {
    // The specification's example of a code, and the key that it stands for.
    let key = Key::new(0x66B6_9009_81E1_EE3C_A420_6B6B_861C_02BB_u128.to_be_bytes());
    let mut world = World::around(vec![LockSetup { install_code_key: Some(key), ..lock(2) }]);
    let install_code = InstallCode::read("00:0d:6f:00:0a:0b:0c:02 83FED3407A939723A5C639B26916D505C3B5");
    let asked = world.ask_network(NetworkCommand::Include(Include { install_code, ..Include::default() }));
    world.until("the network is open", |world| world.steps().contains(&NetworkStep::Ready));
    world.act(2, &Action::Join);
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Included(id(2), [].into())));
    world.until("it is interviewed", |world| world.is_interviewed(2));
    assert!(world.command(2, set("0042")).is_ok());
    // Under the key that everybody knows it does not.
    assert!(world.network(NetworkCommand::RemoveFailed(id(2))).is_ok());
    world.pass(Duration::from_secs(30));
    world.events.clear();
    assert!(world.include(2).is_err());
}

#[test]
fn while_a_lock_with_an_install_code_is_awaited_no_other_gets_the_networks_key() {
    let mut world = World::around(vec![lock(2), lock(3)]);
    let install_code = InstallCode::read("00:0d:6f:00:0a:0b:0c:02 83FED3407A939723A5C639B26916D505C3B5");
    let asked = world.ask_network(NetworkCommand::Include(Include { install_code, ..Include::default() }));
    world.until("the network is open", |world| world.steps().contains(&NetworkStep::Ready));
    world.act(3, &Action::Join);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.network_answer(asked), None, "nobody has come");
    assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
    // The next one comes in by the key that everybody knows again.
    assert!(world.network(NetworkCommand::Cancel).is_ok());
    world.events.clear();
    assert!(world.include(3).is_ok());
}

#[test]
fn nobody_joins_while_the_network_is_closed() {
    let mut world = World::around(vec![lock(2)]);
    world.act(2, &Action::Join);
    world.pass(Duration::from_secs(60));
    assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
}

#[test]
fn a_lock_comes_back_with_another_address_and_is_still_the_same() {
    let mut world = World::with(vec![lock(2)]);
    for secured in [true, false] {
        world.act(2, &Action::Rejoin { secured });
        world.pass(Duration::from_secs(20));
        assert!(world.command(2, set(if secured { "0042" } else { "0043" })).is_ok(), "{secured}");
    }
    assert!(world.lock_events(2).is_empty());
}

#[test]
fn a_lock_that_leaves_while_one_is_to_leave_is_taken_out() {
    let mut world = World::with(vec![lock(2)]);
    let asked = world.ask_network(NetworkCommand::Exclude);
    world.act(2, &Action::Leave);
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Excluded(Some(id(2)))));
    assert!(world.told(|event| *event == RadioEvent::LockLeft(id(2))));
}

#[test]
fn a_lock_is_taken_out_of_the_network_and_can_be_let_in_again() {
    let mut world = World::with(vec![lock(2)]);
    let removed = world.network(NetworkCommand::RemoveFailed(id(2)));
    assert_eq!(removed, Ok(NetworkOutcome::Excluded(Some(id(2)))));
    world.pass(Duration::from_secs(30));
    world.events.clear();
    assert!(world.include(2).is_ok());
    world.until("it is interviewed", |world| world.is_interviewed(2));
    assert!(world.command(2, set("0042")).is_ok());
}

#[test]
fn a_lock_that_did_not_hear_that_it_was_taken_out_is_told_when_it_comes_back() {
    let mut world = World::with(vec![lock(2)]);
    world.act(2, &Action::Offline(true));
    assert!(world.network(NetworkCommand::RemoveFailed(id(2))).is_ok());
    world.restart_hub();
    world.until_ready();
    world.act(2, &Action::Offline(false));
    world.act(2, &Action::Keypad("0000".to_owned()));
    world.act(2, &Action::Battery(40));
    world.act(2, &Action::Rejoin { secured: true });
    world.pass(Duration::from_secs(600));
    assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
    // It may be let in again.
    assert!(world.include(2).is_ok());
    world.until("it is interviewed", |world| world.is_interviewed(2));
}

#[test]
fn nobody_came() {
    let mut world = World::around(vec![lock(2)]);
    let ended = world.network(NetworkCommand::Include(Include::default()));
    assert_eq!(ended, Err(NetworkError::NobodyCame.into()));
}

#[test]
fn a_new_network_is_on_the_quietest_of_the_channels_that_locks_like() {
    assert_eq!(World::around(vec![lock(2)]).channel(), 20);
}
