//! Which codes a lock should hold at a moment, and which it should not.

use super::facts::Moment;
use crate::faults::{self, Fault};
use crate::model::{AccessCode, Presence};

/// Whether the code is due and proven in the lock, which keeps it to another window than it should by now.
pub fn is_misfit(code: &AccessCode, now: Moment) -> bool {
    let kept = matches!(code.presence, Presence::Proven(..)) && code.kept.is_some();
    kept && now.trusted && code.is_wanted(now.utc) && code.kept != code.window_for_lock(now.utc)
}

/// Whether the code is due and not proven in the lock: to be set.
pub fn is_missing(code: &AccessCode, now: Moment) -> bool {
    now.trusted && code.is_wanted(now.utc) && !matches!(code.presence, Presence::Proven(..))
}

/// Whether the code is, or may be, in the lock and should not: to be cleared (I1). A deletion holds whatever the clock
/// says; an end only counts by a clock that can be trusted (I6). One that is there before its time, and not proven to be
/// kept to it by the lock, should not.
pub fn is_overdue(code: &AccessCode, now: Moment) -> bool {
    let present = code.presence != Presence::Absent;
    let waits = || code.is_wanted(now.utc) || code.waits_in_lock(now.utc);
    present && (code.deleted_at.is_some() || (now.trusted && !waits() && !faults::is(Fault::EndIgnored)))
}

/// Whether the code waits, outside the lock, for its start, or for the next time of its schedule.
pub fn is_upcoming(code: &AccessCode, now: Moment) -> bool {
    let waits = || code.occurrence(now.utc).is_some_and(|time| now.utc < time.starts_at);
    code.presence == Presence::Absent && code.deleted_at.is_none() && waits()
}
