//! The devices of a stick, of which only those are looked at to which something was done, or whose time has come: what
//! happens at one door costs no more where there are many.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

struct One<D> {
    device: D,
    /// When it is to be looked at if nothing is done to it before.
    next: Option<Instant>,
}

/// All devices of a stick, in the order of their names. `K` names a device.
///
/// Whoever gets hold of one to change it has touched it: it is looked at next time, and asked what it has to tell.
pub struct Attended<K, D> {
    all: BTreeMap<K, One<D>>,
    due: BTreeSet<(Instant, K)>,
    /// Touched since they were looked at.
    touched: BTreeSet<K>,
    /// Touched or looked at since they were asked what they have to tell.
    unheard: BTreeSet<K>,
}

impl<K, D> Default for Attended<K, D> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), due: BTreeSet::new(), touched: BTreeSet::new(), unheard: BTreeSet::new() }
    }
}

impl<K: Copy + Ord, D> Attended<K, D> {
    /// One of them.
    pub fn get(&self, key: &K) -> Option<&D> {
        self.all.get(key).map(|one| &one.device)
    }

    /// One of them, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut D> {
        self.touch(key);
        self.all.get_mut(key).map(|one| &mut one.device)
    }

    /// Something was done that concerns it.
    pub fn touch(&mut self, key: &K) {
        if self.all.contains_key(key) {
            self.touched.insert(*key);
            self.unheard.insert(*key);
        }
    }

    /// Whether it is there.
    pub fn contains(&self, key: &K) -> bool {
        self.all.contains_key(key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (K, &D)> {
        self.all.iter().map(|(key, one)| (*key, &one.device))
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut D)> {
        self.touched.extend(self.all.keys());
        self.unheard.extend(self.all.keys());
        self.all.iter_mut().map(|(key, one)| (*key, &mut one.device))
    }

    /// Another one, in place of the one that had its name.
    pub fn insert(&mut self, key: K, device: D) {
        self.remove(&key);
        self.all.insert(key, One { device, next: None });
        self.touched.insert(key);
        self.unheard.insert(key);
    }

    /// One of them is there no more.
    pub fn remove(&mut self, key: &K) -> Option<D> {
        let one = self.all.remove(key)?;
        self.touched.remove(key);
        self.unheard.remove(key);
        if let Some(at) = one.next {
            self.due.remove(&(at, *key));
        }
        Some(one.device)
    }

    /// Those that were touched since they were looked at.
    pub fn touched(&self) -> impl Iterator<Item = K> {
        self.touched.iter().copied()
    }

    /// Those whose time has come, in the order of their names; from now on they are touched.
    pub fn due(&mut self, now: Instant) -> Vec<K> {
        let mut due: Vec<K> = self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| *key).collect();
        due.sort_unstable();
        due.iter().for_each(|key| self.touch(key));
        due
    }

    /// Looks at each that was touched, or whose time has come; `look` says when it is to be looked at again.
    pub fn look(&mut self, now: Instant, look: impl FnMut(K, &mut D) -> Option<Instant>) {
        self.due(now);
        self.look_at_touched(look);
    }

    /// The same, without those whose time has come.
    pub fn look_at_touched(&mut self, mut look: impl FnMut(K, &mut D) -> Option<Instant>) {
        for key in std::mem::take(&mut self.touched) {
            let Some(one) = self.all.get_mut(&key) else { continue };
            self.unheard.insert(key);
            let next = look(key, &mut one.device);
            let before = std::mem::replace(&mut one.next, next);
            if next != before {
                before.map(|at| self.due.remove(&(at, key)));
                next.map(|at| self.due.insert((at, key)));
            }
        }
    }

    /// When the next is to be looked at, if nothing is done to any before.
    pub fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Asks each what it has to tell that was touched or looked at since this was called last.
    pub fn ask<T>(&mut self, mut ask: impl FnMut(&mut D) -> Vec<T>) -> Vec<(K, T)> {
        let mut told = Vec::new();
        for key in std::mem::take(&mut self.unheard) {
            let one = self.all.get_mut(&key);
            told.extend(one.into_iter().flat_map(|one| ask(&mut one.device)).map(|word| (key, word)));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Says what was done to it, and wants to be looked at again after so many seconds.
    #[derive(Default)]
    struct Device {
        again: Option<u64>,
        words: Vec<&'static str>,
    }

    struct Bench {
        start: Instant,
        devices: Attended<u8, Device>,
    }

    impl Bench {
        #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
        fn new() -> Self {
            let mut devices = Attended::default();
            (0..4).for_each(|key| devices.insert(key, Device::default()));
            Self { start: Instant::now(), devices }
        }

        /// Who is looked at so many seconds after the start.
        fn look(&mut self, seconds: u64) -> Vec<u8> {
            let (now, mut seen) = (self.start + Duration::from_secs(seconds), Vec::new());
            self.devices.look(now, |key, device| {
                seen.push(key);
                device.again.take().map(|again| now + Duration::from_secs(again))
            });
            seen
        }

        fn ask(&mut self) -> Vec<(u8, &'static str)> {
            self.devices.ask(|device| std::mem::take(&mut device.words))
        }

        fn next(&self) -> Option<u64> {
            self.devices.next().map(|at| (at - self.start).as_secs())
        }
    }

    #[test]
    fn only_who_was_touched_is_looked_at_and_once() {
        let mut bench = Bench::new();
        assert_eq!(bench.look(0), [0, 1, 2, 3], "new ones are");
        assert_eq!(bench.look(0), []);
        bench.devices.get_mut(&2);
        bench.devices.get_mut(&1);
        assert!(bench.devices.get(&3).is_some() && bench.devices.get_mut(&9).is_none());
        assert_eq!(bench.look(0), [1, 2]);
        bench.devices.iter_mut().for_each(drop);
        bench.devices.remove(&0);
        assert_eq!(bench.look(0), [1, 2, 3]);
    }

    #[test]
    fn who_wants_to_be_looked_at_later_is_then_as_it_said_last() {
        let mut bench = Bench::new();
        for (key, again) in [(0, 10), (1, 5), (2, 5)] {
            bench.devices.get_mut(&key).unwrap().again = Some(again);
        }
        bench.look(0);
        assert_eq!((bench.look(4), bench.next()), (vec![], Some(5)));
        bench.devices.get_mut(&2).unwrap().again = Some(20);
        assert_eq!((bench.look(4), bench.next()), (vec![2], Some(5)));
        assert_eq!((bench.look(6), bench.next()), (vec![1], Some(10)));
        bench.devices.remove(&0);
        assert_eq!((bench.look(12), bench.next()), (vec![], Some(24)));
        bench.devices.insert(2, Device::default());
        assert_eq!((bench.look(13), bench.next()), (vec![2], None));
    }

    #[test]
    fn who_was_touched_and_who_was_looked_at_is_asked_what_it_has_to_tell() {
        let mut bench = Bench::new();
        bench.devices.get_mut(&3).unwrap().words = vec!["a", "b"];
        bench.devices.get_mut(&1).unwrap().words = vec!["c"];
        assert_eq!(bench.ask(), [(1, "c"), (3, "a"), (3, "b")]);
        assert_eq!(bench.ask(), []);
        bench.devices.look(bench.start, |key, device| {
            device.words = if key == 2 { vec!["d"] } else { vec![] };
            None
        });
        assert_eq!(bench.ask(), [(2, "d")], "it was touched before it was asked, and looked at after that");
    }
}
