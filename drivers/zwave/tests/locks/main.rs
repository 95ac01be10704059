//! The driver drives virtual locks: what the hub asks, what the locks tell, and what goes wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

mod batch;
mod credentials;
mod cut;
mod interviews;
mod joining;
mod leaving;
mod links;
mod log;
mod moving_in;
mod oddities;
mod quirks;
mod routes;
mod scan;
mod schedules;
mod settings;
mod stick;
mod trouble;
mod waking;
mod world;

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, LockEvent, Pin, RadioEvent, Refusal, SlotContent, SlotNumber,
    StickState, UnlockSource,
};
use keyway_virtual::faults::Garble;
use keyway_virtual::zwave::{Action, LockSetup, StickSetup};
use keyway_zwave::security::SecurityClass;

use world::{World, building, node};

const SLOT: SlotNumber = SlotNumber(5);

fn pin(digits: &str) -> Pin {
    Pin::new(digits).unwrap()
}

fn set(digits: &str) -> LockCommand {
    LockCommand::SetCode { slot: SLOT, pin: pin(digits) }
}

/// A lock that says nothing by itself when the hub changes a code.
fn lock(id: u16, security: &[SecurityClass]) -> LockSetup {
    LockSetup { programming_events: false, ..LockSetup::new(node(id), "Door", security) }
}

/// Node 2 under S2, node 3 under S0, node 4 without security.
fn three_locks() -> World {
    World::new(building(vec![lock(2, &[SecurityClass::S2AccessControl]), lock(3, &[SecurityClass::S0]), lock(4, &[])]))
        .ready()
}

/// Whether the lock said that this is in [`SLOT`].
fn tells(read: Result<CommandOutput, CommandError>, content: &SlotContent) -> bool {
    match read {
        Ok(CommandOutput::Slot(report)) => report.content == *content,
        Ok(CommandOutput::Slots { told, .. }) => told.iter().any(|it| it.slot == SLOT && it.content == *content),
        _ => false,
    }
}

fn held(world: &World, id: u16) -> Option<String> {
    world.stick.door(node(id)).unwrap().codes().get(&SLOT).map(|code| code.pin.expose().to_owned())
}

#[test]
fn a_code_is_set_read_and_cleared_with_proof_under_every_security() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        assert_eq!(world.command(id, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
        assert_eq!(held(&world, id).as_deref(), Some("0042"));
        let (read, _) = world.command(id, LockCommand::ReadSlot(SLOT));
        assert!(tells(read, &SlotContent::Code(pin("0042"))));
        let cleared = world.command(id, LockCommand::ClearCode(SLOT)).0;
        assert_eq!(cleared, Ok(CommandOutput::CodeCleared(Evidence::ReadBack)));
        assert_eq!(held(&world, id), None);
    }
}

#[test]
fn a_bridge_controller_is_driven_as_well() {
    let locks = vec![lock(2, &[SecurityClass::S2AccessControl]), lock(3, &[SecurityClass::S0])];
    let mut world = World::new(StickSetup { bridge: true, ..building(locks) }).ready();
    for id in [2, 3] {
        assert_eq!(world.command(id, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
        world.act(id, Action::Keypad("0042".to_owned()));
        world.pass(Duration::from_secs(5));
        let used = LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SLOT) };
        assert!(world.lock_events(id).contains(&used));
    }
}

#[test]
fn the_longest_pin_goes_out_even_when_nonces_must_be_agreed_first() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        world.act(id, Action::Restart);
        assert_eq!(world.command(id, set("1234567890")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)), "{id}");
        world.restart_hub(id as u8);
        let longest = LockCommand::SetCode { slot: SLOT, pin: pin("0987654321") };
        assert_eq!(world.command(id, longest).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)), "{id}");
    }
}

#[test]
fn a_supervised_set_in_sync_costs_two_frames_each_way_with_its_read_back() {
    let mut world = three_locks();
    world.command(2, LockCommand::ReadSlot(SLOT)).0.unwrap();
    let before = world.frames(2);
    world.command(2, set("123456")).0.unwrap();
    let after = world.frames(2);
    assert_eq!((after.from_hub - before.from_hub, after.to_hub - before.to_hub), (2, 2));
}

#[test]
fn a_lock_that_hides_its_codes_proves_them_by_its_supervised_success() {
    let mut world = three_locks();
    world.act(2, Action::Mask(true));
    assert_eq!(world.command(2, set("123456")).0, Ok(CommandOutput::CodeSet(Evidence::Supervised)));
    // It is known to hide them now: not read back any more.
    let before = world.frames(2);
    assert_eq!(world.command(2, set("654321")).0, Ok(CommandOutput::CodeSet(Evidence::Supervised)));
    assert_eq!(world.frames(2).from_hub - before.from_hub, 1);
    assert_eq!(world.command(2, LockCommand::ClearCode(SLOT)).0, Ok(CommandOutput::CodeCleared(Evidence::ReadBack)));
}

#[test]
fn a_lock_that_hides_its_codes_and_knows_no_supervision_proves_them_from_an_empty_slot_on() {
    let plain = LockSetup { supervision: false, ..lock(3, &[SecurityClass::S0]) };
    let mut world = World::new(building(vec![plain])).ready();
    world.act(3, Action::Mask(true));
    // Not read before: it is emptied first.
    assert_eq!(world.command(3, set("123456")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert_eq!(held(&world, 3).as_deref(), Some("123456"));
    world.command(3, LockCommand::ClearCode(SLOT)).0.unwrap();
    // Read before, and other slots since: it is written once.
    for slot in [SLOT, SlotNumber(6), SlotNumber(7)] {
        world.command(3, LockCommand::ReadSlot(slot)).0.unwrap();
    }
    let (result, took) = world.command(3, set("654321"));
    assert_eq!(result, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_duplicate_a_refusal_and_an_impossible_slot_are_told_apart() {
    let mut world = three_locks();
    world.act(2, Action::ByHand { slot: SlotNumber(9), code: Some(pin("4711")) });
    assert_eq!(world.command(2, set("4711")).0, Err(CommandError::Refused(Refusal::DuplicatePin)));
    world.act(2, Action::Reject(true));
    assert_eq!(world.command(2, set("4712")).0, Err(CommandError::Refused(Refusal::Rejected)));
    let beyond = LockCommand::ReadSlot(SlotNumber(999));
    assert!(matches!(world.command(2, beyond).0, Err(CommandError::Refused(Refusal::NoSuchSlot { first: 1, .. }))));
}

#[test]
fn a_lock_out_of_reach_is_told_and_heard_again_when_it_is_back() {
    let mut world = three_locks();
    world.act(2, Action::Offline(true));
    assert_eq!(world.command(2, LockCommand::ReadSlot(SLOT)).0, Err(CommandError::Offline));
    assert!(world.told(|event| *event == RadioEvent::LockReachable(node(2).into(), false)));
    // A set that was on the air is never said not to have happened.
    assert_eq!(world.command(2, set("4711")).0, Err(CommandError::Unproven));
    world.act(2, Action::Offline(false));
    world.events.clear();
    assert_eq!(world.command(2, set("4711")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert!(world.told(|event| *event == RadioEvent::LockReachable(node(2).into(), true)));
}

#[test]
fn a_lock_that_is_gone_delays_the_others_by_no_more_than_one_turn() {
    let mut world = three_locks();
    world.act(3, Action::Offline(true));
    for slot in 1..=5 {
        world.ask(3, LockCommand::ReadSlot(SlotNumber(slot)));
    }
    for _ in 0..5 {
        let (result, took) = world.command(2, LockCommand::ReadSlot(SLOT));
        assert!(result.is_ok());
        assert!(took < Duration::from_secs(7), "{took:?}");
    }
}

#[test]
fn lost_frames_change_nothing_but_the_time_it_takes() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        // Not 3: write, question and report would keep step with the losses for ever.
        for every in [4, 5, 7] {
            world.act(id, Action::DropEvery(every));
            for digits in ["111222", "333444"] {
                assert!(set_as_the_hub_does(&mut world, id, digits), "node {id}, every {every}th");
                assert_eq!(held(&world, id).as_deref(), Some(digits));
            }
        }
    }
}

#[test]
fn that_a_slot_was_emptied_on_the_way_is_not_taken_for_the_code_being_in_it() {
    for every in 2..=12 {
        for step in 0..every {
            let lock =
                LockSetup { masked: true, programming_events: false, ..lock(2, &[SecurityClass::S2AccessControl]) };
            let mut world = World::new(building(vec![lock])).ready();
            world.act(2, Action::DropEvery(every));
            for _ in 0..step {
                let _ = world.command(2, LockCommand::ReadSlot(SLOT));
            }
            for digits in ["111222", "333444", "555666"] {
                if world.command(2, set(digits)).0.is_ok() {
                    assert_eq!(held(&world, 2).as_deref(), Some(digits), "every {every}th, {step} before");
                }
            }
        }
    }
}

#[test]
fn a_garbled_line_changes_nothing_but_the_time_it_takes() {
    let mut world = three_locks();
    world.garble(Garble::every(50));
    for round in 0..10 {
        let digits = format!("11223{round}");
        assert!(set_as_the_hub_does(&mut world, 2, &digits), "round {round}");
        assert_eq!(held(&world, 2), Some(digits));
    }
}

/// What could not be proven is read, and tried again; five times.
fn set_as_the_hub_does(world: &mut World, id: u16, digits: &str) -> bool {
    (0..5).any(|_| {
        let proven = world.command(id, set(digits)).0.is_ok();
        if !proven {
            let _ = world.command(id, LockCommand::ReadSlot(SLOT));
        }
        proven
    })
}

#[test]
fn everything_is_interviewed_over_a_garbled_line_too() {
    let mut world =
        World::new(building(vec![lock(2, &[SecurityClass::S2AccessControl]), lock(3, &[SecurityClass::S0])]));
    world.garble(Garble::every(50));
    let world = world.ready();
    assert!(
        world.told(|event| matches!(event, RadioEvent::LockInterviewed(_, info) if info.capabilities.slot_count == 30))
    );
}

#[test]
fn what_a_lock_said_to_an_earlier_command_is_not_taken_for_its_word_however_often_the_hub_was_restarted() {
    for restarts in 1..=8 {
        let mut world = three_locks();
        world.act(2, Action::Mask(true));
        world.command(2, set("4711")).0.unwrap();
        for entropy in 0..restarts {
            world.restart_hub(10 + entropy);
        }
        world.command(2, LockCommand::ClearCode(SLOT)).0.unwrap();
        let (held, _) = world.command(2, LockCommand::ReadSlot(SLOT));
        assert!(tells(held, &SlotContent::Free), "cleared after {restarts} restarts");
        for entropy in 0..restarts {
            world.restart_hub(20 + entropy);
        }
        world.command(2, set("4712")).0.unwrap();
        world.act(2, Action::Mask(false));
        let (held, _) = world.command(2, LockCommand::ReadSlot(SLOT));
        assert!(tells(held, &SlotContent::Code(pin("4712"))), "set after {restarts} restarts");
    }
}

#[test]
fn what_a_lock_refused_before_is_not_taken_for_its_refusal_of_what_it_is_told_after_a_start() {
    for restarts in 1..=5 {
        let mut world = three_locks();
        // What is refused is the last that it hears, under an id that starts come round to: the first of a block.
        for _ in 0..16 {
            world.command(2, LockCommand::ClearCode(SLOT)).0.unwrap();
        }
        world.act(2, Action::Reject(true));
        assert_eq!(world.command(2, set("4711")).0, Err(CommandError::Refused(Refusal::Rejected)));
        world.act(2, Action::Reject(false));
        for entropy in 0..restarts {
            world.restart_hub(10 + entropy);
        }
        let answer = world.command(2, set("4712")).0;
        assert_eq!(answer, Ok(CommandOutput::CodeSet(Evidence::ReadBack)), "after {restarts} restarts");
    }
}

#[test]
fn what_a_lock_refuses_as_the_first_after_a_start_is_its_refusal_once_it_says_so_twice() {
    let mut world = three_locks();
    world.act(2, Action::Reject(true));
    for frames in [2, 1] {
        let before = world.frames(2).from_hub;
        assert_eq!(world.command(2, set("4711")).0, Err(CommandError::Refused(Refusal::Rejected)));
        assert_eq!(world.frames(2).from_hub - before, frames);
    }
}

#[test]
fn after_a_restart_of_the_hub_nothing_is_asked_again_and_nonces_are_agreed_anew() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        world.command(id, set("4711")).0.unwrap();
    }
    for entropy in 2..6 {
        world.restart_hub(entropy);
        let frames = [2, 3, 4].map(|id| world.frames(id).from_hub);
        for id in [2, 3, 4] {
            let (read, _) = world.command(id, LockCommand::ReadSlot(SLOT));
            assert!(tells(read, &SlotContent::Code(pin("4711"))));
        }
        let spent = [0, 1, 2].map(|index| world.frames(index as u16 + 2).from_hub - frames[index]);
        assert_eq!(spent, [2, 3, 1], "a nonce for S2; one each way for S0; and the question");
    }
}

#[test]
fn after_a_restart_of_the_lock_nonces_are_agreed_anew() {
    let mut world = three_locks();
    for id in [2, 3] {
        world.command(id, set("4711")).0.unwrap();
        world.act(id, Action::Restart);
        assert_eq!(world.command(id, set("4712")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    }
}

#[test]
fn a_stick_that_restarts_by_itself_is_identified_again_and_the_command_goes_on() {
    let mut world = three_locks();
    let asked = world.ask(2, set("4711"));
    world.reset_stick();
    world.until("the command is answered", |world| world.answer(asked).is_some());
    assert_eq!(world.answer(asked), Some(Ok(CommandOutput::CodeSet(Evidence::ReadBack))));
}

#[test]
fn an_unplugged_stick_answers_everything_and_works_again_when_it_is_back() {
    let mut world = three_locks();
    let asked = world.ask(2, set("4711"));
    world.close();
    assert_eq!(world.answer(asked), Some(Err(CommandError::StickGone)));
    let unplugged = world.ask(2, LockCommand::ReadSlot(SLOT));
    assert_eq!(world.answer(unplugged), Some(Err(CommandError::StickGone)));
    assert!(world.told(|event| *event == RadioEvent::Stick(StickState::Gone)));
    world.events.clear();
    world.open();
    world.until("the stick is ready", |world| {
        world.told(|event| matches!(event, RadioEvent::Stick(StickState::Ready(_))))
    });
    assert_eq!(world.command(2, set("4711")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
}

#[test]
fn the_keypad_the_bolt_and_hands_at_the_slots_are_told_under_every_security() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        world.command(id, set("4711")).0.unwrap();
        world.pass(Duration::from_secs(5));
        world.events.clear();
        world.act(id, Action::Keypad("4711".to_owned()));
        world.pass(Duration::from_secs(5));
        world.act(id, Action::ByHand { slot: SlotNumber(9), code: Some(pin("9876")) });
        world.pass(Duration::from_secs(5));
        world.act(id, Action::Jam(true));
        world.pass(Duration::from_secs(5));
        let events = world.lock_events(id);
        assert!(
            events.contains(&LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SLOT) }),
            "{id} {events:?}"
        );
        assert!(events.contains(&LockEvent::CodeAdded(Some(SlotNumber(9)))), "{id} {events:?}");
        assert!(events.contains(&LockEvent::Jammed), "{id} {events:?}");
    }
}

#[test]
fn the_bolt_is_moved_and_its_place_told() {
    let mut world = three_locks();
    for id in [2, 3, 4] {
        for (command, locked) in [(LockCommand::Unlock, false), (LockCommand::Lock, true)] {
            let (result, _) = world.command(id, command);
            assert!(
                matches!(result, Ok(CommandOutput::Status(status)) if status.locked == Some(locked)),
                "{id} {result:?}"
            );
            assert_eq!(world.stick.door(node(id)).unwrap().locked(), Some(locked));
        }
        let (status, _) = world.command(id, LockCommand::ReadStatus);
        assert!(matches!(status, Ok(CommandOutput::Status(status)) if status.battery_percent.is_some()));
    }
}

#[test]
fn a_slow_lock_that_answers_working_first_is_waited_for() {
    let mut world = three_locks();
    world.act(2, Action::Working(Duration::from_secs(8)));
    let (result, took) = world.command(2, set("4711"));
    assert_eq!(result, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert!(took >= Duration::from_secs(8), "{took:?}");
}

#[test]
fn a_lock_that_is_not_in_the_network_is_named_and_not_spoken_to() {
    let stick = building(vec![lock(2, &[])]);
    let mut world = World::new(stick.clone());
    world.open();
    world.until("the stick is ready", |world| {
        world.told(|event| matches!(event, RadioEvent::Stick(StickState::Ready(_))))
    });
    let stranger = world.ask(77, LockCommand::Lock);
    assert_eq!(world.answer(stranger), Some(Err(CommandError::NotReady)));
}

#[test]
fn a_lock_hears_every_supervised_command_however_many_went_to_others_meanwhile() {
    // A lock takes the session id that it saw last for a repetition, and there are 64.
    for others in [62, 63, 64] {
        let (one, other) = (lock(2, &[SecurityClass::S2AccessControl]), lock(3, &[SecurityClass::S2AccessControl]));
        let mut world = World::new(building(vec![one, other])).ready();
        assert_eq!(world.command(2, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
        for _ in 0..others {
            assert_eq!(world.command(3, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
        }
        assert_eq!(world.command(2, set("0815")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)), "{others}");
        assert_eq!(held(&world, 2).as_deref(), Some("0815"));
    }
}
