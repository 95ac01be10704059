//! Guests at all doors at once: how many uses of keypads a second the hub keeps up with.

use std::time::Duration;

use anyhow::{Context, Result};
use keyway_test_support::{Http, SOON, World, in_seconds, now, wait_until};
use serde_json::{Value, json};

use super::{FIRST_NODE, Size};

/// If nothing more is told within this, the rest was lost on the air.
const PATIENCE: Duration = Duration::from_secs(5);

/// A look costs the hub as much as some events.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a rush showed.
pub(super) struct Rush {
    /// Events a second.
    pub(super) rate: f64,
    /// Milliseconds of processor time for each.
    pub(super) work: f64,
    /// Bytes of memory that the hub has behind it.
    pub(super) memory: u64,
}

/// Each use is a guest's code typed, told as an unlocking, and the bolt thrown again: two events.
pub(super) fn rush(world: &World, size: &Size) -> Result<Rush> {
    let http = world.hub.http();
    let guests: Vec<Guest> = world.devices.iter().map(|device| Guest::ordered(&http, device)).collect();
    let pins = guests.iter().map(|guest| guest.moved_in(&http)).collect::<Result<Vec<_>>>()?;
    let told = || http.events_told("lock.unlocked") + http.events_told("lock.locked");
    let before = told();
    let (began, work) = (now(), world.hub.processor_time());
    let (mut seen, mut at) = (before, began);
    for _ in 0..size.uses / u32::from(size.doors) {
        for (node, code) in (FIRST_NODE..).zip(&pins) {
            world.stick.type_code(node, code);
            world.stick.order(json!({"node": node, "turn": "lock"}));
        }
        // No lock has more to tell than its guest gives it to.
        let due = seen + 2 * u64::from(size.doors);
        let asked = now();
        while seen < due && now() - at.max(asked) < PATIENCE {
            std::thread::sleep(LOOK_EVERY);
            let more = told();
            if more > seen {
                (seen, at) = (more, now());
            }
        }
    }
    let events = (seen - before) as f64;
    let work = (world.hub.processor_time() - work).as_secs_f64() * 1e3 / events;
    let rush = Rush { rate: events / (at - began).as_secs_f64(), work, memory: world.hub.memory() };
    // The next start is to find the locks as this one did.
    guests.iter().for_each(|guest| guest.leaves(&http));
    for door in 0..size.doors {
        let node = FIRST_NODE + door;
        wait_until("the guests have gone", SOON * 2, || world.stick.lock(node).codes.is_empty().then_some(()));
    }
    Ok(rush)
}

/// Somebody who comes at once.
pub(super) struct Guest {
    grant: Value,
}

impl Guest {
    /// His code is ordered.
    pub(super) fn ordered(http: &Http, device: &str) -> Self {
        let body = json!({
            "user_identity": {"full_name": "Guest of now"},
            "device_ids": [device],
            "requested_access_methods": [{"mode": "code"}],
            "ends_at": in_seconds(3600.0),
        });
        Self { grant: http.ask("access_grants/create", body)["access_grant"]["access_grant_id"].clone() }
    }

    /// Waits until the code is in the lock: his PIN.
    pub(super) fn moved_in(&self, http: &Http) -> Result<String> {
        let code = wait_until("the guest's code is set", SOON * 2, || {
            let answer = http.ask("access_codes/list", json!({"access_grant_id": self.grant}));
            let code = &answer["access_codes"][0];
            (code["status"] == "set").then(|| code["code"].as_str().map(str::to_owned))
        });
        code.context("the host sees the PIN")
    }

    /// His grant is deleted.
    pub(super) fn leaves(&self, http: &Http) {
        http.ask("access_grants/delete", json!({"access_grant_id": self.grant}));
    }
}
