//! Compares each lock's own history with the grants that were answered OK, and holds the invariants of the design to it.
//!
//! What a lock holds is known here at every moment. The hub has a while to bring it about (`SETTLES_WITHIN`), counted
//! from when it should be so, and from when nothing was in the hub's way at that door any more.

mod alarms;
pub(crate) mod bounds;
mod door;
mod hands_off;
mod ledger;
mod orphans;
mod proof;
mod refusals;
mod said;
mod stays_in;
mod wrong_clock;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use keyway::model::Timestamp;
use keyway_lock::SlotNumber;
use keyway_virtual::door::{By, Door};
use tokio::sync::Notify;

pub(crate) use door::Trouble;
pub(crate) use ledger::{Grant, GrantNumber, Ledger, Verdict, Windows};

use crate::world::World;
use door::DoorRecord;

/// So long after a start, an end or an order the locks are as they should be, if nothing is in the way.
pub(crate) const SETTLES_WITHIN: Duration = Duration::from_secs(90);
/// Where a trouble ends at more doors than these at once, something may be due at each, and they share the air of their sticks:
/// for each more it may take as much longer as a beam and some frames do.
const FEW: usize = 10;
const SHARED_AIR: Duration = Duration::from_millis(1500);
/// Violations that are kept.
const KEPT: usize = 100;

/// Two changes that follow each other within this are told of in one.
const MOMENT: Duration = Duration::from_secs(1);

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The seed of the run.
    pub seed: u64,
    /// When, in true time.
    pub at: Timestamp,
    /// Which promise: `I1` to `I11` of the design.
    pub invariant: &'static str,
    /// At which door, if at one.
    pub door: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// The last things that happened before.
    pub last: Vec<String>,
}

impl Violation {
    /// In one line.
    pub(crate) fn headline(&self) -> String {
        let door = self.door.map(|door| format!(", door {door}")).unwrap_or_default();
        format!("{} broken at {}{door} (seed {}): {}", self.invariant, self.at, self.seed, self.what)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        self.last.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

/// A promise, and what is wrong.
pub(crate) type Broken = (&'static str, String);

/// What is known of the locks and the grants.
pub(crate) struct Checker {
    pub(crate) ledger: Ledger,
    doors: Vec<DoorRecord>,
    devices: BTreeMap<String, usize>,
    /// What was told of grants at doors before they were answered, by their ids.
    early: Vec<(Timestamp, String, usize, String)>,
    /// Since when the clock can't be trusted.
    untrusted_since: Option<Timestamp>,
    /// Since when there has been nothing in the way of throwing away what is old: the clock is right, and the broker there.
    tidy_since: Timestamp,
    sooner: Rc<Notify>,
    violations: Vec<Violation>,
}

impl Checker {
    pub(crate) fn new(doors: usize) -> Self {
        let never = Timestamp::UNIX_EPOCH;
        Self {
            ledger: Ledger::default(),
            doors: (0..doors).map(|_| DoorRecord::new(never)).collect(),
            devices: BTreeMap::new(),
            early: Vec::new(),
            untrusted_since: None,
            tidy_since: never,
            sooner: Rc::default(),
            violations: Vec::new(),
        }
    }

    /// The hub's names for the doors, in order.
    pub(crate) fn know_devices(&mut self, devices: &[String]) {
        self.devices = devices.iter().cloned().zip(0..).collect();
    }

    pub(crate) fn door_of(&self, device: &str) -> Option<usize> {
        self.devices.get(device).copied()
    }

    /// A grant was answered OK.
    pub(crate) fn granted(
        &mut self,
        now: Timestamp,
        id: String,
        pin: String,
        doors: BTreeSet<usize>,
        windows: Windows,
    ) -> GrantNumber {
        let number = self.ledger.add(now, id.clone(), pin, doors.clone(), windows);
        for door in doors {
            self.doors[door].grants.insert(number);
            self.doors[door].check_at = now;
        }
        let early: Vec<_> = self.early.extract_if(.., |(_, grant, ..)| *grant == id).collect();
        for (told_at, grant, door, event_type) in early {
            self.told(told_at, now, &grant, door, &event_type);
        }
        self.sooner.notify_one();
        number
    }

    /// A change of a grant is asked for.
    pub(crate) fn asked(&mut self, now: Timestamp, number: GrantNumber, windows: Windows) {
        self.ledger.ask(number, windows);
        self.look_again(now, number);
    }

    /// It was answered.
    pub(crate) fn answered(&mut self, now: Timestamp, number: GrantNumber, ok: bool) {
        self.ledger.answered(now, number, ok);
        // What was refused changes nothing of what was told.
        if ok {
            for door in self.ledger.grant(number).doors.clone() {
                self.doors[door].refused.remove(&number);
                // What was told in the moment of an answer may be of this change, or of one right before it.
                self.doors[door].alarmed.retain(|alarmed, told| *alarmed != number || told.after(MOMENT) >= now);
            }
        }
        self.look_again(now, number);
    }

    fn look_again(&mut self, now: Timestamp, number: GrantNumber) {
        for door in &self.ledger.grant(number).doors {
            self.doors[*door].check_at = now;
        }
        self.sooner.notify_one();
    }

    /// What a door should do for a grant's PIN, if that can be held against the hub by now.
    pub(crate) fn expects(&self, now: Timestamp, door: usize, number: GrantNumber) -> Option<bool> {
        let record = &self.doors[door];
        let grant = self.ledger.grant(number);
        let (verdict, since) = grant.verdict(now);
        // A hand may just have taken it out.
        let left = if verdict == Verdict::Must { record.left(&grant.pin) } else { since };
        let settled = since.max(left).max(record.calm_since()?).after(SETTLES_WITHIN) <= now;
        let excused = || record.refused.contains(&number) || record.is_hidden(&grant.pin);
        match verdict {
            Verdict::Must if settled && !excused() => Some(true),
            Verdict::MustNot if settled && !record.is_anothers(&self.ledger, number, now) => Some(false),
            _ => None,
        }
    }

    /// When the next window of a grant for this door begins or ends, if that is within a day.
    pub(crate) fn next_edge_at(&self, now: Timestamp, door: usize) -> Option<Timestamp> {
        let edges = self.doors[door].grants.iter().filter_map(|number| self.ledger.grant(*number).next_edge(now));
        edges.min().filter(|edge| now.until(*edge) < Duration::from_secs(86_400))
    }

    /// Something is in the way at these doors from now on.
    pub(crate) fn trouble_begins(&mut self, now: Timestamp, doors: impl IntoIterator<Item = usize>, trouble: Trouble) {
        if trouble == Trouble::ClockUntrusted {
            self.untrusted_since = self.untrusted_since.or(Some(now));
        }
        doors.into_iter().for_each(|door| self.doors[door].trouble_begins(now, trouble));
    }

    /// It is not any more.
    pub(crate) fn trouble_ends(&mut self, now: Timestamp, doors: impl IntoIterator<Item = usize>, trouble: Trouble) {
        if trouble == Trouble::ClockUntrusted {
            self.untrusted_since = None;
        }
        if matches!(trouble, Trouble::ClockUntrusted | Trouble::ClockWrong) {
            self.untidy(now);
        }
        let doors: Vec<usize> = doors.into_iter().collect();
        let calm = now.after(SHARED_AIR * u32::try_from(doors.len().saturating_sub(FEW)).unwrap_or(u32::MAX));
        doors.into_iter().for_each(|door| self.doors[door].trouble_ends(now, calm, trouble));
        self.sooner.notify_one();
    }

    /// What happened by a wrong clock may look old from now on, and what nobody fetched before may go.
    pub(crate) fn untidy(&mut self, now: Timestamp) {
        self.tidy_since = now;
    }

    /// What is in the way at a door.
    pub(crate) fn has_trouble(&self, door: usize, trouble: Trouble) -> bool {
        self.doors[door].has(trouble)
    }

    /// The slots of a door that the hub's codes are in.
    pub(crate) fn slots_by(&self, door: usize, by: By) -> Vec<SlotNumber> {
        self.doors[door].slots.iter().filter(|(_, held)| held.by == by).map(|(slot, _)| *slot).collect()
    }

    /// The slot in which the code of a grant is that is over.
    pub(crate) fn slot_of_what_is_over(&self, now: Timestamp, door: usize, grant: &str) -> Option<SlotNumber> {
        let grant = Some(self.ledger.grant(self.ledger.by_id(grant)?)).filter(|grant| grant.is_over(now))?;
        let is_it = |held: &door::Held| held.by == By::Radio && held.pin == grant.pin;
        self.doors[door].slots.iter().find(|(_, held)| is_it(held)).map(|(slot, _)| *slot)
    }

    /// The codes of a lock changed: what happened, in words.
    pub(crate) fn codes_changed(&mut self, world: &World, door: usize, by: By, lock: &Door) -> Vec<String> {
        let now = world.time.now();
        let changes = self.doors[door].take(now, by, lock.is_masking(), lock.codes());
        let mut said = Vec::new();
        for change in &changes {
            let before = change.before.as_ref().map_or("nothing", |held| held.pin.as_str());
            said.push(format!(
                "slot {}: {before} -> {} by {by:?}",
                change.slot,
                change.after.as_deref().unwrap_or("nothing")
            ));
            if by == By::Radio {
                let broken = [
                    hands_off::judge(now, change),
                    orphans::twice(&self.doors[door], change),
                    wrong_clock::judge(self, now, door, change),
                ];
                said.extend(broken.into_iter().flatten().map(|(invariant, what)| {
                    let last = world.trace.borrow().last(Some(door), 60);
                    self.broken(world.scenario.seed, now, invariant, Some(door), &what, last);
                    format!("BROKEN {invariant}: {what}")
                }));
            }
        }
        said
    }

    /// Compares a door with the grants. `opens`: whether a PIN would open it now.
    pub(crate) fn check(&mut self, now: Timestamp, door: usize, opens: &dyn Fn(&str) -> bool) -> Vec<Broken> {
        let mut broken = stays_in::judge(&self.ledger, &mut self.doors[door], now, opens);
        broken.extend(alarms::judge(&self.ledger, &mut self.doors[door], now));
        broken.extend(said::judge(&self.ledger, &mut self.doors[door], now));
        broken.extend(orphans::judge(&self.ledger, &mut self.doors[door], door, now));
        self.sooner.notify_one();
        broken
    }

    /// Which door is to be compared next, and when.
    pub(crate) fn next_check(&self) -> (usize, Timestamp) {
        let next = self.doors.iter().enumerate().map(|(door, record)| (record.check_at, door)).min();
        next.map(|(at, door)| (door, at)).expect("there are doors")
    }

    /// Tells when that has become another moment.
    pub(crate) fn sooner(&self) -> Rc<Notify> {
        Rc::clone(&self.sooner)
    }

    /// The hub tells that a code is in a lock.
    pub(crate) fn told_set(&self, told_at: Timestamp, now: Timestamp, grant: &str, door: usize) -> Option<Broken> {
        let (number, pin) = self.told_of(told_at, now, grant, door)?;
        proof::judge(&self.doors[door], number, pin, told_at)
    }

    /// The hub tells that a lock, of so many slots, refuses a code.
    pub(crate) fn told_refused(
        &self,
        told_at: Timestamp,
        now: Timestamp,
        grant: &str,
        door: usize,
        slots: usize,
    ) -> Option<Broken> {
        let (_, pin) = self.told_of(told_at, now, grant, door)?;
        refusals::judge(&self.ledger, &self.doors[door], pin, told_at, slots)
    }

    /// The grant that something is told of, and its PIN, if it is known when that was: by a clock that is, or just was, wrong
    /// the hub says it in vain.
    fn told_of(&self, told_at: Timestamp, now: Timestamp, grant: &str, door: usize) -> Option<(GrantNumber, &str)> {
        let record = &self.doors[door];
        let wrong = record.has(Trouble::ClockWrong) || record.has(Trouble::ClockUntrusted) || told_at > now;
        let number = self.ledger.by_id(grant).filter(|_| !wrong)?;
        Some((number, &self.ledger.grant(number).pin))
    }

    /// The hub tells something of a grant's code, as of `told_at`.
    pub(crate) fn told(&mut self, told_at: Timestamp, now: Timestamp, grant: &str, door: usize, event_type: &str) {
        let Some(number) = self.ledger.by_id(grant) else {
            self.early.push((told_at, grant.to_owned(), door, event_type.to_owned()));
            return;
        };
        let record = &mut self.doors[door];
        match event_type {
            "access_code.failed_to_set_on_device" => {
                record.refused.insert(number);
                record.alarmed.insert(number, now);
            }
            "access_code.delay_in_setting_on_device"
            | "access_code.delay_in_removing_from_device"
            | "access_code.failed_to_remove_from_device" => _ = record.alarmed.insert(number, now),
            "access_code.set_on_device" => {
                record.refused.remove(&number);
                record.alarmed.remove(&number);
                record.said_set.insert(number);
            }
            "access_code.removed_from_device"
            | "access_code.deleted_external_to_seam"
            | "access_code.modified_external_to_seam" => {
                record.said_set.remove(&number);
                record.said_out.insert(number, told_at);
                let pin = &self.ledger.grant(number).pin;
                record.emptied.retain(|_, emptied| emptied != pin);
            }
            _ => {}
        }
    }

    pub(crate) fn broken(
        &mut self,
        seed: u64,
        at: Timestamp,
        invariant: &'static str,
        door: Option<usize>,
        what: &str,
        last: Vec<String>,
    ) {
        if self.violations.len() < KEPT {
            self.violations.push(Violation { seed, at, invariant, door, what: what.to_owned(), last });
        }
    }

    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }
}
