//! The one next step between what a lock should hold and what it last said it holds.

use keyway_lock::{LockCommand, LogStart, Pin, SlotContent, SlotNumber, SlotReport};

use super::ahead::{self, Within, makes_way};
use super::desired::{is_misfit, is_missing, is_overdue};
use super::facts::{Checksum, LockFacts, Memory, Moment, SlotTable};
use super::pin::is_stuck;
use super::{reading, silence, slot, together};
use crate::faults::{self, Fault};
use crate::model::{AccessCode, AccessCodeId, ActionAttemptId, Presence};

/// One command for the lock, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A lock, an unlock or a setting that somebody waits for.
    Act(ActionAttemptId, LockCommand),
    /// Take this code out of its slot.
    Clear(AccessCodeId, SlotNumber),
    /// Put this code into its slot, and have the lock keep it to a window if one is given.
    Set(AccessCodeId, SlotNumber, Pin, Option<Within>),
    /// Take several codes out, or put several in, in one go; what the other slots hold, if that is known and the lock's
    /// checksum is worth something.
    Together(Vec<Write>, Option<Vec<SlotReport>>),
    /// Ask what is in this slot.
    Read(SlotNumber),
    /// Ask whether all slots hold what they held; whether its checksum has been found to agree before.
    Check(Vec<SlotReport>, bool),
    /// Look at its clock, and set it right.
    CheckClock,
    /// Ask for bolt, door and battery.
    Status,
    /// Ask whether it is there.
    Ping,
    /// Ask what the lock wrote down of who used it.
    Log(LogStart),
}

/// A slot to be written for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// For which code.
    pub code: AccessCodeId,
    /// Which slot.
    pub slot: SlotNumber,
    /// What to put in; `None`: the code is taken out.
    pub pin: Option<Pin>,
    /// The window that the lock is to keep it to; `None`: none.
    pub within: Option<Within>,
}

impl Step {
    /// Whether it changes nothing about the lock, and nobody waits for it.
    pub fn is_question(&self) -> bool {
        match self {
            Self::Read(_) | Self::Check(..) | Self::CheckClock | Self::Status | Self::Ping | Self::Log(_) => true,
            Self::Act(..) | Self::Clear(..) | Self::Set(..) | Self::Together(..) => false,
        }
    }

    /// The slots that it writes, in order.
    pub fn writes(&self) -> Vec<Write> {
        match self {
            Self::Clear(code, slot) => vec![Write { code: *code, slot: *slot, pin: None, within: None }],
            Self::Set(code, slot, pin, within) => {
                vec![Write { code: *code, slot: *slot, pin: Some(pin.clone()), within: within.clone() }]
            }
            Self::Together(writes, _) => writes.clone(),
            Self::Act(..)
            | Self::Read(_)
            | Self::Check(..)
            | Self::CheckClock
            | Self::Status
            | Self::Ping
            | Self::Log(_) => Vec::new(),
        }
    }
}

/// What to do for a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Reserve another slot for this code, then ask again: somebody else's code is in its slot.
    Move(AccessCodeId, SlotNumber),
    /// This code can't be in the lock, then ask again: a person must act, for this reason.
    Refuse(AccessCodeId, String),
    /// Send this command.
    Do(Step),
    /// Nothing, until something happens or [`super::wake::next`] comes.
    Wait,
}

/// Names the next step for a lock. Strictly: a person at the door, then what must leave the lock (I1), then what must
/// be in it (I2), then what must be known for those to be quick, then the rest.
pub fn next(facts: &LockFacts, now: Moment) -> Next {
    let (table, memory) = (facts.table.as_ref(), &facts.memory);
    if let Some(step) = waiting(facts, now) {
        return Next::Do(step);
    }
    let written = table.filter(|_| facts.is_managed);
    if let Some(next) = written.and_then(|table| misplaced(table, now)) {
        return next;
    }
    if memory.resting || !facts.is_interviewed {
        return Next::Wait;
    }
    // Where the lock can tell that all is as it was, that is asked in place of one slot: it costs no more.
    let check = |read: Step| table.and_then(|table| reading::check(table, memory)).unwrap_or(read);
    let due_now = written.and_then(|table| {
        let removals = || together::of(table, memory, removals(table, memory, now));
        removals().or_else(|| together::of(table, memory, settings(table, memory, now)))
    });
    match due_now {
        // Unless other slots must be read first for that: what is due does not wait for them.
        Some(read @ Step::Read(_)) if memory.checksum == Checksum::Agrees && memory.doubted.is_empty() => {
            return Next::Do(check(read));
        }
        Some(step) => return Next::Do(step),
        None => {}
    }
    if memory.sparing {
        return Next::Wait;
    }
    let coded = table.and_then(|table| {
        let managed = due(reading::managed(table, memory, now), now).map(check);
        managed.or_else(|| due(reading::told(table, memory, now), now))
    });
    let clock = || {
        let at = written.and_then(|table| ahead::look_at_clock(table, memory, now));
        at.filter(|at| *at <= now.utc).map(|_| Step::CheckClock)
    };
    let ahead = || written.and_then(|table| ahead(table, memory, now));
    let status = || (memory.heard_since.is_none() || !memory.status_known).then_some(Step::Status);
    let log = || facts.log.filter(|_| memory.heard_since.is_some() && !memory.log_read).map(Step::Log);
    let background = || due(table.and_then(|table| reading::background(table, memory, now)), now).map(check);
    let ping = || silence::due(facts, now).filter(|at| *at <= now.utc).map(|_| Step::Ping);
    let asked = coded.or_else(status).or_else(log).or_else(clock).or_else(ahead).or_else(background);
    asked.or_else(ping).map_or(Next::Wait, Next::Do)
}

/// A lock or unlock goes before anything else: it takes one command, and a person waits. But never twice in a row
/// while a code must leave the lock: nobody can keep a removal waiting by asking for unlocks.
fn waiting(facts: &LockFacts, now: Moment) -> Option<Step> {
    let memory = &facts.memory;
    let removing = facts.table.as_ref().is_some_and(|table| removals(table, memory, now).next().is_some());
    if !facts.is_managed || memory.busy || (memory.acted_last && removing && !memory.resting) {
        return None;
    }
    let mut waiting = facts.actions.iter().filter(|attempt| now.utc < attempt.expires_at);
    waiting.find_map(|attempt| Some(Step::Act(attempt.action_attempt_id, attempt.action_type.command()?)))
}

/// A code whose reserved slot holds somebody else's code, or one that does not leave, or one that is wanted as well: it
/// gets another slot.
fn misplaced(table: &SlotTable, now: Moment) -> Option<Next> {
    let waits = |code: &&AccessCode| code.presence == Presence::Absent && code.deleted_at.is_none() && !keeps_out(code);
    let blocked = |code: &&AccessCode| {
        let leaves = |holder: &AccessCode| is_overdue(holder, now) || makes_way(table, holder, now);
        let taken = |holder: &AccessCode| !leaves(holder) || is_stuck(holder);
        table.is_foreign(code.slot) || (is_missing(code, now) && table.holder(code.slot).is_some_and(taken))
    };
    let code = table.codes.iter().filter(waits).filter(blocked).min_by_key(|code| code.access_code_id)?;
    Some(match slot::choose(table, &code.window, Some(code.access_code_id), now.utc) {
        Ok(slot) => Next::Move(code.access_code_id, slot),
        Err(full) => Next::Refuse(code.access_code_id, full.to_string()),
    })
}

/// I1. What a slot holds is made sure of before it is cleared: a person may have put another code there.
/// The longest overdue comes first.
fn removals<'a>(table: &'a SlotTable, memory: &'a Memory, now: Moment) -> impl Iterator<Item = Step> + 'a {
    let leaves = |code: &AccessCode| is_overdue(code, now) || makes_way(table, code, now);
    let overdue = |code: &&AccessCode| leaves(code) && !memory.holds_off(code);
    let mut codes: Vec<&AccessCode> = table.codes.iter().filter(overdue).collect();
    codes.sort_by_key(|code| over_since(code, now));
    codes.into_iter().map(move |code| {
        let sure = reading::is_fresh(table, code.slot, memory, now) && !table.shows_another(code);
        let sure = sure || faults::is(Fault::ClearedUnread);
        if sure { Step::Clear(code.access_code_id, code.slot) } else { Step::Read(code.slot) }
    })
}

/// When a code ceased to be wanted, to take the longest first.
fn over_since(code: &AccessCode, now: Moment) -> (Option<crate::model::Timestamp>, AccessCodeId) {
    (code.over_since(now.utc), code.access_code_id)
}

/// I2. The first write into a slot needs the lock's own recent word that it is free (I3).
fn settings<'a>(table: &'a SlotTable, memory: &'a Memory, now: Moment) -> impl Iterator<Item = Step> + 'a {
    let due = |code: &AccessCode| is_missing(code, now) || is_misfit(code, now);
    let missing = |code: &&AccessCode| due(code) && !memory.holds_off(code);
    let mut codes: Vec<&AccessCode> = table.codes.iter().filter(missing).collect();
    let start = |code: &AccessCode| code.occurrence(now.utc).map(|time| time.starts_at);
    codes.sort_by_key(|code| (start(code), code.access_code_id));
    codes.into_iter().filter_map(move |code| set(table, memory, code, now))
}

fn set(table: &SlotTable, memory: &Memory, code: &AccessCode, now: Moment) -> Option<Step> {
    let word = table.word(code.slot);
    let ours_or_free = match table.holder(code.slot) {
        Some(holder) if holder.access_code_id != code.access_code_id => return None,
        // Begun before, or put in ahead: written again, or looked at. Another's PIN is read again below.
        Some(_) => word.is_some(),
        None => word.is_none_or(|word| word.content == SlotContent::Free || faults::is(Fault::ForeignTaken)),
    };
    if keeps_out(code) || leaves_first(table, code, now) {
        return None;
    }
    let within = ahead::within(table, memory, code, now);
    // One that waits there is looked at by the command itself, which touches nothing else.
    let looked_at = within.is_some() && matches!(code.presence, Presence::Ahead(..));
    if table.shows_another(code) || !(looked_at || reading::is_fresh(table, code.slot, memory, now)) {
        return Some(Step::Read(code.slot));
    }
    let pin = code.pin.clone().filter(|_| ours_or_free)?;
    if ahead::waits_for_clock(table, memory, code, now) {
        return Some(Step::CheckClock);
    }
    Some(Step::Set(code.access_code_id, code.slot, pin, within))
}

/// The next code that is to wait in the lock for its time. Never without its window.
fn ahead(table: &SlotTable, memory: &Memory, now: Moment) -> Option<Step> {
    if !now.trusted || ahead::is_quiet(table, now) {
        return None;
    }
    let due = |code: &AccessCode| {
        let due = ahead::due(table, memory, code, now).filter(|due| *due <= now.utc);
        let ready = !memory.holds_off(code) && ahead::within(table, memory, code, now).is_some();
        due.filter(|_| ready).map(|due| (due, code.access_code_id))
    };
    let mut codes: Vec<_> = table.codes.iter().filter_map(|code| Some((due(code)?, code))).collect();
    codes.sort_by_key(|(due, _)| *due);
    codes.into_iter().find_map(|(_, code)| set(table, memory, code, now))
}

/// Whether a code that is over, and that a keypad could take for this one, is still in the lock: it is taken out first.
fn leaves_first(table: &SlotTable, code: &AccessCode, now: Moment) -> bool {
    let alike = |other: &AccessCode| match (&code.pin, &other.pin) {
        (Some(one), Some(other)) => table.capabilities.alike.collide(one, other),
        _ => false,
    };
    table.codes.iter().any(|other| {
        let leaves = is_overdue(other, now) || makes_way(table, other, now);
        other.access_code_id != code.access_code_id && leaves && !is_stuck(other) && alike(other)
    })
}

/// The earliest read, if its moment has come.
fn due(reads: impl IntoIterator<Item = (crate::model::Timestamp, SlotNumber)>, now: Moment) -> Option<Step> {
    reads.into_iter().min().filter(|(at, _)| *at <= now.utc).map(|(_, slot)| Step::Read(slot))
}

fn keeps_out(code: &AccessCode) -> bool {
    code.problem.as_ref().is_some_and(|problem| problem.kind.keeps_out())
}
