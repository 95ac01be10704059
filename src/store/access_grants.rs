//! Grants and their doors.

use rusqlite::{Params, params};

use super::row::Row;
use super::{StoreError, Unit};
use crate::model::{AccessGrant, AccessGrantId, DeviceId, UserIdentityId};

const TABLE: &str = "access_grants";

/// Which grants; `None` does not narrow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GrantFilter {
    /// Of this person.
    pub user: Option<UserIdentityId>,
    /// With this door.
    pub device: Option<DeviceId>,
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
        match (filter.user, filter.device) {
            (Some(user), device) => {
                let mut grants = self.grants_of_user(user)?;
                grants.retain(|grant| device.is_none_or(|device| grant.device_ids.contains(&device)));
                Ok(grants)
            }
            (None, Some(device)) => self.grants_where(
                "SELECT * FROM access_grants WHERE deleted_at IS NULL AND access_grant_id IN
                (SELECT access_grant_id FROM access_grant_devices WHERE device_id = ?1) ORDER BY access_grant_id",
                [device],
            ),
            (None, None) => {
                self.grants_where("SELECT * FROM access_grants WHERE deleted_at IS NULL ORDER BY access_grant_id", [])
            }
        }
    }

    /// Those of one person that are not deleted, by id.
    ///
    /// # Errors
    /// As [`Unit::grants`].
    pub fn grants_of_user(&mut self, user: UserIdentityId) -> Result<Vec<AccessGrant>, StoreError> {
        let sql = "SELECT * FROM access_grants WHERE user_identity_id = ?1 AND deleted_at IS NULL
            ORDER BY access_grant_id";
        self.grants_where(sql, [user])
    }

    /// Ids of those that are neither deleted nor over.
    ///
    /// # Errors
    /// As [`Unit::grants`].
    pub fn current_grant_ids(&mut self) -> Result<Vec<AccessGrantId>, StoreError> {
        let sql = "SELECT access_grant_id FROM access_grants WHERE deleted_at IS NULL AND ends_at > ?1
            UNION ALL SELECT access_grant_id FROM access_grants WHERE deleted_at IS NULL AND ends_at IS NULL
            ORDER BY access_grant_id";
        self.readable(TABLE, sql, [self.now()], |row| row.id("access_grant_id"))
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if its key is another's or a door of it is not known.
    pub fn insert_grant(&mut self, grant: &AccessGrant) -> Result<(), StoreError> {
        let sql = "INSERT INTO access_grants (access_grant_key, user_identity_id, name, starts_at, ends_at, created_at,
            deleted_at, access_grant_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.write_grant(grant, sql)
    }

    /// A changed one. One that is as it was is not written.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id, its key is another's or a door of it is not known.
    pub fn update_grant(&mut self, grant: &AccessGrant) -> Result<(), StoreError> {
        if self.grant(grant.access_grant_id).is_ok_and(|old| old.as_ref() == Some(grant)) {
            return Ok(());
        }
        let sql = "UPDATE access_grants SET access_grant_key = ?1, user_identity_id = ?2, name = ?3, starts_at = ?4,
            ends_at = ?5, created_at = ?6, deleted_at = ?7 WHERE access_grant_id = ?8";
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
            id,
        ];
        self.change(TABLE, id, sql, values)?;
        self.execute("DELETE FROM access_grant_devices WHERE access_grant_id = ?1", [id])?;
        let sql = "INSERT INTO access_grant_devices (access_grant_id, position, device_id) VALUES (?1, ?2, ?3)";
        for (position, device) in (0_u32..).zip(&grant.device_ids) {
            self.execute(sql, params![id, position, device])?;
        }
        self.changed_grant(id);
        Ok(())
    }

    /// Its PINs have to be purged (again) one day.
    pub(super) fn grant_holds_pins(&mut self, id: AccessGrantId) -> Result<(), StoreError> {
        self.execute("UPDATE access_grants SET pins_purged = 0 WHERE access_grant_id = ?1 AND pins_purged <> 0", [id])?;
        Ok(())
    }

    fn grants_where(&self, sql: &str, params: impl Params) -> Result<Vec<AccessGrant>, StoreError> {
        self.readable(TABLE, sql, params, |row| self.read_grant(row))
    }

    fn read_grant(&self, row: &Row<'_>) -> Result<AccessGrant, StoreError> {
        let access_grant_id = row.id("access_grant_id")?;
        let devices = "SELECT * FROM access_grant_devices WHERE access_grant_id = ?1 ORDER BY position";
        Ok(AccessGrant {
            access_grant_id,
            access_grant_key: row.get("access_grant_key")?,
            user_identity_id: row.id("user_identity_id")?,
            name: row.get("name")?,
            device_ids: self.all("access_grant_devices", devices, [access_grant_id], |row| row.id("device_id"))?,
            window: row.window()?,
            created_at: row.time("created_at")?,
            deleted_at: row.optional_time("deleted_at")?,
        })
    }
}
