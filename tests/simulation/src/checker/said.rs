//! I4, the other way round: what is proven is told. What the hub last told of a code, that it is in its lock or out of it, is
//! so a while after that changed.

use keyway::model::Timestamp;
use keyway_virtual::door::By;

use super::door::DoorRecord;
use super::ledger::{Ledger, Verdict};
use super::{Broken, SETTLES_WITHIN};

pub(super) fn judge(ledger: &Ledger, record: &mut DoorRecord, now: Timestamp) -> Vec<Broken> {
    let (mut broken, calm_since) = (Vec::new(), record.calm_since());
    for number in record.grants.clone() {
        let grant = ledger.grant(number);
        let (verdict, since) = grant.verdict(now);
        let inside = record.slots.values().find(|held| held.by == By::Radio && held.pin == grant.pin);
        // One that was set behind a kill, in a lock that shows no digits, may be refused when it is set again.
        let is_open = record.refused.contains(&number);
        let (changed, what) = match (verdict, inside) {
            (Verdict::Must, Some(held)) if !is_open && !record.said_set.contains(&number) => (held.since, "set"),
            (Verdict::MustNot, None) if record.said_set.contains(&number) => {
                (record.left(&grant.pin), "out of its lock")
            }
            _ => {
                record.unsaid.remove(&number);
                continue;
            }
        };
        let Some(limit) = calm_since.map(|calm| calm.max(changed).max(since).after(SETTLES_WITHIN)) else { continue };
        if limit > now {
            record.check_at = record.check_at.min(limit);
        } else if record.unsaid.insert(number) {
            broken.push(("I4", format!("nobody was told that PIN {} is {what} (grant {})", grant.pin, grant.id)));
        }
    }
    broken
}
