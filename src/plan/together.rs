//! Writing several slots in one go, where the lock takes that: fewer frames, and one waking of the lock.

use std::collections::BTreeSet;

use keyway_lock::{SlotContent, SlotNumber, SlotReport};

use super::diff::Step;
use super::facts::{Checksum, Memory, SlotTable};

/// The first of these steps, with those that can be done in the same go: all of one kind, each slot once. What must be read
/// for them is read first, unless reading failed last: what is due does not wait for one slot that can't be read.
pub(super) fn of(table: &SlotTable, memory: &Memory, mut steps: impl Iterator<Item = Step>) -> Option<Step> {
    let most = usize::from(table.capabilities.changes_at_once);
    if most < 2 {
        return steps.next();
    }
    let steps: Vec<Step> = steps.take(most).collect();
    let read = steps.iter().find(|step| matches!(step, Step::Read(_)));
    if let Some(read) = read.filter(|_| !memory.failed_last) {
        return Some(read.clone());
    }
    if !matches!(steps.first()?, Step::Clear(..) | Step::Set(_, _, _, None)) {
        return steps.into_iter().next();
    }
    let clears = matches!(steps.first()?, Step::Clear(..));
    let alike = |step: &Step| match step {
        Step::Clear(..) => clears,
        Step::Set(_, _, _, None) => !clears,
        Step::Set(_, _, _, Some(_))
        | Step::Act(..)
        | Step::Together(..)
        | Step::Read(_)
        | Step::Check(..)
        | Step::CheckClock
        | Step::Status
        | Step::Ping
        | Step::Log(_) => false,
    };
    let mut slots = BTreeSet::new();
    let once = |step: &Step| step.writes().iter().all(|write| slots.insert(write.slot));
    let mut steps: Vec<Step> = steps.into_iter().filter(alike).filter(once).collect();
    if steps.len() < 2 {
        return steps.pop();
    }
    let others = others(table, memory, &slots);
    Some(Step::Together(steps.iter().flat_map(Step::writes).collect(), others))
}

/// What all slots but these hold, if every one is known and the lock's checksum has agreed with them before.
fn others(table: &SlotTable, memory: &Memory, written: &BTreeSet<SlotNumber>) -> Option<Vec<SlotReport>> {
    if memory.checksum != Checksum::Agrees || !table.capabilities.reserved_slots.is_empty() {
        return None;
    }
    let report = |slot| {
        let content = table.word(slot)?.content.clone();
        matches!(content, SlotContent::Free | SlotContent::Code(_)).then_some(SlotReport { slot, content })
    };
    table.slots().filter(|slot| !written.contains(slot)).map(report).collect()
}
