//! What the building is made of: sticks, and locks of every kind.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use keyway::clock::ClockPolicy;
use keyway::config::{Config, ZigbeeStick, ZwaveLock, ZwaveStick};
use keyway::radio::PortAddress;
use keyway_virtual::{zigbee, zwave};
use keyway_zigbee::address::Ieee;
use keyway_zwave::node::NodeId;
use keyway_zwave::security::{NetworkKey, NetworkKeys, SecurityClass};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

use crate::stick::AnySetup;

/// Locks on one stick, at most.
pub(crate) const DOORS_PER_STICK: usize = 25;
/// The node of a stick's first lock; the stick itself is 1.
const FIRST_NODE: u16 = 2;

/// The number of a lock in its network.
pub(crate) fn number(lock: usize) -> u16 {
    FIRST_NODE + u16::try_from(lock).expect("few")
}

/// The same where that is Z-Wave.
pub(crate) fn node(lock: usize) -> NodeId {
    NodeId::new(number(lock)).expect("a node")
}

/// A door's name, by which it is found in the hub.
pub(crate) fn name(door: usize) -> String {
    format!("Door {door}")
}

/// A stick's name and port.
pub(crate) fn stick_name(stick: usize) -> String {
    format!("stick-{stick}")
}

fn address(stick: usize) -> PortAddress {
    PortAddress::Tcp { address: format!("{}:1", stick_name(stick)) }
}

/// The sticks with the doors of their locks: of each lock, what it is made of comes from `random`. Three of ten are Zigbee.
pub(crate) fn sticks(doors: usize, random: &mut StdRng) -> Vec<(AnySetup, Range<usize>)> {
    let all: Vec<usize> = (0..doors).collect();
    let (zwave, zigbee) = all.split_at(doors - doors * 3 / 10);
    let mut sticks = Vec::new();
    for doors in zwave.chunks(DOORS_PER_STICK) {
        sticks.push((AnySetup::Zwave(zwave_stick(sticks.len(), doors, random)), doors[0]..doors[0] + doors.len()));
    }
    for doors in zigbee.chunks(DOORS_PER_STICK) {
        sticks.push((AnySetup::Zigbee(zigbee_stick(sticks.len(), doors, random)), doors[0]..doors[0] + doors.len()));
    }
    sticks
}

fn zwave_stick(stick: usize, doors: &[usize], random: &mut StdRng) -> zwave::StickSetup {
    zwave::StickSetup {
        home_id: 0xC0DE_0001 + u32::try_from(stick).expect("few"),
        own: NodeId::FIRST,
        keys: keys(random),
        bridge: false,
        series: zwave::Series::default(),
        locks: doors.iter().enumerate().map(|(lock, door)| zwave_lock(lock, *door, random)).collect(),
    }
}

fn zigbee_stick(stick: usize, doors: &[usize], random: &mut StdRng) -> zigbee::StickSetup {
    zigbee::StickSetup {
        adapter: [zigbee::Adapter::Ezsp, zigbee::Adapter::Znp][random.random_range(0..2)],
        version: 13,
        ieee: Ieee(0x0012_4B00_1CAA_0000 + u64::try_from(stick).expect("few")),
        network: None,
        locks: doors.iter().enumerate().map(|(lock, door)| zigbee_lock(lock, *door, random)).collect(),
        memory: None,
    }
}

fn keys(random: &mut StdRng) -> NetworkKeys {
    NetworkKeys::each(|_| {
        let mut key = [0; 16];
        random.fill_bytes(&mut key);
        Some(NetworkKey::new(key))
    })
}

fn zwave_lock(lock: usize, door: usize, random: &mut StdRng) -> zwave::LockSetup {
    let security = [[SecurityClass::S2AccessControl], [SecurityClass::S2Authenticated], [SecurityClass::S0]];
    let security = &security[pick(random, &[8, 1, 1])];
    let mut lock = zwave::LockSetup::new(node(lock), &name(door), security);
    lock.user_code_version = if random.random_bool(0.5) { 2 } else { 1 };
    lock.codes_by =
        [zwave::CodesBy::UserCode, zwave::CodesBy::UserCredential, zwave::CodesBy::Both][pick(random, &[7, 2, 1])];
    lock.masked = lock.codes_by == zwave::CodesBy::UserCode && random.random_bool(0.4);
    lock.flirs = random.random_bool(0.9);
    lock.door.slots = [30, 8, 100][pick(random, &[7, 2, 1])];
    lock.door.refuse_duplicates = random.random_bool(0.7);
    lock.latency = Duration::from_millis(random.random_range(5..60));
    lock.motor = Duration::from_millis(random.random_range(200..1500));
    lock.programming_events = random.random_bool(0.8);
    lock.supervision = random.random_bool(0.8);
    lock.supervised_reports = lock.supervision && random.random_bool(0.8);
    lock.year_day_slots = if random.random_bool(0.2) { 1 } else { 0 };
    lock.log_size = if random.random_bool(0.5) { 20 } else { 0 };
    lock
}

fn zigbee_lock(lock: usize, door: usize, random: &mut StdRng) -> zigbee::LockSetup {
    let mut lock = zigbee::LockSetup::new(number(lock), &name(door));
    lock.ieee = Ieee(0x000D_6F00_0A0B_0C00 + u64::try_from(door).expect("few"));
    lock.joined = false;
    lock.poll = random.random_bool(0.8).then_some(Duration::from_millis(250));
    lock.door.slots = [30, 8, 100][pick(random, &[7, 2, 1])];
    lock.door.refuse_duplicates = random.random_bool(0.7);
    lock.shows = [zigbee::Shows::Digits, zigbee::Shows::Masked, zigbee::Shows::Nothing][pick(random, &[6, 3, 1])];
    lock.latency = Duration::from_millis(random.random_range(5..60));
    lock.motor = Duration::from_millis(random.random_range(200..1500));
    lock.programming_events = random.random_bool(0.8);
    lock.schedules = if random.random_bool(0.2) { 5 } else { 0 };
    lock
}

/// An index, each as often as its weight says.
pub(crate) fn pick(random: &mut StdRng, weights: &[u32]) -> usize {
    let mut left = random.random_range(0..weights.iter().sum());
    for (index, weight) in weights.iter().enumerate() {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return index,
        }
    }
    0
}

/// The hub's configuration for these sticks.
pub(crate) fn config(data_dir: PathBuf, sticks: &[AnySetup]) -> Config {
    let mut config = Config {
        hub_name: "simulated".to_owned(),
        data_dir,
        clock: ClockPolicy::Proof,
        mqtt: None,
        homeassistant: None,
        backup: None,
        http: None,
        zwave: Vec::new(),
        zigbee: Vec::new(),
        warnings: Vec::new(),
    };
    for (number, stick) in sticks.iter().enumerate() {
        let (name, port) = (stick_name(number), address(number));
        match stick {
            AnySetup::Zwave(stick) => config.zwave.push(ZwaveStick {
                name,
                port,
                soft_reset: true,
                quirks: keyway_zwave::quirks::Quirks::built_in(),
                keys: stick.keys.clone(),
                locks: locks(stick),
            }),
            AnySetup::Zigbee(_) => config.zigbee.push(ZigbeeStick {
                name,
                port,
                adapter: None,
                quirks: keyway_zigbee::quirks::Quirks::built_in(),
                install_codes_only: false,
            }),
        }
    }
    config
}

fn locks(stick: &zwave::StickSetup) -> BTreeMap<NodeId, ZwaveLock> {
    let lock =
        |lock: &zwave::LockSetup| (lock.node, ZwaveLock { name: lock.name.clone(), security: lock.security.clone() });
    stick.locks.iter().map(lock).collect()
}
