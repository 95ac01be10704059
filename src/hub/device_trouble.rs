//! What is wrong with a device, or with the codes in it.

use keyway_lock::{InterviewProgress, InterviewStage, LinkReport, LinkTrouble};

use super::trouble::{ErrorEntry, WarningEntry};
use crate::model::{AccessCode, Device, Gone, ProblemKind, Timestamp};
use crate::plan::warn::{self, Health};

/// What a person must act on.
pub(super) fn errors(device: &Device, codes: &[AccessCode], now: Timestamp) -> Vec<ErrorEntry> {
    let mut errors = Vec::new();
    if !device.is_configured {
        let message = match device.state.gone {
            Some(Gone::Reset) => {
                "the lock was reset to factory settings by hand, and has left the network: its codes are most likely gone. \
                 Add it again (keyway pair); if that makes a new device, give its grants that one, and delete this one"
            }
            Some(Gone::TakenOut) => {
                "the lock was taken out of the network: add it again (keyway pair), or delete the device"
            }
            None => "the lock is not in the hub's configuration any more: put it back, or delete the device",
        };
        errors.push(ErrorEntry::new("device_removed", message, device.created_at).of_device());
    } else if !device.state.online {
        let since = device.state.last_seen.unwrap_or(device.created_at);
        let message = format!("the lock does not answer; last heard {since}. Check its battery and its distance");
        errors.push(ErrorEntry::new("device_offline", message, since).of_device());
    }
    if let Some(error) = closed_to_guests(device, codes, now) {
        errors.push(error);
    }
    for code in codes {
        let Some(problem) = &code.problem else { continue };
        let name = match problem.kind {
            ProblemKind::FailedToSet => "failed_to_set_access_code",
            ProblemKind::FailedToRemove | ProblemKind::DelayInRemoving => "failed_to_remove_access_code",
            ProblemKind::DelayInSetting if code.window.contains(now) => "failed_to_set_access_code",
            ProblemKind::DelayInSetting
            | ProblemKind::WillNotWork
            | ProblemKind::ModifiedExternally
            | ProblemKind::RemovedExternally => continue,
        };
        let error = ErrorEntry::new(name, problem.message.clone(), problem.since);
        errors.push(error.of_device().about(code.access_code_id));
    }
    errors
}

/// A keypad that lets no guest in, while there are guests who have a code or wait for one.
fn closed_to_guests(device: &Device, codes: &[AccessCode], now: Timestamp) -> Option<ErrorEntry> {
    let mode = Health::of(device, false).closed_to_guests?;
    let waits = |code: &AccessCode| code.deleted_at.is_none() && code.window.ends_at.is_none_or(|end| now < end);
    let count = codes.iter().filter(|code| waits(code)).count();
    let message = format!("{}. Codes that wait for it: {count}", warn::closed_to_guests(mode));
    let since = device.state.last_seen.unwrap_or(device.created_at);
    (count > 0).then(|| ErrorEntry::new("keypad_closed_to_guests", message, since).of_device())
}

/// What may go wrong.
pub(super) fn warnings(device: &Device, codes: &[AccessCode]) -> Vec<WarningEntry> {
    let mut warnings = Vec::new();
    let seen = device.state.last_seen.unwrap_or(device.created_at);
    let mut add = |name, message: &str, since| warnings.push(WarningEntry::new(name, message, since));
    let how_far = |stage: &InterviewStage| format!("stage {} of {}, {}", stage.stage, stage.stages, stage.name);
    match (&device.info, &device.interview) {
        (None, InterviewProgress::Idle) => {
            add("interview_incomplete", "the lock is still being asked what it can do", seen);
        }
        (None, InterviewProgress::Asking(stage)) => {
            let message = format!("the lock is still being asked what it can do: {}", how_far(stage));
            add("interview_incomplete", &message, seen);
        }
        (None, InterviewProgress::Waiting(stage)) => {
            let message = format!(
                "the lock does not answer while it is asked what it can do ({}): it goes on when the lock is heard. \
                 Wake it at its keypad, and see to its battery and its distance",
                how_far(stage)
            );
            add("interview_incomplete", &message, seen);
        }
        (Some(info), _) if !info.missing.is_empty() => {
            add("interview_incomplete", &format!("not found out yet: {}", info.missing.join(", ")), seen);
        }
        (Some(_), _) => {}
    }
    if let Some(mode) = Health::of(device, false).closed_to_guests {
        add("keypad_closed_to_guests", &warn::closed_to_guests(mode), seen);
    }
    if let Some((name, message)) = device.link.as_ref().and_then(link_trouble) {
        add(name, &message, seen);
    }
    if device.state.battery_low {
        add("low_battery", "the battery is low: change it", seen);
    }
    let battery = device.state.battery_details.unwrap_or_default();
    if battery.is_disconnected {
        add("battery_disconnected", "the battery is not there, or not connected: see to it", seen);
    }
    if battery.is_overheating {
        add("battery_overheating", "the battery is too hot: take it out", seen);
    }
    if device.state.jammed {
        add("jammed", "the bolt is stuck: see to the door", seen);
    }
    for problem in codes.iter().filter_map(|code| code.problem.as_ref()) {
        if problem.kind == ProblemKind::WillNotWork {
            add("access_code_will_not_work", &problem.message, problem.since);
        }
    }
    warnings
}

/// What is wrong with the way to a lock, before a guest stands at it.
fn link_trouble(link: &LinkReport) -> Option<(&'static str, String)> {
    let LinkReport { frames, unanswered, repeated, .. } = link;
    Some(match link.trouble()? {
        LinkTrouble::Flaky => (
            "device_has_flaky_connection",
            format!(
                "of the last {frames} frames to the lock {unanswered} were not answered: put a repeater near it, or move the stick"
            ),
        ),
        LinkTrouble::Laboured => (
            "device_communication_degraded",
            format!(
                "of the last {frames} frames to the lock {repeated} needed several attempts: codes come late, and cost battery. \
                 Put a repeater near it, or move the stick"
            ),
        ),
        LinkTrouble::Weak => (
            "weak_signal",
            format!(
                "the lock is heard {}: a door that is shut or somebody in between may cut it off. Put a repeater near it, or \
                 move the stick",
                match link.signal {
                    Some(signal) => format!("with {signal} dBm, near the limit of {}", link.sensitivity),
                    None => format!("with a link quality of {} of 255", link.quality.unwrap_or(0)),
                }
            ),
        ),
    })
}
