//! `keyway clock`: waits until the kernel says that the clock is right, and leaves a mark of it for the hub, which in its
//! sandbox can't ask: the call that asks is the one that sets the clock.

use std::time::Duration;

use super::say;
use crate::clock::{Kernel, Linux, Machine};

/// Who gets the time from the network takes seconds to minutes for it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Ends when it is right, and where nobody says whether it is, as in some containers.
pub(super) fn run() {
    let machine = Linux::default();
    loop {
        match machine.kernel() {
            Kernel::Synchronized => {
                machine.is_right();
                return;
            }
            Kernel::Alone => std::thread::sleep(LOOK_EVERY),
            Kernel::Silent => return say("the kernel does not say whether its clock is right"),
        }
    }
}
