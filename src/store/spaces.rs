//! Spaces and their doors.

use rusqlite::params;

use super::query::Query;
use super::row::Row;
use super::{GrantFilter, StoreError, Unit};
use crate::model::{DeviceId, Space, SpaceId};

const TABLE: &str = "spaces";

/// Which spaces; `None` does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpaceFilter {
    /// With this door.
    pub device: Option<DeviceId>,
    /// Behind this one.
    pub after: Option<SpaceId>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl Unit<'_> {
    /// By id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn space(&mut self, id: SpaceId) -> Result<Option<Space>, StoreError> {
        self.one(TABLE, "SELECT * FROM spaces WHERE space_id = ?1", [id], |row| self.read_space(row))
    }

    /// By the host's own key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn space_by_key(&mut self, key: &str) -> Result<Option<Space>, StoreError> {
        self.one(TABLE, "SELECT * FROM spaces WHERE space_key = ?1", [key], |row| self.read_space(row))
    }

    /// By id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn spaces(&mut self, filter: &SpaceFilter) -> Result<Vec<Space>, StoreError> {
        let mut query = Query::new("SELECT * FROM spaces WHERE TRUE");
        query.and_if("space_id IN (SELECT space_id FROM space_devices WHERE device_id = ?)", filter.device.as_ref())?;
        query.and_if("space_id > ?", filter.after.as_ref())?;
        query.end("space_id", filter.limit);
        query.readable(self, TABLE, |row| self.read_space(row))
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if its key is another's or a door of it is not known.
    pub fn insert_space(&mut self, space: &Space) -> Result<(), StoreError> {
        let sql = "INSERT INTO spaces (space_key, name, created_at, space_id) VALUES (?1, ?2, ?3, ?4)";
        self.write_space(space, sql)
    }

    /// A changed one. The caller sees to the codes of the grants that reach it.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id, its key is another's or a door of it is not known.
    pub fn update_space(&mut self, space: &Space) -> Result<(), StoreError> {
        if self.space(space.space_id).is_ok_and(|old| old.as_ref() == Some(space)) {
            return Ok(());
        }
        let sql = "UPDATE spaces SET space_key = ?1, name = ?2, created_at = ?3 WHERE space_id = ?4";
        self.write_space(space, sql)
    }

    /// Forgets a space; grants no longer reach it. The caller sees to their codes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_space(&mut self, id: SpaceId) -> Result<(), StoreError> {
        self.changed_around(id)?;
        self.execute("DELETE FROM spaces WHERE space_id = ?1", [id])?;
        Ok(())
    }

    fn write_space(&mut self, space: &Space, sql: &str) -> Result<(), StoreError> {
        let id = space.space_id;
        self.change(TABLE, id, sql, params![space.space_key, space.name, space.created_at, id])?;
        self.changed_around(id)?;
        self.execute("DELETE FROM space_devices WHERE space_id = ?1", [id])?;
        let sql = "INSERT INTO space_devices (space_id, position, device_id) VALUES (?1, ?2, ?3)";
        for (position, device) in (0_u32..).zip(&space.device_ids) {
            self.execute(sql, params![id, position, device])?;
        }
        self.changed_around(id)
    }

    /// Its doors show in which spaces they are, and its grants which doors they reach.
    fn changed_around(&mut self, id: SpaceId) -> Result<(), StoreError> {
        for door in self.doors_of_space(id)? {
            self.changed_device(door);
        }
        for grant in self.grants(&GrantFilter { space: Some(id), ..GrantFilter::default() })? {
            self.changed_grant(grant.access_grant_id);
        }
        Ok(())
    }

    /// The spaces that a device is in, by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn spaces_of_device(&mut self, id: DeviceId) -> Result<Vec<SpaceId>, StoreError> {
        let sql = "SELECT * FROM space_devices WHERE device_id = ?1 ORDER BY space_id";
        self.all("space_devices", sql, [id], |row| row.id("space_id"))
    }

    /// The doors of a space, in the order in which they joined.
    pub(super) fn doors_of_space(&self, id: SpaceId) -> Result<Vec<DeviceId>, StoreError> {
        let sql = "SELECT * FROM space_devices WHERE space_id = ?1 ORDER BY position";
        self.all("space_devices", sql, [id], |row| row.id("device_id"))
    }

    fn read_space(&self, row: &Row<'_>) -> Result<Space, StoreError> {
        let space_id = row.id("space_id")?;
        Ok(Space {
            space_id,
            space_key: row.get("space_key")?,
            name: row.get("name")?,
            device_ids: self.doors_of_space(space_id)?,
            created_at: row.time("created_at")?,
        })
    }
}
