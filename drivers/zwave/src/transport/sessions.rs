//! Supervision session ids. A lock takes the session id that it saw last for a repetition and answers for the earlier
//! command (CC:006C.01.01.11.007), with a success that is none. So each node has a sequence of its own, whatever is said
//! to the others meanwhile, and its first id after a restart must not be the last one before it: ids are kept as used up
//! before they are used, some at a time.

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
}

impl SessionIds {
    /// With the last id that was kept as used up; any, if none was.
    pub fn new(kept: u8) -> Self {
        Self { last: kept % IDS, left: 0, reserving: false }
    }

    /// The next id; `None`: wait until more are kept.
    pub fn take(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        self.last = (self.last + 1) % IDS;
        Some(self.last)
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
