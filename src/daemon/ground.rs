//! What the hub stands on: time, ports and randomness.

use std::sync::Arc;

use super::DaemonError;
use crate::clock::{self, Clock};
use crate::radio::{Ports, SystemPorts};

/// Fills bytes with randomness.
pub type Entropy = dyn Fn(&mut [u8]) -> std::io::Result<()> + Send + Sync;

/// What the hub stands on: of this machine, or of a simulated one.
#[derive(Clone)]
pub struct Ground {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where sticks are plugged in.
    pub ports: Arc<dyn Ports>,
    /// Randomness, for keys and nonces.
    pub entropy: Arc<Entropy>,
}

impl Ground {
    /// This machine, by this clock.
    pub(super) fn system(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ports: Arc::new(SystemPorts), entropy: Arc::new(clock::entropy) }
    }

    pub(super) fn entropy(&self) -> Result<[u8; 32], DaemonError> {
        entropy(self.entropy.as_ref())
    }
}

/// 32 bytes of it.
pub(super) fn entropy(fill: &Entropy) -> Result<[u8; 32], DaemonError> {
    let mut bytes = [0; 32];
    fill(&mut bytes).map_err(DaemonError::Entropy)?;
    Ok(bytes)
}
