//! Who asks, and what he may.

use crate::model::Role;

/// Who asks: written into the events of what he does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// `mqtt`, or the name of an API key.
    pub name: String,
    /// What he may.
    pub role: Role,
}

impl Caller {
    /// Whoever the broker lets write to the request topics: its own access rules decide who that is.
    pub fn mqtt() -> Self {
        Self { name: "mqtt".to_owned(), role: Role::Admin }
    }
}
