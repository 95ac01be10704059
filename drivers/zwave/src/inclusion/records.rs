//! What is kept of the network: its keys, the nodes that were added here, what is awaited, and what was under way.

use std::collections::{BTreeMap, BTreeSet};

use keyway_lock::{Awaited, DeviceLabel, KeyClass, NetworkRecord, RecordKey, SecretBytes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::node::NodeId;
use crate::security::{NetworkKey, NetworkKeys, SecurityClass};

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
}

impl Member {
    pub(super) fn new(home_id: u32, node: NodeId, name: Option<String>, classes: &[SecurityClass]) -> Self {
        let classes = crate::security::key_classes(classes).into_iter().map(|class| class.name().to_owned()).collect();
        Self { home_id, node: node.get(), name, classes, leftover: None }
    }

    pub(super) fn classes(&self) -> BTreeSet<KeyClass> {
        self.classes.iter().filter_map(|name| KeyClass::of_name(name)).collect()
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

/// The network's keys as they were made here, and the record of them.
#[derive(Serialize, Deserialize)]
struct KeysRecord {
    s0: [u8; 16],
    s2_unauthenticated: [u8; 16],
    s2_authenticated: [u8; 16],
    s2_access_control: [u8; 16],
}

/// Keys that were made here before.
pub(super) fn read_keys(records: &[NetworkRecord]) -> Option<NetworkKeys> {
    let keys: KeysRecord = read(records, KEYS)?;
    let key = |bytes| Some(NetworkKey::new(bytes));
    Some(NetworkKeys {
        s0: key(keys.s0),
        s2_unauthenticated: key(keys.s2_unauthenticated),
        s2_authenticated: key(keys.s2_authenticated),
        s2_access_control: key(keys.s2_access_control),
    })
}

/// The record of keys of which none is missing.
pub(super) fn keys_record(keys: &NetworkKeys) -> NetworkRecord {
    let bytes = |key: &Option<NetworkKey>| key.as_ref().map_or([0; 16], |key| *key.expose());
    let keys = KeysRecord {
        s0: bytes(&keys.s0),
        s2_unauthenticated: bytes(&keys.s2_unauthenticated),
        s2_authenticated: bytes(&keys.s2_authenticated),
        s2_access_control: bytes(&keys.s2_access_control),
    };
    record(RecordKey(KEYS.to_owned()), Some(&keys))
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
        let keys = NetworkKeys {
            s0: Some(NetworkKey::new([0; 16])),
            s2_unauthenticated: Some(NetworkKey::new([1; 16])),
            s2_authenticated: Some(NetworkKey::new([2; 16])),
            s2_access_control: Some(NetworkKey::new([3; 16])),
        };
        let records = vec![
            member.record(node),
            awaited_record(std::slice::from_ref(&awaited)),
            UnderWay::record(Some(&under_way)),
            keys_record(&keys),
            NetworkRecord { key: RecordKey("member/x".to_owned()), value: None },
        ];
        let kept = Kept::read(&records);
        assert_eq!(kept.members, BTreeMap::from([((0xC0FF_EE01, node), member.clone())]));
        assert_eq!(member.classes(), BTreeSet::from([KeyClass::S2AccessControl]));
        assert_eq!((kept.awaited, kept.under_way), (vec![awaited], Some(under_way)));
        assert_eq!(read_keys(&records), Some(keys));
    }
}
