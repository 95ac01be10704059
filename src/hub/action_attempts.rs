//! Operations on action attempts: what became of a lock, an unlock or a setting that was asked for.

use serde::Serialize;
use utoipa::ToSchema;

use super::call::Call;
use super::outcome::{Failure, no_action_attempt, response};
use super::page::{Cursor, Page, Pagination};
use super::parameter::Limit;
use super::request::request;
use crate::model::{ActionAttempt, ActionAttemptId, ActionStatus, DeviceId};
use crate::store::AttemptFilter;

request! {
    /// Tells what became of what was asked of a lock.
    pub(super) struct GetActionAttempt {
        /// Which.
        action_attempt_id: ActionAttemptId,
    }
}

request! {
    /// Lists what was asked of locks in the last days, oldest first.
    pub(super) struct ListActionAttempts {
        /// Only these.
        action_attempt_ids: Option<Vec<ActionAttemptId>>,
        /// Only of this device.
        device_id: Option<DeviceId>,
        /// At most so many.
        limit: Option<Limit>,
        /// The next page of the same request.
        page_cursor: Option<Cursor>,
    }
}

response!(OneActionAttempt { action_attempt: ActionAttemptResource });
response!(ActionAttempts { action_attempts: Vec<ActionAttemptResource>, pagination: Pagination });

pub(super) fn get(call: &mut Call<'_, '_>, asked: GetActionAttempt) -> Result<OneActionAttempt, Failure> {
    let attempt = call.action_attempt(asked.action_attempt_id)?.ok_or_else(no_action_attempt)?;
    Ok(OneActionAttempt { action_attempt: (&attempt).into() })
}

pub(super) fn list(call: &mut Call<'_, '_>, asked: ListActionAttempts) -> Result<ActionAttempts, Failure> {
    let page = Page::new(asked.limit, asked.page_cursor);
    let filter = AttemptFilter {
        ids: asked.action_attempt_ids,
        device: asked.device_id,
        after: page.after(),
        limit: page.fetch(),
    };
    let (attempts, pagination) = page.cut(call.action_attempts(&filter)?, |attempt| attempt.action_attempt_id.0);
    Ok(ActionAttempts { action_attempts: attempts.iter().map(Into::into).collect(), pagination })
}

/// An action attempt as Seam writes it.
#[derive(Serialize, ToSchema)]
#[schema(as = ActionAttempt)]
pub(super) struct ActionAttemptResource {
    action_attempt_id: ActionAttemptId,
    /// `LOCK_DOOR`, `UNLOCK_DOOR`, `CONFIGURE_AUTO_LOCK`, `CONFIGURE_KEYPAD_MODE`, `CONFIGURE_ADMIN_CODE`,
    /// `CONFIGURE_BOLT`, `READ_PARAMETER`, `SET_PARAMETER`, `IDENTIFY`, `INTERVIEW` or `PING`.
    action_type: &'static str,
    /// `pending`, `success` or `error`.
    status: &'static str,
    result: Option<ActionResult>,
    error: Option<ActionError>,
}

/// What an action led to.
#[derive(Serialize, ToSchema)]
pub(super) struct ActionResult {
    /// The lock itself has said so.
    was_confirmed_by_device: bool,
}

/// Why an action did not work.
#[derive(Serialize, ToSchema)]
pub(super) struct ActionError {
    /// For programs.
    r#type: String,
    /// For people.
    message: String,
}

impl From<&ActionAttempt> for ActionAttemptResource {
    fn from(attempt: &ActionAttempt) -> Self {
        let (status, result, error) = match &attempt.status {
            ActionStatus::Pending => ("pending", None, None),
            ActionStatus::Success => ("success", Some(ActionResult { was_confirmed_by_device: true }), None),
            ActionStatus::Error { error_type, message } => {
                ("error", None, Some(ActionError { r#type: error_type.clone(), message: message.clone() }))
            }
        };
        let action_type = attempt.action_type.name();
        Self { action_attempt_id: attempt.action_attempt_id, action_type, status, result, error }
    }
}
