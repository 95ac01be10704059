//! The driver drives locks: what the hub asks, what the locks tell, and what goes wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

mod building;
mod fake;
mod world;

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
