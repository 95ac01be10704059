//! What the building is made of: sticks, and locks of every kind.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use keyway::clock::ClockPolicy;
use keyway::config::{Config, ZwaveLock, ZwaveStick};
use keyway::radio::PortAddress;
use keyway_virtual::zwave::{CodesBy, LockSetup, StickSetup};
use keyway_zwave::node::NodeId;
use keyway_zwave::quirks::Quirks;
use keyway_zwave::security::{NetworkKey, NetworkKeys, SecurityClass};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

/// Locks on one stick, at most.
pub(crate) const DOORS_PER_STICK: usize = 25;
/// The node of a stick's first lock; the stick itself is 1.
const FIRST_NODE: u16 = 2;

/// The node of a door on its stick.
pub(crate) fn node(door: usize) -> NodeId {
    let number = FIRST_NODE + u16::try_from(door % DOORS_PER_STICK).expect("few");
    NodeId::new(number).expect("a node")
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

/// The sticks with their locks: of each lock, what it is made of comes from `random`.
pub(crate) fn sticks(doors: usize, random: &mut StdRng) -> Vec<StickSetup> {
    let all: Vec<usize> = (0..doors).collect();
    let stick = |(number, doors): (usize, &[usize])| StickSetup {
        home_id: 0xC0DE_0001 + u32::try_from(number).expect("few"),
        own: NodeId::FIRST,
        keys: keys(random),
        bridge: false,
        series: keyway_virtual::zwave::Series::default(),
        locks: doors.iter().map(|door| lock(*door, random)).collect(),
    };
    all.chunks(DOORS_PER_STICK).enumerate().map(stick).collect()
}

fn keys(random: &mut StdRng) -> NetworkKeys {
    NetworkKeys::each(|_| {
        let mut key = [0; 16];
        random.fill_bytes(&mut key);
        Some(NetworkKey::new(key))
    })
}

fn lock(door: usize, random: &mut StdRng) -> LockSetup {
    let security = [[SecurityClass::S2AccessControl], [SecurityClass::S2Authenticated], [SecurityClass::S0]];
    let security = &security[pick(random, &[8, 1, 1])];
    let mut lock = LockSetup::new(node(door), &name(door), security);
    lock.user_code_version = if random.random_bool(0.5) { 2 } else { 1 };
    lock.codes_by = [CodesBy::UserCode, CodesBy::UserCredential, CodesBy::Both][pick(random, &[7, 2, 1])];
    lock.masked = lock.codes_by == CodesBy::UserCode && random.random_bool(0.25);
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
pub(crate) fn config(data_dir: PathBuf, sticks: &[StickSetup]) -> Config {
    let zwave = sticks.iter().enumerate().map(|(number, stick)| ZwaveStick {
        name: stick_name(number),
        port: address(number),
        soft_reset: true,
        quirks: Quirks::built_in(),
        keys: stick.keys.clone(),
        locks: locks(stick),
    });
    Config {
        hub_name: "simulated".to_owned(),
        data_dir,
        clock: ClockPolicy::Proof,
        mqtt: None,
        homeassistant: None,
        backup: None,
        http: None,
        zwave: zwave.collect(),
        zigbee: Vec::new(),
        warnings: Vec::new(),
    }
}

fn locks(stick: &StickSetup) -> BTreeMap<NodeId, ZwaveLock> {
    let lock = |lock: &LockSetup| (lock.node, ZwaveLock { name: lock.name.clone(), security: lock.security.clone() });
    stick.locks.iter().map(lock).collect()
}
