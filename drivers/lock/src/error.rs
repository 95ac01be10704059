//! Why a command did not work, in variants that say by themselves whether to try again.

use crate::SlotContent;

/// What a caller should do about a failed command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The lock or the stick could not be reached: again later, with growing pauses.
    WhenReachable,
    /// Reached but occupied: again soon.
    Soon,
    /// The outcome is not known: read the slot before anything else is concluded or written.
    AfterReading,
    /// The same command would fail the same way: not again until something changes. A person is told.
    Never,
}

/// A lock's (or its driver's) refusal: asking again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another slot holds this PIN.
    #[error("the lock already holds this PIN in another slot")]
    DuplicatePin,
    /// The lock has no memory left for another code, whatever it said of its slots.
    #[error("the lock's memory for codes is full")]
    MemoryFull,
    /// The PIN is too short or too long.
    #[error("the lock takes PINs of {min} to {max} digits")]
    UnsupportedLength {
        /// Fewest digits.
        min: u8,
        /// Most digits.
        max: u8,
    },
    /// The keypad lacks one of the digits.
    #[error("the lock's keypad lacks a digit of this PIN")]
    UnsupportedDigit,
    /// The lock has no slot of that number.
    #[error("the lock has slots {first} to {last} only")]
    NoSuchSlot {
        /// Lowest slot number.
        first: u16,
        /// Highest slot number.
        last: u16,
    },
    /// The lock understood and said no, without a reason.
    #[error("the lock refused the command")]
    Rejected,
    /// After the command the slot held something else: the lock kept or changed it.
    #[error("after the command the slot held something else")]
    NotTaken(SlotContent),
    /// The lock does not keep a code to a window, though it said that it can. The code is not in it.
    #[error("the lock does not keep a window for this code")]
    WindowNotKept,
    /// The lock can't do that at all.
    #[error("the lock can't do that: {0}")]
    NotSupported(&'static str),
    /// The keys to speak with this lock securely are missing or wrong.
    #[error("no key for this lock: {0}")]
    NoKey(&'static str),
}

/// Why a command ended without success. A closed list; callers decide on the variant, never on text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No lock of that id on this stick, or its interview is not done.
    #[error("the lock is not known to the stick yet")]
    NotReady,
    /// The stick is unplugged or does not answer.
    #[error("the radio stick is gone")]
    StickGone,
    /// The lock did not acknowledge: out of reach, or its battery is dead. Nothing was changed.
    #[error("the lock does not answer")]
    Offline,
    /// The lock said that it is occupied. Nothing was changed.
    #[error("the lock is busy")]
    Busy,
    /// The lock may or may not have carried it out: it was heard but did not prove the outcome in time.
    #[error("the lock did not confirm in time")]
    Unproven,
    /// The bolt did not move, or not to the end.
    #[error("the bolt is jammed")]
    Jammed,
    /// See [`Refusal`].
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl CommandError {
    /// What to do next.
    pub fn retry(&self) -> Retry {
        match self {
            Self::NotReady | Self::StickGone | Self::Offline => Retry::WhenReachable,
            Self::Busy => Retry::Soon,
            Self::Unproven => Retry::AfterReading,
            Self::Jammed | Self::Refused(_) => Retry::Never,
        }
    }
}
