//! One lock's turn, in one transaction: what is to be told, what is to be decided, and the intent before the command
//! (I5).

use std::collections::BTreeSet;

use super::codes;
use super::facts;
use super::outcome::{self, Failure};
use crate::faults::{self, Fault};
use crate::model::{AccessCode, AccessCodeId, ActionAttemptId, Device, DeviceId, Presence, ProblemKind, Timestamp};
use crate::plan::warn::{self, Health};
use crate::plan::{HORIZON, LockFacts, Memory, Moment, Next, Step, diff, wake};
use crate::store::{JournalEntry, StoreError, Trouble, Unit};

/// Moves and refusals in one turn, at most: each settles one code, and a lock has fewer codes than this.
const DECISIONS: usize = 1000;

/// Codes of far times that a host is told of in one turn, at most.
const TOLD_AT_ONCE: usize = 200;

/// Whose turn it is, and what this run knows of it.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) device: DeviceId,
    pub(super) memory: Memory,
    pub(super) now: Moment,
    /// The lock is idle, and its stick works.
    pub(super) may_send: bool,
    /// The lock was not heard for long.
    pub(super) given_up: bool,
    /// The attempt that is being carried out.
    pub(super) acting: Option<ActionAttemptId>,
}

impl Ask {
    /// Whether this is the same question, though at another time.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let Self { device, memory, now: Moment { trusted, .. }, may_send, given_up, acting } = self;
        let same = (*device, *trusted, *may_send) == (other.device, other.now.trusted, other.may_send);
        same && (*given_up, *acting) == (other.given_up, other.acting) && *memory == other.memory
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) device: DeviceId,
    /// What to send, and what was known before of each code that it writes.
    pub(super) step: Option<(Step, Vec<Presence>)>,
    /// When to ask again.
    pub(super) wake: Option<Timestamp>,
}

pub(super) fn turn(unit: &mut Unit<'_>, ask: &Ask) -> Result<Turn, StoreError> {
    let Some(mut device) = unit.device(ask.device)? else {
        return Ok(Turn { device: ask.device, step: None, wake: None });
    };
    if ask.given_up {
        outcome::lost(unit, &mut device)?;
    }
    let mut facts = facts::of(unit, &device, &ask.memory)?;
    if expire(unit, ask, &facts)? | warn(unit, ask, &device, &facts)? | warn_beyond(unit, ask, &device, &facts)? {
        facts = facts::of(unit, &device, &ask.memory)?;
    }
    let mut step = None;
    if ask.may_send {
        (step, facts) = decide(unit, ask, &device, facts)?;
    }
    let step = step.map(|step| intend(unit, ask.device, step)).transpose()?;
    Ok(Turn { device: ask.device, step, wake: wake::next(&facts, ask.now) })
}

/// Attempts that could not begin in time are given up: nobody waits at the door any more. True if there were any.
fn expire(unit: &mut Unit<'_>, ask: &Ask, facts: &LockFacts) -> Result<bool, StoreError> {
    let mut changed = false;
    for attempt in &facts.actions {
        if attempt.expires_at <= unit.now() && Some(attempt.action_attempt_id) != ask.acting {
            let message = "the lock could not be reached in time: it is out of reach, busy, or its stick is gone";
            let failure = Failure { error_type: "device_offline", message: message.to_owned() };
            outcome::attempt_failed(unit, attempt, failure)?;
            changed = true;
        }
    }
    Ok(changed)
}

/// Tells what a host must know of each code; true if anything changed.
fn warn(unit: &mut Unit<'_>, ask: &Ask, device: &Device, facts: &LockFacts) -> Result<bool, StoreError> {
    let mut changed = false;
    for code in facts.table.iter().flat_map(|table| &table.codes) {
        let memory = &ask.memory;
        let failing = memory.resting || memory.sparing || memory.held.contains(&code.access_code_id);
        let health = Health::of(device, failing);
        let problem = warn::problem(code, health, ask.now);
        changed |= problem != code.problem;
        codes::set_problem(unit, code, problem)?;
    }
    Ok(changed)
}

/// The same for codes of far times, for which it only matters whether the lock could take them now: when that changes, all
/// are told of, some at each turn, and then none any more.
fn warn_beyond(unit: &mut Unit<'_>, ask: &Ask, device: &Device, facts: &LockFacts) -> Result<bool, StoreError> {
    let health = Health::of(device, false);
    if facts.beyond.is_none() || !ask.now.trusted || !device.takes_codes() {
        return Ok(false);
    }
    let trouble = if health.is_well() { Trouble::Passing } else { Trouble::None };
    let codes = unit.codes_beyond(device.device_id, ask.now.utc.after(HORIZON), trouble, TOLD_AT_ONCE)?;
    for code in &codes {
        codes::set_problem(unit, code, warn::problem(code, health, ask.now))?;
    }
    Ok(!codes.is_empty())
}

fn decide(
    unit: &mut Unit<'_>,
    ask: &Ask,
    device: &Device,
    mut facts: LockFacts,
) -> Result<(Option<Step>, LockFacts), StoreError> {
    let mut settled: BTreeSet<AccessCodeId> = BTreeSet::new();
    for _ in 0..DECISIONS {
        let mut next = diff::next(&facts, ask.now);
        if matches!(next, Next::Move(..) | Next::Refuse(..)) {
            // A place is found among all that wait, and not only among those that are near.
            next = diff::next(&facts::whole(unit, device, &ask.memory)?, ask.now);
        }
        let id = match next {
            Next::Do(step) => return Ok((Some(step), facts)),
            Next::Wait => return Ok((None, facts)),
            Next::Move(id, slot) => {
                if let Some(code) = unit.code(id)? {
                    tracing::info!(device = %ask.device, code = %id, from = %code.slot, to = %slot, "code moved");
                    unit.update_code(&AccessCode { slot, ..code })?;
                }
                id
            }
            Next::Refuse(id, reason) => {
                codes::refused(unit, id, ProblemKind::FailedToSet, &reason)?;
                id
            }
        };
        if !settled.insert(id) {
            break;
        }
        facts = facts::of(unit, device, &ask.memory)?;
    }
    Ok((None, facts))
}

/// From here on the outcome is open: whatever happens, the slot is read before anything is concluded.
fn intend(unit: &mut Unit<'_>, device: DeviceId, step: Step) -> Result<(Step, Vec<Presence>), StoreError> {
    let mut before = Vec::new();
    for write in step.writes() {
        let Some(code) = unit.code(write.code)? else {
            before.push(Presence::Absent);
            continue;
        };
        before.push(code.presence);
        if faults::is(Fault::IntentForgotten) {
            continue;
        }
        // What it may be kept to from now on; until that is proven, no look into the slot proves that it opens.
        let kept = write.within.as_ref().map(|within| within.window).or(code.kept);
        unit.update_code(&AccessCode { presence: Presence::Unproven, kept, ..code })?;
        unit.forget_slot(device, write.slot)?;
        unit.note(write.code, &JournalEntry::Intended(outcome::change_of(&write)))?;
    }
    Ok((step, before))
}
