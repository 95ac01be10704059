//! Codes, bolts, and what hands do at the door.

use std::time::Duration;

use keyway_lock::{
    AutoLock, CommandError, CommandOutput, Evidence, LockCommand, LockEvent, RadioEvent, Refusal, SlotContent,
    SlotNumber, SlotReport, UnlockSource,
};
use keyway_virtual::zigbee::{Action, LockSetup, Shows};

use super::{World, lock};
use crate::{SLOT, pin, proven, set};

fn read(content: SlotContent) -> Result<CommandOutput, CommandError> {
    Ok(CommandOutput::Slot(SlotReport { slot: SLOT, content }))
}

/// One that sleeps, one that does not, and one behind a router.
fn three_locks() -> World {
    World::with(vec![
        lock(2),
        LockSetup { poll: None, ..lock(3) },
        LockSetup { behind_router: true, poll: Some(Duration::from_secs(2)), ..lock(4) },
    ])
}

#[test]
fn a_code_is_set_read_and_cleared_with_proof_however_the_lock_listens() {
    let mut world = three_locks();
    for number in [2, 3, 4] {
        assert_eq!(world.command(number, set("0042")), proven(Evidence::ReadBack));
        assert_eq!(world.held(number).as_deref(), Some("0042"));
        assert_eq!(world.command(number, LockCommand::ReadSlot(SLOT)), read(SlotContent::Code(pin("0042"))));
        let cleared = world.command(number, LockCommand::ClearCode(SLOT));
        assert_eq!(cleared, Ok(CommandOutput::CodeCleared(Evidence::ReadBack)));
        assert_eq!(world.command(number, LockCommand::ReadSlot(SLOT)), read(SlotContent::Free));
        assert_eq!(world.held(number), None);
    }
}

#[test]
fn a_lock_that_hides_its_codes_in_any_way_proves_them_by_its_answer() {
    let hiding = |number, shows| LockSetup { shows, ..lock(number) };
    let mut world = World::with(vec![hiding(2, Shows::Masked), hiding(3, Shows::Refuses), hiding(4, Shows::Nothing)]);
    for number in [2, 3, 4] {
        assert_eq!(world.command(number, set("0042")), proven(Evidence::Supervised), "{number}");
        assert_eq!(world.command(number, LockCommand::ReadSlot(SLOT)), read(SlotContent::Hidden), "{number}");
        let cleared = world.command(number, LockCommand::ClearCode(SLOT));
        assert_eq!(cleared, Ok(CommandOutput::CodeCleared(Evidence::ReadBack)), "{number}");
    }
}

#[test]
fn a_pin_that_another_user_has_is_a_duplicate_and_a_lock_that_refuses_is_believed() {
    let mut world = World::with(vec![lock(2)]);
    let other = LockCommand::SetCode { slot: SlotNumber(6), pin: pin("0042") };
    assert!(world.command(2, set("0042")).is_ok());
    assert_eq!(world.command(2, other), Err(CommandError::Refused(Refusal::DuplicatePin)));
    world.act(2, &Action::Reject(true));
    assert_eq!(world.command(2, set("4711")), Err(CommandError::Refused(Refusal::Rejected)));
    assert_eq!(world.held(2).as_deref(), Some("0042"));
    world.act(2, &Action::Reject(false));
    world.act(2, &Action::Status(Some(2)));
    assert_eq!(world.command(2, set("4711")), Err(CommandError::Refused(Refusal::MemoryFull)));
}

#[test]
fn the_keypad_the_bolt_the_door_and_hands_at_the_codes_are_told() {
    let mut world = three_locks();
    for number in [2, 3, 4] {
        world.command(number, set("4711")).unwrap();
        world.events.clear();
        for action in [
            Action::Keypad("4711".to_owned()),
            Action::ByHand { user: 9, code: Some(pin("9876")) },
            Action::Battery(5),
            Action::Jam(true),
        ] {
            world.act(number, &action);
            world.pass(Duration::from_secs(10));
        }
        let events = world.lock_events(number);
        for event in [
            LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SLOT) },
            LockEvent::CodeAdded(Some(SlotNumber(9))),
            LockEvent::Jammed,
        ] {
            assert!(events.contains(&event), "{number}: {event:?} is not in {events:?}");
        }
    }
}

#[test]
fn the_battery_is_told_when_it_falls() {
    let mut world = World::with(vec![lock(2)]);
    world.act(2, &Action::Battery(50));
    world.pass(Duration::from_secs(7200));
    let told = |event: &LockEvent| *event == LockEvent::Battery { percent: Some(50), low: false };
    assert!(world.lock_events(2).iter().any(told), "{:?}", world.lock_events(2));
    world.act(2, &Action::Battery(8));
    world.pass(Duration::from_secs(7200));
    assert!(world.lock_events(2).contains(&LockEvent::Battery { percent: Some(8), low: true }));
}

#[test]
fn the_bolt_is_moved_waited_for_and_its_place_told() {
    let mut world = World::with(vec![LockSetup { motor: Duration::from_secs(3), ..lock(2) }]);
    for (command, locked) in [(LockCommand::Unlock, false), (LockCommand::Lock, true)] {
        let moved = world.command(2, command);
        assert!(matches!(moved, Ok(CommandOutput::Status(status)) if status.locked == Some(locked)), "{moved:?}");
        assert_eq!(world.building.stick.door(2).unwrap().locked(), Some(locked));
    }
    world.act(2, &Action::Jam(true));
    assert_eq!(world.command(2, LockCommand::Unlock), Err(CommandError::Jammed));
}

#[test]
fn a_lock_that_wants_a_pin_for_its_bolt_says_so_and_is_not_asked() {
    let mut world = World::with(vec![LockSetup { requires_pin: true, ..lock(2) }]);
    let before = world.frames_to(2);
    assert!(matches!(world.command(2, LockCommand::Unlock), Err(CommandError::Refused(Refusal::NotSupported(_)))));
    assert_eq!(world.frames_to(2), before);
}

#[test]
fn a_lock_locks_by_itself_when_it_was_told_to() {
    let mut world = World::with(vec![lock(2)]);
    let soon = AutoLock::from_seconds(30);
    assert_eq!(world.command(2, LockCommand::SetAutoLock(soon)), Ok(CommandOutput::AutoLockSet(soon)));
    world.act(2, &Action::Turn { locked: false });
    world.pass(Duration::from_secs(60));
    let locked = LockEvent::Locked { source: UnlockSource::Automatic, slot: None };
    assert!(world.lock_events(2).contains(&locked), "{:?}", world.lock_events(2));
    assert_eq!(world.command(2, LockCommand::Identify), Ok(CommandOutput::Identified));
}

#[test]
fn what_is_known_of_a_model_is_heeded() {
    let yale = |model: &str| LockSetup { manufacturer: "Yale".to_owned(), model: model.to_owned(), ..lock(2) };
    for (setup, slots, percent) in [
        (LockSetup { first_user: 1, ..yale("YRD256 TSDB") }, (1, 30), 50),
        (LockSetup { first_user: 1, half_percents: false, ..yale("YRD210 PB DB") }, (1, 30), 50),
        (LockSetup { manufacturer: "Kwikset".to_owned(), ..yale("SMARTCODE_LEVER_5") }, (0, 30), 50),
    ] {
        let mut world = World::with(vec![setup]);
        world.act(2, &Action::Battery(50));
        let status = world.command(2, LockCommand::ReadStatus);
        assert!(
            matches!(status, Ok(CommandOutput::Status(status)) if status.battery_percent == Some(percent)),
            "{status:?}"
        );
        world.command(2, LockCommand::Interview).unwrap();
        let info = world.events.iter().rev().find_map(|event| match event {
            RadioEvent::LockInterviewed(_, info) => Some(info.clone()),
            _ => None,
        });
        let capabilities = info.unwrap().capabilities;
        assert_eq!((capabilities.first_slot.0, capabilities.slot_count), slots);
    }
}
