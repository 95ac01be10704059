//! People.

use super::{Timestamp, UserIdentityId};

/// A person who may be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// Id.
    pub user_identity_id: UserIdentityId,
    /// The host's own unique name for the person.
    pub user_identity_key: Option<String>,
    /// Unique in the workspace.
    pub email_address: Option<String>,
    /// Unique in the workspace.
    pub phone_number: Option<String>,
    /// Name.
    pub full_name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl UserIdentity {
    /// A name to show; never empty.
    pub fn display_name(&self) -> String {
        [&self.full_name, &self.email_address, &self.phone_number, &self.user_identity_key]
            .into_iter()
            .flatten()
            .find(|name| !name.trim().is_empty())
            .cloned()
            .unwrap_or_else(|| "Unnamed person".to_owned())
    }
}
