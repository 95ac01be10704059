//! Managed codes: what is wanted on a device, and what its lock has proven.
//!
//! A code must never get out of sight while it may be in a lock (I1). So what of its row can't be read is mended
//! towards caution, with an error in the log: an unreadable PIN reads as purged, which is not wanted any more and will
//! be taken out; an unreadable presence reads as unproven, which makes the slot be read.

use rusqlite::{Params, params};

use super::row::{Row, Word};
use super::slots::read_pin;
use super::vault::Place;
use super::{StoreError, Unit};
use crate::model::{
    AccessCode, AccessCodeId, AccessGrantId, AccessMethodId, CodeProblem, DeviceId, Presence, ProblemKind, Timestamp,
    Window,
};

const TABLE: &str = "access_codes";
/// What is or may be in a lock, and what waits for a window that overlaps ?2 to ?3. Three arms, each with its own
/// index; an OR would read every code that the device ever had.
pub(super) const OVERLAPPING: &str = "SELECT * FROM access_codes WHERE device_id = ?1 AND presence <> 'absent'
    UNION ALL SELECT * FROM access_codes WHERE device_id = ?1 AND presence = 'absent' AND deleted_at IS NULL
    AND ends_at > ?2 AND starts_at < ?3
    UNION ALL SELECT * FROM access_codes WHERE device_id = ?1 AND presence = 'absent' AND deleted_at IS NULL
    AND ends_at IS NULL AND starts_at < ?3
    ORDER BY starts_at, access_code_id";
/// The next start behind ?2 among what waits.
pub(super) const NEXT_START: &str = "SELECT min(starts_at) AS starts_at FROM (
    SELECT starts_at FROM access_codes WHERE device_id = ?1 AND presence = 'absent' AND deleted_at IS NULL
    AND ends_at > ?2 AND starts_at > ?2
    UNION ALL SELECT starts_at FROM access_codes WHERE device_id = ?1 AND presence = 'absent' AND deleted_at IS NULL
    AND ends_at IS NULL AND starts_at > ?2)";

/// Which codes; `None` does not narrow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeFilter {
    /// On this device.
    pub device: Option<DeviceId>,
    /// Of this grant.
    pub grant: Option<AccessGrantId>,
    /// Of this method.
    pub method: Option<AccessMethodId>,
}

impl Unit<'_> {
    /// By id, deleted or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn code(&mut self, id: AccessCodeId) -> Result<Option<AccessCode>, StoreError> {
        let sql = "SELECT * FROM access_codes WHERE access_code_id = ?1";
        self.one(TABLE, sql, [id], |row| self.read_code(row))
    }

    /// Deleted or not, by id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn codes(&mut self, filter: &CodeFilter) -> Result<Vec<AccessCode>, StoreError> {
        let CodeFilter { device, grant, method } = *filter;
        let mut codes = match (method, grant, device) {
            (Some(method), ..) => self.codes_where("access_method_id = ?1 ORDER BY access_code_id", [method])?,
            (None, Some(grant), _) => self.codes_where("access_grant_id = ?1 ORDER BY access_code_id", [grant])?,
            (None, None, Some(device)) => self.codes_where("device_id = ?1 ORDER BY access_code_id", [device])?,
            (None, None, None) => self.codes_where("TRUE ORDER BY access_code_id", [])?,
        };
        codes.retain(|code| {
            device.is_none_or(|device| code.device_id == device)
                && grant.is_none_or(|grant| code.access_grant_id == grant)
        });
        Ok(codes)
    }

    /// Every code of a method, deleted or not, by id.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn codes_of_method(&mut self, method: AccessMethodId) -> Result<Vec<AccessCode>, StoreError> {
        self.codes(&CodeFilter { method: Some(method), ..CodeFilter::default() })
    }

    /// Every code of a device that may still matter: all but those that are finished now
    /// ([`AccessCode::is_finished`]). Costs what it gives, not what is stored.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn live_codes(&mut self, device: DeviceId) -> Result<Vec<AccessCode>, StoreError> {
        self.overlapping_codes(device, &Window { starts_at: self.now(), ends_at: None })
    }

    /// What the lock has to be asked for by `by`: every code that is or may be in it, and those that are wanted by
    /// then. Costs what it gives, also where thousands of codes wait for a later day.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn due_codes(&mut self, device: DeviceId, by: Timestamp) -> Result<Vec<AccessCode>, StoreError> {
        // The first moment behind `by` is outside.
        let end = by.after(std::time::Duration::from_micros(1));
        self.overlapping_codes(device, &Window { starts_at: self.now(), ends_at: Some(end) })
    }

    /// When the next code of a device that waits will be wanted, behind `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_start(&mut self, device: DeviceId, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.one(TABLE, NEXT_START, params![device, after], |row| row.optional_time("starts_at"))?.flatten())
    }

    /// Every code of a device that is or may be in its lock, and those that wait for a window which overlaps `window`:
    /// what a new code must not be confused with. By start, then by id.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn overlapping_codes(&mut self, device: DeviceId, window: &Window) -> Result<Vec<AccessCode>, StoreError> {
        let end = window.ends_at.map_or(i64::MAX, Timestamp::as_microsecond);
        self.readable(TABLE, OVERLAPPING, params![device, window.starts_at, end], |row| self.read_code(row))
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if its method, grant or device is not known.
    pub fn insert_code(&mut self, code: &AccessCode) -> Result<(), StoreError> {
        let sql = "INSERT INTO access_codes (access_method_id, access_grant_id, user_identity_id, device_id, slot,
            pin_sealed, starts_at, ends_at, deleted_at, presence, evidence, proven_at, problem, problem_message,
            problem_since, created_at, access_code_id, origin)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, 'grant')";
        self.write_code(code, sql)
    }

    /// A changed one. One that is as it was is not written.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id.
    pub fn update_code(&mut self, code: &AccessCode) -> Result<(), StoreError> {
        if self.code(code.access_code_id).is_ok_and(|old| old.as_ref() == Some(code)) {
            return Ok(());
        }
        let sql = "UPDATE access_codes SET access_method_id = ?1, access_grant_id = ?2, user_identity_id = ?3,
            device_id = ?4, slot = ?5, pin_sealed = ?6, starts_at = ?7, ends_at = ?8, deleted_at = ?9, presence = ?10,
            evidence = ?11, proven_at = ?12, problem = ?13, problem_message = ?14, problem_since = ?15,
            created_at = ?16 WHERE access_code_id = ?17";
        self.write_code(code, sql)
    }

    fn write_code(&mut self, code: &AccessCode, sql: &str) -> Result<(), StoreError> {
        let id = code.access_code_id;
        let place = Place { table: TABLE, column: "pin_sealed", row: id.0.as_bytes() };
        let pin = self.seal_pin(place, code.pin.as_ref())?;
        let (presence, evidence, proven_at) = match code.presence {
            Presence::Absent => ("absent", None, None),
            Presence::Unproven => ("unproven", None, None),
            Presence::Proven(evidence, at) => ("proven", Some(evidence.word()), Some(at)),
        };
        let problem = code.problem.as_ref();
        let values = params![
            code.access_method_id,
            code.access_grant_id,
            code.user_identity_id,
            code.device_id,
            code.slot.0,
            pin,
            code.window.starts_at,
            code.window.ends_at,
            code.deleted_at,
            presence,
            evidence,
            proven_at,
            problem.map(|problem| problem.kind.word()),
            problem.map(|problem| &problem.message),
            problem.map(|problem| problem.since),
            code.created_at,
            id,
        ];
        self.change(TABLE, id, sql, values)?;
        if code.pin.is_some() {
            self.grant_holds_pins(code.access_grant_id)?;
        }
        self.changed_device(code.device_id);
        self.changed_grant(code.access_grant_id);
        Ok(())
    }

    fn codes_where(&self, condition: &str, params: impl Params) -> Result<Vec<AccessCode>, StoreError> {
        let sql = format!("SELECT * FROM access_codes WHERE {condition}");
        self.readable(TABLE, &sql, params, |row| self.read_code(row))
    }

    fn read_code(&self, row: &Row<'_>) -> Result<AccessCode, StoreError> {
        let access_code_id: AccessCodeId = row.id("access_code_id")?;
        let mut problem = self.complaints.mend(problem(row), None);
        let pin = read_pin(self.vault, row, access_code_id.0.as_bytes()).unwrap_or_else(|error| {
            self.complaints.add(&error);
            problem = problem.take().or_else(|| Some(pin_lost(self.now())));
            None
        });
        Ok(AccessCode {
            access_code_id,
            access_method_id: row.id("access_method_id")?,
            access_grant_id: row.id("access_grant_id")?,
            user_identity_id: row.id("user_identity_id")?,
            device_id: row.id("device_id")?,
            slot: row.slot("slot")?,
            pin,
            window: row.window()?,
            deleted_at: row.optional_time("deleted_at")?,
            presence: self.complaints.mend(presence(row), Presence::Unproven),
            problem,
            created_at: row.time("created_at")?,
        })
    }
}

fn presence(row: &Row<'_>) -> Result<Presence, StoreError> {
    match row.get::<String>("presence")?.as_str() {
        "absent" => Ok(Presence::Absent),
        "unproven" => Ok(Presence::Unproven),
        "proven" => Ok(Presence::Proven(row.word("evidence")?, row.time("proven_at")?)),
        _ => Err(row.unreadable("presence", "is a word that this release does not know")),
    }
}

fn problem(row: &Row<'_>) -> Result<Option<CodeProblem>, StoreError> {
    let Some(kind) = row.optional_word("problem")? else { return Ok(None) };
    Ok(Some(CodeProblem { kind, message: row.get("problem_message")?, since: row.time("problem_since")? }))
}

fn pin_lost(now: Timestamp) -> CodeProblem {
    let message = "its PIN can't be read from the hub's database any more: delete the grant and make a new one";
    CodeProblem { kind: ProblemKind::FailedToSet, message: message.to_owned(), since: now }
}
