//! Locks that are not as most are, and what nobody may make us believe.

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, LockEvent, Refusal, SlotContent, SlotNumber, SlotReport,
    UnlockSource,
};
use keyway_virtual::zwave::{Action, LockSetup};
use keyway_zwave::security::SecurityClass;

use super::world::{World, building};
use super::{SLOT, lock, pin, set, three_locks};

#[test]
fn a_secured_lock_that_does_not_tell_what_it_has_in_the_clear_takes_codes() {
    let quiet = |id, security: &[SecurityClass]| LockSetup { tells_information: false, ..lock(id, security) };
    let locks = vec![quiet(2, &[SecurityClass::S2AccessControl]), quiet(3, &[SecurityClass::S0])];
    let mut world = World::new(building(locks));
    world.open();
    world.until("both are known", |world| world.usable(2) && world.usable(3));
    for id in [2, 3] {
        assert_eq!(world.command(id, set("4711")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    }
}

#[test]
fn a_lock_is_put_on_the_lifeline_by_whichever_association_it_knows() {
    let multi = |id, multi_channel_association| LockSetup {
        lifeline: false,
        multi_channel_association,
        ..lock(id, &[SecurityClass::S2AccessControl])
    };
    let mut world = World::new(building(vec![multi(2, false), multi(3, true)])).ready();
    for id in [2, 3] {
        world.command(id, set("4711")).0.unwrap();
        world.act(id, Action::Keypad("4711".to_owned()));
        world.pass(Duration::from_secs(5));
        let used = LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SLOT) };
        assert!(world.lock_events(id).contains(&used), "{id}");
    }
}

#[test]
fn nobody_resets_or_opens_a_secured_lock_in_its_name_in_the_clear() {
    const RESET: [u8; 2] = [0x5A, 0x01];
    const OPENED: [u8; 9] = [0x71, 0x05, 0, 0, 0, 0xFF, 6, 2, 0];
    let mut world = three_locks();
    for id in [2, 3, 4] {
        world.make_up(id, &RESET);
        world.make_up(id, &OPENED);
    }
    assert_eq!((world.lock_events(2), world.lock_events(3)), (vec![], vec![]));
    assert_eq!(world.lock_events(4).len(), 2, "there is nothing to tell it by");
}

#[test]
fn all_slots_are_checked_with_one_question_where_the_lock_has_a_checksum() {
    let first = LockSetup { user_code_version: 1, ..lock(3, &[SecurityClass::S2AccessControl]) };
    let mut world = World::new(building(vec![lock(2, &[SecurityClass::S2AccessControl]), first])).ready();
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
    let check = LockCommand::CheckSlots(slots(SlotContent::Free));
    assert!(matches!(world.command(3, check).0, Err(CommandError::Refused(Refusal::NotSupported(_)))));
}
