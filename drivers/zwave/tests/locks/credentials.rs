//! Locks with User Credential: a code is the PIN of a user that is made with it and goes with it.

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, LockEvent, RadioEvent, ReadBack, Refusal, SlotContent,
    SlotNumber, SlotReport, UnlockSource,
};
use keyway_virtual::zwave::{Action, CodesBy, LockSetup};
use keyway_zwave::security::SecurityClass;

use super::world::{World, building, node};
use super::{SLOT, held, lock, pin, set};

fn modern(id: u16, security: &[SecurityClass]) -> LockSetup {
    LockSetup { codes_by: CodesBy::UserCredential, ..lock(id, security) }
}

/// Node 2 under S2, node 3 without security, node 4 has User Code as well.
fn locks() -> World {
    let both = LockSetup { codes_by: CodesBy::Both, ..modern(4, &[SecurityClass::S2AccessControl]) };
    World::new(building(vec![modern(2, &[SecurityClass::S2AccessControl]), modern(3, &[]), both])).ready()
}

fn read(world: &mut World, id: u16, slot: SlotNumber) -> SlotContent {
    let read = world.command(id, LockCommand::ReadSlot(slot)).0;
    let Ok(CommandOutput::Slot(SlotReport { slot: told, content })) = read else { return SlotContent::Unusable };
    assert_eq!(told, slot);
    content
}

/// The User Credential commands that reached it, without those of its interview.
fn asked(world: &World, id: u16) -> Vec<String> {
    let commands = world.stick.commands(node(id)).map(|command| command.command.as_str());
    let of_codes = commands.filter_map(|command| command.strip_prefix("user_credential_"));
    of_codes.filter(|command| !command.ends_with("capabilities_get")).map(str::to_owned).collect()
}

fn another_hub(world: &mut World, id: u16, command: &[u8]) {
    world.act(id, Action::AnotherHub(command.to_vec()));
}

#[test]
fn a_code_is_set_read_and_cleared_with_proof() {
    let mut world = locks();
    for id in [2, 3, 4] {
        assert_eq!(read(&mut world, id, SLOT), SlotContent::Free);
        assert_eq!(world.command(id, set("0042")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)), "{id}");
        assert_eq!(held(&world, id).as_deref(), Some("0042"));
        assert_eq!(read(&mut world, id, SLOT), SlotContent::Code(pin("0042")));
        let cleared = world.command(id, LockCommand::ClearCode(SLOT)).0;
        assert_eq!(cleared, Ok(CommandOutput::CodeCleared(Evidence::ReadBack)), "{id}");
        assert_eq!(held(&world, id), None);
        assert_eq!(read(&mut world, id, SLOT), SlotContent::Free);
    }
}

#[test]
fn a_lock_with_both_classes_is_spoken_to_by_user_credential_alone() {
    let mut world = locks();
    world.command(4, set("0042")).0.unwrap();
    assert!(world.stick.commands(node(4)).all(|command| !command.command.starts_with("user_code")));
}

#[test]
fn a_set_is_a_user_a_pin_and_a_read_and_a_clear_takes_the_user_with_it() {
    let mut world = locks();
    world.command(2, set("0042")).0.unwrap();
    assert_eq!(asked(&world, 2), ["user_set", "credential_set", "credential_get"]);
    world.command(2, LockCommand::ClearCode(SLOT)).0.unwrap();
    assert_eq!(asked(&world, 2)[3..], ["credential_get", "user_delete", "credential_get"]);
    // Its user is gone as well: the next set makes it anew.
    world.command(2, set("0815")).0.unwrap();
    assert_eq!(asked(&world, 2)[6..], ["user_set", "credential_set", "credential_get"]);
}

#[test]
fn a_pin_is_changed_in_place() {
    let mut world = locks();
    world.command(2, set("0042")).0.unwrap();
    assert_eq!(world.command(2, set("0815")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert_eq!(held(&world, 2).as_deref(), Some("0815"));
    // What is there already is proven as well.
    assert_eq!(world.command(2, set("0815")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
}

#[test]
fn a_lock_that_hides_its_pins_proves_them_by_its_own_report() {
    let masked = LockSetup { masked: true, ..modern(2, &[SecurityClass::S2AccessControl]) };
    let mut world = World::new(building(vec![masked])).ready();
    for digits in ["0042", "0815", "0815"] {
        assert_eq!(world.command(2, set(digits)).0, Ok(CommandOutput::CodeSet(Evidence::ProgrammingEvent)));
        assert_eq!(held(&world, 2).as_deref(), Some(digits));
    }
    assert_eq!(asked(&world, 2)[..2], ["user_set", "credential_set"], "nothing is read that is not shown");
    assert_eq!(read(&mut world, 2, SLOT), SlotContent::Hidden);
    let masked = |event: &RadioEvent| matches!(event, RadioEvent::LockInterviewed(_, info) if info.capabilities.read_back == ReadBack::Masked);
    assert!(world.told(masked));
    assert_eq!(world.command(2, LockCommand::ClearCode(SLOT)).0, Ok(CommandOutput::CodeCleared(Evidence::ReadBack)));
}

#[test]
fn a_duplicate_and_a_refusal_are_told_apart_and_leave_no_user_behind() {
    let mut world = locks();
    for id in [2, 3] {
        world.act(id, Action::ByHand { slot: SlotNumber(9), code: Some(pin("4711")) });
        assert_eq!(world.command(id, set("4711")).0, Err(CommandError::Refused(Refusal::DuplicatePin)));
        assert_eq!(asked(&world, id).last().map(String::as_str), Some("user_delete"));
    }
    // The first try is passed over in silence; the second is answered with FAIL.
    world.act(2, Action::Reject(true));
    assert_eq!(world.command(2, set("4712")).0, Err(CommandError::Refused(Refusal::Rejected)));
    world.act(2, Action::Reject(false));
    world.command(2, set("4712")).0.unwrap();
    world.act(2, Action::Reject(true));
    assert_eq!(world.command(2, LockCommand::ClearCode(SLOT)).0, Err(CommandError::Refused(Refusal::Rejected)));
    let long = LockCommand::SetCode { slot: SLOT, pin: pin("1234567890") };
    let short = LockSetup {
        door: keyway_virtual::door::DoorSetup { pin_lengths: 4..=6, ..Default::default() },
        ..modern(2, &[])
    };
    let mut world = World::new(building(vec![short])).ready();
    let refused = Refusal::UnsupportedLength { min: 4, max: 6 };
    assert_eq!(world.command(2, long).0, Err(CommandError::Refused(refused)));
}

#[test]
fn users_of_others_are_left_alone_and_so_is_what_a_hand_put_in() {
    let mut world = locks();
    // User 5 is Bob.
    another_hub(&mut world, 3, &[0x83, 0x05, 0, 0, 5, 0, 1, 1, 0, 0, 0, 3, b'B', b'o', b'b']);
    assert_eq!(read(&mut world, 3, SLOT), SlotContent::Unusable);
    let taken = Refusal::NotTaken(SlotContent::Unusable);
    assert_eq!(world.command(3, set("0042")).0, Err(CommandError::Refused(taken)));
    assert_eq!(read(&mut world, 3, SLOT), SlotContent::Unusable, "it is there still");
    // Bob has his PIN in another slot: the code of that slot.
    another_hub(&mut world, 3, &[0x83, 0x0A, 0, 5, 1, 0, 7, 0, 4, b'7', b'7', b'7', b'1']);
    assert_eq!(read(&mut world, 3, SlotNumber(7)), SlotContent::Code(pin("7771")));
    // It is taken out because the hub says so, and Bob stays.
    world.command(3, LockCommand::ClearCode(SlotNumber(7))).0.unwrap();
    assert_eq!(read(&mut world, 3, SLOT), SlotContent::Unusable);
    assert_eq!(read(&mut world, 3, SlotNumber(7)), SlotContent::Free);
}

#[test]
fn a_pin_whose_user_is_not_honoured_is_no_guests_code() {
    let mut world = locks();
    world.command(3, set("0042")).0.unwrap();
    let name = b"Keyway";
    another_hub(&mut world, 3, &[&[0x83, 0x05, 1, 0, 5, 0, 0, 1, 0, 0, 0, 6][..], name].concat());
    world.pass(Duration::from_secs(1));
    assert!(world.lock_events(3).contains(&LockEvent::CodeAdded(Some(SLOT))), "it is worth a look");
    assert_eq!(read(&mut world, 3, SLOT), SlotContent::Unusable);
    assert_eq!(world.act(3, Action::Keypad("0042".to_owned())), keyway_virtual::zwave::Outcome::Keypad(None));
    // Set once more, it is.
    world.command(3, set("0042")).0.unwrap();
    assert_eq!(read(&mut world, 3, SLOT), SlotContent::Code(pin("0042")));
}

#[test]
fn the_keypad_and_hands_at_the_slots_are_told() {
    let mut world = locks();
    for id in [2, 3, 4] {
        world.command(id, set("4711")).0.unwrap();
        world.pass(Duration::from_secs(5));
        world.events.clear();
        world.act(id, Action::Keypad("4711".to_owned()));
        world.pass(Duration::from_secs(5));
        let nine = SlotNumber(9);
        world.act(id, Action::ByHand { slot: nine, code: Some(pin("9876")) });
        world.pass(Duration::from_secs(5));
        world.act(id, Action::ByHand { slot: nine, code: None });
        world.pass(Duration::from_secs(5));
        let events = world.lock_events(id);
        for told in [
            LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SLOT) },
            LockEvent::CodeAdded(Some(nine)),
            LockEvent::CodeDeleted(Some(nine)),
        ] {
            assert!(events.contains(&told), "{id} {told:?} {events:?}");
        }
    }
}

#[test]
fn lost_frames_change_nothing_but_the_time_it_takes() {
    let mut world = locks();
    for id in [2, 3] {
        for every in [4, 5, 7] {
            world.act(id, Action::DropEvery(every));
            for digits in ["111222", "333444"] {
                assert!(super::set_as_the_hub_does(&mut world, id, digits), "node {id}, every {every}th");
                assert_eq!(held(&world, id).as_deref(), Some(digits));
            }
            let cleared = (0..5).any(|_| world.command(id, LockCommand::ClearCode(SLOT)).0.is_ok());
            assert!(cleared && held(&world, id).is_none(), "node {id}, every {every}th");
        }
    }
}

#[test]
fn a_lock_out_of_reach_is_never_said_to_hold_a_code() {
    let mut world = locks();
    world.act(2, Action::Offline(true));
    assert_eq!(world.command(2, set("4711")).0, Err(CommandError::Offline));
    assert_eq!(world.command(2, LockCommand::ReadSlot(SLOT)).0, Err(CommandError::Offline));
    assert_eq!(world.command(2, LockCommand::ClearCode(SLOT)).0, Err(CommandError::Offline));
    world.act(2, Action::Offline(false));
    assert_eq!(world.command(2, set("4711")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
}

#[test]
fn a_slow_lock_is_waited_for() {
    let mut world = locks();
    world.act(2, Action::Working(Duration::from_secs(2)));
    assert_eq!(world.command(2, set("4711")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert_eq!(world.command(2, LockCommand::ClearCode(SLOT)).0, Ok(CommandOutput::CodeCleared(Evidence::ReadBack)));
}

#[test]
fn all_slots_are_checked_with_one_question() {
    let mut world = locks();
    world.command(2, set("4711")).0.unwrap();
    let slots = |content: SlotContent| -> Vec<SlotReport> {
        let held = |slot| if slot == SLOT.0 { content.clone() } else { SlotContent::Free };
        (1..=30).map(|slot| SlotReport { slot: SlotNumber(slot), content: held(slot) }).collect()
    };
    let before = world.frames(2).from_hub;
    for (content, same) in
        [(SlotContent::Code(pin("4711")), true), (SlotContent::Code(pin("4712")), false), (SlotContent::Free, false)]
    {
        let check = LockCommand::CheckSlots(slots(content));
        assert_eq!(world.command(2, check).0, Ok(CommandOutput::SlotsChecked(same)));
    }
    assert_eq!(world.frames(2).from_hub - before, 3);
    world.command(2, LockCommand::ClearCode(SLOT)).0.unwrap();
    let none = LockCommand::CheckSlots(slots(SlotContent::Free));
    assert_eq!(world.command(2, none).0, Ok(CommandOutput::SlotsChecked(true)));
}

#[test]
fn what_the_lock_tells_of_another_slot_in_the_middle_of_a_set_is_told_and_the_set_goes_on() {
    let mut world = locks();
    let asked = world.ask(3, set("0042"));
    // User 6, and a PIN at the keypad: their reports come where answers are expected.
    another_hub(&mut world, 3, &[0x83, 0x05, 0, 0, 6, 0, 1, 1, 0, 0, 0, 3, b'B', b'o', b'b']);
    world.act(3, Action::ByHand { slot: SlotNumber(9), code: Some(pin("9876")) });
    world.until("it is set", |world| world.answer(asked).is_some());
    assert_eq!(world.answer(asked), Some(Ok(CommandOutput::CodeSet(Evidence::ReadBack))));
    for slot in [6, 9] {
        assert!(world.lock_events(3).contains(&LockEvent::CodeAdded(Some(SlotNumber(slot)))), "{slot}");
    }
}
