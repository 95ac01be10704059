//! Frames of a device that come twice: one whose acknowledgement was lost is sent again, and the stick has forgotten by then
//! that it passed on the first.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::zcl::Frame;

/// A frame is sent again for so long: three times, waiting 1.6 s for each acknowledgement (apscAckWaitDuration, apscMaxFrameRetries:
/// Zigbee specification 2.2.7), and longer by one that sleeps in between.
const WITHIN: Duration = Duration::from_secs(10);
/// Frames that are remembered.
const MOST: usize = 4;

/// The last frames that nobody had asked for, with their clusters.
#[derive(Default)]
pub struct Repeated(VecDeque<(Instant, u16, Frame)>);

impl Repeated {
    /// Whether a frame was heard before: it is remembered from now on. Some devices give all of theirs one sequence number;
    /// so the last one with this number must have been the same to the last byte.
    pub fn is(&mut self, now: Instant, cluster: u16, frame: &Frame) -> bool {
        self.0.retain(|(at, ..)| *at + WITHIN > now);
        let last = self.0.iter().rfind(|(_, heard, last)| *heard == cluster && last.sequence == frame.sequence);
        let is_repeated = last.is_some_and(|(.., last)| last == frame);
        if !is_repeated {
            self.0.push_back((now, cluster, frame.clone()));
            if self.0.len() > MOST {
                self.0.pop_front();
            }
        }
        is_repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: u16 = 0x0101;

    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn frame(sequence: u8, event: u8) -> Frame {
        Frame::to_server(sequence, 0x20, vec![event])
    }

    #[test]
    fn a_frame_that_comes_again_is_known_also_behind_another_until_nobody_sends_it_any_more() {
        let (mut repeated, now) = (Repeated::default(), start());
        let mut is = |seconds, sequence, event| {
            repeated.is(now + Duration::from_secs(seconds), CLUSTER, &frame(sequence, event))
        };
        assert_eq!([is(0, 1, 7), is(1, 2, 7), is(2, 1, 7), is(2, 2, 7)], [false, false, true, true]);
        assert_eq!([is(9, 1, 7), is(10, 1, 7)], [true, false]);
    }

    #[test]
    fn a_device_that_does_not_count_its_frames_is_heard_each_time_that_something_else_happens() {
        let (mut repeated, now) = (Repeated::default(), start());
        let heard = [1, 2, 1, 1].map(|event| repeated.is(now, CLUSTER, &frame(0, event)));
        assert_eq!(heard, [false, false, false, true]);
        assert!(!repeated.is(now, CLUSTER + 1, &frame(0, 1)), "another cluster");
    }
}
