//! What a hub has to answer to devices that wait for it: it goes ahead of everything else, but a device that tells
//! something again and again keeps the others from nothing.

use std::collections::{BTreeSet, VecDeque};

/// Answers to one device that wait at most. A device waits for the last one; of those before, it has given up the oldest.
const MOST_OF_ONE: usize = 4;
/// Answers that wait at most in all: devices can be made up, where they are not known.
const MOST: usize = 256;

/// Answers that wait for the stick. `D` names a device.
pub struct Replies<D, R> {
    waiting: VecDeque<(D, R)>,
    /// Who was answered since something else had its turn.
    answered: BTreeSet<D>,
}

impl<D, R> Default for Replies<D, R> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), answered: BTreeSet::new() }
    }
}

impl<D: Copy + Ord, R> Replies<D, R> {
    /// One more. False: there are so many that one had to be left out.
    pub fn push(&mut self, to: D, reply: R) -> bool {
        let of_one = self.waiting.iter().filter(|(device, _)| *device == to).count();
        if of_one >= MOST_OF_ONE {
            if let Some(oldest) = self.waiting.iter().position(|(device, _)| *device == to) {
                self.waiting.remove(oldest);
            }
        } else if self.waiting.len() >= MOST {
            return false;
        }
        self.waiting.push_back((to, reply));
        of_one < MOST_OF_ONE
    }

    /// The next one. `others`: something else could be sent now; then no device is answered a second time before that is.
    pub fn next(&mut self, others: bool) -> Option<(D, R)> {
        let fresh = self.waiting.iter().position(|(device, _)| !self.answered.contains(device));
        let place = fresh.or((!others).then_some(0))?;
        let (device, reply) = self.waiting.remove(place)?;
        self.answered.insert(device);
        Some((device, reply))
    }

    /// Something else had its turn.
    pub fn handle_turn(&mut self) {
        self.answered.clear();
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A device is not answered any more.
    pub fn forget(&mut self, device: D) {
        self.waiting.retain(|(other, _)| *other != device);
        self.answered.remove(&device);
    }

    /// Nobody is.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.answered.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_out_in_order_while_nothing_else_waits() {
        let mut replies = Replies::default();
        for (device, reply) in [(2, 'a'), (2, 'b'), (3, 'c')] {
            assert!(replies.push(device, reply));
        }
        assert_eq!(std::iter::from_fn(|| replies.next(true)).collect::<Vec<_>>(), [(2, 'a'), (3, 'c')]);
        assert_eq!(replies.next(false), Some((2, 'b')));
        assert_eq!(replies.next(false), None);
    }

    #[test]
    fn who_was_answered_lets_something_else_go_before_it_is_again() {
        let mut replies = Replies::default();
        let mut sent = Vec::new();
        for reply in 0..6 {
            replies.push("babbling", reply);
            match replies.next(true) {
                Some((device, _)) => sent.push(device),
                None => {
                    sent.push("others");
                    replies.handle_turn();
                }
            }
        }
        assert_eq!(sent, ["babbling", "others", "babbling", "others", "babbling", "others"]);
    }

    #[test]
    fn who_babbles_loses_only_its_own_oldest_answers() {
        let mut replies = Replies::default();
        assert!(replies.push(3, 0));
        let taken = (0..100).filter(|reply| replies.push(2, *reply)).count();
        assert!(replies.push(4, 0));
        assert_eq!(taken, MOST_OF_ONE);
        let sent: Vec<_> = std::iter::from_fn(|| replies.next(false)).collect();
        assert_eq!(sent, [(3, 0), (2, 96), (4, 0), (2, 97), (2, 98), (2, 99)]);
    }

    #[test]
    fn devices_that_are_made_up_do_not_fill_the_memory() {
        let mut replies = Replies::default();
        assert_eq!((0..10_000).filter(|device| replies.push(*device, ())).count(), MOST);
        replies.forget(0);
        assert!(replies.push(0, ()));
    }
}
