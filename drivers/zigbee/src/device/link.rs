//! How well a device is reached: by what became of the frames to it, and by how its own arrive at the stick.

use std::time::{Duration, Instant};

use keyway_lock::{LinkFrame, LinkHistory, LinkReport, LockId};

use crate::address::Nwk;
use crate::coordinator::Incoming;
use crate::zdo;

/// The weakest signal that sticks read, in dBm: their data sheets name -100 (CC2652) to -104 (EFR32).
const SENSITIVITY: i8 = -100;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// It was acknowledged.
    pub acknowledged: bool,
    /// The same question went out before, in vain.
    pub repeated: bool,
    /// From the stick's first attempt on, waking the device included.
    pub took: Duration,
}

/// What the last frames showed.
#[derive(Debug, Default)]
pub struct Link {
    history: LinkHistory,
    /// As its last frame arrived.
    signal: Option<i8>,
    quality: Option<u8>,
}

impl Link {
    /// A frame of the device arrived. How strong it was says something of the last hop only; some sticks do not say it with
    /// what is about the device itself.
    pub fn handle_heard(&mut self, incoming: &Incoming) {
        if incoming.profile != zdo::PROFILE {
            (self.signal, self.quality) = (incoming.rssi, Some(incoming.lqi));
        }
    }

    /// The device said over which others its frames come, from the one beside it on.
    pub fn handle_route(&mut self, relays: &[Nwk]) {
        self.history.set_repeaters(relays.iter().rev().map(|relay| LockId(relay.0.into())).collect());
    }

    /// A frame to it has ended: what there is to tell now.
    pub fn handle_sent(&mut self, now: Instant, delivery: Delivery) -> Option<LinkReport> {
        let Delivery { acknowledged, repeated, took } = delivery;
        let frame = LinkFrame {
            acknowledged,
            repeated: acknowledged && repeated,
            signal: self.signal.filter(|_| acknowledged),
            quality: self.quality.filter(|_| acknowledged),
            delivery_ms: acknowledged.then(|| u32::try_from(took.as_millis()).unwrap_or(u32::MAX)),
        };
        self.history.handle_frame(now, frame, SENSITIVITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyway_lock::{LinkTrouble, SecretBytes};
    use zeroize::Zeroizing;

    fn heard(profile: u16, rssi: Option<i8>, lqi: u8) -> Incoming {
        Incoming {
            source: Nwk(0x1234),
            source_ieee: None,
            profile,
            cluster: 0x0101,
            source_endpoint: 1,
            destination_endpoint: 1,
            lqi,
            rssi,
            was_broadcast: false,
            payload: SecretBytes(Zeroizing::new(Vec::new())),
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
    fn a_link_is_told_by_its_last_frames_and_again_when_it_turns_bad() {
        let (now, mut link) = (Instant::now(), Link::default());
        let delivery = Delivery { acknowledged: true, repeated: false, took: Duration::from_millis(40) };
        link.handle_heard(&heard(0x0104, Some(-60), 200));
        link.handle_heard(&heard(zdo::PROFILE, None, 0xFF));
        link.handle_route(&[Nwk(2), Nwk(1)]);
        let sent = |link: &mut Link, delivery| link.handle_sent(now, delivery);
        assert!((0..3).all(|_| sent(&mut link, delivery).is_none()), "too few");
        let report = sent(&mut link, delivery).unwrap();
        assert_eq!((report.signal, report.quality, report.delivery_ms), (Some(-60), Some(200), Some(40)));
        assert_eq!((report.repeaters, report.frames), (vec![LockId(1), LockId(2)], 4));
        link.handle_heard(&heard(0x0104, Some(-95), 60));
        let weak = (0..8).find_map(|_| sent(&mut link, delivery)).unwrap();
        assert_eq!(weak.trouble(), Some(LinkTrouble::Weak));
        let lost = Delivery { acknowledged: false, ..delivery };
        let flaky = (0..8).find_map(|_| sent(&mut link, lost)).unwrap();
        assert_eq!(flaky.trouble(), Some(LinkTrouble::Flaky));
    }
}
