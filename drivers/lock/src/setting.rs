//! What a lock can be told of itself, beside its codes and its bolt.

use std::collections::{BTreeMap, BTreeSet};

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

/// How a bolt behaves by itself, beside [`crate::LockInfo::auto_lock`]. Of a lock: what it does, as it last said; `None`: that
/// can't be set from afar. As an order: what is to be another; `None`: it stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BoltSettings {
    /// Once it was drawn back, it is thrown again after so many seconds; 0: it stays as it was put.
    pub timed_seconds: Option<u16>,
    /// When the door is opened, the latch is held back for so many seconds; 0: as long as somebody does that.
    pub hold_and_release_seconds: Option<u16>,
    /// The bolt is turned from one end of its way to the other.
    pub block_to_block: Option<bool>,
    /// A hand that turns the bolt is helped.
    pub twist_assist: Option<bool>,
}

impl BoltSettings {
    /// Most seconds of [`BoltSettings::timed_seconds`]: 253 minutes and 59 seconds (Z-Wave: Lock Timeout Minutes 0xFD).
    pub const LONGEST: u16 = 253 * 60 + 59;

    /// Whether a lock with these can be given that order: it asks for something, and for nothing that is not there.
    pub fn allows(&self, order: &Self) -> bool {
        fn able<T>(there: Option<T>, asked: Option<T>) -> bool {
            there.is_some() || asked.is_none()
        }
        *order != Self::default()
            && able(self.timed_seconds, order.timed_seconds)
            && able(self.hold_and_release_seconds, order.hold_and_release_seconds)
            && able(self.block_to_block, order.block_to_block)
            && able(self.twist_assist, order.twist_assist)
            && order.timed_seconds.is_none_or(|seconds| seconds <= Self::LONGEST)
    }
}

/// Something peculiar to its model that can be set, by a name that is known for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it does, in a few words.
    pub does: String,
    /// Words for values.
    pub values: BTreeMap<String, i64>,
    /// The least and the most that it takes beside those.
    pub range: Option<(i64, i64)>,
    /// It can be set, and not only read.
    pub can_be_set: bool,
    /// What it is, as the lock last said; `None`: not asked yet.
    pub value: Option<i64>,
    /// At this value no guest's code opens the door.
    pub closed_to_guests: bool,
}

/// What a lock can be told, and what it is told; what is absent can't be set from afar.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who gets in by its keypad.
    pub keypad: Option<Keypad>,
    /// Its admin code.
    pub admin_code: Option<AdminCode>,
    /// How its bolt behaves by itself.
    pub bolt: BoltSettings,
    /// It writes down who used it, and tells that when asked.
    pub keeps_log: bool,
    /// What is peculiar to its model.
    pub parameters: Vec<Parameter>,
}
