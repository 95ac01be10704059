//! I4: set means proven. When the hub tells that a code is set, the lock has it.

use std::time::Duration;

use keyway::model::Timestamp;

use super::Broken;
use super::door::DoorRecord;

/// A hand may take a code out between the lock's proof and the hub's word.
const UNSEEN: Duration = Duration::from_secs(120);

pub(super) fn judge(record: &DoorRecord, pin: &str, told_at: Timestamp) -> Option<Broken> {
    let held = record.held(pin, told_at.before(UNSEEN));
    (!held).then(|| ("I4", format!("PIN {pin} was told to be set, and the lock did not have it")))
}
