//! What a lock wrote down by itself of who used it.

use crate::{SlotNumber, UnlockSource, WallTime};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogEntry {
    /// The bolt was thrown.
    Locked(UnlockSource),
    /// The bolt was drawn back.
    Unlocked(UnlockSource),
    /// A code was refused.
    Denied,
    /// Something else; carries the radio's own number for it.
    Other(u8),
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRecord {
    /// When, as the lock's own clock showed it; it may be wrong. `None`: no time that there is.
    pub at: Option<WallTime>,
    /// What.
    pub entry: LogEntry,
    /// Whose code, if told.
    pub slot: Option<SlotNumber>,
}

/// From where on a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStart {
    /// Only the newest record, to know it the next time.
    Newest,
    /// All that came behind this one; `None`: there was none yet.
    Behind(Option<LogRecord>),
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReading {
    /// The newest record; `None`: the log is empty.
    pub newest: Option<LogRecord>,
    /// What is new, oldest first.
    pub records: Vec<LogRecord>,
    /// There was more, and it is lost, or was passed over for its number.
    pub has_gap: bool,
}
