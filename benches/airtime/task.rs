//! What is to be done, in which locks.

use keyway_test_support::{LockSetup, Setup};

/// The first lock's node; the stick itself is 1.
const FIRST_NODE: u16 = 2;

/// What is to be done in each lock: codes that go out, and as many or more that come in, at one moment.
pub(crate) struct Task {
    pub(crate) name: &'static str,
    /// What kinds of locks, in turn.
    kinds: &'static [Kind],
    pub(crate) locks: u16,
    /// Slots of each lock.
    slots: u16,
    pub(crate) old: usize,
    pub(crate) new: usize,
}

/// Kinds of locks; all sleep, and tell of each code that was changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Security 2 and Supervision, User Code version 2: several codes in a frame, and a checksum over all.
    Several,
    /// Security 2 and Supervision, User Code version 1: one code in a frame.
    Single,
    /// Security 0, User Code version 1.
    Old,
}

const SEVERAL: &[Kind] = &[Kind::Several];
const SINGLE: &[Kind] = &[Kind::Single];
const OLD: &[Kind] = &[Kind::Old];
const MIXED: &[Kind] = &[Kind::Several, Kind::Single, Kind::Old];

pub(crate) const TASKS: [Task; 7] = [
    Task { name: "1 code, S2, User Code v2", kinds: SEVERAL, locks: 1, slots: 30, old: 0, new: 1 },
    Task { name: "1 code, S2, User Code v1", kinds: SINGLE, locks: 1, slots: 30, old: 0, new: 1 },
    Task { name: "1 code, S0, User Code v1", kinds: OLD, locks: 1, slots: 30, old: 0, new: 1 },
    Task { name: "30 codes turned over, S2, User Code v2", kinds: SEVERAL, locks: 1, slots: 30, old: 30, new: 30 },
    Task { name: "30 codes turned over, S2, User Code v1", kinds: SINGLE, locks: 1, slots: 30, old: 30, new: 30 },
    Task { name: "30 codes turned over, S0, User Code v1", kinds: OLD, locks: 1, slots: 30, old: 30, new: 30 },
    Task { name: "250 codes on 50 locks of all three kinds", kinds: MIXED, locks: 50, slots: 10, old: 0, new: 5 },
];

impl Task {
    /// The locks; the same for every host.
    pub(crate) fn setup(&self) -> Setup {
        let kinds = self.kinds.iter().cycle();
        let lock = |(door, kind): (u16, &Kind)| {
            let usual = LockSetup::s2(FIRST_NODE + door, format!("Room {}", door + 1).leak());
            let usual = LockSetup { sleeping: true, slots: self.slots, ..usual };
            match kind {
                Kind::Several => usual,
                Kind::Single => LockSetup { user_code_version: 1, ..usual },
                Kind::Old => LockSetup { user_code_version: 1, security: &["s0"], supervision: false, ..usual },
            }
        };
        Setup::of(&(0..self.locks).zip(kinds).map(lock).collect::<Vec<_>>())
    }

    /// The nodes of its locks.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = u16> {
        FIRST_NODE..FIRST_NODE + self.locks
    }

    /// Whether one of its locks takes several codes in a frame.
    pub(crate) fn takes_several(&self) -> bool {
        self.kinds.contains(&Kind::Several)
    }
}
