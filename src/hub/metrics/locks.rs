//! How each lock does: whether it is heard, how well, and what it is behind with.

use std::collections::BTreeMap;
use std::time::Duration;

use super::name;
use super::text::Text;
use crate::model::{AccessCode, Device, Presence, ProblemKind, Timestamp};
use crate::plan::HORIZON;
use crate::store::{CodeChange, StoreError, Unit};

/// A lock and what is to be told of it.
struct Lock {
    id: String,
    device: Device,
    /// Changes of codes that are due.
    due: BTreeMap<CodeChange, u64>,
    /// For how long the oldest of them is.
    oldest: Duration,
    problems: BTreeMap<&'static str, u64>,
    pending: usize,
}

impl Lock {
    fn read(unit: &mut Unit<'_>, device: Device) -> Result<Self, StoreError> {
        let (id, now) = (device.device_id, unit.now());
        let mut due = BTreeMap::from([(CodeChange::Set, 0), (CodeChange::Clear, 0)]);
        let (mut oldest, mut problems) = (Duration::ZERO, BTreeMap::new());
        for code in unit.live_codes_until(id, now.after(HORIZON))? {
            if let Some((change, since)) = due_change(&code, now) {
                *due.entry(change).or_default() += 1;
                oldest = oldest.max(since.until(now));
            }
            if let Some(problem) = &code.problem {
                *problems.entry(problem_name(problem.kind)).or_default() += 1;
            }
        }
        let pending = unit.pending_action_attempts(id)?.len();
        Ok(Self { id: id.to_string(), device, due, oldest, problems, pending })
    }

    fn label(&self) -> (&'static str, &str) {
        ("device_id", &self.id)
    }
}

/// What a lock should have done about a code by now, and since when.
fn due_change(code: &AccessCode, now: Timestamp) -> Option<(CodeChange, Timestamp)> {
    if code.is_wanted(now) {
        let is_proven = matches!(code.presence, Presence::Proven(..)) && !code.is_cut_short(now);
        let due = code.due_since(now)?;
        return (!is_proven && !code.waits_in_lock(now)).then_some((CodeChange::Set, due));
    }
    let is_to_go = code.is_in_lock() && !code.is_put_ahead(now);
    let over = code.over_since(now).filter(|_| is_to_go)?;
    Some((CodeChange::Clear, over.max(code.ordered_at)))
}

fn problem_name(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::DelayInSetting => "delay_in_setting",
        ProblemKind::FailedToSet => "failed_to_set",
        ProblemKind::DelayInRemoving => "delay_in_removing",
        ProblemKind::FailedToRemove => "failed_to_remove",
        ProblemKind::WillNotWork => "will_not_work",
        ProblemKind::ModifiedExternally => "modified_externally",
        ProblemKind::RemovedExternally => "removed_externally",
    }
}

pub(super) fn of_locks(unit: &mut Unit<'_>, text: &mut Text) -> Result<(), StoreError> {
    let devices = unit.devices()?;
    let locks = devices.into_iter().map(|device| Lock::read(unit, device)).collect::<Result<Vec<_>, _>>()?;
    text.gauge("keyway_lock_online", "Whether a lock answered when last spoken to.");
    for lock in &locks {
        let labels = [lock.label(), ("name", lock.device.display_name())];
        text.value("keyway_lock_online", &labels, u8::from(lock.device.state.online));
    }
    of_state(&locks, text);
    of_link(&locks, text);
    of_codes(&locks, text);
    text.gauge("keyway_lock_codes", "Codes that a lock holds or may hold, by what is known of them.");
    for (device, state, codes) in unit.codes_in_locks()? {
        text.value("keyway_lock_codes", &[("device_id", &device.to_string()), ("state", &state)], codes);
    }
    Ok(())
}

/// One value of each lock; none of a lock of which it is not known.
fn each(locks: &[Lock], text: &mut Text, (family, help): (&str, &str), value: impl Fn(&Device) -> Option<f64>) {
    text.gauge(family, help);
    for lock in locks {
        if let Some(value) = value(&lock.device) {
            text.value(family, &[lock.label()], value);
        }
    }
}

fn of_state(locks: &[Lock], text: &mut Text) {
    each(locks, text, ("keyway_lock_battery_ratio", "Charge of a lock's battery, 0 to 1."), |device| {
        device.state.battery_percent.map(|percent| f64::from(percent) / 100.0)
    });
    each(locks, text, ("keyway_lock_battery_low", "Whether a lock warns of its battery."), |device| {
        Some(f64::from(u8::from(device.state.battery_low)))
    });
    each(locks, text, ("keyway_lock_jammed", "Whether a lock's bolt is stuck."), |device| {
        Some(f64::from(u8::from(device.state.jammed)))
    });
    each(locks, text, ("keyway_lock_last_seen_timestamp_seconds", "When a lock was last heard."), |device| {
        device.state.last_seen.map(|seen| (seen.as_microsecond() / 1_000_000) as f64)
    });
}

/// By its last frames, at most sixteen.
fn of_link(locks: &[Lock], text: &mut Text) {
    let ratio = |count: u8, all: u8| f64::from(count) / f64::from(all.max(1));
    each(locks, text, ("keyway_lock_link_signal_dbm", "How strong a lock's last frames arrived."), |device| {
        device.link.as_ref()?.signal.map(f64::from)
    });
    each(locks, text, ("keyway_lock_link_quality_ratio", "How well a lock's last frames arrived, 0 to 1."), |device| {
        device.link.as_ref()?.quality.map(|quality| ratio(quality, u8::MAX))
    });
    let unanswered =
        ("keyway_lock_link_unanswered_ratio", "Share of the last frames to a lock that were not acknowledged.");
    each(locks, text, unanswered, |device| device.link.as_ref().map(|link| ratio(link.unanswered, link.frames)));
    let repeated =
        ("keyway_lock_link_repeated_ratio", "Share of the last frames to a lock that needed several attempts.");
    each(locks, text, repeated, |device| device.link.as_ref().map(|link| ratio(link.repeated, link.frames)));
    let delivery = ("keyway_lock_link_delivery_seconds", "How long a frame to a lock takes, waking it included.");
    each(locks, text, delivery, |device| device.link.as_ref()?.delivery_ms.map(|millis| f64::from(millis) / 1000.0));
}

fn of_codes(locks: &[Lock], text: &mut Text) {
    text.gauge("keyway_lock_codes_due", "Codes that a lock should have, or have no more, and has not proven that.");
    for lock in locks {
        for (change, count) in &lock.due {
            text.value("keyway_lock_codes_due", &[lock.label(), ("change", name(*change))], count);
        }
    }
    text.gauge("keyway_lock_oldest_due_seconds", "For how long the oldest change of a code has been due.");
    for lock in locks {
        text.value("keyway_lock_oldest_due_seconds", &[lock.label()], lock.oldest.as_secs_f64());
    }
    text.gauge("keyway_lock_code_problems", "Codes of now or soon that something stands in the way of.");
    for lock in locks {
        for (problem, count) in &lock.problems {
            text.value("keyway_lock_code_problems", &[lock.label(), ("problem", problem)], count);
        }
    }
    text.gauge("keyway_lock_actions_pending", "Things asked of a lock, such as to unlock, that are not done yet.");
    for lock in locks {
        text.value("keyway_lock_actions_pending", &[lock.label()], lock.pending);
    }
}
