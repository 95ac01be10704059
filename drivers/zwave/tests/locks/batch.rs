//! Several codes in one go.

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, Refusal, SlotChange, SlotContent, SlotNumber, SlotReport,
};
use keyway_virtual::zwave::{Action, LockSetup};
use keyway_zwave::security::SecurityClass;

use crate::world::{World, building, node};
use crate::{lock, pin, three_locks};

fn change(slot: u16, digits: Option<&str>) -> SlotChange {
    SlotChange { slot: SlotNumber(slot), pin: digits.map(pin) }
}

/// Eight digits for each of these slots.
fn sets(slots: impl IntoIterator<Item = u16>) -> Vec<SlotChange> {
    slots.into_iter().map(|slot| change(slot, Some(&(10_000_000 + u32::from(slot)).to_string()))).collect()
}

fn clears(slots: impl IntoIterator<Item = u16>) -> Vec<SlotChange> {
    slots.into_iter().map(|slot| change(slot, None)).collect()
}

/// The other slots of the virtual lock, all free.
fn others(changes: &[SlotChange], slots: u16) -> Option<Vec<SlotReport>> {
    let changed = |slot: &u16| changes.iter().any(|change| change.slot.0 == *slot);
    let free = |slot| SlotReport { slot: SlotNumber(slot), content: SlotContent::Free };
    Some((1..=slots).filter(|slot| !changed(slot)).map(free).collect())
}

/// Each with its result, and what it cost: frames out, frames back.
fn together(
    world: &mut World,
    changes: Vec<SlotChange>,
    others: Option<Vec<SlotReport>>,
) -> (Vec<Result<Evidence, CommandError>>, (u64, u64)) {
    let before = world.frames(2);
    let (answer, _) = world.command(2, LockCommand::ChangeCodes { changes, others });
    let results = match answer {
        Ok(CommandOutput::CodesChanged(results)) => results,
        Ok(_) => Vec::new(),
        Err(error) => vec![Err(error)],
    };
    let after = world.frames(2);
    (results, (after.from_hub - before.from_hub, after.to_hub - before.to_hub))
}

fn held(world: &World) -> Vec<(u16, String)> {
    let codes = world.stick.door(node(2)).unwrap().codes();
    codes.iter().map(|(slot, code)| (slot.0, code.pin.expose().to_owned())).collect()
}

/// In sync, so that no nonces are counted.
fn world() -> World {
    let mut world = three_locks();
    world.command(2, LockCommand::ReadSlot(SlotNumber(1))).0.unwrap();
    world
}

fn slots_of(world: &World) -> u16 {
    world.stick.setup().locks[0].door.slots
}

#[test]
fn two_codes_cost_what_one_costs() {
    let mut world = world();
    let (results, frames) = together(&mut world, sets([3, 4]), None);
    assert_eq!(results, [Ok(Evidence::ReadBack), Ok(Evidence::ReadBack)]);
    assert_eq!(frames, (2, 2));
    assert_eq!(held(&world), [(3, "10000003".to_owned()), (4, "10000004".to_owned())]);
}

#[test]
fn where_the_other_slots_are_known_one_checksum_proves_all() {
    let mut world = world();
    let (changes, slots) = (sets(1..=8), slots_of(&world));
    let (results, frames) = together(&mut world, changes.clone(), others(&changes, slots));
    assert!(results.iter().all(|result| *result == Ok(Evidence::ReadBack)), "{results:?}");
    assert_eq!((held(&world).len(), frames), (8, (5, 5)));
    let changes = clears(1..=8);
    let (results, frames) = together(&mut world, changes.clone(), others(&changes, slots));
    assert!(results.iter().all(|result| *result == Ok(Evidence::ReadBack)), "{results:?}");
    assert_eq!((held(&world).len(), frames), (0, (3, 3)));
}

#[test]
fn one_report_proves_that_many_slots_are_free() {
    let mut world = world();
    together(&mut world, sets(1..=8), None);
    let (results, frames) = together(&mut world, clears(2..=7), None);
    assert!(results.iter().all(|result| *result == Ok(Evidence::ReadBack)), "{results:?}");
    assert_eq!((held(&world).len(), frames), (2, (2, 2)));
}

#[test]
fn a_checksum_that_does_not_agree_proves_nothing_and_the_slots_are_read() {
    let mut world = world();
    world.act(2, Action::ByHand { slot: SlotNumber(9), code: Some(pin("4711")) });
    world.pass(Duration::from_secs(5));
    let (changes, slots) = (sets([1, 2]), slots_of(&world));
    let (results, frames) = together(&mut world, changes.clone(), others(&changes, slots));
    assert_eq!(results, [Ok(Evidence::ReadBack), Ok(Evidence::ReadBack)]);
    assert_eq!(frames, (3, 3));
}

#[test]
fn each_change_has_its_own_end_in_the_order_in_which_it_was_asked_for() {
    let mut world = world();
    world.act(2, Action::ByHand { slot: SlotNumber(9), code: Some(pin("4711")) });
    let changes = vec![
        change(7, Some("471101")),
        change(2, Some("4711")),
        change(999, Some("222222")),
        change(1, Some("333333")),
    ];
    let (results, _) = together(&mut world, changes, None);
    assert_eq!(results[0], Ok(Evidence::ReadBack));
    assert!(
        matches!(&results[1], Err(CommandError::Refused(Refusal::DuplicatePin | Refusal::Rejected))),
        "{results:?}"
    );
    assert!(matches!(&results[2], Err(CommandError::Refused(Refusal::NoSuchSlot { .. }))), "{results:?}");
    assert_eq!(results[3], Ok(Evidence::ReadBack));
    assert_eq!(held(&world).iter().map(|(slot, _)| *slot).collect::<Vec<_>>(), [1, 7, 9]);
}

#[test]
fn a_lock_that_hides_its_codes_proves_them_by_its_word() {
    let mut world = world();
    world.act(2, Action::Mask(true));
    let (results, _) = together(&mut world, sets([3, 4]), None);
    assert_eq!(results, [Ok(Evidence::Supervised), Ok(Evidence::Supervised)]);
    let (results, _) = together(&mut world, clears([3, 4]), None);
    assert_eq!(results, [Ok(Evidence::ReadBack), Ok(Evidence::ReadBack)]);
}

#[test]
fn a_lock_that_is_away_has_got_nothing_and_one_that_goes_away_is_to_be_read() {
    let mut world = world();
    world.act(2, Action::Offline(true));
    let ask =
        |world: &mut World| world.command(2, LockCommand::ChangeCodes { changes: sets([3, 4, 5]), others: None }).0;
    assert!(matches!(ask(&mut world), Err(CommandError::Offline | CommandError::Unproven)));
    world.act(2, Action::Offline(false));
    world.pass(Duration::from_secs(5));
    let asked = world.ask(2, LockCommand::ChangeCodes { changes: sets([3, 4, 5]), others: None });
    world.until("the first part is in the lock", |world| !held(world).is_empty());
    world.act(2, Action::Offline(true));
    world.until("the command is answered", |world| world.answer(asked).is_some());
    let unproven = || Err(CommandError::Unproven);
    match world.answer(asked).unwrap() {
        Ok(CommandOutput::CodesChanged(results)) => assert_eq!(results, [unproven(), unproven(), unproven()]),
        other => assert_eq!(other, Err(CommandError::Unproven)),
    }
}

#[test]
fn a_sleeping_lock_is_woken_once_for_all_of_it() {
    let sleeping = LockSetup { flirs: true, ..lock(2, &[SecurityClass::S2AccessControl]) };
    let mut world = World::new(building(vec![sleeping])).ready();
    world.command(2, LockCommand::ReadSlot(SlotNumber(1))).0.unwrap();
    world.pass(Duration::from_secs(60));
    let before = world.frames(2);
    together(&mut world, sets(1..=12), None);
    assert_eq!(world.frames(2).wake_ups - before.wake_ups, 1);
}

#[test]
fn locks_that_take_one_code_at_a_time_are_not_given_several() {
    let mut world = three_locks();
    for id in [3, 4] {
        let can = world.stick.setup().locks[usize::from(id) - 2].user_code_version >= 2 && id == 4;
        let answer = world.command(id, LockCommand::ChangeCodes { changes: sets([3, 4]), others: None }).0;
        assert_eq!(matches!(answer, Err(CommandError::Refused(Refusal::NotSupported(_)))), !can, "{id}: {answer:?}");
    }
}
