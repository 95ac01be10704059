//! One door's own history: what its lock held, since when and by whom, and what was in the hub's way.

use std::collections::{BTreeMap, BTreeSet};

use keyway::model::Timestamp;
use keyway_lock::SlotNumber;
use keyway_virtual::door::{By, Code};

use super::hands_off::UNSEEN;
use super::ledger::{GrantNumber, Ledger, Verdict};

/// What is in the hub's way at a door. None of it is an excuse for another door, as far as it is not every door's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    HubDown,
    /// It shows another time, and the hub can't know.
    ClockWrong,
    ClockUntrusted,
    DiskFull,
    DiskSlow,
    StickGone,
    Offline,
    Rejecting,
    Lossy,
    Slow,
    /// A hand changed something that the lock did not tell of.
    Unheard,
}

impl Trouble {
    fn is_the_hubs(self) -> bool {
        matches!(self, Self::HubDown | Self::ClockWrong | Self::ClockUntrusted | Self::DiskFull | Self::DiskSlow)
    }
}

/// What is in a slot.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) pin: String,
    pub(super) by: By,
    pub(super) since: Timestamp,
    /// The PIN of the hub's that a hand wrote over, in a lock that shows no digits and told nobody: no look into the slot
    /// tells that from what was there.
    pub(super) hides: Option<String>,
    /// A hand wrote it over the hub's, in a lock that shows no digits: what that tells is what it tells of a code that the
    /// hub has just set, and the hub writes its own again rather than leave one in the lock for ever.
    pub(super) passes_for_ours: bool,
}

/// A PIN's time in the lock.
#[derive(Debug, Clone)]
pub(super) struct Stay {
    pub(super) pin: String,
    pub(super) until: Option<Timestamp>,
}

/// A difference between a lock and the grants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrong {
    pub(super) opens: bool,
    pub(super) since: Timestamp,
    pub(super) told: bool,
    /// Nobody was told of it by the hub, and that was held against it.
    pub(super) missed: bool,
}

#[derive(Debug)]
pub(super) struct DoorRecord {
    pub(super) slots: BTreeMap<SlotNumber, Held>,
    pub(super) stays: Vec<Stay>,
    /// Grants that may still matter.
    pub(super) grants: BTreeSet<GrantNumber>,
    pub(super) wrong: BTreeMap<GrantNumber, Wrong>,
    /// Codes of the hub's that nobody ordered, since when.
    pub(super) strange: BTreeMap<SlotNumber, Timestamp>,
    /// Grants whose code the hub said it can't set.
    pub(super) refused: BTreeSet<GrantNumber>,
    /// Grants of whose code the hub told that it is late, and when.
    pub(super) alarmed: BTreeMap<GrantNumber, Timestamp>,
    /// Grants whose code the hub last told to be set.
    pub(super) said_set: BTreeSet<GrantNumber>,
    /// Grants whose code the hub told to be out of the lock, when it did last.
    pub(super) said_out: BTreeMap<GrantNumber, Timestamp>,
    /// Grants of whose code it told something else than what is, and that was held against it.
    pub(super) unsaid: BTreeSet<GrantNumber>,
    /// Slots that were emptied of the hub's code in a lock that shows no digits: what a hand puts there next, and nobody hears
    /// of, passes for that code until the hub tells that it is out.
    pub(super) emptied: BTreeMap<SlotNumber, String>,
    /// A hand changed a code while the hub was down, and the lock was not within its reach since.
    pub(super) unseen: bool,
    /// When the lock took no codes.
    rejections: Vec<(Timestamp, Option<Timestamp>)>,
    troubles: BTreeMap<Trouble, u32>,
    calm_since: Timestamp,
    hub_since: Timestamp,
    pub(super) check_at: Timestamp,
}

/// A slot's change.
pub(super) struct Change {
    pub(super) slot: SlotNumber,
    pub(super) before: Option<Held>,
    pub(super) after: Option<String>,
}

impl DoorRecord {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            slots: BTreeMap::new(),
            stays: Vec::new(),
            grants: BTreeSet::new(),
            wrong: BTreeMap::new(),
            strange: BTreeMap::new(),
            refused: BTreeSet::new(),
            alarmed: BTreeMap::new(),
            said_set: BTreeSet::new(),
            said_out: BTreeMap::new(),
            unsaid: BTreeSet::new(),
            emptied: BTreeMap::new(),
            unseen: false,
            rejections: Vec::new(),
            troubles: BTreeMap::new(),
            calm_since: now,
            hub_since: now,
            check_at: now,
        }
    }

    pub(super) fn trouble_begins(&mut self, now: Timestamp, trouble: Trouble) {
        if trouble == Trouble::Rejecting {
            self.rejections.push((now, None));
        }
        *self.troubles.entry(trouble).or_default() += 1;
    }

    /// `calm`: from then on nothing is in the way, as far as this was.
    pub(super) fn trouble_ends(&mut self, now: Timestamp, calm: Timestamp, trouble: Trouble) {
        if let Some(count) = self.troubles.get_mut(&trouble) {
            *count -= 1;
            if *count == 0 {
                self.troubles.remove(&trouble);
            }
        }
        if trouble == Trouble::Rejecting {
            self.rejections.last_mut().into_iter().for_each(|(_, until)| *until = Some(now));
        }
        let in_reach = |trouble: &Trouble| ![Trouble::HubDown, Trouble::StickGone, Trouble::Offline].contains(trouble);
        self.unseen &= !self.troubles.keys().all(in_reach);
        self.calm_since = self.calm_since.max(calm);
        self.check_at = now;
        if trouble.is_the_hubs() {
            self.hub_since = now;
        }
    }

    pub(super) fn has(&self, trouble: Trouble) -> bool {
        self.troubles.contains_key(&trouble)
    }

    /// Since when nothing is in the way.
    pub(super) fn calm_since(&self) -> Option<Timestamp> {
        self.troubles.is_empty().then_some(self.calm_since)
    }

    /// Since when the hub itself has nothing to bear, whatever the lock does.
    pub(super) fn hub_since(&self) -> Option<Timestamp> {
        (!self.troubles.keys().any(|trouble| trouble.is_the_hubs())).then_some(self.hub_since)
    }

    /// Whether nobody can know that this PIN is not in the lock any more.
    pub(super) fn is_hidden(&self, pin: &str) -> bool {
        self.slots.values().any(|held| held.hides.as_deref() == Some(pin))
    }

    /// Whether a PIN is that of another grant as well, which is not over: there are only so many.
    pub(super) fn is_anothers(&self, ledger: &Ledger, number: GrantNumber, now: Timestamp) -> bool {
        let pin = &ledger.grant(number).pin;
        let mut others = self.grants.iter().filter(|other| **other != number).map(|other| ledger.grant(*other));
        others.any(|other| other.pin == *pin && other.verdict(now).0 != Verdict::MustNot)
    }

    /// What became of its slots. `masked`: the lock shows no digits.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        by: By,
        masked: bool,
        codes: &BTreeMap<SlotNumber, Code>,
    ) -> Vec<Change> {
        let unseen = masked && by == By::Hand && (self.has(Trouble::Unheard) || self.has(Trouble::HubDown));
        self.unseen |= by == By::Hand && self.has(Trouble::HubDown);
        let slots: BTreeSet<SlotNumber> = self.slots.keys().chain(codes.keys()).copied().collect();
        let mut changes = Vec::new();
        for slot in slots {
            let after = codes.get(&slot).map(|code| code.pin.expose().to_owned());
            let before = self.slots.get(&slot).cloned();
            if before.as_ref().map(|held| &held.pin) == after.as_ref() {
                continue;
            }
            let ours = before.as_ref().filter(|held| held.by == By::Radio || held.passes_for_ours);
            let emptied = self.emptied.remove(&slot).filter(|_| unseen);
            let over_ours = ours.is_some() || emptied.is_some();
            // The hub itself may not have heard that its order was carried out.
            if let Some(ours) = ours.filter(|_| masked && (unseen || by == By::Radio) && after.is_none()) {
                self.emptied.insert(slot, ours.hides.as_ref().unwrap_or(&ours.pin).clone());
            }
            if let Some(gone) = self.slots.remove(&slot) {
                let stay = self.stays.iter_mut().rfind(|stay| stay.pin == gone.pin && stay.until.is_none());
                stay.into_iter().for_each(|stay| stay.until = Some(now));
            }
            if let Some(pin) = &after {
                // What a lock tells right behind the hub's own change is taken for the echo of that.
                let is_echo = |held: &Held| masked && by == By::Hand && now < held.since.after(UNSEEN);
                let hides = before.as_ref().filter(|held| unseen || is_echo(held)).and_then(|held| match held.by {
                    By::Radio => Some(held.pin.clone()),
                    // Written over twice.
                    By::Hand => held.hides.clone(),
                });
                let hides = hides.or(emptied);
                let passes_for_ours = masked && by == By::Hand && over_ours;
                self.slots.insert(slot, Held { pin: pin.clone(), by, since: now, hides, passes_for_ours });
                self.stays.push(Stay { pin: pin.clone(), until: None });
            }
            changes.push(Change { slot, before, after });
        }
        changes
    }

    /// When a PIN left the lock.
    pub(super) fn left(&self, pin: &str) -> Timestamp {
        let last = self.stays.iter().filter(|stay| stay.pin == pin).filter_map(|stay| stay.until).max();
        last.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether the lock took no codes at a moment between these.
    pub(super) fn rejected(&self, from: Timestamp, to: Timestamp) -> bool {
        self.rejections.iter().any(|(since, until)| *since <= to && until.is_none_or(|until| until >= from))
    }

    /// Whether a PIN was in the lock at a moment, or not long before.
    pub(super) fn held(&self, pin: &str, from: Timestamp) -> bool {
        self.stays.iter().any(|stay| stay.pin == pin && stay.until.is_none_or(|until| until >= from))
    }
}
