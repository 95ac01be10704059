//! One code on one device: what is wanted, and what the lock has proven.

use keyway_lock::{Evidence, Minute, Pin, SlotContent, SlotNumber, SlotWindow, WallTime};

use super::{
    AccessCodeId, AccessGrantId, AccessMethodId, DeviceId, EventType, Schedule, Timestamp, UserIdentityId, Window,
};

/// What is known of a code in its lock. The lock's own word, never our wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Proven not in the lock, or never sent.
    Absent,
    /// A set or clear was begun and its outcome is not proven: the slot must be read.
    Unproven,
    /// Proven in the lock ahead of its time, which the lock keeps by itself ([`AccessCode::kept`]): how, and when. That it
    /// opens is not proven before it should.
    Ahead(Evidence, Timestamp),
    /// Proven in the lock: how, and when.
    Proven(Evidence, Timestamp),
}

/// 2000-01-01 and 2100-01-01: the years that locks write, with two digits.
const EARLIEST: WallTime = WallTime(946_684_800_000_000);
/// See above.
const LATEST: WallTime = WallTime(4_102_444_800_000_000);

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
    /// Changed by hand at the lock, which is allowed for this code: it is left as it is until the host changes it.
    ModifiedExternally,
    /// Removed by hand at the lock, which is allowed for this code: likewise.
    RemovedExternally,
}

impl ProblemKind {
    /// Whether the code is not put into its lock (again) while this stands.
    pub fn keeps_out(self) -> bool {
        self == Self::FailedToSet || self.is_by_hand()
    }

    /// Whether somebody did this at the lock, and it is left as it is.
    pub fn is_by_hand(self) -> bool {
        matches!(self, Self::ModifiedExternally | Self::RemovedExternally)
    }

    /// What a host is told when this begins. `None`: it is told what somebody did at the lock instead.
    pub fn event(self) -> Option<EventType> {
        match self {
            Self::WillNotWork | Self::DelayInSetting => Some(EventType::AccessCodeDelayInSetting),
            Self::FailedToSet => Some(EventType::AccessCodeFailedToSet),
            Self::DelayInRemoving => Some(EventType::AccessCodeDelayInRemoving),
            Self::FailedToRemove => Some(EventType::AccessCodeFailedToRemove),
            Self::ModifiedExternally | Self::RemovedExternally => None,
        }
    }
}

/// Whom a managed code is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeOrigin {
    /// A grant made it.
    Grant {
        /// Which grant.
        access_grant_id: AccessGrantId,
        /// Which of its methods.
        access_method_id: AccessMethodId,
        /// Whose grant that is.
        user_identity_id: UserIdentityId,
    },
    /// The host made it directly on this device, or had it taken over from somebody's hand.
    Device(DeviceCode),
    /// Somebody put it in by hand, and the host has ordered it out: it is taken out, or the order lapses because
    /// something else is in the slot by then (I3). Always deleted.
    Hand,
    /// What a code was in its lock before the host gave it another PIN: it is taken out. Always deleted.
    Former {
        /// Of which code.
        access_code_id: AccessCodeId,
    },
}

/// What only a code made directly on one device has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceCode {
    /// Name the host gave.
    pub name: Option<String>,
    /// Codes with the same key were made together and have the same PIN.
    pub common_code_key: Option<String>,
    /// A change by hand at the lock is left as it is, and told, instead of being put right.
    pub is_external_modification_allowed: bool,
    /// A preferred length was asked for that the lock does not take: the length asked for, in digits.
    pub refused_length: Option<u8>,
}

/// A managed code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessCode {
    /// Id.
    pub access_code_id: AccessCodeId,
    /// Whom it is from.
    pub origin: CodeOrigin,
    /// In which lock.
    pub device_id: DeviceId,
    /// In which slot: reserved at creation for the whole window, fixed once written.
    pub slot: SlotNumber,
    /// The PIN; `None` once purged.
    pub pin: Option<Pin>,
    /// When it is wanted.
    pub window: Window,
    /// Within the window only at these times; `None`: all the time.
    pub schedule: Option<Schedule>,
    /// Deleted: not wanted from here on, whatever the window says.
    pub deleted_at: Option<Timestamp>,
    /// What the lock has proven.
    pub presence: Presence,
    /// The window outside of which the lock does not open for it, by its own clock: proven with its presence, and while
    /// that is not proven, what it may have been told. `None`: none.
    pub kept: Option<SlotWindow>,
    /// What stands in the way, if anything.
    pub problem: Option<CodeProblem>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the host last said what it should be: made it, moved it, gave it another PIN, or had it tried again.
    pub ordered_at: Timestamp,
}

impl AccessCode {
    /// Whether the lock should hold it at `now`.
    pub fn is_wanted(&self, now: Timestamp) -> bool {
        self.deleted_at.is_none() && self.pin.is_some() && self.occurrence(now).is_some_and(|time| time.contains(now))
    }

    /// The time that `now` lies in, or else the next one, in which it is wanted unless deleted: its window, or one of
    /// its schedule's. `None`: none is left.
    pub fn occurrence(&self, now: Timestamp) -> Option<Window> {
        self.window.occurrence(self.schedule.as_ref(), now)
    }

    /// The window that a lock which can is to keep it to, in the time that `now` lies in, or that is next: as long as that
    /// has not begun, no earlier than it does. The end is the first whole minute behind it, and the hub is more exact.
    /// `None`: that time has no end, or one that no lock can write down.
    pub fn window_for_lock(&self, now: Timestamp) -> Option<SlotWindow> {
        let time = self.occurrence(now)?;
        let wall = |moment: Timestamp| WallTime(moment.as_microsecond());
        let (starts_at, ends_at) = (wall(time.starts_at), wall(time.ends_at?));
        let from = if time.starts_at <= now { Minute::of(starts_at) } else { Minute::from(starts_at) };
        let window = SlotWindow { from, until: Minute::from(ends_at) };
        (window.from < window.until && EARLIEST <= window.from.start() && window.until.start() < LATEST)
            .then_some(window)
    }

    /// Whether its lock has proven it, and keeps it to a time that ends before the one it is wanted for: whoever stays longer
    /// than was said at first would stand outside.
    pub fn is_cut_short(&self, now: Timestamp) -> bool {
        let (Some(kept), Presence::Proven(..)) = (self.kept, self.presence) else { return false };
        let closes_before = |end: Timestamp| kept.until < Minute::from(WallTime(end.as_microsecond()));
        self.is_wanted(now) && self.occurrence(now).is_some_and(|time| time.ends_at.is_none_or(closes_before))
    }

    /// Whether it is in its lock, or may be.
    pub fn is_in_lock(&self) -> bool {
        self.presence != Presence::Absent
    }

    /// Since when it should be in its lock, in the time of its own that is now or comes next: since that begins, or since
    /// the host ordered it, whichever is later. `None`: there is no such time.
    pub fn due_since(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.occurrence(now)?.starts_at.max(self.ordered_at))
    }

    /// Whether its lock has proven that it is in it.
    pub fn is_proven(&self) -> bool {
        matches!(self.presence, Presence::Ahead(..) | Presence::Proven(..))
    }

    /// Whether it is in its lock ahead of its time, as it should be.
    pub fn waits_in_lock(&self, now: Timestamp) -> bool {
        let ahead = matches!(self.presence, Presence::Ahead(..)) && self.deleted_at.is_none();
        ahead && self.kept.is_some() && self.kept == self.window_for_lock(now)
    }

    /// Whether it was put into its lock ahead of a time that has not begun, or is being so.
    pub fn is_put_ahead(&self, now: Timestamp) -> bool {
        self.presence != Presence::Absent
            && self.kept.is_some_and(|window| window.from.start().0 > now.as_microsecond())
    }

    /// Since when it is not wanted any more, if it ever was: deleted, or the end of the last time in which it was.
    pub fn over_since(&self, now: Timestamp) -> Option<Timestamp> {
        let end = || match &self.schedule {
            Some(schedule) => schedule.last_end(&self.window, now),
            None => self.window.ends_at,
        };
        self.deleted_at.or_else(end)
    }

    /// The moments around `now` at which it comes to be wanted, or ceases to be: those of the time that `now` lies in or
    /// that is next, and the end of the one before.
    pub fn edges(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> + use<> {
        let (before, next) = match &self.schedule {
            Some(schedule) => (schedule.last_end(&self.window, now), self.occurrence(now)),
            None => (None, Some(self.window)),
        };
        let next = next.map(|time| [Some(time.starts_at), time.ends_at]);
        before.into_iter().chain(next.into_iter().flatten().flatten())
    }

    /// Whether nothing will ever be asked of the lock for it again. Until then its slot and PIN are reserved, also
    /// between the times of a schedule.
    pub fn is_finished(&self, now: Timestamp) -> bool {
        self.presence == Presence::Absent && (self.deleted_at.is_some() || self.window.is_over(now))
    }

    /// Whether it is out of its lock for good, though its window may not be over: no time of its schedule is left.
    pub fn is_done(&self, now: Timestamp) -> bool {
        self.presence == Presence::Absent && (self.deleted_at.is_some() || self.occurrence(now).is_none())
    }

    /// Of which grant; `None`: of none.
    pub fn access_grant_id(&self) -> Option<AccessGrantId> {
        match self.origin {
            CodeOrigin::Grant { access_grant_id, .. } => Some(access_grant_id),
            CodeOrigin::Device(_) | CodeOrigin::Hand | CodeOrigin::Former { .. } => None,
        }
    }

    /// Of which method; `None`: of none.
    pub fn access_method_id(&self) -> Option<AccessMethodId> {
        match self.origin {
            CodeOrigin::Grant { access_method_id, .. } => Some(access_method_id),
            CodeOrigin::Device(_) | CodeOrigin::Hand | CodeOrigin::Former { .. } => None,
        }
    }

    /// Whose grant's; `None`: of no grant.
    pub fn user_identity_id(&self) -> Option<UserIdentityId> {
        match self.origin {
            CodeOrigin::Grant { user_identity_id, .. } => Some(user_identity_id),
            CodeOrigin::Device(_) | CodeOrigin::Hand | CodeOrigin::Former { .. } => None,
        }
    }

    /// What only a code made directly on a device has.
    pub fn device_code(&self) -> Option<&DeviceCode> {
        match &self.origin {
            CodeOrigin::Device(code) => Some(code),
            CodeOrigin::Grant { .. } | CodeOrigin::Hand | CodeOrigin::Former { .. } => None,
        }
    }

    /// Whether a change by hand is left as it is.
    pub fn is_external_modification_allowed(&self) -> bool {
        self.device_code().is_some_and(|code| code.is_external_modification_allowed)
    }

    /// The problem, if it still says something at `now`: what was being tried is over with the code, a refusal stays.
    pub fn standing_problem(&self, now: Timestamp) -> Option<&CodeProblem> {
        let refused = |problem: &&CodeProblem| problem.kind == ProblemKind::FailedToSet;
        self.problem.as_ref().filter(|problem| !self.is_finished(now) || refused(problem))
    }

    /// Seam's status at `now`.
    pub fn status(&self, now: Timestamp) -> CodeStatus {
        let left_as_it_is = self.problem.as_ref().is_some_and(|problem| problem.kind.is_by_hand());
        match (self.is_wanted(now), self.presence) {
            (true, Presence::Proven(..)) if !self.is_cut_short(now) => CodeStatus::Set,
            (true, _) if left_as_it_is => CodeStatus::Unset,
            (true, _) => CodeStatus::Setting,
            // As Seam has it: a code that its lock keeps for later is not set before its start.
            (false, _) if self.deleted_at.is_none() && self.is_put_ahead(now) => CodeStatus::Unset,
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
