//! How well a node is reached, from the stick's transmit reports.

use std::time::Instant;

use keyway_lock::{LinkFrame, LinkHistory, LinkReport};

use super::NodeId;
use crate::serial_api::callback::{TransmitReport, TransmitStatus};

/// The weakest signal that sticks of the 700 series read at 100 kbit/s, and over Long Range, in dBm (their data sheets name
/// -97.5 and -109.8).
const SENSITIVITY: i8 = -97;
const SENSITIVITY_LONG_RANGE: i8 = -109;
/// What one tick of a report is.
const TICK_MS: u32 = 10;

/// What the last frames to a node showed.
#[derive(Default)]
pub struct Link(LinkHistory);

impl Link {
    /// A frame to the node has ended: what there is to tell now.
    pub fn handle_sent(&mut self, now: Instant, node: NodeId, report: &TransmitReport) -> Option<LinkReport> {
        let acknowledged = match report.status {
            TransmitStatus::Ok => true,
            TransmitStatus::NoAck | TransmitStatus::NoRoute => false,
            // It says something of the stick, or of others that were on the air.
            TransmitStatus::Fail | TransmitStatus::NotIdle | TransmitStatus::Other(_) => return None,
        };
        let frame = LinkFrame {
            acknowledged,
            repeated: acknowledged && report.attempts.is_some_and(|attempts| attempts > 1),
            signal: report.ack_rssi.filter(|_| acknowledged),
            quality: None,
            delivery_ms: report.ticks.filter(|_| acknowledged).map(|ticks| u32::from(ticks) * TICK_MS),
        };
        if acknowledged {
            self.0.set_repeaters(report.repeaters.iter().map(|node| (*node).into()).collect());
        }
        let sensitivity = if node.is_long_range() { SENSITIVITY_LONG_RANGE } else { SENSITIVITY };
        self.0.handle_frame(now, frame, sensitivity)
    }
}
