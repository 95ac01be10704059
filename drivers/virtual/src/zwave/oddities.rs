//! What a virtual lock does otherwise than it should, as real ones do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

/// The oddities; by default none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oddities {
    /// Manufacturer, product type and product it says it is; `None`: no real one.
    pub product: Option<(u16, u16, u16)>,
    /// Its serial number, as Manufacturer Specific version 2 tells it.
    pub serial_number: Option<String>,
    /// Every code has so many digits, as configuration parameter 16 says; others are dropped without a word.
    pub code_length: Option<u8>,
    /// What its battery tells beside its level, as Battery versions 2 and 3 have it: two bytes of flags, and what it holds of
    /// what it did when it was new, in per cent.
    pub battery: Option<(u8, u8, u8)>,
    /// Its configuration parameters, by number, as they are at first: bytes, most significant first.
    pub parameters: BTreeMap<u8, Vec<u8>>,
    /// It answers each supervised order with session 0.
    pub session_zero: bool,
    /// The number by which its keypad events name slot 1.
    pub first_event_user: Option<u16>,
    /// It tells the old content of a slot for so many milliseconds after a change.
    pub settle_ms: u64,
    /// It says that it has schedules, and takes none.
    pub refuses_schedules: bool,
    /// A code that is put into a slot has no schedule, whatever the one before it had.
    pub set_drops_schedule: bool,
    /// A code that is taken out leaves its schedule behind, for the next one in its slot.
    pub leaves_schedules: bool,
    /// Its clock can't be set.
    pub clock_stands: bool,
    /// Its notifications say what happened in the old alarm fields only.
    pub alarm_events: bool,
}

impl Oddities {
    /// The time of `settle_ms`.
    pub fn settle(&self) -> Duration {
        Duration::from_millis(self.settle_ms)
    }
}
