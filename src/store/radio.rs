//! What the radio drivers want kept: opaque here, and sealed, since it may hold keys.

use keyway_lock::{NetworkRecord, RecordKey, SecretBytes};
use rusqlite::params;

use super::vault::Place;
use super::{StoreError, Unit};

const TABLE: &str = "radio_records";
const VALUE: &str = "value_sealed";

impl Unit<'_> {
    /// Every record of a stick, by key.
    ///
    /// # Errors
    /// [`StoreError`]; a record that can't be read is logged and left out: the driver finds out anew.
    pub fn records(&mut self, stick: &str) -> Result<Vec<NetworkRecord>, StoreError> {
        let vault = self.vault;
        let sql = "SELECT record, value_sealed FROM radio_records WHERE stick = ?1 ORDER BY record";
        self.readable(TABLE, sql, [stick], |row| {
            let key: String = row.get("record")?;
            let sealed: Vec<u8> = row.get(VALUE)?;
            let name = record_row(stick, &key);
            let place = Place { table: TABLE, column: VALUE, row: &name };
            let value = vault.open(place, &sealed).map_err(|what| row.unreadable(VALUE, what))?;
            Ok(NetworkRecord { key: RecordKey(key), value: Some(SecretBytes(value)) })
        })
    }

    /// Keeps a record, or forgets it if it has no value.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_record(&mut self, stick: &str, record: &NetworkRecord) -> Result<(), StoreError> {
        let key = &record.key.0;
        let Some(value) = &record.value else {
            self.execute("DELETE FROM radio_records WHERE stick = ?1 AND record = ?2", [stick, key])?;
            return Ok(());
        };
        let (vault, name) = (self.vault, record_row(stick, key));
        let sealed = vault.seal(self.rng(), Place { table: TABLE, column: VALUE, row: &name }, &value.0)?;
        let sql = "INSERT OR REPLACE INTO radio_records (stick, record, value_sealed) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![stick, key, sealed])?;
        Ok(())
    }
}

/// The row's name for the vault; the length keeps stick and key apart.
fn record_row(stick: &str, key: &str) -> Vec<u8> {
    format!("{} {stick} {key}", stick.len()).into_bytes()
}
