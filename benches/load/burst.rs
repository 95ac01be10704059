//! A guest behind a burst: all locks tell many things at once, and one of them is to get a code.

use std::time::Duration;

use anyhow::{Context, Result};
use keyway_test_support::{Http, SOON, World, now, wait_until};

use super::{FIRST_NODE, rush, turn};

/// How long the last lock takes to have a code, ordered when all locks together have just told of so many turns.
pub(super) fn code_takes(world: &World, http: &Http, turns: u32) -> Result<Duration> {
    for number in 0..turns {
        world.stick.order(turn(world, number));
    }
    let (door, device) = world.devices.iter().enumerate().next_back().context("there is a door")?;
    let node = FIRST_NODE + u16::try_from(door)?;
    let ordered = now();
    let guest = rush::Guest::ordered(http, device);
    guest.moved_in(http)?;
    let took = now() - ordered;
    guest.leaves(http);
    wait_until("the guest has gone", SOON * 2, || world.stick.lock(node).codes.is_empty().then_some(()));
    Ok(took)
}
