//! What a host must be told of a code, and when: well before the guest arrives (I2), and until a code that is over is
//! proven gone (I1).

use std::time::Duration;

use keyway_lock::KeypadMode;

use super::desired::{is_missing, is_overdue, is_upcoming};
use super::facts::Moment;
use crate::faults::{self, Fault};
use crate::model::{AccessCode, CodeProblem, Device, Gone, Presence, ProblemKind, Timestamp};

/// A change of a reachable lock takes a second or two; only after this is it late.
const GRACE: Duration = Duration::from_secs(10);
/// The same while nothing has gone wrong: a battery lock may be busy with another change.
const PATIENCE: Duration = Duration::from_secs(60);
/// So long before its start a code that would not work is a cause to act.
const NEAR: Duration = Duration::from_secs(3600);

/// What stays until the code is changed, whatever the lock does.
const LASTING: [ProblemKind; 3] =
    [ProblemKind::FailedToSet, ProblemKind::ModifiedExternally, ProblemKind::RemovedExternally];
const TRIED_ON: &str = "It is being tried on";

/// How the lock does, as far as a problem depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether it can be written to.
    pub reach: Reach,
    /// The last command for this code, or for the lock, failed.
    pub failing: bool,
    /// Why no guest's code opens it, if none does.
    pub closed_to_guests: Option<Closed>,
}

/// Why no guest's code opens a lock, though it holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The mode of its keypad.
    Keypad(KeypadMode),
    /// A parameter of its model.
    Parameter,
}

/// Whether a lock can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It answered when last spoken to.
    Online,
    /// It did not.
    Offline,
    /// It was taken out of the configuration, or out of its network.
    Removed,
    /// It was reset by hand, and leaves its network by that.
    Reset,
    /// The host has said that nothing is to be written to it.
    Unmanaged,
}

impl Health {
    /// Of a lock.
    pub fn of(device: &Device, failing: bool) -> Self {
        let reach = match device {
            Device { state, .. } if state.gone == Some(Gone::Reset) => Reach::Reset,
            Device { is_configured: false, .. } => Reach::Removed,
            Device { is_managed: false, .. } => Reach::Unmanaged,
            Device { state, .. } if state.online => Reach::Online,
            Device { .. } => Reach::Offline,
        };
        let settings = device.info.as_ref().map(|info| &info.settings);
        let mode = settings.and_then(|settings| settings.keypad.as_ref()).map(|keypad| keypad.mode);
        let keypad = mode.filter(|mode| *mode != KeypadMode::Normal).map(Closed::Keypad);
        let closed = settings.is_some_and(|settings| settings.parameters.iter().any(|known| known.closed_to_guests));
        let closed_to_guests = keypad.or(closed.then_some(Closed::Parameter));
        Self { reach, failing, closed_to_guests }
    }

    /// Whether the lock would take a guest's code, and let him in by it.
    pub fn is_well(self) -> bool {
        self.reach == Reach::Online && self.closed_to_guests.is_none()
    }
}

/// The problem that stands for this code now. One that already stands and still holds is kept as it is; a `since` of
/// now means that it is news.
pub fn problem(code: &AccessCode, health: Health, now: Moment) -> Option<CodeProblem> {
    let old = code.problem.clone();
    if !now.trusted || faults::is(Fault::AlarmSilent) {
        return old;
    }
    if is_overdue(code, now) {
        let sentence = "the code is over and not proven gone from the lock yet";
        let early = code.deleted_at.is_none() && code.is_put_ahead(now.utc);
        let sentence = if early { "the code may open before its start" } else { sentence };
        let tells = match health.reach {
            Reach::Online if early => health.failing,
            Reach::Online => late(over(code, now), GRACE, now),
            // Nobody can take it out: no grace makes that better.
            Reach::Offline | Reach::Removed | Reach::Reset | Reach::Unmanaged => true,
        };
        let kind = tells.then(|| told(ProblemKind::DelayInRemoving, sentence, health, now));
        return keep(old, &[ProblemKind::FailedToRemove], kind);
    }
    let is_cut_short = now.trusted && code.is_cut_short(now.utc);
    if is_missing(code, now) || is_cut_short {
        let due = code.due_since(now.utc)?;
        let grace = match health.reach {
            Reach::Online if !health.failing => PATIENCE,
            Reach::Online => GRACE,
            // Whoever orders it at a lock that does not answer is told so at once.
            _ if due == code.ordered_at => Duration::ZERO,
            _ => GRACE,
        };
        if !late(due, grace, now) {
            return keep_any(old);
        }
        let sentence = match code.kept {
            Some(_) if is_cut_short => {
                "the lock keeps the code to the time that it had before, and closes to it too early"
            }
            Some(_) => "the code was put into the lock for this time, which has not proven yet that it opens",
            None => "the code is due and not proven in the lock yet",
        };
        let news = told(ProblemKind::DelayInSetting, sentence, health, now);
        // Told before the start that it might come to this: at the start it is news again.
        let old = old.filter(|old| old.kind != ProblemKind::DelayInSetting || old.since >= due);
        return keep(old, &LASTING, Some(news));
    }
    if is_upcoming(code, now) {
        let near = now.utc.until(code.occurrence(now.utc)?.starts_at) <= NEAR;
        let kind = if near { ProblemKind::DelayInSetting } else { ProblemKind::WillNotWork };
        let news = (health.reach != Reach::Online)
            .then(|| told(kind, "the code would not get into the lock now", health, now));
        return keep(old, &LASTING, news.or_else(|| opens_nothing(health, now)));
    }
    let is_in_force = matches!(code.presence, Presence::Proven(..)) && code.is_wanted(now.utc);
    let closed = is_in_force.then(|| opens_nothing(health, now)).flatten();
    keep(old.filter(|_| closed.is_some()), &[], closed)
}

/// The code is in the lock, or would be, and nobody gets in by it.
fn opens_nothing(health: Health, now: Moment) -> Option<CodeProblem> {
    let closed = health.closed_to_guests?;
    Some(CodeProblem { kind: ProblemKind::WillNotWork, message: closed_to_guests(closed), since: now.utc })
}

/// What this means for guests, and what to do.
pub fn closed_to_guests(closed: Closed) -> String {
    let Closed::Keypad(mode) = closed else {
        return "the lock is set to vacation or away: no guest's code opens the door. Set that back with \
                devices/set_parameter, or at the lock"
            .to_owned();
    };
    let then = match mode {
        KeypadMode::LockedOut => "It is lifted by itself after a while, or with locks/configure_keypad_mode",
        _ => "Set it to normal with locks/configure_keypad_mode, or at the lock",
    };
    let mode = mode.name().replace('_', " ");
    format!("the lock's keypad is in {mode} mode: no guest's code opens the door. {then}")
}

/// The moments at which the problem of a code may change by itself.
pub(super) fn changes(code: &AccessCode, now: Moment) -> impl Iterator<Item = Timestamp> + use<> {
    let start = code.occurrence(now.utc).map(|time| time.starts_at);
    let near = i64::try_from(NEAR.as_micros()).unwrap_or(i64::MAX);
    let near = start.and_then(|start| Timestamp::from_microsecond(start.as_microsecond().saturating_sub(near)));
    let due = code.due_since(now.utc);
    let over = over(code, now).after(GRACE);
    [near, due.map(|due| due.after(GRACE)), due.map(|due| due.after(PATIENCE)), Some(over)].into_iter().flatten()
}

/// Since when a code that should not be in its lock should not: its end, or what the host ordered since.
fn over(code: &AccessCode, now: Moment) -> Timestamp {
    let over = code.over_since(now.utc).filter(|over| *over <= now.utc);
    over.map_or(code.ordered_at, |over| over.max(code.ordered_at))
}

fn late(since: Timestamp, grace: Duration, now: Moment) -> bool {
    since.after(grace) <= now.utc
}

fn told(kind: ProblemKind, what: &str, health: Health, now: Moment) -> CodeProblem {
    let (why, then) = match (health.reach, health.failing) {
        (Reach::Offline, _) => ("the lock does not answer: check its battery and its distance to the hub", TRIED_ON),
        (Reach::Online, true) => ("the lock did not confirm the last try", TRIED_ON),
        (Reach::Online, false) => ("the lock is busy with other changes", TRIED_ON),
        (Reach::Removed, _) => ("the hub does not drive this lock any more", "See to it at the lock, or put it back"),
        (Reach::Reset, _) => (
            "the lock was reset to factory settings by hand, and has left the network",
            "Add it again (keyway pair); if that makes a new device, give its grants that one, and delete the old one",
        ),
        (Reach::Unmanaged, _) => ("the hub is told not to write to this lock", "See to it at the lock, or manage it"),
    };
    CodeProblem { kind, message: format!("{what}; {why}. {then}"), since: now.utc }
}

/// A problem of these kinds stays until the code is changed or the lock proves otherwise; one of the same kind as the
/// news stays as it is, so that its `since` holds.
fn keep(old: Option<CodeProblem>, lasting: &[ProblemKind], news: Option<CodeProblem>) -> Option<CodeProblem> {
    match (old, news) {
        (Some(old), _) if lasting.contains(&old.kind) => Some(old),
        (Some(old), Some(news)) if old.kind == news.kind => Some(old),
        (_, news) => news,
    }
}

/// Within the grace nothing new is said, and what was said stays.
fn keep_any(old: Option<CodeProblem>) -> Option<CodeProblem> {
    old.filter(|old| !matches!(old.kind, ProblemKind::DelayInRemoving | ProblemKind::FailedToRemove))
}
