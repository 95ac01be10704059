//! I1: nobody stays in. I2: nobody is left outside.
//!
//! One judge for both, since both are the same question: whether a PIN opens a door when it should, and only then. By not
//! taking another door's trouble for an excuse it holds I9 too: one bad lock is one bad lock.

use std::time::Duration;

use keyway::model::Timestamp;

use super::door::{DoorRecord, Wrong};
use super::ledger::{Ledger, Verdict};
use super::{Broken, SETTLES_WITHIN};

/// A code may open this long before its start: the clocks of hub and lock are only so exact.
const EARLY: Duration = Duration::from_secs(5);
/// A grant that is over is looked after for so long.
const WATCHED: Duration = Duration::from_secs(14 * 86_400);

pub(super) fn judge(
    ledger: &Ledger,
    record: &mut DoorRecord,
    now: Timestamp,
    opens: &dyn Fn(&str) -> bool,
) -> Vec<Broken> {
    let (mut broken, mut over) = (Vec::new(), Vec::new());
    let mut check_at = now.after(Duration::from_secs(365 * 86_400));
    let calm_since = record.calm_since();
    for number in record.grants.iter().copied() {
        let grant = ledger.grant(number);
        let (verdict, since) = grant.verdict(now);
        check_at = check_at.min(grant.next_edge(now).unwrap_or(check_at));
        let opened = opens(&grant.pin);
        let wrong = match verdict {
            Verdict::Must => !opened && !record.refused.contains(&number) && !record.is_hidden(&grant.pin),
            Verdict::MustNot => opened && !record.is_anothers(ledger, number, now),
            Verdict::Either => false,
        };
        if !wrong {
            record.wrong.remove(&number);
            if grant.is_over(now) && verdict == Verdict::MustNot && since.after(WATCHED) <= now {
                over.push(number);
            }
            continue;
        }
        let news = Wrong { opens: opened, since: now, told: false, missed: false };
        let was = record.wrong.get(&number).copied().filter(|was| was.opens == opened);
        let entry = was.unwrap_or(news);
        let early = opened
            && grant
                .next_start(now)
                .is_some_and(|start| entry.since >= since.after(SETTLES_WITHIN) && start.before(EARLY) > now);
        // What came in by a clock that was wrong has its time to go again, from when the clock is right. (What is found in that
        // very moment was so before: that a lock lets a code in at another time is seen only when somebody looks.)
        let in_calm = calm_since.is_some_and(|calm| entry.since > calm);
        let settles = if early && in_calm { Duration::ZERO } else { SETTLES_WITHIN };
        let limit = calm_since.map(|calm| entry.since.max(since).max(calm).after(settles));
        let is_due = limit.is_some_and(|limit| limit <= now);
        if let Some(limit) = limit.filter(|limit| *limit > now) {
            check_at = check_at.min(limit);
        }
        if is_due && !entry.told {
            broken.push(match (opened, early) {
                (true, true) => ("I1", format!("PIN {} opens before its time (grant {})", grant.pin, grant.id)),
                (true, false) => {
                    ("I1", format!("PIN {} still opens, and should not since {since} (grant {})", grant.pin, grant.id))
                }
                (false, _) => {
                    ("I2", format!("PIN {} does not open, and should since {since} (grant {})", grant.pin, grant.id))
                }
            });
        }
        record.wrong.insert(number, Wrong { told: entry.told || is_due, ..entry });
    }
    for number in over {
        record.grants.remove(&number);
    }
    record.check_at = check_at;
    broken
}
