//! I3: hands off. What a person put into a slot by hand is never written over nor taken out.

use std::time::Duration;

use keyway::model::Timestamp;
use keyway_virtual::door::By;

use super::Broken;
use super::door::Change;

/// A hand that comes between the hub's last look into a slot and its write can't be seen by it; nor can one right behind that,
/// where the lock shows no digits.
pub(super) const UNSEEN: Duration = Duration::from_secs(15);

pub(super) fn judge(now: Timestamp, change: &Change) -> Option<Broken> {
    let held = change.before.as_ref().filter(|held| held.by == By::Hand && held.since.after(UNSEEN) < now)?;
    if held.hides.is_some() || held.passes_for_ours {
        return None;
    }
    let done = if change.after.is_some() { "written over" } else { "taken out" };
    Some(("I3", format!("the code {} that somebody put into slot {} was {done}", held.pin, change.slot)))
}
