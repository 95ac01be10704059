//! What becomes of a code: each change with its history and its events, in one transaction.

use std::time::Duration;

use keyway_lock::{Evidence, SlotWindow};
use serde_json::{Map, Value, json};

use crate::faults::{self, Fault};
use crate::model::{
    AccessCode, AccessCodeId, AccessMethodId, CodeOrigin, CodeProblem, EventSubject, EventType, Presence, ProblemKind,
};
use crate::store::{CodeChange, JournalEntry, StoreError, Unit};

/// So long an order is new: that its code would not work now is told as an answer to whoever gave it.
const NEW: Duration = Duration::from_secs(60);

/// The lock has proven that the code is in it, and that it keeps it to this window, if one is given.
pub(super) fn proven(
    unit: &mut Unit<'_>,
    id: AccessCodeId,
    evidence: Evidence,
    kept: Option<SlotWindow>,
) -> Result<(), StoreError> {
    let Some(mut code) = unit.code(id)? else { return Ok(()) };
    if matches!(code.presence, Presence::Proven(..)) {
        return Ok(());
    }
    let first = !was_proven(unit, id)?;
    let wanted = code.is_wanted(unit.now());
    code.kept = kept;
    if kept.is_some() && !wanted {
        return put_ahead(unit, code, evidence);
    }
    code.presence = Presence::Proven(evidence, unit.now());
    code.problem = code.problem.filter(|_| !wanted);
    unit.update_code(&code)?;
    unit.note(id, &JournalEntry::Confirmed(CodeChange::Set, evidence))?;
    if wanted {
        if let Some(due) = code.due_since(unit.now()).filter(|_| first) {
            unit.tally_delay(CodeChange::Set, due.until(unit.now()));
        }
        if !faults::is(Fault::SetUntold) {
            unit.emit(EventType::AccessCodeSetOnDevice, &code, Map::new())?;
        }
        all_doors_proven(unit, &code, first)?;
    }
    Ok(())
}

/// It waits in the lock for its time. That is no news of the code being set, which it is only once it opens.
fn put_ahead(unit: &mut Unit<'_>, code: AccessCode, evidence: Evidence) -> Result<(), StoreError> {
    let code = AccessCode { presence: Presence::Ahead(evidence, unit.now()), problem: None, ..code };
    unit.update_code(&code)?;
    unit.note(code.access_code_id, &JournalEntry::PutAhead(evidence))?;
    unit.emit(EventType::AccessCodeScheduledOnDevice, &code, Map::new())
}

/// How a code ceased to be in its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// We cleared it, and the lock proved that.
    Cleared(Evidence),
    /// The lock said that the slot is free.
    SlotIsFree,
    /// The lock showed another PIN in the slot: somebody put it there.
    Replaced,
}

/// The lock has proven that the code is not in it.
pub(super) fn gone(unit: &mut Unit<'_>, id: AccessCodeId, how: Gone) -> Result<(), StoreError> {
    let Some(mut code) = unit.code(id)? else { return Ok(()) };
    let was_in = matches!(code.presence, Presence::Proven(..));
    let wanted = code.is_wanted(unit.now());
    // By a clock that was wrong it may have been told to be set already.
    let never_began = code.deleted_at.is_none() && code.is_put_ahead(unit.now()) && !is_told_set(unit, id)?;
    (code.presence, code.kept) = (Presence::Absent, None);
    code.problem = code.problem.filter(|problem| wanted && problem.kind.keeps_out());
    unit.update_code(&code)?;
    let evidence = match how {
        Gone::Cleared(evidence) => evidence,
        Gone::SlotIsFree | Gone::Replaced => Evidence::ReadBack,
    };
    if wanted {
        let kind = match how {
            Gone::Replaced => ProblemKind::ModifiedExternally,
            Gone::Cleared(_) | Gone::SlotIsFree if was_in => ProblemKind::RemovedExternally,
            // What took it out, and was not heard to have done so, was ordered before it was wanted again.
            Gone::Cleared(_) | Gone::SlotIsFree if is_told_set(unit, id)? => {
                unit.note(id, &JournalEntry::Confirmed(CodeChange::Clear, evidence))?;
                return unit.emit(EventType::AccessCodeRemovedFromDevice, &code, Map::new());
            }
            // It never got in; it is simply not there yet.
            Gone::Cleared(_) | Gone::SlotIsFree => return Ok(()),
        };
        return changed_by_hand(unit, &code, kind);
    }
    if let Some(since) = code.over_since(unit.now()).filter(|since| *since <= unit.now()) {
        unit.tally_delay(CodeChange::Clear, since.max(code.ordered_at).until(unit.now()));
    }
    unit.note(id, &JournalEntry::Confirmed(CodeChange::Clear, evidence))?;
    if never_began {
        // It goes in again before its start, or at it.
        return Ok(());
    }
    match code.origin {
        CodeOrigin::Hand => {
            let slot = Map::from_iter([("slot".to_owned(), json!(code.slot.0))]);
            unit.emit(EventType::AccessCodeUnmanagedRemoved, &code, slot)
        }
        // The code itself is told of when it is set with its new PIN.
        CodeOrigin::Former { .. } => Ok(()),
        CodeOrigin::Device(_) | CodeOrigin::Grant { .. } if faults::is(Fault::RemovalUntold) => settle(unit, &code),
        CodeOrigin::Device(_) | CodeOrigin::Grant { .. } => {
            unit.emit(EventType::AccessCodeRemovedFromDevice, &code, Map::new())?;
            settle(unit, &code)
        }
    }
}

/// Somebody changed or removed a code at the lock. It is put right, or left as it is where the host allows that.
pub(super) fn changed_by_hand(unit: &mut Unit<'_>, code: &AccessCode, kind: ProblemKind) -> Result<(), StoreError> {
    let (event, what) = match kind {
        ProblemKind::RemovedExternally => (EventType::AccessCodeDeletedExternally, "removed"),
        _ => (EventType::AccessCodeModifiedExternally, "changed"),
    };
    unit.note(code.access_code_id, &JournalEntry::ExternallyChanged)?;
    if code.is_external_modification_allowed() {
        let message = format!("{what} at the lock, which is allowed for this code; it is left so until it is updated");
        let problem = Some(CodeProblem { kind, message, since: unit.now() });
        unit.update_code(&AccessCode { problem, ..code.clone() })?;
    }
    unit.emit(event, code, Map::new())
}

/// Its method is told to be revoked once all its codes are out for good.
pub(super) fn settle(unit: &mut Unit<'_>, code: &AccessCode) -> Result<(), StoreError> {
    match code.access_method_id() {
        Some(method) => unit.settle_method(method),
        None => Ok(()),
    }
}

/// A problem stands for the code from now on (`None`: none does any more). What is news is told.
pub(super) fn set_problem(
    unit: &mut Unit<'_>,
    code: &AccessCode,
    problem: Option<CodeProblem>,
) -> Result<(), StoreError> {
    if problem == code.problem {
        return Ok(());
    }
    let code = AccessCode { problem, ..code.clone() };
    unit.update_code(&code)?;
    let Some(problem) = &code.problem else { return Ok(()) };
    // Later, it is the lock that is told of: not each code that waits for it.
    let waits = problem.kind == ProblemKind::WillNotWork && code.ordered_at.after(NEW) < unit.now();
    let Some(event) = problem.kind.event().filter(|_| !waits) else { return Ok(()) };
    let details = Map::from_iter([("message".to_owned(), json!(problem.message))]);
    unit.emit(event, &code, details.clone())?;
    match problem.kind {
        ProblemKind::DelayInSetting | ProblemKind::FailedToSet => unit.not_issued(&code, details),
        _ => Ok(()),
    }
}

/// A refusal: a person must act.
pub(super) fn refused(unit: &mut Unit<'_>, id: AccessCodeId, kind: ProblemKind, why: &str) -> Result<(), StoreError> {
    let Some(code) = unit.code(id)? else { return Ok(()) };
    if code.problem.as_ref().is_some_and(|problem| problem.kind == kind && problem.message == why) {
        return Ok(());
    }
    let problem = CodeProblem { kind, message: why.to_owned(), since: unit.now() };
    set_problem(unit, &code, Some(problem))
}

fn tell_of_method(
    unit: &mut Unit<'_>,
    event: EventType,
    code: &AccessCode,
    details: Map<String, Value>,
) -> Result<(), StoreError> {
    let subject = EventSubject { device_id: None, access_code_id: None, ..code.into() };
    unit.emit(event, subject, details)
}

/// I4: inside the window a method is issued when every door has proven it.
fn all_doors_proven(unit: &mut Unit<'_>, code: &AccessCode, first: bool) -> Result<(), StoreError> {
    let CodeOrigin::Grant { access_grant_id, access_method_id, .. } = code.origin else { return Ok(()) };
    let proven = |code: &AccessCode| matches!(code.presence, Presence::Proven(..));
    if !codes_of(unit, access_method_id)?.iter().all(proven) {
        return Ok(());
    }
    if let Some(mut method) = unit.method(access_method_id)?
        && method.issued_at.is_none()
    {
        method.issued_at = Some(unit.now());
        unit.update_method(&method)?;
        tell_of_method(unit, EventType::AccessMethodIssued, code, Map::new())?;
    }
    // A code that was put back makes this no news.
    let mut all = first;
    for method in unit.methods_of_grant(access_grant_id)? {
        all = all && codes_of(unit, method.access_method_id)?.iter().all(proven);
    }
    if all {
        let subject = EventSubject { device_id: None, access_code_id: None, access_method_id: None, ..code.into() };
        unit.emit(EventType::AccessGrantAccessGrantedToAllDoors, subject, Map::new())?;
    }
    Ok(())
}

fn codes_of(unit: &mut Unit<'_>, method: AccessMethodId) -> Result<Vec<AccessCode>, StoreError> {
    let mut codes = unit.codes_of_method(method)?;
    codes.retain(|code| code.deleted_at.is_none());
    Ok(codes)
}

/// Whether the last that was told of it is that it is set.
fn is_told_set(unit: &mut Unit<'_>, id: AccessCodeId) -> Result<bool, StoreError> {
    let confirmed = |entry: &JournalEntry| match entry {
        JournalEntry::Confirmed(change, _) => Some(*change == CodeChange::Set),
        _ => None,
    };
    Ok(unit.journal(id)?.iter().rev().find_map(|(_, entry)| confirmed(entry)).unwrap_or(false))
}

fn was_proven(unit: &mut Unit<'_>, id: AccessCodeId) -> Result<bool, StoreError> {
    let set = |entry: &JournalEntry| matches!(entry, JournalEntry::Confirmed(CodeChange::Set, _));
    Ok(unit.journal(id)?.iter().any(|(_, entry)| set(entry)))
}
