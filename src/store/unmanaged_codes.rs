//! Codes that a person put into a lock by hand (I3).

use keyway_lock::SlotNumber;
use rusqlite::params;

use super::query::Query;
use super::row::Row;
use super::slots::{content_word, read_content};
use super::vault::Vault;
use super::{StoreError, Unit};
use crate::model::{AccessCodeId, DeviceId, UnmanagedCode};

const TABLE: &str = "unmanaged_codes";

/// Which codes; `None` does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnmanagedFilter {
    /// In this lock.
    pub device: Option<DeviceId>,
    /// Behind this one.
    pub after: Option<AccessCodeId>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl Unit<'_> {
    /// By id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unmanaged_code(&mut self, id: AccessCodeId) -> Result<Option<UnmanagedCode>, StoreError> {
        let vault = self.vault;
        let sql = "SELECT * FROM unmanaged_codes WHERE access_code_id = ?1";
        self.one(TABLE, sql, [id], |row| read(vault, row))
    }

    /// By id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn list_unmanaged(&mut self, filter: &UnmanagedFilter) -> Result<Vec<UnmanagedCode>, StoreError> {
        let vault = self.vault;
        let mut query = Query::new("SELECT * FROM unmanaged_codes WHERE TRUE");
        query.and_if("device_id = ?", filter.device.as_ref())?;
        query.and_if("access_code_id > ?", filter.after.as_ref())?;
        query.end("access_code_id", filter.limit);
        query.readable(self, TABLE, |row| read(vault, row))
    }

    /// Of one lock, by slot.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn unmanaged_codes(&mut self, device: DeviceId) -> Result<Vec<UnmanagedCode>, StoreError> {
        let vault = self.vault;
        let sql = "SELECT * FROM unmanaged_codes WHERE device_id = ?1 ORDER BY slot";
        self.readable(TABLE, sql, [device], |row| read(vault, row))
    }

    /// The slots that they are in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn slots_unmanaged(&mut self, device: DeviceId) -> Result<Vec<SlotNumber>, StoreError> {
        let sql = "SELECT slot FROM unmanaged_codes WHERE device_id = ?1";
        self.readable(TABLE, sql, [device], |row| row.slot("slot"))
    }

    /// The one in this slot of a lock.
    ///
    /// # Errors
    /// As [`Unit::unmanaged_codes`].
    pub fn unmanaged_in(&mut self, device: DeviceId, slot: SlotNumber) -> Result<Option<UnmanagedCode>, StoreError> {
        let vault = self.vault;
        let sql = "SELECT * FROM unmanaged_codes WHERE device_id = ?1 AND slot = ?2";
        Ok(self.readable(TABLE, sql, params![device, slot.0], |row| read(vault, row))?.pop())
    }

    /// A new one. Another in the same slot of the same lock makes way: a slot holds one code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn insert_unmanaged(&mut self, code: &UnmanagedCode) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO unmanaged_codes (device_id, slot, content, pin_sealed, created_at,
            access_code_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.write_unmanaged(code, sql)
    }

    /// A changed one.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id.
    pub fn update_unmanaged(&mut self, code: &UnmanagedCode) -> Result<(), StoreError> {
        let sql = "UPDATE unmanaged_codes SET device_id = ?1, slot = ?2, content = ?3, pin_sealed = ?4,
            created_at = ?5 WHERE access_code_id = ?6";
        self.write_unmanaged(code, sql)
    }

    /// Gone from its lock, or taken over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_unmanaged(&mut self, id: AccessCodeId) -> Result<(), StoreError> {
        let sql = "DELETE FROM unmanaged_codes WHERE access_code_id = ?1 RETURNING access_code_id, device_id";
        if let Some(device) = self.one(TABLE, sql, [id], |row| row.id("device_id"))? {
            self.changed_device(device);
        }
        Ok(())
    }

    fn write_unmanaged(&mut self, code: &UnmanagedCode, sql: &str) -> Result<(), StoreError> {
        let id = code.access_code_id;
        let pin = self.seal_content(TABLE, id.0.as_bytes(), &code.content)?;
        let values = params![code.device_id, code.slot.0, content_word(&code.content), pin, code.created_at, id];
        self.change(TABLE, id, sql, values)?;
        self.changed_device(code.device_id);
        Ok(())
    }
}

fn read(vault: &Vault, row: &Row<'_>) -> Result<UnmanagedCode, StoreError> {
    let access_code_id: AccessCodeId = row.id("access_code_id")?;
    Ok(UnmanagedCode {
        access_code_id,
        device_id: row.id("device_id")?,
        slot: row.slot("slot")?,
        content: read_content(vault, row, access_code_id.0.as_bytes())?,
        created_at: row.time("created_at")?,
    })
}
