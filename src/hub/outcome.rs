//! What an operation gives: a resource, or why not.

use serde_json::{Map, Value};

use crate::model::ApiError;
use crate::store::StoreError;

/// Why an operation did not work: the caller's fault, or the store's.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Refused(#[from] ApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an operation gives: the resource under its name.
pub(super) type Outcome = Result<Map<String, Value>, Failure>;

/// The answer of an operation: one resource under its name.
pub(super) fn one(name: &str, resource: Value) -> Outcome {
    Ok(Map::from_iter([(name.to_owned(), resource)]))
}

/// The answer of an operation that gives nothing.
pub(super) fn nothing() -> Outcome {
    Ok(Map::new())
}

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

/// There is no user identity of this id or key.
pub(super) fn no_user_identity() -> ApiError {
    ApiError::new("user_identity_not_found", "there is no user identity of this id or key")
}
