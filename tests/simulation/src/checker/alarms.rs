//! I1 and I2, while a lock is in a state in which they can't be held: then somebody is told.

use std::time::Duration;

use keyway::model::Timestamp;

use super::Broken;
use super::door::{DoorRecord, Trouble, Wrong};
use super::ledger::Ledger;

/// So long after it should be otherwise, somebody has been told, whatever the lock does.
const TOLD_WITHIN: Duration = Duration::from_secs(600);

pub(super) fn judge(ledger: &Ledger, record: &mut DoorRecord, now: Timestamp) -> Vec<Broken> {
    let known = [Trouble::Offline, Trouble::Rejecting, Trouble::StickGone].iter().any(|trouble| record.has(*trouble));
    let unknown = record.unseen || [Trouble::Unheard, Trouble::Lossy].iter().any(|trouble| record.has(*trouble));
    let Some(hub_since) = record.hub_since().filter(|_| known && !unknown) else { return Vec::new() };
    let mut broken = Vec::new();
    for (number, wrong) in &mut record.wrong {
        let grant = ledger.grant(*number);
        let limit = wrong.since.max(grant.verdict(now).1).max(hub_since).after(TOLD_WITHIN);
        if limit > now {
            record.check_at = record.check_at.min(limit);
        } else if !record.alarmed.contains_key(number) && !wrong.missed {
            let Wrong { opens, .. } = *wrong;
            wrong.missed = true;
            let (invariant, what) = if opens { ("I1", "still opens") } else { ("I2", "does not open") };
            broken.push((invariant, format!("nobody was told that PIN {} {what} (grant {})", grant.pin, grant.id)));
        }
    }
    broken
}
