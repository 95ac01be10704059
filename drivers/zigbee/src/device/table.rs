//! What is known of a device, and how it is kept in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keyway_lock::{
    AutoLock, Capabilities, Keypad, KeypadMode, LockInfo, NetworkRecord, Pin, ReadBack, RecordKey, SecretBytes,
    Settings, SlotNumber,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::address::{Ieee, Nwk};
use crate::device::tunable;
use crate::quirks::{Quirk, Quirks};
use crate::transport::queue::Place;
use crate::zcl::door_lock::attribute;
use crate::zcl::{HOME_AUTOMATION, door_lock, identify, poll_control, power, time};
use crate::zdo::Capability;

/// Version of [`DeviceRecord`] in the store; a record of another version is asked for anew.
const RECORD_VERSION: u8 = 1;
/// Of a record's key; the address follows.
const KEY: &str = "device/";
/// Of a user's schedules all but one are cleared before it is used: of more than this many that is not worth the air.
const MOST_SCHEDULES: u8 = 20;
/// A parent keeps messages for a device that sleeps for so long (Zigbee R22: macTransactionPersistenceTime, 7.68 s).
const PARENT_KEEPS: Duration = Duration::from_millis(7680);

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its profile.
    pub profile: u16,
    /// What it is in that profile.
    pub device_type: u16,
    /// The clusters it has.
    pub input: BTreeSet<u16>,
    /// The clusters it uses.
    pub output: BTreeSet<u16>,
}

/// What a device's interview found. Kept in the store, so that it is not asked again at each start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    version: u8,
    /// The network it is in: its extended PAN id.
    pub network: u64,
    /// Its network address, as last heard.
    pub nwk: u16,
    /// What people call the door.
    pub name: Option<String>,
    /// How it listens, as flags; `None`: it did not say.
    pub capability: Option<u8>,
    /// Its maker, as the alliance numbers them.
    pub maker: Option<u16>,
    /// Its endpoints' numbers; `None`: not asked yet.
    pub endpoints: Option<BTreeSet<u8>>,
    /// What is on each of them.
    pub described: BTreeMap<u8, Endpoint>,
    /// Maker's name.
    pub manufacturer: Option<String>,
    /// Model's name.
    pub model: Option<String>,
    /// Firmware version.
    pub firmware: Option<String>,
    /// Attributes by cluster: those that were asked for, as numbers; `None`: it has no such attribute.
    pub attributes: BTreeMap<u16, BTreeMap<u16, Option<u64>>>,
    /// Clusters that tell us what they have to tell.
    pub bound: BTreeSet<u16>,
    /// Clusters whose reports are configured.
    pub reporting: BTreeSet<u16>,
    /// Its settings were seen to: it shows its codes and tells its events, as far as it can.
    pub set_up: bool,
    /// It hides its codes, as far as was seen.
    pub masked: Option<bool>,
    /// It does not know the question for a code.
    pub unreadable: bool,
    /// Whether it has a user of the number that it has of them: it counts from 1, or from 0. `None`: not known.
    #[serde(default)]
    pub has_last_user: Option<bool>,
    /// Whether a user's schedule stays when its code is replaced, as far as was seen.
    #[serde(default)]
    pub keeps_schedules: Option<bool>,
    /// Parts of the interview that brought no answer.
    pub missing: BTreeSet<String>,
    /// What is peculiar about its model: data of this release and its user, not kept.
    #[serde(skip)]
    pub quirk: Quirk,
}

impl DeviceRecord {
    /// Nothing known yet but where it is.
    pub fn new(network: Ieee, nwk: Nwk, name: Option<String>) -> Self {
        Self {
            version: RECORD_VERSION,
            network: network.0,
            nwk: nwk.0,
            name,
            capability: None,
            maker: None,
            endpoints: None,
            described: BTreeMap::new(),
            manufacturer: None,
            model: None,
            firmware: None,
            attributes: BTreeMap::new(),
            bound: BTreeSet::new(),
            reporting: BTreeSet::new(),
            set_up: false,
            masked: None,
            unreadable: false,
            has_last_user: None,
            keeps_schedules: None,
            missing: BTreeSet::new(),
            quirk: Quirk::default(),
        }
    }

    /// Nothing known any more but where and whose it is: for an interview that asks all over again.
    #[must_use]
    pub fn blank(&self) -> Self {
        let new = Self::new(Ieee(self.network), Nwk(self.nwk), self.name.clone());
        Self { capability: self.capability, masked: self.masked, ..new }
    }

    /// Reads a record of the store; `None` if it is no device's, of another version, or can't be read.
    pub fn from_record(record: &NetworkRecord) -> Option<(Ieee, Self)> {
        let device = record.key.0.strip_prefix(KEY)?.parse().ok()?;
        let read: Self = serde_json::from_slice(&record.value.as_ref()?.0).ok()?;
        (read.version == RECORD_VERSION).then_some((device, read))
    }

    /// The record for the store.
    pub fn to_record(&self, device: Ieee) -> NetworkRecord {
        // A struct of numbers, texts and maps with number keys: nothing in it can fail to be written.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        NetworkRecord { key: Self::key(device), value: Some(SecretBytes(Zeroizing::new(bytes))) }
    }

    /// Its name in the store.
    pub fn key(device: Ieee) -> RecordKey {
        RecordKey(format!("{KEY}{device}"))
    }

    /// Looks up what is peculiar about its model.
    pub fn look_up(&mut self, quirks: &Quirks) {
        let (manufacturer, model) = (self.manufacturer.as_deref(), self.model.as_deref());
        self.quirk = quirks.of(manufacturer.unwrap_or_default(), model.unwrap_or_default());
    }

    /// The endpoint that is a door lock.
    pub fn lock_endpoint(&self) -> Option<u8> {
        self.endpoint_of(door_lock::CLUSTER)
    }

    /// The endpoint that has a cluster: the lock's own rather than another.
    pub fn endpoint_of(&self, cluster: u16) -> Option<u8> {
        let has = |endpoint: &Endpoint| endpoint.profile == HOME_AUTOMATION && endpoint.input.contains(&cluster);
        let lock = |endpoint: &Endpoint| endpoint.input.contains(&door_lock::CLUSTER);
        let having = || self.described.iter().filter(|(_, endpoint)| has(endpoint));
        having().find(|(_, endpoint)| lock(endpoint)).or_else(|| having().next()).map(|(number, _)| *number)
    }

    /// Whether it is known what the device is.
    pub fn is_described(&self) -> bool {
        self.endpoints.as_ref().is_some_and(|all| all.iter().all(|number| self.described.contains_key(number)))
    }

    /// Whether it is known to be something else than a lock.
    pub fn is_no_lock(&self) -> bool {
        self.is_described() && self.lock_endpoint().is_none()
    }

    /// Whether it carries the frames of others.
    pub fn is_router(&self) -> bool {
        self.capability.is_some_and(|flags| Capability(flags).is_router())
    }

    /// What it said of an attribute; `None`: it was not asked, has none, or says that there is no value.
    pub fn attribute(&self, cluster: u16, id: u16) -> Option<u64> {
        self.attributes.get(&cluster)?.get(&id).copied().flatten()
    }

    /// Whether it was asked for an attribute.
    pub fn was_asked(&self, cluster: u16, id: u16) -> bool {
        self.attributes.get(&cluster).is_some_and(|known| known.contains_key(&id))
    }

    /// What it said of an attribute now.
    pub fn learn(&mut self, cluster: u16, id: u16, value: Option<u64>) {
        self.attributes.entry(cluster).or_default().insert(id, value);
    }

    fn lock(&self, id: u16) -> Option<u64> {
        self.attribute(door_lock::CLUSTER, id)
    }

    fn small(&self, id: u16) -> Option<u8> {
        self.lock(id)?.try_into().ok()
    }

    /// Whether enough is known to put codes into it.
    pub fn is_usable(&self) -> bool {
        self.lock_endpoint().is_some() && self.was_asked(door_lock::CLUSTER, attribute::PIN_USERS)
    }

    /// Whether its interview has brought everything.
    pub fn is_complete(&self) -> bool {
        self.is_usable() && self.missing.is_empty() && self.set_up
    }

    /// Whether it hides its codes, as far as is known.
    pub fn hides_codes(&self) -> Option<bool> {
        self.masked.or(self.quirk.masked)
    }

    /// Whether nothing can be asked of a single code.
    pub fn is_unreadable(&self) -> bool {
        self.unreadable || self.quirk.unreadable
    }

    /// Whether a command to its bolt must bring a PIN.
    pub fn wants_pin(&self) -> bool {
        self.lock(attribute::REQUIRE_PIN) == Some(1)
    }

    /// Whether it says where the door is.
    pub fn has_door_sensor(&self) -> bool {
        self.lock(attribute::DOOR_STATE).is_some()
    }

    /// Whether it says how its battery is.
    pub fn has_battery(&self) -> bool {
        self.attribute(power::CLUSTER, power::BATTERY_PERCENTAGE).is_some()
    }

    /// So many year day schedules a user of it can have.
    pub fn year_day_schedules(&self) -> u8 {
        self.small(attribute::YEAR_DAY_SCHEDULES).unwrap_or(0)
    }

    /// Whether its codes can have schedules of ours: its clock must show what time it takes it to be.
    pub fn has_schedules(&self) -> bool {
        self.year_day_schedules() > 0 && self.endpoint_of(time::CLUSTER).is_some()
    }

    /// Whether it keeps a code to a window, as far as is known. Where a code can't be replaced by another, or a user not be
    /// looked at, none can be proven.
    fn keeps_windows(&self) -> bool {
        let able = self.keeps_schedules != Some(false) && !self.quirk.clear_first && !self.is_unreadable();
        able && self.has_schedules() && self.year_day_schedules() <= MOST_SCHEDULES
    }

    /// So many records it writes down of who used it.
    pub fn log_size(&self) -> u16 {
        self.lock(attribute::LOG_RECORDS).and_then(|records| records.try_into().ok()).unwrap_or(0)
    }

    /// After how many seconds it locks by itself; 0: it does not.
    pub fn auto_relock(&self) -> Option<u16> {
        self.lock(attribute::AUTO_RELOCK_TIME).map(|seconds| seconds.try_into().unwrap_or(u16::MAX))
    }

    /// Whom its keypad lets in, if it can be told. Of the modes, those are set that a lock does not have (ZCL 7.3.2.13.7).
    pub fn keypad(&self) -> Option<Keypad> {
        let mode = attribute::mode_of(self.lock(attribute::OPERATING_MODE)?)?;
        let lacks = self.lock(attribute::SUPPORTED_OPERATING_MODES)?;
        let has = |mode: &KeypadMode| attribute::mode_number(*mode).is_some_and(|number| lacks >> number & 1 == 0);
        let modes: BTreeSet<KeypadMode> = KeypadMode::ALL.into_iter().filter(has).collect();
        (modes.len() > 1).then_some(Keypad { mode, modes })
    }

    /// Whether it fetches its frames from its parent; that is believed of a device that did not say.
    pub fn is_sleepy(&self) -> bool {
        self.capability.is_none_or(|flags| Capability(flags).is_sleepy())
    }

    /// Where it is and how it is to be spoken to.
    pub fn place(&self) -> Place {
        let quarters =
            |id| self.attribute(poll_control::CLUSTER, id).map(|quarters| Duration::from_millis(quarters * 250));
        let deep = quarters(poll_control::LONG_POLL_INTERVAL).is_some_and(|long_poll| long_poll > PARENT_KEEPS);
        let check_in = quarters(poll_control::CHECK_IN_INTERVAL).filter(|interval| !interval.is_zero());
        let comes_in = check_in.filter(|_| deep && self.is_sleepy() && self.bound.contains(&poll_control::CLUSTER));
        Place { nwk: Nwk(self.nwk), is_sleepy: self.is_sleepy(), comes_in, patience: self.quirk.patience }
    }

    /// The user by which it shows from where on it counts: the one of the number that it has of them. `None`: that is known.
    pub fn last_user(&self) -> Option<SlotNumber> {
        let known = self.has_last_user.is_some() || self.quirk.slots.is_some() || self.quirk.first_slot == Some(0);
        let users = self.lock(attribute::PIN_USERS).filter(|users| *users > 0 && !known)?;
        users.try_into().ok().map(SlotNumber)
    }

    /// The first of its slots, and how many there are. Some locks count from 0 and some from 1, whatever is known of their
    /// model: only those are used that it has in both ways, or the last one too if the lock said that it has it.
    fn slots(&self) -> (SlotNumber, u16) {
        let told = self.lock(attribute::PIN_USERS).and_then(|users| users.try_into().ok()).unwrap_or(0);
        let one_less = match self.quirk.first_slot {
            Some(0) => false,
            Some(_) => self.quirk.slots.is_none() && self.has_last_user == Some(false),
            None => self.has_last_user != Some(true),
        };
        let count = self.quirk.slots.unwrap_or(told).saturating_sub(one_less.into());
        (SlotNumber(self.quirk.first_slot.unwrap_or(1)), count)
    }

    fn code_lengths(&self) -> (u8, u8) {
        let bounds = |length: u8| usize::from(length).clamp(Pin::MIN_LEN, Pin::MAX_LEN);
        let told = self.small(attribute::MIN_PIN_LENGTH).zip(self.small(attribute::MAX_PIN_LENGTH));
        // Some have the two in each other's place.
        let told = told.filter(|(_, most)| *most > 0).map(|(a, b)| (a.min(b), a.max(b)));
        let (least, most) = self.quirk.code_lengths.or(told).unwrap_or((4, 8));
        let small = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
        (small(bounds(least)), small(bounds(most)))
    }

    /// What the hub is told.
    pub fn lock_info(&self) -> LockInfo {
        let (first_slot, slot_count) = self.slots();
        let (min_code_length, max_code_length) = self.code_lengths();
        let moves = self.lock_endpoint().is_some() && self.lock(attribute::ACTUATOR_ENABLED) != Some(0);
        let maker = || self.maker.map_or_else(String::new, |maker| format!("{maker:04x}"));
        LockInfo {
            manufacturer: self.manufacturer.clone().unwrap_or_else(maker),
            model: self.model.clone().unwrap_or_default(),
            firmware: self.firmware.clone().unwrap_or_default(),
            // Its address is told from all others for life.
            serial_number: None,
            capabilities: Capabilities {
                slot_count,
                first_slot,
                min_code_length,
                max_code_length,
                digits: "0123456789".to_owned(),
                reserved_slots: self.quirk.reserved_slots.clone(),
                alike: self.quirk.alike.clone(),
                read_back: match self.hides_codes() {
                    _ if self.is_unreadable() => ReadBack::Masked,
                    None => ReadBack::Unknown,
                    Some(false) => ReadBack::Shown,
                    Some(true) => ReadBack::Masked,
                },
                has_checksum: false,
                changes_at_once: 0,
                window_slots: if self.keeps_windows() { slot_count } else { 0 },
                can_lock: moves,
                can_unlock: moves,
                has_door_sensor: self.has_door_sensor(),
                has_battery: self.has_battery(),
                can_identify: self.endpoint_of(identify::CLUSTER).is_some(),
            },
            auto_lock: self.auto_relock().map(AutoLock::from_seconds),
            settings: Box::new(Settings {
                keypad: self.keypad(),
                keeps_log: self.log_size() > 0,
                parameters: tunable::parameters(self),
                ..Settings::default()
            }),
            missing: self.missing.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(manufacturer: &str, attributes: &[(u16, u64)]) -> DeviceRecord {
        let input = [0x0000, 0x0001, 0x0003, 0x0101].into();
        let endpoint = Endpoint { profile: HOME_AUTOMATION, device_type: 10, input, output: BTreeSet::new() };
        let mut record = DeviceRecord {
            endpoints: Some([1].into()),
            described: [(1, endpoint)].into(),
            manufacturer: Some(manufacturer.to_owned()),
            ..DeviceRecord::new(Ieee(7), Nwk(0x1001), None)
        };
        attributes.iter().for_each(|(id, value)| record.learn(door_lock::CLUSTER, *id, Some(*value)));
        record.look_up(&Quirks::built_in());
        record
    }

    #[test]
    fn a_record_survives_the_store() {
        let record = lock("Nobody", &[(attribute::PIN_USERS, 30)]);
        let kept = record.to_record(Ieee(0x000D_6F00_0A0B_0C01));
        assert_eq!(kept.key.0, "device/00:0d:6f:00:0a:0b:0c:01");
        assert_eq!(DeviceRecord::from_record(&kept), Some((Ieee(0x000D_6F00_0A0B_0C01), record)));
        let other = NetworkRecord { key: RecordKey("network".to_owned()), ..kept };
        assert_eq!(DeviceRecord::from_record(&other), None);
    }

    #[test]
    fn of_a_lock_that_is_not_known_only_the_slots_are_used_that_it_has_however_it_counts() {
        let slots = |maker| {
            let capabilities = lock(maker, &[(attribute::PIN_USERS, 30)]).lock_info().capabilities;
            (capabilities.first_slot.0, capabilities.slot_count)
        };
        assert_eq!((slots("Nobody"), slots("Yale"), slots("Kwikset")), ((1, 29), (1, 30), (0, 30)));
    }

    #[test]
    fn a_lock_shows_by_its_last_user_from_where_on_it_counts_whatever_is_known_of_its_model() {
        let slots = |maker, has_last_user| {
            let mut record = lock(maker, &[(attribute::PIN_USERS, 30)]);
            assert_eq!(record.last_user(), (maker != "Kwikset").then_some(SlotNumber(30)));
            record.has_last_user = Some(has_last_user);
            let capabilities = record.lock_info().capabilities;
            (record.last_user(), capabilities.first_slot.0, capabilities.slot_count)
        };
        assert_eq!([slots("Nobody", true), slots("Yale", true)], [(None, 1, 30); 2]);
        assert_eq!([slots("Nobody", false), slots("Yale", false)], [(None, 1, 29); 2]);
        assert_eq!(slots("Kwikset", true), (None, 0, 30));
    }

    #[test]
    fn lengths_are_what_any_pin_can_have_and_the_least_is_not_more_than_the_most() {
        let lengths = |min, max| {
            let told = [(attribute::MIN_PIN_LENGTH, min), (attribute::MAX_PIN_LENGTH, max)];
            let capabilities = lock("Nobody", &told).lock_info().capabilities;
            (capabilities.min_code_length, capabilities.max_code_length)
        };
        assert_eq!((lengths(4, 11), lengths(8, 6), lengths(0, 0)), ((4, 10), (6, 8), (4, 8)));
    }

    #[test]
    fn a_lock_that_sleeps_longer_than_its_parent_keeps_messages_is_spoken_to_when_it_comes_in() {
        let mut record = lock("Nobody", &[]);
        record.learn(poll_control::CLUSTER, poll_control::CHECK_IN_INTERVAL, Some(14_400));
        record.learn(poll_control::CLUSTER, poll_control::LONG_POLL_INTERVAL, Some(20));
        record.bound.insert(poll_control::CLUSTER);
        assert_eq!(record.place().comes_in, None);
        record.learn(poll_control::CLUSTER, poll_control::LONG_POLL_INTERVAL, Some(1200));
        assert_eq!(record.place().comes_in, Some(Duration::from_secs(3600)));
    }
}
