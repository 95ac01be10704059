//! What somebody may ask for.

/// What a caller may ask for; each may what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks, and sees no PIN.
    Read,
    /// Makes and changes grants and codes, sees their PINs, opens doors.
    Grants,
    /// Everything: also devices, keys of others, webhooks, the network.
    Admin,
}

impl Role {
    /// Every role, from the least to the most.
    pub const ALL: [Self; 3] = [Self::Read, Self::Grants, Self::Admin];

    /// Its name in requests and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Grants => "grants",
            Self::Admin => "admin",
        }
    }

    /// By name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}
