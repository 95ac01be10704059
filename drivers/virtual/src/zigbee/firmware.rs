//! What the firmware of a stick is to the stick, whatever it speaks with its host.

use std::time::Instant;

use super::network::{Event, Network};

/// Bytes of the host in, bytes for the host out, and the decisions that a network leaves to its coordinator.
pub(super) trait Firmware: Send {
    /// A host opened the port, or went away.
    fn handle_connection(&mut self);
    /// Bytes of the host.
    fn handle_bytes(&mut self, now: Instant, network: &mut Network, bytes: &[u8]);
    /// Something happened in the network.
    fn on_event(&mut self, now: Instant, network: &mut Network, event: Event);
    /// All that has happened was told: what is to be said goes out.
    fn settle(&mut self, now: Instant, network: &mut Network);
    /// The instant of [`Firmware::timeout`] has come.
    fn handle_timeout(&mut self, now: Instant, network: &mut Network);
    fn timeout(&self) -> Option<Instant>;
    /// The next bytes for the host.
    fn poll(&mut self) -> Option<Vec<u8>>;
    /// It fails, as firmware of its kind does.
    fn fail(&mut self, now: Instant, network: &mut Network);
    /// Something restarts it, and it says so.
    fn reset(&mut self, now: Instant, network: &mut Network);
    /// What it keeps without power, if that has changed.
    fn take_memory(&mut self) -> Option<String>;
}
