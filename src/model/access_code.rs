//! One code on one device: what is wanted, and what the lock has proven.

use keyway_lock::{Evidence, Pin, SlotContent, SlotNumber};

use super::{AccessCodeId, AccessGrantId, AccessMethodId, DeviceId, Timestamp, UserIdentityId, Window};

/// What is known of a code in its lock. The lock's own word, never our wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Proven not in the lock, or never sent.
    Absent,
    /// A set or clear was begun and its outcome is not proven: the slot must be read.
    Unproven,
    /// Proven in the lock: how, and when.
    Proven(Evidence, Timestamp),
}

/// Seam's status of a code, derived from wish and proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeStatus {
    /// Waiting for its start, or over and gone.
    Unset,
    /// Due, not proven yet.
    Setting,
    /// Proven.
    Set,
    /// Not wanted any more, not proven gone.
    Removing,
}

/// What stands between a code and its wish; shown as errors of the code, its method and its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeProblem {
    /// What kind.
    pub kind: ProblemKind,
    /// The cause and what to do, in plain words. Never a PIN.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
}

/// Kinds of [`CodeProblem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Due, tried, and not in the lock yet; being tried on.
    DelayInSetting,
    /// The lock refuses it: a person must act.
    FailedToSet,
    /// Over, and not proven gone yet; being tried on.
    DelayInRemoving,
    /// The lock refuses to remove it: a person must act.
    FailedToRemove,
    /// Not due yet, but it would not work now (lock offline, full…).
    WillNotWork,
}

/// A managed code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessCode {
    /// Id.
    pub access_code_id: AccessCodeId,
    /// Of which method.
    pub access_method_id: AccessMethodId,
    /// Of which grant.
    pub access_grant_id: AccessGrantId,
    /// Whose.
    pub user_identity_id: UserIdentityId,
    /// In which lock.
    pub device_id: DeviceId,
    /// In which slot: reserved at creation for the window, fixed once written.
    pub slot: SlotNumber,
    /// The PIN; `None` once purged.
    pub pin: Option<Pin>,
    /// When it is wanted.
    pub window: Window,
    /// Deleted: not wanted from here on, whatever the window says.
    pub deleted_at: Option<Timestamp>,
    /// What the lock has proven.
    pub presence: Presence,
    /// What stands in the way, if anything.
    pub problem: Option<CodeProblem>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl AccessCode {
    /// Whether the lock should hold it at `now`.
    pub fn is_wanted(&self, now: Timestamp) -> bool {
        self.deleted_at.is_none() && self.pin.is_some() && self.window.contains(now)
    }

    /// Whether nothing will ever be asked of the lock for it again.
    pub fn is_finished(&self, now: Timestamp) -> bool {
        self.presence == Presence::Absent && (self.deleted_at.is_some() || self.window.is_over(now))
    }

    /// The problem, if it still says something at `now`: what was being tried is over with the code, a refusal stays.
    pub fn standing_problem(&self, now: Timestamp) -> Option<&CodeProblem> {
        let refused = |problem: &&CodeProblem| problem.kind == ProblemKind::FailedToSet;
        self.problem.as_ref().filter(|problem| !self.is_finished(now) || refused(problem))
    }

    /// Seam's status at `now`.
    pub fn status(&self, now: Timestamp) -> CodeStatus {
        match (self.is_wanted(now), self.presence) {
            (true, Presence::Proven(..)) => CodeStatus::Set,
            (true, _) => CodeStatus::Setting,
            (false, Presence::Absent) => CodeStatus::Unset,
            (false, _) => CodeStatus::Removing,
        }
    }
}

/// A code that a person put into a lock by hand: seen and listed, never touched unless asked (I3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmanagedCode {
    /// Id.
    pub access_code_id: AccessCodeId,
    /// In which lock.
    pub device_id: DeviceId,
    /// In which slot.
    pub slot: SlotNumber,
    /// What the lock shows of it: [`SlotContent::Code`], [`SlotContent::Hidden`] or [`SlotContent::Unusable`].
    pub content: SlotContent,
    /// When it was first seen.
    pub created_at: Timestamp,
}
