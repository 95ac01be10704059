//! Grants and their doors.

use std::collections::BTreeSet;

use rusqlite::{ToSql, params};

use super::live_codes::LONG;
use super::query::Query;
use super::row::{Row, schedule_text};
use super::{StoreError, Unit};
use crate::model::{AccessGrant, AccessGrantId, DeviceId, SpaceId, Timestamp, UserIdentityId};

const TABLE: &str = "access_grants";
/// How many are neither deleted nor over was counted as of a time, and is kept by triggers as of that time.
pub(super) const COUNTED: &str = "SELECT counted_at, grants FROM current_grants";
/// Those that are over between two times.
pub(super) const ENDED: &str = "SELECT count(*) AS grants FROM access_grants
    WHERE deleted_at IS NULL AND ends_at > ?1 AND ends_at <= ?2";
/// Those that are not over at ?1 and begin at ?2 at the latest: short ones, long ones and those without an end; and those with
/// a code that is or may be in its lock. Arms, each with an index that leaves out what lies far ahead.
pub(super) fn near() -> String {
    format!(
        "SELECT access_grant_id FROM access_grants WHERE deleted_at IS NULL AND ends_at - starts_at <= {LONG}
            AND ends_at > ?1 AND ends_at <= ?2 + {LONG} AND starts_at <= ?2
        UNION ALL SELECT access_grant_id FROM access_grants WHERE deleted_at IS NULL AND ends_at - starts_at > {LONG}
            AND ends_at > ?1 AND starts_at <= ?2
        UNION ALL SELECT access_grant_id FROM access_grants WHERE deleted_at IS NULL AND ends_at IS NULL AND starts_at <= ?2
        UNION ALL SELECT access_grant_id FROM devices CROSS JOIN access_codes USING (device_id)
            WHERE presence <> 'absent' AND access_grant_id IS NOT NULL"
    )
}

/// The next behind a start and an id, in the order of both. (Those that recur are few, and always near.)
pub(super) const BEHIND: &str = "SELECT access_grant_id, starts_at FROM access_grants
    WHERE deleted_at IS NULL AND schedule IS NULL AND (starts_at, access_grant_id) > (?1, ?2)
    ORDER BY starts_at, access_grant_id LIMIT ?3";
/// Those that begin or end between two times.
pub(super) const MOVED: &str = "SELECT access_grant_id FROM access_grants
        WHERE deleted_at IS NULL AND schedule IS NULL AND starts_at > ?1 AND starts_at <= ?2
    UNION SELECT access_grant_id FROM access_grants WHERE deleted_at IS NULL AND ends_at > ?1 AND ends_at <= ?2";
pub(super) const NEXT_ARRIVAL: &str = "SELECT min(starts_at) AS moment FROM access_grants
    WHERE deleted_at IS NULL AND schedule IS NULL AND starts_at > ?1";
pub(super) const NEXT_DEPARTURE: &str = "SELECT min(ends_at) AS moment FROM access_grants
    WHERE deleted_at IS NULL AND schedule IS NULL AND ends_at > ?1";
/// Two arms: an OR would read them all.
pub(super) const RECURRING: &str = "SELECT * FROM access_grants
        WHERE deleted_at IS NULL AND schedule IS NOT NULL AND ends_at > ?1
    UNION ALL SELECT * FROM access_grants WHERE deleted_at IS NULL AND schedule IS NOT NULL AND ends_at IS NULL";

/// Where a grant stands in the order of their starts.
pub type GrantPlace = (Timestamp, AccessGrantId);

/// Which grants; `None` does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantFilter {
    /// Of one of these ids.
    pub ids: Option<Vec<AccessGrantId>>,
    /// Of this person.
    pub user: Option<UserIdentityId>,
    /// With this door, be it its own or one of its spaces'.
    pub device: Option<DeviceId>,
    /// With this space.
    pub space: Option<SpaceId>,
    /// With this key; `Some(None)`: without one.
    pub key: Option<Option<String>>,
    /// Of this stay.
    pub reservation_key: Option<String>,
    /// Behind this one.
    pub after: Option<AccessGrantId>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// When the next guest may come in, and when the next may no more; `None`: not known of any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextEdges {
    /// The next start.
    pub arrival: Option<Timestamp>,
    /// The next end.
    pub departure: Option<Timestamp>,
}

impl Unit<'_> {
    /// By id, deleted or not. A deleted one is kept until its codes are proven gone, and for the retention time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn grant(&mut self, id: AccessGrantId) -> Result<Option<AccessGrant>, StoreError> {
        let sql = "SELECT * FROM access_grants WHERE access_grant_id = ?1";
        self.one(TABLE, sql, [id], |row| self.read_grant(row))
    }

    /// By the host's own key, among those that are not deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn grant_by_key(&mut self, key: &str) -> Result<Option<AccessGrant>, StoreError> {
        let sql = "SELECT * FROM access_grants WHERE access_grant_key = ?1 AND deleted_at IS NULL";
        self.one(TABLE, sql, [key], |row| self.read_grant(row))
    }

    /// Those that are not deleted, by id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn grants(&mut self, filter: &GrantFilter) -> Result<Vec<AccessGrant>, StoreError> {
        let mut query = Query::new("SELECT * FROM access_grants WHERE deleted_at IS NULL");
        if let Some(ids) = &filter.ids {
            query.and_in("access_grant_id", ids)?;
        }
        query.and_if("user_identity_id = ?", filter.user.as_ref())?;
        if let Some(device) = &filter.device {
            let condition = "access_grant_id IN (
                SELECT access_grant_id FROM access_grant_devices WHERE device_id = ?
                UNION SELECT access_grant_id FROM access_grant_spaces JOIN space_devices USING (space_id)
                    WHERE device_id = ?)";
            query.and_with(condition, [device as &dyn ToSql, device])?;
        }
        let of_space = "access_grant_id IN (SELECT access_grant_id FROM access_grant_spaces WHERE space_id = ?)";
        query.and_if(of_space, filter.space.as_ref())?;
        match &filter.key {
            Some(Some(key)) => query.and_with("access_grant_key = ?", [key as &dyn ToSql])?,
            Some(None) => query.and("access_grant_key IS NULL"),
            None => {}
        }
        query.and_if("reservation_key = ?", filter.reservation_key.as_ref())?;
        query.and_if("access_grant_id > ?", filter.after.as_ref())?;
        query.end("access_grant_id", filter.limit);
        query.readable(self, TABLE, |row| self.read_grant(row))
    }

    /// The doors that a grant reaches: its own, then those of its spaces; each once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn doors(&mut self, grant: &AccessGrant) -> Result<Vec<DeviceId>, StoreError> {
        let mut doors = grant.device_ids.clone();
        for space in &grant.space_ids {
            for device in self.doors_of_space(*space)? {
                if !doors.contains(&device) {
                    doors.push(device);
                }
            }
        }
        Ok(doors)
    }

    /// Ids of those that are neither deleted nor over and begin at `horizon` at the latest or recur, and of those with a code
    /// that is or may be in its lock.
    ///
    /// # Errors
    /// As [`Unit::grants`].
    pub fn near_grant_ids(&mut self, horizon: Timestamp) -> Result<BTreeSet<AccessGrantId>, StoreError> {
        let ids = self.readable_of(TABLE, &near(), params![self.now(), horizon], |row| row.id("access_grant_id"))?;
        let recurring = self.readable(TABLE, RECURRING, [self.now()], |row| row.id("access_grant_id"))?;
        Ok(ids.into_iter().chain(recurring).collect())
    }

    /// The next `most` that are not deleted and do not recur, behind one that begins then, in the order of their starts.
    ///
    /// # Errors
    /// As [`Unit::grants`].
    pub fn grants_behind(&mut self, (start, id): GrantPlace, most: usize) -> Result<Vec<GrantPlace>, StoreError> {
        let place = |row: &Row<'_>| Ok((row.time("starts_at")?, row.id("access_grant_id")?));
        self.readable(TABLE, BEHIND, params![start, id, i64::try_from(most).unwrap_or(i64::MAX)], place)
    }

    /// How many are neither deleted nor over. Costs what is over since it was asked last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn current_grants(&mut self) -> Result<usize, StoreError> {
        let now = self.now();
        let counted = |row: &Row<'_>| Ok((row.time("counted_at")?, row.get::<i64>("grants")?));
        let Some((counted_at, grants)) = self.one("current_grants", COUNTED, [], counted)? else { return Ok(0) };
        let between = params![counted_at.min(now), counted_at.max(now)];
        let ended = self.one(TABLE, ENDED, between, |row| row.get::<i64>("grants"))?.unwrap_or(0);
        // A clock that was set back brings them back.
        let grants = if counted_at < now { grants - ended } else { grants + ended };
        if ended > 0 {
            let rows = self.execute("UPDATE current_grants SET counted_at = ?1, grants = ?2", params![now, grants])?;
            self.may_wait(rows);
        }
        Ok(usize::try_from(grants).unwrap_or(0))
    }

    /// Ids of those of which something may have changed from one time to another by that alone: they begin or end there,
    /// or recur.
    ///
    /// # Errors
    /// As [`Unit::grants`].
    pub fn grants_moved(&mut self, from: Timestamp, to: Timestamp) -> Result<BTreeSet<AccessGrantId>, StoreError> {
        let (from, to) = (from.min(to), from.max(to));
        let moved = self.readable(TABLE, MOVED, [from, to], |row| row.id("access_grant_id"))?;
        let recurring = self.readable(TABLE, RECURRING, [from], |row| row.id("access_grant_id"))?;
        Ok(moved.into_iter().chain(recurring).collect())
    }

    /// When the next guest may come in, and when the next may no more.
    ///
    /// # Errors
    /// As [`Unit::grants`].
    pub fn next_edges(&mut self) -> Result<NextEdges, StoreError> {
        let now = self.now();
        let arrival = self.one(TABLE, NEXT_ARRIVAL, [now], |row| row.optional_time("moment"))?.flatten();
        let departure = self.one(TABLE, NEXT_DEPARTURE, [now], |row| row.optional_time("moment"))?.flatten();
        // Of one that recurs, the times of its schedule count.
        let recurring = self.readable(TABLE, RECURRING, [now], |row| self.read_grant(row))?;
        let times = || recurring.iter().filter_map(|grant| grant.window.occurrence(grant.schedule.as_ref(), now));
        let arrivals = times().map(|time| time.starts_at).filter(|start| *start > now).chain(arrival);
        let departures = times().filter_map(|time| time.ends_at).chain(departure);
        Ok(NextEdges { arrival: arrivals.min(), departure: departures.min() })
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if its key is another's or a door or space of it is not known.
    pub fn insert_grant(&mut self, grant: &AccessGrant) -> Result<(), StoreError> {
        let sql = "INSERT INTO access_grants (access_grant_key, user_identity_id, name, starts_at, ends_at, created_at,
            deleted_at, reservation_key, schedule, access_grant_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.write_grant(grant, sql)
    }

    /// A changed one. One that is as it was is not written.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id, its key is another's or a door or space of it is not known.
    pub fn update_grant(&mut self, grant: &AccessGrant) -> Result<(), StoreError> {
        if self.grant(grant.access_grant_id).is_ok_and(|old| old.as_ref() == Some(grant)) {
            return Ok(());
        }
        let sql = "UPDATE access_grants SET access_grant_key = ?1, user_identity_id = ?2, name = ?3, starts_at = ?4,
            ends_at = ?5, created_at = ?6, deleted_at = ?7, reservation_key = ?8, schedule = ?9
            WHERE access_grant_id = ?10";
        self.write_grant(grant, sql)
    }

    fn write_grant(&mut self, grant: &AccessGrant, sql: &str) -> Result<(), StoreError> {
        let id = grant.access_grant_id;
        let values = params![
            grant.access_grant_key,
            grant.user_identity_id,
            grant.name,
            grant.window.starts_at,
            grant.window.ends_at,
            grant.created_at,
            grant.deleted_at,
            grant.reservation_key,
            schedule_text(grant.schedule.as_ref()),
            id,
        ];
        self.change(TABLE, id, sql, values)?;
        self.execute("DELETE FROM access_grant_devices WHERE access_grant_id = ?1", [id])?;
        let sql = "INSERT INTO access_grant_devices (access_grant_id, position, device_id) VALUES (?1, ?2, ?3)";
        for (position, device) in (0_u32..).zip(&grant.device_ids) {
            self.execute(sql, params![id, position, device])?;
        }
        self.execute("DELETE FROM access_grant_spaces WHERE access_grant_id = ?1", [id])?;
        let sql = "INSERT INTO access_grant_spaces (access_grant_id, position, space_id) VALUES (?1, ?2, ?3)";
        for (position, space) in (0_u32..).zip(&grant.space_ids) {
            self.execute(sql, params![id, position, space])?;
        }
        self.changed_grant(id);
        Ok(())
    }

    /// Its PINs have to be purged (again) one day.
    pub(super) fn grant_holds_pins(&mut self, id: AccessGrantId) -> Result<(), StoreError> {
        self.execute("UPDATE access_grants SET pins_purged = 0 WHERE access_grant_id = ?1 AND pins_purged <> 0", [id])?;
        Ok(())
    }

    fn read_grant(&self, row: &Row<'_>) -> Result<AccessGrant, StoreError> {
        let access_grant_id = row.id("access_grant_id")?;
        let devices = "SELECT * FROM access_grant_devices WHERE access_grant_id = ?1 ORDER BY position";
        let spaces = "SELECT * FROM access_grant_spaces WHERE access_grant_id = ?1 ORDER BY position";
        Ok(AccessGrant {
            access_grant_id,
            access_grant_key: row.get("access_grant_key")?,
            user_identity_id: row.id("user_identity_id")?,
            name: row.get("name")?,
            device_ids: self.all("access_grant_devices", devices, [access_grant_id], |row| row.id("device_id"))?,
            space_ids: self.all("access_grant_spaces", spaces, [access_grant_id], |row| row.id("space_id"))?,
            reservation_key: row.get("reservation_key")?,
            window: row.window()?,
            schedule: row.schedule(&self.known.schedules)?,
            created_at: row.time("created_at")?,
            deleted_at: row.optional_time("deleted_at")?,
        })
    }
}
