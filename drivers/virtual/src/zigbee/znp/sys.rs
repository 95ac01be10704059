//! SYS: the stick itself, and its memory (Z-Stack Monitor and Test API, section 3.8).

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::znp::mt::Command;

use super::super::network::Network;
use super::super::put::Put;
use super::memory::id as item;
use super::{Body, Znp, address, status, subsystem};

pub(super) const RESET_REQ: Command = Command(subsystem::SYS, 0x00);
const RESET_IND: Command = Command(subsystem::SYS, 0x80);

mod id {
    pub(super) const PING: u8 = 0x01;
    pub(super) const VERSION: u8 = 0x02;
    pub(super) const SET_EXTADDR: u8 = 0x03;
    pub(super) const GET_EXTADDR: u8 = 0x04;
    pub(super) const OSAL_NV_ITEM_INIT: u8 = 0x07;
    pub(super) const OSAL_NV_READ: u8 = 0x08;
    pub(super) const OSAL_NV_WRITE: u8 = 0x09;
    pub(super) const RANDOM: u8 = 0x0C;
    pub(super) const STACK_TUNE: u8 = 0x0F;
    pub(super) const OSAL_NV_DELETE: u8 = 0x12;
    pub(super) const OSAL_NV_LENGTH: u8 = 0x13;
    pub(super) const SET_TX_POWER: u8 = 0x14;
    pub(super) const OSAL_NV_READ_EXT: u8 = 0x1C;
    pub(super) const OSAL_NV_WRITE_EXT: u8 = 0x1D;
    pub(super) const NV_LENGTH: u8 = 0x32;
    pub(super) const NV_READ: u8 = 0x33;
    pub(super) const NV_WRITE: u8 = 0x34;
    pub(super) const NV_UPDATE: u8 = 0x35;
}

/// SYS, AF, ZDO, UTIL, Green Power and APP_CNF.
const CAPABILITIES: u16 = 0x0659;
/// Transport 2, Z-Stack 3.x.0, 2.7.1.
const VERSION: [u8; 5] = [2, 1, 2, 7, 1];
/// When the firmware was built.
const REVISION: u32 = 20_230_507;
/// Most bytes of an item in one answer.
const MOST_READ: usize = 248;
/// The system of the memory that is Z-Stack's own.
const ZSTACK: u8 = 1;
/// Statuses of the memory's driver (`NVINTF_*`).
const NVINTF_BAD_PARAMETER: u8 = 4;
const NVINTF_BAD_LENGTH: u8 = 5;
const NVINTF_NOT_FOUND: u8 = 10;
/// What the radio can do, in dBm.
const POWERS: std::ops::RangeInclusive<i8> = -20..=20;

impl Znp {
    /// It has started, and says why.
    pub(super) fn tell_started(&mut self, reason: u8) {
        self.tell(RESET_IND, &vec![reason].bytes(&VERSION));
    }

    pub(super) fn on_sys(&mut self, network: &mut Network, id: u8, reader: &mut Reader<'_>) -> Result<Body, WireError> {
        Ok(Some(match id {
            id::PING => Vec::new().u16(CAPABILITIES),
            // Behind its revision: it has no bootloader of its own.
            id::VERSION => VERSION.to_vec().u32(REVISION).u8(0).u32(u32::MAX),
            id::SET_EXTADDR => {
                network.own = address(reader)?;
                self.memory.put(item::EXTADDR, &network.own.to_bytes());
                vec![status::SUCCESS]
            }
            id::GET_EXTADDR => network.own.to_bytes().to_vec(),
            id::RANDOM => network.random_bytes::<2>().to_vec(),
            // Operation 0 is the power, 1 whether the receiver stays on.
            id::STACK_TUNE => vec![reader.bytes("operation and value", 2)?[1]],
            id::SET_TX_POWER => {
                let fits = POWERS.contains(&reader.u8("power")?.cast_signed());
                vec![if fits { status::SUCCESS } else { status::INVALID_PARAMETER }]
            }
            id::OSAL_NV_ITEM_INIT => self.init_item(reader)?,
            id::OSAL_NV_READ => {
                let (number, offset) = (reader.u16_le("item")?, reader.u8("offset")?.into());
                self.read_item(number, offset)
            }
            id::OSAL_NV_READ_EXT => {
                let (number, offset) = (reader.u16_le("item")?, reader.u16_le("offset")?.into());
                self.read_item(number, offset)
            }
            id::OSAL_NV_WRITE => {
                // The offset counts for whether it fits, and then for nothing.
                let (number, offset, length) = (reader.u16_le("item")?, reader.u8("offset")?, reader.u8("length")?);
                let bytes = reader.bytes("value", length.into())?;
                vec![self.write_item(number, offset.into(), 0, bytes)]
            }
            id::OSAL_NV_WRITE_EXT => {
                let (number, offset) = (reader.u16_le("item")?, usize::from(reader.u16_le("offset")?));
                let length = reader.u16_le("length")?;
                let bytes = reader.bytes("value", length.into())?;
                vec![self.write_item(number, offset, offset, bytes)]
            }
            id::OSAL_NV_DELETE => {
                let (number, length) = (reader.u16_le("item")?, reader.u16_le("length")?);
                let held = self.memory.item(number).map(<[u8]>::len);
                vec![match held {
                    None => status::NV_ITEM_UNINIT,
                    Some(held) if held != usize::from(length) => status::NV_BAD_ITEM_LEN,
                    Some(_) => {
                        self.memory.remove(number);
                        status::SUCCESS
                    }
                }]
            }
            id::OSAL_NV_LENGTH => {
                let length = self.memory.item(reader.u16_le("item")?).map_or(0, <[u8]>::len);
                Vec::new().u16(u16::try_from(length).unwrap_or(u16::MAX))
            }
            id::NV_LENGTH => {
                let length =
                    place(reader)?.and_then(|(table, line)| self.memory.line(table, line)).map_or(0, <[u8]>::len);
                Vec::new().u32(u32::try_from(length).unwrap_or(u32::MAX))
            }
            id::NV_READ => {
                let place = place(reader)?;
                let (offset, length) = (usize::from(reader.u16_le("offset")?), usize::from(reader.u8("length")?));
                let held = place.and_then(|(table, line)| self.memory.line(table, line));
                let length = length.min(MOST_READ);
                match held.map(|held| held.get(offset..offset + length)) {
                    None => vec![NVINTF_NOT_FOUND, 0],
                    Some(None) => vec![NVINTF_BAD_LENGTH, 0],
                    Some(Some(bytes)) => vec![status::SUCCESS].counted(bytes),
                }
            }
            id::NV_WRITE | id::NV_UPDATE => {
                let place = place(reader)?;
                let offset = if id == id::NV_WRITE { reader.u16_le("offset")? } else { 0 };
                let length = reader.u8("length")?;
                let bytes = reader.bytes("value", length.into())?;
                vec![self.write_line(place, offset, bytes)]
            }
            _ => return Ok(None),
        }))
    }

    /// Makes an item, where there is none.
    fn init_item(&mut self, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let (number, length) = (reader.u16_le("item")?, usize::from(reader.u16_le("length")?));
        let given = reader.u8("initial length")?;
        let mut bytes = reader.bytes("initial value", given.into())?.to_vec();
        if self.memory.item(number).is_some() {
            return Ok(vec![status::SUCCESS]);
        }
        bytes.resize(length, 0xFF);
        self.memory.put(number, &bytes);
        Ok(vec![status::NV_ITEM_UNINIT])
    }

    fn read_item(&self, number: u16, offset: usize) -> Vec<u8> {
        match self.memory.item(number).and_then(|held| held.get(offset..)).filter(|rest| !rest.is_empty()) {
            Some(rest) => vec![status::SUCCESS].counted(&rest[..rest.len().min(MOST_READ)]),
            None => vec![status::INVALID_PARAMETER, 0],
        }
    }

    /// Writes bytes at `at` to an item that is there, if they would fit at `offset`.
    fn write_item(&mut self, number: u16, offset: usize, at: usize, bytes: &[u8]) -> u8 {
        let Some(held) = self.memory.item(number) else { return status::INVALID_PARAMETER };
        if offset + bytes.len() > held.len() {
            return status::INVALID_PARAMETER;
        }
        let mut value = held.to_vec();
        value[at..at + bytes.len()].copy_from_slice(bytes);
        self.memory.put(number, &value);
        status::SUCCESS
    }

    fn write_line(&mut self, place: Option<(u16, u16)>, offset: u16, bytes: &[u8]) -> u8 {
        match place {
            // Only whole items can be written.
            _ if offset != 0 => NVINTF_BAD_PARAMETER,
            Some((super::memory::table::ITEMS, number)) => {
                self.memory.put(number, bytes);
                status::SUCCESS
            }
            Some((table, line)) if self.memory.put_line(table, line.into(), bytes) => status::SUCCESS,
            _ => NVINTF_NOT_FOUND,
        }
    }
}

/// System, table and line; `None`: of another system than Z-Stack's.
fn place(reader: &mut Reader<'_>) -> Result<Option<(u16, u16)>, WireError> {
    let system = reader.u8("system")?;
    let place = (reader.u16_le("table")?, reader.u16_le("line")?);
    Ok((system == ZSTACK).then_some(place))
}
