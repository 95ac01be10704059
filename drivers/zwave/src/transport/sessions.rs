//! Supervision session ids. A lock takes the session id that it saw last for a repetition and answers for the earlier
//! command (CC:006C.01.01.11.007), with a success that is none. So each node has a sequence of its own, whatever is said
//! to the others meanwhile, and its first id after a restart must not be the last one before it: ids are kept as used up
//! before they are used, some at a time.
//!
//! That is not enough: there are 64 ids, so that the fourth restart in a row, or the 64th command that did not arrive, comes
//! round to the id that the lock saw last. An answer is worth something only once the lock has answered for another id
//! shortly before.

/// Ids kept as used up at once: a write to the store for every so many supervised commands.
const BLOCK: u8 = 16;
/// So many are left when the next are reserved.
const LOW: u8 = 4;
/// Session ids have six bits.
const IDS: u8 = 64;

/// The ids of one node.
#[derive(Debug)]
pub struct SessionIds {
    last: u8,
    /// How many more may be used.
    left: u8,
    reserving: bool,
    /// How many were used since the lock answered for one; `None`: it has answered for none since the start.
    unanswered: Option<u8>,
}

impl SessionIds {
    /// With the last id that was kept as used up; any, if none was.
    pub fn new(kept: u8) -> Self {
        Self { last: kept % IDS, left: 0, reserving: false, unanswered: None }
    }

    /// The next id; `None`: wait until more are kept.
    pub fn take(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        self.last = (self.last + 1) % IDS;
        self.unanswered = self.unanswered.map(|count| count.saturating_add(1));
        Some(self.last)
    }

    /// The lock has answered for the id that was used last. False: it may be what it said to an earlier command of that id.
    pub fn handle_answered(&mut self) -> bool {
        self.unanswered.replace(0).is_some_and(|count| count < IDS)
    }

    /// What is to be kept now, if anything: the last id of the next block. [`SessionIds::handle_kept`] must follow.
    pub fn reserve(&mut self) -> Option<u8> {
        if self.reserving || self.left > LOW {
            return None;
        }
        self.reserving = true;
        Some((self.last + self.left + BLOCK) % IDS)
    }

    /// The store has it.
    pub fn handle_kept(&mut self) {
        if std::mem::take(&mut self.reserving) {
            self.left += BLOCK;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_is_used_before_it_is_kept_and_none_again_after_a_restart() {
        let mut kept = 60;
        let mut last_used = None;
        for run in 0..20 {
            let mut ids = SessionIds::new(kept);
            assert_eq!(ids.take(), None);
            for _ in 0..run * 3 {
                if let Some(block) = ids.reserve() {
                    kept = block;
                    ids.handle_kept();
                }
                let id = ids.take().unwrap();
                assert_ne!(Some(id), last_used);
                last_used = Some(id);
            }
        }
    }

    #[test]
    fn an_answer_is_believed_once_the_lock_has_answered_for_another_id_shortly_before() {
        let mut ids = SessionIds::new(0);
        let used = |ids: &mut SessionIds| {
            if ids.reserve().is_some() {
                ids.handle_kept();
            }
            ids.take().unwrap()
        };
        used(&mut ids);
        assert!(!ids.handle_answered(), "it may be the last one of four restarts ago");
        let heard = (0..63).map(|_| used(&mut ids)).last();
        assert!(ids.handle_answered(), "none of them is the one that it saw last");
        assert_eq!((0..64).map(|_| used(&mut ids)).last(), heard);
        assert!(!ids.handle_answered(), "all of them are through");
    }

    #[test]
    fn a_block_serves_many_commands() {
        let mut ids = SessionIds::new(0);
        let mut writes = 0;
        for _ in 0..120 {
            if ids.reserve().is_some() {
                writes += 1;
                ids.handle_kept();
            }
            ids.take().unwrap();
        }
        assert!(writes <= 8, "{writes}");
    }
}
