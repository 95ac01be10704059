//! What a node is: protocol info as the stick remembers it, and the node information frame the node sends itself.

use std::collections::BTreeSet;

use keyway_lock::wire::{Reader, WireError};

/// Ends the supported classes in a node information frame; what follows is controlled, not supported (COMMAND_CLASS_MARK).
const MARK: u8 = 0xEF;

/// How a node listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Listening {
    /// Always.
    Always,
    /// Frequently: woken by a beam within a second (FLiRS).
    Frequently,
    /// Only when it wakes by itself.
    Sleeping,
}

/// What the stick remembers of a node (host API, GetNodeProtocolInfo).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtocolInfo {
    /// How it listens.
    pub listening: Listening,
    /// Generic device class; 0x40 is an entry control such as a lock. 0: the stick knows no such node.
    pub generic_class: u8,
}

impl ProtocolInfo {
    /// Reads the response.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(payload);
        let capability = reader.u8("capability")?;
        let security = reader.u8("security")?;
        reader.bytes("reserved and basic class", 2)?;
        let generic_class = reader.u8("generic class")?;
        let listening = match (capability & 0x80 != 0, security & 0x60 != 0) {
            (true, _) => Listening::Always,
            (false, true) => Listening::Frequently,
            (false, false) => Listening::Sleeping,
        };
        Ok(Self { listening, generic_class })
    }
}

/// A node information frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInformation {
    /// Generic device class.
    pub generic_class: u8,
    /// Command classes the node supports without security.
    pub supported: BTreeSet<u8>,
}

impl NodeInformation {
    /// Reads from the basic device class on.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        reader.u8("basic class")?;
        let generic_class = reader.u8("generic class")?;
        reader.u8("specific class")?;
        Ok(Self { generic_class, supported: supported_classes(reader.rest()) })
    }
}

/// The supported classes of a list as node information frames and secure "commands supported" reports have it: up to
/// the mark, and without the extended (two-byte) classes, none of which is spoken here.
pub fn supported_classes(list: &[u8]) -> BTreeSet<u8> {
    let mut classes = BTreeSet::new();
    let mut bytes = list.iter().copied().take_while(|class| *class != MARK);
    while let Some(class) = bytes.next() {
        if class >= 0xF1 {
            bytes.next();
        } else {
            classes.insert(class);
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flirs_lock_is_told_from_a_mains_powered_and_a_sleeping_one() {
        let listening = |bytes: [u8; 6]| ProtocolInfo::decode(&bytes).unwrap().listening;
        assert_eq!(listening([0xD3, 0x16, 0x01, 0x04, 0x40, 0x03]), Listening::Always);
        assert_eq!(listening([0x53, 0x56, 0x01, 0x04, 0x40, 0x03]), Listening::Frequently);
        assert_eq!(listening([0x53, 0x16, 0x01, 0x04, 0x40, 0x03]), Listening::Sleeping);
    }

    #[test]
    fn controlled_and_extended_classes_are_not_taken_for_supported() {
        let classes = supported_classes(&[0x62, 0xF1, 0x63, 0x80, MARK, 0x20]);
        assert_eq!(classes, BTreeSet::from([0x62, 0x80]));
    }
}
