//! I2: a code that its lock refuses is nothing that the hub can mend. But the lock must have had a reason.

use std::time::Duration;

use keyway::model::Timestamp;

use super::door::DoorRecord;
use super::{Broken, Ledger};

/// What a lock says is told of this late.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// `slots`: how many the lock has.
pub(super) fn judge(
    ledger: &Ledger,
    record: &DoorRecord,
    pin: &str,
    told_at: Timestamp,
    slots: usize,
) -> Option<Broken> {
    let is_twin = || record.slots.values().any(|held| held.pin == *pin);
    // What is still to come has its slots already.
    let to_come = || record.grants.iter().filter(|number| !ledger.grant(**number).is_over(told_at)).count();
    let is_full = || record.slots.len() + to_come() >= slots;
    let reason = record.rejected(told_at.before(TOLD_WITHIN), told_at) || is_twin() || is_full();
    (!reason).then(|| ("I2", format!("PIN {pin} was told to be refused, and the lock takes codes")))
}
