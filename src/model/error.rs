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

    /// All three, or everything that is wrong with them.
    ///
    /// # Errors
    /// Those of all three, in one.
    pub fn all3<A, B, C>(a: Result<A, Self>, b: Result<B, Self>, c: Result<C, Self>) -> Result<(A, B, C), Self> {
        match (a, b, c) {
            (Ok(a), Ok(b), Ok(c)) => Ok((a, b, c)),
            (a, b, c) => {
                let errors = [a.err(), b.err(), c.err()];
                Err(Self::invalid_fields(errors.into_iter().flatten().flat_map(|error| error.fields).collect()))
            }
        }
    }

    /// Any other error.
    pub fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self { error_type, message: message.into(), fields: BTreeMap::new() }
    }
}
