//! I5: any crash. No code is orphaned in a lock, none is in two slots.

use keyway::model::Timestamp;
use keyway_virtual::door::By;

use super::door::{Change, DoorRecord};
use super::ledger::Ledger;
use super::{Broken, SETTLES_WITHIN};

/// The hub put a PIN into a slot: whether it is in another as well.
pub(super) fn twice(record: &DoorRecord, change: &Change) -> Option<Broken> {
    let pin = change.after.as_ref()?;
    let twin = |(slot, held): (&keyway_lock::SlotNumber, &super::door::Held)| {
        (*slot != change.slot && held.pin == *pin && held.by == By::Radio).then_some(*slot)
    };
    let twin = record.slots.iter().find_map(twin)?;
    Some(("I5", format!("PIN {pin} is in the slots {twin} and {}", change.slot)))
}

/// Codes of the hub's that belong to no grant.
pub(super) fn judge(ledger: &Ledger, record: &mut DoorRecord, door: usize, now: Timestamp) -> Vec<Broken> {
    let unknown = |pin: &str| ledger.of_pin(pin, door).next().is_none();
    let strange: Vec<_> = record
        .slots
        .iter()
        .filter(|(_, held)| held.by == By::Radio && unknown(&held.pin))
        .map(|(slot, held)| (*slot, held.since))
        .collect();
    let calm_since = record.calm_since();
    let mut broken = Vec::new();
    record.strange.retain(|slot, _| strange.iter().any(|(other, _)| other == slot));
    for (slot, since) in strange {
        let Some(limit) = calm_since.map(|calm| calm.max(since).after(SETTLES_WITHIN)) else { continue };
        if limit > now {
            record.check_at = record.check_at.min(limit);
        } else if record.strange.insert(slot, since) != Some(since) {
            broken.push(("I5", format!("the code in slot {slot} belongs to no grant")));
        }
    }
    broken
}
