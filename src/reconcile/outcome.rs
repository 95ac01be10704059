//! What a command's end means: presence, slots, history, events and problems, in one transaction.

use std::time::Duration;

use keyway_lock::{CommandError, CommandOutput, Evidence, LockStatus, Refusal, Retry, SlotContent, SlotReport};
use serde_json::{Map, json};

use super::codes::{self, Gone};
use super::{facts, log, tamper};
use crate::faults::{self, Fault};
use crate::model::{
    AccessCode, ActionAttempt, ActionAttemptId, ActionStatus, ActionType, Device, DeviceId, EventSubject, EventType,
    Presence, ProblemKind, Timestamp,
};
use crate::plan::{Step, Write};
use crate::store::{CodeChange, JournalEntry, StoreError, Unit};

/// What was heard last is written down this often, not with every frame.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// Writes down what came of a step. `before` is what was known of each code that it writes, before it was begun.
pub(super) fn apply(
    unit: &mut Unit<'_>,
    device: DeviceId,
    step: &Step,
    before: &[Presence],
    result: &Result<CommandOutput, CommandError>,
) -> Result<(), StoreError> {
    // Of a lock that is out of reach it was only asked whether it still is.
    if step.is_question() && *result == Err(CommandError::Offline) && !unit.is_online(device)? {
        return Ok(());
    }
    let Some(mut known) = unit.device(device)? else { return Ok(()) };
    match result {
        Ok(_) => heard(unit, &mut known)?,
        Err(CommandError::Offline) => lost(unit, &mut known)?,
        Err(_) => {}
    }
    match (step, result) {
        (Step::Read(_), Ok(CommandOutput::Slot(report))) => tamper::slot_word(unit, device, report),
        (Step::Read(_), Ok(CommandOutput::Slots { told, passed_over })) => {
            told.iter().try_for_each(|report| tamper::slot_word(unit, device, report))?;
            tamper::passed_over(unit, device, passed_over)
        }
        (Step::Read(slot), Err(CommandError::Refused(_))) => tamper::not_told(unit, device, *slot),
        (Step::Check(slots, _), Ok(CommandOutput::SlotsChecked(true))) => tamper::all_as_before(unit, device, slots),
        (Step::Check(_, agreed), Ok(CommandOutput::SlotsChecked(false))) => {
            tracing::info!(%device, agreed, "the checksum over the lock's codes is another than that of what was read");
            if *agreed { unit.forget_slots(device) } else { Ok(()) }
        }
        (Step::Set(..), Ok(CommandOutput::CodeSet(evidence)))
        | (Step::Clear(..), Ok(CommandOutput::CodeCleared(evidence))) => {
            step.writes().iter().try_for_each(|write| written(unit, device, write, *evidence))
        }
        (Step::Together(writes, _), Ok(CommandOutput::CodesChanged(results))) => {
            for ((write, before), result) in writes.iter().zip(before).zip(results) {
                match result {
                    Ok(evidence) => written(unit, device, write, *evidence)?,
                    Err(error) => failed(unit, write, *before, error)?,
                }
            }
            Ok(())
        }
        (Step::CheckClock, Ok(CommandOutput::ClockChecked(right))) => {
            if *right {
                Ok(())
            } else {
                clock_wrong(unit, device)
            }
        }
        (Step::Act(id, _), Ok(output)) => {
            if let CommandOutput::Status(status) = output {
                status_told(unit, &mut known, status)?;
            }
            attempt_succeeded(unit, *id)
        }
        (Step::Log(_), Ok(CommandOutput::Log(reading))) => log::read(unit, device, reading),
        // It was heard: that is all.
        (Step::Ping, Ok(CommandOutput::Reached)) => Ok(()),
        (Step::Status, Ok(CommandOutput::Status(status))) => status_told(unit, &mut known, status),
        (Step::Set(..), Err(_)) if faults::is(Fault::ProofClaimed) => {
            step.writes().iter().try_for_each(|write| written(unit, device, write, Evidence::Supervised))
        }
        (Step::Set(..) | Step::Clear(..) | Step::Together(..), Err(error)) => {
            let writes = step.writes();
            writes.iter().zip(before).try_for_each(|(write, before)| failed(unit, write, *before, error))
        }
        (Step::Act(id, _), Err(error)) => act_failed(unit, &mut known, *id, error),
        (Step::Read(_) | Step::Check(..) | Step::CheckClock | Step::Status | Step::Ping | Step::Log(_), Err(_)) => {
            Ok(())
        }
        (step, Ok(output)) => {
            tracing::error!(%device, ?step, ?output, "the driver answered another question than it was asked");
            Ok(())
        }
    }
}

/// Counts how long the lock took for what the step writes.
pub(super) fn tally(unit: &mut Unit<'_>, step: &Step, result: &Result<CommandOutput, CommandError>, took: Duration) {
    for (place, write) in step.writes().iter().enumerate() {
        let proven = match result {
            Ok(CommandOutput::CodesChanged(results)) => results.get(place).is_some_and(Result::is_ok),
            result => result.is_ok(),
        };
        unit.tally_write(change_of(write), proven, took);
    }
}

/// What is done to a code by a write.
pub(super) fn change_of(write: &Write) -> CodeChange {
    if write.pin.is_some() { CodeChange::Set } else { CodeChange::Clear }
}

/// The lock has proven a write.
fn written(unit: &mut Unit<'_>, device: DeviceId, write: &Write, evidence: Evidence) -> Result<(), StoreError> {
    let content = match (&write.pin, evidence) {
        (None, _) => SlotContent::Free,
        (Some(pin), Evidence::ReadBack) => SlotContent::Code(pin.clone()),
        (Some(_), Evidence::Supervised | Evidence::ProgrammingEvent) => SlotContent::Hidden,
    };
    unit.put_slot(device, &SlotReport { slot: write.slot, content })?;
    if write.pin.is_some() {
        let kept = write.within.as_ref().map(|within| within.window);
        return codes::proven(unit, write.code, evidence, kept);
    }
    codes::gone(unit, write.code, Gone::Cleared(evidence))?;
    tamper::slot_got_free(unit, device)
}

fn failed(unit: &mut Unit<'_>, write: &Write, before: Presence, error: &CommandError) -> Result<(), StoreError> {
    let (id, change) = (write.code, change_of(write));
    unit.note(id, &JournalEntry::Failed(change, error.to_string()))?;
    match error {
        CommandError::Unproven if faults::is(Fault::RefusalInvented) => {
            codes::refused(unit, id, ProblemKind::FailedToSet, "nobody said so")
        }
        // It never went out, or the lock said that it did nothing. "Offline" is no such word: an acknowledgement may
        // get lost on its way, and the command not.
        // Of a code with a window some part may be written already.
        CommandError::NotReady | CommandError::Busy if write.within.is_none() => {
            let Some(code) = unit.code(id)? else { return Ok(()) };
            let code = AccessCode { presence: before, ..code };
            unit.update_code(&code)?;
            // It may have been deleted meanwhile, and never have been in.
            codes::settle(unit, &code)
        }
        // It is put in without one at its start, and what the lock has against that is told then.
        CommandError::Refused(refusal) if write.within.is_some() => {
            tracing::warn!(code = %id, %refusal, "the lock does not keep this code to a window: it is put in at its start");
            Ok(())
        }
        CommandError::Refused(refusal) => {
            let (kind, advice) = match change {
                CodeChange::Set => (ProblemKind::FailedToSet, advice(refusal)),
                CodeChange::Clear => (ProblemKind::FailedToRemove, "take it out at the lock"),
            };
            codes::refused(unit, id, kind, &format!("{error}: {advice}"))
        }
        CommandError::NotReady
        | CommandError::Busy
        | CommandError::StickGone
        | CommandError::Offline
        | CommandError::Unproven
        | CommandError::Jammed => Ok(()),
    }
}

/// The lock keeps windows by a clock that is wrong and can't be set: whether a code opens when it should is not known of any
/// that has one. Those that wait for their time are taken out, those whose time it is are put in without a window.
fn clock_wrong(unit: &mut Unit<'_>, device: DeviceId) -> Result<(), StoreError> {
    tracing::warn!(%device, "the lock's clock is wrong and can't be set: the hub keeps the times of its codes");
    for code in unit.codes_in_lock(device)?.into_iter().filter(|code| code.kept.is_some()) {
        if code.is_proven() {
            unit.update_code(&AccessCode { presence: Presence::Unproven, ..code })?;
        }
    }
    Ok(())
}

/// What a person can do about a refused code.
fn advice(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::DuplicatePin => "take the other code out of the lock, or make a grant with another PIN",
        Refusal::MemoryFull => "take codes out of the lock that nobody needs any more",
        Refusal::UnsupportedLength { .. } | Refusal::UnsupportedDigit => "make a grant with another PIN",
        Refusal::NoSuchSlot { .. } => "interview the lock again",
        Refusal::NoKey(_) => "give the hub the key of this lock",
        Refusal::Rejected | Refusal::NotTaken(_) | Refusal::WindowNotKept | Refusal::NotSupported(_) => {
            "see to the lock, then update the grant or code to have it tried again"
        }
    }
}

/// The lock was heard.
pub(super) fn heard(unit: &mut Unit<'_>, device: &mut Device) -> Result<(), StoreError> {
    let now = unit.now();
    let news = !device.state.online;
    let stale = |seen: Option<Timestamp>| seen.is_none_or(|seen| seen > now || seen.until(now) >= SEEN_EVERY);
    facts::change_state(unit, device, |state| {
        state.online = true;
        // Whoever said that it was reset was wrong, or it is back.
        state.gone = None;
        if news || stale(state.last_seen) {
            state.last_seen = Some(now);
        }
    })?;
    let event = if device.is_managed { EventType::DeviceConnected } else { EventType::DeviceUnmanagedConnected };
    if news { unit.emit(event, device.device_id, Map::new()) } else { Ok(()) }
}

/// The lock can't be reached.
pub(super) fn lost(unit: &mut Unit<'_>, device: &mut Device) -> Result<(), StoreError> {
    if !device.state.online {
        return Ok(());
    }
    facts::change_state(unit, device, |state| state.online = false)?;
    let event = if device.is_managed { EventType::DeviceDisconnected } else { EventType::DeviceUnmanagedDisconnected };
    unit.emit(event, device.device_id, Map::new())
}

fn status_told(unit: &mut Unit<'_>, device: &mut Device, status: &LockStatus) -> Result<(), StoreError> {
    facts::change_state(unit, device, |state| {
        state.locked = status.locked.or(state.locked);
        state.door_open = status.door_open.or(state.door_open);
    })?;
    if let Some(details) = status.battery_details {
        super::battery::details(unit, device, details)?;
    }
    if status.battery_percent.is_none() && !status.battery_low {
        return Ok(());
    }
    super::battery::told(unit, device, status.battery_percent, status.battery_low)
}

/// Why a lock or unlock did not work.
pub(super) struct Failure {
    pub(super) error_type: &'static str,
    pub(super) message: String,
}

fn act_failed(
    unit: &mut Unit<'_>,
    device: &mut Device,
    id: ActionAttemptId,
    error: &CommandError,
) -> Result<(), StoreError> {
    let Some(attempt) = unit.action_attempt(id)? else { return Ok(()) };
    if error.retry() == Retry::Soon && unit.now() < attempt.expires_at {
        return Ok(());
    }
    if *error == CommandError::Jammed {
        facts::change_state(unit, device, |state| state.jammed = true)?;
    }
    let error_type = match error {
        CommandError::NotReady if attempt.action_type == ActionType::Interview => {
            let message = "the lock did not tell all that is needed: it is asked again by and by".to_owned();
            return attempt_failed(unit, &attempt, Failure { error_type: "interview_incomplete", message });
        }
        CommandError::NotReady | CommandError::StickGone | CommandError::Offline => "device_offline",
        CommandError::Busy => "device_busy",
        CommandError::Unproven => "not_confirmed",
        CommandError::Jammed => "jammed",
        CommandError::Refused(_) => "refused",
    };
    attempt_failed(unit, &attempt, Failure { error_type, message: error.to_string() })
}

/// Attempts of a run that was broken off: whether they were carried out is not known, and nobody waits any more.
pub(super) fn give_up_attempts(unit: &mut Unit<'_>, device: DeviceId) -> Result<(), StoreError> {
    for attempt in unit.pending_action_attempts(device)? {
        let message = "the hub was started anew meanwhile: look at the door, and ask again".to_owned();
        attempt_failed(unit, &attempt, Failure { error_type: "interrupted", message })?;
    }
    Ok(())
}

/// An attempt did not work.
pub(super) fn attempt_failed(unit: &mut Unit<'_>, attempt: &ActionAttempt, failure: Failure) -> Result<(), StoreError> {
    let event = match attempt.action_type {
        ActionType::LockDoor => EventType::ActionLockFailed,
        ActionType::UnlockDoor => EventType::ActionUnlockFailed,
        ActionType::ConfigureAutoLock(_) => EventType::ActionAutoLockFailed,
        ActionType::ConfigureKeypadMode(_) => EventType::ActionKeypadModeFailed,
        ActionType::ConfigureAdminCode(_) => EventType::ActionAdminCodeFailed,
        ActionType::ConfigureBolt(_) => EventType::ActionBoltFailed,
        ActionType::ReadParameter(_) => EventType::ActionReadParameterFailed,
        ActionType::SetParameter(..) => EventType::ActionSetParameterFailed,
        ActionType::Identify => EventType::ActionIdentifyFailed,
        ActionType::Ping => EventType::ActionPingFailed,
        ActionType::Interview => EventType::ActionInterviewFailed,
    };
    let Failure { error_type, message } = failure;
    end(unit, attempt, ActionStatus::Error { error_type: error_type.to_owned(), message }, event)
}

fn attempt_succeeded(unit: &mut Unit<'_>, id: ActionAttemptId) -> Result<(), StoreError> {
    let Some(attempt) = unit.action_attempt(id)? else { return Ok(()) };
    let event = match attempt.action_type {
        ActionType::LockDoor => EventType::ActionLockSucceeded,
        ActionType::UnlockDoor => EventType::ActionUnlockSucceeded,
        ActionType::ConfigureAutoLock(_) => EventType::ActionAutoLockSucceeded,
        ActionType::ConfigureKeypadMode(_) => EventType::ActionKeypadModeSucceeded,
        ActionType::ConfigureAdminCode(_) => EventType::ActionAdminCodeSucceeded,
        ActionType::ConfigureBolt(_) => EventType::ActionBoltSucceeded,
        ActionType::ReadParameter(_) => EventType::ActionReadParameterSucceeded,
        ActionType::SetParameter(..) => EventType::ActionSetParameterSucceeded,
        ActionType::Identify => EventType::ActionIdentifySucceeded,
        ActionType::Ping => EventType::ActionPingSucceeded,
        ActionType::Interview => EventType::ActionInterviewSucceeded,
    };
    end(unit, &attempt, ActionStatus::Success, event)
}

fn end(unit: &mut Unit<'_>, attempt: &ActionAttempt, status: ActionStatus, event: EventType) -> Result<(), StoreError> {
    let word = if status == ActionStatus::Success { "success" } else { "error" };
    let action_type = attempt.action_type.name();
    unit.update_action_attempt(&ActionAttempt { status, ..attempt.clone() })?;
    let subject = EventSubject {
        device_id: Some(attempt.device_id),
        action_attempt_id: Some(attempt.action_attempt_id),
        ..EventSubject::default()
    };
    let details = Map::from_iter([("status".to_owned(), json!(word)), ("action_type".to_owned(), json!(action_type))]);
    unit.emit(event, subject, details)
}
