//! Nothing grows without bound (I11), and no PIN is kept longer than it is needed (I10).

use std::time::Duration;

use rusqlite::{Params, params};

use super::{StoreError, Unit};
use crate::model::{AccessGrantId, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// A request may be delivered again within this time (I7).
const REQUESTS_FOR: Duration = DAY;
/// Action attempts can be asked for within this time.
const ATTEMPTS_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// Events can be asked for within this time,
const EVENTS_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// as long as there are no more than this.
const EVENTS_KEPT: i64 = 100_000;
/// A door whose broker is away is waited for this long (I8),
const DOORS_FOR: Duration = Duration::from_secs(8 * 24 * 3600);
/// with no more events than this.
const EVENTS_AT_MOST: i64 = 1_000_000;
/// Rows of a kind that go at once: others wait for the thread.
const AT_ONCE: i64 = 1000;

impl Unit<'_> {
    /// Forgets what is not needed any more. Bounded, so that other jobs are not kept waiting: call it again while it
    /// says that it removed something. Only while the clock is trusted: a clock that is years ahead would have it
    /// forget everything (I6).
    ///
    /// Gone are: PINs of grants, and of codes without one, that have been over, with every code proven gone, for
    /// `retention`; deleted ones likewise, whole; requests older than a day; action attempts older than a week; events older than 30 days or
    /// beyond 100,000, but not those which a door that is waited for (8 days) has not handed on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn purge(&mut self, retention: Duration) -> Result<usize, StoreError> {
        let over_before = self.now().before(retention);
        let removed = [
            self.purge_deleted_grants(over_before)?,
            self.purge_pins(over_before)?,
            self.purge_deleted_codes(over_before)?,
            self.purge_pins_without_grant(over_before)?,
            self.purge_older("requests", "request_id", "answered_at", self.now().before(REQUESTS_FOR))?,
            self.purge_older("action_attempts", "action_attempt_id", "created_at", self.now().before(ATTEMPTS_FOR))?,
            self.purge_events()?,
        ];
        Ok(removed.into_iter().sum())
    }

    /// With their methods, codes and journals.
    fn purge_deleted_grants(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        let sql = "DELETE FROM access_grants WHERE access_grant_id IN (
            SELECT access_grant_id FROM access_grants WHERE deleted_at IS NOT NULL AND deleted_at <= ?1
            AND NOT EXISTS (SELECT 1 FROM access_codes
                WHERE access_codes.access_grant_id = access_grants.access_grant_id AND presence <> 'absent')
            LIMIT ?2)";
        self.execute(sql, params![before, AT_ONCE])
    }

    /// Of grants that are over, and stay.
    fn purge_pins(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        let over = "SELECT access_grant_id FROM access_grants WHERE pins_purged = 0
            AND min(coalesce(deleted_at, 9223372036854775807), coalesce(ends_at, 9223372036854775807)) <= ?1
            AND NOT EXISTS (SELECT 1 FROM access_codes
                WHERE access_codes.access_grant_id = access_grants.access_grant_id AND presence <> 'absent')
            LIMIT ?2";
        let over: Vec<AccessGrantId> =
            self.all("access_grants", over, params![before, AT_ONCE], |row| row.id("access_grant_id"))?;
        for grant in &over {
            for sql in [
                "UPDATE access_methods SET pin_sealed = NULL WHERE access_grant_id = ?1",
                "UPDATE access_codes SET pin_sealed = NULL WHERE access_grant_id = ?1",
                "UPDATE access_grants SET pins_purged = 1 WHERE access_grant_id = ?1",
            ] {
                self.execute(sql, [grant])?;
            }
        }
        Ok(over.len())
    }

    /// Codes and methods that were deleted by themselves go whole, once they are out of every lock.
    fn purge_deleted_codes(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        let codes = "DELETE FROM access_codes WHERE access_code_id IN (
            SELECT access_code_id FROM access_codes WHERE deleted_at <= ?1 AND presence = 'absent' LIMIT ?2)";
        let methods = "DELETE FROM access_methods WHERE access_method_id IN (
            SELECT access_method_id FROM access_methods WHERE deleted_at <= ?1
            AND NOT EXISTS (SELECT 1 FROM access_codes
                WHERE access_codes.access_method_id = access_methods.access_method_id)
            LIMIT ?2)";
        Ok(self.execute(codes, params![before, AT_ONCE])? + self.execute(methods, params![before, AT_ONCE])?)
    }

    /// Of codes without a grant that are over, and stay.
    fn purge_pins_without_grant(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        let sql = "UPDATE access_codes SET pin_sealed = NULL WHERE access_code_id IN (
            SELECT access_code_id FROM access_codes INDEXED BY access_codes_with_pins
            WHERE access_grant_id IS NULL AND pin_sealed IS NOT NULL AND ends_at <= ?1 AND presence = 'absent' LIMIT ?2)";
        self.execute(sql, params![before, AT_ONCE])
    }

    fn purge_older(
        &mut self,
        table: &'static str,
        key: &'static str,
        time: &'static str,
        before: Timestamp,
    ) -> Result<usize, StoreError> {
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {time} < ?1 ORDER BY {time} LIMIT ?2)"
        );
        self.execute(&sql, params![before, AT_ONCE])
    }

    fn purge_events(&mut self) -> Result<usize, StoreError> {
        // A door is waited for while it moves, and while the first event it has not handed on is young. Only the latter
        // for a webhook: one that gives up event by event moves, too.
        let waited_for = "SELECT min(number) AS number FROM cursors
            WHERE (moved_at >= ?1 AND door NOT LIKE 'webhook:%')
            OR coalesce((SELECT occurred_at FROM events WHERE events.number > cursors.number
                ORDER BY events.number LIMIT 1) >= ?1, FALSE)";
        let young = self.now().before(DOORS_FOR);
        let handed_on: Option<i64> = self.one("cursors", waited_for, [young], |row| row.get("number"))?.flatten();
        let handed_on = handed_on.unwrap_or(i64::MAX);
        let newest: Option<i64> =
            self.one("events", "SELECT max(number) AS number FROM events", [], |row| row.get("number"))?.flatten();
        let newest = newest.unwrap_or(0);
        let old = self.now().before(EVENTS_FOR);
        let removed = self.delete_events("number <= ?1", params![(newest - EVENTS_KEPT).min(handed_on), AT_ONCE])?
            + self.delete_events("occurred_at < ?1 AND number <= ?3", params![old, AT_ONCE, handed_on])?
            + self.delete_events("number <= ?1", params![newest - EVENTS_AT_MOST, AT_ONCE])?;
        Ok(removed)
    }

    fn delete_events(&self, condition: &str, params: impl Params) -> Result<usize, StoreError> {
        let sql = format!("DELETE FROM events WHERE number IN (SELECT number FROM events WHERE {condition} LIMIT ?2)");
        self.execute(&sql, params)
    }
}
