//! Ways in: of each grant its PIN, sealed.

use rusqlite::params;
use serde_json::{Map, Value};

use super::row::Row;
use super::slots::read_pin;
use super::vault::Place;
use super::{CodeFilter, StoreError, Unit};
use crate::model::{AccessCode, AccessGrantId, AccessMethod, AccessMethodId, EventSubject, EventType, Timestamp};

const TABLE: &str = "access_methods";

impl Unit<'_> {
    /// By id. A PIN that can't be read any more is logged and reads as purged.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn method(&mut self, id: AccessMethodId) -> Result<Option<AccessMethod>, StoreError> {
        let sql = "SELECT * FROM access_methods WHERE access_method_id = ?1";
        self.one(TABLE, sql, [id], |row| self.read_method(row))
    }

    /// Of one grant, deleted or not, by id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn methods_of_grant(&mut self, grant: AccessGrantId) -> Result<Vec<AccessMethod>, StoreError> {
        let sql = "SELECT * FROM access_methods WHERE access_grant_id = ?1 ORDER BY access_method_id";
        self.readable(TABLE, sql, [grant], |row| self.read_method(row))
    }

    /// Tells, once, that a method's codes are out of every lock for good, if they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn settle_method(&mut self, id: AccessMethodId) -> Result<(), StoreError> {
        let Some(method) = self.method(id)?.filter(|method| method.revoked_at.is_none()) else { return Ok(()) };
        let now = self.now();
        let codes = self.codes(&CodeFilter { method: Some(id), ..CodeFilter::default() })?;
        if !codes.iter().all(|code| code.is_done(now)) {
            return Ok(());
        }
        let user_identity_id = self.grant(method.access_grant_id)?.map(|grant| grant.user_identity_id);
        let subject = EventSubject {
            access_grant_id: Some(method.access_grant_id),
            access_method_id: Some(id),
            user_identity_id,
            ..EventSubject::default()
        };
        self.update_method(&AccessMethod { revoked_at: Some(now), ..method })?;
        self.emit(EventType::AccessMethodRevoked, subject, Map::new())
    }

    /// Tells of the methods whose grants ended since `after` and whose codes never were in a lock: no lock's word tells.
    ///
    /// # Errors
    /// As [`Unit::settle_method`].
    pub fn settle_methods_over(&mut self, after: Timestamp) -> Result<(), StoreError> {
        let sql = "SELECT access_method_id FROM access_grants JOIN access_methods USING (access_grant_id)
            WHERE access_grants.deleted_at IS NULL AND ends_at > ?1 AND ends_at <= ?2 AND revoked_at IS NULL";
        for id in self.all(TABLE, sql, [after, self.now()], |row| row.id("access_method_id"))? {
            self.settle_method(id)?;
        }
        Ok(())
    }

    /// Tells that a method which is not issued yet is late because of this code: before the start it is delayed, behind it it
    /// has failed, which is told once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn not_issued(&mut self, code: &AccessCode, details: Map<String, Value>) -> Result<(), StoreError> {
        let method = code.access_method_id().map(|id| self.method(id)).transpose()?.flatten();
        let Some(method) = method.filter(|method| method.issued_at.is_none()) else { return Ok(()) };
        let subject = EventSubject { device_id: None, access_code_id: None, ..code.into() };
        if !code.is_wanted(self.now()) {
            return self.emit(EventType::AccessMethodDelayInIssuing, subject, details);
        }
        if method.failed_at.is_some() {
            return Ok(());
        }
        self.update_method(&AccessMethod { failed_at: Some(self.now()), ..method })?;
        self.emit(EventType::AccessMethodFailedToIssue, subject, details)
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if its grant is not known.
    pub fn insert_method(&mut self, method: &AccessMethod) -> Result<(), StoreError> {
        let sql = "INSERT INTO access_methods (access_grant_id, pin_sealed, requested, refused_length, issued_at,
            created_at, deleted_at, revoked_at, failed_at, access_method_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.write_method(method, sql)
    }

    /// A changed one. One that is as it was is not written.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id.
    pub fn update_method(&mut self, method: &AccessMethod) -> Result<(), StoreError> {
        if self.method(method.access_method_id).is_ok_and(|old| old.as_ref() == Some(method)) {
            return Ok(());
        }
        let sql = "UPDATE access_methods SET access_grant_id = ?1, pin_sealed = ?2, requested = ?3,
            refused_length = ?4, issued_at = ?5, created_at = ?6, deleted_at = ?7, revoked_at = ?8, failed_at = ?9
            WHERE access_method_id = ?10";
        self.write_method(method, sql)
    }

    fn write_method(&mut self, method: &AccessMethod, sql: &str) -> Result<(), StoreError> {
        let id = method.access_method_id;
        let place = Place { table: TABLE, column: "pin_sealed", row: id.0.as_bytes() };
        let pin = self.seal_pin(place, method.pin.as_ref())?;
        let values = params![
            method.access_grant_id,
            pin,
            method.requested,
            method.refused_length,
            method.issued_at,
            method.created_at,
            method.deleted_at,
            method.revoked_at,
            method.failed_at,
            id,
        ];
        self.change(TABLE, id, sql, values)?;
        if method.pin.is_some() {
            self.grant_holds_pins(method.access_grant_id)?;
        }
        self.changed_grant(method.access_grant_id);
        Ok(())
    }

    fn read_method(&self, row: &Row<'_>) -> Result<AccessMethod, StoreError> {
        let access_method_id: AccessMethodId = row.id("access_method_id")?;
        Ok(AccessMethod {
            access_method_id,
            access_grant_id: row.id("access_grant_id")?,
            pin: self.complaints.mend(read_pin(self.vault, row, access_method_id.0.as_bytes()), None),
            requested: row.get("requested")?,
            refused_length: row.optional_number("refused_length")?,
            issued_at: row.optional_time("issued_at")?,
            created_at: row.time("created_at")?,
            deleted_at: row.optional_time("deleted_at")?,
            revoked_at: row.optional_time("revoked_at")?,
            failed_at: row.optional_time("failed_at")?,
        })
    }
}
