//! Who asks, and what he may.

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
    pub const ALL: &[Self] = &[Self::Read, Self::Grants, Self::Admin];

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
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }
}

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
