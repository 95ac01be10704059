//! Which slots are to be read, and when: what was decided on a lock's word must not rest on an old one.

use std::time::Duration;

use keyway_lock::{SlotContent, SlotNumber, SlotReport};

use super::desired::{is_overdue, is_upcoming};
use super::diff::Step;
use super::facts::{Checksum, HORIZON, Memory, Moment, SlotTable, Word};
use crate::faults::{self, Fault};
use crate::model::{AccessCode, Presence, Timestamp};

/// Older than this, a word about a slot is asked again before the slot is written or cleared.
const FRESH: Duration = Duration::from_secs(120);
/// After a set its slot is read again: "set, then gone" is a known fault of locks.
const AUDIT_AFTER_SET: Duration = Duration::from_secs(60);
/// A word that came this much before that is as good: codes that were set shortly one after the other are looked at in one
/// go, if one question does for all.
const AUDITED_TOGETHER: Duration = Duration::from_secs(15);
/// How often the slot of a code in the lock is read, plus up to an hour to spread them.
const AUDIT_EVERY: Duration = Duration::from_secs(6 * 3600);
/// How often one of the other slots is read: for codes put in by hand that no event told of.
const SCAN_EVERY: Duration = Duration::from_secs(3600);
/// So many of the slots of a lock that was just added are read at once. More than that no household fills.
const SCAN_AT_ONCE: usize = 50;
/// How often one of the slots beyond is read for the first time: a lock of 250 must not spend its battery on them.
const SCAN_REST_EVERY: Duration = Duration::from_secs(60);
/// Nothing is read only to know it this shortly before and after a start or an end: the air stays free for those.
const QUIET: Duration = Duration::from_secs(5);

/// Whether the word about a slot is recent enough to write or clear by.
pub(super) fn is_fresh(table: &SlotTable, slot: SlotNumber, memory: &Memory, now: Moment) -> bool {
    let is_new = |word: &Word| holds(word, memory, now) && word.told_at.until(now.utc) <= FRESH;
    let recent = |word: &Word| is_new(word) || faults::is(Fault::StaleWord);
    let doubted = memory.doubted.contains(&slot) || memory.passed_over.contains(&slot);
    table.word(slot).is_some_and(recent) && !doubted
}

/// Whether nothing can have happened unheard since the lock said this.
fn holds(word: &Word, memory: &Memory, now: Moment) -> bool {
    word.told_at <= now.utc && memory.heard_since.is_some_and(|since| word.told_at >= since)
}

/// The slots of managed codes, each with the moment from which it is to be read; past or present: now.
pub(super) fn managed(table: &SlotTable, memory: &Memory, now: Moment) -> Vec<(Timestamp, SlotNumber)> {
    let codes = table.codes.iter().filter(|code| !is_overdue(code, now) && !memory.refused.contains(&code.slot));
    codes.filter_map(|code| Some((due(table, memory, code, now)?, code.slot))).collect()
}

fn due(table: &SlotTable, memory: &Memory, code: &AccessCode, now: Moment) -> Option<Timestamp> {
    let known = table.word(code.slot).filter(|word| word.told_at <= now.utc);
    match code.presence {
        // Its slot is looked at again just before it is written: the lock is woken once for both. One of a code for a far
        // time is read in its turn, as all others.
        Presence::Absent => {
            let near = code.window.starts_at <= now.utc.after(HORIZON);
            (near && is_upcoming(code, now) && known.is_none()).then_some(now.utc)
        }
        Presence::Proven(..) if faults::is(Fault::AuditOff) => None,
        Presence::Unproven | Presence::Ahead(..) | Presence::Proven(..) => {
            let Some(word) = known.filter(|word| holds(word, memory, now)) else { return Some(now.utc) };
            if table.shows_another(code) {
                return Some(now.utc);
            }
            let (Presence::Ahead(_, proven_at) | Presence::Proven(_, proven_at)) = code.presence else { return None };
            let is_audited = word.told_at >= proven_at.after(AUDIT_AFTER_SET.saturating_sub(AUDITED_TOGETHER));
            Some(if is_audited { word.told_at.after(spread(code.slot)) } else { proven_at.after(AUDIT_AFTER_SET) })
        }
    }
}

/// Slots that something happened to: at once.
pub(super) fn told(table: &SlotTable, memory: &Memory, now: Moment) -> Vec<(Timestamp, SlotNumber)> {
    let known = memory.told.iter().filter(|slot| table.capabilities.has_slot(**slot) && !memory.refused.contains(slot));
    known.map(|slot| (now.utc, *slot)).collect()
}

/// Whether all slots hold what they held, as one question; `None`: the lock can't tell, or of some slot it is not known
/// what it held.
pub(super) fn check(table: &SlotTable, memory: &Memory) -> Option<Step> {
    let can = table.capabilities.has_checksum && table.capabilities.reserved_slots.is_empty();
    // A code that is not in yet may wait for the slot of one that is still in.
    let open = |code: &AccessCode| match code.presence {
        Presence::Absent => false,
        Presence::Unproven => true,
        Presence::Ahead(..) | Presence::Proven(..) => table.shows_another(code),
    };
    if !can || !memory.told.is_empty() || memory.checksum == Checksum::Useless || table.codes.iter().any(open) {
        return None;
    }
    // First what it could be wrong about: a few slots, and then one question for the others.
    if let Some(slot) = memory.doubted.iter().find(|slot| table.capabilities.has_slot(**slot)) {
        return Some(Step::Read(*slot));
    }
    let report = |slot| {
        let content = table.word(slot)?.content.clone();
        matches!(content, SlotContent::Free | SlotContent::Code(_)).then_some(SlotReport { slot, content })
    };
    let slots = table.slots().map(report).collect::<Option<Vec<SlotReport>>>()?;
    Some(Step::Check(slots, memory.checksum == Checksum::Agrees))
}

/// The slot that is to be read next only to know it, and from when. `None`: a start or an end is too near.
pub(super) fn background(table: &SlotTable, memory: &Memory, now: Moment) -> Option<(Timestamp, SlotNumber)> {
    let edges: Vec<Timestamp> = table.codes.iter().flat_map(|code| code.edges(now.utc)).collect();
    if edges.iter().copied().any(|edge| edge > now.utc && now.utc.until(edge) <= QUIET) {
        return None;
    }
    let quiet_until = edges.iter().copied().filter(|edge| *edge <= now.utc).max().map(|edge| edge.after(QUIET));
    let told = |slot: &SlotNumber| table.word(*slot).map(|word| word.told_at).filter(|told| *told <= now.utc);
    let asked = |slot: &SlotNumber| table.holder(*slot).is_none() && !memory.refused.contains(slot);
    let others: Vec<(Option<Timestamp>, SlotNumber)> =
        table.slots().filter(asked).map(|slot| (told(&slot), slot)).collect();
    let last = others.iter().filter_map(|(told, _)| *told).max();
    // An unread slot comes before every read one, as `None` comes before `Some`.
    let (told, slot) = *others.iter().min()?;
    let due = match (told, last) {
        // A lock that was just added: one slot behind the other, since it is awake, and whether it is full must be known
        // before a grant is promised.
        (None, _) | (_, None) if others.iter().position(|(_, other)| *other == slot) < Some(SCAN_AT_ONCE) => now.utc,
        (None, Some(last)) => last.after(SCAN_REST_EVERY),
        (_, None) => now.utc,
        (Some(_), Some(last)) => last.after(SCAN_EVERY),
    };
    Some((quiet_until.map_or(due, |quiet| quiet.max(due)), slot))
}

/// Audits of one lock do not all fall due at once.
fn spread(slot: SlotNumber) -> Duration {
    AUDIT_EVERY + Duration::from_secs(u64::from(slot.0) * 613 % 3600)
}
