//! What an operation answers when it can't do what was asked: the same over every door.

use std::collections::BTreeMap;

/// An error of an operation, as Seam words it: a type for programs, a sentence for people, and by field what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct ApiError {
    /// `invalid_input`, `device_not_found`, …
    pub error_type: &'static str,
    /// What is wrong and what to do. Never a PIN.
    pub message: String,
    /// Messages by parameter name, for `invalid_input`.
    pub fields: BTreeMap<String, Vec<String>>,
}

impl ApiError {
    /// A parameter is wrong.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            error_type: "invalid_input",
            message: format!("{field}: {message}"),
            fields: BTreeMap::from([(field.to_owned(), vec![message])]),
        }
    }

    /// Any other error.
    pub fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self { error_type, message: message.into(), fields: BTreeMap::new() }
    }
}
