//! I2: a code that its lock refuses is nothing that the hub can mend. But the lock must have had a reason.

use std::time::Duration;

use keyway::model::Timestamp;

use super::Broken;
use super::door::DoorRecord;

/// What a lock says is told of this late.
const TOLD_WITHIN: Duration = Duration::from_secs(60);
/// A lock with so many slots may be full by what is still to come.
const FEW: usize = 8;

/// `slots`: how many the lock has.
pub(super) fn judge(record: &DoorRecord, pin: &str, told_at: Timestamp, slots: usize) -> Option<Broken> {
    let is_twin = || record.slots.values().any(|held| held.pin == *pin);
    let reason = record.rejected(told_at.before(TOLD_WITHIN), told_at) || is_twin() || slots <= FEW;
    (!reason).then(|| ("I2", format!("PIN {pin} was told to be refused, and the lock takes codes")))
}
