//! How well a lock is reached over the air, as its last frames went.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::LockId;

/// Frames that are remembered.
const WINDOW: usize = 16;
/// Frames after which something can be said.
const FIRST: usize = 4;
/// How often it is told though nothing is wrong with it that was not wrong before.
const TELL_EVERY: Duration = Duration::from_secs(600);
/// Where nothing is known of the signal's strength, a link quality below this is as good as a weak signal.
const POOR: u8 = 50;

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
    /// How well the lock's frames arrive at the stick, 0 to 255, in the middle of what was told (Zigbee: LQI of the last
    /// hop); `None`: the stick does not tell.
    pub quality: Option<u8>,
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
            let weak = margin.map_or(self.quality.is_some_and(|quality| quality < POOR), |margin| margin < MARGIN);
            weak.then_some(LinkTrouble::Weak)
        }
    }
}

/// How one frame to a lock went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkFrame {
    /// The lock acknowledged it.
    pub acknowledged: bool,
    /// It needed another attempt or another route.
    pub repeated: bool,
    /// See [`LinkReport::signal`].
    pub signal: Option<i8>,
    /// See [`LinkReport::quality`].
    pub quality: Option<u8>,
    /// See [`LinkReport::delivery_ms`].
    pub delivery_ms: Option<u32>,
}

/// What the last frames to a lock showed.
#[derive(Debug, Default)]
pub struct LinkHistory {
    frames: VecDeque<LinkFrame>,
    repeaters: Vec<LockId>,
    told: Option<(LinkReport, Instant)>,
}

impl LinkHistory {
    /// The way that frames take now.
    pub fn set_repeaters(&mut self, repeaters: Vec<LockId>) {
        self.repeaters = repeaters;
    }

    /// A frame to the lock has ended: what there is to tell now. `sensitivity`: see [`LinkReport::sensitivity`].
    pub fn handle_frame(&mut self, now: Instant, frame: LinkFrame, sensitivity: i8) -> Option<LinkReport> {
        self.frames.push_back(frame);
        self.frames.drain(..self.frames.len().saturating_sub(WINDOW));
        if self.frames.len() < FIRST {
            return None;
        }
        let report = self.report(sensitivity);
        let is_news = self.told.as_ref().is_none_or(|(told, at)| {
            told.trouble() != report.trouble() || now.saturating_duration_since(*at) >= TELL_EVERY
        });
        is_news.then(|| self.told.insert((report, now)).0.clone())
    }

    fn report(&self, sensitivity: i8) -> LinkReport {
        let count = |is: fn(&LinkFrame) -> bool| {
            u8::try_from(self.frames.iter().filter(|frame| is(frame)).count()).unwrap_or(u8::MAX)
        };
        LinkReport {
            frames: count(|_| true),
            unanswered: count(|frame| !frame.acknowledged),
            repeated: count(|frame| frame.repeated),
            signal: middle(self.frames.iter().filter_map(|frame| frame.signal)),
            sensitivity,
            quality: middle(self.frames.iter().filter_map(|frame| frame.quality)),
            delivery_ms: middle(self.frames.iter().filter_map(|frame| frame.delivery_ms)),
            repeaters: self.repeaters.clone(),
        }
    }
}

fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
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
            quality: None,
            delivery_ms: Some(40),
            repeaters: Vec::new(),
        };
        assert_eq!(good.trouble(), None);
        let weak = LinkReport { signal: Some(-90), ..good.clone() };
        assert_eq!(weak.trouble(), Some(LinkTrouble::Weak));
        let laboured = LinkReport { repeated: 3, ..weak.clone() };
        assert_eq!(laboured.trouble(), Some(LinkTrouble::Laboured));
        assert_eq!(LinkReport { unanswered: 3, ..laboured }.trouble(), Some(LinkTrouble::Flaky));
        let untold = LinkReport { signal: None, ..good };
        assert_eq!(untold.trouble(), None);
        let quality = |quality| LinkReport { quality: Some(quality), ..untold.clone() }.trouble();
        assert_eq!((quality(200), quality(49)), (None, Some(LinkTrouble::Weak)));
    }
}
