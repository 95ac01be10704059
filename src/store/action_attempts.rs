//! What was asked of locks by people, and what became of them.

use keyway_lock::AutoLock;
use rusqlite::params;

use super::query::Query;
use super::row::Row;
use super::{StoreError, Unit};
use crate::model::{ActionAttempt, ActionAttemptId, ActionStatus, ActionType, DeviceId};

const TABLE: &str = "action_attempts";
/// What is asked, as it is kept; with the auto-lock, its seconds as the argument.
const LOCK: &str = "lock_door";
const UNLOCK: &str = "unlock_door";
const IDENTIFY: &str = "identify";
const AUTO_LOCK: &str = "configure_auto_lock";

/// Which attempts; `None` does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptFilter {
    /// Of one of these ids.
    pub ids: Option<Vec<ActionAttemptId>>,
    /// At this door.
    pub device: Option<DeviceId>,
    /// Behind this one.
    pub after: Option<ActionAttemptId>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl Unit<'_> {
    /// By id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn action_attempt(&mut self, id: ActionAttemptId) -> Result<Option<ActionAttempt>, StoreError> {
        self.one(TABLE, "SELECT * FROM action_attempts WHERE action_attempt_id = ?1", [id], read)
    }

    /// Those that are kept, by id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn action_attempts(&mut self, filter: &AttemptFilter) -> Result<Vec<ActionAttempt>, StoreError> {
        let mut query = Query::new("SELECT * FROM action_attempts WHERE TRUE");
        if let Some(ids) = &filter.ids {
            query.and_in("action_attempt_id", ids)?;
        }
        query.and_if("device_id = ?", filter.device.as_ref())?;
        query.and_if("action_attempt_id > ?", filter.after.as_ref())?;
        query.end("action_attempt_id", filter.limit);
        query.readable(self, TABLE, read)
    }

    /// Those of a device that nothing has become of yet, oldest first.
    ///
    /// # Errors
    /// As [`Unit::action_attempts`].
    pub fn pending_action_attempts(&mut self, device: DeviceId) -> Result<Vec<ActionAttempt>, StoreError> {
        let sql = "SELECT * FROM action_attempts WHERE device_id = ?1 AND status = 'pending'
            ORDER BY created_at, action_attempt_id";
        self.readable(TABLE, sql, [device], read)
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if its device is not known.
    pub fn insert_action_attempt(&mut self, attempt: &ActionAttempt) -> Result<(), StoreError> {
        let sql = "INSERT INTO action_attempts (device_id, action_type, argument, status, error_type, error_message,
            created_at, expires_at, action_attempt_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.write_attempt(attempt, sql)
    }

    /// A changed one.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id.
    pub fn update_action_attempt(&mut self, attempt: &ActionAttempt) -> Result<(), StoreError> {
        let sql = "UPDATE action_attempts SET device_id = ?1, action_type = ?2, argument = ?3, status = ?4,
            error_type = ?5, error_message = ?6, created_at = ?7, expires_at = ?8 WHERE action_attempt_id = ?9";
        self.write_attempt(attempt, sql)
    }

    fn write_attempt(&mut self, attempt: &ActionAttempt, sql: &str) -> Result<(), StoreError> {
        let (status, error_type, message) = match &attempt.status {
            ActionStatus::Pending => ("pending", None, None),
            ActionStatus::Success => ("success", None, None),
            ActionStatus::Error { error_type, message } => ("error", Some(error_type), Some(message)),
        };
        let (action_type, argument) = match attempt.action_type {
            ActionType::LockDoor => (LOCK, None),
            ActionType::UnlockDoor => (UNLOCK, None),
            ActionType::Identify => (IDENTIFY, None),
            ActionType::ConfigureAutoLock(auto_lock) => (AUTO_LOCK, Some(auto_lock.seconds())),
        };
        let values = params![
            attempt.device_id,
            action_type,
            argument,
            status,
            error_type,
            message,
            attempt.created_at,
            attempt.expires_at,
            attempt.action_attempt_id,
        ];
        self.change(TABLE, attempt.action_attempt_id, sql, values)?;
        self.changed_device(attempt.device_id);
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<ActionAttempt, StoreError> {
    let status = match row.get::<String>("status")?.as_str() {
        "pending" => ActionStatus::Pending,
        "success" => ActionStatus::Success,
        "error" => ActionStatus::Error { error_type: row.get("error_type")?, message: row.get("error_message")? },
        _ => return Err(row.unreadable("status", "is a word that this release does not know")),
    };
    let action_type = match row.get::<String>("action_type")?.as_str() {
        LOCK => ActionType::LockDoor,
        UNLOCK => ActionType::UnlockDoor,
        IDENTIFY => ActionType::Identify,
        AUTO_LOCK => ActionType::ConfigureAutoLock(AutoLock::from_seconds(row.get("argument")?)),
        _ => return Err(row.unreadable("action_type", "is a word that this release does not know")),
    };
    Ok(ActionAttempt {
        action_attempt_id: row.id("action_attempt_id")?,
        device_id: row.id("device_id")?,
        action_type,
        status,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}
