//! What is wrong with a device, or with the codes in it.

use super::trouble::{ErrorEntry, WarningEntry};
use crate::model::{AccessCode, Device, ProblemKind, Timestamp};

/// What a person must act on.
pub(super) fn errors(device: &Device, codes: &[AccessCode], now: Timestamp) -> Vec<ErrorEntry> {
    let mut errors = Vec::new();
    if !device.is_configured {
        let message = "the lock is not in the hub's configuration any more: put it back, or delete the device";
        errors.push(ErrorEntry::new("device_removed", message, device.created_at).of_device());
    } else if !device.state.online {
        let since = device.state.last_seen.unwrap_or(device.created_at);
        let message = format!("the lock does not answer; last heard {since}. Check its battery and its distance");
        errors.push(ErrorEntry::new("device_offline", message, since).of_device());
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

/// What may go wrong.
pub(super) fn warnings(device: &Device, codes: &[AccessCode]) -> Vec<WarningEntry> {
    let mut warnings = Vec::new();
    let seen = device.state.last_seen.unwrap_or(device.created_at);
    let mut warn = |name, message: &str, since| warnings.push(WarningEntry::new(name, message, since));
    match &device.info {
        None => warn("interview_incomplete", "the lock is still being asked what it can do", seen),
        Some(info) if !info.missing.is_empty() => {
            warn("interview_incomplete", &format!("not found out yet: {}", info.missing.join(", ")), seen);
        }
        Some(_) => {}
    }
    if device.state.battery_low {
        warn("low_battery", "the battery is low: change it", seen);
    }
    if device.state.jammed {
        warn("jammed", "the bolt is stuck: see to the door", seen);
    }
    for problem in codes.iter().filter_map(|code| code.problem.as_ref()) {
        if problem.kind == ProblemKind::WillNotWork {
            warn("access_code_will_not_work", &problem.message, problem.since);
        }
    }
    warnings
}
