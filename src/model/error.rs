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
        Self::invalid_fields(BTreeMap::from([(field.to_owned(), vec![message.into()])]))
    }

    /// Parameters are wrong: messages by name.
    pub fn invalid_fields(fields: BTreeMap<String, Vec<String>>) -> Self {
        let sentences: Vec<String> =
            fields.iter().map(|(field, messages)| format!("{field}: {}", messages.join(", "))).collect();
        Self { error_type: "invalid_input", message: sentences.join("; "), fields }
    }

    /// Both, or everything that is wrong with them.
    ///
    /// # Errors
    /// Those of both, in one.
    pub fn both<A, B>(a: Result<A, Self>, b: Result<B, Self>) -> Result<(A, B), Self> {
        match (a, b) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Err(a), Err(b)) => Err(Self::invalid_fields(a.fields.into_iter().chain(b.fields).collect())),
        }
    }

    /// Any other error.
    pub fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self { error_type, message: message.into(), fields: BTreeMap::new() }
    }
}
