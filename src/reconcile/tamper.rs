//! What a lock says of its slots: ours proven or gone, and codes that a person put in by hand (I3).

use std::collections::BTreeSet;

use keyway_lock::{Evidence, SlotContent, SlotNumber, SlotReport};
use serde_json::{Map, json};

use super::codes::{self, Gone};
use super::facts;
use crate::model::{AccessCode, CodeOrigin, DeviceId, EventSubject, EventType, Presence, ProblemKind, UnmanagedCode};
use crate::plan::verdict::judge;
use crate::plan::{Verdict, fit};
use crate::store::{StoreError, Unit};

/// The lock's fresh word about a slot.
pub(super) fn slot_word(unit: &mut Unit<'_>, device: DeviceId, report: &SlotReport) -> Result<(), StoreError> {
    let before = unit.put_slot(device, report)?;
    // A PIN of ours that was proven gone may come back: then it is still ours to clear. One that was somebody's own and was
    // ordered out is not: the order was for once.
    let mut ours = unit.codes_of_slot(device, report.slot)?;
    ours.retain(|code| code.origin != CodeOrigin::Hand || code.is_in_lock());
    let verdict = judge(before.as_ref(), report.slot, &report.content, &ours);
    match verdict {
        Verdict::Proven(id) => codes::proven(unit, id, Evidence::ReadBack, None)?,
        Verdict::Gone(id) => codes::gone(unit, id, Gone::SlotIsFree)?,
        Verdict::Replaced(id) => codes::gone(unit, id, Gone::Replaced)?,
        Verdict::Unsure(id) => {
            if let Some(code) = ours.into_iter().find(|code| code.access_code_id == id) {
                to_be_proven_again(unit, code)?;
            }
        }
        Verdict::Same | Verdict::Doubtful(_) | Verdict::Foreign => {}
    }
    match verdict {
        Verdict::Doubtful(_) | Verdict::Unsure(_) => Ok(()),
        Verdict::Foreign | Verdict::Replaced(_) => unmanaged_seen(unit, device, report),
        Verdict::Proven(_) | Verdict::Gone(_) | Verdict::Same => {
            let was_taken = before.is_some_and(|before| before != SlotContent::Free);
            let left = unmanaged_left(unit, device, report.slot)?;
            if report.content == SlotContent::Free && (was_taken || left) {
                slot_got_free(unit, device)
            } else {
                Ok(())
            }
        }
    }
}

/// The lock said that these slots hold what they held: as if each had been read. Most are free as they were, with which
/// nothing more has to be done.
pub(super) fn all_as_before(unit: &mut Unit<'_>, device: DeviceId, slots: &[SlotReport]) -> Result<(), StoreError> {
    let mut others = unit.slots_in_use(device)?;
    others.extend(unit.slots_unmanaged(device)?);
    let free = unit.still_free(device)?;
    for report in slots {
        let is_free = report.content == SlotContent::Free && free.contains(&report.slot);
        if !is_free || others.contains(&report.slot) {
            slot_word(unit, device, report)?;
        }
    }
    Ok(())
}

/// Slots that the lock passed over when it told of several: they are free, as far as nothing else was known of them. Of
/// those that hold a code of ours, or held one of somebody, it must say so itself.
pub(super) fn passed_over(unit: &mut Unit<'_>, device: DeviceId, slots: &[SlotNumber]) -> Result<(), StoreError> {
    let ours = unit.slots_in_use(device)?;
    let taken: BTreeSet<SlotNumber> = unit
        .slots(device)?
        .into_iter()
        .filter(|word| word.report.content != SlotContent::Free)
        .map(|word| word.report.slot)
        .collect();
    let is_clear = |slot: &&SlotNumber| !taken.contains(slot) && !ours.contains(slot);
    for slot in slots.iter().filter(is_clear) {
        unit.put_slot(device, &SlotReport { slot: *slot, content: SlotContent::Free })?;
    }
    Ok(())
}

/// The lock refuses to say what is in a slot: where nothing of ours is, it is not to be used.
pub(super) fn not_told(unit: &mut Unit<'_>, device: DeviceId, slot: SlotNumber) -> Result<(), StoreError> {
    if unit.slots_in_use(device)?.contains(&slot) {
        return Ok(());
    }
    unit.put_slot(device, &SlotReport { slot, content: SlotContent::Unusable })?;
    Ok(())
}

/// A slot got free, or a PIN left the lock: codes that were refused because the lock was full, or held their PIN
/// already, may fit now.
pub(super) fn slot_got_free(unit: &mut Unit<'_>, device: DeviceId) -> Result<(), StoreError> {
    let failed = |code: &AccessCode| code.problem.as_ref().is_some_and(|p| p.kind == ProblemKind::FailedToSet);
    let Some(device) = unit.device(device)? else { return Ok(()) };
    let waiting = unit.troubled_codes(device.device_id)?.into_iter().filter(failed);
    for code in waiting.collect::<Vec<_>>() {
        // Each takes its place before the next one is looked at.
        let Some(table) = facts::whole_table(unit, &device)? else { return Ok(()) };
        if let Some(slot) = fit::again(&table, &code, unit.now()) {
            codes::set_problem(unit, &AccessCode { slot, ..code }, None)?;
        }
    }
    Ok(())
}

/// Somebody changed a slot at the lock. It is looked at again; where the lock is known not to show what is in it, what is
/// ours must be proven again.
pub(super) fn changed_by_hand(unit: &mut Unit<'_>, device: DeviceId, slot: SlotNumber) -> Result<(), StoreError> {
    let masked = unit.slot(device, slot)?.is_some_and(|word| word.report.content == SlotContent::Hidden);
    unit.forget_slot(device, slot)?;
    let ours = unit.codes_in_lock(device)?.into_iter().find(|code| code.slot == slot && code.is_proven());
    ours.filter(|_| masked).map_or(Ok(()), |code| to_be_proven_again(unit, code))
}

/// Somebody may have changed this code at its lock, which does not show it.
fn to_be_proven_again(unit: &mut Unit<'_>, code: AccessCode) -> Result<(), StoreError> {
    let code = AccessCode { presence: Presence::Unproven, ..code };
    unit.update_code(&code)?;
    if code.is_wanted(unit.now()) {
        codes::changed_by_hand(unit, &code, ProblemKind::ModifiedExternally)
    } else {
        Ok(())
    }
}

fn unmanaged_seen(unit: &mut Unit<'_>, device: DeviceId, report: &SlotReport) -> Result<(), StoreError> {
    let content = report.content.clone();
    if let Some(known) = unit.unmanaged_in(device, report.slot)? {
        if known.content != content {
            unit.update_unmanaged(&UnmanagedCode { content, ..known })?;
        }
        return Ok(());
    }
    let code = UnmanagedCode {
        access_code_id: unit.id(),
        device_id: device,
        slot: report.slot,
        content,
        created_at: unit.now(),
    };
    unit.insert_unmanaged(&code)?;
    tell(unit, EventType::AccessCodeUnmanagedCreated, &code)
}

/// True: there was one.
fn unmanaged_left(unit: &mut Unit<'_>, device: DeviceId, slot: SlotNumber) -> Result<bool, StoreError> {
    let Some(code) = unit.unmanaged_in(device, slot)? else { return Ok(false) };
    unit.delete_unmanaged(code.access_code_id)?;
    tell(unit, EventType::AccessCodeUnmanagedRemoved, &code)?;
    Ok(true)
}

fn tell(unit: &mut Unit<'_>, event: EventType, code: &UnmanagedCode) -> Result<(), StoreError> {
    let subject = EventSubject {
        device_id: Some(code.device_id),
        access_code_id: Some(code.access_code_id),
        ..EventSubject::default()
    };
    unit.emit(event, subject, Map::from_iter([("slot".to_owned(), json!(code.slot.0))]))
}
