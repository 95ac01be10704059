//! What a PIN costs that is set with proof in a Zigbee lock, beside zigbee-herdsman as host of the same virtual stick: frames
//! on the air and commands of EZSP, and the time that the host itself adds. `cargo bench --bench zigbee` prints the table and
//! puts it into `docs/zigbee.md`.
//!
//! Both set and read back, as Zigbee2MQTT's converter does with `setPinCode` and `getPinCode`, one code after the other. What
//! goes between host and stick is counted on the way (`wire`), alike for both.

mod herdsman;
mod hub;
#[path = "../shared/page.rs"]
mod page;
mod table;
mod wire;

use std::io::Write;

use anyhow::Result;
use keyway_test_support::{LockSetup, Setup};

/// The lock's number.
const DOOR: u16 = 2;
/// Codes, one after the other.
const CODES: usize = 10;
/// Newest that both speak.
const VERSION: u8 = 14;

/// A kind of lock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    sleeping: bool,
}

const KINDS: [Kind; 2] =
    [Kind { name: "receiver always on", sleeping: false }, Kind { name: "fetches once a second", sleeping: true }];

impl Kind {
    /// One lock, which does not tell of codes that its host has set.
    pub(crate) fn setup(self) -> Setup {
        let usual = LockSetup::s2(DOOR, "Front door");
        Setup::of(&[LockSetup { sleeping: self.sleeping, tells_of_own_changes: false, ..usual }]).on_zigbee(VERSION)
    }
}

fn main() -> Result<()> {
    herdsman::ensure_installed()?;
    let mut rows = Vec::new();
    for kind in KINDS {
        rows.push((kind, "Keyway", hub::run(kind)?));
        rows.push((kind, "zigbee-herdsman", herdsman::run(kind)?));
    }
    let table = table::of(&rows);
    write!(std::io::stdout(), "{table}")?;
    page::put_into("zigbee.md", "zigbee", &table)
}
