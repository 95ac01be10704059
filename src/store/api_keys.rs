//! Keys of those who ask over HTTP. Of the key itself there is only a hash.

use rusqlite::params;

use super::row::{Row, Word};
use super::{StoreError, Unit};
use crate::model::{ApiKey, ApiKeyId, KeyHash};

const TABLE: &str = "api_keys";

impl Unit<'_> {
    /// By id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.one(TABLE, "SELECT * FROM api_keys WHERE api_key_id = ?1", [id], read)
    }

    /// By the key's hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn api_key_by_hash(&mut self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        self.one(TABLE, "SELECT * FROM api_keys WHERE hash = ?1", [hash.0], read)
    }

    /// By name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn api_key_by_name(&mut self, name: &str) -> Result<Option<ApiKey>, StoreError> {
        self.one(TABLE, "SELECT * FROM api_keys WHERE name = ?1", [name], read)
    }

    /// All, by name.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn api_keys(&mut self) -> Result<Vec<ApiKey>, StoreError> {
        self.readable(TABLE, "SELECT * FROM api_keys ORDER BY name", [], read)
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if there is one of that name.
    pub fn insert_api_key(&mut self, key: &ApiKey, hash: KeyHash) -> Result<(), StoreError> {
        let sql = "INSERT INTO api_keys (api_key_id, name, role, hash, created_at, last_used_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = params![key.api_key_id, key.name, key.role.word(), hash.0, key.created_at, key.last_used_at];
        self.change(TABLE, key.api_key_id, sql, values)
    }

    /// Somebody asks with it now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn use_api_key(&mut self, id: ApiKeyId) -> Result<(), StoreError> {
        let sql = "UPDATE api_keys SET last_used_at = ?1 WHERE api_key_id = ?2";
        let rows = self.execute(sql, params![self.now(), id])?;
        self.may_wait(rows);
        Ok(())
    }

    /// Takes it away: nobody asks with it any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_api_key(&mut self, id: ApiKeyId) -> Result<(), StoreError> {
        self.execute("DELETE FROM api_keys WHERE api_key_id = ?1", [id])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        api_key_id: row.id("api_key_id")?,
        name: row.get("name")?,
        role: row.word("role")?,
        created_at: row.time("created_at")?,
        last_used_at: row.optional_time("last_used_at")?,
    })
}
