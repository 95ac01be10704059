//! What is kept of the network: its keys, the nodes that were added here, what is awaited, and what was under way.

use std::collections::{BTreeMap, BTreeSet};

use keyway_lock::{Awaited, DeviceLabel, Joined, KeyClass, NetworkRecord, RecordKey, SecretBytes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::node::NodeId;
use crate::security::{KeyName, NetworkKey, NetworkKeys, SecurityClass};

const KEYS: &str = "keys";
const AWAITED: &str = "awaited";
const UNDER_WAY: &str = "under_way";
const MEMBER: &str = "member/";

/// A node that was added here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) home_id: u32,
    pub(super) node: u16,
    /// What people call the door.
    pub(super) name: Option<String>,
    /// Names of the classes it was granted.
    pub(super) classes: Vec<String>,
    /// It was never finished adding, for this reason.
    pub(super) leftover: Option<String>,
    /// What its label shows, where it has proven it; earlier releases did not keep it.
    #[serde(default)]
    pub(super) label: Option<String>,
}

impl Member {
    pub(super) fn new(home_id: u32, node: NodeId, name: Option<String>, classes: &[SecurityClass]) -> Self {
        let classes = crate::security::key_classes(classes).into_iter().map(|class| class.name().to_owned()).collect();
        Self { home_id, node: node.get(), name, classes, leftover: None, label: None }
    }

    pub(super) fn classes(&self) -> BTreeSet<KeyClass> {
        self.classes.iter().filter_map(|name| KeyClass::of_name(name)).collect()
    }

    /// What the hub is told of it.
    pub(super) fn joined(&self) -> Joined {
        Joined { name: self.name.clone(), classes: self.classes(), label: self.label.clone() }
    }

    pub(super) fn key(home_id: u32, node: NodeId) -> RecordKey {
        RecordKey(format!("{MEMBER}{home_id:08x}/{node}"))
    }

    pub(super) fn record(&self, node: NodeId) -> NetworkRecord {
        record(Self::key(self.home_id, node), Some(self))
    }
}

/// An adding that was begun. Should it never be ended, what it left is found by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnderWay {
    pub(super) home_id: u32,
    /// The nodes of the network before.
    pub(super) before: BTreeSet<u16>,
    pub(super) name: Option<String>,
    /// What the new node was granted, once that was decided.
    pub(super) classes: Vec<String>,
}

impl UnderWay {
    pub(super) fn record(of: Option<&Self>) -> NetworkRecord {
        record(RecordKey(UNDER_WAY.to_owned()), of)
    }
}

#[derive(Serialize, Deserialize)]
struct AwaitedRecord {
    label: [u8; 16],
    name: Option<String>,
    classes: Vec<String>,
}

/// The record of what is awaited.
pub(super) fn awaited_record(awaited: &[Awaited]) -> NetworkRecord {
    let list: Vec<AwaitedRecord> = awaited
        .iter()
        .map(|awaited| AwaitedRecord {
            label: *awaited.label.expose(),
            name: awaited.name.clone(),
            classes: awaited.classes.iter().map(|class| class.name().to_owned()).collect(),
        })
        .collect();
    record(RecordKey(AWAITED.to_owned()), Some(&list))
}

/// The network's keys as they were made here or taken over, and the record of them.
#[derive(Serialize, Deserialize)]
struct KeysRecord {
    s0: [u8; 16],
    s2_unauthenticated: [u8; 16],
    s2_authenticated: [u8; 16],
    s2_access_control: [u8; 16],
    /// Earlier releases had none for Long Range.
    long_range_s2_authenticated: Option<[u8; 16]>,
    long_range_s2_access_control: Option<[u8; 16]>,
    /// The names of those that were taken over.
    #[serde(default)]
    taken: BTreeSet<String>,
}

/// Keys that are kept, and the names of those among them that another program made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeptKeys {
    pub(super) keys: NetworkKeys,
    pub(super) taken: BTreeSet<KeyName>,
}

impl KeptKeys {
    /// Those of the store; none are there at the first start.
    pub(super) fn read(records: &[NetworkRecord]) -> Self {
        let Some(kept) = read::<KeysRecord>(records, KEYS) else { return Self::default() };
        let key = |bytes| Some(NetworkKey::new(bytes));
        let keys = NetworkKeys {
            s0: key(kept.s0),
            s2_unauthenticated: key(kept.s2_unauthenticated),
            s2_authenticated: key(kept.s2_authenticated),
            s2_access_control: key(kept.s2_access_control),
            long_range_s2_authenticated: kept.long_range_s2_authenticated.and_then(key),
            long_range_s2_access_control: kept.long_range_s2_access_control.and_then(key),
        };
        let taken = KeyName::ALL.into_iter().filter(|name| kept.taken.contains(name.name())).collect();
        Self { keys, taken }
    }

    /// The record of keys of which none is missing.
    pub(super) fn record(&self) -> NetworkRecord {
        let bytes = |name| self.keys.named(name).map(|key| *key.expose());
        let keys = KeysRecord {
            s0: bytes(KeyName::S0).unwrap_or_default(),
            s2_unauthenticated: bytes(KeyName::S2Unauthenticated).unwrap_or_default(),
            s2_authenticated: bytes(KeyName::S2Authenticated).unwrap_or_default(),
            s2_access_control: bytes(KeyName::S2AccessControl).unwrap_or_default(),
            long_range_s2_authenticated: bytes(KeyName::LongRangeS2Authenticated),
            long_range_s2_access_control: bytes(KeyName::LongRangeS2AccessControl),
            taken: self.taken.iter().map(|name| name.name().to_owned()).collect(),
        };
        record(RecordKey(KEYS.to_owned()), Some(&keys))
    }
}

/// What was kept, but for the keys.
pub(super) struct Kept {
    pub(super) members: BTreeMap<(u32, NodeId), Member>,
    pub(super) awaited: Vec<Awaited>,
    pub(super) under_way: Option<UnderWay>,
}

impl Kept {
    /// What can't be read is left out.
    pub(super) fn read(records: &[NetworkRecord]) -> Self {
        let member = |record: &NetworkRecord| {
            let member: Member = record.key.0.starts_with(MEMBER).then(|| decode(record))??;
            Some(((member.home_id, NodeId::new(member.node)?), member))
        };
        let awaited: Vec<AwaitedRecord> = read(records, AWAITED).unwrap_or_default();
        let awaited = awaited.into_iter().map(|record| Awaited {
            label: DeviceLabel::new(record.label),
            name: record.name,
            classes: record.classes.iter().filter_map(|name| KeyClass::of_name(name)).collect(),
        });
        Self {
            members: records.iter().filter_map(member).collect(),
            awaited: awaited.collect(),
            under_way: read(records, UNDER_WAY),
        }
    }
}

fn record<T: Serialize>(key: RecordKey, value: Option<&T>) -> NetworkRecord {
    // Numbers, texts and lists: nothing in it can fail to be written.
    let bytes = |value| SecretBytes(Zeroizing::new(serde_json::to_vec(value).unwrap_or_default()));
    NetworkRecord { key, value: value.map(bytes) }
}

fn read<T: DeserializeOwned>(records: &[NetworkRecord], key: &str) -> Option<T> {
    decode(records.iter().find(|record| record.key.0 == key)?)
}

fn decode<T: DeserializeOwned>(record: &NetworkRecord) -> Option<T> {
    serde_json::from_slice(&record.value.as_ref()?.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read_back_as_it_was_kept() {
        let node = NodeId::new(7).unwrap();
        let member = Member::new(0xC0FF_EE01, node, Some("Shed".to_owned()), &[SecurityClass::S2AccessControl]);
        let awaited = Awaited {
            label: DeviceLabel::new([5; 16]),
            name: None,
            classes: BTreeSet::from([KeyClass::S2AccessControl, KeyClass::S2Authenticated]),
        };
        let under_way = UnderWay { home_id: 1, before: BTreeSet::from([1, 2]), name: None, classes: Vec::new() };
        let mut last = 0;
        let each = NetworkKeys::each(|_| {
            last += 1;
            Some(NetworkKey::new([last; 16]))
        });
        let keys = KeptKeys { keys: each, taken: BTreeSet::from([KeyName::S2AccessControl]) };
        let records = vec![
            member.record(node),
            awaited_record(std::slice::from_ref(&awaited)),
            UnderWay::record(Some(&under_way)),
            keys.record(),
            NetworkRecord { key: RecordKey("member/x".to_owned()), value: None },
        ];
        let kept = Kept::read(&records);
        assert_eq!(kept.members, BTreeMap::from([((0xC0FF_EE01, node), member.clone())]));
        assert_eq!(member.classes(), BTreeSet::from([KeyClass::S2AccessControl]));
        assert_eq!((kept.awaited, kept.under_way), (vec![awaited], Some(under_way)));
        assert_eq!(KeptKeys::read(&records), keys);
    }
}
