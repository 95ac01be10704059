//! Whether a lock can take one more code, and where.

use keyway_lock::{Pin, SlotNumber};

use super::facts::SlotTable;
use super::{pin, slot};
use crate::model::{AccessCode, Timestamp, Window};

/// The slot for a code with this PIN and window.
///
/// # Errors
/// Why the lock can't take it, in plain words; never the PIN.
pub fn one_more(table: &SlotTable, pin: &Pin, window: &Window, now: Timestamp) -> Result<SlotNumber, String> {
    pin::check(pin, &[pin::Door::new(table, window, None)]).map_err(|reason| reason.to_string())?;
    slot::choose(table, window, None, now).map_err(|full| full.to_string())
}

/// The slot for a code that the lock could not take before: its own, if that is free for it, else another. `None`: it
/// still can't.
pub fn again(table: &SlotTable, code: &AccessCode, now: Timestamp) -> Option<SlotNumber> {
    let door = pin::Door::new(table, &code.window, Some(code.access_code_id));
    pin::check(code.pin.as_ref()?, &[door]).ok()?;
    if slot::may_keep(table, code, &code.window, now) && table.capabilities.has_slot(code.slot) {
        return Some(code.slot);
    }
    slot::choose(table, &code.window, Some(code.access_code_id), now).ok()
}
