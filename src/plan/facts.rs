//! What decisions are made from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keyway_lock::{Capabilities, LogStart, SlotContent, SlotNumber, SlotReport};

use super::ahead::is_stand_in;
use crate::faults::{self, Fault};
use crate::model::{AccessCode, AccessCodeId, ActionAttempt, Presence, Timestamp};

/// For a code that begins later than this ahead of now nothing is done for its lock yet: the first thing is that it goes in
/// ahead, a day before. So a turn need not know of it.
pub const HORIZON: Duration = Duration::from_secs(25 * 3600);

/// A moment to decide for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Wall clock.
    pub utc: Timestamp,
    /// Whether it may be acted on (I6). While it may not, nothing is written or cleared because of time.
    pub trusted: bool,
}

/// A lock's last word about one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What is in it.
    pub content: SlotContent,
    /// When the lock said so.
    pub told_at: Timestamp,
}

/// One lock's slots: what it can hold, what it said they hold, and what they are reserved for.
#[derive(Debug, Clone)]
pub struct SlotTable {
    /// What the lock takes.
    pub capabilities: Capabilities,
    /// Its last word about each slot; a slot without one has not been read, or something happened to it since.
    pub words: BTreeMap<SlotNumber, Word>,
    /// Every managed code that may still matter: not finished. What begins beyond the [`HORIZON`] may be left out where it is
    /// not about a slot or a PIN for such a time.
    pub codes: Vec<AccessCode>,
}

impl SlotTable {
    /// From what the lock can do, what it said and when, and its codes.
    pub fn new(
        capabilities: Capabilities,
        words: impl IntoIterator<Item = (SlotReport, Timestamp)>,
        codes: Vec<AccessCode>,
    ) -> Self {
        let word = |(report, told_at): (SlotReport, Timestamp)| {
            let SlotReport { slot, content } = report;
            (slot, Word { content, told_at })
        };
        Self { capabilities, words: words.into_iter().map(word).collect(), codes }
    }

    /// The managed code that is, or may be, in this slot right now.
    pub fn holder(&self, slot: SlotNumber) -> Option<&AccessCode> {
        self.codes.iter().find(|code| code.slot == slot && code.presence != Presence::Absent)
    }

    /// The last word about a slot.
    pub fn word(&self, slot: SlotNumber) -> Option<&Word> {
        self.words.get(&slot)
    }

    /// Whether somebody else's code is in this slot, or the lock says it can't be used: never ours to write (I3).
    pub fn is_foreign(&self, slot: SlotNumber) -> bool {
        let foreign = |word: &Word| word.content != SlotContent::Free && !faults::is(Fault::ForeignTaken);
        self.holder(slot).is_none() && self.word(slot).is_some_and(foreign)
    }

    /// Every slot the lock has for guests, ascending.
    pub fn slots(&self) -> impl Iterator<Item = SlotNumber> {
        let first = self.capabilities.first_slot.0;
        (0..self.capabilities.slot_count)
            .filter_map(move |offset| first.checked_add(offset).map(SlotNumber))
            .filter(|slot| !self.capabilities.reserved_slots.contains(slot))
    }

    /// Whether the lock's word about the slot of this code is that another PIN is in it.
    pub(super) fn shows_another(&self, code: &AccessCode) -> bool {
        self.word(code.slot).is_some_and(|word| is_another(&word.content, code))
    }
}

/// Whether a slot's content is a PIN, and neither this code's nor one that stands in for it; or no guest's code: disabled,
/// reserved.
pub(super) fn is_another(content: &SlotContent, code: &AccessCode) -> bool {
    match content {
        SlotContent::Code(shown) => Some(shown) != code.pin.as_ref() && !is_stand_in(code, shown),
        SlotContent::Unusable => true,
        SlotContent::Free | SlotContent::Hidden => false,
    }
}

/// What only this run of the program knows of a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Since when the lock has been heard without a break; `None`: not heard in this run, or lost. Words older than
    /// this may be out of date: hands at the keypad went unheard.
    pub heard_since: Option<Timestamp>,
    /// The lock's bolt, door and battery were asked for in this run.
    pub status_known: bool,
    /// A command just failed: nothing but what a person waits for, for now.
    pub resting: bool,
    /// What the lock wrote down was read since it is heard.
    pub log_read: bool,
    /// Commands failed lately: nothing but that and what is due, so that a lock which is back without a word is not left
    /// with a code that is over, nor without one that has begun.
    pub sparing: bool,
    /// The last command failed, so that not all is to wait for it to be asked again.
    pub failed_last: bool,
    /// The lock just said that it is busy: not even that.
    pub busy: bool,
    /// Codes whose set or clear just failed: not now.
    pub held: BTreeSet<AccessCodeId>,
    /// Slots that the lock told something of, without what is in them now.
    pub told: BTreeSet<SlotNumber>,
    /// Slots that the lock told something of just as we wrote them: most likely our own doing, but before the next
    /// write they are read.
    pub doubted: BTreeSet<SlotNumber>,
    /// Slots that the lock would not be asked for: not again so soon, and no others wait for that.
    pub refused: BTreeSet<SlotNumber>,
    /// Slots that the lock only passed over when it told of others: free as it seems, and read before they are written.
    pub passed_over: BTreeSet<SlotNumber>,
    /// The last command was a lock or unlock.
    pub acted_last: bool,
    /// What the lock's checksum over its codes has been worth.
    pub checksum: Checksum,
    /// What the lock's clock was found to be.
    pub clock: ClockWord,
    /// Codes that the lock would not keep to a window.
    pub untimed: BTreeSet<AccessCodeId>,
}

impl Memory {
    /// Whether something about this code just failed: it is not gone on with now.
    pub(super) fn holds_off(&self, code: &AccessCode) -> bool {
        self.held.contains(&code.access_code_id) || self.refused.contains(&code.slot)
    }
}

/// What a lock's own clock was found to be in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockWord {
    /// Not looked at, or something happened since that it may have stood still over.
    #[default]
    Unknown,
    /// Right, then.
    Right(Timestamp),
    /// Wrong, then, and it could not be set.
    Wrong(Timestamp),
}

/// What a lock's checksum over its codes has been worth in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// Not asked for, since the slots were last read one by one.
    #[default]
    Untried,
    /// It agreed with what the slots hold: when it does not, something has changed.
    Agrees,
    /// It did not agree with slots that had just been read: the lock makes it in another way.
    Useless,
}

/// All about one lock that its next step depends on.
#[derive(Debug, Clone)]
pub struct LockFacts {
    /// Its interview is done: only then more than that can be asked of it.
    pub is_interviewed: bool,
    /// Its slots; `None` until its interview is done, or when it has no keypad.
    pub table: Option<SlotTable>,
    /// The first start of a code beyond the [`HORIZON`]; `None`: there is none.
    pub beyond: Option<Timestamp>,
    /// Whether anything may be written to it at all.
    pub is_managed: bool,
    /// Locks and unlocks that wait, oldest first.
    pub actions: Vec<ActionAttempt>,
    /// When it was last heard, as far as that was written down.
    pub last_seen: Option<Timestamp>,
    /// From where on its log is to be read; `None`: it keeps none, or that was done.
    pub log: Option<LogStart>,
    /// See [`Memory`].
    pub memory: Memory,
}
