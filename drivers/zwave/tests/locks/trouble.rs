//! Whatever happens to the stick or to an interview, each command is answered.

use std::time::Duration;

use keyway_lock::{CommandError, CommandId, CommandOutput, LockCommand, RadioEvent, Refusal, StickState};
use keyway_virtual::zwave::{Action, StickSetup};
use keyway_zwave::security::SecurityClass;

use super::joining::with_a_lock;
use super::world::{World, building, node};
use super::{SLOT, lock, set, three_locks};

fn answers(world: &World, asked: &[CommandId]) -> Vec<Option<Result<CommandOutput, CommandError>>> {
    asked.iter().map(|id| world.answer(*id)).collect()
}

#[test]
fn an_interview_asked_for_in_the_middle_of_a_job_ends_neither_it_nor_what_waits() {
    let mut world = three_locks();
    let asked = [
        world.ask(2, set("4711")),
        world.ask(2, LockCommand::ReadSlot(SLOT)),
        world.ask(2, LockCommand::Interview),
        world.ask(2, LockCommand::Interview),
        world.ask(2, LockCommand::ClearCode(SLOT)),
    ];
    world.until("all is answered", |world| answers(world, &asked).iter().all(Option::is_some));
    assert!(answers(&world, &asked).into_iter().all(|answer| answer.unwrap().is_ok()));
}

#[test]
fn an_interview_of_a_lock_out_of_reach_takes_nothing_away_from_what_is_known() {
    let mut world = three_locks();
    world.act(2, Action::Offline(true));
    assert_eq!(world.command(2, LockCommand::Interview).0, Err(CommandError::Offline));
    world.act(2, Action::Offline(false));
    assert!(world.command(2, set("4711")).0.is_ok());
    world.events.clear();
    world.until("the interview has gone on", |world| {
        world.told(|event| matches!(event, RadioEvent::LockInterviewed(lock, info) if *lock == node(2).into() && info.missing.is_empty()))
    });
}

#[test]
fn a_lock_whose_key_is_missing_says_so_at_once() {
    let mut world = three_locks();
    world.restart_hub_without_keys();
    for id in [2, 3] {
        let asked = world.ask(id, LockCommand::ReadSlot(SLOT));
        assert!(matches!(world.answer(asked), Some(Err(CommandError::Refused(Refusal::NoKey(_))))), "{id}");
    }
    assert!(world.command(4, LockCommand::ReadSlot(SLOT)).0.is_ok());
}

#[test]
fn a_stick_that_restarts_and_does_not_come_back_answers_everything() {
    let mut world = three_locks();
    let asked = [world.ask(2, set("4711")), world.ask(2, LockCommand::ReadSlot(SLOT)), world.ask(3, set("4711"))];
    world.reset_stick();
    world.deafen_stick();
    world.until("the stick is said to have failed", |world| {
        world.told(|event| matches!(event, RadioEvent::Stick(StickState::Failed(_))))
    });
    assert_eq!(answers(&world, &asked), [const { Some(Err(CommandError::StickGone)) }; 3]);
}

#[test]
fn a_stick_that_goes_deaf_is_said_to_have_failed() {
    let mut world = three_locks();
    world.deafen_stick();
    let asked = [world.ask(2, set("4711")), world.ask(3, LockCommand::ReadSlot(SLOT))];
    world.until("all is answered", |world| answers(world, &asked).iter().all(Option::is_some));
    world.pass(Duration::from_secs(60));
    assert!(world.told(|event| matches!(event, RadioEvent::Stick(StickState::Failed(_)))));
}

#[test]
fn a_lock_that_is_no_longer_in_the_network_after_a_restart_answers_what_was_asked_of_it() {
    let locks = || vec![lock(2, &[SecurityClass::S2AccessControl]), lock(3, &[SecurityClass::S0])];
    let mut world = World::new(building(locks())).ready();
    let asked =
        [world.ask(2, set("4711")), world.ask(2, LockCommand::ReadSlot(SLOT)), world.ask(2, LockCommand::Interview)];
    let other = world.ask(3, set("4711"));
    world.exchange_stick(StickSetup { locks: locks().split_off(1), ..building(Vec::new()) });
    world.until("the other lock has answered", |world| world.answer(other).is_some());
    assert_eq!(answers(&world, &asked), [const { Some(Err(CommandError::NotReady)) }; 3]);
}

#[test]
fn an_interview_that_was_asked_for_goes_on_after_the_stick_restarted() {
    let mut world = three_locks();
    let asked = [world.ask(2, LockCommand::ReadSlot(SLOT)), world.ask(2, LockCommand::Interview)];
    world.reset_stick();
    world.until("all is answered", |world| answers(world, &asked).iter().all(Option::is_some));
    assert_eq!(world.answer(asked[1]), Some(Ok(CommandOutput::Interviewed)));
}

#[test]
fn a_stick_of_another_network_answers_what_was_asked_of_the_locks_that_were_added_to_the_last_one() {
    let mut world = with_a_lock();
    let asked = [world.ask(2, set("4711")), world.ask(2, LockCommand::ReadSlot(SLOT))];
    world.exchange_stick(StickSetup { home_id: 0x0BAD_CAFE, ..building(Vec::new()) });
    world.pass(Duration::from_secs(60));
    assert_eq!(answers(&world, &asked), [const { Some(Err(CommandError::StickGone)) }; 2]);
}
