//! How well a lock is reached over the air, as its last frames went.

use crate::LockId;

/// A signal this much stronger than the weakest that can be read is safe against a door that is shut, or people in between.
const MARGIN: i16 = 10;

/// How the last frames to a lock went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkReport {
    /// Of so many frames this tells, at most sixteen.
    pub frames: u8,
    /// So many of them were not acknowledged.
    pub unanswered: u8,
    /// So many needed another attempt or another route.
    pub repeated: u8,
    /// Strength of the lock's acknowledgements in dBm, in the middle of what was measured; `None`: the stick does not tell.
    pub signal: Option<i8>,
    /// The weakest signal in dBm that can be read.
    pub sensitivity: i8,
    /// Milliseconds from the stick's first attempt to the acknowledgement, waking the lock included, in the middle of what
    /// was measured; `None`: the stick does not tell.
    pub delivery_ms: Option<u32>,
    /// The devices that passed the last frame on, from the stick to the lock; none: it went there directly.
    pub repeaters: Vec<LockId>,
}

/// What is wrong with a link: the worst of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTrouble {
    /// Many frames are not acknowledged: the lock comes and goes.
    Flaky,
    /// Many frames need several attempts or other routes.
    Laboured,
    /// All arrives, and little is missing that it would not.
    Weak,
}

impl LinkReport {
    /// What is wrong; `None`: nothing, or too little is known.
    pub fn trouble(&self) -> Option<LinkTrouble> {
        let more_than_a_quarter = |count: u8| count >= 3 && u16::from(count) * 4 > self.frames.into();
        let margin = self.signal.map(|signal| i16::from(signal) - i16::from(self.sensitivity));
        if more_than_a_quarter(self.unanswered) {
            Some(LinkTrouble::Flaky)
        } else if more_than_a_quarter(self.repeated) {
            Some(LinkTrouble::Laboured)
        } else {
            margin.filter(|margin| *margin < MARGIN).map(|_| LinkTrouble::Weak)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_link_is_told_and_a_single_lost_frame_is_nothing() {
        let good = LinkReport {
            frames: 8,
            unanswered: 1,
            repeated: 2,
            signal: Some(-80),
            sensitivity: -97,
            delivery_ms: Some(40),
            repeaters: Vec::new(),
        };
        assert_eq!(good.trouble(), None);
        let weak = LinkReport { signal: Some(-90), ..good.clone() };
        assert_eq!(weak.trouble(), Some(LinkTrouble::Weak));
        let laboured = LinkReport { repeated: 3, ..weak.clone() };
        assert_eq!(laboured.trouble(), Some(LinkTrouble::Laboured));
        assert_eq!(LinkReport { unanswered: 3, ..laboured }.trouble(), Some(LinkTrouble::Flaky));
        assert_eq!(LinkReport { signal: None, ..good }.trouble(), None);
    }
}
