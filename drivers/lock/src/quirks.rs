//! What is wrong with a file in which somebody says what his locks do otherwise than they say.

/// Why a file of quirks can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuirksError {
    /// Not TOML, an unknown or missing key, a wrong type; the text has line and key.
    #[error("{0}")]
    Toml(String),
    /// A value that can't be: which entry by its name, which key, and what would be right.
    #[error("lock \"{name}\": `{key}` {should}")]
    Value {
        /// The entry's name.
        name: String,
        /// The key.
        key: &'static str,
        /// What would be right.
        should: &'static str,
    },
}
