//! What was asked of locks by people, and what became of them.

use std::borrow::Cow;

use keyway_lock::{AutoLock, KeypadMode, Pin};
use rusqlite::params;
use serde_json::Value;

use super::lock_info::bolt_settings;
use super::query::Query;
use super::row::Row;
use super::slots::read_pin;
use super::vault::Place;
use super::{StoreError, Unit};
use crate::model::{ActionAttempt, ActionAttemptId, ActionStatus, ActionType, AdminCodeOrder, DeviceId};

const TABLE: &str = "action_attempts";
/// What is asked, as it is kept; with the auto-lock, its seconds as the argument, with the others the details.
const LOCK: &str = "lock_door";
const UNLOCK: &str = "unlock_door";
const IDENTIFY: &str = "identify";
const PING: &str = "ping";
const INTERVIEW: &str = "interview";
const AUTO_LOCK: &str = "configure_auto_lock";
const KEYPAD_MODE: &str = "configure_keypad_mode";
const ADMIN_CODE: &str = "configure_admin_code";
/// With what is to be another as JSON.
const BOLT: &str = "configure_bolt";
/// With the name as the details, and the value as the argument.
const READ_PARAMETER: &str = "read_parameter";
const SET_PARAMETER: &str = "set_parameter";
/// Details of an admin code.
const SET: &str = "set";
const REMOVE: &str = "remove";

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
        self.one(TABLE, "SELECT * FROM action_attempts WHERE action_attempt_id = ?1", [id], |row| {
            self.read_attempt(row)
        })
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
        query.readable(self, TABLE, |row| self.read_attempt(row))
    }

    /// Those of a device that nothing has become of yet, oldest first.
    ///
    /// # Errors
    /// As [`Unit::action_attempts`].
    pub fn pending_action_attempts(&mut self, device: DeviceId) -> Result<Vec<ActionAttempt>, StoreError> {
        let sql = "SELECT * FROM action_attempts WHERE device_id = ?1 AND status = 'pending'
            ORDER BY created_at, action_attempt_id";
        self.readable(TABLE, sql, [device], |row| self.read_attempt(row))
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if its device is not known.
    pub fn insert_action_attempt(&mut self, attempt: &ActionAttempt) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO action_attempts (device_id, action_type, argument, details, pin_sealed, status, error_type,
            error_message, created_at, expires_at, action_attempt_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.write_attempt(attempt, sql)
    }

    /// A changed one.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id.
    pub fn update_action_attempt(&mut self, attempt: &ActionAttempt) -> Result<(), StoreError> {
        let sql = "UPDATE action_attempts SET device_id = ?1, action_type = ?2, argument = ?3, details = ?4,
            pin_sealed = ?5, status = ?6, error_type = ?7, error_message = ?8, created_at = ?9, expires_at = ?10
            WHERE action_attempt_id = ?11";
        self.write_attempt(attempt, sql)
    }

    fn write_attempt(&mut self, attempt: &ActionAttempt, sql: &str) -> Result<(), StoreError> {
        let (status, error_type, message) = match &attempt.status {
            ActionStatus::Pending => ("pending", None, None),
            ActionStatus::Success => ("success", None, None),
            ActionStatus::Error { error_type, message } => ("error", Some(error_type), Some(message)),
        };
        let Kept { action_type, argument, details, pin } = Kept::of(&attempt.action_type);
        // What has ended needs it no more.
        let pin = pin.filter(|_| attempt.status == ActionStatus::Pending);
        let id = attempt.action_attempt_id;
        let pin = self.seal_pin(Place { table: TABLE, column: "pin_sealed", row: id.0.as_bytes() }, pin)?;
        let values = params![
            attempt.device_id,
            action_type,
            argument,
            details,
            pin,
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

    fn read_attempt(&self, row: &Row<'_>) -> Result<ActionAttempt, StoreError> {
        let id: ActionAttemptId = row.id("action_attempt_id")?;
        let status = match row.get::<String>("status")?.as_str() {
            "pending" => ActionStatus::Pending,
            "success" => ActionStatus::Success,
            "error" => ActionStatus::Error { error_type: row.get("error_type")?, message: row.get("error_message")? },
            _ => return Err(row.unreadable("status", "is a word that this release does not know")),
        };
        Ok(ActionAttempt {
            action_attempt_id: id,
            device_id: row.id("device_id")?,
            action_type: action_type(row, read_pin(self.vault, row, id.0.as_bytes())?)?,
            status,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        })
    }
}

/// An action as it is kept.
struct Kept<'a> {
    action_type: &'static str,
    argument: Option<i64>,
    details: Option<Cow<'a, str>>,
    pin: Option<&'a Pin>,
}

impl<'a> Kept<'a> {
    fn of(action_type: &'a ActionType) -> Self {
        let plain = |action_type| Self { action_type, argument: None, details: None, pin: None };
        match action_type {
            ActionType::LockDoor => plain(LOCK),
            ActionType::UnlockDoor => plain(UNLOCK),
            ActionType::Identify => plain(IDENTIFY),
            ActionType::Ping => plain(PING),
            ActionType::Interview => plain(INTERVIEW),
            ActionType::ConfigureAutoLock(auto_lock) => {
                Self { argument: Some(auto_lock.seconds().into()), ..plain(AUTO_LOCK) }
            }
            ActionType::ConfigureBolt(settings) => {
                Self { details: Some(bolt_settings::encode(settings).to_string().into()), ..plain(BOLT) }
            }
            ActionType::ReadParameter(name) => Self { details: Some(name.into()), ..plain(READ_PARAMETER) },
            ActionType::SetParameter(name, value) => {
                Self { argument: Some(*value), details: Some(name.into()), ..plain(SET_PARAMETER) }
            }
            ActionType::ConfigureKeypadMode(mode) => Self { details: Some(mode.name().into()), ..plain(KEYPAD_MODE) },
            ActionType::ConfigureAdminCode(AdminCodeOrder::Set(code)) => {
                Self { details: Some(SET.into()), pin: code.as_ref(), ..plain(ADMIN_CODE) }
            }
            ActionType::ConfigureAdminCode(AdminCodeOrder::Remove) => {
                Self { details: Some(REMOVE.into()), ..plain(ADMIN_CODE) }
            }
        }
    }
}

fn action_type(row: &Row<'_>, pin: Option<Pin>) -> Result<ActionType, StoreError> {
    let details = || row.get::<String>("details");
    let unreadable = |column| row.unreadable(column, "is a word that this release does not know");
    Ok(match row.get::<String>("action_type")?.as_str() {
        LOCK => ActionType::LockDoor,
        UNLOCK => ActionType::UnlockDoor,
        IDENTIFY => ActionType::Identify,
        PING => ActionType::Ping,
        INTERVIEW => ActionType::Interview,
        AUTO_LOCK => ActionType::ConfigureAutoLock(AutoLock::from_seconds(row.get("argument")?)),
        BOLT => {
            let json: Value = serde_json::from_str(&details()?).unwrap_or_default();
            ActionType::ConfigureBolt(bolt_settings::decode(&json))
        }
        READ_PARAMETER => ActionType::ReadParameter(details()?),
        SET_PARAMETER => ActionType::SetParameter(details()?, row.get("argument")?),
        KEYPAD_MODE => {
            let mode = KeypadMode::of_name(&details()?).ok_or_else(|| unreadable("details"))?;
            ActionType::ConfigureKeypadMode(mode)
        }
        ADMIN_CODE => ActionType::ConfigureAdminCode(match details()?.as_str() {
            SET => AdminCodeOrder::Set(pin),
            REMOVE => AdminCodeOrder::Remove,
            _ => return Err(unreadable("details")),
        }),
        _ => return Err(unreadable("action_type")),
    })
}
