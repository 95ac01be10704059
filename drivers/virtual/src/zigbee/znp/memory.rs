//! The stick's non-volatile memory: items by number, tables of items, and what stands in them before a host writes anything,
//! with the sizes and bytes of a CC2652 of today (zigpy-znp keeps images of some).

use std::collections::BTreeMap;

use keyway_zigbee::address::Ieee;
use serde::{Deserialize, Serialize};

use super::super::setup::SetupError;

/// Numbers of the items that the firmware itself looks at.
pub(super) mod id {
    pub(in super::super) const EXTADDR: u16 = 0x0001;
    pub(in super::super) const STARTUP_OPTION: u16 = 0x0003;
    pub(in super::super) const NIB: u16 = 0x0021;
    pub(in super::super) const EXTENDED_PAN_ID: u16 = 0x002D;
    pub(in super::super) const CONCENTRATOR_ENABLE: u16 = 0x0032;
    pub(in super::super) const NWK_ACTIVE_KEY_INFO: u16 = 0x003A;
    pub(in super::super) const NWK_ALTERN_KEY_INFO: u16 = 0x003B;
    pub(in super::super) const APS_USE_EXT_PANID: u16 = 0x0047;
    pub(in super::super) const APS_LINK_KEY_TABLE: u16 = 0x004C;
    pub(in super::super) const BDB_NODE_IS_ON_A_NETWORK: u16 = 0x0055;
    pub(in super::super) const PRECFGKEY: u16 = 0x0062;
    pub(in super::super) const NWKKEY: u16 = 0x0082;
    pub(in super::super) const PANID: u16 = 0x0083;
    pub(in super::super) const CHANLIST: u16 = 0x0084;
    pub(in super::super) const LOGICAL_TYPE: u16 = 0x0087;
    pub(in super::super) const ZDO_DIRECT_CB: u16 = 0x008F;
    pub(in super::super) const TCLK_SEED: u16 = 0x0101;
}

/// Tables, whose lines are items of their own; the number 0 is that of the items above.
pub(super) mod table {
    pub(in super::super) const ITEMS: u16 = 0x0000;
    pub(in super::super) const ADDRESSES: u16 = 0x0001;
    pub(in super::super) const SEEDED_KEYS: u16 = 0x0004;
    pub(in super::super) const KEYS: u16 = 0x0006;
    pub(in super::super) const COUNTERS: u16 = 0x0007;
    /// Lines of each table, and what an empty one holds.
    pub(in super::super) const SIZES: [(u16, u16, &[u8]); 4] = [
        (ADDRESSES, 257, &[0xFF; 12]),
        (SEEDED_KEYS, 200, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0, 0, 0]),
        (KEYS, 3, &[0; 24]),
        (COUNTERS, 5, &[0; 12]),
    ];
}

/// Settings: what a stick begins with, and goes back to when it is told to forget its configuration.
const SETTINGS: [(u16, &[u8]); 46] = [
    (0x0004, &[0x0A]),
    (0x0028, &[2]),
    (0x0029, &[3]),
    (0x002A, &[2]),
    (0x002B, &[7]),
    (0x002C, &[0x1E]),
    (0x002E, &[2]),
    (0x002F, &[5]),
    (0x0030, &[0x1E]),
    (id::CONCENTRATOR_ENABLE, &[1]),
    (0x0033, &[0x78]),
    (0x0034, &[0x0A]),
    (0x0035, &[0; 40]),
    (0x0036, &[1]),
    (0x0037, &[1]),
    (0x0038, &[0xFF]),
    (0x0039, &[0x0D]),
    (0x003C, &[0]),
    (0x003D, &[1]),
    (0x003E, &[0]),
    (0x0043, &[3]),
    (0x0044, &[0xB8, 0x0B]),
    (0x0045, &[2]),
    (0x0046, &[0x80, 0x3E]),
    (id::APS_USE_EXT_PANID, &[0; 8]),
    (0x0048, &[1]),
    (0x0049, &[0xFE, 0xFF]),
    (0x004B, &[2]),
    (0x004D, &[0xE8, 0x03]),
    (0x004E, &[0x0A]),
    (0x004F, &[5, 0]),
    (0x0051, &[1]),
    (0x0052, &[8]),
    (0x0053, &[8]),
    (0x0063, &[0]),
    (0x0065, &[1]),
    (0x0066, &[1]),
    (0x0067, &[0]),
    (0x006D, &[1]),
    (0x0071, &[0; 8]),
    (id::PANID, &[0xFF, 0xFF]),
    (id::CHANLIST, &[0; 4]),
    (0x0086, &[4]),
    (id::LOGICAL_TYPE, &[0]),
    (0x0088, &[0x14]),
    (id::ZDO_DIRECT_CB, &[0]),
];
/// What there is of a network while there is none.
const NO_NETWORK: [(u16, &[u8]); 5] = [
    (id::NWK_ACTIVE_KEY_INFO, &[0; 17]),
    (id::NWK_ALTERN_KEY_INFO, &[0; 17]),
    (id::APS_LINK_KEY_TABLE, &[0; 20]),
    (id::BDB_NODE_IS_ON_A_NETWORK, &[0]),
    (id::NWKKEY, &[0; 24]),
];

/// Startup options.
const CLEAR_CONFIG: u8 = 0x01;
const CLEAR_STATE: u8 = 0x02;
const CLEAR_COUNTERS: u8 = 0x80;

/// The memory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    items: BTreeMap<u16, Vec<u8>>,
    /// By table; the lines in order.
    tables: BTreeMap<u16, Vec<Vec<u8>>>,
    #[serde(skip)]
    changed: bool,
}

impl Memory {
    /// Reads what a stick has kept.
    ///
    /// # Errors
    /// [`SetupError::Memory`], saying where it is not what a stick writes.
    pub fn from_json(text: &str) -> Result<Self, SetupError> {
        serde_json::from_str(text).map_err(SetupError::Memory)
    }

    /// As text, if it has changed since.
    pub(super) fn take_change(&mut self) -> Option<String> {
        std::mem::take(&mut self.changed).then(|| serde_json::to_string(self).ok()).flatten()
    }

    /// The stick starts: what it was told to forget is forgotten, and what it needs and has not is made. `random`: keys.
    pub(super) fn boot(&mut self, chip: Ieee, random: impl FnMut() -> [u8; 16]) {
        let mut random = random;
        let options = self.item(id::STARTUP_OPTION).and_then(|bytes| bytes.first().copied()).unwrap_or_default();
        if options & CLEAR_CONFIG != 0 {
            SETTINGS.iter().for_each(|(id, _)| drop(self.items.remove(id)));
            self.items.remove(&id::PRECFGKEY);
            self.items.remove(&id::EXTENDED_PAN_ID);
        }
        if options & CLEAR_STATE != 0 {
            NO_NETWORK.iter().for_each(|(id, _)| drop(self.items.remove(id)));
            self.items.remove(&id::NIB);
            self.items.remove(&id::TCLK_SEED);
            // Frame counters outlive what is forgotten, unless they are meant.
            self.tables.retain(|table, _| *table == table::COUNTERS && options & CLEAR_COUNTERS == 0);
        }
        self.put(id::STARTUP_OPTION, &[0]);
        let own = chip.to_bytes();
        let made = [(id::EXTADDR, &own[..]), (id::EXTENDED_PAN_ID, &own)];
        for (id, bytes) in made.into_iter().chain(SETTINGS).chain(NO_NETWORK) {
            self.items.entry(id).or_insert_with(|| bytes.to_vec());
        }
        for id in [id::PRECFGKEY, id::TCLK_SEED] {
            self.items.entry(id).or_insert_with(|| random().to_vec());
        }
        for (table, lines, empty) in table::SIZES {
            self.tables.entry(table).or_insert_with(|| vec![empty.to_vec(); lines.into()]);
        }
    }

    pub(super) fn item(&self, id: u16) -> Option<&[u8]> {
        self.items.get(&id).map(Vec::as_slice)
    }

    /// The first bytes of an item.
    pub(super) fn first<const N: usize>(&self, id: u16) -> Option<[u8; N]> {
        self.item(id)?.first_chunk().copied()
    }

    /// Whether an item of one byte is 1.
    pub(super) fn is_set(&self, id: u16) -> bool {
        self.item(id) == Some(&[1])
    }

    pub(super) fn put(&mut self, id: u16, bytes: &[u8]) {
        if self.item(id) != Some(bytes) {
            self.items.insert(id, bytes.to_vec());
            self.changed = true;
        }
    }

    pub(super) fn remove(&mut self, id: u16) {
        self.changed |= self.items.remove(&id).is_some();
    }

    pub(super) fn lines(&self, table: u16) -> &[Vec<u8>] {
        self.tables.get(&table).map_or(&[], Vec::as_slice)
    }

    /// A line of a table, or an item by the number of its line.
    pub(super) fn line(&self, table: u16, line: u16) -> Option<&[u8]> {
        match table {
            table::ITEMS => self.item(line),
            _ => self.lines(table).get(usize::from(line)).map(Vec::as_slice),
        }
    }

    /// Writes a line that is there; false: it is not.
    pub(super) fn put_line(&mut self, table: u16, line: usize, bytes: &[u8]) -> bool {
        let Some(held) = self.tables.get_mut(&table).and_then(|lines| lines.get_mut(line)) else { return false };
        self.changed |= held != bytes;
        *held = bytes.to_vec();
        true
    }

    /// Makes a line what it was before anything was written to it.
    pub(super) fn clear_line(&mut self, table: u16, line: usize) {
        if let Some((_, _, empty)) = table::SIZES.iter().find(|(of, ..)| *of == table) {
            self.put_line(table, line, empty);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Memory {
        let mut memory = Memory::default();
        memory.boot(Ieee(0x0012_4B00_0000_0001), || [7; 16]);
        memory
    }

    #[test]
    fn what_it_is_told_to_forget_is_gone_after_the_next_start_and_the_counters_are_not() {
        let mut memory = fresh();
        memory.put(id::NIB, &[1; 116]);
        memory.put(id::PANID, &[0x34, 0x12]);
        // A host's own mark.
        memory.put(0x0060, &[0x55]);
        assert!(memory.put_line(table::COUNTERS, 0, &[9; 12]) && memory.put_line(table::ADDRESSES, 0, &[1; 12]));
        memory.put(id::STARTUP_OPTION, &[3]);
        memory.boot(Ieee(1), || [8; 16]);
        assert_eq!((memory.item(id::NIB), memory.item(id::PANID)), (None, Some(&[0xFF, 0xFF][..])));
        assert_eq!((memory.item(0x0060), memory.item(id::STARTUP_OPTION)), (Some(&[0x55][..]), Some(&[0][..])));
        assert_eq!(memory.item(id::EXTADDR), Some(&[1, 0, 0, 0, 0, 0x4B, 0x12, 0][..]), "its address stays");
        assert_eq!(memory.line(table::COUNTERS, 0), Some(&[9; 12][..]));
        assert_eq!(memory.line(table::ADDRESSES, 0), Some(&[0xFF; 12][..]));
    }

    #[test]
    fn what_was_kept_is_read_again() {
        let mut memory = fresh();
        memory.put(id::PANID, &[0x34, 0x12]);
        let kept = memory.take_change().unwrap();
        assert_eq!(memory.take_change(), None, "it is told once");
        assert_eq!(Memory::from_json(&kept).unwrap().item(id::PANID), Some(&[0x34, 0x12][..]));
        assert!(Memory::from_json("{}").is_err() && Memory::from_json(r#"{"items":{"1":[999]},"tables":{}}"#).is_err());
    }
}
