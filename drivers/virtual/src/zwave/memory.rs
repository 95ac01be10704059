//! The stick's memory, as far as it can be read and written: a simple image of our own that holds what the stick knows of
//! its network. What is written is in force after the next restart, as with real sticks.

use std::collections::BTreeMap;

use keyway_lock::wire::{Reader, WireError};
use keyway_zwave::node::NodeId;
use keyway_zwave::serial_api::function;

const MAGIC: [u8; 4] = *b"KWVM";
const OK: u8 = 0x00;
const ERROR: u8 = 0x01;
const MISMATCH: u8 = 0x02;
const UNSUPPORTED: u8 = 0x04;
const END: u8 = 0xFF;

/// What kind of chip a stick has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
pub enum Series {
    /// 500: its memory is read and written at any time.
    #[serde(rename = "500")]
    Five,
    /// 700: its memory is opened and closed.
    #[default]
    #[serde(rename = "700")]
    Seven,
    /// 800: the same, by the extended function too.
    #[serde(rename = "800")]
    Eight,
}

/// What a stick knows of its network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) home_id: u32,
    pub(super) own: NodeId,
    /// What it remembers of each node.
    pub(super) nodes: BTreeMap<NodeId, Vec<u8>>,
}

/// The memory.
pub(super) struct Memory {
    pub(super) series: Series,
    bytes: Vec<u8>,
    open: bool,
    written: bool,
}

impl Memory {
    pub(super) fn new(series: Series) -> Self {
        Self { series, bytes: Vec::new(), open: false, written: false }
    }

    fn size(&self) -> usize {
        match self.series {
            Series::Five => 0x4000,
            Series::Seven => 0xC000,
            // 64 KiB, which don't fit the short function's size.
            Series::Eight => 0x1_0000,
        }
    }

    /// The stick restarts: what it knows now, if its memory was written; `Some(None)`: nothing that makes sense.
    pub(super) fn restart(&mut self) -> Option<Option<Known>> {
        self.open = false;
        std::mem::take(&mut self.written).then(|| Known::read(&self.bytes).ok())
    }

    /// Carries out a function of the memory: its answer.
    pub(super) fn carry_out(
        &mut self,
        known: &Known,
        function: u8,
        reader: &mut Reader<'_>,
    ) -> Result<Vec<u8>, WireError> {
        match function {
            function::NVM_GET_ID => Ok(self.identify(known)),
            function::NVM_EXT_READ_LONG_BUFFER => self.read_long(reader),
            function::NVM_EXT_WRITE_LONG_BUFFER => self.write_long(reader),
            function::EXTENDED_NVM_BACKUP_RESTORE => self.operate(known, 4, reader),
            _ => self.operate(known, 2, reader),
        }
    }

    /// NVM Get Id.
    fn identify(&mut self, known: &Known) -> Vec<u8> {
        self.load(known);
        // Length, Macronix, flash, 16 KiB.
        vec![4, 0xC2, 0x80, 0x0E]
    }

    /// NVM Ext Read Long Buffer.
    fn read_long(&mut self, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let (offset, length) = (offset(reader.bytes("offset", 3)?), usize::from(reader.u16_be("length")?));
        Ok(self.bytes.get(offset..offset + length).unwrap_or_default().to_vec())
    }

    /// NVM Ext Write Long Buffer.
    fn write_long(&mut self, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let (offset, length) = (offset(reader.bytes("offset", 3)?), usize::from(reader.u16_be("length")?));
        let bytes = reader.bytes("data", length)?;
        Ok(vec![self.put(offset, bytes).into()])
    }

    /// NVM Backup Restore; `width`: bytes of an offset, 4 in its extended form.
    fn operate(&mut self, known: &Known, width: usize, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let answer = |status: u8, length: usize, offset: usize, bytes: &[u8]| {
            let offset = u32::try_from(offset).unwrap_or(u32::MAX).to_be_bytes();
            let length = u8::try_from(length).unwrap_or(u8::MAX);
            [&[status, length][..], &offset[4 - width..], bytes].concat()
        };
        match reader.u8("operation")? {
            0x00 => {
                self.load(known);
                self.open = true;
                // Which operations there are, in the extended form.
                let operations: &[u8] = if width == 4 { &[0x0F] } else { &[] };
                Ok(answer(OK, operations.len(), self.size(), operations))
            }
            0x01 | 0x02 if !self.open => Ok(answer(MISMATCH, 0, 0, &[])),
            0x01 => {
                let length = usize::from(reader.u8("length")?);
                let at = offset(reader.bytes("offset", width)?);
                match self.bytes.get(at..at + length) {
                    Some(bytes) => Ok(answer(self.status(at + length), length, at, bytes)),
                    None => Ok(answer(ERROR, 0, at, &[])),
                }
            }
            0x02 => {
                let length = usize::from(reader.u8("length")?);
                let at = offset(reader.bytes("offset", width)?);
                let done = self.put(at, reader.bytes("data", length)?);
                let status = if done { self.status(at + length) } else { ERROR };
                Ok(answer(status, length, at, &[]))
            }
            0x03 => {
                self.open = false;
                Ok(answer(OK, 0, 0, &[]))
            }
            _ => Ok(answer(UNSUPPORTED, 0, 0, &[])),
        }
    }

    fn status(&self, behind: usize) -> u8 {
        if behind == self.size() { END } else { OK }
    }

    fn load(&mut self, known: &Known) {
        if !self.written {
            self.bytes = known.image(self.size());
        }
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) -> bool {
        let place = self.bytes.get_mut(offset..offset + bytes.len());
        self.written |= place.is_some();
        place.map(|place| place.copy_from_slice(bytes)).is_some()
    }
}

impl Known {
    fn image(&self, size: usize) -> Vec<u8> {
        let count = u16::try_from(self.nodes.len()).unwrap_or(u16::MAX);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.home_id.to_be_bytes());
        bytes.extend(self.own.get().to_be_bytes());
        bytes.extend(count.to_be_bytes());
        for (node, information) in &self.nodes {
            bytes.extend(node.get().to_be_bytes());
            bytes.push(u8::try_from(information.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(information);
        }
        bytes.resize(size, 0xFF);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        if reader.array("magic")? != MAGIC {
            return Err(reader.invalid("magic", 0_u8));
        }
        let home_id = reader.u32_be("home id")?;
        let own = NodeId::new(reader.u16_be("own node")?).unwrap_or(NodeId::FIRST);
        let mut nodes = BTreeMap::new();
        for _ in 0..reader.u16_be("number of nodes")? {
            let node = NodeId::new(reader.u16_be("node")?);
            let length = reader.u8("length")?;
            let information = reader.bytes("node information", length.into())?.to_vec();
            nodes.extend(node.map(|node| (node, information)));
        }
        Ok(Self { home_id, own, nodes })
    }
}

fn offset(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |offset, byte| offset << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let node = NodeId::new(260).unwrap();
        Known { home_id: 0xC0FF_EE01, own: NodeId::FIRST, nodes: BTreeMap::from([(node, vec![1, 2, 3])]) }
    }

    fn operate(memory: &mut Memory, request: &[u8]) -> Vec<u8> {
        memory.operate(&known(), 2, &mut Reader::new(request)).unwrap()
    }

    #[test]
    fn the_image_holds_what_the_stick_knows() {
        assert_eq!(Known::read(&known().image(0x4000)), Ok(known()));
        assert!(Known::read(&[0xFF; 64]).is_err());
    }

    #[test]
    fn it_is_read_and_written_between_opening_and_closing_only() {
        let mut memory = Memory::new(Series::Seven);
        assert_eq!(operate(&mut memory, &[1, 4, 0, 0]), [MISMATCH, 0, 0, 0]);
        assert_eq!(operate(&mut memory, &[0]), [OK, 0, 0xC0, 0]);
        assert_eq!(operate(&mut memory, &[1, 4, 0, 0])[4..], MAGIC);
        assert_eq!(operate(&mut memory, &[1, 1, 0xBF, 0xFF])[0], END);
        assert_eq!(operate(&mut memory, &[1, 2, 0xBF, 0xFF])[0], ERROR);
        assert_eq!(operate(&mut memory, &[2, 1, 0, 7, 0x02]), [OK, 1, 0, 7]);
        operate(&mut memory, &[3]);
        let after = memory.restart().unwrap().unwrap();
        assert_eq!(after, Known { home_id: 0xC0FF_EE02, ..known() });
        assert!(memory.restart().is_none());
    }
}
