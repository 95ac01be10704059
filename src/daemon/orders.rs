//! What is asked of the sticks themselves, and how it ended, noted in their states.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keyway_lock::{CommandId, NetworkFailure, NetworkOutcome, NetworkRecord, RadioEvent, StickCommand, Traffic};
use keyway_zigbee::backup::NetworkBackup;
use keyway_zigbee::network::memory;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::hub::{StickOrder, StickOrders, StickStatus, Sticks};
use crate::radio::StickHandle;

/// Behind the numbers of what is asked of the networks, whose answers come the same way.
const FIRST: u64 = 1 << 32;

/// When a network was backed up of which that is not written.
const UNKNOWN_TIME: &str = "1970-01-01T00:00:00+00:00";

/// Orders to the sticks, and the states of all.
pub(super) struct Orders {
    sticks: Arc<BTreeMap<Arc<str>, StickHandle>>,
    states: watch::Sender<Sticks>,
    last: AtomicU64,
}

impl Orders {
    pub(super) fn new(sticks: Arc<BTreeMap<Arc<str>, StickHandle>>, states: watch::Sender<Sticks>) -> Self {
        Self { sticks, states, last: AtomicU64::new(FIRST) }
    }

    /// A stick tells.
    pub(super) fn observe(&self, stick: &Arc<str>, event: &RadioEvent) {
        match event {
            RadioEvent::Stick(state) => self.states.send_modify(|states| match states.get_mut(stick) {
                Some(status) => status.state = state.clone(),
                None => _ = states.insert(Arc::clone(stick), StickStatus::from(state.clone())),
            }),
            RadioEvent::NetworkDone(id, result) => self.ended(stick, *id, result),
            _ => {}
        }
    }

    fn ended(&self, stick: &Arc<str>, id: CommandId, result: &Result<NetworkOutcome, NetworkFailure>) {
        self.states.send_if_modified(|states| {
            let order = states.get_mut(stick).and_then(|status| status.order.as_mut());
            let Some(order) = order.filter(|order| order.number == id.0) else { return false };
            order.outcome = Some(result.as_ref().map(|_| ()).map_err(ToString::to_string));
            true
        });
    }
}

impl StickOrders for Orders {
    fn order(&self, stick: &str, operation: &'static str, command: StickCommand) -> Option<u64> {
        let handle = self.sticks.get(stick)?;
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::info!(stick, operation, "asked of the stick");
        self.states.send_modify(|states| {
            if let Some(status) = states.get_mut(stick) {
                status.order = Some(StickOrder { number, operation, outcome: None });
            }
        });
        handle.stick(CommandId(number), command).then_some(number)
    }

    fn traffic(&self, stick: &str) -> Option<Traffic> {
        Some(self.sticks.get(stick)?.traffic())
    }

    fn backup_of(&self, records: &[NetworkRecord]) -> Option<Map<String, Value>> {
        let text = memory::kept(records)?;
        let kept: Value = serde_json::from_str(text).ok()?;
        let created = kept["metadata"]["internal"]["creation_time"].as_str().unwrap_or(UNKNOWN_TIME);
        // Not every program moves the counters forward when it restores, and the stick has sent more since.
        let moved = NetworkBackup::from_json(text).ok()?.moved_forward().to_json(created).ok()?;
        serde_json::from_str(&moved).ok()
    }

    fn check_backup(&self, text: &str) -> Result<(), String> {
        NetworkBackup::from_json(text).map(drop).map_err(|error| error.to_string())
    }
}
