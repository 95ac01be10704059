//! How much there is of what, for those who watch over the hub.

use super::{StoreError, Unit};
use crate::model::DeviceId;

impl Unit<'_> {
    /// The codes that a lock holds or may hold, by what is known of each: `proven`, `unproven` or `ahead`. Costs what is in
    /// locks, not what is stored.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn codes_in_locks(&mut self) -> Result<Vec<(DeviceId, String, u64)>, StoreError> {
        let sql = "SELECT device_id, presence, count(*) AS codes FROM access_codes WHERE presence <> 'absent'
            GROUP BY device_id, presence ORDER BY device_id, presence";
        self.all("access_codes", sql, [], |row| {
            let codes: i64 = row.get("codes")?;
            Ok((row.id("device_id")?, row.get("presence")?, codes.cast_unsigned()))
        })
    }

    /// Bytes of the database.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn size(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()";
        let size: Option<i64> = self.one("the database", sql, [], |row| row.get("size"))?;
        Ok(size.unwrap_or(0).cast_unsigned())
    }
}
