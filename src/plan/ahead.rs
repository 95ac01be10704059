//! Codes that go into a lock ahead of their time, where the lock keeps that time by itself: then the guest gets in at the
//! start, and not behind the end, though the hub be dead at both.
//!
//! A code goes in a day ahead: long enough for a hub that dies overnight, short enough that few codes wait in a lock, and
//! that a grant which is changed later costs nothing. It does so only behind a look at the lock's clock, and while no other
//! code needs its slot or its PIN before. In doubt it is taken out: what is not proven to wait there as it should is over,
//! as far as [`super::desired::is_overdue`] is concerned.

use std::time::Duration;

use keyway_lock::{Pin, SlotContent, SlotWindow};
use sha2::{Digest, Sha256};

use super::desired::is_upcoming;
use super::facts::{ClockWord, Memory, Moment, SlotTable};
use crate::model::{AccessCode, CodeOrigin, Presence, Timestamp};

/// So long before its start a code goes in.
pub const AHEAD: Duration = Duration::from_secs(24 * 3600);
/// Shorter before it, that is not worth the while: it is about to be put in anyway.
const TOO_LATE: Duration = Duration::from_secs(90);
/// Nothing is put in ahead this shortly before a start or an end of another code: it takes a lock some seconds.
const QUIET: Duration = Duration::from_secs(20);
/// A lock's clock is looked at so often, while it keeps windows; and so long its word is good for another code.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 3600);
/// See above.
const GOOD_FOR: Duration = Duration::from_secs(12 * 3600);
/// A clock that can't be set right is looked at again after so long.
const WRONG_FOR: Duration = Duration::from_secs(3600);
/// PINs that may stand in for one code.
const STAND_INS: u8 = 16;

/// The window for a code in its lock, and what stands in for its PIN until the lock has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    /// When the lock is to open for it.
    pub window: SlotWindow,
    /// PINs that nobody knows.
    pub stand_ins: [Pin; 2],
}

/// Whether the lock could keep this code's next time by itself, clock or not.
fn window(table: &SlotTable, memory: &Memory, code: &AccessCode, now: Moment) -> Option<SlotWindow> {
    let able = table.capabilities.keeps_window(code.slot) && !memory.untimed.contains(&code.access_code_id);
    code.window_for_lock(now.utc).filter(|_| able)
}

/// The window that a code is to have that is put in now; `None`: it has none, or the lock's clock is not right.
pub(super) fn within(table: &SlotTable, memory: &Memory, code: &AccessCode, now: Moment) -> Option<Within> {
    let right = matches!(memory.clock, ClockWord::Right(at) if at <= now.utc && at.until(now.utc) <= GOOD_FOR);
    let window = window(table, memory, code, now).filter(|_| right)?;
    Some(Within { window, stand_ins: stand_ins(table, code)? })
}

/// Whether a code that is due is to wait for a look at the lock's clock, since it might have a window.
pub(super) fn waits_for_clock(table: &SlotTable, memory: &Memory, code: &AccessCode, now: Moment) -> bool {
    memory.clock == ClockWord::Unknown && window(table, memory, code, now).is_some()
}

/// From when on a code that waits for its time is to go in; `None`: it is not.
pub(super) fn due(table: &SlotTable, memory: &Memory, code: &AccessCode, now: Moment) -> Option<Timestamp> {
    let out = code.problem.as_ref().is_some_and(|problem| problem.kind.keeps_out());
    if !is_upcoming(code, now) || out || window(table, memory, code, now).is_none() {
        return None;
    }
    let starts_at = code.occurrence(now.utc)?.starts_at;
    let crowded = table.codes.iter().any(|other| {
        let there = other.presence != Presence::Absent;
        is_rival(table, code, other) && (there || goes_before(other, code, now))
    });
    let worth = now.utc.until(starts_at) > TOO_LATE;
    (worth && !crowded && !is_shown_elsewhere(table, code)).then(|| starts_at.before(AHEAD))
}

/// Whether this shortly before a start or an end nothing is put in ahead.
pub(super) fn is_quiet(table: &SlotTable, now: Moment) -> bool {
    let mut edges = table.codes.iter().flat_map(|code| code.edges(now.utc));
    edges.any(|edge| edge > now.utc && now.utc.until(edge) <= QUIET)
}

/// Whether a code that waits in the lock for its time is in the way of another, which needs its slot or its PIN before: it
/// is to leave.
pub(super) fn makes_way(table: &SlotTable, code: &AccessCode, now: Moment) -> bool {
    let rival = |other: &AccessCode| is_rival(table, code, other) && goes_before(other, code, now);
    matches!(code.presence, Presence::Ahead(..)) && now.trusted && table.codes.iter().any(rival)
}

/// When the lock's clock is to be looked at next; `None`: nothing hangs on it.
pub(super) fn look_at_clock(table: &SlotTable, memory: &Memory, now: Moment) -> Option<Timestamp> {
    if table.capabilities.window_slots == 0 || !now.trusted {
        return None;
    }
    let kept = |code: &AccessCode| code.is_proven() && code.kept.is_some();
    let first = table.codes.iter().filter_map(|code| match kept(code) {
        true => Some(now.utc),
        false => due(table, memory, code, now),
    });
    let needed = first.min()?;
    Some(match memory.clock {
        ClockWord::Unknown => needed,
        ClockWord::Right(at) => needed.max(at.after(LOOK_EVERY)),
        ClockWord::Wrong(at) => needed.max(at.after(WRONG_FOR)),
    })
}

/// Whether the two can't be in the lock at once.
fn is_rival(table: &SlotTable, code: &AccessCode, other: &AccessCode) -> bool {
    let alike = || match (&code.pin, &other.pin) {
        (Some(one), Some(other)) => table.capabilities.alike.collide(one, other),
        _ => false,
    };
    code.access_code_id != other.access_code_id && (code.slot == other.slot || alike())
}

/// Whether the other's time comes before this one's.
fn goes_before(other: &AccessCode, code: &AccessCode, now: Moment) -> bool {
    let start = |code: &AccessCode| code.occurrence(now.utc).map(|time| time.starts_at);
    let out = other.problem.as_ref().is_some_and(|problem| problem.kind.keeps_out());
    other.deleted_at.is_none() && !out && start(other).zip(start(code)).is_some_and(|(other, own)| other < own)
}

/// Whether somebody else's code in the lock can't be told from this one.
fn is_shown_elsewhere(table: &SlotTable, code: &AccessCode) -> bool {
    table.words.iter().any(|(slot, word)| match (&word.content, &code.pin) {
        (SlotContent::Code(shown), Some(pin)) => *slot != code.slot && table.capabilities.alike.collide(shown, pin),
        _ => false,
    })
}

/// Two PINs for the time until the lock has the window: unlike any code of the lock, as far as is known.
fn stand_ins(table: &SlotTable, code: &AccessCode) -> Option<[Pin; 2]> {
    let alike = &table.capabilities.alike;
    let shown = table.words.values().filter_map(|word| match &word.content {
        SlotContent::Code(pin) => Some(pin),
        SlotContent::Free | SlotContent::Hidden | SlotContent::Unusable => None,
    });
    let own = candidates(code);
    let taken: Vec<&Pin> = table.codes.iter().filter_map(|code| code.pin.as_ref()).chain(shown).collect();
    // One that was left behind by a crash is no rival to itself.
    let free = |pin: &&Pin| !taken.iter().any(|taken| alike.collide(pin, taken) && !own.contains(taken));
    let mut fit = own.iter().filter(|pin| table.capabilities.check(pin).is_ok()).filter(free);
    let first = fit.next()?;
    let second = fit.find(|pin| !alike.collide(first, pin))?;
    Some([first.clone(), second.clone()])
}

/// Whether a PIN in the slot of this code is one that stood in for it: then the slot is ours, and no guest's PIN is in it.
pub(super) fn is_stand_in(code: &AccessCode, shown: &Pin) -> bool {
    code.kept.is_some() && candidates(code).contains(shown)
}

/// They follow from the code's id, which is random and told to no guest, so that they are known again after a crash.
fn candidates(code: &AccessCode) -> Vec<Pin> {
    let id = match code.origin {
        CodeOrigin::Former { access_code_id } => access_code_id,
        CodeOrigin::Grant { .. } | CodeOrigin::Device(_) | CodeOrigin::Hand => code.access_code_id,
    };
    let length = code.pin.as_ref().map_or(0, Pin::digits);
    let digits = |n: u8| {
        let hash =
            Sha256::new().chain_update(b"keyway stand-in").chain_update(id.0.as_bytes()).chain_update([n]).finalize();
        hash.iter().take(length).map(|byte| char::from(b'0' + byte % 10)).collect::<String>()
    };
    (0..STAND_INS).filter_map(|n| Pin::new(&digits(n)).ok()).filter(|pin| Some(pin) != code.pin.as_ref()).collect()
}
