//! The driver drives locks: what the hub asks, what the locks tell, and what goes wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]
#![expect(clippy::duplicate_mod, reason = "the same tests for the sticks of both makers")]

mod fake;
mod world;

/// Behind a stick of Silicon Labs.
#[path = "."]
mod ezsp {
    use keyway_virtual::zigbee::Adapter;

    pub(crate) const ADAPTER: Adapter = Adapter::Ezsp;
    #[path = "building/mod.rs"]
    mod building;
}

/// Behind one of Texas Instruments.
#[path = "."]
mod znp {
    use keyway_virtual::zigbee::Adapter;

    pub(crate) const ADAPTER: Adapter = Adapter::Znp;
    #[path = "building/mod.rs"]
    mod building;
}

use keyway_lock::{CommandError, CommandOutput, Evidence, LockCommand, Pin, SlotNumber};

const SLOT: SlotNumber = SlotNumber(5);

fn pin(digits: &str) -> Pin {
    Pin::new(digits).unwrap()
}

fn set(digits: &str) -> LockCommand {
    LockCommand::SetCode { slot: SLOT, pin: pin(digits) }
}

fn proven(evidence: Evidence) -> Result<CommandOutput, CommandError> {
    Ok(CommandOutput::CodeSet(evidence))
}
