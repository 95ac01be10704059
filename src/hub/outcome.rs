//! What an operation gives: a response, or why not.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::ApiError;
use crate::store::StoreError;

/// Why an operation did not work: the caller's fault, or ours.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Refused(#[from] ApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the answer can't be written: {0}")]
    Unwritable(String),
}

/// The response of an operation that gives nothing but `ok`.
#[derive(Serialize, ToSchema)]
pub(super) struct Nothing {}

/// Declares a response: resources under their names.
macro_rules! response {
    ($name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        #[derive(serde::Serialize, utoipa::ToSchema)]
        pub(super) struct $name { $(pub(super) $field: $type),+ }
    };
}
pub(super) use response;

/// There is no access code of this id.
pub(super) fn no_access_code() -> ApiError {
    ApiError::new("access_code_not_found", "there is no access code of this id")
}

/// There is no access grant of this id or key.
pub(super) fn no_access_grant() -> ApiError {
    ApiError::new("access_grant_not_found", "there is no access grant of this id or key")
}

/// There is no access method of this id.
pub(super) fn no_access_method() -> ApiError {
    ApiError::new("access_method_not_found", "there is no access method of this id")
}

/// There is no action attempt of this id.
pub(super) fn no_action_attempt() -> ApiError {
    ApiError::new("action_attempt_not_found", "there is no action attempt of this id, or not any more")
}

/// There is no device of this id or name.
pub(super) fn no_device() -> ApiError {
    ApiError::new("device_not_found", "there is no device of this id or name")
}

/// There is no event of this id.
pub(super) fn no_event() -> ApiError {
    ApiError::new("event_not_found", "there is no event of this id, or not any more")
}

/// There is no space of this id or key.
pub(super) fn no_space() -> ApiError {
    ApiError::new("space_not_found", "there is no space of this id or key")
}

/// There is no webhook of this id.
pub(super) fn no_webhook() -> ApiError {
    ApiError::new("webhook_not_found", "there is no webhook of this id")
}

/// There is no user identity of this id or key.
pub(super) fn no_user_identity() -> ApiError {
    ApiError::new("user_identity_not_found", "there is no user identity of this id or key")
}
