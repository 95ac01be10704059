//! Who is let in, and who is taken out.

use std::time::Duration;

use keyway_lock::{
    Include, InstallCode, Joined, LockCommand, LockEvent, NetworkCommand, NetworkError, NetworkFailure, NetworkOutcome,
    NetworkStep, RadioEvent,
};
use keyway_zigbee::address::Nwk;
use keyway_zigbee::coordinator::{CoordinatorEvent, Request};
use keyway_zigbee::zdo;

use super::lock::FakeLock;
use super::{SLOT, World, id, set};

fn failed(error: NetworkError) -> Result<NetworkOutcome, NetworkFailure> {
    Err(error.into())
}

fn until_open(world: &mut World) {
    world.until("the network is open", |world| world.steps().contains(&NetworkStep::Ready));
}

#[test]
fn a_lock_joins_is_interviewed_and_bound_and_the_network_is_closed_behind_it() {
    let mut world = World::ready();
    let wanted = Include { name: Some("Shed".to_owned()), ..Include::default() };
    let asked = world.ask_network(NetworkCommand::Include(wanted));
    until_open(&mut world);
    let now = world.now;
    world.stick().join(now, FakeLock::new(1));
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Included(id(1), [].into())));
    let shed = Joined { name: Some("Shed".to_owned()), ..Joined::default() };
    let joined = RadioEvent::LockJoined(id(1), shed);
    let first = world.events.iter().position(|event| *event == joined).unwrap();
    let others = world
        .events
        .iter()
        .position(|event| matches!(event, RadioEvent::LockInterviewed(..) | RadioEvent::LockPending(..)));
    assert!(others.is_none_or(|other| other > first), "it is told before anything else of it");
    world.until("it is interviewed", |world| world.is_interviewed(1));
    assert_eq!(world.lock(0).bound, [0x0101, 0x0001, 0x0009, 0x0020]);
    let steps = [NetworkStep::Ready, NetworkStep::Found, NetworkStep::Joined(id(1)), NetworkStep::Securing];
    assert_eq!(world.steps(), steps);
    assert!(!world.stick().open, "nobody else comes in");
    assert!(world.command(1, set("0042")).is_ok());
}

#[test]
fn a_lock_is_known_after_a_restart_and_nothing_is_asked_again() {
    let mut world = World::with(&[1]);
    let heard = world.lock(0).heard;
    world.restart_hub();
    world.until_ready();
    world.pass(Duration::from_secs(60));
    assert!(world.is_interviewed(1) && world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
    assert_eq!(world.lock(0).heard, heard);
    assert!(world.command(1, set("0042")).is_ok());
}

#[test]
fn an_interview_that_a_crash_ended_goes_on_after_the_restart() {
    let mut world = World::ready();
    let asked = world.ask_network(NetworkCommand::Include(Include::default()));
    until_open(&mut world);
    let now = world.now;
    world.stick().join(now, FakeLock::new(1));
    world.ended(asked).unwrap();
    assert!(!world.is_interviewed(1));
    world.restart_hub();
    world.until("it is interviewed", |world| world.is_interviewed(1));
    assert!(world.command(1, set("0042")).is_ok());
}

#[test]
fn the_network_stays_open_until_somebody_comes_and_not_for_ever() {
    let mut world = World::ready();
    let asked = world.ask_network(NetworkCommand::Include(Include::default()));
    world.pass(Duration::from_secs(300));
    assert!(world.stick().open);
    assert_eq!(world.ended(asked), failed(NetworkError::NobodyCame));
    world.pass(Duration::from_secs(1));
    assert!(!world.stick().open);
}

#[test]
fn one_thing_is_done_at_a_time_and_can_be_cancelled() {
    let mut world = World::ready();
    let asked = world.ask_network(NetworkCommand::Include(Include::default()));
    assert_eq!(world.network(NetworkCommand::Exclude), failed(NetworkError::Busy));
    assert_eq!(world.network(NetworkCommand::Cancel), Ok(NetworkOutcome::Done));
    assert_eq!(world.ended(asked), failed(NetworkError::Cancelled));
    assert_eq!(world.network(NetworkCommand::Cancel), failed(NetworkError::NotAsked));
    world.pass(Duration::from_secs(1));
    assert!(!world.stick().open);
}

#[test]
fn a_device_that_joins_and_is_never_heard_did_not_join() {
    let mut world = World::ready();
    let asked = world.ask_network(NetworkCommand::Include(Include::default()));
    until_open(&mut world);
    let (now, ghost) = (world.now, FakeLock::new(9));
    let (ieee, nwk) = (ghost.ieee, ghost.nwk);
    let joined = CoordinatorEvent::DeviceJoined { ieee, nwk, parent: None, rejoined: false, secured: false };
    world.stick().after(now, joined);
    assert_eq!(world.ended(asked), failed(NetworkError::DeviceGone));
    assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(..) | RadioEvent::LockLeft(_))));
}

#[test]
fn a_repeater_stays_in_the_network_and_is_no_lock() {
    let mut world = World::ready();
    let asked = world.ask_network(NetworkCommand::Include(Include::default()));
    until_open(&mut world);
    let now = world.now;
    world.stick().join(now, FakeLock { is_no_lock: true, ..FakeLock::new(1) });
    assert!(matches!(world.ended(asked), Err(NetworkFailure { error: NetworkError::NotSupported(_), .. })));
    world.pass(Duration::from_secs(60));
    assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
    assert!(!world.stick().requests.iter().any(|request| matches!(request, Request::RemoveDevice { .. })));
}

#[test]
fn with_an_install_code_only_its_device_comes_in_and_with_its_own_key() {
    let mut world = World::ready();
    let text = |number| format!("{} 83FED3407A939723A5C639B26916D505C3B5", FakeLock::new(number).ieee);
    let include = |number| {
        let install_code = InstallCode::read(&text(number));
        assert!(install_code.is_some());
        NetworkCommand::Include(Include { install_code, ..Include::default() })
    };
    let asked = world.ask_network(include(1));
    until_open(&mut world);
    let now = world.now;
    world.stick().join(now, FakeLock::new(2));
    assert_eq!(world.ended(asked), failed(NetworkError::WrongDevice));
    world.events.clear();
    let asked = world.ask_network(include(1));
    until_open(&mut world);
    let now = world.now;
    world.stick().join(now, FakeLock::new(1));
    assert!(world.ended(asked).is_ok());
    let keyed = |request: &Request| matches!(request, Request::AddTransientLinkKey { ieee, .. } if ieee.0 == id(1).0);
    assert!(world.stick().requests.iter().any(keyed));
    // Nobody else had a key to come in with.
    let opened = |request: &&Request| matches!(request, Request::PermitJoin { seconds: 1.., .. });
    let only = |request: &Request| matches!(request, Request::PermitJoin { own_keys_only: true, .. });
    assert!(world.stick().requests.iter().filter(opened).all(only));
    let mistyped = InstallCode::read(&text(1).replace("C3B5", "C3B6"));
    let include = NetworkCommand::Include(Include { install_code: mistyped, ..Include::default() });
    assert_eq!(world.network(include), failed(NetworkError::WrongInstallCode));
}

#[test]
fn where_install_codes_are_required_nobody_is_let_in_without_one() {
    let mut world = World::ready();
    world.setup.install_codes_only = true;
    world.restart_hub();
    world.until_ready();
    let without = NetworkCommand::Include(Include::default());
    assert_eq!(world.network(without), failed(NetworkError::InstallCodeNeeded));
    assert!(!world.stick().open);
    let text = format!("{} 83FED3407A939723A5C639B26916D505C3B5", FakeLock::new(1).ieee);
    let include = Include { install_code: InstallCode::read(&text), ..Include::default() };
    let asked = world.ask_network(NetworkCommand::Include(include));
    until_open(&mut world);
    let now = world.now;
    world.stick().join(now, FakeLock::new(1));
    assert!(world.ended(asked).is_ok());
}

#[test]
fn a_lock_is_taken_out_and_forgotten() {
    let mut world = World::with(&[1, 2]);
    let waiting = world.ask(1, LockCommand::ReadSlot(SLOT));
    assert_eq!(world.network(NetworkCommand::RemoveFailed(id(1))), Ok(NetworkOutcome::Excluded(Some(id(1)))));
    assert!(world.answer(waiting).is_some() && world.told(|event| *event == RadioEvent::LockLeft(id(1))));
    assert!(world.command(2, set("0042")).is_ok());
    assert_eq!(world.network(NetworkCommand::RemoveFailed(id(1))), failed(NetworkError::NoSuchDevice));
    world.restart_hub();
    world.until_ready();
    // It did not hear that it is to leave.
    let told = |world: &World| {
        let leaves = |request: &&Request| matches!(request, Request::RemoveDevice { .. });
        world.stick().requests.iter().filter(leaves).count()
    };
    let before = told(&world);
    let (now, announce) = (world.now, FakeLock::new(1).announce());
    for _ in 0..3 {
        world.stick().hear(now, FakeLock::new(1).nwk, zdo::PROFILE, announce.clone());
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(told(&world) - before, 1);
    assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(lock, ..) if *lock == id(1))));
}

#[test]
fn a_lock_that_somebody_resets_while_one_is_to_leave_is_taken_out() {
    let mut world = World::with(&[1]);
    let asked = world.ask_network(NetworkCommand::Exclude);
    let (now, lock) = (world.now, FakeLock::new(1));
    world.stick().after(now, CoordinatorEvent::DeviceLeft { ieee: lock.ieee, nwk: lock.nwk });
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Excluded(Some(id(1)))));
    assert!(world.told(|event| *event == RadioEvent::LockLeft(id(1))));
}

#[test]
fn a_lock_that_leaves_by_itself_is_told_unless_it_comes_back_at_once() {
    let mut world = World::with(&[1]);
    let lock = FakeLock::new(1);
    let left = CoordinatorEvent::DeviceLeft { ieee: lock.ieee, nwk: lock.nwk };
    let now = world.now;
    world.stick().after(now, left.clone());
    let nwk = Nwk(0x2222);
    let back = CoordinatorEvent::DeviceJoined { ieee: lock.ieee, nwk, parent: None, rejoined: true, secured: true };
    world.stick().after(now + Duration::from_secs(2), back);
    world.lock(0).nwk = nwk;
    let announce = world.lock(0).announce();
    world.stick().hear(now + Duration::from_secs(3), nwk, zdo::PROFILE, announce);
    world.pass(Duration::from_secs(60));
    assert!(world.lock_events(1).is_empty());
    assert!(world.command(1, set("0042")).is_ok(), "at its new address");
    let now = world.now;
    world.stick().after(now, left);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.lock_events(1), [LockEvent::Reset]);
}

#[test]
fn a_device_that_is_heard_and_not_known_is_asked_who_it_is() {
    let mut world = World::ready();
    // It joined while the hub was away.
    let lock = FakeLock::new(1);
    let announce = lock.announce();
    let now = world.now;
    world.stick().locks.push(lock);
    world.stick().hear(now, Nwk(0x1001), zdo::PROFILE, announce);
    world.until("it is interviewed", |world| world.is_interviewed(1));
    assert!(world.command(1, set("0042")).is_ok());
}

#[test]
fn a_lock_that_came_back_at_another_address_while_nobody_listened_is_found() {
    let mut world = World::with(&[1]);
    world.lock(0).nwk = Nwk(0x2222);
    assert!(world.command(1, set("0042")).is_ok(), "at its new address");
    assert_eq!(world.stick().looked_for, 1);
}

#[test]
fn a_lock_that_is_gone_is_looked_for_now_and_then_and_not_with_each_try() {
    let mut world = World::with(&[1]);
    world.lock(0).offline = true;
    let before = world.now;
    while world.now < before + Duration::from_secs(590) {
        assert!(world.command(1, set("0042")).is_err());
        world.pass(Duration::from_secs(10));
    }
    assert_eq!(world.stick().looked_for, 2);
}

#[test]
fn another_lock_comes_in_the_place_of_one_that_failed() {
    let mut world = World::with(&[1]);
    let asked = world.ask_network(NetworkCommand::ReplaceFailed(id(1), Include::default()));
    until_open(&mut world);
    let now = world.now;
    world.stick().join(now, FakeLock::new(2));
    assert_eq!(world.ended(asked), Ok(NetworkOutcome::Included(id(2), [].into())));
    assert!(world.told(|event| *event == RadioEvent::LockLeft(id(1))));
}
