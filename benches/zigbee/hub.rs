//! The hub, asked over MQTT as a host's program does.

use std::time::Duration;

use anyhow::{Context, Result};
use keyway_test_support::{SOON, Stick, World, wait_until};
use serde_json::{Value, json};

use crate::table::Run;
use crate::wire::{Cost, Wire};
use crate::{CODES, DOOR, Kind};

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");
/// Until the lock, that is new, has asked for the time.
const ASKS_TIME: Duration = Duration::from_secs(7);
/// Between two codes, so that a lock that sleeps does so before each.
const BETWEEN: Duration = Duration::from_secs(3);

pub(crate) fn run(kind: Kind) -> Result<Run> {
    let setup = kind.setup();
    let stick = Stick::ours(KEYWAY, &setup);
    let wire = Wire::to(&stick.port())?;
    let world = World::quiet_on(KEYWAY, &setup, stick.by_way_of(wire.address()));
    let device = &world.devices[0];
    std::thread::sleep(ASKS_TIME);
    let before = world.stick.wait_until_quiet(DOOR).frames;
    let mut costs = Vec::new();
    for _ in 0..CODES {
        std::thread::sleep(BETWEEN);
        let mark = wire.mark();
        world.client.ask("access_codes/create", json!({"device_id": device}));
        wait_until("the code is set", SOON, || {
            let codes = world.client.ask("access_codes/list", json!({"device_id": device}))["access_codes"].clone();
            let set = |code: &Value| code["status"] == "set";
            codes.as_array().is_some_and(|codes| codes.iter().all(set)).then_some(())
        });
        costs.push(Cost::of(&wire.since(mark)).context("the hub said nothing to its stick")?);
    }
    let air = world.stick.lock(DOOR).frames.since(before);
    Ok(Run { costs, air: (air.from_hub, air.to_hub) })
}
