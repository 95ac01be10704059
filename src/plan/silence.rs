//! When a lock of which nothing is heard is asked whether it is there: that its batteries are empty or its link is bad must
//! be known before a guest stands before it. A lock that talks, or is asked for something else, is never asked that.

use std::time::Duration;

use super::ahead;
use super::facts::{LockFacts, Moment};
use crate::model::{AccessCode, Timestamp};

/// A lock is not left unheard for longer than this.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Nor for longer than this where a code begins that soon.
const BEFORE_START: Duration = Duration::from_secs(3600);
/// Over so long the questions before starts at the same moment are spread: what ends then must not wait for them.
const SPREAD: u128 = 1800;

/// From when on it is to be asked, if it is not heard before. `None`: it is out of reach, and asked for its status again and
/// again; or a start or an end is too near.
pub(super) fn due(facts: &LockFacts, now: Moment) -> Option<Timestamp> {
    facts.memory.heard_since?;
    if facts.table.as_ref().is_some_and(|table| ahead::is_quiet(table, now)) {
        return None;
    }
    let words = facts.table.iter().flat_map(|table| table.words.values().map(|word| word.told_at));
    let heard = words.chain(facts.last_seen).filter(|at| *at <= now.utc).max();
    // By a clock that was moved back it was heard only later.
    let Some(heard) = heard else { return Some(now.utc) };
    let codes = facts.table.iter().flat_map(|table| &table.codes);
    let before_start = codes.filter_map(|code| before_start(code, heard, now));
    before_start.chain([heard.after(LONGEST)]).min()
}

fn before_start(code: &AccessCode, heard: Timestamp, now: Moment) -> Option<Timestamp> {
    let starts_at = code.occurrence(now.utc).filter(|_| code.deleted_at.is_none())?.starts_at;
    let later = u64::try_from(code.access_code_id.0.as_u128() % SPREAD).unwrap_or_default();
    let due = starts_at.before(BEFORE_START).after(Duration::from_secs(later)).max(heard.after(BEFORE_START));
    (now.utc < starts_at && due < starts_at).then_some(due)
}
