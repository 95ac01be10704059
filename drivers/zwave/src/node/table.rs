//! What is known of each node, and how it is kept in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keyway_lock::{NetworkRecord, RecordKey, SecretBytes};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::NodeId;
use super::info::Listening;
use super::settings::SettingFacts;
use crate::cc;
use crate::quirks::{Quirk, Quirks};
use crate::security::SecurityClass;
use crate::transport::supervision;
use crate::transport::waking::Sleep;

/// Version of [`NodeRecord`] in the store; a record of another version is asked for anew.
const RECORD_VERSION: u8 = 1;

/// What a lock with User Credential said of its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// Users that can be guests; 0: it knows none that open with one credential.
    pub guests: u16,
    /// Longest name of a user, in bytes.
    pub name_length: u8,
    /// How a name is written: [`crate::cc::user_credential::NameEncoding`] as a number.
    pub name_encoding: u8,
}

/// What a lock with User Credential said of its PINs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinFacts {
    /// Slots for them; 0: it knows none.
    pub slots: u16,
    /// Fewest digits.
    pub min_length: u8,
    /// Most digits.
    pub max_length: u8,
    /// It tells a checksum over them.
    pub checksum: bool,
}

/// What a node's interview found. Kept in the store, so that it is not asked again at each start; what an earlier release
/// did not ask is not known in its records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeRecord {
    pub(super) version: u8,
    /// The classes it was granted when it was asked; another list means another inclusion.
    pub(super) granted: Vec<u8>,
    /// How it listens; `None`: the stick did not say.
    pub listening: Option<Listening>,
    /// Command classes it supports in the clear.
    pub clear: BTreeSet<u8>,
    /// Command classes it supports under its highest security class.
    pub secure: BTreeSet<u8>,
    /// Versions of the command classes spoken here.
    pub versions: BTreeMap<u8, u8>,
    /// Manufacturer, product type and product.
    pub product: Option<(u16, u16, u16)>,
    /// Its serial number; empty: it has none to tell.
    pub serial_number: Option<String>,
    /// Firmware version and sub-version.
    pub firmware: Option<(u8, u8)>,
    /// Z-Wave Plus role type (7: listens frequently, as battery locks do).
    pub role_type: Option<u8>,
    /// Code slots.
    pub users: Option<u16>,
    /// The keypad's digits.
    pub digits: Option<String>,
    /// It has a door sensor, if it says.
    pub door_sensor: Option<bool>,
    /// It can lock by itself after a while, if it says.
    pub has_auto_relock: Option<bool>,
    /// After so many seconds it locks by itself; 0: it does not.
    pub auto_relock: Option<u16>,
    /// How it is set otherwise.
    #[serde(default)]
    pub settings: SettingFacts,
    /// It can show which one it is, if it says.
    pub identifies: Option<bool>,
    /// It reports to this controller.
    pub lifeline: bool,
    /// Seconds between two wake-ups, of one that no beam wakes and that tells this controller of them.
    pub wake_up_seconds: Option<u32>,
    /// The intervals it takes: shortest, longest, and the step between two, in seconds.
    pub wake_up_limits: Option<(u32, u32, u32)>,
    /// It hides its codes, as far as was seen.
    pub masked: Option<bool>,
    /// It tells a checksum over its codes, if it says so.
    pub checksum: Option<bool>,
    /// It takes several codes in one command, if it says so.
    pub multiple_set: Option<bool>,
    /// It tells several codes in one report, if it says so.
    pub multiple_report: Option<bool>,
    /// Digits that every code has, if it is so and it says.
    pub code_length: Option<u8>,
    /// Users and PINs, of a lock with User Credential.
    pub credential_users: Option<UserFacts>,
    /// See above.
    pub credential_pins: Option<PinFacts>,
    /// Windows that each user can have (Schedule Entry Lock).
    pub year_day_slots: Option<u8>,
    /// It keeps a user's window when the code is replaced, as far as was tried.
    pub keeps_schedules: Option<bool>,
    /// Parts of the interview that brought no answer.
    pub missing: BTreeSet<String>,
    /// What is peculiar about its model: data of this release and its user, not kept.
    #[serde(skip)]
    pub quirk: Quirk,
}

impl NodeRecord {
    /// Nothing known yet.
    pub fn new(granted: &[SecurityClass]) -> Self {
        let granted = granted.iter().map(|class| *class as u8).collect();
        Self { version: RECORD_VERSION, granted, ..Self::default() }
    }

    /// Reads a record of the store; `None` if it is of another version, of another inclusion, or can't be read.
    pub fn from_record(value: &SecretBytes, granted: &[SecurityClass]) -> Option<Self> {
        let record: Self = serde_json::from_slice(&value.0).ok()?;
        let same = record.granted.iter().copied().eq(granted.iter().map(|class| *class as u8));
        (record.version == RECORD_VERSION && same).then_some(record)
    }

    /// Looks up what is peculiar about its model.
    pub fn look_up(&mut self, quirks: &Quirks) {
        self.quirk = quirks.of(self.product, self.firmware);
    }

    fn is_asked_for_credentials(&self) -> bool {
        let asked = self.credential_users.is_some() && self.credential_pins.is_some();
        asked || !self.supports(cc::user_credential::CLASS)
    }

    /// Whether its codes are PINs of users (User Credential), which goes before User Code where it has both.
    pub fn speaks_credentials(&self) -> bool {
        self.credential_slots() > 0
    }

    /// The slots of which each has a user of its own.
    pub(super) fn credential_slots(&self) -> u16 {
        let slots = self.credential_users.zip(self.credential_pins).map(|(users, pins)| users.guests.min(pins.slots));
        slots.unwrap_or(0)
    }

    /// Whether its codes can have schedules.
    pub fn has_schedules(&self) -> bool {
        let able = self.supports(cc::schedule_entry_lock::CLASS) && self.year_day_slots.is_some_and(|slots| slots > 0);
        able && !self.speaks_credentials()
    }

    /// How it sleeps, if no beam wakes it.
    pub fn sleep(&self, farewell: Option<SecurityClass>, goes_on: bool) -> Option<Sleep> {
        let interval = self.wake_up_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let farewell = self.supports(cc::wake_up::CLASS).then_some(farewell);
        (self.listening == Some(Listening::Sleeping)).then_some(Sleep { interval, farewell, goes_on })
    }

    /// Whether it has a clock that can be set.
    pub fn takes_time(&self) -> bool {
        self.supports(cc::time_parameters::CLASS) || self.supports(cc::clock::CLASS)
    }

    /// Whether a command is sent under Supervision.
    pub fn is_supervised(&self) -> bool {
        self.supports(supervision::CLASS) && self.quirk.supervision != Some(false)
    }

    /// Whether it hides its codes, as far as is known.
    pub fn hides_codes(&self) -> Option<bool> {
        self.masked.or(self.quirk.masked)
    }

    /// The record for the store, under [`NodeRecord::key`] or [`NodeRecord::draft_key`].
    pub fn to_record(&self, key: RecordKey) -> NetworkRecord {
        // A struct of numbers, texts and maps with number keys: nothing in it can fail to be written.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        NetworkRecord { key, value: Some(SecretBytes(Zeroizing::new(bytes))) }
    }

    /// Its name in the store.
    pub fn key(node: NodeId) -> RecordKey {
        RecordKey(format!("node/{node}"))
    }

    /// The name in the store of what an interview has found that has not ended.
    pub fn draft_key(node: NodeId) -> RecordKey {
        RecordKey(format!("node/{node}/interview"))
    }

    /// Whether enough is known to put codes into it: what it supports, and how many slots it has. What a secured lock
    /// has in the clear is of no importance for that.
    pub fn is_usable(&self) -> bool {
        let slots = self.users.is_some() || self.speaks_credentials() || !self.supports(cc::user_code::CLASS);
        let slots = slots && self.is_asked_for_credentials();
        let classes = if self.granted.is_empty() { &self.clear } else { &self.secure };
        !classes.is_empty() && slots
    }

    /// Whether it has a command class, in the clear or under security.
    pub fn supports(&self, class: u8) -> bool {
        self.secure.contains(&class) || self.clear.contains(&class)
    }

    /// Version of a command class; 1 unless it said more.
    pub fn version_of(&self, class: u8) -> u8 {
        self.versions.get(&class).copied().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_store_and_another_inclusion_makes_it_void() {
        let granted = [SecurityClass::S2AccessControl];
        let record = NodeRecord {
            users: Some(30),
            versions: BTreeMap::from([(0x63, 2)]),
            secure: BTreeSet::from([0x63]),
            listening: Some(Listening::Frequently),
            ..NodeRecord::new(&granted)
        };
        let node = NodeId::new(5).unwrap();
        let kept = record.to_record(NodeRecord::key(node));
        assert_eq!(kept.key, RecordKey("node/5".to_owned()));
        let value = kept.value.unwrap();
        assert_eq!(NodeRecord::from_record(&value, &granted), Some(record));
        assert_eq!(NodeRecord::from_record(&value, &[SecurityClass::S0]), None);
        assert_eq!(NodeRecord::from_record(&SecretBytes(Zeroizing::new(b"{}".to_vec())), &granted), None);
    }
}
