//! I4: set means proven. When the hub tells that a code is set, the lock has it.

use std::time::Duration;

use keyway::model::Timestamp;

use super::Broken;
use super::door::DoorRecord;
use super::ledger::GrantNumber;

/// A hand may take a code out between the lock's proof and the hub's word.
const UNSEEN: Duration = Duration::from_secs(120);

pub(super) fn judge(record: &DoorRecord, number: GrantNumber, pin: &str, told_at: Timestamp) -> Option<Broken> {
    // What the lock had before the hub told that it is out is no proof of its being in.
    let out_at = record.said_out.get(&number).filter(|out_at| **out_at <= told_at);
    let from = told_at.before(UNSEEN).max(out_at.copied().unwrap_or(Timestamp::UNIX_EPOCH));
    let held = record.held(pin, from);
    (!held).then(|| ("I4", format!("PIN {pin} was told to be set, and the lock did not have it")))
}
