//! The grants that were answered OK, as the host understood them: what should be true, in a few lines.

use std::collections::{BTreeMap, BTreeSet};

use keyway::model::Timestamp;

/// When somebody may enter: windows in order; `None`: without an end. None at all: never.
pub(crate) type Windows = Vec<(Timestamp, Option<Timestamp>)>;

/// A grant's number in the ledger.
pub(crate) type GrantNumber = usize;

/// A grant.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) pin: String,
    pub(crate) doors: BTreeSet<usize>,
    windows: Windows,
    /// Asked for and not answered yet.
    asked: Option<Windows>,
    /// Since when it is as it is.
    settled: Timestamp,
    /// It was deleted by order.
    pub(crate) deleted: bool,
}

/// What a door should do for a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It must open.
    Must,
    /// It must not open.
    MustNot,
    /// A change is under way.
    Either,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    grants: Vec<Grant>,
    by_pin: BTreeMap<String, Vec<GrantNumber>>,
    by_id: BTreeMap<String, GrantNumber>,
}

impl Ledger {
    pub(crate) fn add(
        &mut self,
        now: Timestamp,
        id: String,
        pin: String,
        doors: BTreeSet<usize>,
        windows: Windows,
    ) -> GrantNumber {
        let number = self.grants.len();
        self.by_pin.entry(pin.clone()).or_default().push(number);
        self.by_id.insert(id.clone(), number);
        self.grants.push(Grant { id, pin, doors, windows, asked: None, settled: now, deleted: false });
        number
    }

    pub(crate) fn grant(&self, number: GrantNumber) -> &Grant {
        &self.grants[number]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter()
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<GrantNumber> {
        self.by_id.get(id).copied()
    }

    /// The grants that have or had this PIN, for this door.
    pub(crate) fn of_pin(&self, pin: &str, door: usize) -> impl Iterator<Item = (GrantNumber, &Grant)> {
        let numbers = self.by_pin.get(pin).map(Vec::as_slice).unwrap_or_default();
        numbers
            .iter()
            .map(|number| (*number, &self.grants[*number]))
            .filter(move |(_, grant)| grant.doors.contains(&door))
    }

    /// When the next window of any grant begins or ends.
    pub(crate) fn next_edge(&self, now: Timestamp) -> Option<Timestamp> {
        // Those of long ago have none.
        self.grants.iter().rev().take(200).filter_map(|grant| grant.next_edge(now)).min()
    }

    /// A change is asked for.
    pub(crate) fn ask(&mut self, number: GrantNumber, windows: Windows) {
        self.grants[number].asked = Some(windows);
    }

    /// It was answered.
    pub(crate) fn answered(&mut self, now: Timestamp, number: GrantNumber, ok: bool) {
        let grant = &mut self.grants[number];
        if let Some(windows) = grant.asked.take().filter(|_| ok) {
            grant.deleted |= windows.is_empty();
            (grant.windows, grant.settled) = (windows, now);
        }
    }
}

impl Grant {
    /// What is to be now, and since when.
    pub(crate) fn verdict(&self, now: Timestamp) -> (Verdict, Timestamp) {
        let (verdict, since) = judge(&self.windows, now);
        let since = since.max(self.settled);
        match &self.asked {
            Some(asked) if judge(asked, now).0 != verdict => (Verdict::Either, since),
            _ => (verdict, since),
        }
    }

    /// When that may be another.
    pub(crate) fn next_edge(&self, now: Timestamp) -> Option<Timestamp> {
        let edges = self.windows.iter().chain(self.asked.iter().flatten());
        edges.flat_map(|(start, end)| [Some(*start), *end]).flatten().filter(|edge| *edge > now).min()
    }

    /// The start of a window that is still to come, if none is now.
    pub(crate) fn next_start(&self, now: Timestamp) -> Option<Timestamp> {
        self.windows.iter().map(|(start, _)| *start).filter(|start| *start > now).min()
    }

    /// Whether nothing of it is left to come.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.asked.is_none() && self.windows.iter().all(|(_, end)| end.is_some_and(|end| end <= now))
    }
}

fn judge(windows: &Windows, now: Timestamp) -> (Verdict, Timestamp) {
    let begun = windows.iter().rfind(|(start, _)| *start <= now);
    match begun {
        Some((start, None)) => (Verdict::Must, *start),
        Some((start, Some(end))) if now < *end => (Verdict::Must, *start),
        Some((_, Some(end))) => (Verdict::MustNot, *end),
        None => (Verdict::MustNot, Timestamp::UNIX_EPOCH),
    }
}
