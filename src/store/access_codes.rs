//! Managed codes: what is wanted on a device, and what its lock has proven.
//!
//! A code must never get out of sight while it may be in a lock (I1). So what of its row can't be read is mended
//! towards caution, with an error in the log: an unreadable PIN reads as purged, which is not wanted any more and will
//! be taken out, and so does a code with an unreadable schedule; an unreadable presence reads as unproven, which makes the slot be read.

use keyway_lock::{Minute, SlotWindow};
use rusqlite::params;

use super::query::Query;
use super::row::{Row, Word, schedule_text};
use super::slots::read_pin;
use super::vault::Place;
use super::{StoreError, Unit};
use crate::model::{
    AccessCode, AccessCodeId, AccessGrantId, AccessMethodId, CodeOrigin, CodeProblem, DeviceCode, DeviceId, Presence,
    ProblemKind, Timestamp,
};

pub(super) const TABLE: &str = "access_codes";
/// Which codes; `None` does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeFilter {
    /// Of one of these ids.
    pub ids: Option<Vec<AccessCodeId>>,
    /// On this device.
    pub device: Option<DeviceId>,
    /// Of this grant.
    pub grant: Option<AccessGrantId>,
    /// Of this method.
    pub method: Option<AccessMethodId>,
    /// With this key of codes that were made together.
    pub common_code_key: Option<String>,
    /// Only those that are not deleted.
    pub not_deleted: bool,
    /// Behind this one.
    pub after: Option<AccessCodeId>,
    /// At most so many.
    pub limit: Option<usize>,
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

    /// By id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn codes(&mut self, filter: &CodeFilter) -> Result<Vec<AccessCode>, StoreError> {
        let mut query = Query::new("SELECT * FROM access_codes WHERE TRUE");
        if let Some(ids) = &filter.ids {
            query.and_in("access_code_id", ids)?;
        }
        query.and_if("device_id = ?", filter.device.as_ref())?;
        query.and_if("access_grant_id = ?", filter.grant.as_ref())?;
        query.and_if("access_method_id = ?", filter.method.as_ref())?;
        query.and_if("common_code_key = ?", filter.common_code_key.as_ref())?;
        if filter.not_deleted {
            query.and("deleted_at IS NULL");
        }
        query.and_if("access_code_id > ?", filter.after.as_ref())?;
        query.end("access_code_id", filter.limit);
        query.readable(self, TABLE, |row| self.read_code(row))
    }

    /// Every code of a method, deleted or not, by id.
    ///
    /// # Errors
    /// As [`Unit::codes`].
    pub fn codes_of_method(&mut self, method: AccessMethodId) -> Result<Vec<AccessCode>, StoreError> {
        self.codes(&CodeFilter { method: Some(method), ..CodeFilter::default() })
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if its method, grant or device is not known.
    pub fn insert_code(&mut self, code: &AccessCode) -> Result<(), StoreError> {
        let sql = "INSERT INTO access_codes (origin, access_method_id, access_grant_id, user_identity_id, name,
            common_code_key, refused_length, external_modification_allowed, former_of, device_id, slot, pin_sealed,
            starts_at, ends_at, schedule, deleted_at, presence, evidence, proven_at, problem, problem_message,
            problem_since, created_at, kept_from, kept_until, ordered_at, access_code_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
            ?22, ?23, ?24, ?25, ?26, ?27)";
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
        let sql = "UPDATE access_codes SET origin = ?1, access_method_id = ?2, access_grant_id = ?3,
            user_identity_id = ?4, name = ?5, common_code_key = ?6, refused_length = ?7,
            external_modification_allowed = ?8, former_of = ?9, device_id = ?10, slot = ?11, pin_sealed = ?12,
            starts_at = ?13, ends_at = ?14, schedule = ?15, deleted_at = ?16, presence = ?17, evidence = ?18,
            proven_at = ?19, problem = ?20, problem_message = ?21, problem_since = ?22, created_at = ?23,
            kept_from = ?24, kept_until = ?25, ordered_at = ?26
            WHERE access_code_id = ?27";
        self.write_code(code, sql)
    }

    fn write_code(&mut self, code: &AccessCode, sql: &str) -> Result<(), StoreError> {
        let id = code.access_code_id;
        let place = Place { table: TABLE, column: "pin_sealed", row: id.0.as_bytes() };
        let pin = self.seal_pin(place, code.pin.as_ref())?;
        let (presence, evidence, proven_at) = match code.presence {
            Presence::Absent => ("absent", None, None),
            Presence::Unproven => ("unproven", None, None),
            Presence::Ahead(evidence, at) => ("ahead", Some(evidence.word()), Some(at)),
            Presence::Proven(evidence, at) => ("proven", Some(evidence.word()), Some(at)),
        };
        let problem = code.problem.as_ref();
        let origin = match &code.origin {
            CodeOrigin::Grant { .. } => "grant",
            CodeOrigin::Device(_) => "device",
            CodeOrigin::Hand => "hand",
            CodeOrigin::Former { .. } => "former",
        };
        let former_of = match code.origin {
            CodeOrigin::Former { access_code_id } => Some(access_code_id),
            CodeOrigin::Grant { .. } | CodeOrigin::Device(_) | CodeOrigin::Hand => None,
        };
        let made = code.device_code();
        let values = params![
            origin,
            code.access_method_id(),
            code.access_grant_id(),
            code.user_identity_id(),
            made.and_then(|made| made.name.as_ref()),
            made.and_then(|made| made.common_code_key.as_ref()),
            made.and_then(|made| made.refused_length),
            made.is_some_and(|made| made.is_external_modification_allowed),
            former_of,
            code.device_id,
            code.slot.0,
            pin,
            code.window.starts_at,
            code.window.ends_at,
            schedule_text(code.schedule.as_ref()),
            code.deleted_at,
            presence,
            evidence,
            proven_at,
            problem.map(|problem| problem.kind.word()),
            problem.map(|problem| &problem.message),
            problem.map(|problem| problem.since),
            code.created_at,
            code.kept.map(|window| window.from.0),
            code.kept.map(|window| window.until.0),
            code.ordered_at,
            id,
        ];
        self.change(TABLE, id, sql, values)?;
        self.changed_device(code.device_id);
        if let Some(grant) = code.access_grant_id() {
            self.changed_grant(grant);
            if code.pin.is_some() {
                self.grant_holds_pins(grant)?;
            }
        }
        Ok(())
    }

    pub(super) fn read_code(&self, row: &Row<'_>) -> Result<AccessCode, StoreError> {
        let access_code_id: AccessCodeId = row.id("access_code_id")?;
        let (origin, device_id, slot) = (origin(row)?, row.id("device_id")?, row.slot("slot")?);
        let pin = read_pin(self.vault, row, access_code_id.0.as_bytes());
        let (window, schedule, deleted_at) =
            (row.window()?, row.schedule(&self.known.schedules), row.optional_time("deleted_at")?);
        let presence = self.complaints.mend(presence(row), Presence::Unproven);
        let mut problem = self.complaints.mend(problem(row), None);
        let created_at = row.time("created_at")?;
        let mut lost = |what, error| {
            self.complaints.add(&error);
            problem = problem.take().or_else(|| Some(unreadable(what, self.now())));
            None
        };
        let pin = pin.unwrap_or_else(|error| lost("PIN", error));
        // Without its schedule it would be wanted all the time: without its PIN it is not wanted at all.
        let (schedule, pin) = match schedule {
            Ok(schedule) => (schedule, pin),
            Err(error) => (None, lost("schedule", error)),
        };
        Ok(AccessCode {
            access_code_id,
            origin,
            device_id,
            slot,
            pin,
            window,
            schedule,
            deleted_at,
            presence,
            kept: self.complaints.mend(kept(row), None),
            problem,
            created_at,
            ordered_at: self.complaints.mend(row.optional_time("ordered_at"), None).unwrap_or(created_at),
        })
    }
}

fn origin(row: &Row<'_>) -> Result<CodeOrigin, StoreError> {
    Ok(match row.text("origin")? {
        "grant" => CodeOrigin::Grant {
            access_method_id: row.id("access_method_id")?,
            access_grant_id: row.id("access_grant_id")?,
            user_identity_id: row.id("user_identity_id")?,
        },
        "device" => CodeOrigin::Device(DeviceCode {
            name: row.get("name")?,
            common_code_key: row.get("common_code_key")?,
            is_external_modification_allowed: row.get("external_modification_allowed")?,
            refused_length: row.optional_number("refused_length")?,
        }),
        "hand" => CodeOrigin::Hand,
        "former" => CodeOrigin::Former { access_code_id: row.id("former_of")? },
        _ => return Err(row.unreadable("origin", "is a word that this release does not know")),
    })
}

fn presence(row: &Row<'_>) -> Result<Presence, StoreError> {
    match row.text("presence")? {
        "absent" => Ok(Presence::Absent),
        "unproven" => Ok(Presence::Unproven),
        "ahead" => Ok(Presence::Ahead(row.word("evidence")?, row.time("proven_at")?)),
        "proven" => Ok(Presence::Proven(row.word("evidence")?, row.time("proven_at")?)),
        _ => Err(row.unreadable("presence", "is a word that this release does not know")),
    }
}

fn kept(row: &Row<'_>) -> Result<Option<SlotWindow>, StoreError> {
    let (from, until): (Option<i64>, Option<i64>) = (row.get("kept_from")?, row.get("kept_until")?);
    Ok(from.zip(until).map(|(from, until)| SlotWindow { from: Minute(from), until: Minute(until) }))
}

fn problem(row: &Row<'_>) -> Result<Option<CodeProblem>, StoreError> {
    let Some(kind) = row.optional_word("problem")? else { return Ok(None) };
    Ok(Some(CodeProblem { kind, message: row.get("problem_message")?, since: row.time("problem_since")? }))
}

fn unreadable(what: &str, now: Timestamp) -> CodeProblem {
    let message = format!("its {what} can't be read from the hub's database any more: delete it and make it anew");
    CodeProblem { kind: ProblemKind::FailedToSet, message, since: now }
}
