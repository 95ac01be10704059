//! How much goes over the air, for whoever watches over a stick.

/// Frames of one stick since its driver began, to and from the devices of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Frames whose sending has ended, well or not.
    pub sent: u64,
    /// Those of them that arrived, but needed another attempt or another route.
    pub repeated: u64,
    /// Those of them that were not acknowledged.
    pub unanswered: u64,
    /// Frames that came in.
    pub received: u64,
}

impl Traffic {
    /// The sending of a frame has ended.
    pub fn count_sent(&mut self, acknowledged: bool, repeated: bool) {
        self.sent += 1;
        self.repeated += u64::from(acknowledged && repeated);
        self.unanswered += u64::from(!acknowledged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_did_not_arrive_is_not_one_that_was_repeated() {
        let mut traffic = Traffic::default();
        for (acknowledged, repeated) in [(true, false), (true, true), (false, true), (false, false)] {
            traffic.count_sent(acknowledged, repeated);
        }
        assert_eq!(traffic, Traffic { sent: 4, repeated: 1, unanswered: 2, received: 0 });
    }
}
