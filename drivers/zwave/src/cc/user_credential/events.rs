//! What a report that nobody asked for means.

use keyway_lock::{LockEvent, SlotNumber};

use super::{CredentialReport, CredentialReportType, PIN_CODE, UserCredentialCommand, UserReport, UserReportType};

/// What a command means for a lock's codes; `None`: nothing.
pub(crate) fn event_of(command: &[u8]) -> Option<LockEvent> {
    match UserCredentialCommand::decode(command).ok()? {
        UserCredentialCommand::UserReport(report) => of_user(&report),
        UserCredentialCommand::CredentialReport(report) => of_credential(&report),
        // The PIN may be honoured for another user's sake now: worth a look.
        UserCredentialCommand::AssociationReport { kind: PIN_CODE, slot, status: 0, .. } => {
            Some(LockEvent::CodeAdded(Some(SlotNumber(slot))))
        }
        _ => None,
    }
}

/// A user's slot is that of the same number. A user that is changed may be honoured no more: worth a look.
fn of_user(report: &UserReport) -> Option<LockEvent> {
    let slot = Some(SlotNumber(report.user.id));
    match (report.kind, report.user.id) {
        (UserReportType::Deleted, 0) => Some(LockEvent::AllCodesDeleted),
        (UserReportType::Deleted, _) => Some(LockEvent::CodeDeleted(slot)),
        (UserReportType::Added | UserReportType::Modified, _) => Some(LockEvent::CodeAdded(slot)),
        _ => None,
    }
}

fn of_credential(report: &CredentialReport) -> Option<LockEvent> {
    let credential = &report.credential;
    let slot = Some(SlotNumber(credential.slot)).filter(|slot| slot.0 != 0);
    match (report.kind, credential.kind) {
        (CredentialReportType::Deleted, PIN_CODE) if slot.is_some() => Some(LockEvent::CodeDeleted(slot)),
        // All of a user, of whatever type or of PINs; or of everybody.
        (CredentialReportType::Deleted, 0 | PIN_CODE) if credential.user != 0 => {
            Some(LockEvent::CodeDeleted(Some(SlotNumber(credential.user))))
        }
        (CredentialReportType::Deleted, 0 | PIN_CODE) => Some(LockEvent::AllCodesDeleted),
        (CredentialReportType::Added | CredentialReportType::Modified, PIN_CODE) => Some(LockEvent::CodeAdded(slot)),
        (CredentialReportType::Duplicate | CredentialReportType::DuplicateAdminCode, PIN_CODE) => {
            Some(LockEvent::DuplicateCode(slot))
        }
        _ => None,
    }
}
