//! The hub, asked over MQTT as a host's program does.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use keyway_test_support::{Frames, SOON, Stick, World, now, utc, wait_until};
use serde_json::{Value, json};

use crate::task::Task;

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");
/// How long all of it may take on a slow machine.
const LONG: Duration = Duration::from_secs(600);
/// How long a frame is under way, usually.
const LATENCY_MS: u32 = 15;
/// Within so long after a code was set the hub looks whether it is still there.
const AUDITED: SignedDuration = SignedDuration::from_secs(75);
/// So long before the start all codes must be made.
const READY: SignedDuration = SignedDuration::from_secs(5);
/// How long making a code may take on a slow machine.
const EACH: SignedDuration = SignedDuration::from_millis(200);

/// What it costs from the request to the last proof; and with the look a minute after.
pub(crate) fn run(task: &Task) -> Result<(Frames, Frames)> {
    let setup = task.setup();
    let stick = Stick::ours(KEYWAY, &setup);
    keep_awake(&stick, task, true);
    let world = World::quiet_on(KEYWAY, &setup, stick);
    wait_for_silence(&world);
    let codes = i32::try_from(world.devices.len() * (task.old + task.new))?;
    let audit = if task.old > 0 { AUDITED } else { SignedDuration::ZERO };
    let due = utc() + audit + EACH * codes + READY * 3;
    put_in(&world, task.old, utc(), due)?;
    std::thread::sleep(audit.unsigned_abs());
    wait_for_silence(&world);
    keep_awake(&world.stick, task, false);

    let before = frames(&world);
    let pins = put_in(&world, task.new, due, due + SignedDuration::from_hours(24))?;
    ensure!(utc() + READY < due, "{}: the machine is too slow to make the codes in time", task.name);
    wait_until("every lock holds the new codes, and the hub says so", LONG, || {
        std::thread::sleep(SOON / 40);
        (utc() > due && holds(&world, &pins) && all_are_set(&world, task.new)).then_some(())
    });
    let until_proven = frames(&world).since(before);
    std::thread::sleep(AUDITED.unsigned_abs());
    wait_for_silence(&world);
    Ok((until_proven, frames(&world).since(before)))
}

/// While all is made ready, that it takes no minutes: no beams, and frames that are there almost at once.
fn keep_awake(stick: &Stick, task: &Task, awake: bool) {
    let latency = if awake { 1 } else { LATENCY_MS };
    task.nodes().for_each(|node| stick.fault(node, json!({"awake": awake, "latency_ms": latency})));
}

/// So many codes into each lock for this time. Gives the PINs, lock by lock.
fn put_in(world: &World, count: usize, from: Timestamp, until: Timestamp) -> Result<Vec<BTreeSet<String>>> {
    let mut pins = Vec::new();
    for device in &world.devices {
        let mut own = BTreeSet::new();
        for _ in 0..count {
            let code = world.client.ask(
                "access_codes/create",
                json!({"device_id": device, "preferred_code_length": 8, "starts_at": from.to_string(), "ends_at": until.to_string()}),
            );
            let pin = code["access_code"]["code"].as_str().context("a code has digits")?;
            own.insert(pin.to_owned());
        }
        pins.push(own);
    }
    Ok(pins)
}

fn holds(world: &World, pins: &[BTreeSet<String>]) -> bool {
    let locks = world.stick.locks();
    let held = locks.into_values().map(|lock| lock.codes.into_iter().map(|(_, pin)| pin).collect::<BTreeSet<_>>());
    held.eq(pins.iter().cloned())
}

/// Whether the hub says of so many codes on each lock that they are set; those that are over are listed as well.
fn all_are_set(world: &World, count: usize) -> bool {
    let codes = |device| world.client.ask("access_codes/list", json!({"device_id": device}))["access_codes"].clone();
    let set =
        |codes: Value| codes.as_array().map_or(0, |codes| codes.iter().filter(|code| code["status"] == "set").count());
    world.devices.iter().map(codes).map(set).all(|set| set == count)
}

fn frames(world: &World) -> Frames {
    let none = Frames { from_hub: 0, to_hub: 0, wake_ups: 0 };
    world.stick.locks().values().fold(none, |sum, lock| Frames {
        from_hub: sum.from_hub + lock.frames.from_hub,
        to_hub: sum.to_hub + lock.frames.to_hub,
        wake_ups: sum.wake_ups + lock.frames.wake_ups,
    })
}

/// Nothing was said for three seconds: all that was to be read is read, and the locks sleep.
fn wait_for_silence(world: &World) {
    let (mut last, mut since) = (frames(world), now());
    wait_until("the air is quiet", LONG, || {
        std::thread::sleep(SOON / 100);
        let counted = frames(world);
        if counted != last {
            (last, since) = (counted, now());
        }
        (now() - since > Duration::from_secs(3)).then_some(())
    });
}
