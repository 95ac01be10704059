//! Locks of which it is known that they do otherwise than they say.

use std::time::Duration;

use keyway_lock::{
    CommandError, CommandOutput, Evidence, LockCommand, LockEvent, LockInfo, RadioEvent, Refusal, SlotNumber,
    UnlockSource,
};
use keyway_virtual::zwave::{Action, LockSetup, Oddities};
use keyway_zwave::security::SecurityClass;

use super::world::{World, building};
use super::{SLOT, lock, set};

const SCHLAGE: (u16, u16, u16) = (0x003B, 0x6341, 0x5044);
const YALE_MODULE: (u16, u16, u16) = (0x0129, 0x0007, 0x0000);
const KWIKSET: (u16, u16, u16) = (0x0090, 0x0003, 0x0642);
const ID_LOCK: (u16, u16, u16) = (0x0373, 0x0003, 0x0001);

/// A lock at node 2.
fn odd(oddities: Oddities) -> World {
    World::new(building(vec![odd_lock(oddities)]))
}

fn odd_lock(oddities: Oddities) -> LockSetup {
    LockSetup { oddities, ..lock(2, &[SecurityClass::S2AccessControl]) }
}

fn info(world: &World) -> LockInfo {
    let of = |(_, event): &(Duration, RadioEvent)| match event {
        RadioEvent::LockInterviewed(_, info) => Some(info.clone()),
        _ => None,
    };
    world.events.iter().rev().find_map(of).unwrap()
}

#[test]
fn the_one_length_a_lock_takes_is_read_from_it_and_another_is_refused_unasked() {
    let mut world = odd(Oddities { product: Some(SCHLAGE), code_length: Some(6), ..Oddities::default() }).ready();
    let capabilities = info(&world).capabilities;
    assert_eq!((capabilities.min_code_length, capabilities.max_code_length), (6, 6));
    let before = world.frames(2);
    assert_eq!(
        world.command(2, set("4711")).0,
        Err(CommandError::Refused(Refusal::UnsupportedLength { min: 6, max: 6 }))
    );
    assert_eq!(world.frames(2), before);
    assert_eq!(world.command(2, set("471147")).0, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
}

#[test]
fn a_lock_known_before_its_model_was_is_asked_what_is_peculiar_at_the_next_start() {
    let mut world = odd(Oddities { product: Some(SCHLAGE), code_length: Some(6), ..Oddities::default() });
    world.quirks("");
    let mut world = world.ready();
    assert_eq!(info(&world).capabilities.max_code_length, 10);
    world.built_in_quirks();
    world.restart_hub(5);
    world.pass(Duration::from_secs(10));
    assert_eq!(info(&world).capabilities.max_code_length, 6);
}

#[test]
fn a_lock_that_loses_its_supervision_sessions_is_not_supervised() {
    let oddities = |product| Oddities { product, session_zero: true, ..Oddities::default() };
    let mut unknown = odd(oddities(None)).ready();
    let (result, took) = unknown.command(2, set("4711"));
    assert!(result.is_ok() && took > Duration::from_secs(4), "{result:?} {took:?}");
    let mut known = odd(oddities(Some(YALE_MODULE))).ready();
    let (result, took) = known.command(2, set("4711"));
    assert_eq!(result, Ok(CommandOutput::CodeSet(Evidence::ReadBack)));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn keypad_events_that_count_users_from_elsewhere_and_old_alarms_name_the_right_slot() {
    let odd = [
        Oddities { product: Some(ID_LOCK), first_event_user: Some(60), ..Oddities::default() },
        Oddities { product: Some(KWIKSET), alarm_events: true, ..Oddities::default() },
    ];
    for oddities in odd {
        let mut world = self::odd(oddities.clone()).ready();
        world.command(2, set("4711")).0.unwrap();
        world.act(2, Action::Keypad("4711".to_owned()));
        world.pass(Duration::from_secs(5));
        let used = LockEvent::Unlocked { source: UnlockSource::Keypad, slot: Some(SLOT) };
        assert!(world.lock_events(2).contains(&used), "{oddities:?}: {:?}", world.lock_events(2));
    }
}

#[test]
fn digits_on_one_button_are_told_to_the_hub() {
    let world = odd(Oddities { product: Some(KWIKSET), ..Oddities::default() }).ready();
    assert_eq!(info(&world).capabilities.alike.buttons, ["12", "34", "56", "78", "90"]);
}

#[test]
fn a_users_own_file_keeps_slots_for_others_waits_for_a_slow_lock_and_spares_a_masked_one_its_reads() {
    let own = "[[lock]]\nname = 'Mine'\nreason = 'seen'\nmanufacturer = 0x7FFE\n";
    let with = |line: &str| {
        let mut world = odd(Oddities { settle_ms: 1400, ..Oddities::default() });
        world.quirks(&format!("{own}{line}"));
        world.ready()
    };
    let mut reserved = with("reserved_slots = [5]");
    assert!(matches!(reserved.command(2, set("4711")).0, Err(CommandError::Refused(Refusal::NoSuchSlot { .. }))));
    assert!(reserved.command(2, LockCommand::ReadSlot(SlotNumber(6))).0.is_ok());

    let spent = |world: &mut World| {
        let before = world.frames(2).from_hub;
        world.command(2, set("4711")).0.unwrap();
        world.frames(2).from_hub - before
    };
    let (mut impatient, mut patient) = (with(""), with("settle_ms = 1500"));
    assert!(spent(&mut impatient) > 2);
    assert_eq!(spent(&mut patient), 2, "the set, and one read");

    let mut masked = with("masked = true");
    masked.act(2, Action::Mask(true));
    assert_eq!(spent(&mut masked), 2, "of the first SUCCESS since the start it is not known what it is of");
    assert_eq!(spent(&mut masked), 1, "its SUCCESS is all it can prove");
}
