//! Choosing a slot for a code; whether a lock is full is counted by overlapping time.

use keyway_lock::{SlotContent, SlotNumber};

use super::facts::SlotTable;
use super::pin::is_stuck;
use crate::model::{AccessCode, AccessCodeId, Timestamp, Window};

/// A lock has no slot left for a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct Full {
    /// How many slots it has.
    pub slots: u16,
    /// How many of them hold codes that are not ours.
    pub foreign: u16,
    /// From when on it could take such a code, for as long; `None`: at no time that is known.
    pub until: Option<Timestamp>,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the lock is full: it has {} slots, {} of them with codes set by hand", self.slots, self.foreign)?;
        match self.until {
            Some(until) => write!(f, "; there is room from {until} on"),
            None => write!(f, "; none gets free by itself"),
        }
    }
}

/// How good a free slot is, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The lock said that it is free.
    KnownFree,
    /// Not read yet.
    Unread,
    /// A code of ours is in it, and will be out before.
    FreeBefore,
}

/// Chooses the slot for a code with this window: the lowest of the best rank. `except` is the code itself, when it
/// moves: its own reservation does not count, and it does not stay where it is.
///
/// # Errors
/// [`Full`].
pub fn choose(
    table: &SlotTable,
    window: &Window,
    except: Option<AccessCodeId>,
    now: Timestamp,
) -> Result<SlotNumber, Full> {
    let left = except.and_then(|id| table.codes.iter().find(|code| code.access_code_id == id)).map(|code| code.slot);
    let best = |window: &Window| {
        let usable = table.slots().filter(|slot| Some(*slot) != left);
        usable.filter_map(|slot| Some((rank(table, slot, window, except, now)?, slot))).min()
    };
    best(window).map(|(_, slot)| slot).ok_or_else(|| full(table, window, |later| best(later).is_some()))
}

/// Whether a code may keep its slot for another window.
pub fn may_keep(table: &SlotTable, code: &AccessCode, window: &Window, now: Timestamp) -> bool {
    rivals(table, code, window, now).next().is_none() && !table.is_foreign(code.slot)
}

/// The other codes that have reserved this code's slot for a time that overlaps the window.
pub fn rivals<'a>(
    table: &'a SlotTable,
    code: &'a AccessCode,
    window: &'a Window,
    now: Timestamp,
) -> impl Iterator<Item = &'a AccessCode> {
    let other = move |rival: &&AccessCode| rival.slot == code.slot && rival.access_code_id != code.access_code_id;
    table.codes.iter().filter(other).filter(move |rival| reserves(rival, window, now))
}

fn rank(
    table: &SlotTable,
    slot: SlotNumber,
    window: &Window,
    except: Option<AccessCodeId>,
    now: Timestamp,
) -> Option<Rank> {
    let mut others = table.codes.iter().filter(|code| code.slot == slot && Some(code.access_code_id) != except);
    if table.is_foreign(slot) || others.any(|code| reserves(code, window, now)) {
        return None;
    }
    match (table.holder(slot), table.word(slot)) {
        (Some(_), _) => Some(Rank::FreeBefore),
        (None, Some(word)) if word.content == SlotContent::Free => Some(Rank::KnownFree),
        (None, Some(_)) => None,
        (None, None) => Some(Rank::Unread),
    }
}

/// Whether a code keeps its slot from being used in this window.
fn reserves(code: &AccessCode, window: &Window, now: Timestamp) -> bool {
    is_stuck(code) || (code.deleted_at.is_none() && !code.is_finished(now) && code.window.overlaps(window))
}

/// `has_room`: at these times.
fn full(table: &SlotTable, window: &Window, has_room: impl Fn(&Window) -> bool) -> Full {
    let foreign = table.slots().filter(|slot| table.is_foreign(*slot)).count();
    let later = |start: Timestamp| {
        // The end stays, as long as it is an end.
        let ends_at =
            window.ends_at.map(|end| if end > start { end } else { start.after(window.starts_at.until(end)) });
        Window { starts_at: start, ends_at }
    };
    let mut ends: Vec<Timestamp> = table.codes.iter().filter_map(|code| code.window.ends_at).collect();
    ends.retain(|end| *end > window.starts_at);
    ends.sort();
    Full {
        slots: table.capabilities.guest_slots(),
        foreign: u16::try_from(foreign).unwrap_or(u16::MAX),
        until: ends.into_iter().find(|end| has_room(&later(*end))),
    }
}
