//! Which network the stick holds, and what becomes of what was asked when it goes.

use std::time::Duration;

use keyway_lock::{
    CommandError, Evidence, LockCommand, NetworkCommand, NetworkError, NetworkOutcome, RadioEvent, SecretBytes,
    StickCommand, StickState,
};
use keyway_zigbee::address::Ieee;
use keyway_zigbee::coordinator::{NetworkInfo, Request};

use super::lock::FakeLock;
use super::{SLOT, World, id, proven, set};

fn states(world: &World) -> Vec<StickState> {
    let state = |event: &RadioEvent| match event {
        RadioEvent::Stick(state) => Some(state.clone()),
        _ => None,
    };
    world.events.iter().filter_map(state).collect()
}

fn network(world: &World) -> String {
    format!("{:016x}", world.stick().network.unwrap().extended_pan.0)
}

fn foreign() -> NetworkInfo {
    NetworkInfo { pan: 1, extended_pan: Ieee(0xDDDD), channel: 15, update_id: 0 }
}

#[test]
fn a_stick_without_a_network_gets_one_and_it_is_kept_before_it_is_formed() {
    let mut world = World::around(Vec::new());
    world.slow_store = true;
    world.open();
    world.pass(Duration::from_secs(60));
    let formed = |request: &Request| matches!(request, Request::Form { .. });
    assert!(!world.stick().requests.iter().any(formed), "it is not kept yet");
    // A crash: it is formed as it was kept.
    world.slow_store = false;
    world.restart_hub();
    world.until_ready();
    assert!(world.stick().requests.iter().any(formed));
    let first = network(&world);
    world.restart_hub();
    world.until_ready();
    assert_eq!(network(&world), first);
    assert_eq!(world.stick().requests.iter().filter(|request| formed(request)).count(), 1, "it is resumed");
}

#[test]
fn a_stick_with_another_network_is_left_alone_until_somebody_says_that_it_may_be_worked_with() {
    let mut world = World::with(&[1]);
    let (expected, requests) = (network(&world), world.stick().requests.len());
    world.stick().network = Some(foreign());
    world.restart_hub();
    world.pass(Duration::from_secs(60));
    assert!(matches!(states(&world).last(), Some(StickState::Foreign { info, expected: was, .. })
        if info.network == "000000000000dddd" && *was == expected));
    assert_eq!(world.stick().requests.len(), requests, "nothing is asked of it");
    let asked = world.ask(1, LockCommand::ReadSlot(SLOT));
    assert_eq!(world.answer(asked), Some(Err(CommandError::StickGone)));
    let include = world.network(NetworkCommand::Exclude);
    assert_eq!(include, Err(NetworkError::ForeignStick.into()));
    let wrong = world.stick_command(StickCommand::Adopt { network: expected });
    assert_eq!(wrong, Err(NetworkError::WrongNetwork.into()));
    let adopted = world.stick_command(StickCommand::Adopt { network: "000000000000dddd".to_owned() });
    assert_eq!(adopted, Ok(NetworkOutcome::Done));
    assert!(matches!(states(&world).last(), Some(StickState::Ready(_))));
    world.restart_hub();
    world.until_ready();
}

#[test]
fn a_stick_that_lost_its_network_is_not_given_another_while_locks_wait_in_the_old_one() {
    let mut world = World::with(&[1]);
    world.stick().network = None;
    world.restart_hub();
    world.pass(Duration::from_secs(60));
    assert!(matches!(states(&world).last(), Some(StickState::Foreign { info, .. }) if info.network == "none"));
    let adopted = world.stick_command(StickCommand::Adopt { network: "none".to_owned() });
    assert_eq!(adopted, Ok(NetworkOutcome::Done));
    assert!(matches!(states(&world).last(), Some(StickState::Ready(_))));
}

#[test]
fn the_memory_of_a_stick_that_is_lost_is_written_to_another_and_the_locks_go_on() {
    let mut world = World::with(&[1]);
    let nothing = world.stick_command(StickCommand::RestoreMemory { over: network(&world), burn_address: false });
    assert_eq!(nothing, Err(NetworkError::NothingKept.into()));
    assert_eq!(world.stick_command(StickCommand::KeepMemory), Ok(NetworkOutcome::Done));
    assert!(matches!(states(&world).last(), Some(StickState::Ready(_))));
    let expected = network(&world);
    // Another stick.
    world.stick().network = None;
    world.restart_hub();
    world.pass(Duration::from_secs(60));
    assert!(matches!(states(&world).last(), Some(StickState::Foreign { kept: true, .. })));
    let wrong = world.stick_command(StickCommand::RestoreMemory { over: expected.clone(), burn_address: false });
    assert_eq!(wrong, Err(NetworkError::WrongNetwork.into()));
    // One that keeps the other's address for ever is left as it is.
    world.stick().burns = true;
    let restore = |burn_address| StickCommand::RestoreMemory { over: "none".to_owned(), burn_address };
    assert_eq!(world.stick_command(restore(false)), Err(NetworkError::AddressForEver.into()));
    assert!(matches!(states(&world).last(), Some(StickState::Foreign { kept: true, .. })));
    // Nor is it written by the order at a restore, which asks no more.
    world.records.push(keyway_zigbee::network::memory::write_over("none"));
    world.restart_hub();
    world.pass(Duration::from_secs(60));
    assert!(matches!(states(&world).last(), Some(StickState::Foreign { kept: true, .. })));
    assert!(world.records.iter().all(|record| record.key.0 != "write_over" || record.value.is_none()));
    let restored = world.stick_command(restore(true));
    assert_eq!((restored, network(&world)), (Ok(NetworkOutcome::Done), expected));
    assert!(world.command(1, set("4711")).is_ok());
    world.restart_hub();
    world.until_ready();
    assert!(world.command(1, set("4712")).is_ok());
}

#[test]
fn the_locks_of_a_network_that_is_taken_over_are_found() {
    let mut world = World::ready();
    let identity = network(&world);
    world.stick().locks.push(FakeLock::new(1));
    // The store is lost.
    world.records.clear();
    world.restart_hub();
    world.pass(Duration::from_secs(60));
    assert_eq!(world.stick_command(StickCommand::Adopt { network: identity }), Ok(NetworkOutcome::Done));
    world.until("it is interviewed", |world| world.is_interviewed(1));
    assert!(world.command(1, set("4711")).is_ok());
}

#[test]
fn a_network_that_another_program_backed_up_is_taken_over_with_its_locks() {
    let mut world = World::with(&[1]);
    let theirs = network(&world);
    assert_eq!(world.stick_command(StickCommand::KeepMemory), Ok(NetworkOutcome::Done));
    let backup = world.records.iter().find(|record| record.key.0 == "memory").unwrap().value.clone().unwrap();
    // Another hub, with a stick and a network of its own.
    world.records.clear();
    world.stick().network = None;
    world.restart_hub();
    world.until_ready();
    let own = network(&world);
    assert_ne!(own, theirs);
    let take = |backup: &[u8], over: &str| StickCommand::TakeOver {
        backup: SecretBytes(backup.to_vec().into()),
        over: over.to_owned(),
        burn_address: false,
    };
    assert_eq!(world.stick_command(take(b"{}", &own)), Err(NetworkError::UnreadableBackup.into()));
    assert_eq!(world.stick_command(take(&backup.0, &theirs)), Err(NetworkError::WrongNetwork.into()));
    world.stick().burns = true;
    assert_eq!(world.stick_command(take(&backup.0, &own)), Err(NetworkError::AddressForEver.into()));
    world.until("its own network is up again", |world| matches!(states(world).last(), Some(StickState::Ready(_))));
    world.stick().burns = false;
    assert_eq!(network(&world), own, "nothing was changed by what was refused");
    assert_eq!(world.stick_command(take(&backup.0, &own)), Ok(NetworkOutcome::Done));
    assert_eq!(network(&world), theirs);
    world.until("its lock is interviewed", |world| world.is_interviewed(1));
    assert!(world.command(1, set("4711")).is_ok());
    world.restart_hub();
    world.until_ready();
    assert_eq!(network(&world), theirs);
}

#[test]
fn a_new_network_takes_the_place_of_the_old_one_when_it_is_asked_for() {
    let mut world = World::with(&[1]);
    let before = network(&world);
    let wrong = world.network(NetworkCommand::Reset { network: "0".to_owned() });
    assert_eq!(wrong, Err(NetworkError::WrongNetwork.into()));
    let reset = world.network(NetworkCommand::Reset { network: before.clone() });
    assert_eq!(reset, Ok(NetworkOutcome::Reset));
    assert!(world.told(|event| *event == RadioEvent::LockLeft(id(1))));
    assert_ne!(network(&world), before);
    world.restart_hub();
    world.until_ready();
    assert!(!world.told(|event| matches!(event, RadioEvent::LockJoined(..))));
}

#[test]
fn a_stick_that_restarts_by_itself_is_identified_again_and_the_command_goes_on() {
    let mut world = World::with(&[1]);
    let asked = world.ask(1, set("4711"));
    world.restart_stick();
    world.until("the command is answered", |world| world.answer(asked).is_some());
    assert_eq!(world.answer(asked), Some(proven(Evidence::ReadBack)));
    assert_eq!(world.stick_command(StickCommand::Restart), Ok(NetworkOutcome::Done));
    assert!(world.command(1, set("4712")).is_ok());
}

#[test]
fn an_unplugged_stick_answers_everything_and_works_again_when_it_is_back() {
    let mut world = World::with(&[1]);
    let asked = [world.ask(1, set("4711")), world.ask(1, LockCommand::Interview)];
    let include = world.ask_network(NetworkCommand::Include(keyway_lock::Include::default()));
    world.close();
    assert_eq!(asked.map(|asked| world.answer(asked)), [const { Some(Err(CommandError::StickGone)) }; 2]);
    assert_eq!(world.network_answer(include), Some(Err(NetworkError::StickGone.into())));
    let unplugged = world.ask(1, LockCommand::ReadSlot(SLOT));
    assert_eq!(world.answer(unplugged), Some(Err(CommandError::StickGone)));
    world.events.clear();
    world.open();
    world.until_ready();
    assert!(world.command(1, set("4711")).is_ok());
}

#[test]
fn a_stick_that_refuses_is_said_to_have_failed_and_is_asked_again() {
    let mut world = World::around(Vec::new());
    world.stick().refuses = true;
    world.open();
    world.until("it is said to have failed", |world| {
        world.told(|event| matches!(event, RadioEvent::Stick(StickState::Failed(_))))
    });
    world.stick().refuses = false;
    world.until_ready();
}

#[test]
fn an_interview_asked_for_in_the_middle_of_a_job_ends_neither_it_nor_what_waits() {
    let mut world = World::with(&[1]);
    let asked = [
        world.ask(1, set("4711")),
        world.ask(1, LockCommand::ReadSlot(SLOT)),
        world.ask(1, LockCommand::Interview),
        world.ask(1, LockCommand::Interview),
        world.ask(1, LockCommand::ClearCode(SLOT)),
    ];
    world.until("all is answered", |world| asked.iter().all(|asked| world.answer(*asked).is_some()));
    assert!(asked.iter().all(|asked| world.answer(*asked).unwrap().is_ok()));
}

#[test]
fn an_interview_of_a_lock_out_of_reach_takes_nothing_away_from_what_is_known() {
    let mut world = World::with(&[1]);
    world.lock(0).offline = true;
    assert_eq!(world.command(1, LockCommand::Interview), Err(CommandError::Offline));
    world.lock(0).offline = false;
    assert!(world.command(1, set("4711")).is_ok());
    world.events.clear();
    world.until("the interview has gone on", |world| world.is_interviewed(1));
}
