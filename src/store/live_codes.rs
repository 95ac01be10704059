//! What of a device's codes may still matter, asked so that it costs what it gives and not what is stored.
//!
//! A code is in exactly one of these: in its lock, or maybe (its presence); over and out of it, which is most of what is
//! stored; or waiting for its window. Of the latter most begin only after a horizon, before which nothing is done for
//! them: they are not read, but for those that somebody must be told of.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use keyway_lock::SlotNumber;
use rusqlite::{Params, params};

use super::access_codes::TABLE;
use super::{StoreError, Unit};
use crate::model::{AccessCode, DeviceId, Timestamp, Window};

/// What is or may be in the lock.
pub(super) const IN_LOCK: &str = "SELECT * FROM access_codes WHERE device_id = ?1 AND presence <> 'absent'";
/// A window is long beyond so many microseconds: 32 days. Those that are not have begun within that time, or are over, so
/// that what overlaps a time is found by when it begins, whatever is stored before and behind; long ones are few.
pub(super) const LONG: &str = "2764800000000";

/// What waits for a window that is not over at ?2: short ones, long ones and those without an end. Three arms, since an OR
/// would read every code that the device ever had.
fn waiting() -> [String; 3] {
    let arms = [
        format!("ends_at - starts_at <= {LONG} AND starts_at > ?2 - {LONG} AND ends_at > ?2"),
        format!("ends_at - starts_at > {LONG} AND ends_at > ?2"),
        "ends_at IS NULL".to_owned(),
    ];
    arms.map(|arm| {
        let waits = "SELECT * FROM access_codes WHERE device_id = ?1 AND presence = 'absent' AND deleted_at IS NULL";
        format!("{waits} AND {arm}")
    })
}

static IN_LOCK_BY_START: LazyLock<String> = LazyLock::new(|| format!("{IN_LOCK} ORDER BY starts_at, access_code_id"));
/// Problems that only somebody's doing ends, and that do not come and go with the lock.
const LASTING: &str = "('failed_to_set', 'modified_externally', 'removed_externally')";

/// All of these, with what waits.
pub(super) static LIVE: LazyLock<String> = LazyLock::new(|| with_waiting(&waiting()));

/// The same, with what begins at ?3 at the latest.
pub(super) static LIVE_UNTIL: LazyLock<String> =
    LazyLock::new(|| with_waiting(&waiting().map(|arm| format!("{arm} AND starts_at <= ?3"))));

fn with_waiting([short, long, ongoing]: &[String; 3]) -> String {
    format!("{IN_LOCK} UNION ALL {short} UNION ALL {long} UNION ALL {ongoing}")
}

/// What is said to stand in the way of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// What comes and goes with its lock.
    Passing,
    /// Anything.
    Any,
}

/// Of what begins after ?2, at most ?3.
pub(super) fn beyond(trouble: Trouble) -> String {
    let trouble = match trouble {
        Trouble::None => "problem IS NULL".to_owned(),
        Trouble::Passing => format!("problem IS NOT NULL AND problem NOT IN {LASTING}"),
        Trouble::Any => "problem IS NOT NULL".to_owned(),
    };
    format!(
        "SELECT * FROM access_codes WHERE device_id = ?1 AND presence = 'absent' AND deleted_at IS NULL AND {trouble}
        AND starts_at > ?2 ORDER BY starts_at, access_code_id LIMIT ?3"
    )
}

/// Of what begins after ?2, that whose slot is taken, as the lock said, and not by a code of ours. The slots come first
/// (CROSS JOIN): they are few, and mostly none.
pub(super) const DISPLACED: &str = "SELECT access_codes.* FROM (
        SELECT slot FROM slots WHERE device_id = ?1 AND content <> 'free'
        EXCEPT SELECT slot FROM access_codes WHERE device_id = ?1 AND presence <> 'absent') AS taken
    CROSS JOIN access_codes ON device_id = ?1 AND access_codes.slot = taken.slot
    WHERE pin_sealed IS NOT NULL AND presence = 'absent' AND deleted_at IS NULL AND starts_at > ?2";
/// The first start behind ?2, of those in trouble and of the others.
pub(super) const FIRST_BEYOND: &str = "SELECT min(moment) AS moment FROM (
        SELECT min(starts_at) AS moment FROM access_codes WHERE device_id = ?1 AND presence = 'absent'
            AND deleted_at IS NULL AND problem IS NULL AND starts_at > ?2
        UNION ALL SELECT min(starts_at) AS moment FROM access_codes WHERE device_id = ?1 AND presence = 'absent'
            AND deleted_at IS NULL AND problem IS NOT NULL AND starts_at > ?2)";
/// What is in a slot, and what was and is known by its PIN.
pub(super) const OF_SLOT: &str =
    "SELECT * FROM access_codes WHERE device_id = ?1 AND presence <> 'absent' AND slot = ?2
    UNION ALL SELECT * FROM access_codes WHERE device_id = ?1 AND slot = ?2 AND pin_sealed IS NOT NULL
    AND presence = 'absent'";

/// What was deleted since ?2, and is not in the lock any more.
pub(super) const DELETED_SINCE: &str =
    "SELECT * FROM access_codes WHERE deleted_at >= ?2 AND presence = 'absent' AND +device_id = ?1";

/// What is or may be in the lock, or waits, and is in trouble.
pub(super) const TROUBLED: &str = "SELECT * FROM access_codes WHERE device_id = ?1 AND presence <> 'absent'
        AND problem IS NOT NULL
    UNION ALL SELECT * FROM access_codes WHERE device_id = ?1 AND presence = 'absent' AND deleted_at IS NULL
        AND problem IS NOT NULL AND (ends_at IS NULL OR ends_at > ?2)
    ORDER BY starts_at, access_code_id";

impl Unit<'_> {
    /// Every code of a device that may still matter: all but those that are finished now
    /// ([`AccessCode::is_finished`]).
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn live_codes(&mut self, device: DeviceId) -> Result<Vec<AccessCode>, StoreError> {
        self.live(&LIVE, params![device, self.now()])
    }

    /// Of [`Unit::live_codes`] those that are or may be in the lock, and those that begin at `horizon` at the latest.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn live_codes_until(&mut self, device: DeviceId, horizon: Timestamp) -> Result<Vec<AccessCode>, StoreError> {
        self.live(&LIVE_UNTIL, params![device, self.now(), horizon])
    }

    /// By start. They are few, and SQLite would have to go through all four of its answers at once to put them in order.
    fn live(&mut self, sql: &'static str, params: impl Params) -> Result<Vec<AccessCode>, StoreError> {
        let mut codes = self.readable(TABLE, sql, params, |row| self.read_code(row))?;
        codes.sort_by_key(|code| (code.window.starts_at, code.access_code_id));
        Ok(codes)
    }

    /// Of [`Unit::live_codes`] those that are or may be in the lock, and those whose window overlaps this one.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn live_codes_within(&mut self, device: DeviceId, window: &Window) -> Result<Vec<AccessCode>, StoreError> {
        // What is over before it begins, as what is over by now.
        let from = self.now().max(window.starts_at);
        let mut codes = match window.ends_at {
            Some(end) => self.live(&LIVE_UNTIL, params![device, from, end])?,
            None => self.live(&LIVE, params![device, from])?,
        };
        codes.retain(|code| code.is_in_lock() || code.window.overlaps(window));
        Ok(codes)
    }

    /// The slots that they are in which are or may be in the lock, and no PIN is opened for that.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn slots_in_use(&mut self, device: DeviceId) -> Result<BTreeSet<SlotNumber>, StoreError> {
        let sql = "SELECT slot FROM access_codes WHERE device_id = ?1 AND presence <> 'absent'";
        Ok(self.readable(TABLE, sql, [device], |row| row.slot("slot"))?.into_iter().collect())
    }

    /// Those that are or may be in the lock.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn codes_in_lock(&mut self, device: DeviceId) -> Result<Vec<AccessCode>, StoreError> {
        self.readable(TABLE, &IN_LOCK_BY_START, [device], |row| self.read_code(row))
    }

    /// What is or may be in a slot, and every code that was there or is to be, finished or not, as long as its PIN is
    /// kept.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn codes_of_slot(&mut self, device: DeviceId, slot: SlotNumber) -> Result<Vec<AccessCode>, StoreError> {
        self.readable(TABLE, OF_SLOT, params![device, slot.0], |row| self.read_code(row))
    }

    /// Every code of a slot that was on between two times, or is or may be in its lock; by age.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn codes_of_slot_between(
        &mut self,
        device: DeviceId,
        slot: SlotNumber,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<AccessCode>, StoreError> {
        let mut codes = self.live(&LIVE_UNTIL, params![device, from, to])?;
        codes.extend(self.readable(TABLE, DELETED_SINCE, params![device, from], |row| self.read_code(row))?);
        codes.retain(|code| code.slot == slot);
        codes.sort_by_key(|code| code.access_code_id);
        Ok(codes)
    }

    /// Of [`Unit::live_codes`] those that something stands in the way of.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn troubled_codes(&mut self, device: DeviceId) -> Result<Vec<AccessCode>, StoreError> {
        self.readable(TABLE, TROUBLED, params![device, self.now()], |row| self.read_code(row))
    }

    /// Codes that begin after `horizon`, the first `limit` of those in such trouble.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn codes_beyond(
        &mut self,
        device: DeviceId,
        horizon: Timestamp,
        trouble: Trouble,
        limit: usize,
    ) -> Result<Vec<AccessCode>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readable_of(TABLE, &beyond(trouble), params![device, horizon, limit], |row| self.read_code(row))
    }

    /// Of the codes that begin after `horizon` those whose slot is not free, as the lock said last, and holds no code of
    /// ours.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn displaced_beyond(&mut self, device: DeviceId, horizon: Timestamp) -> Result<Vec<AccessCode>, StoreError> {
        self.readable(TABLE, DISPLACED, params![device, horizon], |row| self.read_code(row))
    }

    /// The first start after `horizon` of a code that waits; `None`: none does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn first_start_beyond(
        &mut self,
        device: DeviceId,
        horizon: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.one(TABLE, FIRST_BEYOND, params![device, horizon], |row| row.optional_time("moment"))?.flatten())
    }
}
