//! What is in a lock that was just added: where it tells of several slots at once, a few frames tell all.

use std::collections::BTreeMap;

use keyway_lock::{CommandOutput, LockCommand, SlotContent, SlotNumber};
use keyway_virtual::zwave::LockSetup;
use keyway_zwave::security::SecurityClass;

use super::world::{World, building};
use super::{lock, pin};

const CODES: [(u16, &str); 5] = [(1, "1111"), (2, "2222"), (3, "3333"), (17, "4444"), (30, "5555")];

fn lock_with_codes(user_code_version: u8) -> World {
    let codes = CODES.into_iter().map(|(slot, digits)| (SlotNumber(slot), pin(digits))).collect();
    let lock = LockSetup { codes, user_code_version, ..lock(2, &[SecurityClass::S2AccessControl]) };
    World::new(building(vec![lock])).ready()
}

/// Reads each slot of which nothing is known yet: what they hold, and the frames to the lock and from it.
fn scan(world: &mut World) -> (BTreeMap<u16, String>, [u64; 2]) {
    let before = world.frames(2);
    let (mut held, mut known) = (BTreeMap::new(), [false; 31]);
    for slot in 1..=30 {
        if known[usize::from(slot)] {
            continue;
        }
        let (told, passed_over) = match world.command(2, LockCommand::ReadSlot(SlotNumber(slot))).0 {
            Ok(CommandOutput::Slot(report)) => (vec![report], Vec::new()),
            Ok(CommandOutput::Slots { told, passed_over }) => (told, passed_over),
            _ => (Vec::new(), Vec::new()),
        };
        passed_over.iter().for_each(|slot| known[usize::from(slot.0)] = true);
        for report in told {
            known[usize::from(report.slot.0)] = true;
            if let SlotContent::Code(pin) = report.content {
                held.insert(report.slot.0, pin.expose().to_owned());
            }
        }
    }
    let after = world.frames(2);
    (held, [after.from_hub - before.from_hub, after.to_hub - before.to_hub])
}

#[test]
fn thirty_slots_are_read_in_a_few_frames_where_the_lock_tells_of_several() {
    let expected: BTreeMap<u16, String> = CODES.into_iter().map(|(slot, digits)| (slot, digits.to_owned())).collect();
    let (held, one_by_one) = scan(&mut lock_with_codes(1));
    assert_eq!((&held, one_by_one), (&expected, [30, 30]));
    let (held, several) = scan(&mut lock_with_codes(2));
    assert_eq!((&held, several), (&expected, [3, 3]));
}
