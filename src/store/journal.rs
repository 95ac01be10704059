//! The short history of each code: what was intended, and how it was proven or why not.

use keyway_lock::Evidence;
use rusqlite::params;

use super::row::{Row, Word};
use super::{StoreError, Unit};
use crate::model::{AccessCodeId, Timestamp};

const TABLE: &str = "journal";
/// Entries kept of each code; the newest.
const KEPT: i64 = 40;

/// What a lock is asked to do with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeChange {
    /// Put it into its slot.
    Set,
    /// Take it out.
    Clear,
}

impl Word for CodeChange {
    fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Clear => "clear",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Set, Self::Clear].into_iter().find(|change| change.word() == text)
    }
}

/// One line of a code's history. Never holds a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalEntry {
    /// About to be asked of the lock: noted before the radio is told.
    Intended(CodeChange),
    /// Put in ahead of its time, which the lock keeps by itself, and how it proved the code.
    PutAhead(Evidence),
    /// Done, and how the lock proved it.
    Confirmed(CodeChange, Evidence),
    /// Not done, and why.
    Failed(CodeChange, String),
    /// Typed at the keypad.
    Used,
    /// Changed or removed at the lock by somebody else.
    ExternallyChanged,
    /// Put in by hand, and taken over by the host's order.
    TakenOver,
    /// Put in by hand, and ordered out by the host.
    OrderedOut,
}

impl Unit<'_> {
    /// Adds a line to a code's history, stamped with now.
    ///
    /// # Errors
    /// [`StoreError`], also if the code is not known.
    pub fn note(&mut self, code: AccessCodeId, entry: &JournalEntry) -> Result<(), StoreError> {
        let (word, change, evidence, reason) = match entry {
            JournalEntry::Intended(change) => ("intended", Some(*change), None, None),
            JournalEntry::PutAhead(evidence) => ("put_ahead", None, Some(*evidence), None),
            JournalEntry::Confirmed(change, evidence) => ("confirmed", Some(*change), Some(*evidence), None),
            JournalEntry::Failed(change, reason) => ("failed", Some(*change), None, Some(reason)),
            JournalEntry::Used => ("used", None, None, None),
            JournalEntry::ExternallyChanged => ("externally_changed", None, None, None),
            JournalEntry::TakenOver => ("taken_over", None, None, None),
            JournalEntry::OrderedOut => ("ordered_out", None, None, None),
        };
        let sql = "INSERT INTO journal (access_code_id, number, noted_at, entry, change, evidence, reason)
            SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM journal WHERE access_code_id = ?1";
        let (change, evidence) = (change.map(Word::word), evidence.map(Word::word));
        self.execute(sql, params![code, self.now(), word, change, evidence, reason])?;
        let sql = "DELETE FROM journal WHERE access_code_id = ?1
            AND number <= (SELECT max(number) FROM journal WHERE access_code_id = ?1) - ?2";
        self.execute(sql, params![code, KEPT])?;
        Ok(())
    }

    /// A code's history, oldest first; its newest 40 lines.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn journal(&mut self, code: AccessCodeId) -> Result<Vec<(Timestamp, JournalEntry)>, StoreError> {
        self.readable(TABLE, "SELECT * FROM journal WHERE access_code_id = ?1 ORDER BY number", [code], read)
    }
}

fn read(row: &Row<'_>) -> Result<(Timestamp, JournalEntry), StoreError> {
    let entry = match row.get::<String>("entry")?.as_str() {
        "intended" => JournalEntry::Intended(row.word("change")?),
        "put_ahead" => JournalEntry::PutAhead(row.word("evidence")?),
        "confirmed" => JournalEntry::Confirmed(row.word("change")?, row.word("evidence")?),
        "failed" => JournalEntry::Failed(row.word("change")?, row.get("reason")?),
        "used" => JournalEntry::Used,
        "externally_changed" => JournalEntry::ExternallyChanged,
        "taken_over" => JournalEntry::TakenOver,
        "ordered_out" => JournalEntry::OrderedOut,
        _ => return Err(row.unreadable("entry", "is a word that this release does not know")),
    };
    Ok((row.time("noted_at")?, entry))
}
