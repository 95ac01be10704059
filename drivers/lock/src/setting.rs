//! What a lock can be told of itself, beside its codes and its bolt.

use std::collections::BTreeSet;

/// Who gets in by a lock's keypad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeypadMode {
    /// Whoever has a code.
    Normal,
    /// Nobody but the one with the admin code: the house is left alone.
    Vacation,
    /// Nobody: somebody inside does not want to be disturbed.
    Privacy,
    /// Nobody for a while, after too many wrong codes.
    LockedOut,
}

impl KeypadMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Vacation, Self::Privacy, Self::LockedOut];

    /// Its name, as the operations have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Vacation => "vacation",
            Self::Privacy => "privacy",
            Self::LockedOut => "locked_out",
        }
    }

    /// The mode of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// A keypad whose mode can be set from afar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keypad {
    /// The mode it has, as the lock last said.
    pub mode: KeypadMode,
    /// The modes it knows.
    pub modes: BTreeSet<KeypadMode>,
}

/// A code beside the slots, which opens in every [`KeypadMode`] but privacy, and with which the lock is set up at its keypad.
/// Never a guest's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminCode {
    /// There is one, as the lock last said.
    pub is_set: bool,
    /// It may be taken away.
    pub can_be_removed: bool,
}

/// What a lock can be told, and what it is told; what is absent can't be set from afar.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who gets in by its keypad.
    pub keypad: Option<Keypad>,
    /// Its admin code.
    pub admin_code: Option<AdminCode>,
}
