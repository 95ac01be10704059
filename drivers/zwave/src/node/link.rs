//! How well a node is reached, from the stick's transmit reports.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_lock::{LinkReport, LockId};

use super::NodeId;
use crate::serial_api::callback::{TransmitReport, TransmitStatus};

/// Frames that are remembered.
const WINDOW: usize = 16;
/// Frames after which something can be said.
const FIRST: usize = 4;
/// How often it is told though nothing is wrong with it that was not wrong before.
const TELL_EVERY: Duration = Duration::from_secs(600);
/// The weakest signal that sticks of the 700 series read at 100 kbit/s, and over Long Range, in dBm (their data sheets name
/// -97.5 and -109.8).
const SENSITIVITY: i8 = -97;
const SENSITIVITY_LONG_RANGE: i8 = -109;
/// What one tick of a report is.
const TICK_MS: u32 = 10;

struct Frame {
    acknowledged: bool,
    repeated: bool,
    signal: Option<i8>,
    delivery_ms: Option<u32>,
}

/// What the last frames to a node showed.
#[derive(Default)]
pub struct Link {
    frames: VecDeque<Frame>,
    repeaters: Vec<LockId>,
    told: Option<(LinkReport, Instant)>,
}

impl Link {
    /// A frame to the node has ended: what there is to tell now.
    pub fn handle_sent(&mut self, now: Instant, node: NodeId, report: &TransmitReport) -> Option<LinkReport> {
        let acknowledged = match report.status {
            TransmitStatus::Ok => true,
            TransmitStatus::NoAck | TransmitStatus::NoRoute => false,
            // It says something of the stick, or of others that were on the air.
            TransmitStatus::Fail | TransmitStatus::NotIdle | TransmitStatus::Other(_) => return None,
        };
        let frame = Frame {
            acknowledged,
            repeated: acknowledged && report.attempts.is_some_and(|attempts| attempts > 1),
            signal: report.ack_rssi.filter(|_| acknowledged),
            delivery_ms: report.ticks.filter(|_| acknowledged).map(|ticks| u32::from(ticks) * TICK_MS),
        };
        if acknowledged {
            self.repeaters = report.repeaters.iter().map(|node| (*node).into()).collect();
        }
        self.frames.push_back(frame);
        self.frames.drain(..self.frames.len().saturating_sub(WINDOW));
        self.news(now, node)
    }

    fn news(&mut self, now: Instant, node: NodeId) -> Option<LinkReport> {
        if self.frames.len() < FIRST {
            return None;
        }
        let report = self.report(node);
        let is_news = self.told.as_ref().is_none_or(|(told, at)| {
            told.trouble() != report.trouble() || now.saturating_duration_since(*at) >= TELL_EVERY
        });
        is_news.then(|| self.told.insert((report, now)).0.clone())
    }

    fn report(&self, node: NodeId) -> LinkReport {
        let count = |is: fn(&Frame) -> bool| {
            u8::try_from(self.frames.iter().filter(|frame| is(frame)).count()).unwrap_or(u8::MAX)
        };
        LinkReport {
            frames: count(|_| true),
            unanswered: count(|frame| !frame.acknowledged),
            repeated: count(|frame| frame.repeated),
            signal: middle(self.frames.iter().filter_map(|frame| frame.signal)),
            sensitivity: if node.is_long_range() { SENSITIVITY_LONG_RANGE } else { SENSITIVITY },
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
